// What lies over the conversation for a while, or stands where none is yet: an article, the form to sign in, a welcome.

import { h, icon, place } from './dom.js';
import { blocks } from './text.js';

/** Where such a sheet lies. While one does, what is `below` can be neither seen nor reached. */
export class Sheets {
    constructor(below) {
        this.below = below;
        this.view = h('div', { class: 'sheets' });
    }

    /** Show a sheet, and look at it. */
    show(sheet) {
        place(this.view, [sheet]);
        this.look();
        sheet.querySelector('.quoted')?.scrollIntoView({ block: 'center' });
    }

    /** Give the focus to the sheet that lies here; return whether one does. */
    look() {
        const first = this.view.querySelector('input') ?? this.view.querySelector('h2');
        for (const one of this.below) one.inert = Boolean(first);
        first?.focus();
        return Boolean(first);
    }

    clear() {
        this.view.replaceChildren();
        for (const one of this.below) one.inert = false;
    }
}

/** Return an article to read, as it is now; what the answer quoted is marked where it still stands. */
export function articleView({ article, quote }, now, { say, close }) {
    const body = now ? h('div', { class: 'article', lang: now.locale, dir: 'auto' }, blocks(now.body)) : h('p', { class: 'gone' }, say('gone'));
    if (now) mark(body, quote);
    return sheet(now?.title ?? article.title, say, close,
        now && h('p', { class: 'meta' }, say('version', now.version)),
        now && now.version !== article.version && h('p', { class: 'notice' }, say('changed', article.version, now.version)),
        body);
}

/** Return the form to sign in with; `signIn` says with a text what went wrong. */
export function signInView({ say, close, signIn }) {
    const error = h('p', { class: 'error', role: 'alert' });
    const email = h('input', { id: 'email', type: 'email', autocomplete: 'username', required: true });
    const password = h('input', { id: 'password', type: 'password', autocomplete: 'current-password', required: true });
    const submit = async (event) => {
        event.preventDefault();
        error.textContent = '';
        error.textContent = (await signIn(email.value, password.value)) ?? '';
        if (error.textContent) password.focus();
    };
    return sheet(say('signIn'), say, close,
        h('form', { class: 'sign-in', onsubmit: submit },
            h('p', {}, say('signInWhy')),
            h('label', { for: 'email' }, say('email')), email,
            h('label', { for: 'password' }, say('password')), password,
            error, h('button', { type: 'submit', class: 'primary' }, say('signIn'))));
}

function sheet(title, say, close, ...children) {
    return h('section', { class: 'sheet', part: 'sheet', role: 'region', 'aria-label': title, onkeydown: (event) => event.key === 'Escape' && (event.stopPropagation(), close()) },
        h('div', { class: 'sheet-head' },
            h('button', { type: 'button', class: 'plain', 'aria-label': say('back'), onclick: close }, icon('back')),
            h('h2', { dir: 'auto', tabindex: '-1' }, title)),
        h('div', { class: 'sheet-body', tabindex: '0' }, children));
}

/** Mark the elements of `body` whose words the quote holds. */
function mark(body, quote) {
    const words = (text) => text.replace(/[\s#>*`|:.-]+/g, '');
    const quoted = words(quote);
    for (const one of body.querySelectorAll('p, li, tr')) {
        const own = words(one.textContent);
        if (own.length > 3 && quoted.includes(own) && !one.classList.contains('heading')) one.classList.add('quoted');
    }
}

/** Return what is shown before anything is said: a greeting, what may be expected, questions that others ask. */
export function welcomeView(greeting, suggestions, { say, ask }) {
    return h('div', { class: 'welcome', part: 'welcome' },
        h('p', { class: 'greeting', dir: 'auto' }, greeting || say('greeting')), h('p', {}, say('promise')),
        suggestions.length > 0 && h('div', { class: 'suggestions', role: 'group', 'aria-label': say('suggestions') },
            suggestions.map((one) => h('button', { type: 'button', class: 'suggestion', part: 'suggestion', dir: 'auto', onclick: () => ask(one) }, one))));
}
