#![allow(clippy::unwrap_used)]

use logothete_ledger::state::StateKey;

use super::*;
use crate::builder::Builder;
use crate::dev;

fn devnet() -> Spec {
    let mut builder = Builder::new("devnet", TimestampMs::new(1_764_000_000_000))
        .params(ChainParams { dev: true, ..ChainParams::default() })
        .fee_account(dev::treasury().address);
    for index in 0..4 {
        let key = dev::validator_key(0, index).public();
        builder = builder
            .validator(format!("v{index}"), key, 1)
            .at(format!("/ip4/127.0.0.1/tcp/{}", 26_600 + index));
    }
    for name in ["alice", "bob"] {
        let account = dev::account(name).unwrap();
        builder = builder.named_account(name, account.address, "1,000,000".parse().unwrap());
    }
    builder.build().unwrap()
}

#[test]
fn reads_back_what_it_writes() {
    let spec = devnet();
    assert_eq!(Spec::parse(&spec.to_toml()).unwrap(), spec);
}

#[test]
fn is_written_and_loaded_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("genesis.toml");
    let spec = devnet();
    spec.write_new(&path).unwrap();
    assert_eq!(Spec::load(&path).unwrap(), spec);
    assert!(spec.write_new(&path).is_err(), "an existing file is never overwritten");
    spec.replace(&path).unwrap();
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert!(matches!(
        Spec::load(&directory.path().join("other.toml")),
        Err(LoadError::Unreadable { .. })
    ));
}

#[test]
fn chain_id_is_stable() {
    // Changing this forks every chain there is: it needs a new version of the encoding.
    let golden = "02f7c7138a090783e3221c0ed8f2edd8b4ee00e5db4c12d2941def652f19d55b";
    assert_eq!(devnet().chain_id().to_string(), golden);
}

#[test]
fn chain_id_does_not_depend_on_the_text() {
    let spec = devnet();
    let text = spec.to_toml();
    let rewritten: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("  {}   # remark\n\n", line.replace(" = ", "=")))
        .collect();
    let amounts = rewritten.replace("1,000,000.000000", "1000000");
    let other = Spec::parse(&amounts).unwrap();
    assert_eq!(other.chain_id(), spec.chain_id());
}

#[test]
fn chain_id_does_not_depend_on_hints_and_order_of_accounts() {
    let spec = devnet();
    let mut other = spec.clone();
    other.accounts.reverse();
    other.accounts[0].name = None;
    other.validators[2].address = None;
    assert_eq!(other.chain_id(), spec.chain_id());
}

#[test]
fn chain_id_depends_on_everything_else() {
    let changes: [fn(&mut Spec); 15] = [
        |spec| spec.chain_name.push('x'),
        |spec| spec.timestamp = spec.timestamp.next(),
        |spec| spec.validators.swap(0, 1),
        |spec| spec.validators[3].name.push('x'),
        |spec| spec.validators[3].power += 1,
        |spec| spec.validators[3].key = dev::validator_key(1, 3).public(),
        |spec| drop(spec.validators.pop()),
        |spec| spec.accounts[1].balance = Amount::COIN,
        |spec| drop(spec.accounts.pop()),
        |spec| spec.params.min_fee = Amount::COIN,
        |spec| spec.params.fee_account = dev::faucet().address,
        |spec| spec.params.max_tx_bytes -= 1,
        |spec| spec.params.empty_block_interval_ms += 1,
        |spec| spec.params.view_timeout_ms += 1,
        |spec| spec.params.dev = false,
    ];
    let mut seen = vec![devnet().chain_id()];
    for change in changes {
        let mut spec = devnet();
        change(&mut spec);
        seen.push(spec.chain_id());
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn gives_the_validator_set_in_order() {
    let spec = devnet();
    let set = spec.validator_set();
    assert_eq!((set.len(), set.total_power(), set.quorum()), (4, 4, 3));
    for (validator, (_, member)) in spec.validators.iter().zip(set.iter()) {
        assert_eq!((validator.key, &*validator.name), (member.key, &*member.name));
    }
}

#[test]
fn gives_the_first_state_sorted() {
    let spec = devnet();
    let entries = spec.state_entries();
    assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
    let alice = StateKey::account(&dev::account("alice").unwrap().address);
    let (_, value) = entries.iter().find(|(key, _)| *key == alice).unwrap();
    let account = Account::from_value(value).unwrap();
    assert_eq!(account, Account::with_balance("1,000,000".parse().unwrap()));
    assert_eq!(spec.supply(), "2,000,000".parse().unwrap());
}
