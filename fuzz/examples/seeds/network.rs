//! What travels between two nodes beneath and beside consensus.

use logothete_fuzz::{CONTEXT, chain, secret};
use logothete_primitives::codec::encode;
use logothete_primitives::{BatchHash, BoundedBytes, BoundedVec, Digest, Height, PublicKey};

use crate::consensus::{block, commit_cert};
use crate::ledger::batch;
use crate::{seed, tagged};

type List<T> = BoundedVec<T, 16>;

pub(crate) fn write() {
    handshake();
    // Pieces of seven bytes, frames of at most 1,024: an envelope, an empty one, one cut short.
    let request = [&[0_u8], &7_u64.to_le_bytes()[..], b"tip"].concat();
    let frames = [framed(&request), framed(&[]), framed(b"cut")[..6].to_vec()].concat();
    tagged("frame", "three", &[7, 0, 4], &frames);
    tagged("frame", "overlong", &[1, 2, 0], &framed(b"too long"));
    control();
    sync();
    let sealed = batch();
    let hash = BatchHash::new(Digest::new([3; 32]));
    let hashes: List<BatchHash> = vec![hash, hash].try_into().expect("two are few");
    tagged("batch_lane", "batch", &[0], &sealed.bytes);
    tagged("batch_lane", "ack", &[1], &encode(&hash));
    tagged("batch_lane", "request", &[2], &encode(&hashes));
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&length.to_le_bytes()[..], body].concat()
}

/// Hello: magic, version, then chain, genesis, role, instance, height, agent.
fn handshake() {
    let agent: BoundedBytes<64> = b"logothete/0.1.0".to_vec().try_into().expect("short");
    let body = (chain(), CONTEXT.genesis, 1_u32, 9_u64, Height::new(7), agent);
    let hello =
        |version: u32| framed(&[&b"logothet"[..], &version.to_le_bytes(), &encode(&body)].concat());
    let accepted = framed(&[0, 0]);
    let refused = framed(&[&5_u16.to_le_bytes()[..], b"the same key is used by both"].concat());
    tagged("handshake", "accepted", &[200], &[hello(1), accepted.clone()].concat());
    tagged("handshake", "refused", &[5], &[hello(1), refused].concat());
    tagged("handshake", "newer", &[64], &[hello(2), accepted].concat());
}

fn control() {
    let address: BoundedBytes<128> =
        [&[4, 127, 0, 0, 1, 6], &26_600_u16.to_be_bytes()[..]].concat().try_into().expect("short");
    let addresses: BoundedVec<BoundedBytes<128>, 4> = vec![address].try_into().expect("one is few");
    let table: List<(PublicKey, _)> =
        vec![(secret(0).public(), addresses)].try_into().expect("one");
    seed("control", "height", &encode(&(0_u32, Height::new(9))));
    seed("control", "validators", &encode(&(1_u32, table)));
}

fn sync() {
    let hashes: List<BatchHash> =
        vec![BatchHash::new(Digest::new([3; 32]))].try_into().expect("one is few");
    seed("sync_request", "tip", &encode(&0_u32));
    seed("sync_request", "blocks", &encode(&(1_u32, Height::new(5), 64_u32)));
    seed("sync_request", "block", &encode(&(2_u32, CONTEXT.genesis)));
    seed("sync_request", "batches", &encode(&(3_u32, hashes)));
    let block = block(b"payload");
    let (qc, cc) = (CONTEXT.genesis_qc(), commit_cert(&block));
    let bytes: BoundedBytes<1_000> = batch().bytes.to_vec().try_into().expect("a small batch");
    let batches: List<_> = vec![bytes].try_into().expect("one is few");
    seed("sync_response", "tip", &encode(&(0_u32, block.header.clone(), Some(cc.clone()))));
    let blocks: List<_> = vec![(block.clone(), qc.clone())].try_into().expect("one is few");
    seed("sync_response", "blocks", &encode(&(1_u32, blocks, Some(cc), batches.clone())));
    seed("sync_response", "block", &encode(&(2_u32, block, qc)));
    seed("sync_response", "batches", &encode(&(3_u32, batches)));
    seed("sync_response", "not-found", &encode(&4_u32));
}
