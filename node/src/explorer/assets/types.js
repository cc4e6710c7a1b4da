// The layouts of what is signed, hashed or proven (docs/wire-*.md, docs/genesis.md).

import { CodecError, Writer } from './codec.js';

const NAME_BYTES = 32;

export const readHeader = (r) => ({
  epoch: r.u64(),
  view: r.u64(),
  height: r.u64(),
  parent: r.digest(),
  parentView: r.u64(),
  timestamp: r.u64(),
  proposer: r.u16(),
  payload: r.digest(),
  executed: { height: r.u64(), stateRoot: r.digest(), receiptsRoot: r.digest() },
  nextSet: r.option((r) => r.digest()),
});

export const readCommitCert = (r) => ({
  epoch: r.u64(),
  view: r.u64(),
  block: r.digest(),
  signers: r.signerSet(),
  signatures: r.list(200, (r) => r.signature()),
});

const readMerkleProof = (r) => ({ index: r.u32(), count: r.u32(), path: r.list(32, (r) => r.digest()) });

export function readInclusion(r) {
  const start = r.at;
  const header = { author: r.u16(), sequence: r.u64(), count: r.u32(), root: r.digest() };
  return { headerBytes: r.bytes.slice(start, r.at), header, path: readMerkleProof(r), batch: r.u32(), payload: r.blob(8744) };
}

export const readReceiptPath = (r) => ({
  path: readMerkleProof(r),
  block: r.digest(),
  before: r.digest(),
  later: r.list(1024, (r) => r.digest()),
});

export const readPayload = (r) => ({
  batches: r.list(64, (r) => ({ hash: r.digest(), author: r.u16(), count: r.u32(), bytes: r.u32() })),
  evidence: r.list(4, (r) => r.blob(1156)),
});

const FAILURES = [
  (r) => ({ code: 'INSUFFICIENT_BALANCE', account: r.digest(), needed: r.u64(), available: r.u64() }),
  (r) => ({ code: 'BALANCE_OVERFLOW', account: r.digest() }),
];

export function readReceipt(r) {
  const [tx, index] = [r.digest(), r.u32()];
  let failure = null;
  if (r.variant(2) === 1) {
    const operation = r.u16();
    failure = { operation, ...FAILURES[r.variant(FAILURES.length)](r) };
  }
  return { tx, index, failure, fee: r.u64() };
}

export const readStateProof = (r) => ({
  siblings: r.list(256, (r) => r.digest()),
  leaf: r.variant(2) === 1 ? { key: r.digest(), valueHash: r.digest() } : null,
});

const readOperation = (r) => {
  r.variant(1);
  return { type: 'transfer', from: r.option((r) => r.digest()), to: r.digest(), amount: r.u64() };
};

const readBody = (r) => ({
  chain: r.take(4),
  sender: r.digest(),
  nonce: r.u64(),
  fee: r.u64(),
  expiry: r.u64(),
  operations: r.list(64, readOperation),
  memo: r.blob(256),
  cosigners: r.list(15, (r) => r.digest()),
});

export const readTransaction = (r) => ({
  body: readBody(r),
  signature: r.signature(),
  cosignatures: r.list(15, (r) => r.signature()),
});

export function encodeBody(body) {
  const operation = (w, { from, to, amount }) =>
    w.u32(0).option(from, (w, from) => w.raw(from)).raw(to).u64(amount);
  return new Writer()
    .raw(body.chain).raw(body.sender).u64(body.nonce).u64(body.fee).u64(body.expiry)
    .list(body.operations, operation).blob(body.memo).list(body.cosigners, (w, one) => w.raw(one)).done();
}

export const encodeTransaction = (bodyBytes, signature) =>
  new Writer().raw(bodyBytes).raw(signature).u32(0).done();

// The chain specification, whose hash is the chain id.
export const readSpec = (r) => {
  if (r.u32() !== 1) throw new CodecError('a chain specification of another layout');
  return {
    name: r.text(NAME_BYTES),
    timestamp: r.u64(),
    validators: r.list(200, (r) => ({ name: r.text(NAME_BYTES), key: r.digest(), power: r.u64() })),
    accounts: r.list(1_000_000, (r) => ({ address: r.digest(), balance: r.u64() })),
    params: {
      minFee: r.u64(), feeAccount: r.digest(), maxTxBytes: r.u32(), emptyBlockIntervalMs: r.u64(),
      viewTimeoutMs: r.u64(), viewTimeoutMsMax: r.u64(), clockDriftMsMax: r.u64(), dev: r.bool(),
    },
  };
};

export const setOf = (spec) => {
  const totalPower = spec.validators.reduce((sum, { power }) => sum + power, 0n);
  return { members: spec.validators, totalPower, quorum: totalPower * 2n / 3n + 1n };
};

const readVote = (r, prepare) => {
  const vote = { epoch: r.u64(), view: r.u64(), block: r.digest() };
  if (prepare) Object.assign(vote, { height: r.u64(), parentView: r.u64() });
  return Object.assign(vote, { signer: r.u16(), signature: r.signature() });
};

const EVIDENCE = [
  ['proposal', (r) => {
    const start = r.at;
    const header = readHeader(r);
    return { header, headerBytes: r.bytes.slice(start, r.at), signature: r.signature() };
  }],
  ['prepare_vote', (r) => readVote(r, true)],
  ['commit_vote', (r) => readVote(r, false)],
  ['timeout', (r) => ({ view: r.u64(), qcView: r.u64(), signer: r.u16(), signature: r.signature() })],
];

export const readEvidence = (r) => {
  const [kind, read] = EVIDENCE[r.variant(EVIDENCE.length)];
  return { kind, first: read(r), second: read(r) };
};

