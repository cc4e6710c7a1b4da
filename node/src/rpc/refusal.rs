//! Why a transaction was not taken, as the interface says it.

use std::time::Duration;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::error::Refusal;
use logothete_client::rpc::types::TxStatus;
use logothete_ledger::error::TxError;
use logothete_ledger::mempool::MempoolError;
use logothete_primitives::TxHash;

use crate::admission::SubmitError;

/// The error for a refused transaction; `hash` is kept whenever its bytes could be read.
pub(super) fn refused(hash: Option<TxHash>, error: &SubmitError) -> RpcError {
    match error {
        SubmitError::Invalid(error) => invalid(hash, error),
        SubmitError::Refused(MempoolError::Full { retry_after }) => {
            RpcError::mempool_full(hash, milliseconds(*retry_after))
        }
        SubmitError::Refused(MempoolError::AlreadyKnown) if hash.is_some() => {
            // It was there a moment ago and has moved on since: its status is to be asked for.
            let known = |hash| RpcError::already_known(hash, TxStatus::Unknown);
            hash.map_or_else(RpcError::internal, known)
        }
        SubmitError::Refused(error) => {
            let refusal = Refusal {
                reason: error.code().to_owned(),
                expected: error.expected(),
                got: error.got(),
            };
            explain(RpcError::tx_rejected(hash, refusal, hint_state(error)), error)
        }
        SubmitError::Busy { retry_after } => {
            about(hash, RpcError::limit("too many signatures to check", milliseconds(*retry_after)))
        }
        SubmitError::ShuttingDown => about(hash, RpcError::shutting_down()),
        SubmitError::Unreadable(error) => {
            tracing::error!(event = "rpc.read.failed", %error);
            about(hash, RpcError::internal())
        }
    }
}

/// Whether later blocks may make the transaction acceptable.
pub(super) const fn may_pass(error: &SubmitError) -> bool {
    matches!(
        error,
        SubmitError::Refused(
            MempoolError::NonceTooHigh { .. } | MempoolError::InsufficientBalance { .. }
        )
    )
}

/// The error for bytes that can never be executed.
pub(super) fn invalid(hash: Option<TxHash>, error: &TxError) -> RpcError {
    let refusal =
        Refusal { reason: error.code().to_owned(), expected: error.expected(), got: error.got() };
    explain(RpcError::tx_rejected(hash, refusal, hint_form(error)), error)
}

/// The sentence of the ledger says more than reason and numbers.
fn explain(mut error: RpcError, why: &dyn std::fmt::Display) -> RpcError {
    error.message = format!("rejected: {why}");
    error
}

pub(super) fn about(hash: Option<TxHash>, error: RpcError) -> RpcError {
    match hash {
        Some(hash) => error.about(hash),
        None => error,
    }
}

fn hint_form(error: &TxError) -> &'static str {
    match error {
        TxError::Malformed(_) => "send the canonical encoding as lowercase hex; tx_encode makes it",
        TxError::TooLarge { .. } => "split the operations over several transactions",
        TxError::WrongChain { .. } => "sign for the chain id that chain_info shows",
        TxError::FeeTooLow { .. } => "raise the fee and sign again",
        TxError::InvalidSignature { .. } => "sign the message that tx_encode shows, with every key",
        TxError::InvalidKey { .. } => "check the address: no key belongs to it",
        _ => "correct the body and sign again",
    }
}

fn hint_state(error: &MempoolError) -> &'static str {
    match error {
        MempoolError::NonceTooLow { .. } => "take next_nonce of account_get and sign again",
        MempoolError::NonceTooHigh { .. } => "send the earlier nonces first",
        MempoolError::Expired { .. } => "choose a higher expiry and sign again",
        MempoolError::InsufficientBalance { .. } => "add coins to the account, or send less",
        MempoolError::FeeTooLow { .. } | MempoolError::Underpriced { .. } => {
            "raise the fee and sign again"
        }
        MempoolError::NonceInFlight { .. } => "wait for the other transaction, take the next nonce",
        MempoolError::AlreadyKnown => "nothing was lost: wait for it with tx_wait",
        MempoolError::PerAccountFull { .. } => "wait until some of them are final",
        MempoolError::Full { .. } => "send the same bytes again later",
    }
}

/// Whole milliseconds, at least one.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use logothete_client::rpc::ErrorCode;
    use logothete_primitives::{Amount, Digest, Nonce};

    use super::*;

    fn hash() -> TxHash {
        TxHash::new(Digest::new([4; 32]))
    }

    fn of(error: MempoolError) -> RpcError {
        refused(Some(hash()), &SubmitError::Refused(error))
    }

    #[test]
    fn every_refusal_has_a_code_a_hint_and_the_hash() {
        let retry_after = Duration::from_millis(700);
        let (expected, got) = (Nonce::new(4), Nonce::new(2));
        let cases = [
            (of(MempoolError::Full { retry_after }), ErrorCode::MempoolFull),
            (of(MempoolError::AlreadyKnown), ErrorCode::AlreadyKnown),
            (of(MempoolError::NonceTooLow { expected, got }), ErrorCode::TxRejected),
            (of(MempoolError::PerAccountFull { limit: 64 }), ErrorCode::TxRejected),
            (refused(Some(hash()), &SubmitError::Busy { retry_after }), ErrorCode::Limit),
            (refused(Some(hash()), &SubmitError::ShuttingDown), ErrorCode::ShuttingDown),
        ];
        for (error, code) in cases {
            assert_eq!(error.code, code, "{error:?}");
            assert_eq!(error.data.code, code.name());
            assert_eq!(error.data.hash, Some(hash()));
            assert!(!error.data.hint.is_empty() && !error.message.is_empty());
            let may_retry = matches!(code, ErrorCode::MempoolFull | ErrorCode::Limit);
            assert_eq!(error.data.retry_after_ms, may_retry.then_some(700));
        }
    }

    #[test]
    fn a_rejection_says_what_was_expected_and_what_came() {
        let min = Amount::new(110);
        let error = of(MempoolError::Underpriced { min, got: Amount::new(100) });
        assert_eq!(error.data.reason.as_deref(), Some("UNDERPRICED"));
        assert_eq!(error.data.expected.as_deref(), Some("110"));
        assert_eq!(error.data.got.as_deref(), Some("100"));
        let error = invalid(None, &TxError::NoOperations);
        assert_eq!(error.data.reason.as_deref(), Some("NO_OPERATIONS"));
        assert_eq!((error.data.expected, error.data.got, error.data.hash), (None, None, None));
    }
}
