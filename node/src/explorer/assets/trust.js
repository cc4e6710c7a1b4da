// What this browser holds on to: the id of the chain, pinned at the first visit, and the chain
// specification that the node serves, which is believed only when it hashes to that id.

const KEY = 'logothete.chain';

const store = {
  get: () => { try { return localStorage.getItem(KEY); } catch { return null; } },
  set: (id) => { try { localStorage.setItem(KEY, id); } catch { /* private mode: it holds until the page is left */ } },
};

let pin = store.get();
let specBytes = null;
const watchers = new Set();

export const pinned = () => pin;

export function setPin(id) {
  pin = id;
  specBytes = null;
  store.set(id);
  for (const watcher of watchers) watcher();
}

// Pins the chain that is served if none is pinned; says whether the served one is the pinned one.
export function meet(served) {
  if (!pin) setPin(served);
  return pin === served;
}

export function onPin(watcher, signal) {
  watchers.add(watcher);
  signal?.addEventListener('abort', () => watchers.delete(watcher));
}

// Resolves when there is a pin: on the first visit the chain is met a moment after the page is there.
const met = () => new Promise((resolve) => {
  const once = () => { watchers.delete(once); resolve(); };
  watchers.add(once);
});

// What verification starts from.
export async function anchor(signal) {
  if (!pin) await met();
  if (!specBytes) {
    const answer = await fetch('/genesis', { signal });
    if (!answer.ok) throw new Error(`the node does not give the chain specification (${answer.status})`);
    specBytes = new Uint8Array(await answer.arrayBuffer());
  }
  return { pinned: pin, specBytes };
}
