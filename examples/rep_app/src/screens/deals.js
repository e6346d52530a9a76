// The board, a lane for each stage to swipe through, and one deal.
import { combineLatest, filter } from 'rxjs';
import { h, icon, toast } from '../dom.js';
import { day, daysFromToday, label, money, readAmount, sums } from '../formats.js';
import { stages } from '../reference.js';
import { change, row, rows } from '../store.js';
import { t } from '../words.js';
import { writeNote } from './customer.js';

const REASONS = ['price', 'noBudget', 'competitor', 'missingFeature', 'noDecision'];

export function deals(scope) {
    const lanes = stages().map((stage) => lane(scope, stage));
    const jump = (index) => lanes[index].scrollIntoView({ inline: 'start', block: 'nearest' });
    const names = h('div', { class: 'stages' }, stages().map((stage, index) => h('button', { onclick: () => jump(index) },
        stage.name, scope.live(rows('opportunity', { stage: stage.key }), (found) => String(found.length), 'b'))));
    const board = h('div', { class: 'board', tabindex: '0', role: 'group', 'aria-label': t('deals') }, lanes);
    const mark = (here) => [...names.children].forEach((one, index) => one.setAttribute('aria-current', index === here));
    board.addEventListener('scroll', () => mark(Math.round(board.scrollLeft / lanes[0].offsetWidth)), { passive: true });
    mark(0);
    return { title: t('deals'), content: [names, board] };
}

function lane(scope, stage) {
    const found = combineLatest([rows('opportunity', { stage: stage.key }), rows('account')]);
    return scope.live(found, ([open, accounts]) => {
        const names = new Map(accounts.map((one) => [one.id, one.name]));
        const order = (one) => one.expectedCloseDate ?? '9';
        return [
            h('h2', {}, stage.name, h('span', { class: 'money' }, sums(open))),
            open.length === 0 && h('p', { class: 'empty' }, t('noDealsHere')),
            open.sort((a, b) => order(a).localeCompare(order(b))).map((one) => card(one, names.get(one.accountId), stage)),
        ];
    }, 'section', { class: 'lane', 'data-type': stage.type });
}

function card(one, accountName, stage) {
    const late = stage.type === 'open' && one.expectedCloseDate && daysFromToday(`${one.expectedCloseDate}T00:00`) < 0;
    return h('a', { class: 'card', href: `#/deal/${one.id}`, 'data-key': one.id },
        h('strong', {}, one.name), h('small', {}, accountName ?? ''),
        h('span', { class: 'between' }, h('span', { class: 'money' }, money(one.amount, one.currency)),
            one.expectedCloseDate && h('span', { class: late ? 'when late' : 'when' }, t('closesOn', { day: day(one.expectedCloseDate) }))),
        one.nextStep && stage.type === 'open' && h('p', { class: 'next' }, one.nextStep));
}

export function deal(scope, id) {
    const title = scope.live(row('opportunity', id), (one) => one?.name ?? '', 'span');
    const about = combineLatest([row('opportunity', id), rows('account')]);
    const head = scope.live(about, ([one, accounts]) => {
        if (!one) return h('p', { class: 'empty' }, t('gone'));
        const name = accounts.find((known) => known.id === one.accountId)?.name;
        return h('section', { class: 'head' },
            h('p', { class: 'sum' }, money(one.amount, one.currency)),
            name && h('p', {}, h('a', { href: `#/customer/${one.accountId}` }, name)),
            one.description && h('p', {}, one.description),
            h('div', { class: 'actions' }, h('button', { class: 'quiet', onclick: () => writeNote({ accountId: one.accountId, opportunityId: id }) }, icon('add'), t('note'))));
    });
    let isTyped = false; // what comes from elsewhere does not take a half-written form away
    const form = scope.live(row('opportunity', id).pipe(filter(() => !isTyped)), (one) => one && edit(one, () => { isTyped = false; }));
    form.addEventListener('input', () => { isTyped = true; });
    return { title, content: [head, form] };
}

/** Return the form of a deal. Only what was changed in it is written, so that a colleague's other changes stay. */
function edit(one, whenSaved) {
    const known = stages(one.pipelineId);
    const field = (name, control) => h('div', { class: 'field' }, h('label', { for: name }, t(name)), control);
    const stage = h('select', { id: 'stage', 'data-key': 'stage' }, known.map(({ key, name }) => h('option', { value: key }, name)));
    const amount = h('input', { id: 'amount', 'data-key': 'amount', inputmode: 'decimal', autocomplete: 'off', value: one.amount ?? '', 'aria-describedby': 'deal-error' });
    const closes = h('input', { id: 'closes', 'data-key': 'closes', type: 'date', value: one.expectedCloseDate ?? '' });
    const next = h('textarea', { id: 'nextStep', 'data-key': 'nextStep', rows: '2', value: one.nextStep ?? '' });
    const reason = h('select', { id: 'lossReason', 'data-key': 'lossReason' }, h('option', { value: '' }, '–'),
        [...new Set([...REASONS, one.lossReason].filter(Boolean))].map((key) => h('option', { value: key }, label('loss', key))));
    stage.value = one.stage ?? '';
    reason.value = one.lossReason ?? '';
    const reasonField = field('lossReason', reason);
    const error = h('p', { class: 'error', role: 'alert', id: 'deal-error' });
    const typeOf = () => known.find(({ key }) => key === stage.value)?.type;
    const adapt = () => { reasonField.hidden = typeOf() !== 'lost'; };
    stage.addEventListener('change', adapt);
    adapt();

    async function onsubmit(event) {
        event.preventDefault();
        const sum = readAmount(amount.value);
        const wrong = sum === undefined ? 'badAmount' : typeOf() === 'won' && sum === null ? 'needAmount' : typeOf() === 'lost' && !reason.value ? 'needReason' : null;
        error.textContent = wrong ? t(wrong) : '';
        if (wrong) return;
        const typed = { stage: stage.value, stageType: typeOf(), amount: sum, expectedCloseDate: closes.value || null, nextStep: next.value.trim(), lossReason: typeOf() === 'lost' ? reason.value : one.lossReason };
        const changed = Object.entries(typed).filter(([name, value]) => (value ?? '') !== (one[name] ?? ''));
        whenSaved();
        if (changed.length) await change('opportunity', one.id, Object.fromEntries(changed));
        toast(t('saved'));
    }
    return h('form', { class: 'panel', onsubmit, novalidate: true },
        field('stage', stage), reasonField, field('amount', amount), field('closes', closes), field('nextStep', next), error,
        h('button', { class: 'primary', type: 'submit' }, t('save')));
}
