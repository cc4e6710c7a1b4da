// Numbers, times and hashes for people. 64-bit numbers come as strings and stay BigInt.

const UNITS = 1_000_000n;
const group = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ',');

export const number = (value) => group(String(value));

// Base units as coins: 1,000.500000 becomes 1,000.50.
export function coins(units) {
  const value = BigInt(units);
  const fraction = String(value % UNITS).padStart(6, '0').replace(/0{1,4}$/, '');
  return `${group(String(value / UNITS))}.${fraction}`;
}

// Coins with all six digits, as the node writes them.
export const exactCoins = (units) => `${group(String(units / UNITS))}.${String(units % UNITS).padStart(6, '0')}`;

// Coins as people write them to base units; null when it is no amount.
export function parseCoins(text) {
  const found = /^(\d[\d,]*)(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (!found) return null;
  const units = BigInt(found[1].replaceAll(',', '')) * UNITS + BigInt((found[2] ?? '').padEnd(6, '0'));
  return units < 2n ** 64n ? units : null;
}

export const short = (text, head = 8, tail = 4) => (text.length > head + tail + 1 ? `${text.slice(0, head)}…${text.slice(-tail)}` : text);

export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} days`;
}

export const ago = (timestamp, now = Date.now()) => {
  const past = now - Number(timestamp);
  return past < 1000 ? 'just now' : `${duration(past)} ago`;
};

export const time = (timestamp) => new Date(Number(timestamp)).toISOString().replace('T', ' ').replace('Z', ' UTC');

export const bytes = (count) => {
  const n = Number(count);
  if (n < 1024) return `${n} B`;
  return n < 1024 * 1024 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1024 / 1024).toFixed(1)} MiB`;
};

export const plural = (count, noun, many = `${noun}s`) => `${number(count)} ${BigInt(count) === 1n ? noun : many}`;
