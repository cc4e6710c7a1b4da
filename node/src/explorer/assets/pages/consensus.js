// Consensus as it happens: the present view from moment to moment, and the last views as lanes.
//
// The present view is sampled from consensus_state. What became of each view, and what came from whom after how
// many milliseconds, is in consensus_views: the chain tells who led and which block came of it, this node the rest.

import { fill, h, setText } from '../dom.js';
import { duration, number } from '../format.js';
import { call } from '../rpc.js';
import { blockLink, card, mark } from '../widgets.js';

const SAMPLE_MS = 150;
// Views to go back to: the node remembers as many. A page of the list has a hundred.
const VIEWS = 200;
const PAGE = 100;
// Views that are asked for again: votes may come late.
const RENEWED = 20;
// Lanes side by side.
const SHOWN = 40;

export default async function consensus(page) {
  page.title('Consensus, live');
  const lead = h('p', { class: 'lead' });
  const clock = h('span', { class: 'num' });
  const timer = h('meter', { min: '0', 'aria-label': 'Age of the view' });
  const present = h('div', { class: 'scroll', role: 'region', 'aria-label': 'Votes at hand', tabindex: '0' });
  const lanes = h('div', { class: 'scroll', role: 'region', 'aria-label': 'Recent views', tabindex: '0' });
  const slider = h('input', { type: 'range', id: 'scrub', min: '0', max: '0', value: '0', oninput: () => choose(Number(slider.value)) });
  const chosen = h('div', {});
  const newest = h('button', { type: 'button', onclick: () => { followNewest = true; draw(); } }, 'Newest');
  fill(page.root, lead,
    card('This view', h('p', { class: 'level' }, h('span', {}, 'Age'), timer, clock), present,
      h('p', { class: 'note' }, 'Prepare votes and timeouts are of this view, commit votes of the view of the highest certificate.')),
    card('Recent views', h('p', { class: 'scrubber' }, h('label', { for: 'scrub' }, 'View'), slider, newest), lanes,
      h('p', { class: 'note' }, '● committed, ◐ prepared only, ▲ timed out, ○ nothing came, · not seen by this node; a frame is around who led.'), chosen));

  // Records by view, and the views in order, oldest first.
  const records = new Map();
  let order = [], selected = null, followNewest = true, members = [], timerMs = 0;

  function observe(state) {
    const age = Number(state.view_age_ms);
    const power = (kind) => state.votes.filter((vote) => vote[kind]).reduce((sum, vote) => sum + BigInt(vote.power), 0n);
    const leader = state.leader?.name ?? 'nobody yet';
    setText(lead, state.waits_for ? `This validator may not vote yet: it waits for ${state.waits_for}.`
      : `View ${number(state.view)} is led by ${leader}. The newest final block is ${number(state.committed.height)}; the highest certificate is of view ${number(state.high_qc_view)}.`);
    setText(clock, timerMs ? `${duration(age)}, timer ${duration(timerMs)}` : duration(age));
    timer.max = Math.max(timerMs || 2000, age);
    timer.value = age;
    fill(present, votesTable(state, power));
  }

  // The newest page, and older ones as long as views are wanted that are not known.
  async function read() {
    let cursor, known = false;
    const limit = records.size === 0 ? PAGE : RENEWED;
    for (let count = 0; count < VIEWS && !known; count += limit) {
      const answer = await call('consensus_views', { limit, cursor }, page);
      known = answer.items.some((one) => records.has(one.view) && records.get(one.view).outcome !== 'open');
      for (const one of answer.items) records.set(one.view, one);
      cursor = answer.next_cursor;
      if (!cursor) break;
    }
    order = [...records.keys()].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    for (const view of order.splice(0, Math.max(0, order.length - VIEWS))) records.delete(view);
    timerMs = Number(records.get(order.at(-1))?.seen?.timer_ms ?? 0);
    if (!page.signal.aborted) draw();
  }

  function choose(at) {
    followNewest = at >= order.length - 1;
    selected = order[at];
    draw();
  }

  function draw() {
    if (order.length === 0) return;
    if (followNewest || !records.has(selected)) selected = order.at(-1);
    const at = order.indexOf(selected);
    slider.max = String(order.length - 1);
    slider.value = String(at);
    slider.setAttribute('aria-valuetext', `view ${selected}`);
    newest.hidden = followNewest;
    const last = Math.min(order.length, Math.max(at + SHOWN / 2, SHOWN));
    const shown = order.slice(Math.max(0, last - SHOWN), last);
    fill(chosen, describe(records.get(selected), members));
    fill(lanes, laneTable(shown, selected, members, records, (view) => choose(order.indexOf(view))));
    if (followNewest) lanes.scrollLeft = lanes.scrollWidth;
  }

  async function sample() {
    for (;;) {
      try {
        if (!document.hidden) observe(await call('consensus_state', {}, page));
      } catch { /* the banner says that the node does not answer */ }
      if (page.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  }
  sample();
  let reading = false;
  page.follow((now) => {
    if (reading || now.failing || !now.node) return;
    reading = true;
    members = now.node.validators.map((one) => one.name);
    read().catch(() => {}).finally(() => { reading = false; });
  });
}

function votesTable(state, power) {
  const cell = (cast) => h('td', { class: `cell ${cast ? 'signed' : 'missed'}` }, h('span', { 'aria-hidden': 'true' }, cast ? '●' : '○'), h('span', { class: 'hidden' }, cast ? 'yes' : 'no'));
  const rows = state.votes.map((vote) => h('tr', {}, h('th', { scope: 'row' }, vote.validator.name, vote.validator.index === state.leader?.index ? ' (leads)' : ''),
    cell(vote.prepare), cell(vote.commit), cell(vote.timeout), h('td', { class: 'num wide' }, number(vote.power))));
  const sum = (kind) => h('td', { class: 'cell' }, `${power(kind)}, needs ${state.quorum}`);
  return h('table', {}, h('caption', { class: 'hidden' }, 'Newest votes this node holds'),
    h('thead', {}, h('tr', {}, ['Validator', 'Prepare', 'Commit', 'Timeout', 'Power'].map((name, i) => h('th', { scope: 'col', class: ['', 'cell', 'cell', 'cell', 'num wide'][i] }, name)))),
    h('tbody', {}, rows), h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'Power'), sum('prepare'), sum('commit'), sum('timeout'), h('td', { class: 'wide' }))));
}

