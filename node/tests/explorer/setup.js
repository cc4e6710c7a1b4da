// What all tests of the explorer's modules need: WebCrypto in older versions of Node.js, and the vectors.

import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;

const root = new URL('../../../', import.meta.url);
export const document = (name) => readFileSync(new URL(`docs/${name}`, root), 'utf8');
export const vectors = JSON.parse(readFileSync(new URL('primitives/tests/vectors.json', root), 'utf8'));

// A row `| name | `hex` |` of a table in a document.
export function row(text, name) {
  const found = text.split('\n').find((line) => line.startsWith(`| ${name} |`));
  if (!found) throw new Error(`no row ${name}`);
  return found.split('`')[1];
}

// A line `name   hex` of a block of vectors.
export function line(text, name) {
  const found = text.split('\n').find((line) => line.startsWith(`${name} `));
  if (!found) throw new Error(`no line ${name}`);
  return found.slice(name.length).trim();
}
