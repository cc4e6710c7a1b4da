#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{Block, BlockHeader, CommitCert, Context, Executed, QuorumCert};
use logothete_ledger::params::ChainParams;
use logothete_p2p::simulated::{LinkConfig, SimulatedNet};
use logothete_p2p::{Config, Inbound, Network, Role};
use logothete_primitives::{
    BoundedVec, ChainId, Digest, Epoch, Height, PublicKey, ReceiptsRoot, SecretKey, Signature,
    SignerSet, StateRoot, TimestampMs, Validator, ValidatorIndex, ValidatorSet, Verifier, View,
    codec,
};

use super::*;
use crate::dissemination::{BatchRules, Content};
use crate::metrics::Metrics;
use crate::workers::Workers;

/// Every signature holds: here the form of answers is tested, not cryptography.
struct AcceptAll;

impl Verifier for AcceptAll {
    fn verify(&self, _: &PublicKey, _: &[u8], _: &Signature) -> bool {
        true
    }

    fn verify_all(&self, _: &[(PublicKey, &[u8], &Signature)]) -> bool {
        true
    }
}

fn key(index: u8) -> PublicKey {
    SecretKey::from_seed([index + 1; 32]).public()
}

fn chain_id() -> ChainId {
    ChainId::new(Digest::new([9; 32]))
}

fn validators() -> Arc<ValidatorSet> {
    let member = |index: u8| Validator {
        key: key(index),
        power: 1,
        name: format!("v{index}").try_into().unwrap(),
    };
    Arc::new(ValidatorSet::new(Epoch::ZERO, (0..4).map(member).collect()).unwrap())
}

fn genesis() -> BlockHeader {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    BlockHeader::genesis(chain_id(), TimestampMs::new(1), executed)
}

fn checks() -> Checks {
    Checks {
        context: Context { chain: chain_id(), validators: validators(), genesis: genesis().hash() },
        verifier: Arc::new(AcceptAll),
        rules: BatchRules {
            content: Content::Transactions,
            chain: chain_id(),
            params: Arc::new(ChainParams::default()),
            verified: Arc::default(),
        },
    }
}

fn quorum() -> (SignerSet, BoundedVec<Signature, { logothete_primitives::limits::MAX_VALIDATORS }>)
{
    let mut signers = SignerSet::new(4);
    (0..3).for_each(|index| {
        signers.insert(ValidatorIndex::new(index));
    });
    (signers, BoundedVec::try_from(vec![Signature::from_bytes([0; 64]); 3]).unwrap())
}

fn qc_of(header: &BlockHeader) -> QuorumCert {
    if header.height == Height::ZERO {
        return QuorumCert::genesis(Epoch::ZERO, header.hash());
    }
    let (signers, signatures) = quorum();
    QuorumCert {
        epoch: Epoch::ZERO,
        view: header.view,
        block: header.hash(),
        height: header.height,
        parent_view: header.parent_view,
        signers,
        signatures,
    }
}

fn cc_of(header: &BlockHeader) -> CommitCert {
    let (signers, signatures) = quorum();
    CommitCert { epoch: Epoch::ZERO, view: header.view, block: header.hash(), signers, signatures }
}

/// A chain of empty blocks above genesis; `salt` makes another one of it.
fn blocks(count: u64, salt: u64) -> Vec<SyncBlock> {
    let payload = logothete_ledger::batch::Payload::default().encode();
    let mut parent = genesis();
    let mut chain = Vec::new();
    for height in 1..=count {
        let header = BlockHeader {
            view: View::new(height),
            height: Height::new(height),
            parent: parent.hash(),
            parent_view: parent.view,
            timestamp: TimestampMs::new(height + salt),
            payload: logothete_ledger::batch::Payload::hash_of(&payload),
            ..genesis()
        };
        let block = Block { header: header.clone(), payload: payload.clone().try_into().unwrap() };
        chain.push(SyncBlock { block, qc: qc_of(&parent) });
        parent = header;
    }
    chain
}

