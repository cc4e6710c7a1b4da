// The live feed: one state that all pages follow. The only module that knows how it comes.
//
// The node is asked about twice a second while the page is seen, seldom while it is hidden, ever more
// slowly while it does not answer. When the node has an event stream, its blocks say when to ask.

import { RpcError, batch } from './rpc.js';

const SEEN_MS = 500;
const HIDDEN_MS = 10_000;
const STREAMED_MS = 2_000;
// However many blocks are told of, the node is asked at most this often.
const CLOSEST_MS = 200;
const SLOWEST_MS = 8_000;
export const BLOCKS = 24;

const followers = new Set();
let timer = null;
let asking = false;
let again = false;
let streaming = false;
let events = null;

// `at` is when the last answer came, by this browser's clock; `failing` since when none did.
export const state = { at: null, failing: null, failures: 0, chain: null, node: null, blocks: [] };

// Whether the node has not answered for longer than a hiccup takes.
export const silent = ({ failing }) => failing !== null && Date.now() - failing > 1500;

export function follow(follower, signal) {
  followers.add(follower);
  signal?.addEventListener('abort', () => followers.delete(follower));
  if (state.at || state.failing) follower(state);
}

function pause() {
  if (state.failures > 0) return Math.min(SEEN_MS * 2 ** state.failures, SLOWEST_MS);
  if (document.hidden) return HIDDEN_MS;
  return streaming ? STREAMED_MS : SEEN_MS;
}

async function ask() {
  if (asking) {
    again = true;
    return;
  }
  clearTimeout(timer);
  asking = true;
  try {
    const [chain, node, blocks] = await batch([['chain_info'], ['node_status'], ['block_list', { limit: BLOCKS }]]);
    const refused = [chain, node, blocks].find((answer) => answer instanceof RpcError);
    if (refused) throw refused;
    Object.assign(state, { chain, node, blocks: blocks.items, at: Date.now(), failing: null, failures: 0 });
  } catch (error) {
    state.failing ??= Date.now();
    state.failures += 1;
    state.error = error;
  }
  asking = false;
  for (const follower of followers) follower(state);
  clearTimeout(timer);
  timer = setTimeout(ask, again ? CLOSEST_MS : pause());
  again = false;
}

// A block was told of: asks at once, or as soon as it may.
function told() {
  if (document.hidden) return;
  const early = CLOSEST_MS - (Date.now() - (state.at ?? 0));
  if (early <= 0 || asking) ask();
  else {
    clearTimeout(timer);
    timer = setTimeout(ask, early);
  }
}

// Listens for blocks while the page is seen, if the node streams them; a node that does not is polled. A browser keeps
// six connections to a node for all its tabs and for pages one may go back to: a stream that nobody sees must not hold one.
function listen() {
  if (events || document.hidden) return;
  events = new EventSource('/events/blocks');
  events.onopen = () => { streaming = true; };
  events.addEventListener('block', told);
  events.onerror = () => {
    streaming = false;
    if (events?.readyState === EventSource.CLOSED) hush();
  };
}

function hush() {
  events?.close();
  events = null;
  streaming = false;
}

function wake() {
  ask();
  listen();
}

export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? hush() : wake()));
  addEventListener('pagehide', hush);
  addEventListener('pageshow', (event) => { if (event.persisted) wake(); });
  wake();
}
