// The app: signs in or opens what is here, then shows the screen that the address names.
import { concat, debounceTime, distinctUntilChanged, map, of } from 'rxjs';
import { h, icon, Scope, toast } from './dom.js';
import { fetchReference } from './reference.js';
import { customers } from './screens/customers.js';
import { customer } from './screens/customer.js';
import { deal, deals } from './screens/deals.js';
import { signInScreen } from './screens/sign_in.js';
import { syncScreen } from './screens/sync.js';
import { tasks } from './screens/tasks.js';
import { ticket, tickets } from './screens/tickets.js';
import { currentSession, endSession, forgetSession, whenSessionEnds } from './session.js';
import { eraseStore, openStore, rows, startSync, stopSync } from './store.js';
import { syncState, tell } from './sync_state.js';
import { t } from './words.js';

const TABS = [['customers', 'people'], ['deals', 'deals'], ['tasks', 'tasks'], ['tickets', 'tickets'], ['more', 'sync']];
const SCREENS = { customers, customer, deals, deal, tasks, tickets, ticket, more: syncScreen };
const PARENTS = { customer: 'customers', deal: 'deals', ticket: 'tickets' };

const root = document.getElementById('app');
let scope = new Scope();
let frame = null;
const scrolled = new Map(); // how far each screen was scrolled, for those who come back
let shown = '';

function show() {
    if (!currentSession()) return;
    const [name = '', id = ''] = location.hash.replace(/^#\/?/, '').split('/');
    const screen = Object.hasOwn(SCREENS, name) ? name : 'customers';
    if (frame && shown) scrolled.set(shown, frame.main.scrollTop);
    shown = location.hash;
    scope.end();
    scope = new Scope();
    frame = draw(screen);
    const { title, content, action } = SCREENS[screen](scope, id);
    frame.title.append(title);
    frame.action.replaceChildren(action ?? '');
    frame.main.append(...content);
    frame.main.dataset.screen = screen;
    root.replaceChildren(frame.bar, frame.notice, frame.main, frame.tabs);
    document.title = 'Rapport';
    const here = scope;
    here.filled.then(() => { if (here === scope) frame.main.scrollTop = scrolled.get(shown) ?? 0; });
    frame.title.focus({ preventScroll: true });
}

function draw(screen) {
    const parent = PARENTS[screen];
    const title = h('h1', { tabindex: '-1' });
    const action = h('div', { class: 'action' });
    const back = parent && h('a', { class: 'plain', href: `#/${parent}`, 'aria-label': t('back'), onclick: goBack }, icon('back'));
    return {
        title,
        action,
        main: h('main', {}),
        bar: h('header', { class: 'bar' }, back, title, action, scope.live(calm(), chip, 'a', { href: '#/more', class: 'chip' })),
        notice: scope.live(calm(), notice, 'div', { role: 'status' }),
        tabs: h('nav', { class: 'tabs' }, TABS.map(([name, picture]) => tab(name, picture, name === screen || name === parent))),
    };
}

function goBack(event) {
    if (history.length < 2 || !scrolled.size) return; // opened at this very screen: the link leads up
    event.preventDefault();
    history.back();
}

function tab(name, picture, isHere) {
    const badge = name === 'more' && scope.live(rows('syncRejection'), (lost) => lost.length > 0 && h('b', {}, String(lost.length)), 'span', { class: 'badge' });
    return h('a', { href: `#/${name}`, 'aria-current': isHere ? 'page' : null }, icon(picture), badge, h('span', {}, t(name)));
}

/** The state of the exchange without its flicker. */
const calm = () => concat(of(syncState.value), syncState.pipe(debounceTime(250))).pipe(
    map(({ online, ended, active, pending }) => ({ online, ended, active, waits: pending.length })),
    distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
);

function chip({ online, active, waits }) {
    if (waits) return [icon(online ? 'sync' : 'away'), h('span', {}, t('waiting', { n: waits }))];
    if (!online) return [icon('away'), h('span', {}, t('offline'))];
    return [icon(active ? 'sync' : 'check'), h('span', { class: 'unseen' }, t(active ? 'syncing' : 'upToDate'))];
}

function notice({ online, ended }) {
    if (ended) return h('p', { class: 'notice' }, t('endedBanner'), ' ', h('button', { class: 'link', onclick: askToSignIn }, t('signInAgain')));
    return !online && h('p', { class: 'notice' }, t('offlineBanner'));
}

// ------------------------------------------------------------------------------------------------- coming and going

function askToSignIn(_, message = '') {
    scope.end();
    root.replaceChildren(signInScreen({ message, enter, erase, again: askToSignIn }));
}

/** Open the app for whoever signed in just now. */
async function enter({ isSamePerson }) {
    await fetchReference().catch((refusal) => console.warn('no reference data yet:', refusal.message));
    if (!isSamePerson) {
        await openStore();
        history.replaceState(null, '', '#/customers'); // not where somebody else left off
    }
    startSync();
    show();
}

/** Forget what this device holds. Language and light stay: they are the device's. */
async function erase() {
    await eraseStore();
    for (const key of ['rapport.reference', 'rapport.heard', 'rapport.whole']) localStorage.removeItem(key);
    tell({ pending: [], ended: false, first: true });
    scrolled.clear();
}

let isWiping = false;
async function wipe() {
    if (isWiping) return;
    isWiping = true;
    await leave();
    isWiping = false;
    askToSignIn(null, t('wiped'));
}

async function leave() {
    forgetSession();
    await erase();
}

async function signOut() {
    await stopSync();
    await endSession();
    await leave();
    location.hash = '';
    askToSignIn();
}

whenSessionEnds({
    wiped: wipe,
    ended: () => stopSync().then(() => tell({ ended: true, online: true })),
});
addEventListener('hashchange', show);
addEventListener('rapport:redraw', show);
addEventListener('rapport:sign-out', signOut);
addEventListener('storage', ({ key, newValue }) => {
    if (key === 'rapport.session' && !newValue) location.reload(); // another tab has signed out
});

async function keepShell() {
    if (!('serviceWorker' in navigator)) return; // no HTTPS: the app works, but not without a network
    const registered = await navigator.serviceWorker.register('sw.js');
    registered.addEventListener('updatefound', () => {
        const fresh = registered.installing;
        fresh.addEventListener('statechange', () => {
            if (fresh.state !== 'installed' || !navigator.serviceWorker.controller) return;
            const reload = () => { fresh.postMessage('take over'); navigator.serviceWorker.addEventListener('controllerchange', () => location.reload()); };
            toast(t('newVersion'), h('button', { class: 'link', onclick: reload }, t('reload')));
        });
    });
}

async function begin() {
    keepShell().catch((error) => console.warn('no service worker:', error));
    if (!currentSession()) return askToSignIn();
    await openStore();
    if (currentSession().ended) tell({ ended: true });
    else startSync();
    show();
    fetchReference().catch((refusal) => console.warn('reference data stay as they are:', refusal.message));
}

begin().catch((error) => {
    console.error(error);
    root.replaceChildren(h('p', { class: 'notice', role: 'alert' }, t('cannotOpen', { why: error.message })));
});
