// <rapport-chat>: the element that a page holds. All of it lives in a shadow tree, which the page's CSS does not enter.

import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { dress, goRound, h, icon, place, setText, stop } from './dom.js';
import { answeringView, messageView, showRating, typingView, waitingView } from './message_view.js';
import { articleView, Sheets, signInView, welcomeView } from './panels.js';
import { SCRIPT_URL, STYLE } from './made.js';
import { inLanguage, languageOf, notice, speak, standing } from './words.js';

const LONGEST = 20_000;
const COUNTED_FROM = 19_000;
const PHONE = '(max-width: 520px)';

export class RapportChat extends HTMLElement {
    static observedAttributes = ['lang', 'heading', 'open', 'suggestions'];

    connectedCallback() {
        if (this.shadowRoot) return void (this.resumeListening(), this.conversation.wake());
        this.attachShadow({ mode: 'open', delegatesFocus: false });
        dress(this.shadowRoot, STYLE);
        this.language = languageOf(this.getAttribute('lang') || (!this.isPage && this.closest('[lang]')?.lang) || navigator.language);
        const server = new URL(this.getAttribute('server') || SCRIPT_URL || location.href, location.href).origin;
        this.connection = new Connection({ server, key: this.getAttribute('key'), language: this.language });
        if (Object.hasOwn(this, 'tokenSource')) { // set before the script had come: it hides ours
            this.givenTokenSource = this.tokenSource;
            delete this.tokenSource;
        }
        if (this.givenTokenSource) this.connection.takeSource(this.givenTokenSource);
        this.conversation = new Conversation(this.connection);
        this.conversation.addEventListener('change', () => this.draw());
        this.conversation.addEventListener('said', (event) => this.noteSaid(event.detail));
        this.conversation.addEventListener('left', () => this.leave());
        this.views = new Map();
        this.isOpen = false;
        this.unread = 0;
        this.build();
        this.resumeListening();
        if (this.isPage || this.hasAttribute('open')) this.open({ focus: false });
        this.draw();
        if (this.getAttribute('key') || this.connection.isMember) this.takeUp(this.conversation.resume());
    }

    disconnectedCallback() {
        this.stopListening?.abort();
        this.conversation.rest();
    }

    attributeChangedCallback(name, before, now) {
        if (!this.shadowRoot || before === now) return;
        if (name === 'open' && this.isOpen !== (now !== null)) (now === null ? this.close() : this.open());
        if (name === 'lang') this.language = this.connection.language = languageOf(now);
        if (name !== 'open') {
            this.build();
            this.draw();
        }
    }

    // ── what a page may call ────────────────────────────────────────────────────────────────────

    /** Show the chat. */
    open({ focus = true } = {}) {
        this.isOpen = true;
        this.unread = 0;
        this.setAttribute('open', '');
        this.show(); // now: what is hidden takes no focus
        if (focus && !this.sheets.look()) this.field.focus();
        this.toEnd();
        this.tell('open');
    }

    /** Hide the chat; what is said goes on. */
    close() {
        if (this.isPage) return;
        this.isOpen = false;
        this.removeAttribute('open');
        const { activeElement } = this.getRootNode();
        this.show();
        if ([this, document.body, null].includes(activeElement)) this.launcher.focus(); // who is elsewhere in the page stays there
        this.tell('close');
    }

    /** Say something in the customer's name, as if it had been typed. */
    async ask(text) {
        this.open();
        await this.spoken(text);
    }

    /** Let the page say who is signed in: an async function that returns a customer's access token. */
    set tokenSource(source) {
        this.givenTokenSource = source;
        if (!this.connection) return;
        if (!source && !this.connection.tokenSource) return; // nobody before, nobody now
        if (!source) this.write('');
        this.connection.takeSource(source);
        this.takeUp(this.conversation.beginAnew());
    }

    /** Go on where who is here left off. A customer's own words come when it is known whose they are. */
    async takeUp(resumed) {
        await resumed;
        if (!this.field.value && this.memory.draft) this.write(this.memory.draft);
    }

    // ── building ────────────────────────────────────────────────────────────────────────────────

    get isPage() {
        return this.getAttribute('mode') === 'page';
    }

    get memory() {
        return this.connection.memory;
    }

    get suggestions() {
        const given = (this.getAttribute('suggestions') ?? '').split('|').map((one) => one.trim()).filter(Boolean);
        return inLanguage(given, this.language).slice(0, 4);
    }

