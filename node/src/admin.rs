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

use logothete_client::rpc::types::{AdminPeers, LogLevel, Stopping};
use logothete_ledger::progress::{Step, Watch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use self::socket::{AdminError, ask, ask_watching};
pub use self::token::{Token, TokenHash};
use crate::logging;

/// What the node does for its administrator.
pub trait Actions: Send + Sync + 'static {
    /// Writes a backup of the newest final height into `dir`, and tells how far it is (called on a blocking thread).
    ///
    /// # Errors
    /// Why there is no backup, for people.
    fn backup(&self, dir: &Path, watch: &mut Watch<'_>) -> Result<Value, String>;
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
                let work = move || actions.backup(&dir, &mut watch);
                let made = tokio::task::spawn_blocking(work).await;
                let panicked = |_| "the backup ended by a panic; see the node's log".to_owned();
                made.map_err(panicked).flatten().map_err(Refusal::Failed)
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

fn written(answer: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer).map_err(|error| Refusal::Failed(error.to_string()))
}
