//! Between the ledger's types and those of the interface.

use logothete_ledger::error::TxError;
use logothete_ledger::receipt::{Failure, SkipReason, Status};
use logothete_ledger::transaction::{Body, ChainTag, Transaction};
use logothete_primitives::ChainId;

use super::common::HexBytes;
use super::transaction::{BodyView, FailureView, TxView};

impl From<&Body> for BodyView {
    fn from(body: &Body) -> Self {
        Self {
            chain: Some(body.chain),
            sender: body.sender,
            nonce: body.nonce,
            fee: body.fee,
            expiry: body.expiry,
            operations: body.operations.to_vec(),
            memo: HexBytes(body.memo.to_vec()),
            cosigners: body.cosigners.to_vec(),
        }
    }
}

impl BodyView {
    /// The body in the ledger's terms.
    ///
    /// # Errors
    /// Another chain, or more of something than a body can hold. Its rules are checked elsewhere.
    pub fn into_body(self, chain: &ChainId) -> Result<Body, TxError> {
        let expected = ChainTag::of(chain);
        match self.chain {
            Some(got) if got != expected => return Err(TxError::WrongChain { expected, got }),
            _ => {}
        }
        Ok(Body {
            chain: expected,
            sender: self.sender,
            nonce: self.nonce,
            fee: self.fee,
            expiry: self.expiry,
            operations: self.operations.try_into()?,
            memo: self.memo.0.try_into()?,
            cosigners: self.cosigners.try_into()?,
        })
    }
}

impl From<&Transaction> for TxView {
    fn from(tx: &Transaction) -> Self {
        let bytes = tx.encode();
        Self {
            hash: Transaction::hash_of(&bytes),
            body: BodyView::from(&tx.body),
            signature: tx.signature,
            cosignatures: tx.cosignatures.to_vec(),
            size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        }
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code().to_owned(),
            operation: None,
            message: failure.to_string(),
            expected: failure.expected(),
            got: failure.got(),
        }
    }
}

impl FailureView {
    /// Why the operations failed, if they did.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        match status {
            Status::Success => None,
            Status::Failed { operation, failure } => {
                Some(Self { operation: Some(u32::from(*operation)), ..Self::from(failure) })
            }
        }
    }
}

impl From<&SkipReason> for FailureView {
    fn from(reason: &SkipReason) -> Self {
        Self {
            code: reason.code().to_owned(),
            operation: None,
            message: reason.to_string(),
            expected: reason.expected(),
            got: reason.got(),
        }
    }
}
