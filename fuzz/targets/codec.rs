//! The containers of the codec: bounded lists, options, tuples, numbers, text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::assert_canonical;
use logothete_primitives::{
    Address, Amount, BatchHash, BoundedBytes, BoundedString, BoundedVec, ChainId, Digest, Height,
    PublicKey, Signature, SignerSet, TimestampMs, Validator, ValidatorIndex,
};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 10 {
        0 => assert_canonical::<SignerSet>(bytes),
        1 => assert_canonical::<(Box<Validator>, [u8; 3], u8)>(bytes),
        2 => assert_canonical::<Validator>(bytes),
        3 => assert_canonical::<BoundedVec<Option<BoundedBytes<9>>, 50>>(bytes),
        4 => assert_canonical::<BoundedString<50>>(bytes),
        5 => assert_canonical::<BoundedBytes<50>>(bytes),
        6 => assert_canonical::<(Digest, ChainId, BatchHash, Address, PublicKey)>(bytes),
        7 => assert_canonical::<(Height, TimestampMs, Amount, ValidatorIndex, bool)>(bytes),
        8 => assert_canonical::<Option<Signature>>(bytes),
        _ => assert_canonical::<BoundedVec<BoundedVec<u16, 5>, 1_000_000>>(bytes),
    }
});
