// The pure modules against the vectors of docs/wire*.md and docs/genesis.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { document, line, row, vectors } from './setup.js';

const assets = '../../src/explorer/assets';
const { CodecError, Reader, Writer, decode } = await import(`${assets}/codec.js`);
const { acceptableKey, hash, keyPair, message, verifySignature } = await import(`${assets}/crypto.js`);
const { rootOf, stateHolds } = await import(`${assets}/merkle.js`);
const { address, bech32m, hex, parseAddress, unhex, validatorKey } = await import(`${assets}/text.js`);
const types = await import(`${assets}/types.js`);

const SIGNING_SEED = '01'.repeat(32);
const CHAIN = unhex('07'.repeat(32));

test('hashes have their domain', async () => {
  for (const { domain, bytes, digest } of vectors.hash) assert.equal(hex(await hash(domain, unhex(bytes))), digest);
});

test('values decode from their one encoding', () => {
  const readers = {
    u16: (r) => r.u16(), u64: (r) => r.u64(), bool: (r) => r.bool(), 'Option<u16>': (r) => r.option((r) => r.u16()),
    'BoundedVec<u16, 4>': (r) => r.list(4, (r) => r.u16()), 'BoundedBytes<4>': (r) => r.blob(4), 'BoundedString<4>': (r) => r.text(4), SignerSet: (r) => r.signerSet(),
  };
  const seen = vectors.codec.map(({ type, bytes, members }) => {
    const value = decode(unhex(bytes), readers[type]);
    if (members) assert.deepEqual(value.members, members);
    assert.throws(() => decode(unhex(`${bytes}00`), readers[type]), CodecError, `${type} with a byte more`);
    assert.throws(() => decode(unhex(bytes).slice(0, -1), readers[type]), CodecError, `${type} cut off`);
    return type;
  });
  assert.equal(new Set(seen).size, Object.keys(readers).length);
});

test('what is not canonical is refused', () => {
  assert.throws(() => decode(unhex('02'), (r) => r.bool()), CodecError);
  assert.throws(() => decode(unhex('020001'), (r) => r.option((r) => r.u16())), CodecError);
  assert.throws(() => decode(unhex('05000000'), (r) => r.list(4, (r) => r.u8())), /at most 4/);
  assert.throws(() => decode(unhex('0400ff'), (r) => r.signerSet()), /spare bits/);
  assert.throws(() => decode(unhex('c900'), (r) => r.signerSet()), /at most 200/);
  assert.throws(() => decode(unhex('02000000'), types.readEvidence), CodecError);
  assert.throws(() => decode(unhex('01000000ff'), (r) => r.text(4)), /UTF-8/);
  assert.equal(new Reader(unhex('00')).u8(), 0);
});

test('keys and addresses as text', () => {
  for (const { public: key, address: text, key: validator } of vectors.keys) {
    assert.equal(address(unhex(key)), text);
    assert.equal(validatorKey(unhex(key)), validator);
    assert.equal(hex(parseAddress(text)), key);
    assert.equal(hex(parseAddress(text.toUpperCase())), key);
    assert.throws(() => parseAddress(text.replace('lgt1', 'Lgt1')), /mixed/);
    assert.throws(() => parseAddress(validator));
    for (let i = 4; i < text.length; i++) {
      const other = text.slice(0, i) + (text[i] === 'q' ? 'p' : 'q') + text.slice(i + 1);
      assert.throws(() => parseAddress(other), /checksum/, other);
    }
  }
  assert.equal(bech32m('lgt', new Uint8Array(32)).length, 62);
});

test('keys sign what the vectors say', async () => {
  for (const { seed, domain, chain, body, message: expected, signature } of vectors.signing) {
    const signed = message(domain, unhex(chain), unhex(body));
    assert.equal(hex(signed), expected);
    const { publicKey, sign } = await keyPair(unhex(seed));
    assert.equal(hex(await sign(signed)), signature);
    assert.equal(await verifySignature(publicKey, signed, unhex(signature)), true);
    assert.equal(await verifySignature(publicKey, signed.subarray(1), unhex(signature)), false);
  }
});

test('no signature is accepted that the network refuses', async () => {
  let refused = 0, accepted = 0;
  for (const { name, public: key, message: signed, signature, accepted: rule } of vectors.acceptance) {
    const verdict = await verifySignature(unhex(key), unhex(signed), unhex(signature));
    if (!rule) assert.equal(verdict, false, name);
    rule ? accepted += Number(verdict) : refused += 1;
  }
  assert.ok(refused > 0 && accepted > 0);
  assert.equal(acceptableKey(unhex(`01${'00'.repeat(31)}`)), false);
  assert.equal(acceptableKey(unhex(`${'ff'.repeat(31)}7f`)), false);
});

test('Merkle paths', async () => {
  for (const { leaves, root, proofs } of vectors.merkle) {
    for (const [index, path] of proofs.entries()) {
      const siblings = path.map((text) => unhex(text));
      const proof = { index, count: leaves.length, path: siblings };
      assert.equal(hex(await rootOf(unhex(leaves[index]), proof)), root);
      assert.equal(await rootOf(unhex(leaves[index]), { ...proof, index: leaves.length }), null);
      assert.equal(await rootOf(unhex(leaves[index]), { ...proof, path: [...siblings, new Uint8Array(32)] }), null);
      if (siblings.length) {
        assert.equal(await rootOf(unhex(leaves[index]), { ...proof, path: siblings.slice(1) }), null);
        const other = siblings.map((bytes, i) => (i ? bytes : bytes.map((byte) => byte ^ 1)));
        assert.notEqual(hex(await rootOf(unhex(leaves[index]), { ...proof, path: other })), root);
      }
    }
  }
});

