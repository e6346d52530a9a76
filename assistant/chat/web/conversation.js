// One conversation: what was said, who answers, what waits to be sent. Tells its listeners when that changes.

import { Trouble } from './connection.js';
import { alone, makeId } from './memory.js';

const CHAT = `query($id: ID!) { chat(conversationId: $id) { version status isAssigned personName hasEarlier messages {
    id author authorName text at
    answer { id decision helpful citations { ...cited } parts { decision citations { ...cited } } } } } }
    fragment cited on Citation { quote article { id version title locale } }`;
const SAY = `mutation($input: MessageCreateInput!) { messageCreate(input: $input) {
    __typename ... on Error { code message } } }`;
const LAST = `{ conversations(first: 1, filter: {channel: {eq: WEBCHAT}, state: {notIn: [CLOSED]}},
    orderBy: [{field: LAST_MESSAGE_AT, direction: DESC}]) { nodes { id } } }`;
const START = 'mutation($input: StartConversationInput!) { startConversation(input: $input) { id } }';
const TYPING = 'mutation($id: ID!) { chatTyping(conversationId: $id) }';
const RATE = 'mutation($input: AnswerRateInput!) { answerRate(input: $input) { id helpful } }';
const ARTICLE = 'query($id: ID!) { article(id: $id) { id version title body locale } }';

const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 5_000;
const WORDLESS = /^[^\p{L}\p{N}]*$/u; // a thumb, a question mark: people understand it, a search does not
const QUIET_MS = 12_000; // the server says something every 5 seconds: a line that is quiet for longer is dead

export class Conversation extends EventTarget {
    constructor(connection) {
        super();
        this.connection = connection;
        this.isResting = false;
        this.reset();
    }

    /** Leave the conversation: nothing that is under way for it is shown or kept any more. */
    reset() {
        this.connection.leave();
        this.hangUp?.abort();
        clearTimeout(this.typingTimer);
        clearTimeout(this.timer);
        Object.assign(this, {
            status: 'ASSISTANT', personName: '', isAssigned: false, messages: [], hasEarlier: false, version: 0,
            rated: new Map(), answering: null, typing: false, trouble: null, lost: false, failures: 0, isDeaf: false, hangUp: null, isLoaded: false,
            life: {}, catching: null, shown: undefined,
        });
        this.dispatchEvent(new Event('left'));
    }

    get memory() {
        return this.connection.memory;
    }

    get id() {
        return this.memory.get('conversationId');
    }

    /** What waits to be sent, of all tabs: each may send it. What was tried and stands in the conversation has arrived after all. */
    get waiting() {
        const last = this.messages.findLast(({ author }) => author === 'CUSTOMER')?.text;
        return this.memory.outbox.filter(({ by, failed, text }) => failed || !by || text.trim() !== last);
    }

    /** Take up the conversation of before, if there is one. */
    async resume() {
        const { life } = this;
        if (this.connection.isMember) {
            await this.attempt(async () => {
                await this.whileHere(this.connection.accessToken()); // the page's says whose conversation it is
                if (!this.id) await this.findLast();
            });
        }
        if (this.life === life && (this.id || this.memory.outbox.length)) await this.catchUp();
        if (this.life !== life) return;
        this.isLoaded = true;
        this.changed();
    }

    /** Leave what is not remembered any more, or is somebody else's, and take up what is. */
    beginAnew() {
        this.reset();
        this.connection.token = null;
        return this.resume();
    }

    /** Be quiet while the chat is in no page. */
    rest() {
        this.isResting = true;
        clearTimeout(this.timer);
        this.hangUp?.abort();
        this.hangUp = null;
    }

    wake() {
        this.isResting = false;
        this.catchUp();
    }

    /** Say something: kept first, then sent as soon as that is possible. */
    say(text) {
        this.compare();
        const entry = { id: makeId(), text, at: new Date().toISOString() };
        this.memory.outbox = [...this.memory.outbox, entry];
        this.lost = false;
        this.changed();
        return this.catchUp();
    }

    /** Take back what could not be sent; return its text. */
    takeBack(id) {
        const entry = this.memory.outbox.find((one) => one.id === id); // none, when another tab took it back
        this.drop(id);
        this.changed();
        return entry?.text ?? '';
    }

    /** Begin anew when what is shown is not what is remembered: it was forgotten elsewhere, and nothing told us. */
    compare() {
        if (this.shown && this.shown !== this.id) this.beginAnew();
    }

    /** Send what waits, then read what is new, then listen. Once at a time: who comes meanwhile adds a round. */
    async catchUp() {
        this.compare();
        this.again = true;
        if (!this.catching) {
            const catching = (this.catching = this.rounds(this.life).finally(() => {
                if (this.catching === catching) this.catching = null;
            }));
        }
        await this.catching;
    }

