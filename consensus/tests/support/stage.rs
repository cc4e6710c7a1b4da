//! The chain, the validators and their keys: what every test begins with.

use std::sync::Arc;

use logothete_consensus::{BlockHeader, Context, Executed};
use logothete_primitives::{
    ChainId, Digest, Domain, Epoch, Height, ReceiptsRoot, Signer, StateRoot, TimestampMs,
    Validator, ValidatorSet, hash,
};

use super::keyed_hash::KeyedHash;

/// Wall clock at the origin of the monotonic one.
pub(crate) const EPOCH_MS: u64 = 1_800_000_000_000;

/// The results of a height, the same for everybody.
pub(crate) fn executed(height: Height) -> Executed {
    let digest = |tag| hash(Domain::new(tag), &height.get().to_le_bytes());
    Executed {
        height,
        state_root: StateRoot::new(digest("test/state")),
        receipts_root: ReceiptsRoot::new(digest("test/receipts")),
    }
}

/// The genesis header of the tests.
pub(crate) fn genesis() -> BlockHeader {
    BlockHeader::genesis(chain(), TimestampMs::new(EPOCH_MS - 1), executed(Height::ZERO))
}

pub(crate) fn chain() -> ChainId {
    ChainId::new(Digest::new([0xc4; 32]))
}

/// A context with one validator per power.
pub(crate) fn context(powers: &[u64]) -> Context {
    let validators = powers.iter().zip(0u16..).map(|(power, index)| Validator {
        key: KeyedHash::new(index).public(),
        power: *power,
        name: format!("v{index}").try_into().unwrap(),
    });
    Context {
        chain: chain(),
        validators: Arc::new(ValidatorSet::new(Epoch::ZERO, validators.collect()).unwrap()),
        genesis: genesis().hash(),
    }
}
