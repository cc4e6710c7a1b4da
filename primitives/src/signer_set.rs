//! Who of a validator set has signed: a bitmap with one encoding.

use core::fmt;

use crate::codec::{
    Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Reader, Write, impl_borrow_decode,
    invalid, too_long,
};
use crate::limits::MAX_VALIDATORS;
use crate::numbers::ValidatorIndex;

const BYTES: usize = MAX_VALIDATORS.div_ceil(8);

/// Members of a set of `n` validators.
///
/// On the wire: `n` as a `u16`, then ⌈n/8⌉ bytes; validator i is bit i mod 8 of byte i / 8. Bits from
/// `n` on are zero, so that each set has one encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerSet {
    size: u16,
    bits: [u8; BYTES],
}

impl SignerSet {
    /// Nobody of a set of `size` validators, at most [`MAX_VALIDATORS`].
    #[must_use]
    pub const fn new(size: usize) -> Self {
        assert!(size <= MAX_VALIDATORS, "a validator set has at most MAX_VALIDATORS members");
        #[allow(clippy::cast_possible_truncation)] // Just compared with a limit below u16::MAX.
        Self { size: size as u16, bits: [0; BYTES] }
    }

    /// Adds a validator. False if it was there, or if the set has no such place.
    pub const fn insert(&mut self, index: ValidatorIndex) -> bool {
        if index.get() >= self.size || self.contains(index) {
            return false;
        }
        self.bits[index.as_usize() / 8] |= 1 << (index.get() % 8);
        true
    }

    /// Whether the validator is in.
    #[must_use]
    pub const fn contains(&self, index: ValidatorIndex) -> bool {
        index.get() < self.size && self.bits[index.as_usize() / 8] & (1 << (index.get() % 8)) != 0
    }

    /// Those who are in, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        (0..self.size).map(ValidatorIndex::new).filter(|index| self.contains(*index))
    }

    /// How many are in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bits.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether nobody is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The size of the validator set this one is about.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// Whether this is about a set of `size` validators.
    #[must_use]
    pub const fn well_formed(&self, size: usize) -> bool {
        self.size() == size
    }
}

impl fmt::Debug for SignerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Encode for SignerSet {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.size.encode(encoder)?;
        encoder.writer().write(&self.bits[..self.size().div_ceil(8)])
    }
}

impl<C> Decode<C> for SignerSet {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let size = u16::decode(decoder)?;
        if usize::from(size) > MAX_VALIDATORS {
            return Err(too_long(usize::from(size), MAX_VALIDATORS));
        }
        let mut set = Self { size, bits: [0; BYTES] };
        let used = set.size().div_ceil(8);
        decoder.reader().read(&mut set.bits[..used])?;
        let spare = used * 8 - set.size();
        let last = used.checked_sub(1).map_or(0, |last| set.bits[last]);
        if last.leading_zeros() < u32::try_from(spare).unwrap_or(u32::MAX) {
            return Err(invalid("signer set (bits beyond the last validator)"));
        }
        Ok(set)
    }
}

impl_borrow_decode!(SignerSet);
