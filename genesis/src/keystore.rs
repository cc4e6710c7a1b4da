//! Key files: one secret key each, sealed with a passphrase, or plain and marked as for development.
//!
//! The passphrase goes through Argon2id to a key for XChaCha20-Poly1305, which seals the 32-byte
//! seed. Version, public key and the cost of the derivation are authenticated with it. A checksum
//! over the rest of the file tells a damaged file from a wrong passphrase.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use logothete_primitives::{Digest, PublicKey, SecretKey, domain, hash};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files;

/// Version of the format.
const VERSION: u32 = 1;
/// No key file is longer.
const MAX_BYTES: u64 = 16 * 1024;
/// What a stranger's file may cost us before the passphrase is even looked at.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_ITERATIONS: u32 = 64;
const MAX_LANES: u32 = 16;
/// What our own files cost: about a tenth of a second and 64 MiB.
const COST: Cost = Cost { memory_kib: 64 * 1024, iterations: 3, lanes: 1 };

/// Creates, reads and loads key files.
#[derive(Clone, Copy, Debug)]
pub struct KeyFile;

/// What a key file says without its passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The public key it claims to belong to.
    pub public: PublicKey,
    /// Whether a passphrase is needed.
    pub encrypted: bool,
}

/// Why a key file was not made or not opened.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is a file already; keys are never overwritten.
    #[error("{path} exists already; a key is never overwritten: move it away first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no key file {path}; `logothete keys new` makes one")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others could read the secret.
    #[error("{path} has mode {mode:03o}, so others can read it; run: chmod 600 {path}")]
    ModeTooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is cut off, or its bytes changed.
    #[error("{path} is damaged: {why}; restore it from its copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: Damage,
    },
    /// Made by a newer program.
    #[error("{path} has format version {version}; this program reads version {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it names.
        version: u32,
    },
    /// The file asks for more work than any file of ours.
    #[error("{path} asks for an unreasonable key derivation ({cost})")]
    TooCostly {
        /// The file.
        path: PathBuf,
        /// What it asks for.
        cost: Cost,
    },
    /// The file is encrypted and no passphrase was given.
    #[error("{path} is encrypted: a passphrase is needed (LOGOTHETE_PASSPHRASE, or typed)")]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not open the file.
    #[error("wrong passphrase for {path}")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A plain key where only sealed ones are allowed.
    #[error("{path} is a plain key for development; this chain is not a development chain")]
    PlainRefused {
        /// The file.
        path: PathBuf,
    },
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How a key file is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// Not the JSON of a key file.
    #[error("it is not a key file ({0})")]
    Format(String),
    /// Longer than any key file.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// The checksum does not fit the rest.
    #[error("the checksum does not match")]
    Checksum,
    /// The secret belongs to another public key.
    #[error("the secret does not belong to the public key")]
    ForeignSecret,
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

/// The JSON of a key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    public_key: PublicKey,
    secret: Secret,
    checksum: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
enum Secret {
    /// Sealed with a passphrase.
    Argon2idXchacha20poly1305 {
        cost: Cost,
        #[serde(with = "hex_bytes")]
        salt: Zeroizing<Vec<u8>>,
        #[serde(with = "hex_bytes")]
        nonce: Zeroizing<Vec<u8>>,
        #[serde(with = "hex_bytes")]
        sealed: Zeroizing<Vec<u8>>,
    },
    /// In the clear.
    PlainDevelopmentOnly {
        #[serde(with = "hex_bytes")]
        seed: Zeroizing<Vec<u8>>,
    },
}

impl KeyFile {
    /// Writes a key sealed with a passphrase. The file must not exist.
    ///
    /// # Errors
    /// An empty passphrase, an existing file, the file system.
    pub fn create_encrypted(
        path: &Path,
        key: &SecretKey,
        passphrase: &str,
    ) -> Result<(), KeyFileError> {
        if passphrase.is_empty() {
            return Err(KeyFileError::EmptyPassphrase);
        }
        let io = |source| KeyFileError::Io { path: path.to_owned(), source };
        let (salt, nonce) = (random::<16>().map_err(io)?, random::<24>().map_err(io)?);
        let sealing = sealing_key(passphrase, salt.as_ref(), COST)
            .ok_or_else(|| KeyFileError::TooCostly { path: path.to_owned(), cost: COST })?;
        let public = key.public();
        let bound = associated_data(&public, COST);
        let seed = key.seed();
        let payload = Payload { msg: seed.as_ref(), aad: &bound };
        let sealed = XChaCha20Poly1305::new((&*sealing).into())
            .encrypt(&XNonce::from(*nonce), payload)
            .expect("32 bytes are not too long for the cipher");
        let secret = Secret::Argon2idXchacha20poly1305 {
            cost: COST,
            salt: Zeroizing::new(salt.to_vec()),
            nonce: Zeroizing::new(nonce.to_vec()),
            sealed: Zeroizing::new(sealed),
        };
        write(path, &Stored::new(public, secret))
    }

    /// Writes a key in the clear, marked as for development. The file must not exist.
    ///
    /// # Errors
    /// An existing file, the file system.
    pub fn create_plain_dev(path: &Path, key: &SecretKey) -> Result<(), KeyFileError> {
        let seed = Zeroizing::new(key.seed().to_vec());
        write(path, &Stored::new(key.public(), Secret::PlainDevelopmentOnly { seed }))
    }

