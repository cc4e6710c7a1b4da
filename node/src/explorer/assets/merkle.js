// Merkle paths over lists (docs/wire.md) and paths in the state tree (docs/wire-state.md).

import { equal, Writer } from './codec.js';
import { hash } from './crypto.js';

const u32 = (n) => new Writer().u32(n).done();

// The root that a digest leads to by a path; null when the path is not one for its place.
export async function rootOf(digest, { index, count, path }) {
  if (index >= count) return null;
  let node = await hash('lgt/merkle-leaf', digest);
  let used = 0;
  for (let at = index, width = count; width > 1; at >>= 1, width = Math.ceil(width / 2)) {
    if (at % 2 === 0 && at === width - 1) continue;
    if (used === path.length) return null;
    const sibling = path[used++];
    node = at % 2 === 0
      ? await hash('lgt/merkle-node', node, sibling)
      : await hash('lgt/merkle-node', sibling, node);
  }
  return used === path.length ? hash('lgt/merkle-root', u32(count), node) : null;
}

const bit = (key, depth) => key[depth >> 3] >> (7 - depth % 8) & 1;

// Whether a state root holds `value` at `key`; a value of null asks whether it holds nothing there.
export async function stateHolds({ siblings, leaf }, root, key, value) {
  if (siblings.length > 256) return false;
  let node = new Uint8Array(32);
  if (leaf === null) {
    if (value !== null) return false;
  } else {
    node = await hash('lgt/state-leaf', leaf.key, leaf.valueHash);
    const same = equal(leaf.key, key);
    if (value !== null) {
      if (!same || !equal(leaf.valueHash, await hash('lgt/state-value', value))) return false;
    } else if (same || siblings.some((_, depth) => bit(leaf.key, depth) !== bit(key, depth))) {
      return false;
    }
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    node = bit(key, depth)
      ? await hash('lgt/state-node', siblings[depth], node)
      : await hash('lgt/state-node', node, siblings[depth]);
  }
  return equal(node, root);
}
