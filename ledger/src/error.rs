//! Why a transaction or a batch is refused before it is ordered. Codes are stable: programs rely on them.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::bounded::TooLong;
use logothete_primitives::codec::CodecError;
use thiserror::Error;

use crate::transaction::ChainTag;

/// A transaction that no state can make valid: the fault of its author and of whoever passes it on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TxError {
    /// The bytes are not a transaction.
    #[error("malformed transaction: {0}")]
    Malformed(#[from] CodecError),
    /// Larger than the chain allows.
    #[error("the transaction has {got} bytes, at most {max} are allowed")]
    TooLarge {
        /// The limit.
        max: usize,
        /// Its size.
        got: usize,
    },
    /// Made for another chain.
    #[error("signed for chain {got}, this is chain {expected}")]
    WrongChain {
        /// This chain.
        expected: ChainTag,
        /// The chain it names.
        got: ChainTag,
    },
    /// No nonce could follow it.
    #[error("the largest nonce cannot be used")]
    NonceExhausted,
    /// It would do nothing.
    #[error("a transaction needs at least one operation")]
    NoOperations,
    /// It would move nothing.
    #[error("operation {operation} moves an amount of zero")]
    ZeroAmount {
        /// Position of the operation, from zero.
        operation: usize,
    },
    /// An operation takes from an account that did not sign.
    #[error("operation {operation} takes from {account}, which does not sign")]
    PayerNotSigner {
        /// Position of the operation, from zero.
        operation: usize,
        /// The account.
        account: Address,
    },
    /// A field that says nothing: the same meaning must have one encoding.
    #[error("operation {operation} names its sender as payer; leave the payer out")]
    RedundantPayer {
        /// Position of the operation, from zero.
        operation: usize,
    },
    /// Co-signers are not strictly ascending.
    #[error("co-signers must be in ascending order, each once")]
    CosignersUnordered,
    /// The sender is listed among the co-signers.
    #[error("the sender {sender} is also listed as a co-signer")]
    CosignerIsSender {
        /// The sender.
        sender: Address,
    },
    /// Not one signature for each co-signer.
    #[error("{expected} co-signatures are needed, {got} are given")]
    CosignatureCount {
        /// Number of co-signers.
        expected: usize,
        /// Number of their signatures.
        got: usize,
    },
    /// The fee does not pay for the work.
    #[error("the fee is {got}, at least {expected} is needed")]
    FeeTooLow {
        /// Least fee.
        expected: Amount,
        /// Its fee.
        got: Amount,
    },
    /// The address of a signer is not a usable public key.
    #[error("the address {signer} is not a valid public key, nobody can sign for it")]
    InvalidKey {
        /// The signer.
        signer: Address,
    },
    /// A signature does not verify.
    #[error("the signature of {signer} does not verify")]
    InvalidSignature {
        /// The signer.
        signer: Address,
    },
    /// While signing: the key of a signer was not given.
    #[error("the key of {signer} is missing")]
    KeyMissing {
        /// The signer.
        signer: Address,
    },
}

impl From<TooLong> for TxError {
    fn from(TooLong { len, max }: TooLong) -> Self {
        Self::Malformed(CodecError::TooLong { len, max })
    }
}

impl TxError {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::WrongChain { .. } => "WRONG_CHAIN",
            Self::NonceExhausted => "NONCE_EXHAUSTED",
            Self::NoOperations => "NO_OPERATIONS",
            Self::ZeroAmount { .. } => "ZERO_AMOUNT",
            Self::PayerNotSigner { .. } => "PAYER_NOT_SIGNER",
            Self::RedundantPayer { .. } => "REDUNDANT_PAYER",
            Self::CosignersUnordered => "COSIGNERS_UNORDERED",
            Self::CosignerIsSender { .. } => "COSIGNER_IS_SENDER",
            Self::CosignatureCount { .. } => "COSIGNATURE_COUNT",
            Self::FeeTooLow { .. } => "FEE_TOO_LOW",
            Self::InvalidKey { .. } => "INVALID_KEY",
            Self::InvalidSignature { .. } => "INVALID_SIGNATURE",
            Self::KeyMissing { .. } => "KEY_MISSING",
        }
    }

    /// What would have been accepted.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::TooLarge { max, .. } => Some(max.to_string()),
            Self::WrongChain { expected, .. } => Some(expected.to_string()),
            Self::CosignatureCount { expected, .. } => Some(expected.to_string()),
            Self::FeeTooLow { expected, .. } => Some(expected.units().to_string()),
            _ => None,
        }
    }

    /// What was given.
    pub fn got(&self) -> Option<String> {
        match self {
            Self::TooLarge { got, .. } | Self::CosignatureCount { got, .. } => {
                Some(got.to_string())
            }
            Self::WrongChain { got, .. } => Some(got.to_string()),
            Self::FeeTooLow { got, .. } => Some(got.units().to_string()),
            Self::PayerNotSigner { account, .. } => Some(account.to_string()),
            Self::CosignerIsSender { sender } => Some(sender.to_string()),
            Self::InvalidKey { signer } | Self::InvalidSignature { signer } => {
                Some(signer.to_string())
            }
            _ => None,
        }
    }
}

/// A batch that no validator may vouch for: the fault of its author.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes are not a batch.
    #[error("malformed batch: {0}")]
    Malformed(#[from] CodecError),
    /// Larger than the protocol allows.
    #[error("the batch has {got} bytes, at most {max} are allowed")]
    TooLarge {
        /// The limit.
        max: usize,
        /// Its size.
        got: usize,
    },
    /// It would order nothing.
    #[error("the batch is empty")]
    Empty,
    /// One of its transactions is invalid in itself.
    #[error("transaction {position} of the batch is invalid: {error}")]
    Transaction {
        /// Position in the batch, from zero.
        position: usize,
        /// What is wrong with it.
        error: TxError,
    },
}

impl BatchError {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "BATCH_MALFORMED",
            Self::TooLarge { .. } => "BATCH_TOO_LARGE",
            Self::Empty => "BATCH_EMPTY",
            Self::Transaction { .. } => "BATCH_TRANSACTION",
        }
    }
}