test('state proofs', async () => {
  const text = document('wire-state.md');
  const root = unhex(line(text, 'root'));
  const cases = [['inclusion 41', '41', 'forty-one'], ['absence 42', '42', null], ['absence by a leaf 80', '80', null]];
  for (const [name, byte, value] of cases) {
    const proof = decode(unhex(line(text, name)), types.readStateProof);
    const key = unhex(byte.repeat(32));
    const bytes = value === null ? null : new TextEncoder().encode(value);
    assert.equal(await stateHolds(proof, root, key, bytes), true, name);
    assert.equal(await stateHolds(proof, root, key, new TextEncoder().encode('other')), false, name);
    assert.equal(await stateHolds(proof, root, unhex('00'.repeat(32)), bytes), false, name);
    assert.equal(await stateHolds(proof, new Uint8Array(32), key, bytes), false, name);
    if (value !== null) assert.equal(await stateHolds(proof, root, key, null), false, name);
  }
});

test('headers, votes and evidence', async () => {
  const text = document('wire-consensus.md');
  const bytes = unhex(line(text, 'header'));
  const header = decode(bytes, types.readHeader);
  assert.equal(hex(await hash('lgt/block', bytes)), line(text, 'block hash'));
  assert.deepEqual([header.view, header.height, header.parentView, header.proposer, header.nextSet], [9n, 5n, 7n, 2, null]);
  const { publicKey } = await keyPair(unhex(SIGNING_SEED));
  const block = unhex(line(text, 'block hash'));
  const signed = message('lgt/commit', CHAIN, new Writer().u64(1n).u64(9n).raw(block).done());
  assert.equal(hex(signed), line(text, 'commit: message'));
  assert.equal(await verifySignature(publicKey, signed, unhex(line(text, 'commit: signature'))), true);
});

test('transactions, payloads and receipts', async () => {
  const text = document('wire-transactions.md');
  for (const name of ['simple', 'shared']) {
    const bytes = unhex(row(text, `${name}: transaction`));
    const tx = decode(bytes, types.readTransaction);
    assert.equal(hex(await hash('lgt/tx', bytes)), row(text, `${name}: hash`));
    assert.equal(hex(message('lgt/tx', CHAIN, types.encodeBody(tx.body))), row(text, `${name}: signing message`));
  }
  const { sign } = await keyPair(unhex(SIGNING_SEED));
  const simple = unhex(row(text, 'simple: transaction'));
  const body = types.encodeBody(decode(simple, types.readTransaction).body);
  assert.deepEqual(types.encodeTransaction(body, await sign(message('lgt/tx', CHAIN, body))), simple);

  const payload = unhex(row(text, 'payload'));
  const { batches, evidence } = decode(payload, types.readPayload);
  assert.deepEqual([hex(batches[0].hash), evidence], [row(text, 'batch: hash'), []]);
  assert.equal(hex(await hash('lgt/payload', payload)), row(text, 'payload: hash'));
  assert.equal(hex(await hash('lgt/payload', new Uint8Array(8))), row(text, 'empty payload: hash'));
  assert.equal(hex(await hash('lgt/batch', unhex(row(text, 'batch: header')))), row(text, 'batch: hash'));

  const before = unhex('4567548bd256da0f110ddf7b1e3286cd108d716b70c57fba8fe1a8ea18bd7186');
  for (const [name, code] of [['success', undefined], ['failed', 'INSUFFICIENT_BALANCE']]) {
    const bytes = unhex(row(text, `${name}: receipt`));
    const receipt = decode(bytes, types.readReceipt);
    assert.deepEqual([receipt.index, receipt.fee, receipt.failure?.code], [3, 100n, code]);
    const leaf = await hash('lgt/receipt', bytes);
    assert.equal(hex(leaf), row(text, `${name}: leaf`));
    const root = await rootOf(leaf, { index: 0, count: 1, path: [] });
    assert.equal(hex(root), row(text, `${name}: root of the block`));
    assert.equal(hex(await hash('lgt/receipts', before, root)), row(text, `${name}: attested`));
  }
  const { publicKey } = await keyPair(unhex(SIGNING_SEED));
  assert.equal(hex(await hash('lgt/state-key', Uint8Array.of(1), publicKey)), row(text, 'account: state key'));
  assert.equal(hex(new Writer().u64(10_000_000n).u64(5n).done()), row(text, 'account: state value'));
});

test('the chain specification', async () => {
  const text = document('genesis.md');
  const block = text.split('\nencoding  ')[1].split('\n```')[0];
  const [encoding, id] = block.split('chain id');
  const bytes = unhex(encoding.replace(/\s/g, ''));
  assert.equal(hex(await hash('lgt/chain', bytes)), id.trim());
  const spec = decode(bytes, types.readSpec);
  assert.deepEqual([spec.name, spec.validators.length, spec.accounts.length, spec.params.dev], ['devnet', 4, 2, true]);
  const { quorum, totalPower } = types.setOf(spec);
  assert.deepEqual([quorum, totalPower], [3n, 4n]);
  assert.deepEqual(types.setOf({ validators: vectors.validator_set.validators.map(({ power }) => ({ power: BigInt(power) })) }).quorum, BigInt(vectors.validator_set.quorum));
});
