// What the browser remembers of one chat: the visitor's secret, the conversation, and what waits to be sent.

/** Something under `name` in localStorage; in this page alone where that is not allowed, or full. */
class Kept {
    constructor(name) {
        Object.assign(this, { name, held: null, isHeld: false });
    }

    read() {
        if (this.isHeld) return this.held; // what is stored is older
        try {
            return JSON.parse(localStorage.getItem(this.name));
        } catch {
            return this.held;
        }
    }

    write(value, text) {
        this.held = value;
        try {
            localStorage.setItem(this.name, text);
            this.isHeld = false;
        } catch {
            this.isHeld = true; // for as long as the page lasts
        }
    }

    clear() {
        this.held = null;
        this.isHeld = false;
        try {
            localStorage.removeItem(this.name);
        } catch {
            // it was never there
        }
    }
}

/** A small record, and beside it what waits to be sent, of all tabs. */
export class Memory {
    constructor(name) {
        this.name = name;
        this.record = new Kept(name);
        // By itself: a tab that notes what it sent must not write the rest again, which another has just cleared.
        this.entries = new Kept(`${name}:outbox`);
    }

    get all() {
        return this.record.read() ?? {};
    }

    get(key) {
        return this.all[key];
    }

    /** Set some values; undefined forgets one. */
    set(values) {
        const all = { ...this.all, ...values };
        this.record.write(all, JSON.stringify(all));
    }

    get outbox() {
        const entries = this.entries.read();
        return Array.isArray(entries) ? entries : [];
    }

    set outbox(entries) {
        // One by one: old frameworks teach arrays a toJSON of their own, and what it makes is no array any more.
        this.entries.write(entries, `[${entries.map((one) => JSON.stringify(one)).join(',')}]`);
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
            // storage is full or forbidden: it is in the field all the same
        }
    }

    clear() {
        this.draft = '';
        this.record.clear();
        this.entries.clear();
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

/** Run `work` while no other tab runs such work; where the browser has no locks, or gives none, run it at once. */
export async function alone(name, work) {
    let isBegun = false;
    const begin = () => {
        isBegun = true;
        return work();
    };
    try {
        return await navigator.locks.request(name, begin);
    } catch (error) {
        if (isBegun) throw error;
        return begin();
    }
}
