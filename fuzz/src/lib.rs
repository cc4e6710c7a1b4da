//! What the targets share: the promise of the codec, a small chain to verify against, and stand-ins
//! for a signature, a stream and a file.

mod duct;
mod file;
mod method;
mod stage;
mod verdict;

use logothete_primitives::codec::{Decode, Encode, decode, encode, encoded_len};

pub use duct::Duct;
pub use file::with_file;
pub use stage::{CONTEXT, VERIFIER, admitted, chain, secret, state_key, validators};
pub use verdict::{AnySignature, assert_verdict};

/// What decodes encodes to the same bytes, and its length is known.
pub fn assert_canonical<T: Encode + Decode<()>>(bytes: &[u8]) {
    let _ = decode_canonical::<T>(bytes);
}

/// The value in the bytes, if they are one, and then the only bytes of that value.
pub fn decode_canonical<T: Encode + Decode<()>>(bytes: &[u8]) -> Option<T> {
    let value = decode::<T>(bytes).ok()?;
    assert_eq!(encode(&value), bytes, "two encodings of one value");
    assert_eq!(encoded_len(&value), bytes.len());
    Some(value)
}
