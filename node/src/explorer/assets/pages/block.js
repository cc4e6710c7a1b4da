// One block: header, batches, transactions, and its certificate, checked here.

import { fill, h } from '../dom.js';
import { bytes, number, plural } from '../format.js';
import { proofPanel } from '../proof.js';
import { RpcError, batch } from '../rpc.js';
import { verifyBlock } from '../verify.js';
import { blockLink, card, copyable, facts, hashLink, mono, problem, signerGrid, table, when } from '../widgets.js';

const TXS = 200;

export default async function show(page) {
  const { which } = page.params;
  page.title(/^\d+$/.test(which) ? `Block ${number(which)}` : `Block ${which.slice(0, 12)}…`);
  fill(page.root, h('p', { class: 'note' }, 'Reading …'));
  const select = /^\d+$/.test(which) ? { height: which } : { hash: which };
  const [view, certificate] = await batch([['block_get', { ...select, transactions: true }], ['block_certificate', select]], page);
  if (view instanceof RpcError) return waitFor(page, select, view);
  const { header } = view;
  page.title(`Block ${number(header.height)}`);
  const panel = proofPanel(page, {
    noun: ({ facts: { block, set } }) => `${block.power} of ${set.totalPower} voting power signed exactly this header. Not part of the proof: which transactions were executed; each has a proof of its own.`,
    name: () => `block-${header.height}.json`,
  });
  const next = h('a', { href: `/block/${BigInt(header.height) + 1n}` }, 'Next ›');
  fill(page.root,
    h('p', { class: 'actions' }, header.height !== '0' && h('a', { href: `/block/${BigInt(header.height) - 1n}` }, '‹ Previous'), ' ', next),
    h('div', { class: 'columns' },
      h('div', {}, card('Block', facts([
        ['Hash', copyable(view.hash)],
        ['Time', h('span', {}, when(header.timestamp), h('small', {}, new Date(Number(header.timestamp)).toISOString()))],
        ['Proposer', header.proposer.name],
        ['View', header.view === String(BigInt(header.parent_view) + 1n) ? number(header.view) : `${number(header.view)}, after view ${number(header.parent_view)}`],
        ['Epoch', header.epoch],
        ['Parent', header.height === '0' ? 'none: this is the first block' : hashLink(header.parent)],
        ['Transactions', `${number(view.transaction_count)} ordered; ${number(view.transactions?.length ?? 0)} executed, as this node tells`],
        view.evidence_count > 0 && ['Evidence', h('a', { href: '/evidence' }, plural(view.evidence_count, 'proof of double signing', 'proofs of double signing'))],
        ['Payload', mono(header.payload)],
        ['Attests', h('span', {}, 'the results of height ', blockLink(header.executed.height))],
        ['State root', mono(header.executed.state_root)],
        ['Receipts root', mono(header.executed.receipts_root)],
      ])),
      card('Certificate', certificate instanceof RpcError ? problem(certificate) : [
        h('p', { class: 'note' }, `Commit votes of view ${number(certificate.view)} with ${certificate.power} of the voting power. ${certificate.quorum} are enough: it closes before slower votes arrive. Why somebody is missing is what this node saw, and no part of the proof.`),
        signerGrid(certificate.signers)])),
      panel.element),
    card('Transactions', transactions(view)),
    batches(view),
    view.results && card('Results of this block', h('p', { class: 'note' }, 'As this node computed them. A later header attests them.'), facts([['State root', mono(view.results.state_root)], ['Receipts root', mono(view.results.receipts_root)]])));
  if (certificate instanceof RpcError) return;
  await panel.check(certificate, (anchor) => verifyBlock(certificate, anchor, view, which.toLowerCase()));
}

function transactions(view) {
  const all = view.transactions ?? [];
  if (all.length === 0) return h('p', { class: 'none' }, 'No transaction was executed in this block.');
  const list = h('ol', { class: 'hashes' });
  let shown = 0;
  const more = h('button', { type: 'button', onclick: extend });
  function extend() {
    list.append(...all.slice(shown, shown + TXS).map((hash) => h('li', {}, h('a', { href: `/tx/${hash}`, class: 'mono wrap' }, hash))));
    shown = Math.min(all.length, shown + TXS);
    more.hidden = shown === all.length;
    more.textContent = `${number(all.length - shown)} more`;
  }
  extend();
  return [list, more];
}

function batches(view) {
  if (view.batches.length === 0) return null;
  const list = table('Batches of transactions that the block orders', [['Batch', ''], ['Sealed by', ''], ['Txs', 'num'], ['Size', 'num']],
    (one) => one.hash, (one) => [h('span', { class: 'mono', title: one.hash }, `${one.hash.slice(0, 12)}…`), one.author.name, number(one.count), bytes(one.bytes)]);
  list.rows(view.batches);
  return card('Batches', list.element);
}

// A height that is not there yet: shown as soon as it is.
function waitFor(page, { height }, error) {
  page.fail(error);
  if (!height || error.code !== 'NOT_FOUND') return;
  let done = false;
  page.follow((now) => {
    if (done || !now.chain || BigInt(now.chain.head.height) < BigInt(height)) return;
    done = true;
    show(page).catch((error) => page.fail(error));
  });
}
