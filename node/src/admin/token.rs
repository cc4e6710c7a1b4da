//! The token of the administration listener, and the hash by which the node knows it.
//!
//! The node keeps only the hash: who reads its configuration, its log or a bundle of the doctor learns nothing that
//! opens the listener. A token begins with a word of its own, so that it is never taken for its hash.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// The variable that holds a token for the command line.
pub const VARIABLE: &str = "LOGOTHETE_ADMIN_TOKEN";
/// How every token begins.
const PREFIX: &str = "lgtadmin_";
/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;

/// What opens the listener. It is shown once, when it is made.
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> io::Result<Self> {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(random.as_mut_slice()).map_err(io::Error::other)?;
        let digits = Zeroizing::new(hex::encode(random.as_slice()));
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", *digits))))
    }

    /// The text to show.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the node is to know of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.reveal())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([withheld])")
    }
}

/// The SHA-256 of a token, as it is written.
#[derive(Clone, Copy, Debug)]
pub struct TokenHash([u8; 32]);

/// A text that is not the hash of a token. It is not told: it may be the token itself.
#[derive(Clone, Copy, Debug, Error)]
#[error("not 64 hexadecimal digits")]
pub struct NotAHash;

impl TokenHash {
    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether a text is the token; how long that takes does not say where they differ.
    #[must_use]
    pub fn fits(&self, shown: &str) -> bool {
        let shown = Self::of(shown);
        let differing = self.0.iter().zip(shown.0).fold(0, |all, (own, other)| all | (own ^ other));
        black_box(differing) == 0
    }
}

impl FromStr for TokenHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_the_token_fits_its_hash_and_the_hash_does_not() {
        let (token, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let hash: TokenHash = token.hash().to_string().parse().unwrap();
        assert!(hash.fits(token.reveal()));
        for wrong in [other.reveal(), "", &hash.to_string(), &token.reveal()[1..]] {
            assert!(!hash.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_not_printed_and_is_no_hash() {
        let token = Token::generate().unwrap();
        assert_eq!(format!("{token:?}"), "Token([withheld])");
        let refused = token.reveal().parse::<TokenHash>().unwrap_err();
        assert!(!refused.to_string().contains(token.reveal()));
        assert_eq!(token.reveal().len(), PREFIX.len() + 2 * RANDOM_BYTES);
    }
}
