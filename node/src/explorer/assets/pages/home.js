// Home: is the chain well, what did it order, who votes.

import { fill, h, keep, setText } from '../dom.js';
import { ago, number, plural } from '../format.js';
import { silent } from '../live.js';
import { call } from '../rpc.js';
import { blockLink, card, mark, table, when } from '../widgets.js';

const RECENT = 10;
// What is wrong is asked for this often: nobody reads faster.
const WHY_MS = 2000;

// One sentence about the chain as this node sees it.
export function health(now) {
  if (silent(now)) return ['unchecked', 'Unknown: the node does not answer.'];
  const { chain, node } = now;
  const missing = node.validators.filter((one) => one.missing);
  const voting = node.validators.length - missing.length;
  const names = missing.map((one) => one.name).join(', ');
  const margin = BigInt(node.power_present) - BigInt(node.quorum);
  if (!node.healthy) return ['failed', `Not well: ${node.summary}.`];
  if (node.mode === 'learner') return ['late', `This validator listens and may not vote yet: ${node.summary}.`];
  if (missing.length === 0) {
    return ['ok', `The chain is healthy: all ${plural(voting, 'validator')} vote, and it tolerates ${plural(chain.max_faulty, 'fault')}.`];
  }
  const left = margin > 0n ? `${plural(margin, 'vote')} more than needed` : 'not one to spare: one more loss halts it safely';
  return ['late', `The chain goes on without ${names}: ${voting} of ${node.validators.length} validators vote, ${left}.`];
}

export const blockTable = (caption) => table(caption,
  [['Height', ''], ['Age', ''], ['Txs', 'num'], ['Proposer', ''], ['Hash', 'wide'], ['View', 'num wide']],
  (block) => block.hash,
  (block) => [blockLink(block.height), when(block.timestamp), number(block.transactions), block.proposer.name,
    h('span', { class: 'mono' }, `${block.hash.slice(0, 12)}…`), number(block.view)],
  'No block yet.', true);

export default function home(page) {
  page.title('The chain now');
  const sentence = h('p', { class: 'lead' }, 'Asking the node …');
  const figures = h('dl', { class: 'figures' });
  const values = Object.fromEntries(['Height', 'Last block', 'Finality, median', 'Transactions waiting', 'Blocks per second'].map((name) => {
    const value = h('dd', {}, '–');
    figures.append(h('div', {}, h('dt', {}, name), value));
    return [name, value];
  }));
  const blocks = blockTable('The newest final blocks');
  const votes = table('Validators and their votes', [['Validator', ''], ['Votes', ''], ['Last in view', 'num'], ['Power', 'num wide']],
    (one) => `${one.index} ${one.missing} ${one.last_vote_view}`,
    (one) => [one.name, h('span', {}, mark(one.missing ? 'failed' : 'ok', ''), one.missing ? ' missing' : ' votes'), number(one.last_vote_view), number(one.power)]);
  const troubles = h('ul', { class: 'troubles', 'aria-label': 'What is wrong', hidden: true });
  fill(page.root, sentence, troubles, figures, h('div', { class: 'columns' },
    card('Newest blocks', blocks.element, h('p', {}, h('a', { href: '/blocks' }, 'All blocks'))),
    card('Votes', votes.element, h('p', {}, h('a', { href: '/consensus' }, 'Consensus, view by view')))));

  let shown = '', asked = 0;
  async function explain() {
    if (Date.now() - asked < WHY_MS) return;
    asked = Date.now();
    const why = await call('node_why', {}, page).catch(() => null);
    if (page.signal.aborted) return;
    troubles.hidden = !why?.troubles.length;
    keep(troubles, why?.troubles ?? [], JSON.stringify, troubleItem);
  }
  page.follow((now) => {
    if (!now.chain) return;
    explain();
    const [state, text] = health(now);
    if (shown !== text) {
      fill(sentence, mark(state, ''), ' ', text);
      shown = text;
    }
    setText(values.Height, number(now.chain.head.height));
    setText(values['Last block'], ago(now.chain.head_timestamp));
    const finality = now.node.finality_ms;
    setText(values['Finality, median'], finality ? `${finality.p50} ms` : 'idle');
    setText(values['Transactions waiting'], number(now.node.mempool));
    setText(values['Blocks per second'], rate(now.blocks));
    blocks.rows(now.blocks.slice(0, RECENT));
    votes.rows(now.node.validators);
  });
}

// One thing that is wrong: what, who, what to do.
const EFFECTS = { stalled: ['failed', 'the chain stands still'], behind: ['failed', 'this node does not take its full part'], degraded: ['late', 'all goes on'] };
function troubleItem({ effect, summary, culprits, advice }) {
  const [shape, word] = EFFECTS[effect];
  return h('li', {}, h('p', {}, mark(shape, word), ` ${sentenceOf(summary)}`),
    culprits.length > 0 && h('dl', {}, culprits.map((one) => h('div', {}, h('dt', {}, one.name), h('dd', {}, one.detail)))),
    h('p', { class: 'note' }, `What to do: ${advice}.`));
}

const sentenceOf = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function rate(blocks) {
  if (blocks.length < 2) return '–';
  const span = Number(blocks[0].timestamp) - Number(blocks.at(-1).timestamp);
  return span > 0 ? ((blocks.length - 1) * 1000 / span).toFixed(1) : '–';
}