    async rounds(life) {
        while (this.again && this.life === life) {
            this.again = false;
            await this.attempt(async () => {
                try {
                    await this.whileHere(alone(`${this.memory.name}:send`, () => this.sendAll()));
                } catch (error) {
                    if (error.passes && error.code !== 'OFFLINE') await this.hearNews(); // refused for now: others go on
                    throw error;
                }
                await this.hearNews();
            });
        }
    }

    async hearNews() {
        if (this.id) await this.read();
        if (this.id) this.listen();
    }

    /** Tell the people in the conversation that somebody writes; at most every few seconds. */
    noteTyping() {
        const isHeard = this.id && ['PERSON', 'WAITING'].includes(this.status) && !this.trouble;
        if (!isHeard || Date.now() - (this.typedAt ?? 0) < TYPING_EVERY_MS) return;
        this.typedAt = Date.now();
        this.connection.graphql(TYPING, { id: this.id }).catch(() => {}); // a courtesy, lost without harm
    }

    /** Say whether an answer helped; shown at once, and as it was again when it did not get through. */
    async rate(id, helpful) {
        const { answer } = this.messages.find((one) => one.id === id);
        const before = answer.helpful;
        if (before === helpful) return;
        this.rated.set(answer.id, helpful);
        answer.helpful = helpful;
        this.changed();
        const isRated = await this.attempt(() => this.connection.graphql(RATE, { input: { id: answer.id, helpful } }));
        if (!isRated && this.rated.get(answer.id) === helpful) {
            this.rated.delete(answer.id);
            for (const one of this.messages) if (one.answer?.id === answer.id) one.answer.helpful = before;
        }
        this.changed();
    }

    /** Show what was rated here until the server says so too: what is being read may be from before it. */
    showRated() {
        for (const { answer } of this.messages) {
            if (!answer || !this.rated.has(answer.id)) continue;
            if (answer.helpful === this.rated.get(answer.id)) this.rated.delete(answer.id);
            else answer.helpful = this.rated.get(answer.id);
        }
    }

    async article(id) {
        return (await this.whileHere(this.connection.graphql(ARTICLE, { id }))).article;
    }

    /** Begin anew, as somebody else for all that others see. */
    forget() {
        this.connection.forget();
        this.reset();
        this.isLoaded = true;
        this.changed();
    }

    async signIn(email, password) {
        await this.connection.signIn(email, password);
        this.reset();
        this.resume(); // who signs in need not wait for it
    }

    async signOut() {
        const ended = this.connection.signOut();
        this.forget();
        await ended;
    }

    // ── inside ──────────────────────────────────────────────────────────────────────────────────

    changed() {
        this.dispatchEvent(new Event('change'));
    }

    /** Run `work`; when it does not work for now, say so and try again later. Return whether it did. */
    async attempt(work) {
        const { life } = this;
        try {
            await work();
            if (this.life !== life) return false;
            this.trouble = null;
            if (!this.isDeaf) this.failures = 0;
            return true;
        } catch (error) {
            if (!(error instanceof Trouble)) throw error;
            if (this.life !== life) return false;
            this.answering = null;
            this.meet(error);
            return false;
        } finally {
            this.changed();
        }
    }

    /** Wait for something; stop where the conversation that it was for has been left meanwhile. */
    async whileHere(promise) {
        const { life } = this;
        try {
            return await promise;
        } finally {
            if (this.life !== life) throw new Trouble('left', 'STOPPED'); // whatever came of it
        }
    }

    meet(trouble) {
        const isGone = trouble.code === 'NOT_FOUND';
        const isOver = isGone || (['UNAUTHENTICATED', 'WIPE'].includes(trouble.code) && !this.connection.tokenSource);
        if (isOver && (this.id || this.memory.get('refreshToken'))) {
            const { outbox } = this.memory; // what was not sent opens the next conversation
            if (isGone && this.connection.isMember) this.memory.set({ conversationId: undefined });
            else this.connection.forget();
            this.reset();
            this.lost = this.isLoaded = true;
            this.memory.outbox = outbox;
            if (outbox.length) this.later(0);
            return;
        }
        this.trouble = trouble;
        if (trouble.passes) this.later(trouble.retryAfter * 1_000);
    }

