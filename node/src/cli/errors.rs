//! How the errors of the other crates become failures of a command: code, message, hint, exit code.

use logothete_client::rpc::{ErrorCode, RpcError};
use logothete_client::{ClientError, VerifyError};
use logothete_genesis::network_files::NetworkError;
use logothete_genesis::{Faults, KeyFileError, LoadError};
use logothete_ledger::audit::AuditError;
use logothete_ledger::error::TxError;
use serde_json::json;

use super::output::{Exit, Failure};

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        let exit = match error.code {
            ErrorCode::TxRejected => Exit::Rejected,
            ErrorCode::NotSynced => Exit::NotSynced,
            ErrorCode::Stalled => Exit::Stalled,
            ErrorCode::InvalidParams | ErrorCode::MethodNotFound | ErrorCode::BadCursor => {
                Exit::Usage
            }
            _ => Exit::Failure,
        };
        let code = error.data.reason.clone().unwrap_or_else(|| error.code.name().to_owned());
        let failure = Self::new(code.to_lowercase(), error.message.clone()).with_exit(exit);
        let failure = failure.with_data(json!({ "rpc_error": error }));
        if error.data.hint.is_empty() { failure } else { failure.with_hint(error.data.hint) }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Rpc(error) => (*error).into(),
            other => Self::new("unreachable", other.to_string())
                .with_hint("is a node running? start a network: logothete devnet; or name one: --url http://HOST:8080"),
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::new("not_verified", format!("the node's proof does not verify: {error}"))
            .with_exit(Exit::VerificationFailed)
            .with_hint("do not trust this node's answer; is the chain file the right one? ask another node with --url")
    }
}

impl From<TxError> for Failure {
    fn from(error: TxError) -> Self {
        Self::new(error.code().to_lowercase(), error.to_string()).with_exit(Exit::Rejected)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let exit = match error {
            KeyFileError::PlainRefused { .. } | KeyFileError::ModeTooOpen { .. } => {
                Exit::UnsafeRefused
            }
            _ => Exit::Failure,
        };
        Self::new("key_file", error.to_string()).with_exit(exit)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        match error {
            LoadError::Unreadable { .. } => Self::new("no_genesis", message).with_hint(
                "every member of a chain has the same chain file; name it with --genesis FILE",
            ),
            LoadError::Invalid { .. } => Self::new("bad_genesis", message).with_exit(Exit::Usage),
        }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::new("bad_genesis", format!("the chain has {faults}")).with_exit(Exit::Usage)
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let exit = match error {
            NetworkError::PlainKeys => Exit::UnsafeRefused,
            NetworkError::Invalid(_) | NetworkError::BadHost { .. } => Exit::Usage,
            _ => Exit::Failure,
        };
        Self::new("network_files", error.to_string()).with_exit(exit)
    }
}

/// A failure that names height and check of what an audit does not believe.
pub(super) fn disbelieved(code: &str, error: &AuditError) -> Failure {
    let failure = Failure::new(code, error.to_string());
    match error {
        AuditError::Flawed { height, flaw } => failure
            .with_exit(Exit::VerificationFailed)
            .with_data(json!({ "height": height, "check": flaw.check })),
        AuditError::Store(error) if error.is_corruption() => {
            failure.with_exit(Exit::VerificationFailed)
        }
        AuditError::Store(_) => failure,
    }
}