    build() {
        const say = (this.say = speak(this.language));
        const heading = this.getAttribute('heading') || say('heading');
        const text = this.field?.value ?? (this.connection.tokenSource ? '' : this.memory.draft);
        const focused = this.shadowRoot.activeElement;
        const { selectionStart, selectionEnd } = this.field ?? {};
        const isWriting = focused && focused === this.field;
        this.views.clear();
        this.badge = h('span', { class: 'badge', hidden: true });
        this.launcher = h('button', { type: 'button', class: 'launcher', part: 'launcher', 'aria-haspopup': 'dialog', onclick: () => (this.isOpen ? this.close() : this.open()) },
            icon('chat'), icon('down'), this.badge);
        this.state = h('p', { class: 'state', part: 'status', role: 'status' });
        this.menu = h('div', { class: 'menu', hidden: true });
        this.menuButton = h('button', { type: 'button', class: 'plain', 'aria-label': say('menu'), 'aria-expanded': 'false', onclick: () => this.toggleMenu() }, icon('more'));
        const close = h('button', { type: 'button', class: 'plain', 'aria-label': say('close'), onclick: () => this.close() }, icon('close'));
        this.note = h('div', { class: 'notice', part: 'notice', role: 'status', hidden: true });
        this.list = h('div', { class: 'list' });
        this.log = h('div', { class: 'log', part: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': say('log'), tabindex: '0' }, this.list);
        this.field = h('textarea', { id: 'text', rows: '1', part: 'input', maxlength: LONGEST, placeholder: say('placeholder'), enterkeyhint: 'send', dir: 'auto', oninput: () => this.fieldChanged(), onkeydown: (event) => this.keyed(event) });
        this.field.value = text;
        this.left = h('p', { class: 'left', role: 'status' });
        this.submit = h('button', { type: 'submit', class: 'send', part: 'send', 'aria-label': say('send') }, icon('send'));
        this.person = h('button', { type: 'button', class: 'person', part: 'person', onclick: () => this.wishForPerson() }, icon('person'), say('person'));
        this.form = h('form', { class: 'composer', part: 'composer', onsubmit: (event) => this.sent(event) },
            h('label', { for: 'text', class: 'unseen' }, say('compose')), this.field, this.submit, this.left);
        this.main = h('div', { class: 'main' }, this.note, this.log, h('div', { class: 'below' }, this.person), this.form);
        const header = h('header', { part: 'header', class: 'header' },
            h('span', { class: 'mark', 'aria-hidden': 'true' }, icon('chat')),
            h('div', { class: 'titles' }, h(this.isPage ? 'h1' : 'h2', { class: 'title', dir: 'auto' }, heading), this.state),
            this.menuButton, !this.isPage && close, this.menu);
        this.sheets = new Sheets([this.menuButton, this.menu, close, this.main]);
        this.panel = h('section', {
            class: 'panel', part: 'panel', id: 'panel', lang: this.language === 'zh' ? 'zh-CN' : 'en', role: this.isPage ? 'main' : 'dialog', 'aria-label': heading, hidden: !this.isOpen,
            onkeydown: (event) => this.keyedInPanel(event), onkeyup: stop, onkeypress: stop,
        }, header, this.main, this.sheets.view);
        this.panel.classList.toggle('page', this.isPage);
        place(this.shadowRoot, [...[...this.shadowRoot.childNodes].filter((one) => one.localName === 'style'), this.panel, ...(this.isPage ? [] : [this.launcher])]);
        if (this.isPage) {
            document.documentElement.lang = this.panel.lang;
            document.title = heading;
        }
        this.fieldChanged(false);
        if (focused) (this.isOpen ? this.field : this.launcher).focus(); // built anew while somebody was here
        if (isWriting) this.field.setSelectionRange(selectionStart, selectionEnd);
    }

    resumeListening() {
        this.stopListening = new AbortController();
        const { signal } = this.stopListening;
        addEventListener('online', () => this.conversation.catchUp(), { signal });
        addEventListener('offline', () => this.draw(), { signal });
        addEventListener('pageshow', (event) => event.persisted && this.conversation.catchUp(), { signal }); // what happened meanwhile was not told
        addEventListener('storage', (event) => this.otherTab(event), { signal });
        document.addEventListener('visibilitychange', () => !document.hidden && this.conversation.catchUp(), { signal });
        visualViewport?.addEventListener('resize', () => this.fitKeyboard(), { signal });
    }

    // ── drawing ─────────────────────────────────────────────────────────────────────────────────

    /** Show how things stand, once for all changes of a moment. */
    draw() {
        this.drawing ??= Promise.resolve().then(() => {
            this.drawing = null;
            this.show();
        });
    }

    show() {
        const { conversation, say } = this;
        const wasAtEnd = this.isAtEnd();
        this.panel.hidden = !this.isOpen;
        this.launcher.setAttribute('aria-expanded', String(this.isOpen));
        this.launcher.setAttribute('aria-label', `${say(this.isOpen ? 'close' : 'open')}${this.unread ? `, ${say('unread', this.unread)}` : ''}`);
        this.launcher.classList.toggle('opened', this.isOpen);
        this.panel.toggleAttribute('aria-modal', false);
        if (!this.isPage && matchMedia(PHONE).matches) this.panel.setAttribute('aria-modal', 'true');
        this.badge.hidden = !this.unread;
        this.badge.textContent = String(this.unread);
        setText(this.state, standing(conversation, say));
        this.panel.dataset.status = conversation.status.toLowerCase();
        const isSetUp = this.getAttribute('key') || this.connection.isMember;
        const note = isSetUp ? notice(conversation, say) : say('setup');
        this.note.hidden = !note;
        setText(this.note, note);
        this.person.hidden = !['ASSISTANT', 'ENDED'].includes(conversation.status) || !this.memory.get('conversationId') && !conversation.waiting.length;
        place(this.list, this.shown());
        for (const message of conversation.messages) if (message.answer) showRating(this.views.get(message.id).view, message, say);
        this.form.hidden = !isSetUp;
        if (wasAtEnd) this.toEnd();
    }

    shown() {
        const { conversation, say } = this;
        const { messages, waiting, answering, typing } = conversation;
        const about = { say, locale: this.language === 'zh' ? 'zh-CN' : this.getAttribute('lang') || navigator.language, openArticle: (...what) => this.openArticle(...what), rate: (id, helpful) => this.conversation.rate(id, helpful), ask: (text) => this.ask(text) };
        const isNew = conversation.isLoaded && !messages.length && !waiting.length && !conversation.id;
        const found = [];
        if (isNew) found.push(this.kept('welcome', this.language, () => welcomeView(this.getAttribute('greeting'), this.suggestions, about)));
        if (conversation.hasEarlier) found.push(this.kept('earlier', this.language, () => h('p', { class: 'between' }, say('earlier'))));
        messages.forEach((message, index) => {
            const after = messages[index - 1];
            const joined = message.author === 'AGENT' && !messages.slice(0, index).some((one) => one.author === 'AGENT' && one.authorName === message.authorName);
            if (joined) found.push(this.kept(`joined ${message.id}`, '', () => h('p', { class: 'between' }, icon('person'), say('joined', message.authorName))));
            found.push(this.kept(message.id, message.text, () => messageView(message, { ...about, after })));
        });
        for (const entry of waiting) {
            const isTried = Boolean(conversation.trouble) || !navigator.onLine;
            found.push(this.kept(`waiting ${entry.id}`, `${entry.failed} ${isTried}`, () => waitingView(entry, { say, isTried, edit: (id) => this.edit(id) })));
        }
        if (answering && !conversation.trouble) found.push(this.kept('answering', `${answering.step} ${answering.text.length}`, () => answeringView(answering, about)));
        if (typing) found.push(this.kept('typing', conversation.personName, () => typingView(conversation.personName, about)));
        if (conversation.status === 'WAITING' && !waiting.length && !answering) {
            found.push(this.kept('wait', this.language, () => h('p', { class: 'between' }, icon('clock'), say('waitingLong'))));
        }
        return found;
    }

    /** Return the view that was made under `name` from the same, else a new one: what is open in it stays open. */
    kept(name, from, make) {
        const known = this.views.get(name);
        if (known?.from === from) return known.view;
        const view = make();
        this.views.set(name, { from, view });
        return view;
    }

    isAtEnd() {
        return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    }

    toEnd() {
        this.log.scrollTop = this.log.scrollHeight; // at once: half-way there, what comes next would not follow
    }

    // ── doing ───────────────────────────────────────────────────────────────────────────────────

    sent(event) {
        event?.preventDefault();
        const text = this.field.value.trim();
        if (!text) return void this.field.focus();
        this.write('');
        this.spoken(text);
        this.field.focus();
    }

    /** Say `text` and look at it. */
    async spoken(text) {
        const said = this.conversation.say(text);
        await this.drawing;
        this.toEnd();
        await said;
    }

    keyed(event) {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) this.sent(event);
    }

    keyedInPanel(event) {
        stop(event);
        if (event.key === 'Escape' && !event.isComposing) {
            if (!this.menu.hidden) return void this.toggleMenu(false);
            this.close();
        }
        if (event.key === 'Tab' && this.panel.hasAttribute('aria-modal')) goRound(event, this.panel, this.shadowRoot.activeElement);
    }

    fieldChanged(isTyped = true) {
        this.field.style.blockSize = 'auto';
        this.field.style.blockSize = `${Math.min(this.field.scrollHeight, 140)}px`;
        const { length } = this.field.value;
        this.submit.disabled = !this.field.value.trim();
        setText(this.left, length > COUNTED_FROM ? this.say('left', LONGEST - length) : '');
        if (!isTyped) return;
        this.memory.draft = this.field.value;
        if (length) this.conversation.noteTyping();
    }

    write(text) {
        this.field.value = this.memory.draft = text;
        this.fieldChanged(false);
    }

    fitKeyboard() {
        const isCovered = this.isOpen && matchMedia(PHONE).matches;
        this.panel.style.blockSize = isCovered ? `${visualViewport.height}px` : '';
        this.toEnd();
    }

    wishForPerson() {
        this.spoken(this.say('wish'));
        this.field.focus();
    }

    edit(id) {
        this.write([this.conversation.takeBack(id), this.field.value].filter(Boolean).join('\n'));
        this.field.focus();
    }

    async openArticle(cited, opener) {
        let now = null;
        try {
            now = await this.conversation.article(cited.article.id);
        } catch (error) {
            if (error.code === 'STOPPED') return;
            if (error.code !== 'NOT_FOUND' && error.code !== 'FORBIDDEN') {
                this.conversation.meet(error);
                return void this.draw();
            }
        }
        if (!this.isOpen) return;
        this.sheets.show(articleView(cited, now, { say: this.say, close: () => this.closeSheet(opener) }));
    }

    closeSheet(opener = this.field) {
        this.sheets.clear();
        (opener.isConnected ? opener : this.field).focus();
    }

    /** Leave a conversation with all that lies over it. */
    leave() {
        const isReading = this.sheets.view.contains(this.shadowRoot.activeElement);
        this.unread = 0;
        this.views.clear();
        this.sheets.clear();
        if (isReading) this.field.focus();
    }

    /** Leave it because that was wished: what is typed goes, too. */
    end(how) {
        this.write('');
        this.conversation[how]();
    }

    toggleMenu(isShown = this.menu.hidden) {
        const { say } = this;
        const hadFocus = this.menu.contains(this.shadowRoot.activeElement);
        const items = [];
        if (this.isPage && !this.connection.isMember) items.push(['signIn', () => this.openSignIn()]);
        if (this.isPage && this.memory.get('refreshToken')) items.push(['signOut', () => this.end('signOut')]);
        if (this.conversation.id && !this.connection.isMember) items.push(['forget', () => this.end('forget')]);
        place(this.menu, items.map(([word, act]) => h('button', { type: 'button', onclick: () => (this.toggleMenu(false), act()) }, say(word))));
        this.menu.hidden = !isShown || !items.length;
        this.menuButton.setAttribute('aria-expanded', String(!this.menu.hidden));
        if (!this.menu.hidden) this.menu.firstChild.focus();
        else if (hadFocus) this.menuButton.focus();
    }

    openSignIn() {
        const close = () => this.closeSheet(this.menuButton);
        const signIn = async (email, password) => {
            try {
                await this.conversation.signIn(email, password);
            } catch (error) {
                return this.say({ UNAUTHENTICATED: 'wrong', OFFLINE: 'unreached' }[error.code]) ?? error.message;
            }
            this.closeSheet();
            return null;
        };
        this.sheets.show(signInView({ say: this.say, close, signIn }));
    }

    /** Hear what another tab wrote, or took away; all of it when `key` is null. */
    otherTab({ key, newValue }) {
        const { name } = this.memory;
        if (key === null || (key === name && newValue === null)) this.conversation.beginAnew();
        else if (key === name || key === `${name}:outbox`) this.conversation.catchUp();
    }

    noteSaid(message) {
        if (!this.isOpen) this.unread += 1;
        this.tell('message', { author: message.author, text: message.text });
        this.draw();
    }

    /** Tell the page: rapport-open, rapport-close, rapport-message. */
    tell(what, detail = {}) {
        this.dispatchEvent(new CustomEvent(`rapport-${what}`, { detail, bubbles: true, composed: true }));
    }
}
