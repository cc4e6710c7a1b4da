// Who decides, with what power, and in which of the recent certificates they are.

import { fill, h } from '../dom.js';
import { number, plural } from '../format.js';
import { RpcError, batch, call } from '../rpc.js';
import { decode } from '../codec.js';
import { hash } from '../crypto.js';
import { hex, validatorKey } from '../text.js';
import { anchor } from '../trust.js';
import { readSpec } from '../types.js';
import { card, copyable, facts, mark, table } from '../widgets.js';

const BLOCKS = 48;

export default async function validators(page) {
  page.title('Validators');
  fill(page.root, h('p', { class: 'note' }, 'Reading …'));
  const set = await call('validators_list', {}, page);
  const trusted = await genesisKeys(page);
  const list = table('Validators', [['Validator', ''], ['Votes', ''], ['Power', 'num'], ['Share', ''], ['Linked', 'wide'], ['Last vote in view', 'num wide']],
    (one) => JSON.stringify(one),
    (one) => [one.name, h('span', {}, mark(one.missing ? 'failed' : 'ok', ''), one.missing ? ' missing' : ' votes'), number(one.power), share(one.power, set.total_power),
      one.connected ? 'yes' : 'no', number(one.last_vote_view ?? 0)]);
  const grid = h('div', { class: 'scroll', role: 'region', 'aria-label': 'Recent certificates', tabindex: '0' });
  fill(page.root,
    h('p', { class: 'lead' }, `${plural(set.items.length, 'validator')} with a voting power of ${set.total_power}; ${set.quorum} decide, and the chain tolerates ${set.max_faulty} faulty.`),
    card('Now', list.element),
    card('In the certificates of recent blocks', h('p', { class: 'note' }, 'A column is a block, the newest on the right. A certificate closes with a quorum of votes: who is left out was slower, or away.'), grid,
      h('p', { class: 'note' }, '● in the certificate, ○ not in it; ◆ ◇ the same of who proposed the block')),
    card('Keys', h('p', { class: 'note' }, trusted.note), facts(set.items.map((one) => {
      const same = trusted.keys?.[one.index] === one.key;
      return [one.name, h('span', {}, trusted.keys ? mark(same ? 'ok' : 'failed', same ? 'as in the chain specification' : 'not the key of the chain specification') : null, ' ', copyable(one.key))];
    }))));

  const seen = new Map();
  let reading = false;
  page.follow(async (now) => {
    if (!now.node) return;
    list.rows(set.items.map((one) => ({ ...one, connected: one.connected || one.name === now.node.name, ...now.node.validators[one.index] })));
    if (reading || now.failing) return;
    reading = true;
    try {
      await readSigners(page, now.chain.head.height, seen);
      const uptime = await call('validators_uptime', { blocks: BLOCKS }, page);
      if (!page.signal.aborted) {
        fill(grid, certificates(set.items, seen, uptime));
        grid.scrollLeft = grid.scrollWidth;
      }
    } catch { /* the banner says that the node does not answer */ } finally {
      reading = false;
    }
  });
}

const share = (power, total) => {
  const percent = Number(BigInt(power) * 10_000n / BigInt(total)) / 100;
  return h('span', {}, h('meter', { min: '0', max: '100', value: String(percent), 'aria-hidden': 'true' }), ` ${percent} %`);
};

async function readSigners(page, height, seen) {
  const top = BigInt(height);
  const wanted = [];
  for (let at = top; at > top - BigInt(BLOCKS) && at > 0n; at--) if (!seen.has(String(at))) wanted.push(String(at));
  for (const key of seen.keys()) if (BigInt(key) <= top - BigInt(BLOCKS)) seen.delete(key);
  if (wanted.length === 0) return;
  const answers = await batch(wanted.map((height) => ['block_get', { height }]), page);
  answers.forEach((answer, i) => {
    if (!(answer instanceof RpcError)) seen.set(wanted[i], { signed: answer.signers.map((one) => one.signed), proposer: answer.header.proposer.index });
  });
}

function certificates(members, seen, uptime) {
  const heights = [...seen.keys()].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const head = h('tr', {}, h('th', { scope: 'col' }, 'Validator'), h('th', { scope: 'col', class: 'num' }, 'Share'), h('th', { scope: 'col', class: 'num' }, 'Proposed'),
    heights.map((height, i) => h('th', { scope: 'col', class: 'tick' }, h('span', { class: i % 8 === 0 ? '' : 'hidden' }, number(height)))));
  const rows = members.map((one) => {
    const part = uptime.items[one.index];
    return h('tr', {}, h('th', { scope: 'row' }, one.name), h('td', { class: 'num' }, uptime.blocks ? `${Math.round(100 * part.signed / uptime.blocks)} %` : '–'),
      h('td', { class: 'num' }, number(part.proposed)),
      heights.map((height) => {
        const { signed, proposer } = seen.get(height);
        const word = `${signed[one.index] ? 'in' : 'not in'}${proposer === one.index ? ', proposed' : ''}`;
        const shape = proposer === one.index ? (signed[one.index] ? '◆' : '◇') : (signed[one.index] ? '●' : '○');
        return h('td', { class: `cell ${signed[one.index] ? 'signed' : 'missed'}`, title: `${one.name}, block ${height}: ${word}` },
          h('span', { 'aria-hidden': 'true' }, shape), h('span', { class: 'hidden' }, word));
      }));
  });
  return h('table', { class: 'uptime' }, h('caption', { class: 'hidden' }, 'Who is in which certificate'), h('thead', {}, head), h('tbody', {}, rows));
}

// The keys of the specification, if it is the one of the pinned chain.
async function genesisKeys(page) {
  try {
    const { pinned, specBytes } = await anchor(page.signal);
    if (hex(await hash('lgt/chain', specBytes)) !== pinned) return { note: '✘ The node’s chain specification is not that of the pinned chain: these keys are only what the node says.' };
    return { keys: decode(specBytes, readSpec).validators.map((one) => validatorKey(one.key)), note: 'Compared with the specification of the pinned chain, in this browser.' };
  } catch (error) {
    return { note: `Not compared with the chain specification: ${error.message}.` };
  }
}
