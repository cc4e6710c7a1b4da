//! The JSON of a key file.

use logothete_primitives::{Digest, PublicKey, domain, hash};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::Damage;
use super::seal::Sealed;

/// Version of the format.
pub(super) const VERSION: u32 = 1;

/// A key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    version: u32,
    pub(super) public_key: PublicKey,
    pub(super) secret: Secret,
    pub(super) checksum: Digest,
}

/// The secret, in the form that its file is meant for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Secret {
    /// Sealed with a passphrase.
    Argon2idXchacha20poly1305(Sealed),
    /// In the clear.
    PlainDevelopmentOnly {
        #[serde(with = "hex_bytes")]
        seed: Zeroizing<Vec<u8>>,
    },
}

/// Why a text is not taken as a key file.
pub(super) enum Refusal {
    /// Its format is newer than this program.
    Newer(u32),
    /// It is none, or damaged.
    Damaged(Damage),
}

/// Only the version, so that a newer format is named as such and not called damaged.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Stored {
    pub(super) fn new(public_key: PublicKey, secret: Secret) -> Self {
        let mut stored = Self { version: VERSION, public_key, secret, checksum: Digest::ZERO };
        stored.checksum = stored.expected_checksum();
        stored
    }

    pub(super) fn to_json(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(
            serde_json::to_string_pretty(self).expect("a key file has a form in JSON"),
        );
        text.push('\n');
        text
    }

    pub(super) fn from_json(text: &[u8]) -> Result<Self, Refusal> {
        let format = |error: serde_json::Error| Refusal::Damaged(Damage::Format(error.to_string()));
        let version = serde_json::from_slice::<Versioned>(text).map_err(format)?.version;
        if version > VERSION {
            return Err(Refusal::Newer(version));
        }
        let stored: Self = serde_json::from_slice(text).map_err(format)?;
        if stored.checksum != stored.expected_checksum() {
            return Err(Refusal::Damaged(Damage::Checksum));
        }
        Ok(stored)
    }

    /// Over every other field, in a fixed order.
    pub(super) fn expected_checksum(&self) -> Digest {
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.public_key.as_bytes());
        match &self.secret {
            Secret::Argon2idXchacha20poly1305(Sealed { cost, salt, nonce, sealed }) => {
                bytes.push(1);
                bytes.extend(cost.to_bytes());
                for part in [salt, nonce, sealed] {
                    bytes.extend((part.len() as u64).to_le_bytes());
                    bytes.extend(part.iter());
                }
            }
            Secret::PlainDevelopmentOnly { seed } => {
                bytes.push(2);
                bytes.extend(seed.iter());
            }
        }
        hash(domain::FILE, &bytes)
    }
}

/// Bytes as lowercase hex, wiped from memory when dropped.
pub(super) mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(in crate::keystore) fn serialize<S: Serializer>(
        bytes: &Zeroizing<Vec<u8>>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        output.serialize_str(&Zeroizing::new(hex::encode(bytes.as_slice())))
    }

    pub(in crate::keystore) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        let text = Zeroizing::new(String::deserialize(input)?);
        hex::decode(text.as_str()).map(Zeroizing::new).map_err(serde::de::Error::custom)
    }
}