fn range(blocks: &[SyncBlock]) -> Range {
    let cc = cc_of(&blocks.last().unwrap().block.header);
    Range {
        blocks: BoundedVec::try_from(blocks.to_vec()).unwrap(),
        cc: Some(cc),
        batches: BoundedVec::default(),
    }
}

fn verdict(range: Range) -> Result<VerifiedRange, RangeFault> {
    verify_range(&checks(), (key(1), Height::new(1)), range)
}

#[test]
fn takes_a_certified_range() {
    let verified = verdict(range(&blocks(5, 0))).unwrap();
    assert_eq!((verified.first(), verified.last()), (Height::new(1), Height::new(5)));
    assert!(verified.cc.is_some());
}

#[test]
fn refuses_another_height_than_asked_for() {
    let skipped = range(&blocks(5, 0)[1..]);
    assert!(matches!(verdict(skipped), Err(RangeFault::Height { position: 0, .. })));
}

#[test]
fn refuses_a_broken_chain_of_hashes() {
    let mut chain = blocks(4, 0);
    chain[2] = blocks(4, 1)[2].clone();
    assert!(matches!(verdict(range(&chain)), Err(RangeFault::Broken(height)) if height.get() == 3));
}

#[test]
fn refuses_a_body_of_another_block() {
    let mut chain = blocks(2, 0);
    chain[1].block.payload = vec![1, 2, 3].try_into().unwrap();
    assert!(matches!(verdict(range(&chain)), Err(RangeFault::Body(height)) if height.get() == 2));
}

#[test]
fn refuses_certificates_of_other_blocks() {
    let mut chain = blocks(3, 0);
    chain[2].qc = chain[1].qc.clone();
    assert!(matches!(verdict(range(&chain)), Err(RangeFault::Misplaced(_))));
    let mut misplaced = range(&blocks(3, 0));
    misplaced.cc = Some(cc_of(&blocks(3, 1)[2].block.header));
    assert!(matches!(verdict(misplaced), Err(RangeFault::Misplaced(_))));
}

#[test]
fn refuses_a_certificate_without_a_quorum() {
    let mut chain = range(&blocks(3, 0));
    let cc = chain.cc.as_mut().unwrap();
    cc.signers = SignerSet::new(4);
    cc.signatures = BoundedVec::default();
    assert!(matches!(verdict(chain), Err(RangeFault::Certificate { .. })));
}

#[test]
fn refuses_an_empty_answer_and_a_batch_nobody_asked_for() {
    let mut empty = range(&blocks(1, 0));
    empty.blocks = BoundedVec::default();
    assert!(matches!(verdict(empty), Err(RangeFault::WrongAnswer)));
    let mut stuffed = range(&blocks(1, 0));
    stuffed.batches = BoundedVec::try_from(vec![vec![0; 40].try_into().unwrap()]).unwrap();
    assert!(matches!(verdict(stuffed), Err(RangeFault::Batch(_))));
}

#[test]
fn a_tip_is_believed_only_with_its_certificate() {
    let header = blocks(3, 0)[2].block.header.clone();
    let proven = Tip { header: header.clone(), cc: Some(cc_of(&header)) };
    assert_eq!(verify_tip(&checks(), proven).unwrap(), Height::new(3));
    assert!(verify_tip(&checks(), Tip { header: header.clone(), cc: None }).is_err());
    let other = blocks(3, 1)[2].block.header.clone();
    assert!(verify_tip(&checks(), Tip { header, cc: Some(cc_of(&other)) }).is_err());
    assert_eq!(verify_tip(&checks(), Tip { header: genesis(), cc: None }).unwrap(), Height::ZERO);
}

/// How a server of the test behaves.
#[derive(Clone, Copy)]
enum Server {
    Honest,
    /// Serves a chain that is well formed and not the certified one, without certificates.
    Liar,
    /// Takes requests and never answers.
    Silent,
}

