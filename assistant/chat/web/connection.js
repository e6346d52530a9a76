// The server, as the chat needs it: a token, GraphQL, and two streams of events.

import { alone, makeSecret, Memory } from './memory.js';

const PATIENCE_MS = 30_000;
const SILENCE_MS = 45_000; // longer than any one step of an answer takes: the network is gone without a word

/** Something that did not work. `code` is the server's, or OFFLINE when it was not reached. */
export class Trouble extends Error {
    constructor(message, code, retryAfter = 0) {
        super(message);
        this.code = code;
        this.retryAfter = retryAfter;
    }

    /** Whether the same may work later. */
    get passes() {
        return ['OFFLINE', 'UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'].includes(this.code);
    }
}

/** Who is here and what they may reach. A visitor until somebody signs in, or the page brings a token. */
export class Connection {
    constructor({ server, key, language }) {
        const name = `rapport-chat:${key ?? ''}`;
        Object.assign(this, { server, key, language, visitors: new Memory(name), customers: new Memory(`${name}:customer`) });
        this.tokenSource = null; // of the page: an async function that returns an access token
        this.token = null;
        this.underWay = new Set();
    }

    /** What is remembered of who is here: of a customer whom the page names, apart from what a visitor left. */
    get memory() {
        return this.tokenSource ? this.customers : this.visitors;
    }

    /** Let the page say who is here; null when that is nobody any more. */
    takeSource(source) {
        if (source) this.visitors.clear();
        else if (this.tokenSource) this.customers.clear();
        this.tokenSource = source;
        this.token = null;
        this.leave();
    }

    get isMember() {
        return Boolean(this.tokenSource || this.memory.get('refreshToken'));
    }

    /** Ask GraphQL; return data. */
    async graphql(query, variables = {}) {
        const { data, errors } = await this.call('/graphql', { query, variables });
        if (errors) throw new Trouble(errors[0].message, errors[0].extensions?.code ?? 'INTERNAL', errors[0].extensions?.retryAfter);
        return data;
    }

    /** Ask the assistant, and hear its answer as it comes. Silence counts as no connection: asked again, it is the same answer. */
    async ask(question, hear) {
        const silence = this.stoppable();
        let timer;
        const alive = () => {
            clearTimeout(timer);
            timer = setTimeout(() => silence.abort(), SILENCE_MS);
        };
        let isWhole = false;
        const hearAll = (event) => {
            isWhole ||= event.step === 'DONE';
            hear(event);
        };
        alive();
        try {
            await this.stream('/assistant/ask', { body: question, hear: hearAll, signal: silence.signal, alive });
            if (!isWhole) throw new Trouble('cut off', 'OFFLINE'); // or something on the way answered instead
        } catch (error) {
            throw silence.signal.aborted ? new Trouble('silence', 'OFFLINE') : error;
        } finally {
            clearTimeout(timer);
            this.underWay.delete(silence);
        }
    }

    /** Hear what happens in a conversation, until `signal`, or until the line breaks. */
    async listen(conversationId, hear, signal, alive) {
        alive();
        await this.stream(`/assistant/conversations/${encodeURIComponent(conversationId)}/events`, { hear, signal, alive });
    }

    async call(path, body) {
        const timeout = this.stoppable();
        try {
            return await patiently(async (signal) => (await this.fetched(path, body, signal)).json(), timeout);
        } finally {
            this.underWay.delete(timeout);
        }
    }

    stoppable() {
        const one = new AbortController();
        this.underWay.add(one);
        return one;
    }

    /** End what is under way: the conversation that it was for is left. */
    leave() {
        for (const one of this.underWay) one.abort();
        this.asking = null;
    }

    async stream(path, { body, hear, signal, alive = () => {} }) {
        const answer = await this.fetched(path, body, signal);
        const reader = answer.body.getReader();
        const decoder = new TextDecoder();
        let rest = '';
        for (;;) {
            alive();
            let part;
            try {
                part = await reader.read();
            } catch (error) {
                throw new Trouble(String(error), signal?.aborted ? 'STOPPED' : 'OFFLINE');
            }
            if (part.done) return;
            rest += decoder.decode(part.value, { stream: true });
            const events = rest.split('\n\n');
            rest = events.pop();
            for (const event of events) if (event.startsWith('data: ')) heard(JSON.parse(event.slice(6)), hear);
        }
    }

    /** Fetch with a token that counts; once more with a new one when the server says that it does not. */
    async fetched(path, body, signal, isSecondTry = false) {
        const token = await this.accessToken(isSecondTry);
        const answer = await this.reached(path, {
            method: body ? 'POST' : 'GET',
            headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
            body: body && JSON.stringify(body),
            signal,
        });
        if (answer.ok) return answer;
        const trouble = await troubleOf(answer);
        if (trouble.code === 'UNAUTHENTICATED' && !isSecondTry) return this.fetched(path, body, signal, true);
        throw trouble;
    }

