//! Addresses, keys, amounts, numbers and digests as text and in JSON.

#![allow(clippy::unwrap_used)]

use std::fmt::Debug;
use std::str::FromStr;

use bech32::{Bech32, Bech32m, Hrp};
use logothete_primitives::{
    Address, AddressError, Amount, AmountError, BatchItem, BoundedBytes, BoundedString, BoundedVec,
    Digest, Height, HexError, Nonce, PublicKey, SecretKey, Signature, SignerSet, TxHash,
    ValidatorIndex, VerifyingKey,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

fn assert_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(json).unwrap(), *value);
}

fn bech32m(prefix: &str, bytes: &[u8]) -> String {
    bech32::encode::<Bech32m>(Hrp::parse(prefix).unwrap(), bytes).unwrap()
}

proptest! {
    #[test]
    fn addresses_and_keys_round_trip(bytes in any::<[u8; 32]>()) {
        let address = Address::from_bytes(bytes);
        let text = address.to_string();
        prop_assert!(text.starts_with("lgt1") && text.len() == 62);
        prop_assert_eq!(text.parse(), Ok(address));
        prop_assert_eq!(text.to_uppercase().parse(), Ok(address));
        let key = PublicKey::from_bytes(bytes);
        prop_assert!(key.to_string().starts_with("lgtval1"));
        prop_assert_eq!(key.to_string().parse(), Ok(key));
        prop_assert_eq!(Address::from(key).public_key(), key);
    }

    #[test]
    fn one_wrong_character_is_noticed(
        bytes in any::<[u8; 32]>(), place in 4..62usize, to in "[a-z0-9]",
    ) {
        let text = Address::from_bytes(bytes).to_string();
        let mut changed = text.clone();
        changed.replace_range(place..=place, &to);
        prop_assert_eq!(changed.parse::<Address>().is_ok(), changed == text);
    }

    #[test]
    fn any_text_is_refused_or_canonical(text in "\\PC{0,80}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string(), text.to_lowercase());
        }
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }

    #[test]
    fn amounts_round_trip(units in any::<u64>()) {
        let amount = Amount::new(units);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        prop_assert_eq!(amount.to_string().replace(',', "").parse(), Ok(amount));
    }

    #[test]
    fn amounts_never_wrap(a in any::<u64>(), b in any::<u64>()) {
        let (x, y) = (Amount::new(a), Amount::new(b));
        prop_assert_eq!(x.checked_add(y).ok().map(Amount::units), a.checked_add(b));
        prop_assert_eq!(x.checked_sub(y).ok().map(Amount::units), a.checked_sub(b));
    }
}

#[test]
fn refuses_addresses_with_the_reason() {
    let address = Address::from_bytes([7; 32]).to_string();
    let key = PublicKey::from_bytes([7; 32]).to_string();
    let parse = |text: &str| Address::from_str(text).unwrap_err();
    assert_eq!(
        parse(&key),
        AddressError::Prefix { expected: "lgt", found: "lgtval".into() },
        "a validator's key is no account"
    );
    assert!(matches!(PublicKey::from_str(&address), Err(AddressError::Prefix { .. })));
    assert_eq!(parse(&bech32m("lgt", &[7; 31])), AddressError::Length { got: 31 });
    assert_eq!(parse(&bech32m("lgt", &[7; 33])), AddressError::Length { got: 33 });
    assert_eq!(parse(&address[..61]), AddressError::Checksum);
    let old = bech32::encode::<Bech32>(Hrp::parse("lgt").unwrap(), &[7; 32]).unwrap();
    assert_eq!(parse(&old), AddressError::Checksum, "bech32 without the m");
    for text in ["", "lgt1", "alice", "lgt1qqqqb", "0x07", &format!("L{}", &address[1..])] {
        assert!(matches!(parse(text), AddressError::Malformed { .. } | AddressError::Checksum));
    }
}

/// The last character of the data carries four bits too many; they must be zero.
#[test]
fn refuses_addresses_with_spare_bits_set() {
    use bech32::Fe32;
    use bech32::primitives::iter::Fe32IterExt;
    let hrp = Hrp::parse("lgt").unwrap();
    let encode = |last: u8, extra: usize| -> String {
        let mut data = vec![Fe32::Q; 51];
        data.push(Fe32::try_from(last).unwrap());
        data.extend(std::iter::repeat_n(Fe32::Q, extra));
        data.into_iter().with_checksum::<Bech32m>(&hrp).chars().collect()
    };
    assert_eq!(encode(0, 0).parse(), Ok(Address::from_bytes([0; 32])));
    for last in 1..16 {
        assert_eq!(encode(last, 0).parse::<Address>(), Err(AddressError::NonCanonical));
    }
    assert!(encode(0, 1).parse::<Address>().is_err());
}

