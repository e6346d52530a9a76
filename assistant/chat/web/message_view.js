// How one thing said looks, with what an answer rests on.

import { h, icon } from './dom.js';
import { blocks, plain } from './text.js';

const SHOWS_EVIDENCE = ['ANSWERED', 'CLARIFIED'];

/** Return the element of a message. `after` is the message before it: who goes on speaking is not named again. */
export function messageView(message, { say, locale, after, openArticle, rate, ask }) {
    const side = { CUSTOMER: 'customer', BOT: 'bot', AGENT: 'agent', SYSTEM: 'system' }[message.author];
    const isFirst = after?.author !== message.author || after?.authorName !== message.authorName;
    const { answer } = message;
    const offers = offered(answer);
    const text = offers.length ? withoutChoices(message.text) : answer ? withoutSource(message.text, answer) : message.text;
    const said = message.author === 'BOT' ? blocks(text) : plain(text);
    return h('div', { class: `message ${side}${isFirst ? ' first' : ''}`, part: `message message-${side}`, 'data-id': message.id },
        isFirst && side !== 'customer' && avatar(message),
        h('div', { class: 'column' },
            isFirst && h('p', { class: 'who' }, h('span', { class: side === 'customer' ? 'unseen' : null }, nameOf(message, say))),
            h('div', { class: 'bubble', part: `bubble bubble-${side}` }, said),
            offers.length > 0 && choices(offers, say, ask),
            answer && sources(answer.citations.filter((one) => !offers.some((other) => isSame(one, other))), say, openArticle),
            answer && SHOWS_EVIDENCE.includes(answer.decision) && answer.citations.length > 0 && thumbs(message, say, rate),
            message.at && h('p', { class: 'meta' }, timeOf(message.at, locale))));
}

/** Return the element of what was written and is not known to be sent. */
export function waitingView(entry, { say, isTried, edit }) {
    const state = entry.failed ? h('span', { class: 'failed' }, `${say('failed')}: ${say(entry.failed) ?? entry.failed} `,
        h('button', { type: 'button', class: 'link', onclick: () => edit(entry.id) }, say('edit')))
        : h('span', {}, icon('clock'), isTried ? say('queued') : say('sending'));
    return h('div', { class: 'message customer first waiting', part: 'message message-customer', 'data-id': entry.id },
        h('div', { class: 'column' },
            h('p', { class: 'who unseen' }, say('you')),
            h('div', { class: 'bubble', part: 'bubble bubble-customer' }, plain(entry.text)),
            h('p', { class: 'meta' }, state)));
}

/** Return the element of an answer that is on its way. */
export function answeringView({ step, text }, { say }) {
    return h('div', { class: 'message bot first answering', 'aria-busy': 'true' },
        avatar({ author: 'BOT' }),
        h('div', { class: 'column' },
            h('p', { class: 'who' }, say('assistant')),
            h('div', { class: 'bubble' }, text ? blocks(text) : dots(say(step) ?? say('thinking')))));
}

/** Return the element of somebody who types. */
export function typingView(name, { say }) {
    return h('div', { class: 'message agent first typing' },
        avatar({ author: 'AGENT', authorName: name }), h('div', { class: 'column' }, h('div', { class: 'bubble' }, dots(say('typing', name)))));
}

