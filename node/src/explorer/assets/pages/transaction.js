// One transaction: how far it came, what it does, what came of it, and the proof, checked here.

import { fill, h } from '../dom.js';
import { coins, number } from '../format.js';
import { proofPanel } from '../proof.js';
import { RpcError, batch, call } from '../rpc.js';
import { unhex } from '../text.js';
import { verifyTransaction } from '../verify.js';
import { addressLink, blockLink, card, copyable, facts, hashLink, mark, mono, when } from '../widgets.js';

// How often a result that is not attested yet is asked for again.
const ATTEST_MS = 400;
const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); });
});

export default async function show(page) {
  const hash = page.params.hash.toLowerCase();
  page.title('Transaction');
  const timeline = h('ol', { class: 'timeline' });
  const detail = h('div');
  fill(page.root, card(null, facts([['Hash', copyable(hash)]]), timeline), detail);
  const details = await finality(page, hash, timeline);
  if (!details) return;
  await present(page, hash, timeline, detail, details);
}

// Follows the transaction until it is final or gone.
async function finality(page, hash, timeline) {
  for (;;) {
    const [state, details] = await batch([['tx_status', { hash }], ['tx_get', { hash, prove: true }]], page);
    if (!(details instanceof RpcError)) return details;
    if (state instanceof RpcError) throw state;
    if (details.code === 'PRUNED') throw details;
    const { status } = state;
    fill(timeline, stages(status));
    if (status.state === 'dropped') return null;
    if (status.state === 'unknown') await pause(1500, page.signal);
    else await call('tx_wait', { hash, timeout_ms: 5000 }, page);
    if (page.signal.aborted) return null;
  }
}

const stage = (state, title, ...more) => h('li', { class: state }, mark(state, { ok: 'done:', wait: 'waiting:', failed: 'failed:' }[state]), ' ',
  h('span', {}, h('strong', {}, title), more.length ? h('small', {}, more) : null));

function stages(status) {
  if (status.state === 'unknown') return [stage('wait', 'Unknown', 'this node never heard of it, or forgot it; this page waits for it')];
  if (status.state === 'dropped') return [stage('ok', 'Received'), stage('failed', 'Dropped', `it was not executed: ${status.reason}`)];
  return [stage('ok', 'Received'), status.state === 'pending' ? stage('wait', 'In the mempool') : stage('ok', 'In a batch'), stage('wait', 'Ordered and final')];
}

function finalStages(details) {
  const { receipt } = details;
  const attested = details.proof?.receipt;
  return [
    stage('ok', 'Received'),
    stage('ok', 'Ordered and final', 'block ', blockLink(receipt.height), ', position ', number(receipt.index), ', ', when(details.timestamp)),
    receipt.success ? stage('ok', 'Executed', `fee ${coins(receipt.fee)}`) : stage('failed', 'Executed, failed', `${receipt.failure?.message ?? ''}; the fee of ${coins(receipt.fee)} is spent, nothing else changed`),
    attested ? stage('ok', 'Result attested', 'a certified header carries it') : stage('wait', 'Result attested', 'a later header will carry it'),
  ];
}

async function present(page, hash, timeline, detail, details) {
  const panel = proofPanel(page, {
    noun: ({ facts: { block, set, result } }) => `block ${block.header.height} orders this transaction, and its ${result.failure ? 'failure' : 'success'} is attested; ${block.power} of ${set.totalPower} voting power signed.`,
    name: () => `tx-${hash.slice(0, 16)}.json`,
  });
  const draw = () => {
    fill(timeline, finalStages(details));
    fill(detail, h('div', { class: 'columns' }, h('div', {}, operations(details.tx.body), about(details)), panel.element));
  };
  draw();
  while (details.proof && !details.proof.receipt && !page.signal.aborted) {
    await pause(ATTEST_MS, page.signal);
    if (page.signal.aborted) return;
    details = await call('tx_get', { hash, prove: true }, page);
    if (details.proof?.receipt) draw();
  }
  await panel.check(details, (anchor) => verifyTransaction(hash, details, anchor));
}

function operations(body) {
  return card('What it does', h('ol', { class: 'operations' }, body.operations.map((one) =>
    h('li', {}, h('strong', { class: 'amount' }, coins(one.amount)), ' from ', addressLink(one.from ?? body.sender), ' to ', addressLink(one.to)))));
}

function memo(text) {
  if (!text) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(unhex(text));
  } catch {
    return mono(text);
  }
}

function about({ tx, receipt, bytes }) {
  const { body } = tx;
  return card('Transaction', facts([
    ['Sender', addressLink(body.sender)],
    ['Nonce', number(body.nonce)],
    ['Fee', `${coins(receipt.fee)}, offered ${coins(body.fee)}`],
    ['Expires after', `block ${number(body.expiry)}`],
    ['Memo', memo(body.memo)],
    body.cosigners.length > 0 && ['Co-signers', body.cosigners.map((one) => h('div', {}, addressLink(one)))],
    ['Block', hashLink(receipt.block)],
    ['Size', `${number(tx.size)} bytes`],
    ['Bytes', h('details', {}, h('summary', {}, 'Show'), copyable(bytes))],
  ]));
}
