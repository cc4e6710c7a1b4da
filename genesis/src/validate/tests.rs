#![allow(clippy::unwrap_used)]

use logothete_ledger::params::ChainParams;
use logothete_primitives::{SecretKey, TimestampMs};

use super::*;
use crate::builder::Builder;
use crate::fault::Faults;

fn key(seed: u8) -> PublicKey {
    SecretKey::from_seed([seed; 32]).public()
}

fn good() -> Builder {
    Builder::new("harbour", TimestampMs::new(1_764_000_000_000))
        .fee_account(key(9).into())
        .validator("v0", key(1), 1)
        .validator("v1", key(2), 1)
        .account(key(3).into(), Amount::COIN)
}

fn refused(builder: Builder) -> Vec<(String, What)> {
    let Faults(faults) = builder.build().unwrap_err();
    faults.into_iter().map(|fault| (fault.place, fault.what)).collect()
}

fn one(builder: Builder) -> (String, What) {
    let mut faults = refused(builder);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn with(change: impl FnOnce(&mut Spec)) -> Builder {
    let mut spec = good().build().unwrap();
    change(&mut spec);
    Builder::from_spec(spec)
}

#[test]
fn takes_a_good_one() {
    assert!(good().build().is_ok());
}

#[test]
fn refuses_bad_names() {
    for name in ["", "a b", "a\n", "grün", &"x".repeat(33)] {
        let what = What::BadName { max: 32, got: name.to_owned() };
        let fault = one(with(|spec| spec.chain_name = name.to_owned()));
        assert_eq!(fault, ("chain_name".to_owned(), what.clone()));
        let fault = one(with(|spec| spec.validators[1].name = name.to_owned()));
        assert_eq!(fault, ("validators[1].name".to_owned(), what.clone()));
        let fault = one(with(|spec| spec.accounts[0].name = Some(name.to_owned())));
        assert_eq!(fault, ("accounts[0].name".to_owned(), what));
    }
}

#[test]
fn refuses_names_that_are_taken() {
    let (place, what) = one(with(|spec| spec.validators[1].name = "v0".to_owned()));
    assert_eq!(place, "validators[1].name");
    let first = "validators[0].name".to_owned();
    assert_eq!(what, What::NameTaken { name: "v0".to_owned(), first });

    let named = good().named_account("alice", key(4).into(), Amount::COIN).named_account(
        "alice",
        key(5).into(),
        Amount::COIN,
    );
    assert_eq!(one(named).0, "accounts[2].name");
}

#[test]
fn refuses_impossible_times() {
    for timestamp in [0, MAX_TIMESTAMP_MS + 1] {
        let (place, what) = one(with(|spec| spec.timestamp = TimestampMs::new(timestamp)));
        assert_eq!(place, "timestamp_ms");
        assert!(matches!(what, What::OutOfRange { .. }));
    }
}

#[test]
fn refuses_a_chain_without_validators() {
    let (place, what) = one(with(|spec| spec.validators.clear()));
    assert_eq!((place.as_str(), what), ("validators", What::NoValidators));
}

#[test]
fn refuses_too_many_validators() {
    let mut builder = good();
    for index in 0..199_u16 {
        let mut seed = [0xaa; 32];
        seed[..2].copy_from_slice(&index.to_le_bytes());
        let key = SecretKey::from_seed(seed).public();
        builder = builder.validator(format!("w{index}"), key, 1);
    }
    let (place, what) = one(builder);
    assert_eq!((place.as_str(), what), ("validators", What::TooMany { max: 200, got: 201 }));
}

#[test]
fn refuses_duplicate_keys_and_addresses() {
    let (place, what) = one(good().validator("v2", key(1), 1));
    assert_eq!(place, "validators[2].key");
    assert_eq!(what, What::Duplicate { first: "validators[0].key".to_owned() });

    let (place, what) = one(good().account(key(3).into(), Amount::COIN));
    assert_eq!(place, "accounts[1].address");
    assert_eq!(what, What::Duplicate { first: "accounts[0].address".to_owned() });
}

#[test]
fn refuses_keys_that_cannot_sign() {
    let identity = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        PublicKey::from_bytes(bytes)
    };
    for bad in [identity, PublicKey::from_bytes([0; 32]), PublicKey::from_bytes([0xff; 32])] {
        let places = [
            one(good().validator("v2", bad, 1)),
            one(good().account(bad.into(), Amount::COIN)),
            one(good().fee_account(bad.into())),
        ];
        assert_eq!(places[0], ("validators[2].key".to_owned(), What::UnusableKey));
        assert_eq!(places[1], ("accounts[1].address".to_owned(), What::UnusableKey));
        assert_eq!(places[2], ("params.fee_account".to_owned(), What::UnusableKey));
    }
}

