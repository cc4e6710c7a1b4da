// Bytes as text: hexadecimal and bech32m (BIP 350).

const DIGITS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const CHECK = 0x2bc830a3;

export class TextError extends Error {}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function unhex(text, length = null) {
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new TextError('not hexadecimal digits');
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  if (length !== null && bytes.length !== length) {
    throw new TextError(`${bytes.length} bytes; ${length} are needed`);
  }
  return bytes;
}

function polymod(values) {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    generator.forEach((g, i) => { if (top >>> i & 1) sum ^= g; });
  }
  return sum >>> 0;
}

function expand(prefix) {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function regroup(values, from, to, pad) {
  const out = [];
  let held = 0, bits = 0;
  for (const value of values) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push(held >> bits & ((1 << to) - 1));
    }
  }
  if (pad && bits > 0) out.push(held << (to - bits) & ((1 << to) - 1));
  if (!pad && (held & ((1 << bits) - 1)) !== 0) throw new TextError('spare bits are set');
  return out;
}

// An address has the prefix `lgt`, the key of a validator or node `lgtval`.
export function bech32m(prefix, bytes) {
  const data = regroup(bytes, 8, 5, true);
  const sum = polymod([...expand(prefix), ...data, 0, 0, 0, 0, 0, 0]) ^ CHECK;
  const check = [0, 1, 2, 3, 4, 5].map((i) => sum >>> 5 * (5 - i) & 31);
  return `${prefix}1${[...data, ...check].map((value) => DIGITS[value]).join('')}`;
}

export function unbech32m(prefix, text) {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw new TextError('mixed case');
  if (!lower.startsWith(`${prefix}1`)) throw new TextError(`does not begin with ${prefix}1`);
  const values = Array.from(lower.slice(prefix.length + 1), (digit) => DIGITS.indexOf(digit));
  if (values.length !== 58 || values.includes(-1)) throw new TextError('not 58 digits of bech32m');
  if (polymod([...expand(prefix), ...values]) !== CHECK) throw new TextError('the checksum is wrong');
  return Uint8Array.from(regroup(values.slice(0, -6), 5, 8, false));
}

export const address = (bytes) => bech32m('lgt', bytes);
export const parseAddress = (text) => unbech32m('lgt', text.trim());
export const validatorKey = (bytes) => bech32m('lgtval', bytes);
