//! What the administration listener takes and gives.

use std::path::PathBuf;

use logothete_primitives::{ChainId, Height, PublicKey, StateRoot, TimestampMs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::PeerView;

/// Parameters of `admin_backup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminBackup {
    /// Directory on the node's machine, absolute; empty or missing.
    #[schemars(with = "String")]
    pub dir: PathBuf,
}

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupCreated {
    /// Height of its state.
    pub height: Height,
    /// Root of its state.
    pub state_root: StateRoot,
    /// Highest final height in it.
    pub committed: Height,
    /// When it was made.
    pub created_ms: TimestampMs,
    /// Files.
    pub files: usize,
    /// Bytes of all files.
    #[serde(with = "super::common::Decimal")]
    pub bytes: u64,
}

/// Parameters of `admin_backup_verified`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminBackupVerified {
    /// Chain of the backup; another one than the node's is refused.
    pub chain: ChainId,
    /// When the backup was made, as its manifest says.
    pub created_ms: TimestampMs,
}

/// What the node knows of verified backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupVerified {
    /// When the newest of them was made.
    pub newest_ms: TimestampMs,
}

/// What is logged: parameters and result of `admin_log_level`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    /// Level or filter, such as `info,logothete_p2p=debug`.
    pub level: String,
}

/// The node begins to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopping {
    /// True.
    pub stopping: bool,
}

/// The part of a node in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminPeers {
    /// The addresses it listens on.
    pub listening: Vec<String>,
    /// Who is connected.
    pub connected: Vec<PeerView>,
    /// Who is kept out for a while.
    pub banned: Vec<BanView>,
}

/// A peer that is kept out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BanView {
    /// Its public key.
    pub key: PublicKey,
    /// The fault that was one too many.
    pub fault: String,
    /// How long it is still kept out, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub remaining_ms: u64,
}
