// Proofs of double signing that the chain records, each checked here.

import { fill, h } from '../dom.js';
import { number } from '../format.js';
import { proofPanel } from '../proof.js';
import { call } from '../rpc.js';
import { verifyEvidence } from '../verify.js';
import { blockLink, card, facts, hashLink, mono, when } from '../widgets.js';

const KINDS = { proposal: 'two proposals', prepare_vote: 'two prepare votes', commit_vote: 'two commit votes', timeout: 'two timeouts' };

export default async function evidence(page) {
  page.title('Evidence');
  const list = h('div');
  const older = h('button', { type: 'button', hidden: true, onclick: () => read().catch((error) => page.fail(error)) }, 'Older');
  fill(page.root, h('p', { class: 'lead' }, 'A validator that signs two messages where an honest one signs one is caught: any two such messages prove it, and the chain records the proof.'), list, h('p', { class: 'actions' }, older));
  let cursor = null;
  async function read() {
    const answer = await call('evidence_list', cursor ? { cursor, limit: 20 } : { limit: 20 }, page);
    cursor = answer.next_cursor ?? null;
    older.hidden = !cursor;
    list.append(...answer.items.map((item) => one(page, item)));
    if (list.childElementCount === 0) fill(list, card(null, h('p', { class: 'none' }, '✔ The chain records no evidence: nobody was caught signing twice.')));
  }
  await read();
}

function one(page, item) {
  const panel = proofPanel(page, { noun: ({ facts: { member } }) => `${member.name} signed both.`, name: () => `evidence-${item.validator.name}-${item.view}.json` });
  panel.check(item, (anchor) => verifyEvidence(item, anchor));
  const claim = (one) => (one.block ? hashLink(one.block) : `highest certificate of view ${one.high_qc_view}`);
  return h('div', { class: 'columns' }, card(`${item.validator.name} signed ${KINDS[item.kind] ?? item.kind}`, facts([
    ['View', number(item.view)], ['One says', claim(item.first)], ['The other says', claim(item.second)],
    ['Recorded in', h('span', {}, 'block ', blockLink(item.height), ', ', when(item.timestamp))], ['Key', mono(item.key)]])), panel.element);
}
