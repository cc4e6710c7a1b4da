// The panel that shows what this browser checked itself, step by step.

import { cannotVerify } from './crypto.js';
import { anchor, onPin } from './trust.js';
import { download, fill, h, mark } from './widgets.js';
import { short } from './format.js';

// Makes a panel. `check(verify)` gets a function (anchor) => report and the JSON of the proof.
export function proofPanel(page, { noun, name }) {
  const verdict = h('p', { class: 'verdict', role: 'status', 'data-verdict': 'pending' }, 'Checking …');
  const steps = h('ol', { class: 'steps' });
  const trust = h('p', { class: 'note' });
  const take = h('button', { type: 'button', hidden: true, onclick: () => download(name(), JSON.stringify(proof, null, 2)) }, 'Download the proof');
  const element = h('section', { class: 'card proof', 'aria-label': 'Verification' },
    h('h2', {}, 'Verified in this browser?'), verdict, h('details', { open: true }, h('summary', {}, 'Steps'), steps), trust,
    h('p', { class: 'actions' }, take));
  let proof = null, latest = 0, last = null;

  function conclude(state, text) {
    element.dataset.state = state;
    verdict.dataset.verdict = state;
    fill(verdict, mark({ verified: 'ok', failed: 'failed' }[state] ?? 'unchecked', ''), ' ', text);
  }

  async function check(json, verify) {
    const mine = ++latest;
    last = [json, verify];
    proof = json;
    take.hidden = !json;
    let report;
    try {
      const inability = await cannotVerify();
      if (inability) {
        fill(steps);
        conclude('unable', `Nothing was verified: ${inability}. Download the proof and check it with logothete verify proof FILE.`);
        return null;
      }
      const from = await anchor(page.signal);
      report = await verify(from);
      if (mine !== latest) return report;
      fill(trust, 'Trust begins at the pinned chain id ', h('span', { class: 'mono', title: from.pinned }, short(from.pinned)), '. ', h('a', { href: '/verify#trust' }, 'See or change it'));
    } catch (error) {
      if (mine === latest && !page.signal.aborted) {
        fill(steps);
        conclude('failed', `Not verified: ${error.message}`);
      }
      return null;
    }
    fill(steps, stepItems(report));
    const failed = report.steps.find((step) => step.state === 'failed');
    if (report.ok) conclude('verified', `Verified: ${noun(report)}`);
    else conclude('failed', `Not verified. Failed: ${failed.title}`);
    return report;
  }

  onPin(() => last && check(...last), page.signal);
  return { element, check, latest: () => proof };
}

export function stepItems(report) {
  return report.steps.map(({ id, title, state, detail }) => h('li', { class: state, 'data-step': id, 'data-state': state },
    mark(state, { ok: 'holds:', failed: 'failed:', unchecked: 'not checked:' }[state]), ' ',
    h('span', {}, title, detail ? h('small', { class: 'wrap' }, detail) : null)));
}