    /// Opens a key file. A passphrase given for a plain file is not used.
    ///
    /// # Errors
    /// A file that is missing, damaged, newer or readable by others; a missing or wrong passphrase.
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<SecretKey, KeyFileError> {
        let stored = read(path)?;
        let seed = match &stored.secret {
            Secret::PlainDevelopmentOnly { seed } => seed.clone(),
            Secret::Argon2idXchacha20poly1305 { cost, salt, nonce, sealed } => {
                let passphrase = passphrase
                    .ok_or_else(|| KeyFileError::PassphraseNeeded { path: path.to_owned() })?;
                let sealing = sealing_key(passphrase, salt, *cost).ok_or_else(|| {
                    KeyFileError::TooCostly { path: path.to_owned(), cost: *cost }
                })?;
                let bound = associated_data(&stored.public_key, *cost);
                open(&sealing, nonce, sealed, &bound)
                    .ok_or_else(|| KeyFileError::WrongPassphrase { path: path.to_owned() })?
            }
        };
        let damaged = |why| KeyFileError::Damaged { path: path.to_owned(), why };
        let seed = <[u8; 32]>::try_from(seed.as_slice())
            .map_err(|_| damaged(Damage::Format("the seed has 32 bytes".to_owned())))?;
        let key = SecretKey::from_seed(seed);
        if key.public() != stored.public_key {
            return Err(damaged(Damage::ForeignSecret));
        }
        Ok(key)
    }

    /// Opens a key file for a chain: plain keys are for development chains only.
    ///
    /// # Errors
    /// Those of [`KeyFile::load`], and a plain key where `dev` is false.
    pub fn load_for(
        path: &Path,
        passphrase: Option<&str>,
        dev: bool,
    ) -> Result<SecretKey, KeyFileError> {
        if !dev && !Self::inspect(path)?.encrypted {
            return Err(KeyFileError::PlainRefused { path: path.to_owned() });
        }
        Self::load(path, passphrase)
    }

    /// What a key file says without its passphrase.
    ///
    /// # Errors
    /// A file that is missing, damaged, newer or readable by others.
    pub fn inspect(path: &Path) -> Result<KeyInfo, KeyFileError> {
        let stored = read(path)?;
        let encrypted = matches!(stored.secret, Secret::Argon2idXchacha20poly1305 { .. });
        Ok(KeyInfo { public: stored.public_key, encrypted })
    }
}

/// A new secret key from the system's source of randomness.
///
/// # Errors
/// When the system has none.
pub fn new_key() -> io::Result<SecretKey> {
    Ok(SecretKey::from_seed(*random::<32>()?))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(io::Error::other)?;
    Ok(bytes)
}

impl Stored {
    fn new(public_key: PublicKey, secret: Secret) -> Self {
        let mut stored = Self { version: VERSION, public_key, secret, checksum: Digest::ZERO };
        stored.checksum = stored.expected_checksum();
        stored
    }

    /// Over every other field, in a fixed order.
    fn expected_checksum(&self) -> Digest {
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.public_key.as_bytes());
        match &self.secret {
            Secret::Argon2idXchacha20poly1305 { cost, salt, nonce, sealed } => {
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

impl Cost {
    fn to_bytes(self) -> [u8; 12] {
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
}

/// What the seal covers besides the seed: version, public key, cost.
fn associated_data(public: &PublicKey, cost: Cost) -> Vec<u8> {
    let mut bytes = VERSION.to_le_bytes().to_vec();
    bytes.extend(public.as_bytes());
    bytes.extend(cost.to_bytes());
    bytes
}

fn sealing_key(passphrase: &str, salt: &[u8], cost: Cost) -> Option<Zeroizing<[u8; 32]>> {
    if !cost.is_reasonable() {
        return None;
    }
    let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
        .ok()?;
    Some(key)
}

fn open(key: &[u8; 32], nonce: &[u8], sealed: &[u8], bound: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let nonce = XNonce::from(<[u8; 24]>::try_from(nonce).ok()?);
    let payload = Payload { msg: sealed, aad: bound };
    XChaCha20Poly1305::new(key.into()).decrypt(&nonce, payload).ok().map(Zeroizing::new)
}

fn write(path: &Path, stored: &Stored) -> Result<(), KeyFileError> {
    let mut text = Zeroizing::new(
        serde_json::to_string_pretty(stored).expect("a key file has a form in JSON"),
    );
    text.push('\n');
    files::write_new(path, text.as_bytes(), files::SECRET).map_err(|source| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            KeyFileError::Exists { path }
        } else {
            KeyFileError::Io { path, source }
        }
    })
}

fn read(path: &Path) -> Result<Stored, KeyFileError> {
    let damaged = |why| KeyFileError::Damaged { path: path.to_owned(), why };
    let text = read_private(path)?;
    let version = serde_json::from_slice::<Versioned>(&text)
        .map_err(|error| damaged(Damage::Format(error.to_string())))?
        .version;
    if version > VERSION {
        return Err(KeyFileError::Newer { path: path.to_owned(), version });
    }
    let stored: Stored = serde_json::from_slice(&text)
        .map_err(|error| damaged(Damage::Format(error.to_string())))?;
    if stored.checksum != stored.expected_checksum() {
        return Err(damaged(Damage::Checksum));
    }
    Ok(stored)
}

/// Only the version, so that a newer format is named as such and not called damaged.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let io = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            KeyFileError::Missing { path }
        } else {
            KeyFileError::Io { path, source }
        }
    };
    // The mode is that of the opened file, so it cannot change between look and read.
    let file = File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::ModeTooOpen { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(KeyFileError::Damaged { path: path.to_owned(), why: Damage::TooLong });
    }
    Ok(text)
}

/// Makes a file readable by its owner only: for key files that were copied carelessly.
///
/// # Errors
/// Those of the file system.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(files::SECRET))
}

/// Bytes as lowercase hex, wiped from memory when dropped.
mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Zeroizing<Vec<u8>>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        output.serialize_str(&Zeroizing::new(hex::encode(bytes.as_slice())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        let text = Zeroizing::new(String::deserialize(input)?);
        hex::decode(text.as_str()).map(Zeroizing::new).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