function dots(text) {
    return h('p', { class: 'dots' }, h('span', { class: 'three', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('span', {}, text));
}

function avatar({ author, authorName }) {
    const initial = author === 'AGENT' && authorName ? [...authorName.trim()][0].toUpperCase() : null;
    return h('span', { class: 'avatar', 'aria-hidden': 'true' }, initial ?? icon(author === 'AGENT' ? 'person' : 'spark'));
}

function nameOf({ author, authorName }, say) {
    return authorName || say({ CUSTOMER: 'you', BOT: 'assistant', AGENT: 'team', SYSTEM: 'system' }[author]);
}

function timeOf(at, locale) {
    const date = new Date(at);
    const isToday = date.toDateString() === new Date().toDateString();
    const shown = isToday ? { hour: '2-digit', minute: '2-digit' } : { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' };
    return h('time', { datetime: at }, new Intl.DateTimeFormat(locale, shown).format(date));
}

/** Return the citations of an answer that are to choose from; of several questions one at most is asked back about. */
function offered(answer) {
    const clarified = (answer?.parts?.length ? answer.parts : answer ? [answer] : []).filter(({ decision }) => decision === 'CLARIFIED');
    return clarified.flatMap(({ citations }) => citations);
}

function isSame(one, other) {
    return one.article.id === other.article.id && one.quote === other.quote;
}

/** Leave out the lines at the end that name what is to choose from: they are buttons below. */
function withoutChoices(text) {
    return text.replace(/(\n\d+\. .*)+$/, '');
}

/** Leave out the last line that names the source: it stands below, where it can be opened. Of several each keeps its own. */
function withoutSource(text, answer) {
    if (answer.decision !== 'ANSWERED' || !answer.citations.length || answer.parts?.length) return text;
    const end = text.lastIndexOf('\n\n');
    return end > 0 && text.slice(end).includes(answer.citations[0].article.title) ? text.slice(0, end) : text;
}

/** Let one of the articles asked about be picked by a tap, or none; what it says is what is said then. */
function choices(offers, say, ask) {
    const choice = (text, attributes) => h('button', { type: 'button', class: 'suggestion choice', part: 'choice', ...attributes, onclick: () => ask(text) }, text);
    return h('div', { class: 'choices', role: 'group', 'aria-label': say('choices') },
        offers.map(({ article }) => choice(article.title, { lang: article.locale })),
        choice(say('none'), { class: 'suggestion choice none' }));
}

function sources(citations, say, openArticle) {
    if (!citations.length) return null;
    return h('div', { class: 'sources', part: 'sources', role: 'group', 'aria-label': say('sources') },
        byArticle(citations).map((citation) => source(citation, say, openArticle)));
}

/** Return the first citation of each article. */
function byArticle(citations) {
    return citations.filter(({ article }, place) => citations.findIndex((one) => one.article.id === article.id) === place);
}

function source({ article, quote }, say, openArticle) {
    const body = h('div', { class: 'quote', hidden: true },
        h('blockquote', { lang: article.locale }, blocks(quote)),
        h('p', { class: 'quote-foot' },
            h('span', {}, say('version', article.version)),
            h('button', { type: 'button', class: 'link', onclick: (event) => openArticle({ article, quote }, event.currentTarget) }, say('readArticle'))));
    const toggle = h('button', {
        type: 'button', class: 'source', part: 'source', 'aria-expanded': 'false',
        onclick: () => {
            body.hidden = !body.hidden;
            toggle.setAttribute('aria-expanded', String(!body.hidden));
            if (!body.hidden) body.scrollIntoView({ block: 'nearest' });
        },
    }, icon('article'), h('span', { lang: article.locale, class: 'source-title' }, article.title),
    h('span', { class: 'unseen' }, `, ${say('version', article.version)}`), icon('down'));
    return h('div', { class: 'cited' }, toggle, body);
}

/** Show in the view of a message what was said of its answer. */
export function showRating(view, { answer }, say) {
    for (const thumb of view.querySelectorAll('.thumb')) {
        thumb.setAttribute('aria-pressed', String(String(answer.helpful) === thumb.dataset.helpful));
    }
    const thanks = view.querySelector('.thanks');
    const text = answer.helpful === null ? '' : say(answer.helpful ? 'thanked' : 'sorry');
    if (thanks && thanks.textContent !== text) thanks.textContent = text;
}

function thumbs(message, say, rate) {
    const thumb = (helpful, label, className) => h('button', {
        type: 'button', class: `thumb ${className}`, 'aria-label': label, title: label, 'data-helpful': String(helpful), onclick: () => rate(message.id, helpful),
    }, icon('up'));
    return h('div', { class: 'thumbs', part: 'feedback', role: 'group', 'aria-label': say('helpful') },
        thumb(true, say('yes'), 'yes'), thumb(false, say('no'), 'no'),
        h('span', { class: 'thanks', role: 'status' }));
}
