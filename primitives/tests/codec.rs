//! The codec is canonical, refuses what follows, and takes no memory a prefix merely asks for.
//! (bug classes 12 and 18)

#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use logothete_primitives::codec::{
    CodecError, Decode, DecodeError, Decoder, Encode, decode, decode_prefix, encode, encoded_len,
};
use logothete_primitives::limits::MAX_VALIDATORS;
use logothete_primitives::{
    Address, Amount, BoundedBytes, BoundedString, BoundedVec, Digest, Height, MerkleProof,
    PublicKey, Signature, SignerSet, TxHash, Validator, ValidatorIndex, View,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
enum Choice {
    Nothing,
    Number(u64),
    Named { name: BoundedString<16>, flag: bool },
}

/// Something of everything that may stand in a wire type.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Everything {
    choice: Choice,
    maybe: Option<Choice>,
    bytes: BoundedBytes<40>,
    list: BoundedVec<Choice, 5>,
    nested: BoundedVec<BoundedBytes<6>, 4>,
    signers: SignerSet,
    amount: Amount,
    index: ValidatorIndex,
    boxed: Box<u16>,
    fixed: [u8; 3],
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<u64>().prop_map(Choice::Number),
        ("[a-zé]{0,8}", any::<bool>()).prop_map(|(name, flag)| Choice::Named {
            name: BoundedString::try_from(name).unwrap(),
            flag
        }),
    ]
}

fn bytes<const MAX: usize>() -> impl Strategy<Value = BoundedBytes<MAX>> {
    vec(any::<u8>(), 0..=MAX).prop_map(|bytes| BoundedBytes::try_from(bytes).unwrap())
}

fn signers() -> impl Strategy<Value = SignerSet> {
    (0..=MAX_VALIDATORS, vec(any::<u16>(), 0..20)).prop_map(|(size, members)| {
        let mut set = SignerSet::new(size);
        for member in members {
            set.insert(ValidatorIndex::new(member % 200));
        }
        set
    })
}

prop_compose! {
    fn everything()(
        choice in choice(),
        maybe in option::of(choice()),
        bytes in bytes::<40>(),
        list in vec(choice(), 0..=5),
        nested in vec(bytes::<6>(), 0..=4),
        signers in signers(),
        amount in any::<u64>(),
        index in any::<u16>(),
        boxed in any::<u16>(),
        fixed in any::<[u8; 3]>(),
    ) -> Everything {
        Everything {
            choice,
            maybe,
            bytes,
            list: list.try_into().unwrap(),
            nested: nested.try_into().unwrap(),
            signers,
            amount: Amount::new(amount),
            index: ValidatorIndex::new(index),
            boxed: Box::new(boxed),
            fixed,
        }
    }
}

/// What decodes encodes to the same bytes.
fn assert_canonical<T: Encode + Decode<()>>(bytes: &[u8]) {
    if let Ok(value) = decode::<T>(bytes) {
        assert_eq!(encode(&value), bytes);
    }
}

proptest! {
    #[test]
    fn round_trips_and_knows_its_length(value in everything()) {
        let bytes = encode(&value);
        prop_assert_eq!(encoded_len(&value), bytes.len());
        prop_assert_eq!(decode::<Everything>(&bytes).unwrap(), value);
    }

    #[test]
    fn what_decodes_is_canonical(
        value in everything(), place in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        let place = place.index(bytes.len());
        bytes[place] = to;
        assert_canonical::<Everything>(&bytes);
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(bytes in vec(any::<u8>(), 0..300)) {
        assert_canonical::<Everything>(&bytes);
        assert_canonical::<SignerSet>(&bytes);
        assert_canonical::<MerkleProof>(&bytes);
        assert_canonical::<Validator>(&bytes);
        assert_canonical::<BoundedString<20>>(&bytes);
        assert_canonical::<(Digest, TxHash, PublicKey, Address)>(&bytes);
        assert_canonical::<(Signature, Height, View, Option<Amount>)>(&bytes);
    }

    #[test]
    fn refuses_what_is_cut_off_and_what_follows(
        value in everything(), cut in any::<prop::sample::Index>(), extra in vec(any::<u8>(), 1..9),
    ) {
        let mut bytes = encode(&value);
        let cut = cut.index(bytes.len());
        prop_assert_eq!(decode::<Everything>(&bytes[..cut]), Err(CodecError::Truncated));
        let length = extra.len();
        bytes.extend(extra.iter());
        prop_assert_eq!(decode::<Everything>(&bytes), Err(CodecError::Trailing { extra: length }));
        prop_assert_eq!(decode_prefix::<Everything>(&bytes).unwrap(), (value, extra.as_slice()));
    }
}

#[test]
fn tags_are_strict() {
    for tag in 2..=255u8 {
        assert_eq!(decode::<bool>(&[tag]), Err(CodecError::Invalid("boolean")));
        assert!(matches!(decode::<Option<u8>>(&[tag, 0]), Err(CodecError::Invalid(_))));
    }
    assert!(matches!(decode::<Choice>(&[3, 0, 0, 0]), Err(CodecError::Invalid(_))));
    assert!(matches!(decode::<Choice>(&[0, 0, 0, 1]), Err(CodecError::Invalid(_))));
    assert_eq!(decode::<Choice>(&[0, 0, 0, 0]), Ok(Choice::Nothing));
    assert_eq!(decode::<Choice>(&[0, 0, 0]), Err(CodecError::Truncated));
    assert_eq!(decode::<Choice>(&[9, 0, 0, 0]), Err(CodecError::Invalid("Choice")));
    let text = Err(CodecError::Invalid("UTF-8 text"));
    assert_eq!(decode::<BoundedString<4>>(&[1, 0, 0, 0, 0xff]).map(|_| ()), text);
    assert_eq!(decode::<String>(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff]).map(|_| ()), text);
}

