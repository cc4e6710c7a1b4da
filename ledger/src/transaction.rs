//! Signed transactions: their parts, their bytes, and what can be checked without any state.

use std::fmt;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::bounded::{BoundedBytes, BoundedVec};
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::domain;
use logothete_primitives::hash::hash;
use logothete_primitives::identifiers::{ChainId, TxHash};
use logothete_primitives::keys::SecretKey;
use logothete_primitives::limits::{MAX_COSIGNERS, MAX_MEMO_BYTES, MAX_OPERATIONS, MAX_TX_BYTES};
use logothete_primitives::numbers::{Height, Nonce};
use logothete_primitives::signature::{Signature, signing_message};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::TxError;
use crate::modules;
use crate::operation::Operation;
use crate::params::ChainParams;

/// The first bytes of a chain id. The signature covers the whole id; the tag lets a node say
/// "signed for another chain" instead of "bad signature".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct ChainTag([u8; 4]);

impl ChainTag {
    /// The tag of a chain.
    pub fn of(chain: &ChainId) -> Self {
        let [a, b, c, d, ..] = *chain.as_bytes();
        Self([a, b, c, d])
    }

    /// A tag from its bytes.
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ChainTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// What the signers of a transaction agree to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The chain it is meant for.
    pub chain: ChainTag,
    /// Who pays the fee and whose nonce is used.
    pub sender: Address,
    /// Must equal the next nonce of the sender when it executes.
    pub nonce: Nonce,
    /// Paid whether the operations take effect or not.
    pub fee: Amount,
    /// The last height at which it may execute.
    pub expiry: Height,
    /// Executed in order, all or nothing; at least one.
    pub operations: BoundedVec<Operation, MAX_OPERATIONS>,
    /// Free bytes for the people involved; the ledger does not read them.
    #[serde(default)]
    pub memo: BoundedBytes<MAX_MEMO_BYTES>,
    /// Further accounts that agree: strictly ascending, without the sender.
    #[serde(default)]
    pub cosigners: BoundedVec<Address, MAX_COSIGNERS>,
}

impl Body {
    /// A body without memo; co-signers are those whom the operations make pay.
    ///
    /// # Errors
    /// When there are no or too many operations, or too many payers.
    pub fn new(
        chain: &ChainId,
        sender: Address,
        nonce: Nonce,
        fee: Amount,
        expiry: Height,
        operations: Vec<Operation>,
    ) -> Result<Self, TxError> {
        if operations.is_empty() {
            return Err(TxError::NoOperations);
        }
        let mut cosigners: Vec<Address> = operations.iter().filter_map(modules::payer).collect();
        cosigners.retain(|payer| *payer != sender);
        cosigners.sort_unstable();
        cosigners.dedup();
        Ok(Self {
            chain: ChainTag::of(chain),
            sender,
            nonce,
            fee,
            expiry,
            operations: operations.try_into()?,
            memo: BoundedBytes::default(),
            cosigners: cosigners.try_into()?,
        })
    }

    /// Units of work, by which the least fee grows: operations and further signatures.
    pub fn weight(&self) -> u64 {
        (self.operations.len() + self.cosigners.len()) as u64
    }

    /// Fee for one unit of work: what the mempool orders by.
    pub fn price(&self) -> u64 {
        self.fee.units() / self.weight().max(1)
    }

