// What verify.js believes, on a chain that is made here: certificates and evidence, and what is changed in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import './setup.js';

const assets = '../../src/explorer/assets';
const { Writer, concat } = await import(`${assets}/codec.js`);
const { hash, keyPair, message } = await import(`${assets}/crypto.js`);
const { hex, validatorKey } = await import(`${assets}/text.js`);
const { classify, verifyBlock, verifyEvidence } = await import(`${assets}/verify.js`);

const POWERS = [1n, 1n, 1n, 2n];
const ZERO = new Uint8Array(32);
const keys = await Promise.all(POWERS.map((_, i) => keyPair(new Uint8Array(32).fill(i + 1))));
const name = (index) => `v${index}`;
const text = (w, value) => w.blob(new TextEncoder().encode(value));

const specBytes = (() => {
  const w = text(new Writer().u32(1), 'test').u64(1n).u32(POWERS.length);
  POWERS.forEach((power, i) => text(w, name(i)).raw(keys[i].publicKey).u64(power));
  return w.u32(0).u64(100n).raw(keys[0].publicKey).u32(16384).u64(1000n).u64(1000n).u64(30000n).u64(10000n).u8(1).done();
})();
const chain = await hash('lgt/chain', specBytes);
const anchor = { pinned: hex(chain), specBytes };

const header = (height, parent, view = height, payload = ZERO) => new Writer().u64(0n).u64(view).u64(height).raw(parent).u64(height - 1n)
  .u64(5n).u16(0).raw(payload).u64(0n).raw(ZERO).raw(ZERO).u8(0).done();

async function commit(view, block, signers) {
  const signed = message('lgt/commit', chain, new Writer().u64(0n).u64(view).raw(block).done());
  const bits = signers.reduce((bits, index) => bits | 1 << index, 0);
  const w = new Writer().u64(0n).u64(view).raw(block).u16(POWERS.length).u8(bits).u32(signers.length);
  for (const index of signers) w.raw(await keys[index].sign(signed));
  return w.done();
}

// What block_certificate answers about block 1, certified by block 2.
async function answer(signers, certified = null, payload = ZERO) {
  const first = header(1n, ZERO, 1n, payload);
  const second = header(2n, await hash('lgt/block', first));
  const power = signers.reduce((sum, index) => sum + POWERS[index], 0n);
  return {
    block: hex(await hash('lgt/block', first)), height: '1', view: '2', headers: [hex(first), hex(second)],
    certificate: hex(await commit(2n, certified ?? await hash('lgt/block', second), signers)), power: String(power), quorum: '4',
    signers: POWERS.map((power, index) => ({ validator: { index, name: name(index) }, power: String(power), signed: signers.includes(index) })),
  };
}

const failed = (report) => report.steps.find((step) => step.state === 'failed')?.id;

test('a certificate of a quorum holds, by power and not by number', async () => {
  assert.equal((await verifyBlock(await answer([0, 1, 3]), anchor)).ok, true);
  const three = await verifyBlock(await answer([0, 1, 2]), anchor);
  assert.deepEqual([three.ok, failed(three), three.facts], [false, 'power', {}]);
  assert.ok(three.steps.slice(4).every((step) => step.state === 'unchecked'));
});

test('a certificate is of this block, this chain and these keys', async () => {
  const good = await answer([0, 1, 3]);
  assert.equal(failed(await verifyBlock({ ...good, headers: good.headers.slice(0, 1) }, anchor)), 'certificate');
  assert.equal(failed(await verifyBlock({ ...good, headers: good.headers.toReversed?.() ?? [...good.headers].reverse() }, anchor)), 'headers');
  assert.equal(failed(await verifyBlock({ ...good, headers: [] }, anchor)), 'headers');
  assert.equal(failed(await verifyBlock(await answer([0, 1, 3], ZERO), anchor)), 'certificate');
  assert.equal(failed(await verifyBlock({ ...good, certificate: `${good.certificate}00` }, anchor)), 'certificate');
  assert.equal(failed(await verifyBlock(good, { ...anchor, pinned: '00'.repeat(32) })), 'genesis');
  const forged = specBytes.slice();
  forged[40] ^= 1;
  const other = { specBytes: forged, pinned: hex(await hash('lgt/chain', forged)) };
  assert.equal(failed(await verifyBlock(good, other)), 'signatures');
  assert.equal(failed(await verifyBlock({ ...good, height: '2' }, anchor)), 'claims');
});

// What block_get answers about block 1, with its certificate; its payload has some proofs of double signing.
async function shownBlock(proofs) {
  const reference = { hash: new Uint8Array(32).fill(7), author: 3, count: 2, bytes: 400 };
  const payload = new Writer().list([reference], (w, one) => w.raw(one.hash).u16(one.author).u32(one.count).u32(one.bytes))
    .list(Array(proofs).fill(Uint8Array.of(1, 2, 3)), (w, one) => w.blob(one)).done();
  const payloadHash = await hash('lgt/payload', payload);
  const proof = await answer([0, 1, 3], null, payloadHash);
  const zero = hex(ZERO);
  const shown = {
    hash: proof.block, payload: hex(payload), transaction_count: 2, evidence_count: proofs, signers: proof.signers,
    header: { epoch: '0', view: '1', height: '1', parent: zero, parent_view: '0', timestamp: '5', proposer: { index: 0, name: 'v0' },
      payload: hex(payloadHash), executed: { height: '0', state_root: zero, receipts_root: zero } },
    batches: [{ hash: hex(reference.hash), author: { index: 3, name: 'v3' }, count: 2, bytes: 400 }],
  };
  return { proof, shown };
}

