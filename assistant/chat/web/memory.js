// What the browser remembers of one chat: the visitor's secret, the conversation, and what waits to be sent.

/** Keep a small record under `name` in localStorage; in this page alone where that is not allowed. */
export class Memory {
    constructor(name) {
        this.name = name;
        this.held = {};
        this.heldOutbox = [];
    }

    get all() {
        try {
            return JSON.parse(localStorage.getItem(this.name)) ?? {};
        } catch {
            return this.held;
        }
    }

    get(key) {
        return this.all[key];
    }

    /** Set some values; undefined forgets one. */
    set(values) {
        const all = { ...this.all, ...values };
        this.held = all;
        try {
            localStorage.setItem(this.name, JSON.stringify(all));
        } catch {
            // storage is full or forbidden: what is held lasts as long as the page
        }
    }

    /** What waits to be sent, of all tabs; by itself: a tab that notes what it sent must not write the rest again, which another
     * has just cleared. */
    get outbox() {
        try {
            return JSON.parse(localStorage.getItem(`${this.name}:outbox`)) ?? [];
        } catch {
            return this.heldOutbox;
        }
    }

    set outbox(entries) {
        this.heldOutbox = entries;
        try {
            localStorage.setItem(`${this.name}:outbox`, JSON.stringify(entries));
        } catch {
            // as above
        }
    }

    /** What is typed in this tab and not sent yet: a phone that throws the page away does not take it along. */
    get draft() {
        try {
            return sessionStorage.getItem(this.name) ?? '';
        } catch {
            return '';
        }
    }

    set draft(text) {
        try {
            if (text) sessionStorage.setItem(this.name, text);
            else sessionStorage.removeItem(this.name);
        } catch {
            // as above
        }
    }

    clear() {
        this.held = {};
        this.heldOutbox = [];
        this.draft = '';
        try {
            localStorage.removeItem(this.name);
            localStorage.removeItem(`${this.name}:outbox`);
        } catch {
            // as above
        }
    }
}

/** Return 256 random bits as text: a secret that only this browser knows. */
export function makeSecret() {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}

/** Return a random UUID, also on pages without TLS, where the browser has no ready-made one. Source: RFC 9562, 5.4. */
export function makeId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}

/** Run `work` while no other tab runs such work; where the browser has no locks, run it at once. */
export function alone(name, work) {
    return navigator.locks ? navigator.locks.request(name, work) : work();
}
