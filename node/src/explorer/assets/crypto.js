// Hashes and signatures with their domain tags (docs/wire.md), by the browser's own WebCrypto.

import { concat } from './codec.js';
import { hex, unhex } from './text.js';

const P = 2n ** 255n - 19n;
const PKCS8 = unhex('302e020100300506032b657004220420');

// The points whose eightfold is nothing, by y: a signature under one fits nearly any message.
const SMALL_ORDER_Y = [
  0n,
  1n,
  P - 1n,
  littleEndian(unhex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')),
  littleEndian(unhex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')),
];

function littleEndian(bytes) {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);
}

const subtle = () => globalThis.crypto?.subtle;

export function tag(domain) {
  const bytes = new Uint8Array(16);
  bytes.set(new TextEncoder().encode(domain));
  return bytes;
}

export async function sha256(...parts) {
  return new Uint8Array(await subtle().digest('SHA-256', concat(...parts)));
}

export const hash = (domain, ...parts) => sha256(tag(domain), ...parts);

// What a signature is over: never the bare body.
export const message = (domain, chain, body) => concat(tag(domain), chain, body);

// Whether a key is a canonical encoding and not of small order.
export function acceptableKey(key) {
  const y = littleEndian(key) & (2n ** 255n - 1n);
  return y < P && !SMALL_ORDER_Y.includes(y);
}

// The rule of the network but for the cofactor: signatures by RFC 8032 pass, and none that nodes refuse.
export async function verifySignature(key, signed, signature) {
  if (!acceptableKey(key)) return false;
  const imported = await subtle().importKey('raw', key, { name: 'Ed25519' }, true, ['verify']).catch(refusal);
  return imported !== null && subtle().verify({ name: 'Ed25519' }, imported, signature, signed);
}

// A browser that does not know the algorithm is not a bad key.
function refusal(error) {
  if (error.name === 'NotSupportedError') throw error;
  return null;
}

// Why this browser cannot verify; null when it can. Found by verifying one known signature.
let inability;
export async function cannotVerify() {
  if (inability === undefined) inability = await probe();
  return inability;
}

async function probe() {
  if (!subtle()) {
    return 'this page was not loaded over https or from localhost, so the browser gives it no cryptography';
  }
  try {
    const key = unhex('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c');
    const signature = unhex('826d388801756aa414c6a674847ac6c4d03307582a0b1cdd09fd7f368c2494624af2cc68082f1e6760c80fb612107efe05327c44c75ba882d2d99f16f023f909');
    const known = await verifySignature(key, new TextEncoder().encode('message'), signature);
    return known ? null : 'the browser refuses a signature that is known to be good';
  } catch {
    return 'this browser does not know Ed25519; newer ones do';
  }
}

// A secret key from its seed of 32 bytes. Nothing is kept.
export async function keyPair(seed) {
  const secret = await subtle().importKey('pkcs8', concat(PKCS8, seed), { name: 'Ed25519' }, true, ['sign']);
  const { x } = await subtle().exportKey('jwk', secret);
  const base64 = x.replaceAll('-', '+').replaceAll('_', '/');
  const publicKey = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return { publicKey, sign: async (bytes) => new Uint8Array(await subtle().sign({ name: 'Ed25519' }, secret, bytes)) };
}

// Seeds of the accounts of development chains, which everybody can derive.
export const developmentSeed = (name) => hash('lgt/dev', new TextEncoder().encode(`account ${name}`));
