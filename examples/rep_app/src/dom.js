// Elements, and elements that follow a stream of data. Text is only ever set as text: nothing here parses HTML.

import { t } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Make an element: h('button', {class: 'quiet', onclick: save}, 'Save'). Children that are null or false are left out. */
export function h(tag, props = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else if (name === 'value' || name === 'checked') element[name] = value;
        else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

const ICONS = {
    back: 'M15 5l-7 7 7 7',
    people: 'M4 20V6a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v14M14 10h5a1 1 0 0 1 1 1v9M2.5 20h19M7.5 9h3M7.5 13h3M7.5 17h3',
    deals: 'M4 5h4v14H4zM10 5h4v9h-4zM16 5h4v6h-4z',
    tasks: 'M4 6.5l1.5 1.5L8 5M4 12.5l1.5 1.5L8 11M4 18.5l1.5 1.5L8 17M11.5 6.5H20M11.5 12.5H20M11.5 18.5H20',
    tickets: 'M4 5h16v11H10l-4.5 4v-4H4z',
    more: 'M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4',
    sync: 'M4.5 12a7.5 7.5 0 0 1 13-5.100L20 9M20 4.5V9h-4.5M19.5 12a7.5 7.5 0 0 1-13 5.100L4 15M4 19.5V15h4.5',
    away: 'M3 3l18 18M7.5 18H17M6 9.5A4.5 4.5 0 0 0 7.5 18M9.5 6.5a6 6 0 0 1 8.700 4.700A3.5 3.5 0 0 1 20 17',
    add: 'M12 5v14M5 12h14',
    call: 'M6.5 3.5l3 .5 1 4-2 1.5a11 11 0 0 0 6 6l1.5-2 4 1 .5 3a2 2 0 0 1-2 2.5A16 16 0 0 1 4 5.5a2 2 0 0 1 2.5-2z',
    mail: 'M3.5 6h17v12h-17zM4 6.5l8 6.5 8-6.5',
    search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20.5 20.5',
    close: 'M6 6l12 12M18 6L6 18',
    check: 'M5 12.5l4.5 4.5L19 7.5',
    next: 'M9 5l7 7-7 7',
    alert: 'M12 4l9 16H3zM12 10v4.5M12 17.200v.1',
};

/** Return a line icon, which takes the colour and size of the text around it and says nothing to a screen reader. */
export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' })) svg.setAttribute(key, value);
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', ICONS[name]);
    svg.append(path);
    return svg;
}

/** What lives as long as one screen: subscriptions to end, and first contents to wait for. */
export class Scope {
    #ends = [];
    #firsts = [];

    onEnd(end) { this.#ends.push(end); }
    end() { this.#ends.splice(0).forEach((end) => end()); }
    get filled() { return Promise.all(this.#firsts); }

    /** Return an element whose content is render(value) of the latest value of an observable. Focus stays on the same data-key. */
    live(observable, render, tag = 'div', props = {}) {
        const place = h(tag, props);
        this.#firsts.push(new Promise((filled) => {
            const subscription = observable.subscribe((value) => {
                const key = place.contains(document.activeElement) && document.activeElement.dataset.key;
                place.replaceChildren(...[render(value)].flat(Infinity).filter(Boolean));
                if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
                filled();
            });
            this.onEnd(() => subscription.unsubscribe());
        }));
        return place;
    }
}

/** Show a sheet from below; fill(close) gives its content. It has the focus until it closes. */
export function sheet(title, fill) {
    const dialog = h('dialog', { class: 'sheet', 'aria-labelledby': 'sheet-title' });
    const close = () => dialog.close();
    dialog.append(
        h('header', {}, h('h2', { id: 'sheet-title' }, title), h('button', { class: 'plain close', 'aria-label': t('cancel'), onclick: close }, icon('close'))),
        fill(close),
    );
    dialog.addEventListener('close', () => dialog.remove());
    dialog.addEventListener('click', (event) => { if (event.target === dialog) close(); });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

let toastEnds = 0;

/** Say something in passing; a screen reader hears it too. */
export function toast(text, ...actions) {
    const place = document.getElementById('toast');
    place.replaceChildren(h('p', {}, text), ...actions);
    place.hidden = false;
    clearTimeout(toastEnds);
    if (!actions.length) toastEnds = setTimeout(() => { place.hidden = true; }, 4000);
}