    later(least) {
        if (this.isResting) return;
        const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)] * (0.75 + Math.random() / 2);
        this.failures += 1;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.catchUp(), Math.max(least, wait));
    }

    async sendAll() {
        const next = () => this.memory.outbox.find((one) => !one.failed);
        while (next()) {
            await this.begin();
            const entry = next(); // none, when it has turned out to be somebody else's
            if (entry) await this.send(entry);
        }
    }

    async send(entry) {
        // Decided once: the same words by another way would be other words.
        // While nobody has come yet the assistant still answers what it can.
        const isForPeople = this.status === 'PERSON' || (this.status === 'WAITING' && WORDLESS.test(entry.text));
        const by = entry.by ?? (isForPeople ? 'say' : 'ask');
        this.mark(entry.id, { by });
        try {
            await (by === 'ask' ? this.ask(entry) : this.tell(entry));
        } catch (error) {
            this.answering = null;
            if (error instanceof Trouble && ['INVALID_INPUT', 'FORBIDDEN', 'BODY_TOO_LARGE'].includes(error.code)) {
                this.mark(entry.id, { failed: WORDLESS.test(entry.text) ? 'wordless' : error.message });
                return;
            }
            throw error;
        }
        await this.read();
        this.drop(entry.id);
        this.answering = null;
        this.changed();
    }

    async ask({ id, text }) {
        const answering = (this.answering = { step: '', text: '' });
        this.changed();
        const hear = (event) => {
            if (event.step === 'TEXT') answering.text += event.delta;
            else answering.step = event.step;
            this.changed();
        };
        await this.whileHere(this.connection.ask({ conversationId: this.id, text, mutationId: id }, hear));
    }

    async tell({ id, text }) {
        const input = { id, conversationId: this.id, body: text, mutationId: id };
        const { messageCreate: made } = await this.whileHere(this.connection.graphql(SAY, { input }));
        if (made.code) throw new Trouble(made.message, made.code);
    }

    mark(id, values) {
        const outbox = this.memory.outbox.map((one) => (one.id === id ? { ...one, ...values } : one));
        this.memory.outbox = outbox;
    }

    drop(id) {
        this.memory.outbox = this.memory.outbox.filter((one) => one.id !== id);
    }

    /** See to it that there is a conversation, and that we know who answers in it. A visitor's is opened with the first token. */
    async begin() {
        const isKnown = Boolean(this.id);
        await this.whileHere(this.connection.accessToken(!isKnown && !this.connection.isMember));
        if (!this.id && this.connection.isMember) await this.findLast();
        else if (!isKnown) return; // just opened: the assistant
        if (this.id && !this.version) await this.read();
        if (this.id) return;
        const started = this.memory.get('starting') ?? makeId();
        this.memory.set({ starting: started });
        const { startConversation } = await this.whileHere(this.connection.graphql(START, { input: { channel: 'WEBCHAT', mutationId: started } }));
        this.memory.set({ conversationId: startConversation.id, starting: undefined });
    }

    async findLast() {
        const { conversations } = await this.whileHere(this.connection.graphql(LAST));
        if (conversations.nodes.length) this.memory.set({ conversationId: conversations.nodes[0].id });
    }

    async read() {
        const { id } = this;
        const { chat } = await this.whileHere(this.connection.graphql(CHAT, { id }));
        if (!chat) throw new Trouble('', 'NOT_FOUND');
        this.shown = id;
        if (chat.version < this.version) return; // an older answer overtook a newer one
        const before = new Set(this.messages.map((one) => one.id));
        Object.assign(this, chat);
        this.showRated();
        if (chat.messages.at(-1)?.author === 'AGENT') this.typing = false;
        const news = chat.messages.filter((one) => !before.has(one.id) && one.author !== 'CUSTOMER');
        if (this.isLoaded) for (const message of news) this.dispatchEvent(new CustomEvent('said', { detail: message }));
        this.isLoaded = true;
        this.changed();
    }

    /** Keep a line open; when it breaks, catch up, which opens the next. */
    listen() {
        if (this.isResting || (this.hangUp && !this.hangUp.signal.aborted)) return;
        const line = (this.hangUp = new AbortController());
        let timer;
        const alive = () => {
            clearTimeout(timer);
            timer = setTimeout(() => line.abort(), QUIET_MS);
        };
        const hear = (event) => {
            this.isDeaf = false;
            if (event.kind === 'CHANGED' && event.version > this.version) this.catchUp();
            if (event.kind === 'TYPING' && event.author === 'AGENT') this.showTyping();
        };
        const ended = (error) => {
            clearTimeout(timer);
            if (this.hangUp !== line) return;
            this.hangUp = null;
            this.isDeaf = true; // until the next line says something: one that is refused is asked for less and less often
            if (error instanceof Trouble && !error.passes && error.code !== 'STOPPED') {
                this.meet(error);
                this.changed();
            } else {
                this.later((error?.retryAfter ?? 0) * 1_000);
            }
        };
        this.connection.listen(this.id, hear, line.signal, alive).then(ended, ended);
    }

    showTyping() {
        this.typing = true;
        clearTimeout(this.typingTimer);
        this.typingTimer = setTimeout(() => {
            this.typing = false;
            this.changed();
        }, TYPING_SHOWN_MS);
        this.changed();
    }
}