for (const proofs of [0, 1]) {
  test(`the content of a block with ${proofs} proofs of double signing is the one its header names`, async () => {
    const { proof, shown } = await shownBlock(proofs);
    for (const wanted of ['1', proof.block, null]) assert.equal((await verifyBlock(proof, anchor, shown, wanted)).ok, true);
    assert.equal(failed(await verifyBlock(proof, anchor, shown, '2')), 'shown');
    const [batch] = shown.batches;
    const lies = [
      { evidence_count: 1 - proofs }, { evidence_count: null }, { transaction_count: 3 }, { payload: undefined }, { payload: '' },
      { payload: `${shown.payload}00` }, { batches: [] }, { batches: [batch, batch] }, { batches: undefined },
      ...[{ count: 1 }, { bytes: 1 }, { hash: hex(ZERO) }, { author: { index: 2, name: 'v3' } }, { author: { index: 3, name: 'v2' } }]
        .map((lie) => ({ batches: [{ ...batch, ...lie }] })),
    ];
    for (const lie of lies) assert.equal(failed(await verifyBlock(proof, anchor, { ...shown, ...lie })), 'payload', JSON.stringify(lie));
  });
}

async function offence(kind, variant, one, other, claims) {
  const evidence = concat(new Writer().u32(variant).done(), await one(), await other());
  return { validator: { index: 1, name: 'v1' }, key: validatorKey(keys[1].publicKey), kind, epoch: '0', view: '7', evidence: hex(evidence), ...claims };
}

async function vote(domain, block, prepare, signer = 1) {
  const body = new Writer().u64(0n).u64(7n).raw(block);
  if (prepare) body.u64(3n).u64(6n);
  const signature = await keys[1].sign(message(domain, chain, body.done()));
  return { bytes: concat(body.done(), new Writer().u16(signer).raw(signature).done()), signature };
}

const A = new Uint8Array(32).fill(0xaa), B = new Uint8Array(32).fill(0xbb);

for (const [kind, variant, domain] of [['prepare_vote', 1, 'lgt/prepare'], ['commit_vote', 2, 'lgt/commit']]) {
  test(`two of ${kind} prove an offence, one twice does not`, async () => {
    const [a, b] = await Promise.all([A, B].map((block) => vote(domain, block, variant === 1)));
    const claims = { first: { block: hex(A), signature: hex(a.signature) }, second: { block: hex(B), signature: hex(b.signature) } };
    const item = await offence(kind, variant, () => a.bytes, () => b.bytes, claims);
    const report = await verifyEvidence(item, anchor);
    assert.deepEqual([report.ok, report.facts.member.name], [true, 'v1']);
    assert.equal(classify({ items: [item] }).kind, 'evidence');
    assert.equal(failed(await verifyEvidence(await offence(kind, variant, () => a.bytes, () => a.bytes, claims), anchor)), 'conflict');
    assert.equal(failed(await verifyEvidence({ ...item, view: '8' }, anchor)), 'shown');
    assert.equal(failed(await verifyEvidence({ ...item, evidence: item.evidence.replace(/..$/, '00') }, anchor)), 'signatures');
    const framed = await Promise.all([A, B].map((block) => vote(domain, block, variant === 1, 2)));
    assert.equal(failed(await verifyEvidence(await offence(kind, variant, () => framed[0].bytes, () => framed[1].bytes, claims), anchor)), 'signatures');
  });
}

test('two timeouts and two proposals prove an offence', async () => {
  const timeout = async (qc) => {
    const signature = await keys[1].sign(message('lgt/timeout', chain, new Writer().u64(0n).u64(7n).u64(qc).done()));
    return { bytes: new Writer().u64(7n).u64(qc).u16(1).raw(signature).done(), signature };
  };
  const [a, b] = [await timeout(5n), await timeout(6n)];
  const claims = { first: { high_qc_view: '5', signature: hex(a.signature) }, second: { high_qc_view: '6', signature: hex(b.signature) } };
  const item = await offence('timeout', 3, () => a.bytes, () => b.bytes, claims);
  assert.equal((await verifyEvidence(item, anchor)).ok, true);
  assert.equal(failed(await verifyEvidence({ ...item, first: { ...item.first, high_qc_view: '4' } }, anchor)), 'shown');

  const propose = async (parent) => {
    const bytes = header(3n, parent, 7n);
    bytes[8 * 3 + 32 + 8 + 8] = 1;
    const block = await hash('lgt/block', bytes);
    const signature = await keys[1].sign(message('lgt/proposal', chain, new Writer().u64(0n).u64(7n).raw(block).done()));
    return { bytes: concat(bytes, signature), block: hex(block), signature: hex(signature) };
  };
  const [p, q] = [await propose(A), await propose(B)];
  const proposals = { first: { block: p.block, signature: p.signature }, second: { block: q.block, signature: q.signature } };
  assert.equal((await verifyEvidence(await offence('proposal', 0, () => p.bytes, () => q.bytes, proposals), anchor)).ok, true);
});

test('what is no proof is refused', () => {
  for (const json of [{}, [], null, { data: {} }, { tx: 'aa' }, 7]) assert.throws(() => classify(json), /no proof/);
});
