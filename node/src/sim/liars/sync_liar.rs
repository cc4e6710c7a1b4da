//! False answers to those who catch up: heights nobody reached, old tips, other bodies, missing and spoiled batches, silence.

use bytes::Bytes;
use logothete_primitives::codec;
use rand::RngExt;

use super::{Liar, Lie};
use crate::sync::SyncResponse;

/// Lies in most answers.
pub(super) struct SyncLiar;

impl Lie for SyncLiar {
    fn answer(&mut self, liar: &mut Liar, honest: Bytes) -> Option<Bytes> {
        if liar.random.random_bool(0.3) {
            return Some(honest);
        }
        let response = codec::decode::<SyncResponse>(&honest).ok()?;
        liar.lied();
        let lie = match (liar.random.random_range(0..5), response) {
            (0, _) => return None,
            (1, _) => SyncResponse::NotFound,
            (_, SyncResponse::Tip(mut tip)) => {
                if liar.random.random_bool(0.5) {
                    tip.header.height = tip.header.height.plus(1_000);
                } else {
                    tip.cc = None;
                }
                SyncResponse::Tip(tip)
            }
            (2, SyncResponse::Blocks(mut range)) => {
                range.cc = None;
                SyncResponse::Blocks(range)
            }
            (_, SyncResponse::Blocks(mut range)) => {
                let mut blocks = range.blocks.into_inner();
                if liar.random.random_bool(0.5) {
                    blocks.reverse();
                } else if let Some(entry) = blocks.first_mut() {
                    entry.block.payload = vec![0; 8].try_into().expect("a short payload");
                }
                range.blocks = blocks.try_into().expect("as many as before");
                SyncResponse::Blocks(range)
            }
            (_, SyncResponse::Block(mut entry)) => {
                entry.block.header.timestamp = entry.block.header.timestamp.next();
                SyncResponse::Block(entry)
            }
            (_, SyncResponse::Batches(batches)) => {
                let mut batches = batches.into_inner();
                if let Some(batch) = batches.pop() {
                    let mut bytes = batch.to_vec();
                    bytes.reverse();
                    batches.push(bytes.try_into().expect("as long as before"));
                }
                SyncResponse::Batches(batches.try_into().expect("as many as before"))
            }
            (_, SyncResponse::NotFound) => return Some(honest),
        };
        Some(codec::encode(&lie).into())
    }
}
