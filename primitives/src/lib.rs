//! Digests, keys, signatures, identifiers, the canonical codec and the limits of Logothete.
//!
//! Everything here is pure: no clock, thread, socket, file, randomness or hash-ordered map, and the
//! crate compiles without the standard library, so the compiler sees to it. The same input gives the
//! same output, byte for byte, on every machine. `docs/wire.md` writes down each layout that is
//! signed or hashed.
//!
//! Reading order: [`codec`] (how a value becomes bytes), [`hash`] (how bytes become a digest),
//! [`identifiers`] and [`numbers`] (names for digests and counters), [`keys`] and [`signature`] (the
//! one rule by which a signature is accepted), [`validator_set`] (who signs, and how many are enough),
//! [`merkle`], [`address`], [`amount`] and [`limits`].

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod address;
pub mod amount;
pub mod bounded;
pub mod codec;
pub mod domain;
pub mod hash;
pub mod identifiers;
pub mod keys;
pub mod limits;
pub mod merkle;
pub mod numbers;
#[cfg(feature = "schema")]
mod schema;
pub mod signature;
pub mod signer;
pub mod signer_set;
mod text;
pub mod validator_set;

pub use address::{Address, AddressError};
pub use amount::{Amount, AmountError};
pub use bounded::{BoundedBytes, BoundedString, BoundedVec, TooLong};
pub use codec::{CodecError, decode, encode};
pub use domain::Domain;
pub use hash::{Digest, Hasher, hash};
pub use identifiers::{
    BatchHash, BlockHash, ChainId, PayloadHash, ReceiptsRoot, StateRoot, TxHash,
};
pub use keys::{KeyError, PublicKey, SecretKey, VerifyingKey};
pub use merkle::MerkleProof;
pub use numbers::{Epoch, Height, Nonce, TimestampMs, ValidatorIndex, View};
pub use signature::{
    BatchItem, Signature, SignatureError, find_invalid, signing_message, verify_batch,
};
pub use signer::{Ed25519Verifier, Signer, Verifier};
pub use signer_set::SignerSet;
pub use text::{DecimalError, HexError};
pub use validator_set::{Power, Validator, ValidatorSet, ValidatorSetError};
