// Who is signed in on this device. Access tokens last minutes and are renewed when a request needs one; a refresh
// token counts once, so all tabs renew under one lock. What the device holds stays when a session ends, until its
// owner signs out, somebody else signs in, or the server says WIPE.

const KEY = 'rapport.session';
const RENEW_BEFORE_MS = 30_000;
const PATIENCE_MS = 20_000;

/** The server said no, or was not reached (code OFFLINE). */
export class Refusal extends Error {
    constructor(code, message, details = {}) {
        super(message);
        this.code = code;
        this.details = details;
    }
}

let onWipe = () => {};
let onEnd = () => {};

/** Say what happens when the server ends the session (the data stays), and when it orders the device to forget. */
export function whenSessionEnds({ ended, wiped }) {
    onEnd = ended;
    onWipe = wiped;
}

export const currentSession = () => JSON.parse(localStorage.getItem(KEY));
export const forgetSession = () => localStorage.removeItem(KEY);
const keep = (session) => localStorage.setItem(KEY, JSON.stringify(session));

async function post(path, body) {
    let answer;
    try {
        const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
        answer = await fetch(path, { ...request, signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch {
        throw new Refusal('OFFLINE', 'The server cannot be reached.');
    }
    const said = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(said.code ?? `HTTP_${answer.status}`, said.message ?? answer.statusText, said);
    return said;
}

function begin(email, said) {
    keep({
        email,
        userId: said.user.id,
        refreshToken: said.refreshToken,
        accessToken: said.accessToken,
        renewAt: Date.now() + said.expiresIn * 1000 - RENEW_BEFORE_MS,
    });
    return currentSession();
}

/** Sign in; throws a Refusal, SECOND_FACTOR_REQUIRED with details.ticket when the password is only the first half. */
export async function signIn(email, password) {
    const device = { name: navigator.userAgentData?.platform ?? navigator.platform, platform: 'web', appVersion: 'rep-app' };
    return begin(email, await post('/auth/sign-in', { email, password, device }));
}

/** Finish a sign-in with the code of an authenticator app. */
export async function giveCode(email, ticket, code) {
    return begin(email, await post('/auth/second-factor', { ticket, code }));
}

/** Tell the server that this session is over; offline it ends by itself when its refresh token expires. */
export async function endSession() {
    const { refreshToken } = currentSession() ?? {};
    if (refreshToken) await post('/auth/sign-out', { refreshToken }).catch((refusal) => refusal);
}

/** Return an access token that counts; renews it when it is old, or is `stale`, which the server refused just now. */
export async function accessToken(stale = null) {
    return navigator.locks.request(KEY, async () => {
        const session = currentSession(); // another tab may have renewed it while we waited
        if (!session || session.ended) throw new Refusal('SIGNED_OUT', 'Nobody is signed in.');
        if (session.accessToken !== stale && Date.now() < session.renewAt) return session.accessToken;
        try {
            return begin(session.email, await post('/auth/refresh', { refreshToken: session.refreshToken })).accessToken;
        } catch (refusal) {
            judge(refusal.code, session);
            throw refusal;
        }
    });
}

function judge(code, session) {
    if (code === 'WIPE') onWipe();
    else if (code === 'UNAUTHENTICATED' || code.startsWith('SECOND_FACTOR')) {
        keep({ ...session, refreshToken: null, accessToken: null, ended: true });
        onEnd();
    }
}

/** The `fetch` of everybody who is signed in: adds the token, and renews it once when the server calls it old. */
export async function signedFetch(request) {
    const second = request.clone();
    const token = await accessToken();
    const answer = await send(request, token);
    if (answer.status !== 401) return answer;
    const said = await answer.clone().json().catch(() => ({}));
    if ((said.errors?.[0]?.extensions?.code ?? said.code) === 'WIPE') onWipe();
    return send(second, await accessToken(token));
}

function send(request, token) {
    request.headers.set('Authorization', `Bearer ${token}`);
    return fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
}

/** Ask GraphQL; return its data. */
export async function ask(query, variables = {}) {
    const body = JSON.stringify({ query, variables });
    const answer = await signedFetch(new Request('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }));
    const { data, errors } = await answer.json();
    if (errors) throw new Refusal(errors[0].extensions?.code ?? 'REFUSED', errors[0].message);
    return data;
}