#[test]
fn short_addresses_are_for_people() {
    let address = Address::from(SecretKey::from_seed([1; 32]).public());
    let (full, short) = (address.to_string(), address.short());
    assert_eq!(short.chars().count(), 12);
    assert!(full.starts_with(short.split('…').next().unwrap()));
    assert!(full.ends_with(short.split('…').nth(1).unwrap()));
}

#[test]
fn amounts_as_people_write_them() {
    let cases = [
        ("10", 10_000_000),
        ("0", 0),
        ("0.5", 500_000),
        ("1,000.25", 1_000_250_000),
        ("1000.25", 1_000_250_000),
        ("1,234,567", 1_234_567_000_000),
        ("0.000001", 1),
        ("18,446,744,073,709.551615", u64::MAX),
        ("007", 7_000_000),
    ];
    for (text, units) in cases {
        assert_eq!(text.parse(), Ok(Amount::new(units)), "{text}");
    }
    let malformed = [
        "",
        ".",
        ".5",
        "5.",
        "-1",
        "+1",
        "1,00",
        "1,0000",
        "1000,000",
        ",100",
        "1,",
        "1,,000",
        "1e3",
        " 1",
        "1 ",
        "1.2.3",
        "0x10",
        "1.,000",
        "1.000,000",
        "１",
    ];
    for text in malformed {
        assert_eq!(text.parse::<Amount>(), Err(AmountError::Malformed), "{text:?}");
    }
    assert_eq!("0.0000001".parse::<Amount>(), Err(AmountError::TooPrecise));
    for text in [
        "18446744073709.551616",
        "18446744073710",
        "99999999999999999999999",
        "999,999,999,999,999,999,999",
    ] {
        assert_eq!(text.parse::<Amount>(), Err(AmountError::Overflow), "{text}");
    }
    assert_eq!(Amount::new(1_000_000_000_000).to_string(), "1,000,000.000000");
    assert_eq!(Amount::new(100).to_string(), "0.000100");
    assert_eq!(Amount::new(1_005_000_000).to_string(), "1,005.000000");
    assert_eq!(Amount::checked_sum([Amount::MAX, Amount::new(1)]), Err(AmountError::Overflow));
    assert_eq!(Amount::ZERO.checked_sub(Amount::COIN), Err(AmountError::Negative));
    assert_eq!(Amount::from_coins(u64::MAX), Err(AmountError::Overflow));
}

#[test]
fn json_forms() {
    assert_json(&Amount::MAX, "\"18446744073709551615\"");
    assert_json(&Height::new(5), "\"5\"");
    assert_json(&Height::ZERO, "\"0\"");
    assert_json(&ValidatorIndex::new(3), "3");
    assert_json(&Digest::new([0xab; 32]), &format!("\"{}\"", "ab".repeat(32)));
    assert_json(&TxHash::new(Digest::new([1; 32])), &format!("\"{}\"", "01".repeat(32)));
    assert_json(&Signature::from_bytes([2; 64]), &format!("\"{}\"", "02".repeat(64)));
    let address = Address::from_bytes([3; 32]);
    assert_json(&address, &format!("\"{address}\""));
    let key = PublicKey::from_bytes([3; 32]);
    assert_json(&key, &format!("\"{key}\""));
    assert_json(&BoundedBytes::<2>::try_from(vec![0, 255]).unwrap(), "\"00ff\"");
    assert_json(&BoundedString::<2>::try_from("é").unwrap(), "\"é\"");
    assert_json(&BoundedVec::<u8, 2>::try_from(vec![1, 2]).unwrap(), "[1,2]");
    assert!(serde_json::from_str::<BoundedVec<u8, 2>>("[1,2,3]").is_err());
    assert!(serde_json::from_str::<BoundedBytes<2>>("\"000000\"").is_err());
    assert!(serde_json::from_str::<BoundedBytes<2>>("\"000\"").is_err());
    assert!(serde_json::from_str::<BoundedString<2>>("\"abc\"").is_err());
    for json in ["5", "\"05\"", "\"+5\"", "\"-1\"", "\"\"", "\"18446744073709551616\"", "\"5.0\""] {
        assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Nonce>(json).is_err(), "{json}");
    }
}

