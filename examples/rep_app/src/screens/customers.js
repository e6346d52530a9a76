// All customers of this device, with a search that needs no network.
import { combineLatest, BehaviorSubject } from 'rxjs';
import { h, icon } from '../dom.js';
import { day, label, sums } from '../formats.js';
import { rows } from '../store.js';
import { syncState } from '../sync_state.js';
import { t } from '../words.js';

const PAGE = 60;
const asked = new BehaviorSubject({ text: '', most: PAGE });

export function customers(scope) {
    const input = h('input', { type: 'search', id: 'search', placeholder: t('search'), 'aria-label': t('search'), value: asked.value.text });
    input.addEventListener('input', () => asked.next({ text: input.value, most: PAGE }));
    const all = combineLatest([rows('account'), rows('opportunity', { stageType: 'open' }), asked, syncState]);
    const list = scope.live(all, ([accounts, open, { text, most }, { first, isLeader }]) => {
        const found = matching(accounts, text);
        if (!found.length) return h('p', { class: 'empty' }, text ? t('noMatch', { text }) : t(first && isLeader ? 'loading' : 'noCustomers'));
        const byAccount = Map.groupBy(open, (one) => one.accountId);
        return [
            h('ul', { class: 'list' }, found.slice(0, most).map((one) => line(one, byAccount.get(one.id) ?? []))),
            found.length > most && h('button', { class: 'quiet', onclick: () => asked.next({ text, most: most + PAGE }) }, t('showMore', { n: Math.min(PAGE, found.length - most) })),
        ];
    });
    return { title: t('customers'), content: [h('div', { class: 'search' }, icon('search'), input), list] };
}

function matching(accounts, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (one) => words.every((word) => [one.name, one.industry, label('industry', one.industry), one.email, one.phone].some((part) => part?.toLowerCase().includes(word)));
    return accounts.filter(has).sort((a, b) => (b.lastActivityAt ?? '').localeCompare(a.lastActivityAt ?? '') || a.name.localeCompare(b.name));
}

function line(one, open) {
    return h('li', {}, h('a', { href: `#/customer/${one.id}`, 'data-key': one.id },
        h('span', { class: 'tier', 'data-tier': one.tier ?? '' }, one.tier || '–'),
        h('span', { class: 'grow' },
            h('strong', {}, one.name),
            h('span', { class: 'between' },
                h('small', {}, [label('industry', one.industry), one.type !== 'customer' && label('type', one.type), day(one.lastActivityAt)].filter(Boolean).join(' · ')),
                h('span', { class: 'money' }, sums(open))))));
}
