//! The canonical codec: how a value becomes bytes, and which bytes are a value.
//!
//! The layout is bincode's with fixed-width little-endian integers. On top of it this module
//! guarantees what bincode does not: nothing may follow the value, every length is bounded before
//! memory is taken for it (see [`crate::bounded`]), and what decodes encodes to the same bytes.
//!
//! This is the only source file that names bincode; a test keeps it so. Other crates list it as a
//! dependency because its derive macros expand to its paths. Wire types hold integers, arrays,
//! options, enums, structs and the bounded collections, never a plain `Vec`, `String` or map: their
//! decoders would allocate what a length prefix asks for.

use alloc::vec::Vec;

use bincode::config::{Configuration, Fixint, LittleEndian, NoLimit};
use bincode::de::DecoderImpl;
use bincode::enc::{EncoderImpl, write::Writer};

pub use bincode::{
    BorrowDecode, Decode, Encode,
    de::{Decoder, read::Reader},
    enc::{Encoder, write::Writer as Write},
    error::{DecodeError, EncodeError},
    impl_borrow_decode,
};

const CONFIG: Configuration<LittleEndian, Fixint, NoLimit> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding();

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end before the value does.
    #[error("the bytes end before the value does")]
    Truncated,
    /// Bytes are left after the value.
    #[error("{extra} bytes follow the value")]
    Trailing {
        /// How many bytes are left over.
        extra: usize,
    },
    /// A length prefix is above the limit of its field.
    #[error("a length of {len} is above the limit of {max}")]
    TooLong {
        /// The length that was claimed.
        len: usize,
        /// The limit of the field.
        max: usize,
    },
    /// A tag or a field has a value that its type does not have.
    #[error("not a valid {0}")]
    Invalid(&'static str),
}

/// Encodes a value into a new buffer.
#[must_use]
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    /// Headers, votes and certificates of some validators fit, so that most values are written without growing the buffer.
    const USUAL: usize = 1_024;
    let mut bytes = Vec::with_capacity(USUAL);
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the encoding of a value to a buffer.
pub fn encode_into<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    let mut encoder = EncoderImpl::new(Output(bytes), CONFIG);
    value.encode(&mut encoder).expect("wire types are bounded by construction");
}

/// The number of bytes [`encode`] makes of a value.
#[must_use]
pub fn encoded_len<T: Encode>(value: &T) -> usize {
    let mut counter = Counter(0);
    let mut encoder = EncoderImpl::new(&mut counter, CONFIG);
    value.encode(&mut encoder).expect("wire types are bounded by construction");
    counter.0
}

/// Decodes a value from exactly these bytes.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, rest) = decode_prefix(bytes)?;
    match rest.len() {
        0 => Ok(value),
        extra => Err(CodecError::Trailing { extra }),
    }
}

/// Decodes a value from the front of the bytes and returns the rest.
///
/// For framed storage only; everything that comes from a peer goes through [`decode`].
pub fn decode_prefix<T: Decode<()>>(bytes: &[u8]) -> Result<(T, &[u8]), CodecError> {
    let mut rest = Input(bytes);
    let value = T::decode(&mut DecoderImpl::new(&mut rest, CONFIG, ()))?;
    Ok((value, rest.0))
}

/// The error of a hand-written decoder that met a value its type does not have.
#[must_use]
pub fn invalid(what: &'static str) -> DecodeError {
    DecodeError::Other(what)
}

/// The error of a hand-written decoder that met a length above its limit.
#[must_use]
pub(crate) fn too_long(len: usize, max: usize) -> DecodeError {
    // No wire type decodes an array with a length prefix, so this variant is free to carry ours.
    DecodeError::ArrayLengthMismatch { required: max, found: len }
}

/// Reads exactly `len` bytes, which must already be known to be within the field's limit.
///
/// Nothing is allocated unless the input really holds that many bytes.
pub(crate) fn read_bytes<D: Decoder>(decoder: &mut D, len: usize) -> Result<Vec<u8>, DecodeError> {
    let reader = decoder.reader();
    let missing = DecodeError::UnexpectedEnd { additional: len };
    let bytes = reader.peek_read(len).ok_or(missing)?.to_vec();
    reader.consume(len);
    Ok(bytes)
}

impl From<DecodeError> for CodecError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnexpectedEnd { .. } => Self::Truncated,
            DecodeError::ArrayLengthMismatch { required, found } => {
                Self::TooLong { len: found, max: required }
            }
            DecodeError::UnexpectedVariant { type_name, .. }
            | DecodeError::EmptyEnum { type_name } => Self::Invalid(type_name),
            DecodeError::InvalidBooleanValue(_) => Self::Invalid("boolean"),
            DecodeError::Utf8 { .. } => Self::Invalid("UTF-8 text"),
            DecodeError::Other(what) => Self::Invalid(what),
            _ => Self::Invalid("value"),
        }
    }
}

/// The bytes not yet read.
struct Input<'a>(&'a [u8]);

impl Reader for Input<'_> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let missing = DecodeError::UnexpectedEnd { additional: bytes.len() };
        let (head, rest) = self.0.split_at_checked(bytes.len()).ok_or(missing)?;
        bytes.copy_from_slice(head);
        self.0 = rest;
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, len: usize) -> Option<&[u8]> {
        self.0.get(..len)
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        self.0 = self.0.get(len..).unwrap_or_default();
    }
}

struct Output<'a>(&'a mut Vec<u8>);

impl Writer for Output<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

struct Counter(usize);

impl Writer for Counter {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bincode::de::read::SliceReader;

    use super::{BorrowDecode, CONFIG, DecoderImpl, encode};
    use crate::bounded::{BoundedBytes, BoundedString, BoundedVec};

    /// Derived decoders of types that borrow ask their fields this way.
    #[test]
    fn borrowing_decoders_read_the_same() {
        fn read<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> T {
            let mut decoder = DecoderImpl::new(SliceReader::new(bytes), CONFIG, ());
            T::borrow_decode(&mut decoder).expect("just encoded")
        }
        let list = BoundedVec::<u8, 3>::try_from(alloc::vec![4, 5]).expect("two of three");
        let data = BoundedBytes::<3>::try_from(&[6, 7][..]).expect("two of three");
        let text = BoundedString::<3>::try_from("ab").expect("two of three");
        assert_eq!(read::<BoundedVec<u8, 3>>(&encode(&list)), list);
        assert_eq!(read::<BoundedBytes<3>>(&encode(&data)), data);
        assert_eq!(read::<BoundedString<3>>(&encode(&text)), text);
    }
}
