// Sending on development networks: built, shown byte by byte and signed in this browser.

import { decode } from '../codec.js';
import { cannotVerify, developmentSeed, hash, keyPair, message } from '../crypto.js';
import { fill, h } from '../dom.js';
import { coins, number, parseCoins } from '../format.js';
import { state } from '../live.js';
import { go } from '../router.js';
import { call } from '../rpc.js';
import { address, hex, parseAddress, unhex } from '../text.js';
import { encodeBody, encodeTransaction, readTransaction } from '../types.js';
import { card, facts, mark, problem } from '../widgets.js';

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];
const EXPIRES_AFTER = 1000n;

// The account of a development name, with its key; null for other names.
export async function developmentAccount(name) {
  if (!NAMES.includes(name)) return null;
  const keys = await keyPair(await developmentSeed(name));
  return { ...keys, address: address(keys.publicKey) };
}

export default async function send(page) {
  page.title('Send');
  const inability = await cannotVerify();
  if (inability) return page.fail(new Error(`Nothing can be signed here: ${inability}.`));
  const chain = state.chain ?? await call('chain_info', {}, page);
  if (!chain.dev) return page.fail(new Error('This is not a development chain: keys do not belong in a web page. Use logothete tx send, or the client library.'));
  fill(page.root, h('p', { class: 'lead' }, h('strong', {}, 'Development network. '), 'These keys are public; the coins are worth nothing. Never paste the seed of a key that guards anything.'),
    h('div', { class: 'columns' }, sendCard(page, chain), faucetCard(page)));
}

const field = (id, label, input, help = null) => h('div', { class: 'field' }, h('label', { for: id }, label), input, help ? h('p', { class: 'note' }, help) : null);
const choice = (id, extra) => h('select', { id }, NAMES.map((name) => h('option', { value: name }, name)), extra ? h('option', { value: '' }, extra) : null);

function sendCard(page, chain) {
  const seed = h('input', { id: 'seed', class: 'mono', autocomplete: 'off', spellcheck: 'false', maxlength: '64' });
  const seedField = h('div', { hidden: true }, field('seed', 'Seed', seed, '32 bytes in hexadecimal digits. It stays in this page.'));
  const from = choice('from', 'another key …');
  from.addEventListener('change', () => { seedField.hidden = from.value !== ''; });
  const to = h('input', { id: 'to', value: 'bob', spellcheck: 'false', autocomplete: 'off' });
  const amount = h('input', { id: 'amount', value: '10', inputmode: 'decimal', autocomplete: 'off' });
  const memo = h('input', { id: 'memo', maxlength: '256', autocomplete: 'off' });
  const outcome = h('div', { class: 'outcome' });
  const form = h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); prepare().catch((error) => fill(outcome, problem(error))); } },
    field('from', 'From', from), seedField, field('to', 'To', to, 'An address, or the name of a development account.'),
    field('amount', 'Amount', amount), field('memo', 'Memo', memo), h('p', { class: 'actions' }, h('button', { class: 'main' }, 'Build it')));

  async function prepare() {
    const keys = await signer();
    const receiver = NAMES.includes(to.value.trim()) ? (await developmentAccount(to.value.trim())).publicKey : parseAddress(to.value);
    const units = parseCoins(amount.value);
    if (!units) throw new Error('The amount is not one: write 10 or 0.25, at most six digits after the point.');
    const account = await call('account_get', { address: keys.address }, page);
    const body = {
      chain: unhex(chain.chain_id).slice(0, 4), sender: keys.publicKey, nonce: BigInt(account.next_nonce), fee: BigInt(chain.params.min_fee),
      expiry: BigInt(account.at.height) + EXPIRES_AFTER, operations: [{ from: null, to: receiver, amount: units }], memo: new TextEncoder().encode(memo.value), cosigners: [],
    };
    const bytes = encodeBody(body);
    const signed = message('lgt/tx', unhex(chain.chain_id), bytes);
    fill(outcome, h('h3', {}, 'What will be signed'), facts([['From', keys.address], ['To', address(receiver)], ['Amount', coins(units)], ['Fee', coins(body.fee)],
      ['Nonce', number(body.nonce)], ['Expires after', `block ${number(body.expiry)}`]]), byteTable(signed, body),
    h('p', { class: 'actions' }, h('button', { type: 'button', class: 'main', id: 'sign', onclick: (event) => submit(event.target, keys, bytes, signed).catch((error) => fill(outcome, problem(error))) }, 'Sign and send')));
  }

  async function signer() {
    if (from.value) return developmentAccount(from.value);
    const keys = await keyPair(unhex(seed.value.trim(), 32));
    return { ...keys, address: address(keys.publicKey) };
  }

  async function submit(button, keys, bytes, signed) {
    button.disabled = true;
    const tx = encodeTransaction(bytes, await keys.sign(signed));
    decode(tx, readTransaction);
    const own = hex(await hash('lgt/tx', tx));
    const taken = await call('tx_submit', { tx: hex(tx) }, page);
    if (taken.hash !== own) throw new Error(`The node names it ${taken.hash}; its hash is ${own}.`);
    go(`/tx/${own}`);
  }
  return card('Send', form, outcome);
}

// The signed message, cut into its fields.
function byteTable(signed, body) {
  const lengths = [['domain tag', 16], ['chain id', 32], ['chain tag', 4], ['sender', 32], ['nonce', 8], ['fee', 8], ['expiry', 8], ['operations: 1', 4],
    ['transfer', 4], ['paid by the sender', 1], ['to', 32], ['amount', 8], [`memo, ${body.memo.length} bytes`, 4 + body.memo.length], ['co-signers: 0', 4]];
  let at = 0;
  const rows = lengths.map(([name, length]) => {
    const part = signed.subarray(at, at + length);
    at += length;
    return h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'mono wrap' }, hex(part)));
  });
  return h('table', { class: 'bytes' }, h('caption', {}, `The ${signed.length} bytes that the signature covers`), h('tbody', {}, rows));
}

function faucetCard(page) {
  const to = h('input', { id: 'drip-to', value: 'alice', spellcheck: 'false', autocomplete: 'off' });
  const amount = h('input', { id: 'drip-amount', value: '100', inputmode: 'decimal', autocomplete: 'off' });
  const outcome = h('div', { role: 'status' });
  const form = h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); drip().catch((error) => fill(outcome, problem(error))); } },
    field('drip-to', 'To', to, 'An address, or the name of a development account.'), field('drip-amount', 'Amount', amount), h('p', { class: 'actions' }, h('button', {}, 'Ask the faucet')));
  async function drip() {
    const known = await developmentAccount(to.value.trim());
    const receiver = known ? known.address : address(parseAddress(to.value));
    const units = parseCoins(amount.value);
    if (!units) throw new Error('The amount is not one: write 10 or 0.25.');
    const taken = await call('faucet_drip', { address: receiver, amount: String(units) }, page);
    fill(outcome, h('p', {}, mark('ok', ''), ' On its way: ', h('a', { href: `/tx/${taken.hash}`, class: 'mono wrap' }, taken.hash)));
  }
  return card('Faucet', h('p', { class: 'note' }, 'Coins of the development account, for trying things out.'), form, outcome);
}
