// Believing nobody but the validators of the chain whose id was pinned (docs/rpc.md, docs/wire*.md).
//
// Each function takes what a node answered and an anchor, { pinned: the chain id in hex, specBytes:
// what the node serves as the chain specification }, and gives a report: every step with its outcome,
// and `ok` only when all of them hold. The first step that fails ends it; the rest stays unchecked.

import { Writer, decode, equal } from './codec.js';
import { hash, message, verifySignature } from './crypto.js';
import { rootOf, stateHolds } from './merkle.js';
import { exactCoins } from './format.js';
import { address, hex, parseAddress, unhex, validatorKey } from './text.js';
import * as types from './types.js';

const MAX_HEADERS = 4096;

// Why a step does not hold.
export class Refusal extends Error {}

function must(holds, why) {
  if (!holds) throw new Refusal(why);
}

function part(name, text, read) {
  try {
    return decode(unhex(text), read);
  } catch (error) {
    throw new Refusal(`the ${name} cannot be read: ${error.message}`);
  }
}

// Runs steps [id, title, function] in order; a function gives the detail to show, or throws.
async function run(steps, facts = {}) {
  const report = { ok: true, facts, steps: steps.map(([id, title]) => ({ id, title, state: 'unchecked', detail: '' })) };
  for (const [i, [, , perform]] of steps.entries()) {
    const step = report.steps[i];
    try {
      step.detail = (await perform(facts)) ?? '';
      step.state = 'ok';
    } catch (error) {
      step.state = 'failed';
      step.detail = error instanceof Refusal ? error.message : `the answer cannot be read: ${error.message}`;
      report.ok = false;
      break;
    }
  }
  if (!report.ok) report.facts = {};
  return report;
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

function specification(anchor) {
  return ['genesis', 'The chain specification hashes to the pinned chain id', async (facts) => {
    const id = hex(await hash('lgt/chain', anchor.specBytes));
    must(id === anchor.pinned, `it hashes to ${id}, pinned is ${anchor.pinned}`);
    facts.chain = unhex(id);
    facts.spec = decode(anchor.specBytes, types.readSpec);
    facts.set = types.setOf(facts.spec);
    return `${plural(facts.set.members.length, 'validator')}, ${facts.set.quorum} of ${facts.set.totalPower} voting power decide`;
  }];
}

// The steps from headers to the signatures over the last of them. What they find is facts[name].
function certificate(name, of, proof) {
  const id = (step) => (name === 'block' ? step : `${name}-${step}`);
  return [
    [id('headers'), `The header${of} and those that follow it are chained by their hashes`, async (facts) => {
      const texts = proof().headers;
      must(Array.isArray(texts) && texts.length >= 1 && texts.length <= MAX_HEADERS, 'no headers, or too many');
      const headers = texts.map((text) => part('header', text, types.readHeader));
      const hashes = [];
      for (const text of texts) hashes.push(await hash('lgt/block', unhex(text)));
      for (let i = 1; i < headers.length; i++) {
        const [parent, child] = [headers[i - 1], headers[i]];
        const follows = equal(child.parent, hashes[i - 1]) && child.parentView === parent.view
          && child.height === parent.height + 1n && child.epoch === parent.epoch;
        must(follows, `the header at height ${child.height} does not follow from the one before it`);
      }
      facts[name] = { header: headers[0], hash: hashes[0], last: headers.at(-1), lastHash: hashes.at(-1) };
      return `${plural(headers.length, 'header')}, block ${hex(hashes[0]).slice(0, 12)}… at height ${headers[0].height}`;
    }],
    [id('certificate'), 'The certificate names the last of these headers', async (facts) => {
      const cert = part('certificate', proof().certificate, types.readCommitCert);
      const { last, lastHash } = facts[name];
      must(equal(cert.block, lastHash), `it names block ${hex(cert.block)}`);
      must(cert.view === last.view && cert.epoch === last.epoch, 'it is for another view or epoch');
      must(cert.epoch === 0n, `no specification of the validators of epoch ${cert.epoch} is known`);
      facts[name].cert = cert;
      return `commit votes of view ${cert.view}`;
    }],
    [id('power'), 'Its signers hold a quorum of the voting power', async (facts) => {
      const { signers, signatures } = facts[name].cert;
      const { members, quorum, totalPower } = facts.set;
      must(signers.size === members.length, `it is of a set of ${signers.size} validators, not ${members.length}`);
      must(signatures.length === signers.members.length, 'signers and signatures differ in number');
      const power = signers.members.reduce((sum, index) => sum + members[index].power, 0n);
      must(power >= quorum, `${power} of ${totalPower}; ${quorum} are needed`);
      facts[name].power = power;
      facts[name].signers = signers.members;
      return `${power} of ${totalPower}; ${quorum} are needed`;
    }],
    [id('signatures'), 'Every signature is its validator’s, over this chain’s id', async (facts) => {
      const { cert } = facts[name];
      const body = new Writer().u64(cert.epoch).u64(cert.view).raw(cert.block).done();
      const signed = message('lgt/commit', facts.chain, body);
      const good = await Promise.all(cert.signers.members.map((index, i) =>
        verifySignature(facts.set.members[index].key, signed, cert.signatures[i])));
      const bad = cert.signers.members.filter((_, i) => !good[i]).map((index) => facts.set.members[index].name);
      must(bad.length === 0, `not by ${bad.join(', ')}`);
      return cert.signers.members.map((index) => facts.set.members[index].name).join(', ');
    }],
  ];
}

const sameSet = (views, facts, signers) => Array.isArray(views) && views.length === facts.set.members.length
  && facts.set.members.every((member, i) => views[i].validator.index === i && views[i].validator.name === member.name
    && views[i].power === String(member.power) && views[i].signed === signers.includes(i));

// Compares what is shown with what is proven: [name, shown, proven] each.
function agree(claims) {
  for (const [what, shown, proven] of claims) {
    must(String(shown) === String(proven), `the ${what} shown is ${shown}, proven is ${proven}`);
  }
  return `${plural(claims.length, 'field')} compared`;
}

const headerClaims = (view, header, members) => [
  ['epoch', view.epoch, header.epoch], ['view', view.view, header.view], ['height', view.height, header.height],
  ['parent', view.parent, hex(header.parent)], ['parent view', view.parent_view, header.parentView],
  ['timestamp', view.timestamp, header.timestamp], ['proposer', view.proposer.index, header.proposer],
  ['name of the proposer', view.proposer.name, members[header.proposer]?.name],
  ['payload hash', view.payload, hex(header.payload)],
  ['attested height', view.executed.height, header.executed.height],
  ['state root', view.executed.state_root, hex(header.executed.stateRoot)],
  ['receipts root', view.executed.receipts_root, hex(header.executed.receiptsRoot)],
];

// The answer of block_certificate, and of block_get when a block is shown beside it, by the height or
// hash it was asked for. Not proven: which transactions were executed, the results, why a signer is missing.
export function verifyBlock(answer, anchor, shown = null, wanted = null) {
  const steps = [
    specification(anchor),
    ...certificate('block', ' of the block', () => answer),
    ['claims', 'The certificate is shown as it is', async (facts) => {
      const { hash, header, cert, power, signers } = facts.block;
      const compared = agree([
        ['block', answer.block, hex(hash)], ['height', answer.height, header.height], ['view', answer.view, cert.view],
        ['power', answer.power, power], ['quorum', answer.quorum, facts.set.quorum],
      ]);
      must(sameSet(answer.signers, facts, signers), 'the signers shown are others');
      return compared;
    }],
  ];
  if (shown) {
    steps.push(['shown', 'The block is shown as its header says', async (facts) => {
      const { header, hash } = facts.block;
      if (wanted !== null) must(wanted === hex(hash) || wanted === String(header.height), `it is another block than ${wanted}`);
      return agree([['hash', shown.hash, hex(hash)], ...headerClaims(shown.header, header, facts.set.members)]);
    }]);
    steps.push(payloadStep(shown));
  }
  return run(steps);
}

// The payload is hashed whatever else the answer says: the node may not choose what is checked.
function payloadStep(shown) {
  return ['payload', 'The payload is the one of the header; batches and counts are shown as it says', async ({ block, set }) => {
    must(shown.payload, 'the node gave no payload');
    const bytes = unhex(shown.payload);
    must(equal(await hash('lgt/payload', bytes), block.header.payload), 'it hashes to another one than the header names');
    // Genesis orders nothing: what its header names is the id of its chain.
    const { batches, evidence } = block.header.height === 0n ? { batches: [], evidence: [] } : decode(bytes, types.readPayload);
    const ordered = batches.reduce((sum, { count }) => sum + count, 0);
    agree([
      ['number of batches', shown.batches.length, batches.length], ['number of transactions', shown.transaction_count, ordered],
      ['number of proofs of double signing', shown.evidence_count, evidence.length],
      ...batches.flatMap((batch, i) => batchClaims(shown.batches[i], batch, set.members)),
    ]);
    return `${plural(batches.length, 'batch').replace('batchs', 'batches')}, ${plural(ordered, 'transaction')}`;
  }];
}

const batchClaims = (view, batch, members) => [
  ['batch', view.hash, hex(batch.hash)], ['author of a batch', view.author.index, batch.author],
  ['name of the author', view.author.name, members[batch.author]?.name],
  ['transactions of a batch', view.count, batch.count], ['bytes of a batch', view.bytes, batch.bytes],
];

const bodyClaims = (view, body) => [
  ['chain', view.chain, hex(body.chain)], ['sender', view.sender, address(body.sender)],
  ['nonce', view.nonce, body.nonce], ['fee', view.fee, body.fee], ['expiry', view.expiry, body.expiry],
  ['memo', view.memo, hex(body.memo)], ['co-signers', view.cosigners.join(), body.cosigners.map(address).join()],
  ['number of operations', view.operations.length, body.operations.length],
  ...body.operations.flatMap((operation, i) => [
    ['operation', view.operations[i]?.type, operation.type], ['receiver', view.operations[i]?.to, address(operation.to)],
    ['amount', view.operations[i]?.amount, operation.amount],
    ['payer', view.operations[i]?.from ?? view.sender, address(operation.from ?? body.sender)],
  ]),
];

// The answer of tx_get with its proof. Without an attested receipt only the order can be proven.
export function verifyTransaction(wanted, details, anchor) {
  const proof = () => {
    must(details.proof, 'the node gave no proof');
    return details.proof;
  };
  const txHash = unhex(wanted, 32);
  return run([
    specification(anchor),
    ['bytes', 'The bytes hash to the hash of the transaction', async (facts) => {
      const bytes = unhex(details.bytes);
      must(equal(await hash('lgt/tx', bytes), txHash), 'they are of another transaction');
      facts.tx = decode(bytes, types.readTransaction);
      must(equal(facts.tx.body.chain, facts.chain.subarray(0, 4)), 'it is for another chain');
      return `${bytes.length} bytes`;
    }],
    ['shown', 'The transaction is shown as its bytes say', async (facts) => agree([
      ['hash', details.tx.hash, wanted], ...bodyClaims(details.tx.body, facts.tx.body),
      ['signature', details.tx.signature, hex(facts.tx.signature)],
      ['co-signatures', details.tx.cosignatures.join(), facts.tx.cosignatures.map(hex).join()],
      ['size', details.tx.size, unhex(details.bytes).length],
    ])],
    ...certificate('block', ' of the block', proof),
    ['inclusion', 'The transaction is in a batch that the block orders', async (facts) => {
      const inclusion = part('inclusion proof', proof().inclusion, types.readInclusion);
      const { header } = facts.block;
      must(equal(await hash('lgt/payload', inclusion.payload), header.payload), 'the payload is not the one of the header');
      const payload = decode(inclusion.payload, types.readPayload);
      const batch = payload.batches[inclusion.batch];
      must(batch, 'the payload has no such batch');
      must(equal(await hash('lgt/batch', inclusion.headerBytes), batch.hash), 'the batch is not the one of the payload');
      must(inclusion.path.count === inclusion.header.count, 'the path is of another batch');
      const root = await rootOf(txHash, inclusion.path);
      must(root && equal(root, inclusion.header.root), 'the Merkle path does not lead to the root of the batch');
      return `position ${inclusion.path.index + 1} of ${inclusion.path.count} in batch ${inclusion.batch + 1}`;
    }],
    ['place', 'Block and time are shown as certified', async (facts) => agree([
      ['block', details.receipt.block, hex(facts.block.hash)],
      ['height', details.receipt.height, facts.block.header.height],
      ['timestamp', details.timestamp, facts.block.header.timestamp],
    ])],
    ...receiptSteps(details, txHash, proof),
  ]);
}

// A failure is shown by code, numbers and a sentence; all of them follow from the receipt.
function failureClaims(shown, proven) {
  const told = (failure) => (failure.code === 'BALANCE_OVERFLOW' ? `the balance of ${address(failure.account)} would overflow`
    : `${address(failure.account)} has ${exactCoins(failure.available)}, needs ${exactCoins(failure.needed)}`);
  return [
    ['failure', shown?.code ?? '', proven?.code ?? ''], ['failed operation', shown?.operation ?? '', proven?.operation ?? ''],
    ['needed', shown?.expected ?? '', proven?.needed ?? ''], ['available', shown?.got ?? '', proven?.available ?? ''],
    ['reason', shown?.message ?? '', proven ? told(proven) : ''],
  ];
}

function receiptSteps(details, txHash, proof) {
  const attested = () => {
    must(proof().receipt, 'no final header attests the result yet; it follows in a moment');
    return proof().receipt;
  };
  return [
    ...certificate('receipt', ' that attests the result', attested),
    ['receipt', 'The receipt is among the attested results', async (facts) => {
      const receipt = part('receipt', attested().receipt, types.readReceipt);
      must(equal(receipt.tx, txHash), 'it is of another transaction');
      const path = part('receipt path', attested().path, types.readReceiptPath);
      const root = await rootOf(await hash('lgt/receipt', unhex(attested().receipt)), path.path);
      must(root && equal(root, path.block), 'the Merkle path does not lead to the root of its block');
      let all = await hash('lgt/receipts', path.before, path.block);
      for (const later of path.later) all = await hash('lgt/receipts', all, later);
      const { executed } = facts.receipt.header;
      must(equal(all, executed.receiptsRoot), 'the roots of the blocks do not add up to the attested one');
      const height = executed.height - BigInt(path.later.length);
      must(height === facts.block.header.height, `it is a result of height ${height}`);
      facts.result = receipt;
      return `attested by block ${facts.receipt.header.height}`;
    }],
    ['outcome', 'The outcome is shown as the receipt says', async (facts) => {
      const [shown, proven] = [details.receipt, facts.result];
      must(shown.success === !proven.failure, 'the outcome shown is another');
      return agree([
        ['hash', shown.tx, hex(proven.tx)], ['position', shown.index, proven.index], ['fee', shown.fee, proven.fee],
        ...failureClaims(shown.failure, proven.failure),
      ]);
    }],
  ];
}

// The answer of account_get with its proof. Not proven: next_nonce and the hash of the block read at.
export function verifyAccount(wanted, view, anchor) {
  const proof = () => {
    must(view.proof, 'no final header attests this state yet; it follows in a moment');
    return view.proof;
  };
  return run([
    specification(anchor),
    ...certificate('block', ' that attests the state', proof),
    ['height', 'It attests the state of the height shown', async (facts) =>
      agree([['height', view.at.height, facts.block.header.executed.height]])],
    ['state', 'Balance and nonce lead to the attested state root', async (facts) => {
      must(view.address === wanted, 'the answer is for another address');
      const item = parseAddress(wanted);
      const key = await hash('lgt/state-key', Uint8Array.of(1), item);
      const [balance, nonce] = [BigInt(view.balance), BigInt(view.nonce)];
      must(view.exists === true || view.exists === false, 'it is not said whether the account exists');
      must(view.exists || (balance === 0n && nonce === 0n), 'an account that does not exist holds nothing');
      const value = view.exists ? new Writer().u64(balance).u64(nonce).done() : null;
      const path = part('state path', proof().path, types.readStateProof);
      const root = facts.block.header.executed.stateRoot;
      must(await stateHolds(path, root, key, value), 'the state does not hold what is shown');
      return `root ${hex(root).slice(0, 12)}…, ${plural(path.siblings.length, 'level')}`;
    }],
  ]);
}

// One item of evidence_list: two messages that one validator must not both sign. When and where the
// chain recorded it is not part of the proof.
export function verifyEvidence(item, anchor) {
  return run([
    specification(anchor),
    ['conflict', 'Two different messages of one kind, for one view, by one validator', async (facts) => {
      const found = part('evidence', item.evidence, types.readEvidence);
      const [a, b] = await Promise.all([found.first, found.second].map((one) => statement(found.kind, one, facts.chain)));
      must(a.signer === b.signer && a.view === b.view, 'they are not for the same slot');
      must(a.epoch === 0n && b.epoch === 0n, 'they are of another epoch');
      must(!equal(a.signed, b.signed), 'they say the same');
      Object.assign(facts, { kind: found.kind, statements: [a, b] });
      return `${found.kind.replace('_', ' ')} in view ${a.view}`;
    }],
    ['signatures', 'Both signatures are the validator’s', async (facts) => {
      const member = facts.set.members[facts.statements[0].signer];
      must(member, 'the signer is no validator');
      for (const { signed, signature } of facts.statements) {
        must(await verifySignature(member.key, signed, signature), `not by ${member.name}`);
      }
      facts.member = member;
      return member.name;
    }],
    ['shown', 'The offence is shown as it is', async ({ kind, statements: [a, b], member }) => agree([
      ['validator', item.validator.index, a.signer], ['name', item.validator.name, member.name],
      ['key', item.key, validatorKey(member.key)],
      ['kind', item.kind, kind], ['view', item.view, a.view], ['epoch', item.epoch, a.epoch],
      ['first block', item.first.block ?? '', a.block ? hex(a.block) : ''],
      ['second block', item.second.block ?? '', b.block ? hex(b.block) : ''],
      ['first claim', item.first.high_qc_view ?? '', a.qcView ?? ''], ['second claim', item.second.high_qc_view ?? '', b.qcView ?? ''],
      ['first signature', item.first.signature, hex(a.signature)],
      ['second signature', item.second.signature, hex(b.signature)],
    ])],
  ]);
}

async function statement(kind, one, chain) {
  const slot = (epoch, view) => new Writer().u64(epoch).u64(view);
  const { signature } = one;
  if (kind === 'proposal') {
    const { header } = one;
    const block = await hash('lgt/block', one.headerBytes);
    const signed = message('lgt/proposal', chain, slot(header.epoch, header.view).raw(block).done());
    return { signer: header.proposer, epoch: header.epoch, view: header.view, block, signature, signed };
  }
  if (kind === 'timeout') {
    const signed = message('lgt/timeout', chain, slot(0n, one.view).u64(one.qcView).done());
    return { signer: one.signer, epoch: 0n, view: one.view, qcView: one.qcView, block: null, signature, signed };
  }
  const body = slot(one.epoch, one.view).raw(one.block);
  const prepare = kind === 'prepare_vote';
  if (prepare) body.u64(one.height).u64(one.parentView);
  const signed = message(prepare ? 'lgt/prepare' : 'lgt/commit', chain, body.done());
  return { signer: one.signer, epoch: one.epoch, view: one.view, block: one.block, signature, signed };
}

// What a proof file is about: an answer of the RPC, or what a command of the CLI printed with --json.
export function classify(json) {
  const data = json?.data ?? json;
  if (Array.isArray(data?.items) && data.items[0]?.evidence) return { kind: 'evidence', items: data.items };
  const inner = data?.certificate?.headers ? data.certificate : data?.account ?? data?.details ?? data;
  if (inner?.headers && inner?.certificate && inner?.block) return { kind: 'block', value: inner };
  if (inner?.tx?.hash && inner?.bytes && inner?.receipt) return { kind: 'transaction', value: inner };
  if (inner?.address && inner?.at && 'balance' in inner) return { kind: 'account', value: inner };
  if (inner?.evidence && inner?.kind) return { kind: 'evidence', items: [inner] };
  throw new Refusal('this is no proof of a block, a transaction, an account or of evidence');
}

export function verifyAny(json, anchor) {
  const found = classify(json);
  const one = { block: (v) => verifyBlock(v, anchor), transaction: (v) => verifyTransaction(v.tx.hash, v, anchor),
    account: (v) => verifyAccount(v.address, v, anchor) };
  if (found.kind === 'evidence') return Promise.all(found.items.map((item) => verifyEvidence(item, anchor)));
  return one[found.kind](found.value).then((report) => [report]);
}
