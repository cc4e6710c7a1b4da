// One account: balance and nonce with their proof, checked here, and the transactions that touched it.

import { fill, h, setText } from '../dom.js';
import { coins, number, time } from '../format.js';
import { proofPanel } from '../proof.js';
import { call } from '../rpc.js';
import { parseAddress } from '../text.js';
import { verifyAccount } from '../verify.js';
import { blockLink, card, copyable, download, facts, hashLink, mark, table, when } from '../widgets.js';

const PAGE = 25;
const CSV_ROWS = 10_000;
// A proven balance is renewed at most this often.
const RENEW_MS = 1000;

export default async function show(page) {
  const address = page.params.address.toLowerCase();
  page.title('Account');
  try {
    parseAddress(address);
  } catch (error) {
    page.fail(new Error(`This is no address: ${error.message}.`));
    return;
  }
  const balance = h('p', { class: 'balance' });
  const about = h('div');
  const panel = proofPanel(page, {
    noun: ({ facts: { block, set } }) => `this is the account as of block ${block.header.executed.height}; ${block.power} of ${set.totalPower} voting power attested it.`,
    name: () => `account-${address.slice(0, 16)}.json`,
  });
  const history = historyCard(page, address);
  fill(page.root, h('div', { class: 'columns' }, h('div', {}, card(null, balance, about), history.element), panel.element));

  let reading = false, seen = null, lastRead = 0;
  async function renew() {
    if (reading || Date.now() - lastRead < RENEW_MS) return;
    reading = true;
    lastRead = Date.now();
    try {
      const view = await call('account_get', { address, prove: true }, page);
      const change = `${view.balance} ${view.nonce} ${view.exists}`;
      // Until the newest change is attested there is no proof; the proven view stays until there is.
      if (!view.proof && seen !== null) return;
      // What is shown and what is said of it change together: never an unchecked balance under an old verdict.
      if (seen !== null) await panel.check(view, (anchor) => verifyAccount(address, view, anchor));
      setText(balance, coins(view.balance));
      fill(about, facts([
        ['Address', copyable(address)],
        ['Nonce', number(view.nonce)],
        view.next_nonce !== view.nonce && ['Next nonce', `${number(view.next_nonce)}, counting what waits in this node’s mempool`],
        ['As of', h('span', {}, 'block ', blockLink(view.at.height))],
        !view.exists && ['', 'It never received anything.'],
      ]));
      if (seen === null) await panel.check(view, (anchor) => verifyAccount(address, view, anchor));
      if (change !== seen) await history.renew();
      seen = change;
    } finally {
      reading = false;
    }
  }
  await renew();
  let height = null;
  page.follow((now) => {
    if (!now.chain || now.chain.head.height === height || now.failing) return;
    renew().then(() => { if (Date.now() - lastRead < RENEW_MS / 2) height = now.chain.head.height; }, (error) => { if (!page.signal.aborted) console.warn(error.message); });
  });
}

function historyCard(page, address) {
  const list = table('Transactions that touched the account, newest first',
    [['Transaction', ''], ['Age', 'wide'], ['Amount', 'num'], ['Fee', 'num wide'], ['Block', 'num wide'], ['Outcome', '']],
    (one) => one.hash,
    (one) => [hashLink(one.hash, 'tx'), when(one.timestamp), [amount(one.received, '+'), amount(one.sent, '−')].filter(Boolean).join(' ') || '0.00', one.sender === address ? coins(one.fee) : '',
      blockLink(one.height), mark(one.success ? 'ok' : 'failed', one.success ? 'succeeded' : 'failed')],
    'No transaction touched this account.');
  let cursor = null, items = [], paged = false;
  const older = h('button', { type: 'button', onclick: () => more() }, 'Older');
  const csv = h('button', { type: 'button', onclick: () => exportCsv() }, 'Save as CSV');
  const note = h('span', { class: 'note', role: 'status' });
  const read = (from) => call('account_history', from ? { address, cursor: from, limit: PAGE } : { address, limit: PAGE }, page);

  function draw() {
    list.rows(items);
    older.hidden = !cursor;
    csv.hidden = items.length === 0;
  }
  async function renew() {
    const answer = await read(null);
    if (paged) {
      // Keep the older pages that were opened; put what is new in front.
      const known = new Set(items.map((one) => one.hash));
      items = [...answer.items.filter((one) => !known.has(one.hash)), ...items];
    } else {
      items = answer.items;
      cursor = answer.next_cursor ?? null;
    }
    draw();
  }
  async function more() {
    const answer = await read(cursor);
    items = [...items, ...answer.items];
    cursor = answer.next_cursor ?? null;
    paged = true;
    draw();
  }
  async function exportCsv() {
    const rows = [];
    let from = null;
    do {
      const answer = await call('account_history', from ? { address, cursor: from, limit: 100 } : { address, limit: 100 }, page);
      rows.push(...answer.items);
      from = answer.next_cursor ?? null;
      setText(note, ` ${number(rows.length)} rows …`);
    } while (from && rows.length < CSV_ROWS);
    download(`${address}.csv`, toCsv(rows), 'text/csv');
    setText(note, from ? ` the newest ${number(rows.length)} rows; there are more` : ` ${number(rows.length)} rows`);
  }
  draw();
  return { renew, element: card('History', h('p', { class: 'note' }, 'As this node tells it: each transaction has a proof of its own.'), list.element, h('p', { class: 'actions' }, older, ' ', csv, note)) };
}

const amount = (units, sign) => (units === '0' ? '' : `${sign}${coins(units)}`);

// Amounts in coins with a point and no grouping, as spreadsheets read them.
export function toCsv(rows) {
  const plain = (units) => coins(units).replaceAll(',', '');
  const lines = rows.map((one) => [time(one.timestamp), one.height, one.index, one.hash, one.sender, plain(one.received), plain(one.sent), plain(one.fee), one.success ? 'success' : 'failure'].join(','));
  return ['time,block,position,transaction,sender,received,sent,fee,outcome', ...lines, ''].join('\r\n');
}
