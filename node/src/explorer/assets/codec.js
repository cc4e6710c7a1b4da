// Values from and to their one canonical encoding (docs/wire.md, part 1). Refuses what is not canonical.

export class CodecError extends Error {}

export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  take(length) {
    if (this.at + length > this.bytes.length) throw new CodecError('the bytes end early');
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }
  advance(length) {
    const at = this.at;
    this.take(length);
    return at;
  }
  u8() { return this.view.getUint8(this.advance(1)); }
  u16() { return this.view.getUint16(this.advance(2), true); }
  u32() { return this.view.getUint32(this.advance(4), true); }
  u64() { return this.view.getBigUint64(this.advance(8), true); }
  digest() { return this.take(32); }
  signature() { return this.take(64); }
  bool() {
    const tag = this.u8();
    if (tag > 1) throw new CodecError(`${tag} is neither 0 nor 1`);
    return tag === 1;
  }
  option(read) { return this.bool() ? read(this) : null; }
  length(max) {
    const length = this.u32();
    if (length > max) throw new CodecError(`a length of ${length}, at most ${max} are allowed`);
    return length;
  }
  list(max, read) {
    const items = [];
    for (let left = this.length(max); left > 0; left--) items.push(read(this));
    return items;
  }
  blob(max) { return this.take(this.length(max)); }
  text(max) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.blob(max));
    } catch (error) {
      throw error instanceof CodecError ? error : new CodecError('text that is not UTF-8');
    }
  }
  variant(count) {
    const variant = this.u32();
    if (variant >= count) throw new CodecError(`no variant ${variant}`);
    return variant;
  }
  signerSet() {
    const size = this.u16();
    if (size > 200) throw new CodecError(`a signer set of ${size}, at most 200 are allowed`);
    const bits = this.take(Math.ceil(size / 8));
    const members = [];
    for (let i = 0; i < bits.length * 8; i++) {
      if ((bits[i >> 3] >> (i & 7) & 1) === 0) continue;
      if (i >= size) throw new CodecError('spare bits of a signer set are set');
      members.push(i);
    }
    return { size, members };
  }
}

// Reads one value that is all there is.
export function decode(bytes, read) {
  const reader = new Reader(bytes);
  const value = read(reader);
  if (reader.at !== bytes.length) throw new CodecError('bytes are left over');
  return value;
}

export class Writer {
  constructor() { this.parts = []; }
  raw(bytes) { this.parts.push(bytes); return this; }
  number(length, set) {
    const bytes = new Uint8Array(length);
    set(new DataView(bytes.buffer));
    return this.raw(bytes);
  }
  u8(n) { return this.number(1, (view) => view.setUint8(0, n)); }
  u16(n) { return this.number(2, (view) => view.setUint16(0, n, true)); }
  u32(n) { return this.number(4, (view) => view.setUint32(0, n, true)); }
  u64(n) { return this.number(8, (view) => view.setBigUint64(0, BigInt(n), true)); }
  blob(bytes) { return this.u32(bytes.length).raw(bytes); }
  option(value, write) {
    this.u8(value === null ? 0 : 1);
    if (value !== null) write(this, value);
    return this;
  }
  list(items, write) {
    this.u32(items.length);
    for (const item of items) write(this, item);
    return this;
  }
  done() { return concat(...this.parts); }
}

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
