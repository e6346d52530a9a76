// Elements. Text is only ever set as text: nothing in the chat parses HTML.

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
    chat: 'M4 5.5h16v11H11l-4.500 4v-4H4zM8 9.500h8M8 12.500h5',
    close: 'M6 6l12 12M18 6L6 18',
    down: 'M6 9.500l6 6 6-6',
    send: 'M4.500 12L20 4.500 15.500 20l-3.500-6.500zM12 13.500l8-9',
    up: 'M7 11v9H4v-9zM7 11l4-7.500c1.700 0 2.500 1 2.500 2.500L13 9.500h5.500a1.500 1.500 0 0 1 1.500 1.800l-1.300 7A2 2 0 0 1 16.700 20H7',
    person: 'M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.500 20.500c.7-4 3.700-6 7.500-6s6.800 2 7.500 6',
    spark: 'M12 3.500l1.900 5.100 5.100 1.900-5.100 1.900L12 17.500l-1.900-5.100L5 10.500l5.100-1.900zM18.500 16v4.500M16.250 18.250h4.500',
    article: 'M6 3.500h8.500l4 4v13H6zM14 3.500v4.500h4.500M9 12h6.500M9 15.500h6.500',
    back: 'M15 5l-7 7 7 7',
    more: 'M5.500 12h.01M12 12h.01M18.500 12h.01',
    away: 'M3 3l18 18M7.500 18H17M6 9.500A4.500 4.500 0 0 0 7.500 18M9.500 6.500a6 6 0 0 1 8.700 4.700A3.500 3.500 0 0 1 20 17',
    clock: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.500l3 2',
};

/** Make an element: h('button', {class: 'quiet', onclick: save}, 'Save'). Children that are null or false are left out. */
export function h(tag, props = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/** Return a line icon, which takes the colour and size of the text around it and says nothing to a screen reader. */
export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    const path = document.createElementNS(SVG, 'path');
    for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', 'aria-hidden': 'true', class: `icon icon-${name}` })) {
        svg.setAttribute(key, value);
    }
    path.setAttribute('d', ICONS[name]);
    svg.append(path);
    return svg;
}

/** Give a shadow tree its style, in a way that a strict policy of the page allows where there is one. */
export function dress(root, style) {
    if ('adoptedStyleSheets' in Document.prototype) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(style);
        root.adoptedStyleSheets = [sheet];
    } else {
        root.append(h('style', {}, style));
    }
}

/** Put `children` into `parent`, keeping those of its elements that stay: what has the focus keeps it. */
export function place(parent, children) {
    const wanted = new Set(children);
    for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
    children.forEach((child, index) => {
        if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] ?? null);
    });
}

/** Keep a key from the page: it cannot see that somebody types in here, and takes letters for its shortcuts. */
export function stop(event) {
    event.stopPropagation();
}

/** Set a text that is not the same already: what is set again is read out again. */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** Let the focus go round in `panel`, where that is all there is: on a phone. */
export function goRound(event, panel, focused) {
    const all = [...panel.querySelectorAll('button:enabled, textarea, input, [tabindex="0"]')].filter((one) => !one.closest('[inert]') && one.getClientRects().length);
    const [first, last] = event.shiftKey ? [all.at(-1), all[0]] : [all[0], all.at(-1)];
    if (focused === last) {
        event.preventDefault();
        first.focus();
    }
}
