// How the exchange stands, what did not go through, and the settings of this device.
import { switchMap } from 'rxjs';
import { h, icon, sheet, toast } from '../dom.js';
import { label, moment, money } from '../formats.js';
import { chooseLanguage, chooseTheme, language, theme } from '../preferences.js';
import { reference, stages } from '../reference.js';
import { currentSession } from '../session.js';
import { add, change, peek, remove, rows, syncNow } from '../store.js';
import { nameOf, syncState } from '../sync_state.js';
import { t } from '../words.js';

export function syncScreen(scope) {
    return {
        title: t('syncAndSettings'),
        content: [
            scope.live(syncState, state),
            h('section', { class: 'conflicts' }, h('h2', {}, t('conflictsTitle')), conflicts(scope)),
            scope.live(syncState, ({ pending }) => pending.length > 0 && h('section', { class: 'pending' }, h('h2', {}, t('pendingTitle')),
                h('ul', { class: 'list' }, pending.map(({ kind, name }) => h('li', { class: 'row' },
                    h('span', { class: 'grow' }, h('strong', {}, name), h('small', {}, label('collection', kind)))))))),
            settings(),
        ],
    };
}

function state({ online, active, pending, heard, isLeader }) {
    const word = !online ? 'offline' : active ? 'syncing' : pending.length ? 'waiting' : 'upToDate';
    return h('section', { class: 'state-of-sync', 'data-state': word },
        h('p', { class: 'sum' }, icon(online ? (word === 'upToDate' ? 'check' : 'sync') : 'away'), t(word, { n: pending.length })),
        h('p', {}, t('lastHeard', { time: heard ? moment(heard) : t('never') })),
        !isLeader && h('p', {}, t('otherTab')),
        h('button', { class: 'quiet', 'data-key': 'sync', onclick: syncNow }, icon('sync'), t('syncNow')));
}

// ------------------------------------------------------------------------------------------------------- conflicts

function conflicts(scope) {
    const withRecords = rows('syncRejection').pipe(switchMap(async (all) => Promise.all(all.map(async (lost) => ({
        ...lost,
        kind: camel(lost.collectionName),
        lost: JSON.parse(lost.lost || '{}'),
        now: await peek(camel(lost.collectionName), lost.recordId).catch(() => null),
    })))));
    return scope.live(withRecords, (all) => (all.length
        ? all.sort((a, b) => b.createdAt.localeCompare(a.createdAt)).map(conflict)
        : h('p', { class: 'empty' }, t('noConflicts'))));
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

function conflict(one) {
    const columns = Object.keys(one.lost);
    const canApply = columns.length > 0 && (one.now || one.reason !== 'conflict');
    return h('article', { class: 'conflict' },
        h('h3', {}, icon('alert'), `${label('collection', one.kind)}${nameOf(one.now ?? one.lost) ? ` · ${nameOf(one.now ?? one.lost)}` : ''}`),
        h('p', {}, one.reason === 'conflict' ? t('conflictLead') : one.message),
        columns.length > 0 && h('dl', {}, columns.map((column) => [
            h('dt', {}, label('column', column)),
            h('dd', {}, h('small', {}, t('yours')), h('b', {}, shown(column, one.lost[column], one.now))),
            one.now && h('dd', {}, h('small', {}, t('kept')), h('span', {}, shown(column, one.now[column], one.now))),
        ])),
        h('div', { class: 'actions' },
            canApply && h('button', { class: 'primary', 'data-key': `apply-${one.id}`, onclick: () => applyAgain(one) }, t('applyAgain')),
            h('button', { class: 'quiet', 'data-key': `leave-${one.id}`, onclick: () => remove('syncRejection', one.id) }, t(one.reason === 'conflict' ? 'letGo' : 'dismiss'))));
}

function shown(column, value, record) {
    if (value === null || value === undefined || value === '') return t('empty');
    if (column === 'amount') return money(String(value), record?.currency);
    if (column === 'stage') return stages(record?.pipelineId).find(({ key }) => key === value)?.name ?? value;
    if (column.endsWith('At')) return moment(value);
    return column === 'status' ? label('status', value) : String(value);
}

/** Write the values that lost once more, upon what the record is now; a refused new record is made anew. */
async function applyAgain({ id, kind, recordId, now, lost }) {
    if (now) await change(kind, recordId, lost);
    else await add(kind, lost);
    await remove('syncRejection', id);
    toast(t('applied'));
}

// -------------------------------------------------------------------------------------------------------- settings

function settings() {
    const redraw = () => dispatchEvent(new Event('rapport:redraw'));
    const languages = choice('language', { en: 'English', zh: '中文' }, language(), (chosen) => { chooseLanguage(chosen); redraw(); });
    const themes = choice('theme', { system: t('system'), light: t('light'), dark: t('dark') }, theme(), chooseTheme);
    return h('section', { class: 'settings' }, h('h2', {}, t('settings')),
        h('div', { class: 'panel' },
            h('fieldset', {}, h('legend', {}, t('languageTitle')), languages),
            h('fieldset', {}, h('legend', {}, t('themeTitle')), themes),
            h('p', { class: 'facts' }, t('signedInAs', { email: reference().me?.name ?? currentSession().email })),
            h('button', { class: 'danger', onclick: askToSignOut }, t('signOut'))));
}

function choice(name, options, chosen, choose) {
    return h('div', { class: 'choice' }, Object.entries(options).map(([value, words]) => h('label', {},
        h('input', { type: 'radio', name, value, checked: value === chosen, 'data-key': `${name}-${value}`, onchange: () => choose(value) }), h('span', {}, words))));
}

function askToSignOut() {
    const waits = syncState.value.pending.length;
    sheet(t('signOutTitle'), (close) => {
        const leave = () => {
            close();
            dispatchEvent(new Event('rapport:sign-out'));
        };
        return h('div', {}, h('p', {}, t('signOutLead')), waits > 0 && h('p', { class: 'error' }, t('loses', { n: waits })),
            h('div', { class: 'actions' }, h('button', { class: 'danger', onclick: leave }, t('signOut')), h('button', { class: 'quiet', onclick: close }, t('cancel'))));
    });
}
