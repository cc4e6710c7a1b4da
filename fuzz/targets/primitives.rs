//! Every wire type of `primitives`, from any bytes; and every text form, from any text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::assert_canonical;
use logothete_primitives::{
    Address, Amount, BatchHash, BoundedBytes, BoundedString, BoundedVec, ChainId, Digest, Height,
    MerkleProof, PublicKey, Signature, SignerSet, TimestampMs, Validator, ValidatorIndex,
};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 12 {
        0 => assert_canonical::<SignerSet>(bytes),
        1 => assert_canonical::<MerkleProof>(bytes),
        2 => assert_canonical::<Validator>(bytes),
        3 => assert_canonical::<BoundedVec<Option<BoundedBytes<9>>, 50>>(bytes),
        4 => assert_canonical::<BoundedString<50>>(bytes),
        5 => assert_canonical::<BoundedBytes<50>>(bytes),
        6 => assert_canonical::<(Digest, ChainId, BatchHash, Address, PublicKey)>(bytes),
        7 => assert_canonical::<(Height, TimestampMs, Amount, ValidatorIndex, bool)>(bytes),
        8 => assert_canonical::<Option<Signature>>(bytes),
        9 => assert_canonical::<BoundedVec<BoundedVec<u16, 5>, 1_000_000>>(bytes),
        10 => assert_canonical::<(Box<Validator>, [u8; 3], u8)>(bytes),
        _ => text(bytes),
    }
});

fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(amount) = text.parse::<Amount>() {
        assert_eq!(amount.to_string().parse(), Ok(amount));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string(), text.to_lowercase());
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string(), text.to_lowercase());
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text.to_lowercase());
    }
    if let Ok(height) = text.parse::<Height>() {
        assert_eq!(height.to_string(), text);
    }
}