#[test]
fn lengths_are_bounded_before_anything_else() {
    let claim = |len: u32| encode(&len);
    assert_eq!(decode::<BoundedBytes<4>>(&claim(5)), Err(CodecError::TooLong { len: 5, max: 4 }));
    assert_eq!(decode::<BoundedString<4>>(&claim(5)), Err(CodecError::TooLong { len: 5, max: 4 }));
    assert_eq!(decode::<BoundedVec<u8, 4>>(&claim(5)), Err(CodecError::TooLong { len: 5, max: 4 }));
    assert_eq!(decode::<BoundedBytes<4>>(&claim(4)), Err(CodecError::Truncated));
    assert_eq!(decode::<BoundedVec<u8, 4>>(&claim(4)), Err(CodecError::Truncated));
    assert!(BoundedVec::<u8, 1>::try_from(vec![0; 2]).is_err());
    assert!(BoundedBytes::<1>::try_from(vec![0; 2]).is_err());
    assert!(BoundedString::<1>::try_from("é").is_err());
    let mut full = BoundedVec::<u8, 1>::new();
    assert!(full.push(1).is_ok() && full.push(2).is_err());
    assert_eq!(full.as_slice(), [1]);
}

#[test]
fn bounded_collections_give_back_what_they_hold() {
    let list = BoundedVec::<u8, 3>::try_from(vec![4, 5]).unwrap();
    assert_eq!((list.as_slice(), &*list, list.as_ref()), (&[4, 5][..], &[4, 5][..], &[4, 5][..]));
    assert_eq!((&list).into_iter().copied().collect::<Vec<_>>(), [4, 5]);
    assert_eq!(list.clone().into_iter().collect::<Vec<_>>(), [4, 5]);
    assert_eq!(list.into_inner(), [4, 5]);
    let bytes = BoundedBytes::<3>::try_from(&[6, 7][..]).unwrap();
    assert_eq!(
        (bytes.as_slice(), &*bytes, bytes.as_ref()),
        (&[6, 7][..], &[6, 7][..], &[6, 7][..])
    );
    assert_eq!(bytes.into_inner(), [6, 7]);
    assert!(BoundedBytes::<1>::try_from(&[6, 7][..]).is_err());
    let text = BoundedString::<3>::try_from("ab").unwrap();
    assert_eq!((text.as_str(), &*text), ("ab", "ab"));
    assert_eq!(text.into_inner(), "ab");
    assert!(BoundedString::<1>::try_from("ab".to_owned()).is_err());
}

thread_local! {
    static DECODED: Cell<usize> = const { Cell::new(0) };
}

/// Large in memory, small on the wire, and counts how often it is decoded.
#[derive(Clone, Debug)]
struct Large(#[allow(dead_code)] [u64; 512]);

impl<C> Decode<C> for Large {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        DECODED.set(DECODED.get() + 1);
        Ok(Self([u8::decode(decoder)?.into(); 512]))
    }
}

#[test]
fn memory_follows_what_was_read_not_what_was_claimed() {
    const MAX: usize = 1 << 30;
    let mut bytes = encode(&(1u32 << 30));
    bytes.extend([7; 3]);
    // Reserving what the prefix claims would take 4 TiB here.
    let error = decode::<BoundedVec<Large, MAX>>(&bytes).unwrap_err();
    assert_eq!((error, DECODED.get()), (CodecError::Truncated, 4));
    assert_eq!(decode::<BoundedBytes<MAX>>(&bytes).unwrap_err(), CodecError::Truncated);
    assert_eq!(decode::<BoundedString<MAX>>(&bytes).unwrap_err(), CodecError::Truncated);
    let mut honest = encode(&3u32);
    honest.extend([7; 3]);
    let values = decode::<BoundedVec<Large, MAX>>(&honest).unwrap().into_inner();
    assert!(values.len() == 3 && values.capacity() <= 4);
    // What is small enough is reserved at once.
    let honest = encode(&BoundedVec::<u64, 100>::try_from(vec![7; 100]).unwrap());
    assert_eq!(decode::<BoundedVec<u64, 100>>(&honest).unwrap().into_inner().capacity(), 100);
}

#[test]
fn signer_sets_have_one_encoding() {
    let mut set = SignerSet::new(10);
    assert!(set.insert(ValidatorIndex::new(0)) && set.insert(ValidatorIndex::new(9)));
    assert_eq!(encode(&set), [10, 0, 1, 2]);
    assert_eq!(decode::<SignerSet>(&[10, 0, 1, 2]), Ok(set));
    assert!(matches!(decode::<SignerSet>(&[10, 0, 1, 4]), Err(CodecError::Invalid(_))));
    assert!(matches!(decode::<SignerSet>(&[10, 0, 1, 0x80]), Err(CodecError::Invalid(_))));
    assert_eq!(decode::<SignerSet>(&[10, 0, 1]), Err(CodecError::Truncated));
    assert_eq!(decode::<SignerSet>(&[16, 0, 0xff, 0xff]).unwrap().count(), 16);
    assert_eq!(decode::<SignerSet>(&[0, 0]), Ok(SignerSet::new(0)));
    for size in [0, 10, MAX_VALIDATORS] {
        let mut set = SignerSet::new(size);
        let beyond = ValidatorIndex::new(size.try_into().unwrap());
        assert!(!set.insert(beyond) && !set.contains(beyond), "{size}");
    }
    let error = decode::<SignerSet>(&[201, 0]).unwrap_err();
    assert_eq!(error, CodecError::TooLong { len: 201, max: MAX_VALIDATORS });
}
