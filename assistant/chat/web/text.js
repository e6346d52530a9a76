// Text as elements. Our articles are Markdown: their paragraphs, headings, lists, tables, quotations, bold and
// code become elements; whatever else stands there, markup of any kind included, is shown as it was written.

import { h } from './dom.js';

const ITEM = /^\s*(?:[-*•]|(\d{1,3})[.)、])\s+(.*)$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE = /^[\s|:-]+$/;

/** Return the elements of a text. Words of people are plain: lines stay lines, and nothing else is read into them. */
export function plain(text) {
    return [h('p', { dir: 'auto', class: 'words' }, text)];
}

/** Return the elements of a text in Markdown. */
export function blocks(text) {
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    const found = [];
    while (lines.length) {
        const line = lines[0];
        if (!line.trim()) lines.shift();
        else if (/^#{1,6}\s/.test(line)) found.push(heading(lines.shift()));
        else if (ROW.test(line)) found.push(table(taken(lines, ROW)));
        else if (/^\s*>/.test(line)) found.push(h('blockquote', {}, blocks(taken(lines, /^\s*>/).map((one) => one.replace(/^\s*> ?/, '')).join('\n'))));
        else if (ITEM.test(line)) found.push(list(lines));
        else found.push(paragraph(lines));
    }
    return found;
}

function taken(lines, pattern) {
    const found = [];
    while (lines.length && pattern.test(lines[0])) found.push(lines.shift());
    return found;
}

function heading(line) {
    return h('p', { class: 'heading', dir: 'auto', role: 'heading', 'aria-level': '3' }, inline(line.replace(/^#+\s*|\s*#+$/g, '')));
}

function paragraph(lines) {
    const found = [lines.shift()];
    while (lines.length && lines[0].trim() && !/^(#{1,6}\s|\s*>)/.test(lines[0]) && !ROW.test(lines[0]) && !ITEM.test(lines[0])) {
        found.push(lines.shift());
    }
    return h('p', { dir: 'auto' }, inline(found.join('\n')));
}

function list(lines) {
    const isNumbered = /^\s*\d/.test(lines[0]);
    const start = isNumbered ? lines[0].match(ITEM)[1] : null;
    const items = [];
    while (lines.length) {
        const item = lines[0].match(ITEM);
        if (item) items.push(item[2]);
        else if (/^\s{2,}\S/.test(lines[0])) items[items.length - 1] += `\n${lines[0].trim()}`;
        else break;
        lines.shift();
    }
    return h(isNumbered ? 'ol' : 'ul', { start, dir: 'auto' }, items.map((item) => h('li', { dir: 'auto' }, inline(item))));
}

function table(lines) {
    const rows = lines.map((line) => line.match(ROW)[1].split('|').map((cell) => cell.trim()));
    const hasHead = rows.length > 1 && RULE.test(lines[1]);
    const body = hasHead ? rows.slice(2) : rows;
    const cellOf = (cell, isHead) => h(isHead && cell ? 'th' : 'td', { dir: 'auto', scope: isHead && cell ? 'col' : null }, inline(cell));
    const row = (cells, isHead) => h('tr', {}, cells.map((cell) => cellOf(cell, isHead)));
    return h('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': rows[0].join(', ') },
        h('table', {}, hasHead && h('thead', {}, row(rows[0], true)), h('tbody', {}, body.map((cells) => row(cells, false)))));
}

function inline(text) {
    return text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).map((part) => {
        if (/^\*\*.+\*\*$/.test(part)) return h('strong', {}, part.slice(2, -2));
        if (/^`.+`$/.test(part)) return h('code', {}, part.slice(1, -1));
        return part;
    });
}
