//! Rules of one chain that its genesis fixes and every validator applies alike.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::limits::MAX_TX_BYTES;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::transaction::Body;

/// Default of [`ChainParams::min_fee`]: 0.000100.
pub const DEFAULT_MIN_FEE: Amount = Amount::new(100);

/// Parameters of a chain. They are part of the genesis, so they are part of the chain id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainParams {
    /// Least fee for each unit of work: one operation or one co-signature.
    pub min_fee: Amount,
    /// The account that all fees of a block are credited to, once, at its end.
    pub fee_account: Address,
    /// Largest encoded transaction; at most the protocol limit.
    pub max_tx_bytes: u32,
    /// How long an idle leader waits before it proposes an empty block.
    pub empty_block_interval_ms: u64,
    /// First timeout of a view.
    pub view_timeout_ms: u64,
    /// Cap of the timeout after failures.
    pub view_timeout_ms_max: u64,
    /// How far a block's timestamp may be from a voter's clock.
    pub clock_drift_ms_max: u64,
    /// A network for development: plain keys and the faucet are allowed.
    pub dev: bool,
}

/// A parameter that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsFault {
    /// The limit must hold at least a small transfer and at most what the protocol carries.
    #[error("max_tx_bytes is {got}; it must be between {min} and {max}")]
    MaxTxBytes {
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
        /// What was configured.
        got: u32,
    },
    /// A duration of zero would spin.
    #[error("{field} must be greater than zero")]
    Zero {
        /// Name of the parameter.
        field: &'static str,
    },
    /// The cap of the timeout is below the timeout.
    #[error("view_timeout_ms_max ({max}) is below view_timeout_ms ({first})")]
    TimeoutCap {
        /// The first timeout.
        first: u64,
        /// Its cap.
        max: u64,
    },
}

/// Smallest accepted `max_tx_bytes`: a transfer with a full memo fits.
const LEAST_MAX_TX_BYTES: u32 = 1024;

#[allow(
    clippy::cast_possible_truncation,
    reason = "a protocol limit, checked below at compile time"
)]
const PROTOCOL_MAX_TX_BYTES: u32 = MAX_TX_BYTES as u32;
const _: () = assert!(PROTOCOL_MAX_TX_BYTES as usize == MAX_TX_BYTES);

impl Default for ChainParams {
    fn default() -> Self {
        Self {
            min_fee: DEFAULT_MIN_FEE,
            fee_account: Address::from_bytes([0; 32]),
            max_tx_bytes: PROTOCOL_MAX_TX_BYTES,
            empty_block_interval_ms: 1_000,
            view_timeout_ms: 1_000,
            view_timeout_ms_max: 30_000,
            clock_drift_ms_max: 10_000,
            dev: false,
        }
    }
}

impl ChainParams {
    /// Least fee for a transaction: it pays for every operation and every further signature.
    pub fn required_fee(&self, body: &Body) -> Amount {
        Amount::new(self.min_fee.units().saturating_mul(body.weight()))
    }

    /// Every fault of the parameters, in the order of the fields.
    pub fn faults(&self) -> Vec<ParamsFault> {
        let mut faults = Vec::new();
        if !(LEAST_MAX_TX_BYTES..=PROTOCOL_MAX_TX_BYTES).contains(&self.max_tx_bytes) {
            faults.push(ParamsFault::MaxTxBytes {
                min: LEAST_MAX_TX_BYTES,
                max: PROTOCOL_MAX_TX_BYTES,
                got: self.max_tx_bytes,
            });
        }
        let durations = [
            ("empty_block_interval_ms", self.empty_block_interval_ms),
            ("view_timeout_ms", self.view_timeout_ms),
            ("clock_drift_ms_max", self.clock_drift_ms_max),
        ];
        for (field, value) in durations {
            if value == 0 {
                faults.push(ParamsFault::Zero { field });
            }
        }
        if self.view_timeout_ms_max < self.view_timeout_ms {
            faults.push(ParamsFault::TimeoutCap {
                first: self.view_timeout_ms,
                max: self.view_timeout_ms_max,
            });
        }
        faults
    }
}
