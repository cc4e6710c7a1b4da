// The frame around the pages: navigation, search, the banner, the live line.

import { fill, h, setText } from './dom.js';
import { ago, duration, plural, short } from './format.js';
import { follow, silent, start as startLive, state } from './live.js';
import { RpcError, batch } from './rpc.js';
import { go, resolve, start as startRouter } from './router.js';
import { parseAddress } from './text.js';
import { meet, pinned, setPin } from './trust.js';
import { problem, refreshTimes } from './widgets.js';

const at = (id) => document.getElementById(id);
const main = at('main');
// A chain that made no block for this many of its idle intervals stands still.
const STALE_INTERVALS = 10;
let leaving = null;

async function arrive() {
  leaving?.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const first = main.childElementCount === 0 || main.querySelector('noscript');
  const route = resolve(location.pathname);
  const heading = h('h1', { tabindex: '-1' });
  const root = h('div', { class: 'page' });
  const page = {
    root, signal, params: route?.params ?? {},
    title(text, lead = null) {
      setText(heading, text);
      if (lead) heading.after(lead);
      document.title = `${text} · Logothete`;
    },
    follow: (follower) => follow((now) => { if (!signal.aborted) follower(now); }, signal),
    fail: (error, retry) => { if (!signal.aborted) fill(root, problem(error, retry)); },
  };
  for (const link of document.querySelectorAll('#pages a')) {
    const here = link.pathname === location.pathname || (link.pathname === '/blocks' && location.pathname.startsWith('/block/'));
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  closeMenu();
  at('search-answer').hidden = true;
  fill(main, heading, root);
  if (!first) {
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }
  if (!route) {
    page.title('No such page');
    page.fail(new Error('The explorer has no page at this address.'));
    return;
  }
  try {
    const { default: show } = await import(`./pages/${route.page}.js`);
    if (!signal.aborted) await show(page);
  } catch (error) {
    page.fail(error, arrive);
  }
}

// What is wrong, if anything is: the worst first.
function trouble(now) {
  if (silent(now)) {
    const seen = now.at ? ` What you see is from ${new Date(now.at).toLocaleTimeString('en-GB')}.` : '';
    const why = now.error instanceof RpcError ? `The node refuses to answer: ${now.error.message}.` : `The node does not answer since ${duration(Date.now() - now.failing)}.`;
    return ['bad', `${why}${seen} Trying again.`];
  }
  if (!now.chain) return null;
  if (pinned() !== now.chain.chain_id) {
    return ['bad', `This node serves chain ${short(now.chain.chain_id)}, but you pinned ${short(pinned())}. Nothing of it can be verified.`,
      h('button', { type: 'button', onclick: () => { setPin(now.chain.chain_id); tell(state); } }, 'Trust this chain instead')];
  }
  const lag = BigInt(now.node.sync.lag);
  if (lag > 5n) return ['warn', `This node is ${plural(lag, 'block')} behind: what you see is old.`];
  const age = Date.now() - Number(now.chain.head_timestamp);
  const patience = Math.max(10_000, STALE_INTERVALS * Number(now.chain.params.empty_block_interval_ms));
  if (age > patience) {
    const missing = now.node.validators.filter((one) => one.missing).map((one) => one.name);
    const who = missing.length ? ` Missing: ${missing.join(', ')}.` : '';
    return ['bad', `The chain stands still: the last block is from ${ago(now.chain.head_timestamp)}.${who}`];
  }
  return null;
}

let told = '';
function tell(now) {
  const banner = at('banner');
  const found = trouble(now);
  document.body.classList.toggle('stale', Boolean(found));
  const key = found ? found[1] : '';
  if (key === told) return;
  told = key;
  banner.hidden = !found;
  banner.className = `banner ${found?.[0] ?? ''}`;
  fill(banner, found && h('span', {}, h('span', { 'aria-hidden': 'true' }, '▲ '), found[1]), found?.[2]);
}

function frame(now) {
  if (now.chain) {
    meet(now.chain.chain_id);
    setText(at('chain-name'), now.chain.chain_name);
    at('send-link').hidden = !now.chain.dev;
    setText(at('foot-chain'), `chain ${short(now.chain.chain_id)}`);
    setText(at('foot-node'), `node ${now.node.name ?? now.node.role}, logothete ${now.node.version}`);
  }
  setText(at('foot-live'), now.failing ? 'no answer' : `live, height ${now.chain?.head.height ?? '?'}`);
  tell(now);
}

const HEX = /^[0-9a-f]{64}$/;

async function search(text) {
  if (/^[\d,]+$/.test(text)) return `/block/${text.replaceAll(',', '')}`;
  if (text.toLowerCase().startsWith('lgt1')) {
    parseAddress(text);
    return `/account/${text.toLowerCase()}`;
  }
  if (text.startsWith('lgtval1') || state.node?.validators.some(({ name }) => name === text)) return '/validators';
  const hash = text.toLowerCase().replace(/^0x/, '');
  if (HEX.test(hash)) {
    const [block, tx] = await batch([['block_get', { hash }], ['tx_status', { hash }]]);
    if (!(block instanceof RpcError)) return `/block/${hash}`;
    if (!(tx instanceof RpcError) && tx.status.state !== 'unknown') return `/tx/${hash}`;
    throw new Error('No block and no transaction with this hash is known to this node.');
  }
  if (state.chain?.dev) {
    const { developmentAccount } = await import('./pages/send.js');
    const account = await developmentAccount(text);
    if (account) return `/account/${account.address}`;
  }
  throw new Error('This is no height, no hash of 64 digits and no address (lgt1…).');
}

at('search').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = at('query').value.trim();
  const answer = at('search-answer');
  if (!text) return;
  try {
    go(await search(text));
    at('query').value = '';
  } catch (error) {
    answer.hidden = false;
    answer.className = 'banner warn';
    setText(answer, error.message);
  }
});

function closeMenu() {
  at('menu').setAttribute('aria-expanded', 'false');
  at('pages').classList.remove('open');
}

at('menu').addEventListener('click', () => {
  const open = at('pages').classList.toggle('open');
  at('menu').setAttribute('aria-expanded', String(open));
});

addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeMenu();
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    at('query').focus();
  }
});

follow(frame);
setInterval(() => refreshTimes(document), 1000);
setInterval(() => tell(state), 1000);
startLive();
startRouter(arrive);
