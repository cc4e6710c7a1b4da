// Consensus as it happens: the present view from moment to moment, and the recent views as lanes.
//
// The present view is sampled from consensus_state. What became of a view is read from the blocks: a
// view with a block names its leader and the signers of its certificate, a view without one failed.

import { fill, h, setText } from '../dom.js';
import { duration, number, plural } from '../format.js';
import { RpcError, batch, call } from '../rpc.js';
import { blockLink, card, mark } from '../widgets.js';

const SAMPLE_MS = 150;
const VIEWS = 40;

export default async function consensus(page) {
  page.title('Consensus, live');
  const lead = h('p', { class: 'lead' });
  const clock = h('span', { class: 'num' });
  const timer = h('meter', { min: '0', 'aria-label': 'Age of the view' });
  const present = h('div', { class: 'scroll', role: 'region', 'aria-label': 'Votes at hand', tabindex: '0' });
  const lanes = h('div', { class: 'scroll', role: 'region', 'aria-label': 'Recent views', tabindex: '0' });
  const slider = h('input', { type: 'range', id: 'scrub', min: '0', max: '0', value: '0', oninput: () => { followNewest = Number(slider.value) === Number(slider.max); draw(); } });
  const chosen = h('div', { role: 'status' });
  const newest = h('button', { type: 'button', onclick: () => { followNewest = true; draw(); } }, 'Newest');
  fill(page.root, lead,
    card('This view', h('p', { class: 'level' }, h('span', {}, 'Age'), timer, clock), present,
      h('p', { class: 'note' }, 'Prepare votes and timeouts are of this view, commit votes of the view of the highest certificate.')),
    card('Recent views', h('p', { class: 'scrubber' }, h('label', { for: 'scrub' }, 'View'), slider, newest), chosen, lanes,
      h('p', { class: 'note' }, '● in the certificate, ○ not in it; ◆ ◇ the same of who led; ▲ a view without a block: it timed out')));

  // By view: what the samples saw of it, and the block it made.
  const samples = new Map();
  const blocks = new Map();
  let followNewest = true, members = [], top = 0n;

  function observe(state) {
    members = state.votes.map((vote) => vote.validator.name);
    const age = Number(state.view_age_ms);
    const known = samples.get(state.view) ?? { leader: state.leader, votes: state.votes.map(() => ({})) };
    state.votes.forEach((vote, i) => {
      for (const kind of ['prepare', 'commit', 'timeout']) if (vote[kind]) known.votes[i][kind] ??= age;
    });
    known.age = age;
    samples.set(state.view, known);
    top = BigInt(state.view);
    for (const view of samples.keys()) if (BigInt(view) <= top - BigInt(VIEWS)) samples.delete(view);
    const power = (kind) => state.votes.filter((vote) => vote[kind]).reduce((sum, vote) => sum + BigInt(vote.power), 0n);
    const leader = state.leader?.name ?? 'nobody yet';
    setText(lead, state.waits_for ? `This validator may not vote yet: it waits for ${state.waits_for}.`
      : `View ${number(state.view)} is led by ${leader}. The newest final block is ${number(state.committed.height)}; the highest certificate is of view ${number(state.high_qc_view)}.`);
    setText(clock, duration(age));
    timer.max = Math.max(2000, age);
    timer.value = age;
    fill(present, votesTable(state, power));
  }

  async function readBlocks(now) {
    const missing = now.blocks.filter((block) => !blocks.has(block.view));
    if (missing.length === 0) return;
    const answers = await batch(missing.map((block) => ['block_get', { height: block.height }]), page);
    answers.forEach((answer) => { if (!(answer instanceof RpcError)) blocks.set(answer.header.view, answer); });
    for (const view of blocks.keys()) if (BigInt(view) <= top - BigInt(3 * VIEWS)) blocks.delete(view);
    if (!page.signal.aborted) draw();
  }

  // The views there is something to say of, oldest first; every view between two blocks is there.
  function known() {
    const seen = [...blocks.keys()].map(BigInt);
    if (seen.length === 0) return [];
    const last = seen.reduce((a, b) => (a > b ? a : b));
    const first = seen.reduce((a, b) => (a < b ? a : b));
    const from = last - BigInt(VIEWS) > first ? last - BigInt(VIEWS) : first;
    return Array.from({ length: Number(last - from) + 1 }, (_, i) => String(from + BigInt(i)));
  }

  let shownViews = [];
  function draw() {
    const views = known();
    if (views.length === 0) return;
    const selected = followNewest ? views.at(-1) : shownViews[Number(slider.value)] ?? views.at(-1);
    shownViews = views;
    const at = Math.max(0, views.indexOf(selected));
    slider.max = String(views.length - 1);
    slider.value = String(at);
    slider.setAttribute('aria-valuetext', `view ${views[at]}`);
    newest.hidden = followNewest;
    fill(chosen, describe(views[at]));
    fill(lanes, laneTable(views, views[at], members, blocks, (view) => { followNewest = false; slider.value = String(views.indexOf(view)); draw(); }));
    if (followNewest) lanes.scrollLeft = lanes.scrollWidth;
  }

  function describe(view) {
    const block = blocks.get(view);
    const sample = samples.get(view);
    if (!block) {
      const timeouts = sample?.votes.map((vote, i) => (vote.timeout === undefined ? null : `${members[i]} after ${duration(vote.timeout)}`)).filter(Boolean);
      return h('p', {}, mark('late', ''), ` View ${number(view)}${sample?.leader ? `, led by ${sample.leader.name},` : ''} made no block: it timed out.`, timeouts?.length ? ` Timeouts seen: ${timeouts.join(', ')}.` : null);
    }
    const signers = block.signers.filter((one) => one.signed).map((one) => one.validator.name);
    const parent = blocks.get(block.header.parent_view);
    const gap = parent ? Number(block.header.timestamp) - Number(parent.header.timestamp) : null;
    return h('p', {}, mark('ok', ''), ` View ${number(view)}, led by ${block.header.proposer.name}, made block `, blockLink(block.header.height),
      ` with ${plural(block.transaction_count, 'transaction')}${gap === null ? '' : `, ${duration(gap)} after the one before`}. Certificate: ${signers.join(', ')}.`);
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
    if (reading || now.failing) return;
    reading = true;
    readBlocks(now).catch(() => {}).finally(() => { reading = false; });
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

function laneTable(views, selected, members, blocks, choose) {
  const head = h('tr', {}, h('th', { scope: 'col' }, 'Validator'), views.map((view, i) => h('th', { scope: 'col', class: `tick${view === selected ? ' here' : ''}` },
    h('span', { class: (i % 5 === 0 && Math.abs(i - views.indexOf(selected)) > 2) || view === selected ? '' : 'hidden' }, number(view)))));
  const rows = members.map((name, index) => h('tr', {}, h('th', { scope: 'row' }, name), views.map((view) => {
    const block = blocks.get(view);
    const led = block?.header.proposer.index === index;
    const signed = block?.signers[index]?.signed;
    const shape = !block ? '▲' : led ? (signed ? '◆' : '◇') : signed ? '●' : '○';
    const word = !block ? 'no block' : `${led ? 'led, ' : ''}${signed ? 'in the certificate' : 'not in it'}`;
    return h('td', { class: `cell ${!block ? 'late' : signed ? 'signed' : 'missed'}${view === selected ? ' here' : ''}`, title: `view ${view}, ${name}: ${word}`, onclick: () => choose(view) },
      h('span', { 'aria-hidden': 'true' }, shape), h('span', { class: 'hidden' }, word));
  })));
  return h('table', { class: 'uptime lanes' }, h('caption', { class: 'hidden' }, 'Recent views, a column each'), h('thead', {}, head), h('tbody', {}, rows));
}