    async reached(path, options) {
        try {
            return await fetch(this.server + path, { ...options, credentials: 'omit', referrerPolicy: 'no-referrer' });
        } catch (error) {
            throw new Trouble(String(error), options.signal?.aborted ? 'STOPPED' : 'OFFLINE');
        }
    }

    /** Return an access token; many who ask at once share one request. */
    accessToken(isNew = false) {
        if (isNew) this.token = null;
        if (this.token && this.token.until > Date.now()) return this.token.text;
        if (this.asking) return this.asking;
        const asking = (this.asking = this.newToken(() => this.asking === asking).finally(() => {
            if (this.asking === asking) this.asking = null;
        }));
        return asking;
    }

    /** `isWanted` says whether it is still the same person who asks. */
    async newToken(isWanted) {
        if (this.tokenSource) return this.named(isWanted);
        const got = this.memory.get('refreshToken')
            ? await alone(`${this.memory.name}:refresh`, () => this.refreshed(isWanted))
            : await this.visit(isWanted);
        return this.keep(got);
    }

    /** Ask the page for a token. What was said and what waits is whose it was: with somebody else's token it goes. */
    async named(isWanted) {
        const token = await patiently(async () => this.tokenSource());
        if (!isWanted()) throw new Trouble('left', 'STOPPED');
        const person = personOf(token);
        if (this.memory.get('person') !== person) {
            if (this.memory.get('person')) this.memory.clear();
            this.memory.set({ person });
        }
        return token;
    }

    keep({ accessToken, expiresIn }) {
        this.token = { text: accessToken, until: Date.now() + (expiresIn - 30) * 1000 };
        return accessToken;
    }

    /** Come in as a visitor, with the secret of before when there is one. */
    async visit(isWanted) {
        if (!this.memory.get('secret')) this.memory.set({ secret: makeSecret() });
        const got = await this.post('/assistant/visitors', { key: this.key, secret: this.memory.get('secret'), locale: this.language });
        if (!isWanted()) throw new Trouble('left', 'STOPPED');
        this.memory.set({ conversationId: got.conversationId });
        return got;
    }

    async refreshed(isWanted) {
        const got = await this.post('/auth/refresh', { refreshToken: this.memory.get('refreshToken') });
        if (!isWanted()) throw new Trouble('left', 'STOPPED');
        this.memory.set({ refreshToken: got.refreshToken });
        return got;
    }

    /** Sign a customer in; what a visitor said before stays with the visitor. */
    async signIn(email, password) {
        const got = await this.post('/auth/sign-in', { email, password, device: { platform: 'web' } });
        this.forget();
        this.memory.set({ refreshToken: got.refreshToken });
        this.keep(got);
    }

    async signOut() {
        const refreshToken = this.memory.get('refreshToken');
        this.forget();
        if (refreshToken) await this.post('/auth/sign-out', { refreshToken }).catch(() => {}); // ended here all the same
    }

    forget() {
        this.memory.clear();
        this.token = null;
        this.leave();
    }

    post(path, body) {
        return patiently(async (signal) => {
            const answer = await this.reached(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal });
            if (!answer.ok) throw await troubleOf(answer);
            return answer.status === 204 ? null : answer.json();
        });
    }
}

/** Do `work`, for so long at most. An answer that is none of the server's counts as none: as no connection. */
async function patiently(work, timeout = new AbortController()) {
    let timer;
    const over = new Promise((_, reject) => {
        timer = setTimeout(() => {
            timeout.abort();
            reject(new Trouble('silence', 'OFFLINE'));
        }, PATIENCE_MS);
    });
    try {
        return await Promise.race([work(timeout.signal), over]);
    } catch (error) {
        throw error instanceof Trouble ? error : new Trouble(String(error), 'OFFLINE');
    } finally {
        clearTimeout(timer);
    }
}

/** Return whose an access token is. Source: RFC 7519. */
function personOf(token) {
    try {
        return JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub;
    } catch {
        return 'unknown';
    }
}

function heard(event, hear) {
    if (event.kind === 'ERROR' || event.step === 'ERROR') throw new Trouble(event.message, event.code, event.retryAfter);
    hear(event);
}

async function troubleOf(answer) {
    const said = await answer.json().catch(() => ({}));
    const error = said.errors?.[0];
    const about = { ...said, ...error, ...error?.extensions };
    const code = about.code ?? (answer.status >= 500 ? 'UNAVAILABLE' : 'INTERNAL');
    return new Trouble(about.message ?? answer.statusText, code, about.retryAfter ?? 0);
}
