// What customers asked, and what was said.
import { combineLatest, distinctUntilChanged, map, of, switchMap } from 'rxjs';
import { h, icon } from '../dom.js';
import { label, moment } from '../formats.js';
import { add, row, rows } from '../store.js';
import { t } from '../words.js';

const CLOSED = ['resolved', 'closed'];

export function tickets(scope) {
    const found = combineLatest([rows('ticket'), rows('account')]);
    const list = scope.live(found, ([all, accounts]) => {
        if (!all.length) return h('p', { class: 'empty' }, t('noTickets'));
        const names = new Map(accounts.map((one) => [one.id, one.name]));
        const groups = Map.groupBy(all, ({ status }) => (CLOSED.includes(status) ? 'closed' : 'open'));
        return ['open', 'closed'].filter((group) => groups.has(group)).map((group) => h('section', {}, h('h2', {}, t(group)),
            h('ul', { class: 'list' }, groups.get(group).sort((a, b) => (b.openedAt ?? '9').localeCompare(a.openedAt ?? '9')).map((one) => line(one, names.get(one.accountId))))));
    });
    return { title: t('tickets'), content: [list] };
}

const line = (one, accountName) => h('li', {}, h('a', { href: `#/ticket/${one.id}`, 'data-key': one.id },
    h('span', { class: 'grow' }, h('strong', {}, one.subject), h('small', {}, [one.number, accountName].filter(Boolean).join(' · '))),
    h('span', { class: 'state', 'data-state': one.status ?? '' }, label('status', one.status))));

export function ticket(scope, id) {
    const title = scope.live(row('ticket', id), (one) => one?.number || t('tickets'), 'span');
    const head = scope.live(row('ticket', id), (one) => (one ? h('section', { class: 'head' },
        h('h2', { class: 'subject' }, one.subject),
        h('p', { class: 'facts' }, [label('status', one.status), label('priority', one.priority)].filter(Boolean).join(' · ')),
        one.accountId && h('p', {}, accountLink(scope, one.accountId))) : h('p', { class: 'empty' }, t('gone'))));
    const conversation = row('ticket', id).pipe(map((one) => one?.conversationId ?? null), distinctUntilChanged());
    const said = conversation.pipe(switchMap((conversationId) => (conversationId ? rows('message', { conversationId }) : of(null))));
    const words = scope.live(said, (all) => (all
        ? h('ol', { class: 'said' }, all.sort((a, b) => (a.at ?? '9').localeCompare(b.at ?? '9')).map(bubble))
        : h('p', { class: 'empty' }, t('noConversation'))));
    const box = scope.live(conversation, (conversationId) => conversationId && answer(conversationId), 'div', { class: 'reply-place' });
    return { title, content: [head, words, box] };
}

const accountLink = (scope, id) => scope.live(row('account', id), (one) => one && h('a', { href: `#/customer/${id}` }, one.name), 'span');

function bubble(one) {
    const isOurs = one.direction !== 'inbound';
    const who = one.direction === 'internal' ? 'internal' : one.authorKind === 'bot' ? 'bot' : isOurs ? 'us' : 'them';
    return h('li', { class: isOurs ? 'ours' : 'theirs', 'data-who': who },
        h('small', {}, `${t(who)} · ${one.at ? moment(one.at) : t('waitsToBeSent')}`), h('p', {}, one.body));
}

function answer(conversationId) {
    const text = h('textarea', { id: 'reply', 'data-key': 'reply', rows: '2', maxlength: '20000', 'aria-label': t('replyTo'), placeholder: t('replyTo') });
    const onsubmit = async (event) => {
        event.preventDefault();
        const body = text.value.trim();
        if (!body) return;
        text.value = '';
        await add('message', { conversationId, body, direction: 'outbound' });
    };
    return h('form', { class: 'reply', onsubmit }, text, h('button', { class: 'primary', type: 'submit' }, t('reply')));
}
