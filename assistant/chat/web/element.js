// <rapport-chat>: the element that a page holds. All of it lives in a shadow tree, which the page's CSS does not enter.

import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { goRound, h, icon, place, setText, stop } from './dom.js';
import { Memory } from './memory.js';
import { answeringView, messageView, showRating, typingView, waitingView } from './message_view.js';
import { articleView, signInView, welcomeView } from './panels.js';
import { SCRIPT_URL, STYLE } from './made.js';
import { inLanguage, languageOf, speak } from './words.js';

const LONGEST = 20_000;
const COUNTED_FROM = 19_000;
const PHONE = '(max-width: 520px)';

export class RapportChat extends HTMLElement {
    static observedAttributes = ['lang', 'heading', 'open', 'suggestions'];

    connectedCallback() {
        if (this.shadowRoot) return void this.resumeListening();
        this.attachShadow({ mode: 'open', delegatesFocus: false });
        this.dress();
        this.language = languageOf(this.getAttribute('lang') || (!this.isPage && this.closest('[lang]')?.lang) || navigator.language);
        this.memory = new Memory(`rapport-chat:${this.getAttribute('key') ?? ''}`);
        const server = new URL(this.getAttribute('server') || SCRIPT_URL || location.href, location.href).origin;
        this.connection = new Connection({ server, key: this.getAttribute('key'), memory: this.memory, language: this.language });
        if (this.givenTokenSource) this.connection.tokenSource = this.givenTokenSource;
        this.conversation = new Conversation(this.connection);
        this.conversation.addEventListener('change', () => this.draw());
        this.conversation.addEventListener('said', (event) => this.noteSaid(event.detail));
        this.views = new Map();
        this.isOpen = false;
        this.unread = 0;
        this.build();
        this.resumeListening();
        if (this.isPage || this.hasAttribute('open')) this.open({ focus: false });
        this.draw();
        if (this.getAttribute('key') || this.connection.isMember) this.conversation.resume();
    }

    disconnectedCallback() {
        this.stopListening?.abort();
        this.conversation.hangUp?.abort();
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
        if (focus) this.field.focus();
        this.toEnd();
        this.tell('open');
    }

    /** Hide the chat; what is said goes on. */
    close() {
        if (this.isPage) return;
        this.isOpen = false;
        this.removeAttribute('open');
        this.show();
        this.launcher.focus();
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
        this.connection.tokenSource = source;
        this.connection.forget();
        this.conversation.reset();
        this.conversation.resume();
    }

    // ── building ────────────────────────────────────────────────────────────────────────────────

    get isPage() {
        return this.getAttribute('mode') === 'page';
    }

    get suggestions() {
        const given = (this.getAttribute('suggestions') ?? '').split('|').map((one) => one.trim()).filter(Boolean);
        return inLanguage(given, this.language).slice(0, 4);
    }

    dress() {
        if ('adoptedStyleSheets' in Document.prototype) {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(STYLE);
            this.shadowRoot.adoptedStyleSheets = [sheet];
        } else {
            this.shadowRoot.append(h('style', {}, STYLE));
        }
    }

    build() {
        const say = (this.say = speak(this.language));
        const heading = this.getAttribute('heading') || say('heading');
        const text = this.field?.value ?? this.memory.draft;
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
        this.sheets = h('div', { class: 'sheets' });
        this.panel = h('section', {
            class: 'panel', part: 'panel', id: 'panel', lang: this.language === 'zh' ? 'zh-CN' : 'en', role: this.isPage ? 'main' : 'dialog', 'aria-label': heading, hidden: !this.isOpen,
            onkeydown: (event) => this.keyedInPanel(event), onkeyup: stop, onkeypress: stop,
        }, h('header', { part: 'header', class: 'header' },
            h('span', { class: 'mark', 'aria-hidden': 'true' }, icon('chat')),
            h('div', { class: 'titles' }, h(this.isPage ? 'h1' : 'h2', { class: 'title', dir: 'auto' }, heading), this.state),
            this.menuButton, !this.isPage && close, this.menu), this.main, this.sheets);
        this.panel.classList.toggle('page', this.isPage);
        place(this.shadowRoot, [...[...this.shadowRoot.childNodes].filter((one) => one.localName === 'style'), this.panel, ...(this.isPage ? [] : [this.launcher])]);
        if (this.isPage) {
            document.documentElement.lang = this.panel.lang;
            document.title = heading;
        }
        this.fieldChanged(false);
    }

