// Who are you? The first screen, and the one after a session has ended.
import { h } from '../dom.js';
import { chooseLanguage, language } from '../preferences.js';
import { currentSession, giveCode, signIn } from '../session.js';
import { t } from '../words.js';

/** Return the screen; enter({isSamePerson}) goes on, erase() empties the device first for somebody else. */
export function signInScreen({ message, enter, erase, again }) {
    const before = currentSession();
    const error = h('p', { class: 'error', role: 'alert', id: 'sign-in-error' }, message);
    const email = h('input', { id: 'email', type: 'email', autocomplete: 'username', inputmode: 'email', autocapitalize: 'none', required: true, value: before?.email ?? '' });
    const password = h('input', { id: 'password', type: 'password', autocomplete: 'current-password', required: true });
    const code = h('input', { id: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: '40' });
    const codeField = h('div', { class: 'field', hidden: true }, h('label', { for: 'code' }, t('code')), code);
    const submit = h('button', { class: 'primary', type: 'submit' }, t('signIn'));
    const reveal = h('button', { type: 'button', class: 'link', onclick: () => {
        password.type = password.type === 'password' ? 'text' : 'password';
        reveal.textContent = t(password.type === 'password' ? 'show' : 'hide');
    } }, t('show'));
    let ticket = null;

    async function proceed() {
        const isOther = before && before.email.toLowerCase() !== email.value.trim().toLowerCase();
        if (isOther && !confirm(t('otherPerson'))) return;
        const address = email.value.trim();
        const signedIn = ticket ? await giveCode(address, ticket, code.value.trim()) : await signIn(address, password.value);
        const isSamePerson = before?.userId === signedIn.userId;
        if (before && !isSamePerson) await erase();
        await enter({ isSamePerson });
    }

    function explain(refusal) {
        if (refusal.code === 'SECOND_FACTOR_REQUIRED') {
            ticket = refusal.details.ticket;
            codeField.hidden = false;
            code.focus();
            return '';
        }
        const said = {
            OFFLINE: t('needsNetwork'),
            UNAUTHENTICATED: ticket ? refusal.message : t('wrongPair'),
            RATE_LIMITED: t('tooManyTries', { n: Math.ceil(refusal.details?.retryAfter ?? 60) }),
            SECOND_FACTOR_ENROLMENT_REQUIRED: t('setUpFirst'),
        };
        return said[refusal.code] ?? refusal.message;
    }

    async function onsubmit(event) {
        event.preventDefault();
        error.textContent = '';
        if (!email.value.trim() || !password.value) return void (error.textContent = t('fillBoth'));
        submit.disabled = true;
        submit.textContent = t('signingIn');
        try {
            await proceed();
        } catch (refusal) {
            error.textContent = explain(refusal);
        } finally {
            submit.disabled = false;
            submit.textContent = t('signIn');
        }
    }

    const other = language() === 'zh' ? 'en' : 'zh';
    return h('div', { class: 'sign-in' },
        h('img', { src: 'icon.svg', alt: '', width: '72', height: '72' }),
        h('h1', {}, 'Rapport'),
        h('p', { class: 'lead' }, t('signInLead')),
        h('form', { onsubmit, novalidate: true, 'aria-describedby': 'sign-in-error' },
            h('div', { class: 'field' }, h('label', { for: 'email' }, t('email')), email),
            h('div', { class: 'field' }, h('div', { class: 'between' }, h('label', { for: 'password' }, t('password')), reveal), password),
            codeField, error, submit),
        h('button', { class: 'link', lang: other, onclick: () => { chooseLanguage(other); again(null, message); } }, other === 'zh' ? '中文' : 'English'));
}
