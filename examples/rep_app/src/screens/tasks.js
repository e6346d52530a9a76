// What is to be done, by when it is due.
import { combineLatest } from 'rxjs';
import { h, icon, sheet, toast } from '../dom.js';
import { day, daysFromToday, label } from '../formats.js';
import { currentSession } from '../session.js';
import { add, change, rows } from '../store.js';
import { t } from '../words.js';

const GROUPS = ['overdue', 'today', 'later', 'undated', 'done'];
const MOST_DONE = 10;
const END_OF_DAY = 'T18:00';

export function tasks(scope) {
    const mine = currentSession().userId;
    const found = combineLatest([rows('task'), rows('account')]);
    const list = scope.live(found, ([all, accounts]) => {
        const names = new Map(accounts.map((one) => [one.id, one.name]));
        const groups = Map.groupBy(all.filter((one) => (one.assigneeId ?? mine) === mine), groupOf);
        const shown = GROUPS.filter((group) => groups.has(group)).map((group) => section(group, groups.get(group), names));
        return shown.length ? shown : h('p', { class: 'empty' }, t('allDone'));
    });
    const action = h('button', { class: 'plain', 'aria-label': t('newTask'), onclick: addTask }, icon('add'));
    return { title: t('tasks'), content: [list], action };
}

function groupOf({ status, dueAt }) {
    if (status === 'done') return 'done';
    if (status === 'cancelled') return 'cancelled';
    if (!dueAt) return 'undated';
    const away = daysFromToday(dueAt);
    if (away < 0) return 'overdue';
    return away === 0 ? 'today' : 'later';
}

function section(group, found, names) {
    const sorted = group === 'done'
        ? found.sort((a, b) => (b.completedAt ?? '9').localeCompare(a.completedAt ?? '9')).slice(0, MOST_DONE)
        : found.sort((a, b) => (a.dueAt ?? '').localeCompare(b.dueAt ?? ''));
    return h('section', { 'data-group': group }, h('h2', {}, t(group)), h('ul', { class: 'list' }, sorted.map((one) => line(one, names.get(one.accountId)))));
}

function line(one, accountName) {
    const isDone = one.status === 'done';
    const tick = h('input', { type: 'checkbox', 'data-key': one.id, checked: isDone, 'aria-label': t('markDone', { title: one.title }),
        onchange: () => change('task', one.id, { status: isDone ? 'todo' : 'done' }) });
    const about = [accountName, ['high', 'urgent'].includes(one.priority) && label('priority', one.priority)].filter(Boolean).join(' · ');
    return h('li', { class: isDone ? 'row done' : 'row' },
        h('label', { class: 'tick' }, tick),
        h('span', { class: 'grow' }, h('strong', {}, one.title), h('small', {}, one.accountId ? h('a', { href: `#/customer/${one.accountId}` }, about) : about)),
        one.dueAt && !isDone && h('span', { class: daysFromToday(one.dueAt) < 0 ? 'when late' : 'when' }, day(one.dueAt)));
}

function addTask() {
    sheet(t('newTask'), (close) => {
        const title = h('input', { id: 'task-title', maxlength: '300', autocomplete: 'off', 'aria-describedby': 'task-error' });
        const due = h('input', { id: 'task-due', type: 'date' });
        const error = h('p', { class: 'error', role: 'alert', id: 'task-error' });
        const onsubmit = async (event) => {
            event.preventDefault();
            if (!title.value.trim()) return void (error.textContent = t('needTitle'));
            const dueAt = due.value ? new Date(due.value + END_OF_DAY).toISOString() : null;
            await add('task', { title: title.value.trim(), status: 'todo', assigneeId: currentSession().userId, dueAt });
            close();
            toast(t('saved'));
        };
        return h('form', { onsubmit, novalidate: true },
            h('div', { class: 'field' }, h('label', { for: 'task-title' }, t('taskTitle')), title),
            h('div', { class: 'field' }, h('label', { for: 'task-due' }, t('due')), due),
            error, h('button', { class: 'primary', type: 'submit' }, t('add')));
    });
}