    resumeListening() {
        this.stopListening = new AbortController();
        const { signal } = this.stopListening;
        addEventListener('online', () => this.conversation.catchUp(), { signal });
        addEventListener('offline', () => this.draw(), { signal });
        addEventListener('storage', (event) => event.key === this.memory.name && this.otherTab(event), { signal });
        document.addEventListener('visibilitychange', () => !document.hidden && this.conversation.id && this.conversation.catchUp(), { signal });
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
        setText(this.state, this.stateText());
        this.panel.dataset.status = conversation.status.toLowerCase();
        const note = this.noteText();
        this.note.hidden = !note;
        setText(this.note, note);
        this.person.hidden = !['ASSISTANT', 'ENDED'].includes(conversation.status) || !this.memory.get('conversationId') && !conversation.waiting.length;
        place(this.list, this.shown());
        for (const message of conversation.messages) if (message.answer) showRating(this.views.get(message.id).view, message, say);
        this.form.hidden = !this.getAttribute('key') && !this.connection.isMember;
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

    stateText() {
        const { status, personName, isAssigned } = this.conversation;
        if (status === 'WAITING') return this.say(isAssigned ? 'assigned' : 'waiting');
        if (status === 'PERSON') return this.say('withPerson', personName);
        return this.say('byAssistant');
    }

    noteText() {
        const { trouble, lost, status } = this.conversation;
        if (!this.getAttribute('key') && !this.connection.isMember) return this.say('setup');
        if (!navigator.onLine) return this.say('offline');
        if (trouble?.code === 'OFFLINE') return this.say('offline');
        if (trouble?.passes) return this.say('trouble');
        if (['ORIGIN_REFUSED', 'NOT_FOUND'].includes(trouble?.code)) return this.say('closed');
        if (trouble) return trouble.message;
        if (lost) return this.say('lost');
        return status === 'ENDED' ? this.say('ended') : '';
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
        this.field.value = '';
        this.fieldChanged(false);
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
        this.memory.draft = this.field.value;
        this.submit.disabled = !this.field.value.trim();
        setText(this.left, length > COUNTED_FROM ? this.say('left', LONGEST - length) : '');
        if (isTyped && length) this.conversation.noteTyping();
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
        this.field.value = this.conversation.takeBack(id);
        this.fieldChanged(false);
        this.field.focus();
    }

    async openArticle(cited, opener) {
        let now = null;
        try {
            now = await this.conversation.article(cited.article.id);
        } catch (error) {
            if (error.code === 'STOPPED') return;
            if (error.code !== 'NOT_FOUND' && error.code !== 'FORBIDDEN') return void this.conversation.meet(error);
        }
        this.openSheet(articleView(cited, now, { say: this.say, close: () => this.closeSheet(opener) }));
    }

    openSheet(sheet) {
        place(this.sheets, [sheet]);
        this.main.inert = true;
        (sheet.querySelector('input') ?? sheet.querySelector('h2')).focus();
        sheet.querySelector('.quoted')?.scrollIntoView({ block: 'center' });
    }

    closeSheet(opener = this.field) {
        place(this.sheets, []);
        this.main.inert = false;
        opener.focus();
    }

    toggleMenu(isShown = this.menu.hidden) {
        const { say } = this;
        const items = [];
        if (this.isPage && !this.connection.isMember) items.push(['signIn', () => this.openSignIn()]);
        if (this.isPage && this.memory.get('refreshToken')) items.push(['signOut', () => this.conversation.signOut()]);
        if (this.conversation.id && !this.connection.isMember) items.push(['forget', () => this.conversation.forget()]);
        place(this.menu, items.map(([word, act]) => h('button', { type: 'button', onclick: () => (this.toggleMenu(false), act()) }, say(word))));
        this.menu.hidden = !isShown || !items.length;
        this.menuButton.setAttribute('aria-expanded', String(!this.menu.hidden));
        if (!this.menu.hidden) this.menu.firstChild.focus();
        else if (this.menu.contains(this.shadowRoot.activeElement)) this.menuButton.focus();
    }

    openSignIn() {
        const close = () => this.closeSheet(this.menuButton);
        const signIn = async (email, password) => {
            try {
                await this.conversation.signIn(email, password);
            } catch (error) {
                return error.code === 'UNAUTHENTICATED' ? this.say('wrong') : error.message;
            }
            this.closeSheet();
            return null;
        };
        this.openSheet(signInView({ say: this.say, close, signIn }));
    }

    otherTab(event) {
        const id = JSON.parse(event.newValue ?? '{}').conversationId;
        if (event.newValue === null || (!id && this.conversation.messages.length)) {
            this.conversation.reset();
            this.conversation.isLoaded = true;
            this.connection.token = null;
            this.draw();
        } else if (id && !this.conversation.hangUp) {
            this.conversation.catchUp();
        }
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
