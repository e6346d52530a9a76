// One customer: whom to call, what is open, what happened.
import { h, icon, sheet, toast } from '../dom.js';
import { combineLatest } from 'rxjs';
import { day, daysFromToday, label, moment, money } from '../formats.js';
import { stages } from '../reference.js';
import { add, row, rows } from '../store.js';
import { t } from '../words.js';

const MOST = 40;
const KINDS = ['note', 'call', 'visit', 'meeting', 'email'];

export function customer(scope, id) {
    const title = scope.live(row('account', id), (one) => one?.name ?? '', 'span');
    const content = [
        scope.live(row('account', id), (one) => (one ? head(one) : h('p', { class: 'empty' }, t('gone')))),
        section(scope, 'openDeals', rows('opportunity', { accountId: id, stageType: 'open' }), dealLine),
        section(scope, 'contacts', rows('contact', { accountId: id }), contactLine),
        section(scope, 'tickets', rows('ticket', { accountId: id }), ticketLine),
        section(scope, 'tasks', rows('task', { accountId: id, status: { $in: ['todo', 'in_progress'] } }), taskLine),
        timeline(scope, id),
    ];
    return { title, content };
}

function head(one) {
    const facts = [one.tier && `${one.tier}`, label('type', one.type), label('industry', one.industry)].filter(Boolean).join(' · ');
    return h('section', { class: 'head' },
        h('p', { class: 'facts' }, facts),
        one.description && h('p', {}, one.description),
        h('div', { class: 'actions' },
            one.phone && h('a', { class: 'quiet', href: `tel:${one.phone}` }, icon('call'), t('call')),
            one.email && h('a', { class: 'quiet', href: `mailto:${one.email}` }, icon('mail'), t('write')),
            h('button', { class: 'primary', onclick: () => writeNote({ accountId: one.id }) }, icon('add'), t('note'))));
}

/** Return a list under a heading; nothing at all while it is empty. */
function section(scope, heading, found, line) {
    return scope.live(found, (all) => all.length > 0 && h('section', {}, h('h2', {}, t(heading)), h('ul', { class: 'list' }, all.map(line))));
}

function dealLine(one) {
    const stage = stages(one.pipelineId).find((known) => known.key === one.stage);
    return h('li', {}, h('a', { href: `#/deal/${one.id}` },
        h('span', { class: 'grow' }, h('strong', {}, one.name), h('small', {}, [stage?.name ?? one.stage, day(one.expectedCloseDate)].filter(Boolean).join(' · '))),
        h('span', { class: 'money' }, money(one.amount, one.currency))));
}

function contactLine(one) {
    return h('li', { class: 'row' },
        h('span', { class: 'grow' }, h('strong', {}, one.fullName), h('small', {}, [one.title, one.department].filter(Boolean).join(' · '))),
        one.phone && !one.doNotCall && h('a', { class: 'plain', href: `tel:${one.phone}`, 'aria-label': `${t('call')} ${one.fullName}` }, icon('call')),
        one.email && h('a', { class: 'plain', href: `mailto:${one.email}`, 'aria-label': `${t('write')} ${one.fullName}` }, icon('mail')));
}

const ticketLine = (one) => h('li', {}, h('a', { href: `#/ticket/${one.id}` },
    h('span', { class: 'grow' }, h('strong', {}, one.subject), h('small', {}, [one.number, label('status', one.status)].filter(Boolean).join(' · '))), icon('next')));

const taskLine = (one) => h('li', {}, h('a', { href: '#/tasks' },
    h('span', { class: 'grow' }, h('strong', {}, one.title)),
    one.dueAt && h('span', { class: daysFromToday(one.dueAt) < 0 ? 'when late' : 'when' }, day(one.dueAt))));

function timeline(scope, accountId) {
    const both = combineLatest([rows('activity', { accountId }), rows('contact', { accountId })]);
    return scope.live(both, ([all, contacts]) => {
        const names = new Map(contacts.map((one) => [one.id, one.fullName]));
        const latest = all.sort((a, b) => (b.at ?? '').localeCompare(a.at ?? '')).slice(0, MOST);
        return h('section', {}, h('h2', {}, t('timeline')), latest.length
            ? h('ol', { class: 'timeline' }, latest.map((one) => happened(one, names)))
            : h('p', { class: 'empty' }, t('nothingYet')));
    });
}

function happened(one, names) {
    const who = names.get(one.contactId);
    return h('li', {},
        h('small', {}, [label('activity', one.type), who, one.at && moment(one.at)].filter(Boolean).join(' · ')),
        one.subject && h('strong', {}, one.subject),
        one.summary && h('p', {}, one.summary));
}

/** Ask what happened and keep it as an activity of `about`: {accountId, contactId?, opportunityId?}. */
export function writeNote(about) {
    sheet(t('newNote'), (close) => {
        const kind = h('select', { id: 'note-kind' }, KINDS.map((one) => h('option', { value: one }, label('activity', one))));
        const text = h('textarea', { id: 'note-text', rows: '5', required: true, maxlength: '5000' });
        const onsubmit = async (event) => {
            event.preventDefault();
            await add('activity', { ...about, type: kind.value, at: new Date().toISOString(), summary: text.value.trim() });
            close();
            toast(t('saved'));
        };
        return h('form', { onsubmit },
            h('div', { class: 'field' }, h('label', { for: 'note-text' }, t('noteText')), text),
            h('div', { class: 'field' }, h('label', { for: 'note-kind' }, t('kind')), kind),
            h('button', { class: 'primary', type: 'submit' }, t('save')));
    });
}