    /// Sender and co-signers, in the order of their signatures.
    pub fn signers(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.sender).chain(self.cosigners.iter())
    }

    /// Every account that it touches or that agreed to it: ascending, distinct.
    pub fn accounts(&self) -> Vec<Address> {
        let mut accounts: Vec<Address> = self.signers().copied().collect();
        for operation in self.operations.iter() {
            modules::accounts_of(operation, &mut accounts);
        }
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    /// What every signer signs: domain, chain id, encoded body.
    pub fn signing_message(&self, chain: &ChainId) -> Vec<u8> {
        signing_message(domain::TRANSACTION, chain, &codec::encode(self))
    }

    /// Checks everything that needs neither state nor signatures.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, chain: &ChainId, params: &ChainParams) -> Result<(), TxError> {
        let expected = ChainTag::of(chain);
        if self.chain != expected {
            return Err(TxError::WrongChain { expected, got: self.chain });
        }
        if self.nonce.get() == u64::MAX {
            return Err(TxError::NonceExhausted);
        }
        if self.operations.is_empty() {
            return Err(TxError::NoOperations);
        }
        if !self.cosigners.is_sorted_by(|a, b| a < b) {
            return Err(TxError::CosignersUnordered);
        }
        if self.cosigners.binary_search(&self.sender).is_ok() {
            return Err(TxError::CosignerIsSender { sender: self.sender });
        }
        for (position, operation) in self.operations.iter().enumerate() {
            modules::check(self, position, operation)?;
        }
        let required = params.required_fee(self);
        if self.fee < required {
            return Err(TxError::FeeTooLow { expected: required, got: self.fee });
        }
        Ok(())
    }
}

/// A body with the signatures of its sender and co-signers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What is agreed.
    pub body: Body,
    /// The sender's signature.
    pub signature: Signature,
    /// One signature for each co-signer, in their order.
    #[serde(default)]
    pub cosignatures: BoundedVec<Signature, MAX_COSIGNERS>,
}

impl Transaction {
    /// Signs a body with the keys of its sender and co-signers, given in any order.
    ///
    /// # Errors
    /// When the key of a signer is missing.
    pub fn sign(chain: &ChainId, body: Body, keys: &[&SecretKey]) -> Result<Self, TxError> {
        let message = body.signing_message(chain);
        let mut signatures = Vec::with_capacity(1 + body.cosigners.len());
        for signer in body.signers() {
            let key = keys
                .iter()
                .find(|key| Address::from(key.public()) == *signer)
                .ok_or(TxError::KeyMissing { signer: *signer })?;
            signatures.push(key.sign(&message));
        }
        let signature = signatures.remove(0);
        Ok(Self { body, signature, cosignatures: signatures.try_into()? })
    }

    /// Decodes the only accepted form of a transaction.
    ///
    /// # Errors
    /// When the bytes are too many or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, TxError> {
        if bytes.len() > MAX_TX_BYTES {
            return Err(TxError::TooLarge { max: MAX_TX_BYTES, got: bytes.len() });
        }
        Ok(codec::decode(bytes)?)
    }

    /// The encoded form.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The hash of the whole transaction, signatures included.
    pub fn hash(&self) -> TxHash {
        Self::hash_of(&self.encode())
    }

    /// The hash of an encoded transaction.
    pub fn hash_of(bytes: &[u8]) -> TxHash {
        TxHash::new(hash(domain::TRANSACTION, bytes))
    }

    /// Signers with their signatures.
    pub fn signatures(&self) -> impl Iterator<Item = (&Address, &Signature)> {
        self.body.signers().zip(std::iter::once(&self.signature).chain(self.cosignatures.iter()))
    }

    /// Checks everything that needs neither state nor cryptography.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, chain: &ChainId, params: &ChainParams) -> Result<(), TxError> {
        self.body.check(chain, params)?;
        if self.cosignatures.len() != self.body.cosigners.len() {
            return Err(TxError::CosignatureCount {
                expected: self.body.cosigners.len(),
                got: self.cosignatures.len(),
            });
        }
        Ok(())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ChainTag {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChainTag".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "chain-tag",
            "pattern": "^[0-9a-f]{8}$",
            "description": "The first four bytes of a chain id, in hex.",
        })
    }
}

impl Serialize for ChainTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        if text.len() != 8 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(D::Error::custom("a chain tag is eight lowercase hex digits"));
        }
        u32::from_str_radix(&text, 16)
            .map(|number| Self(number.to_be_bytes()))
            .map_err(D::Error::custom)
    }
}