const OUTCOMES = { block: ['ok', 'brought block '], passed: ['late', 'passed without a block'], open: ['wait', 'is not decided yet'] };
const ENDS = { votes: 'a quorum of votes', timeouts: 'a quorum of timeouts', final_block: 'a final block from others' };

// One view in words, and what came from whom, when.
function describe({ view, leader, outcome, block, seen }, members) {
  const [shape, word] = OUTCOMES[outcome];
  const life = !seen ? ' This node did not live it, or has forgotten it.'
    : `${seen.ended ? ` It ended here after ${duration(Number(seen.lasted_ms))}, by ${ENDS[seen.ended]};` : ' It lasts;'} its timer was ${duration(Number(seen.timer_ms))}.`;
  const cell = (ms) => h('td', { class: 'num' }, ms === undefined ? '–' : `${number(ms)} ms`);
  const rows = (seen?.votes ?? []).map((one, i) => h('tr', {}, h('th', { scope: 'row' }, members[i], i === leader.index ? ' (led)' : ''), cell(one.prepare_ms), cell(one.commit_ms), cell(one.timeout_ms)));
  return [h('p', {}, mark(shape, ''), ` View ${number(view)}, led by ${leader.name}, ${word}`, block && blockLink(block.height), '.', life),
    seen && h('div', { class: 'scroll', role: 'region', 'aria-label': 'Votes of the chosen view', tabindex: '0' }, h('table', { class: 'delays' }, h('caption', { class: 'hidden' }, `Votes of view ${view} and how long after its beginning they came`),
      h('thead', {}, h('tr', {}, ['Validator', 'Prepare vote', 'Commit vote', 'Timeout'].map((name, i) => h('th', { scope: 'col', class: i ? 'num' : '' }, name)))), h('tbody', {}, rows)))];
}

// What a validator did in a view: shape, class, words.
function deed(record, index) {
  const votes = record.seen?.votes[index];
  const after = (ms) => `after ${duration(ms)}`;
  if (!votes) return ['·', 'missed', record.outcome === 'passed' ? 'not seen here; the view passed without a block' : 'not seen here'];
  if (votes.timeout_ms !== undefined) return ['▲', 'late', `timed out ${after(votes.timeout_ms)}`];
  if (votes.commit_ms !== undefined) return ['●', 'signed', `committed ${after(votes.commit_ms)}`];
  if (votes.prepare_ms !== undefined) return ['◐', 'signed', `prepared ${after(votes.prepare_ms)}`];
  return ['○', 'missed', 'nothing came'];
}

function laneTable(views, selected, members, records, choose) {
  const here = (view) => (view === selected ? ' here' : '');
  const near = (i) => Math.abs(i - views.indexOf(selected)) > 2;
  const head = h('tr', {}, h('th', { scope: 'col' }, 'Validator'), views.map((view, i) => h('th', { scope: 'col', class: `tick${here(view)}` },
    h('span', { class: (i % 5 === 0 && near(i)) || view === selected ? '' : 'hidden' }, number(view)))));
  const rows = members.map((name, index) => h('tr', {}, h('th', { scope: 'row' }, name), views.map((view) => {
    const record = records.get(view);
    const [shape, kind, did] = deed(record, index);
    const led = record.leader.index === index;
    const word = `${led ? 'led, ' : ''}${did}`;
    return h('td', { class: `cell ${kind}${led ? ' led' : ''}${here(view)}`, title: `view ${view}, ${name}: ${word}`, onclick: () => choose(view) },
      h('span', { 'aria-hidden': 'true' }, shape), h('span', { class: 'hidden' }, word));
  })));
  return h('table', { class: 'uptime lanes' }, h('caption', { class: 'hidden' }, 'Recent views, a column each'), h('thead', {}, head), h('tbody', {}, rows));
}