#[test]
fn refuses_power_that_is_nothing_or_too_much() {
    assert_eq!(
        one(good().validator("v2", key(4), 0)),
        ("validators[2].power".to_owned(), What::Zero)
    );
    let most = good().validator("v2", key(4), MAX_TOTAL_POWER - 2);
    assert!(most.clone().build().is_ok());
    for more in [1, u64::MAX] {
        let (place, what) = one(most.clone().validator("v3", key(5), more));
        assert_eq!((place.as_str(), what), ("validators", What::TotalPower { max: 1 << 62 }));
    }
}

#[test]
fn refuses_empty_accounts_and_an_overflowing_supply() {
    let (place, what) = one(good().account(key(4).into(), Amount::ZERO));
    assert_eq!((place.as_str(), what), ("accounts[1].balance", What::Zero));
    let (place, what) = one(good().account(key(4).into(), Amount::MAX));
    assert_eq!((place.as_str(), what), ("accounts", What::Supply { max: Amount::MAX }));
}

#[test]
fn refuses_what_is_no_address_of_a_node() {
    for bad in [
        "10.0.0.1:26600",
        "/ip4/10.0.0.1",
        "/ip4/10.0.0.1/tcp/70000",
        "/ip4//tcp/1",
        "x/ip4/a/tcp/1",
        "/unix/a/tcp/1",
    ] {
        let (place, what) = one(good().at(bad));
        assert_eq!(place, "validators[1].address");
        assert_eq!(what, What::BadMultiaddr { got: bad.to_owned() });
    }
    for good_one in
        ["/ip4/10.0.0.1/tcp/26600", "/dns/v0.example/tcp/1", "/ip6/::1/udp/26600/quic-v1"]
    {
        assert!(good().at(good_one).build().is_ok(), "{good_one}");
    }
}

#[test]
fn refuses_impossible_parameters() {
    type Change = fn(&mut ChainParams);
    let cases: [(&str, Change); 6] = [
        ("params.max_tx_bytes", |params| params.max_tx_bytes = 1),
        ("params.max_tx_bytes", |params| {
            params.max_tx_bytes = u32::MAX;
        }),
        ("params.empty_block_interval_ms", |params| {
            params.empty_block_interval_ms = 0;
        }),
        ("params.view_timeout_ms", |params| {
            params.view_timeout_ms = 0;
        }),
        ("params.view_timeout_ms_max", |params| {
            params.view_timeout_ms_max = 1;
        }),
        ("params.clock_drift_ms_max", |params| {
            params.clock_drift_ms_max = 0;
        }),
    ];
    for (place, change) in cases {
        let fault = one(with(|spec| change(&mut spec.params)));
        assert_eq!(fault.0, place);
        assert!(matches!(fault.1, What::Params(_)));
    }
}

#[test]
fn refuses_public_keys_on_a_chain_that_matters() {
    let alice = dev::account("alice").unwrap();
    let all = good()
        .fee_account(dev::treasury().address)
        .validator("v2", dev::validator_key(0, 7).public(), 1)
        .account(alice.address, Amount::COIN);
    let places: Vec<_> = refused(all.clone()).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["params.fee_account", "validators[2].key", "accounts[1].address"]);

    let params =
        ChainParams { dev: true, fee_account: dev::treasury().address, ..ChainParams::default() };
    assert!(all.params(params).build().is_ok());
}

#[test]
fn lists_every_fault_at_once() {
    let bad = with(|spec| {
        spec.chain_name.clear();
        spec.timestamp = TimestampMs::ZERO;
        spec.params.view_timeout_ms = 0;
        spec.validators[0].power = 0;
        spec.validators[1].key = spec.validators[0].key;
        spec.accounts[0].balance = Amount::ZERO;
    });
    let places: Vec<_> = refused(bad).into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "chain_name",
            "timestamp_ms",
            "params.view_timeout_ms",
            "validators[0].power",
            "validators[1].key",
            "accounts[0].balance",
        ]
    );
}
