//! Sealing a seed with a passphrase.

use std::fmt;
use std::io;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use logothete_primitives::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::random;
use super::stored::VERSION;
use super::stored::hex_bytes;

/// What a stranger's file may cost us before the passphrase is even looked at.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_ITERATIONS: u32 = 64;
const MAX_LANES: u32 = 16;
/// What our own files cost: about a tenth of a second and 64 MiB.
const COST: Cost = Cost { memory_kib: 64 * 1024, iterations: 3, lanes: 1 };

/// A seed under the seal of a passphrase.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) cost: Cost,
    #[serde(with = "hex_bytes")]
    pub(super) salt: Zeroizing<Vec<u8>>,
    #[serde(with = "hex_bytes")]
    pub(super) nonce: Zeroizing<Vec<u8>>,
    #[serde(with = "hex_bytes")]
    pub(super) sealed: Zeroizing<Vec<u8>>,
}

/// Why a seal did not open.
pub(super) enum Refusal {
    /// It asks for more work than any seal of ours.
    TooCostly(Cost),
    /// The passphrase is wrong, or somebody changed what it covers.
    WrongPassphrase,
}

impl Sealed {
    /// Seals the seed of a key.
    pub(super) fn new(key: &SecretKey, passphrase: &str) -> io::Result<Self> {
        let (salt, nonce) = (random::<16>()?, random::<24>()?);
        let sealing = COST.sealing_key(passphrase, salt.as_ref());
        let sealing = sealing.expect("our own cost is within the bounds of Argon2");
        let seed = key.seed();
        let bound = associated_data(&key.public(), COST);
        let payload = Payload { msg: seed.as_ref(), aad: &bound };
        let sealed = XChaCha20Poly1305::new((&*sealing).into())
            .encrypt(&XNonce::from(*nonce), payload)
            .expect("32 bytes are not too long for the cipher");
        Ok(Self {
            cost: COST,
            salt: Zeroizing::new(salt.to_vec()),
            nonce: Zeroizing::new(nonce.to_vec()),
            sealed: Zeroizing::new(sealed),
        })
    }

    /// The seed of the key with this public key.
    pub(super) fn open(
        &self,
        public: &PublicKey,
        passphrase: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let sealing = self.cost.sealing_key(passphrase, &self.salt);
        let sealing = sealing.ok_or(Refusal::TooCostly(self.cost))?;
        let nonce: [u8; 24] =
            self.nonce.as_slice().try_into().map_err(|_| Refusal::WrongPassphrase)?;
        let bound = associated_data(public, self.cost);
        let payload = Payload { msg: &self.sealed, aad: &bound };
        XChaCha20Poly1305::new((&*sealing).into())
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Refusal::WrongPassphrase)
    }
}

/// The cost of deriving the sealing key from the passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB, {} passes, {} lanes", self.memory_kib, self.iterations, self.lanes)
    }
}

impl Cost {
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.memory_kib.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.iterations.to_le_bytes());
        bytes[8..].copy_from_slice(&self.lanes.to_le_bytes());
        bytes
    }

    fn is_reasonable(self) -> bool {
        self.memory_kib <= MAX_MEMORY_KIB
            && self.iterations <= MAX_ITERATIONS
            && self.lanes <= MAX_LANES
    }

    /// The key that follows from a passphrase; `None` when the cost is out of bounds.
    fn sealing_key(self, passphrase: &str, salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        if !self.is_reasonable() {
            return None;
        }
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
            .ok()?;
        Some(key)
    }
}

/// What the seal covers besides the seed: version, public key, cost.
fn associated_data(public: &PublicKey, cost: Cost) -> Vec<u8> {
    let mut bytes = VERSION.to_le_bytes().to_vec();
    bytes.extend(public.as_bytes());
    bytes.extend(cost.to_bytes());
    bytes
}
