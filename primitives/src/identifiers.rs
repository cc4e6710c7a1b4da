//! Names of things by their digest, one type each, so that none can be passed for another.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};
use crate::hash::Digest;
use crate::text::HexError;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Digest);

        impl $name {
            /// Stands for "none".
            pub const ZERO: Self = Self(Digest::ZERO);

            /// The identifier with this digest.
            #[must_use]
            pub const fn new(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest behind the name.
            #[must_use]
            pub const fn digest(&self) -> Digest {
                self.0
            }

            /// The bytes of the digest.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                text.parse().map(Self)
            }
        }
    )*};
}

identifiers! {
    /// The chain: the hash of its specification, part of everything that is signed.
    ChainId;
    /// A block, by its header.
    BlockHash;
    /// A transaction, by its whole bytes.
    TxHash;
    /// A batch of transactions.
    BatchHash;
    /// The payload of a block.
    PayloadHash;
    /// The state after a height.
    StateRoot;
    /// The receipts of a height.
    ReceiptsRoot;
}
