// Checks a proof that somebody hands over, and what this browser trusts.

import { cannotVerify } from '../crypto.js';
import { fill, h, setText } from '../dom.js';
import { number } from '../format.js';
import { stepItems } from '../proof.js';
import { anchor, onPin, pinned, setPin } from '../trust.js';
import { state } from '../live.js';
import { classify, verifyAny } from '../verify.js';
import { card, copyable, facts, mark } from '../widgets.js';

const LARGEST = 16 << 20;

export default function verify(page) {
  page.title('Verify a proof');
  const text = h('textarea', { id: 'proof', rows: '8', spellcheck: 'false', 'aria-describedby': 'proof-help', oninput: () => { verdict.hidden = true; fill(result); } });
  const file = h('input', { type: 'file', id: 'file', accept: '.json,application/json', onchange: async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > LARGEST) return say('failed', 'The file is larger than any proof.');
    text.value = await chosen.text();
    perform();
  } });
  const verdict = h('p', { class: 'verdict', role: 'status', hidden: true });
  const result = h('div');
  const form = h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); perform(); } },
    h('p', { class: 'note', id: 'proof-help' }, 'Paste what “Download the proof” saved, what the RPC answered, or what logothete printed with --json: a block’s certificate, a transaction, an account, or evidence. It is checked here, against the chain you pinned; nothing is sent.'),
    h('label', { for: 'proof' }, 'Proof, as JSON'), text, h('label', { for: 'file' }, 'or a file'), file,
    h('p', { class: 'actions' }, h('button', { class: 'main' }, 'Check it')));
  const trust = h('div');
  fill(page.root, card(null, form, verdict, result), h('section', { class: 'card', id: 'trust' }, h('h2', {}, 'What this browser trusts'), trust));
  showTrust();
  onPin(showTrust, page.signal);
  page.follow(() => { if (trust.dataset.served !== (state.chain?.chain_id ?? '')) showTrust(); });
  if (location.hash === '#trust') requestAnimationFrame(() => document.getElementById('trust')?.scrollIntoView());

  function say(outcome, words) {
    verdict.hidden = false;
    verdict.dataset.verdict = outcome;
    fill(verdict, mark({ verified: 'ok', failed: 'failed' }[outcome] ?? 'unchecked', ''), ' ', words);
  }

  async function perform() {
    fill(result);
    try {
      const inability = await cannotVerify();
      if (inability) return say('unable', `Nothing was verified: ${inability}.`);
      const json = JSON.parse(text.value);
      const { kind } = classify(json);
      const reports = await verifyAny(json, await anchor(page.signal));
      const failed = reports.flatMap((report) => report.steps).find((step) => step.state === 'failed');
      if (failed || reports.length === 0) say('failed', failed ? `Not verified. Failed: ${failed.title}` : 'It holds nothing to verify.');
      else say('verified', `Verified: ${said(kind, json, reports[0].facts, reports.length)}`);
      fill(result, reports.map((report) => h('ol', { class: 'steps' }, stepItems(report))));
    } catch (error) {
      say('failed', `Not verified: ${error instanceof SyntaxError ? 'this is not JSON' : error.message}.`);
    }
  }

  function showTrust() {
    const served = state.chain?.chain_id ?? '';
    trust.dataset.served = served;
    const same = served && served === pinned();
    const input = h('input', { id: 'pin', class: 'mono', value: pinned() ?? '', spellcheck: 'false', size: '64', maxlength: '64' });
    const note = h('p', { class: 'note', role: 'status' });
    fill(trust,
      h('p', {}, 'Everything that is verified here follows from one number: the chain id, which is the hash of the chain specification with its validators. This browser took it from the node at the first visit. Compare it with one you have from elsewhere: ', h('code', {}, 'logothete genesis hash genesis.toml'), '.'),
      facts([['Pinned', pinned() ? copyable(pinned()) : 'nothing yet'], ['Served by this node', served ? h('span', {}, mark(same ? 'ok' : 'failed', same ? 'the same' : 'another'), ' ', h('span', { class: 'mono wrap' }, served)) : '…']]),
      h('form', { class: 'stack', onsubmit: (event) => {
        event.preventDefault();
        const id = input.value.trim().toLowerCase();
        if (!/^[0-9a-f]{64}$/.test(id)) return setText(note, 'A chain id has 64 hexadecimal digits.');
        setPin(id);
      } }, h('label', { for: 'pin' }, 'Pin another chain id'), input, h('p', { class: 'actions' }, h('button', {}, 'Pin it'), ' ',
        h('button', { type: 'button', onclick: () => { input.value = served; } }, 'Take the served one')), note));
  }
}

function said(kind, json, facts, count) {
  const data = classify(json);
  if (kind === 'evidence') return count === 1 ? `${facts.member.name} signed both messages.` : `${number(count)} proofs.`;
  if (kind === 'block') return `block ${facts.block.header.height} is final.`;
  if (kind === 'transaction') return `block ${facts.block.header.height} orders the transaction, and it ${facts.result.failure ? 'failed' : 'succeeded'}.`;
  return `balance and nonce of ${data.value.address} at block ${facts.block.header.executed.height}.`;
}
