// What several pages are made of: tables, lists of facts, marks, links to what has an address.

import { fill, h, keep, setText } from './dom.js';
import { ago, short, time } from './format.js';

// A state as shape and word; colour only helps.
const MARKS = {
  ok: ['✔', 'yes'], failed: ['✘', 'failed'], unchecked: ['–', 'not checked'], none: ['·', 'no'], late: ['▲', 'timed out'], wait: ['…', 'waiting'],
};

export function mark(state, word = null) {
  const [shape, usual] = MARKS[state];
  return h('span', { class: `mark ${state}` }, h('span', { 'aria-hidden': 'true' }, shape), h('span', { class: 'hidden' }, word ?? usual));
}

export const blockLink = (height) => h('a', { href: `/block/${height}`, class: 'num' }, Number(height).toLocaleString('en'));
export const hashLink = (hash, kind = 'block') => h('a', { href: `/${kind}/${hash}`, class: 'mono', title: hash }, short(hash));
export const addressLink = (address) => h('a', { href: `/account/${address}`, class: 'mono', title: address }, short(address, 9, 5));
export const mono = (text) => h('span', { class: 'mono wrap' }, text);

// A value to read in full and to take along.
export function copyable(text, shown = text) {
  const button = h('button', { type: 'button', class: 'quiet', 'aria-label': 'Copy', onclick: async () => {
    await navigator.clipboard?.writeText(text).then(() => setText(button, 'copied'), () => setText(button, 'select and copy'));
    setTimeout(() => setText(button, 'copy'), 1500);
  } }, 'copy');
  return h('span', { class: 'copyable' }, mono(shown), ' ', button);
}

// A time that keeps telling how long ago it was, exact on pointing.
export function when(timestamp) {
  return h('time', { datetime: new Date(Number(timestamp)).toISOString(), title: time(timestamp), 'data-at': String(timestamp) }, ago(timestamp));
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll('time[data-at]')) setText(element, ago(element.dataset.at));
}

// Facts [name, value]; those without a value are left out.
export function facts(entries) {
  const shown = entries.filter((entry) => entry && entry[1] !== null && entry[1] !== undefined);
  return h('dl', { class: 'facts' }, shown.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

export function card(title, ...children) {
  return h('section', { class: 'card' }, title ? h('h2', {}, title) : null, children);
}

// A table with a caption; columns are [title, class]. `rows(items)` renews it, keeping what stays.
export function table(caption, columns, keyOf, cells, empty = 'Nothing here.', flash = false) {
  const body = h('tbody');
  const none = h('p', { class: 'none', hidden: true }, empty);
  const head = h('tr', {}, columns.map(([title, kind]) => h('th', { scope: 'col', class: kind ?? null }, title)));
  const element = h('table', {}, h('caption', { class: 'hidden' }, caption), h('thead', {}, head), body);
  const frame = h('div', { class: 'scroll', role: 'region', 'aria-label': caption, tabindex: '0' }, element);
  const row = (item) => {
    const [first, ...rest] = cells(item);
    return h('tr', {}, h('th', { scope: 'row', class: columns[0][1] ?? null }, first),
      rest.map((cell, i) => h('td', { class: columns[i + 1][1] ?? null }, cell)));
  };
  return {
    element: h('div', {}, frame, none),
    rows(items) {
      frame.hidden = items.length === 0;
      none.hidden = items.length > 0;
      keep(body, items, keyOf, row, flash);
    },
  };
}

// Who signed a certificate: one cell a validator, a table to those who hear it.
const MISSED = { slower: 'slower than a quorum', timed_out: 'gave the view up', only_prepared: 'prepared only', not_heard: 'not heard' };
const reason = (missed) => `${MISSED[missed.why]}${missed.after_ms === undefined ? '' : `, ${missed.after_ms} ms`}`;

export function signerGrid(signers, caption = 'Signers of the certificate') {
  const body = signers.map(({ validator, power, signed, missed }) => h('tr', { class: signed ? 'signed' : 'missed' },
    h('th', { scope: 'row' }, validator.name, missed && h('small', {}, reason(missed))),
    h('td', { class: 'state' }, mark(signed ? 'ok' : 'none', signed ? 'signed' : 'not in the certificate')),
    h('td', { class: 'power' }, h('span', { class: 'hidden' }, 'power '), power)));
  const head = h('thead', { class: 'hidden' }, h('tr', {}, ['validator', 'signed', 'power'].map((name) => h('th', { scope: 'col' }, name))));
  return h('table', { class: 'signers' }, h('caption', { class: 'hidden' }, caption), head, h('tbody', {}, body));
}

export function problem(error, retry = null) {
  return h('div', { class: 'problem', role: 'alert' },
    h('p', {}, h('strong', {}, error.code === 'NOT_FOUND' ? 'Not found. ' : ''), error.message),
    error.hint ? h('p', { class: 'note' }, error.hint) : null,
    retry ? h('button', { type: 'button', onclick: retry }, 'Try again') : null);
}

export function download(name, content, type = 'application/json') {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export { fill, h, setText };
