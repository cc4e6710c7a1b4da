//! What checking a proposed block costs: decoding, the hash of its body, its certificate and its signature, by the size of
//! the validator set.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use logothete_consensus::signing::{PrepareBody, proposal_message};
use logothete_consensus::{
    Block, BlockHeader, Context, Executed, Message, Proposal, QuorumCert, payload_hash, verify,
    verify_quorum,
};
use logothete_primitives::codec;
use logothete_primitives::limits::MAX_PAYLOAD_BYTES;
use logothete_primitives::{
    ChainId, Digest, Ed25519Verifier, Epoch, Height, ReceiptsRoot, SecretKey, SignerSet, StateRoot,
    TimestampMs, Validator, ValidatorIndex, ValidatorSet, View,
};

/// As many batches as a busy block names.
const PAYLOAD_BYTES: usize = 32 * 44;

struct Network {
    keys: Vec<SecretKey>,
    context: Context,
    verifier: Ed25519Verifier,
}

impl Network {
    fn of(count: usize) -> Self {
        let key = |index: usize| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&index.to_le_bytes());
            SecretKey::from_seed(seed)
        };
        let keys: Vec<SecretKey> = (0..count).map(key).collect();
        let validator = |(index, key): (usize, &SecretKey)| Validator {
            key: key.public(),
            power: 1,
            name: format!("v{index}").as_str().try_into().unwrap(),
        };
        let validators = keys.iter().enumerate().map(validator).collect();
        let validators = Arc::new(ValidatorSet::new(Epoch::ZERO, validators).unwrap());
        let verifier = Ed25519Verifier::for_set(&validators);
        let chain = ChainId::new(Digest::new([1; 32]));
        let genesis = BlockHeader::genesis(chain, TimestampMs::new(1), executed(0)).hash();
        Self { keys, context: Context { chain, validators, genesis }, verifier }
    }

    /// What a quorum says of a block.
    fn certify(&self, header: &BlockHeader) -> QuorumCert {
        let quorum = self.keys.len() * 2 / 3 + 1;
        let (epoch, view, block) = (header.epoch, header.view, header.hash());
        let (height, parent_view) = (header.height, header.parent_view);
        let body = PrepareBody { epoch, view, block, height, parent_view };
        let message = body.message(&self.context.chain);
        let mut signers = SignerSet::new(self.keys.len());
        let mut signatures = Vec::new();
        for (index, key) in (0..).zip(&self.keys).take(quorum) {
            signers.insert(ValidatorIndex::new(index));
            signatures.push(key.sign(&message));
        }
        let signatures = signatures.try_into().unwrap();
        QuorumCert { epoch, view, block, height, parent_view, signers, signatures }
    }

    /// A block on a certified one, as its leader sends it.
    fn proposal(&self, payload: Vec<u8>) -> Message {
        let parent = header(1, self.context.genesis, &[]);
        let qc = self.certify(&parent);
        let header = header(2, parent.hash(), &payload);
        let key = &self.keys[header.proposer.as_usize()];
        let signed =
            proposal_message(&self.context.chain, header.epoch, header.view, &header.hash());
        let signature = key.sign(&signed);
        let block = Block { header, payload: payload.try_into().unwrap() };
        Message::Proposal(Box::new(Proposal { block, qc, tc: None, signature }))
    }
}

fn executed(height: u64) -> Executed {
    let (state_root, receipts_root) = (StateRoot::ZERO, ReceiptsRoot::ZERO);
    Executed { height: Height::new(height), state_root, receipts_root }
}

fn header(view: u64, parent: logothete_primitives::BlockHash, payload: &[u8]) -> BlockHeader {
    BlockHeader {
        epoch: Epoch::ZERO,
        view: View::new(view),
        height: Height::new(view),
        parent,
        parent_view: View::new(view - 1),
        timestamp: TimestampMs::new(2),
        proposer: ValidatorIndex::new(2),
        payload: payload_hash(payload),
        executed: executed(0),
        next_set: None,
    }
}

fn proposals(c: &mut Criterion) {
    let mut group = c.benchmark_group("proposal");
    for count in [4, 100] {
        let network = Network::of(count);
        let proposal = network.proposal(vec![7; PAYLOAD_BYTES]);
        let bytes = codec::encode(&proposal);
        group.bench_function(BenchmarkId::new("decode", count), |b| {
            b.iter(|| codec::decode::<Message>(black_box(&bytes)).unwrap());
        });
        group.bench_function(BenchmarkId::new("verify", count), |b| {
            b.iter(|| {
                let message = proposal.clone();
                verify(&network.context, &network.verifier, black_box(message)).unwrap()
            });
        });
    }
    group.finish();
}

fn fetched(c: &mut Criterion) {
    let network = Network::of(4);
    let payload = vec![7; MAX_PAYLOAD_BYTES];
    let header = header(1, network.context.genesis, &payload);
    let qc = network.certify(&header);
    let block = Block { header, payload: payload.try_into().unwrap() };
    let mut group = c.benchmark_group("fetched block");
    group.bench_function("largest body against its header", |b| {
        b.iter(|| assert!(black_box(&block).body_matches()));
    });
    group.bench_function("quorum certificate of 4", |b| {
        b.iter(|| {
            verify_quorum(&network.context, &network.verifier, black_box(qc.clone())).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, proposals, fetched);
criterion_main!(benches);