#[test]
fn hex_is_refused_with_the_reason() {
    let parse = |text: &str| text.parse::<Digest>().unwrap_err();
    assert_eq!(parse("ab"), HexError::Length { expected: 64, got: 2 });
    assert_eq!(parse(&"é".repeat(32)), HexError::Character { index: 0 });
    assert_eq!(parse(&format!("{}g", "0".repeat(63))), HexError::Character { index: 63 });
    assert_eq!(parse(&format!("0x{}", "0".repeat(64))), HexError::Length { expected: 64, got: 66 });
    assert_eq!("AB".repeat(32).parse::<Digest>().unwrap().to_string(), "ab".repeat(32));
}

#[test]
fn numbers_stop_at_their_ends() {
    assert_eq!(Height::MAX.next(), Height::MAX);
    assert_eq!((Height::ZERO.prev(), Height::new(2).prev()), (None, Some(Height::new(1))));
    assert_eq!(
        (Height::new(7).since(Height::new(5)), Height::new(5).since(Height::new(7))),
        (2, 0)
    );
    assert_eq!(
        (Height::new(7).minus(9), Height::new(7).plus(u64::MAX)),
        (Height::ZERO, Height::MAX)
    );
}

/// What a log shows is what people write.
#[test]
fn debug_forms_are_the_text() {
    let (address, key) = (Address::from_bytes([3; 32]), PublicKey::from_bytes([3; 32]));
    assert_eq!(format!("{address:?}"), address.to_string());
    assert_eq!(format!("{key:?}"), key.to_string());
    assert_eq!(format!("{:?}", Amount::new(5)), "0.000005");
    assert_eq!(format!("{:?} {0}", Height::new(5)), "5 5");
    assert_eq!(format!("{:?} {0}", ValidatorIndex::new(3)), "v3 3");
    assert_eq!(format!("{:?}", Digest::new([0xab; 32])), "ab".repeat(32));
    assert_eq!(format!("{:?}", BoundedBytes::<2>::try_from(vec![0, 255]).unwrap()), "00ff");
    let text = BoundedString::<4>::try_from("é").unwrap();
    assert_eq!(format!("{text:?} {text} {text:>3}|"), "\"é\" é   é|");
    assert_eq!(format!("{:?}", BoundedVec::<u8, 2>::try_from(vec![1, 2]).unwrap()), "[1, 2]");
    let mut signers = SignerSet::new(9);
    assert!(signers.insert(ValidatorIndex::new(0)) && signers.insert(ValidatorIndex::new(8)));
    assert_eq!(format!("{signers:?}"), "{v0, v8}");
    let secret = SecretKey::from_seed([1; 32]);
    let key = VerifyingKey::try_from(&secret.public()).unwrap();
    assert_eq!(format!("{key:?}"), secret.public().to_string());
    let signature = secret.sign(b"");
    let item = BatchItem { key: &key, message: b"", signature: &signature };
    assert_eq!(format!("{item:?}"), format!("{signature} by {}", secret.public()));
}

/// Whoever writes a file by hand is told what belongs there.
#[test]
fn json_of_the_wrong_kind_is_refused_with_what_is_expected() {
    fn refusal<T: DeserializeOwned + Debug>(json: &str) -> String {
        serde_json::from_str::<T>(json).unwrap_err().to_string()
    }
    for (refusal, expected) in [
        (refusal::<BoundedVec<u8, 2>>("7"), "a list of at most 2 elements"),
        (refusal::<BoundedVec<u8, 2>>("[1,2,3]"), "a length of 3 is above the limit of 2"),
        (refusal::<BoundedBytes<2>>("7"), "bytes in hex"),
        (refusal::<BoundedBytes<2>>("\"000000\""), "a length of 3 is above the limit of 2"),
        (refusal::<BoundedString<2>>("7"), "text"),
        (refusal::<Amount>("7"), "base units as a decimal number in a string"),
        (refusal::<Height>("7"), "a decimal number in a string"),
        (refusal::<Height>("\"x\""), "not a decimal number"),
        (refusal::<Address>("7"), "an address that begins with lgt1"),
        (refusal::<Digest>("7"), "a digest of 64 hex digits"),
    ] {
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn an_amount_is_zero_or_not() {
    assert!(Amount::ZERO.is_zero() && !Amount::new(1).is_zero());
    assert_eq!(Amount::from_coins(2), Ok(Amount::new(2_000_000)));
}

#[test]
fn secrets_do_not_print() {
    let secret = SecretKey::from_seed([0x5a; 32]);
    assert_eq!(format!("{secret:?}"), format!("SecretKey({})", secret.public()));
    assert_eq!(*secret.seed(), [0x5a; 32]);
    assert_eq!(SecretKey::from_seed(*secret.seed()).public(), secret.public());
}
