//! Accounts by their address, and the bech32m form it shares with validators' keys.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use bech32::primitives::decode::{CheckedHrpstring, CheckedHrpstringError};
use bech32::{Bech32m, Hrp};

use crate::codec::{Decode, Encode};
use crate::keys::PublicKey;
use crate::text::serde_as_text;

const ADDRESS_PREFIX: &str = "lgt";

/// An account: the bytes of its public key. As text: bech32m, `lgt1…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Address([u8; 32]);

serde_as_text!(Address, "an address that begins with lgt1");

impl Address {
    /// The address with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that signs for the account.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0)
    }

    /// A form for people's eyes, `lgt1qx8…k7pa`; several addresses may share it.
    #[must_use]
    pub fn short(&self) -> String {
        let full = self.to_string();
        let mut short = String::from(&full[..7]);
        short.push('…');
        short.push_str(&full[full.len() - 4..]);
        short
    }
}

impl From<PublicKey> for Address {
    fn from(key: PublicKey) -> Self {
        Self(*key.as_bytes())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bech32m(f, ADDRESS_PREFIX, &self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse_bech32m(ADDRESS_PREFIX, text).map(Self)
    }
}

/// Why text is not an address or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not bech32 at all: no separator, a foreign character, mixed case.
    #[error("not in bech32m form (expected {expected}1…)")]
    Malformed {
        /// The prefix that belongs here.
        expected: &'static str,
    },
    /// The checksum does not match: a character is wrong, missing or too many.
    #[error("the checksum does not match: a character is wrong, missing or too many")]
    Checksum,
    /// Good, but of another kind.
    #[error("expected {expected}1…, got {found}1…")]
    Prefix {
        /// The prefix that belongs here.
        expected: &'static str,
        /// The prefix that was given.
        found: String,
    },
    /// Good, but not of 32 bytes.
    #[error("expected 32 bytes, got {got}")]
    Length {
        /// The number of bytes given.
        got: usize,
    },
    /// Good, but padded with ones: not the canonical form.
    #[error("not in canonical form")]
    NonCanonical,
}

pub(crate) fn write_bech32m(
    f: &mut fmt::Formatter<'_>,
    prefix: &'static str,
    bytes: &[u8; 32],
) -> fmt::Result {
    let text = bech32::encode_lower::<Bech32m>(Hrp::parse_unchecked(prefix), bytes);
    f.pad(&text.map_err(|_| fmt::Error)?)
}

/// Reads either case, as the standard asks, but not mixed.
pub(crate) fn parse_bech32m(expected: &'static str, text: &str) -> Result<[u8; 32], AddressError> {
    let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|error| match error {
        CheckedHrpstringError::Checksum(_) => AddressError::Checksum,
        _ => AddressError::Malformed { expected },
    })?;
    let prefix = checked.hrp();
    if prefix.to_lowercase() != expected {
        return Err(AddressError::Prefix { expected, found: prefix.to_lowercase() });
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|bytes: Vec<u8>| AddressError::Length { got: bytes.len() })?;
    // 52 characters carry 260 bits; the four spare ones, and their number, must be as we write them.
    match bech32::encode_lower::<Bech32m>(prefix, &bytes) {
        Ok(canonical) if canonical == text.to_ascii_lowercase() => Ok(bytes),
        _ => Err(AddressError::NonCanonical),
    }
}