async fn serve(mut inbound: Inbound, behaviour: Server, length: u64) {
    let mut unanswered = Vec::new();
    while let Some(request) = inbound.requests.recv().await {
        let chain = match behaviour {
            Server::Honest => blocks(length, 0),
            Server::Liar => blocks(length, 1),
            Server::Silent => {
                unanswered.push(request);
                continue;
            }
        };
        let response = match codec::decode::<SyncRequest>(&request.bytes).unwrap() {
            SyncRequest::Tip => {
                let header = blocks(length, 0)[length as usize - 1].block.header.clone();
                SyncResponse::Tip(Box::new(Tip { cc: Some(cc_of(&header)), header }))
            }
            SyncRequest::Blocks { from, count } => {
                let start = from.get() as usize - 1;
                let end = (start + count as usize).min(chain.len());
                let mut answer = range(&chain[start..end]);
                if matches!(behaviour, Server::Liar) {
                    answer.cc = None;
                }
                SyncResponse::Blocks(Box::new(answer))
            }
            _ => SyncResponse::NotFound,
        };
        let _ = request.respond.send(Bytes::from(codec::encode(&response)));
    }
}

/// Fetches a chain of `length` blocks from servers that behave like this.
async fn fetch(servers: &[Server], length: u64) -> (Vec<Height>, Arc<dyn Network>) {
    let net = SimulatedNet::new(1, LinkConfig::default());
    let keys: Vec<_> = (0..4).map(key).collect();
    let config = |role| Config::new(chain_id(), genesis().hash(), keys.clone(), role);
    for (index, behaviour) in (1..).zip(servers) {
        let (_, inbound) = net.join(key(index), config(Role::Validator));
        tokio::spawn(serve(inbound, *behaviour, length));
    }
    let (network, mut inbound) = net.join(key(0), config(Role::Validator));
    for _ in servers {
        inbound.peers.recv().await.unwrap();
    }
    let toolbox = Toolbox {
        network: network.clone(),
        checks: checks(),
        workers: Workers::Inline,
        metrics: Metrics::new("test", &[]),
    };
    let mut sources = Sources::default();
    for index in 1..=servers.len() {
        sources.insert(key(u8::try_from(index).unwrap()), Height::new(length));
    }
    let mut round = Round::new(toolbox, sources, Height::ZERO, genesis().hash());
    let mut heights = Vec::new();
    while let Some(synced) = round.next().await {
        heights.extend(synced.blocks.iter().map(|stored| stored.block.header.height));
        let last = synced.blocks.last().unwrap();
        assert_eq!(
            last.hash,
            blocks(length, 0)[last.block.header.height.get() as usize - 1].block.hash()
        );
    }
    (heights, network)
}

fn all(length: u64) -> Vec<Height> {
    (1..=length).map(Height::new).collect()
}

#[tokio::test(start_paused = true)]
async fn fetches_in_order_from_several_peers() {
    let (heights, _) = fetch(&[Server::Honest, Server::Honest, Server::Honest], 700).await;
    assert_eq!(heights, all(700));
}

#[tokio::test(start_paused = true)]
async fn a_liar_is_dropped_and_the_honest_are_not() {
    let (heights, network) = fetch(&[Server::Liar, Server::Honest, Server::Liar], 700).await;
    assert_eq!(heights, all(700));
    let banned: Vec<_> = network.banned().iter().map(|ban| ban.key).collect();
    assert!(!banned.contains(&key(2)), "the honest peer is not blamed");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_dropped_and_the_round_goes_on() {
    let (heights, _) = fetch(&[Server::Silent, Server::Honest], 300).await;
    assert_eq!(heights, all(300));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_believed_when_all_lie() {
    let (heights, _) = fetch(&[Server::Liar, Server::Liar], 200).await;
    assert!(heights.is_empty());
}
