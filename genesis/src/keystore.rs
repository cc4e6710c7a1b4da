//! Key files: one secret key each, sealed with a passphrase, or plain and marked as for development.
//!
//! The passphrase goes through Argon2id to a key for XChaCha20-Poly1305, which seals the 32-byte
//! seed. Version, public key and the cost of the derivation are authenticated with it. A checksum
//! over the rest of the file tells a damaged file from a wrong passphrase.

mod error;
mod seal;
mod stored;

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use logothete_primitives::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use self::seal::Sealed;
use self::stored::{Secret, Stored};
use crate::files;

pub use self::error::{Damage, KeyFileError};
pub use self::seal::Cost;

/// No key file is longer.
const MAX_BYTES: u64 = 16 * 1024;

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
        let sealed = Sealed::new(key, passphrase)
            .map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
        let secret = Secret::Argon2idXchacha20poly1305(sealed);
        write(path, &Stored::new(key.public(), secret))
    }

    /// Seals the key of a file anew, with another passphrase; the file is the old one or the new one, never a part of either.
    ///
    /// # Errors
    /// An empty passphrase, the refusals of [`KeyFile::load`], the file system.
    pub fn reseal(path: &Path, old: Option<&str>, new: &str) -> Result<PublicKey, KeyFileError> {
        if new.is_empty() {
            return Err(KeyFileError::EmptyPassphrase);
        }
        let key = Self::load(path, old)?;
        let io = |source| KeyFileError::Io { path: path.to_owned(), source };
        let sealed = Sealed::new(&key, new).map_err(io)?;
        let stored = Stored::new(key.public(), Secret::Argon2idXchacha20poly1305(sealed));
        files::replace(path, stored.to_json().as_bytes(), files::SECRET).map_err(io)?;
        Ok(key.public())
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
            Secret::Argon2idXchacha20poly1305(sealed) => {
                let passphrase = passphrase
                    .ok_or_else(|| KeyFileError::PassphraseNeeded { path: path.to_owned() })?;
                sealed
                    .open(&stored.public_key, passphrase)
                    .map_err(|refusal| not_opened(path, &refusal))?
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
        let encrypted = matches!(stored.secret, Secret::Argon2idXchacha20poly1305(_));
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

fn not_opened(path: &Path, refusal: &seal::Refusal) -> KeyFileError {
    let path = path.to_owned();
    match refusal {
        seal::Refusal::TooCostly(cost) => KeyFileError::TooCostly { path, cost: *cost },
        seal::Refusal::WrongPassphrase => KeyFileError::WrongPassphrase { path },
    }
}

fn write(path: &Path, stored: &Stored) -> Result<(), KeyFileError> {
    let text = stored.to_json();
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
    Stored::from_json(&read_private(path)?).map_err(|refusal| {
        let path = path.to_owned();
        match refusal {
            stored::Refusal::Newer(version) => KeyFileError::Newer { path, version },
            stored::Refusal::Damaged(why) => KeyFileError::Damaged { path, why },
        }
    })
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

#[cfg(test)]
mod tests;
