//! Administration of a running node: what changes a node, and the two ways to ask for it.
//!
//! - [`socket`]: a unix socket in the data directory, for who may read that directory.
//! - [`listener`]: JSON-RPC on a loopback address of its own, for who holds the [`token`].
//!
//! Both ask for the same [`Request`]s, which the same [`Actions`] perform. The public listener answers
//! none of them.

pub mod listener;
pub mod socket;
pub mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use logothete_client::rpc::types::{AdminPeers, BackupVerified, LogLevel, Stopping};
use logothete_ledger::progress::{Step, Watch};
use logothete_primitives::{ChainId, TimestampMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use self::socket::{AdminError, ask, ask_watching};
pub use self::token::{Token, TokenHash};
use crate::backup_record::RecordError;
use crate::logging;

/// What the node does for its administrator.
pub trait Actions: Send + Sync + 'static {
    /// Writes a backup of the newest final height into `dir`, and tells how far it is (called on a blocking thread).
    ///
    /// # Errors
    /// Why there is no backup, for people.
    fn backup(&self, dir: &Path, watch: &mut Watch<'_>) -> Result<Value, String>;
    /// Remembers that a backup of a chain was verified, by when it was made; answers when the newest of them was made
    /// (called on a blocking thread).
    ///
    /// # Errors
    /// Why it does not remember it.
    fn backup_verified(
        &self,
        chain: ChainId,
        created: TimestampMs,
    ) -> Result<TimestampMs, RecordError>;
    /// Who is connected and who is kept out.
    fn peers(&self) -> AdminPeers;
    /// Begins an orderly stop.
    fn shutdown(&self);
}

/// What can be asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Create a backup in an empty or missing directory.
    Backup {
        /// The directory; absolute.
        dir: PathBuf,
        /// Whether to be told how far it is before the answer; only the socket can.
        #[serde(default)]
        progress: bool,
    },
    /// Remember that a backup was verified.
    BackupVerified {
        /// Chain of the backup.
        chain: ChainId,
        /// When it was made.
        created_ms: TimestampMs,
    },
    /// Change what is logged.
    LogLevel {
        /// Level or filter.
        level: String,
    },
    /// Tell who is connected and who is kept out.
    Peers {},
    /// Stop in good order.
    Shutdown {},
}

/// Why a request was not performed.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Refusal {
    /// It cannot be performed as it is.
    #[error("{0}")]
    Senseless(String),
    /// The node tried and failed.
    #[error("{0}")]
    Failed(String),
}

impl Request {
    /// Performs the request, and tells how far long work is; the answer has the form that the interface describes.
    ///
    /// # Errors
    /// Why it was not performed.
    pub async fn perform(
        self,
        actions: Arc<dyn Actions>,
        mut watch: impl FnMut(Step) + Send + 'static,
    ) -> Result<Value, Refusal> {
        match self {
            Self::Backup { dir, .. } if !dir.is_absolute() => Err(Refusal::Senseless(format!(
                "{} is not an absolute path: the node's own directory is not yours",
                dir.display()
            ))),
            Self::Backup { dir, .. } => {
                blocking(move || actions.backup(&dir, &mut watch).map_err(Refusal::Failed)).await
            }
            Self::BackupVerified { chain, created_ms } => {
                let newest_ms =
                    blocking(move || Ok(actions.backup_verified(chain, created_ms)?)).await?;
                written(&BackupVerified { newest_ms })
            }
            Self::LogLevel { level } => match logging::set_level(&level) {
                Ok(()) => written(&LogLevel { level }),
                Err(error) => Err(Refusal::Senseless(error.to_string())),
            },
            Self::Peers {} => written(&actions.peers()),
            Self::Shutdown {} => {
                actions.shutdown();
                written(&Stopping { stopping: true })
            }
        }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::ForeignChain { .. } => Self::Senseless(error.to_string()),
            RecordError::Unwritten { .. } => Self::Failed(error.to_string()),
        }
    }
}

/// Does what waits for the disk on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let panicked = |_| Refusal::Failed("the work ended by a panic; see the node's log".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(panicked).flatten()
}

fn written(answer: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer).map_err(|error| Refusal::Failed(error.to_string()))
}
