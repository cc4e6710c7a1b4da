#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use logothete_primitives::Amount;

use super::*;
use crate::fresh::FreshMarker;
use crate::keystore::KeyFile;

fn options(keys: Keys) -> Options {
    let node = |index: u16| {
        NodeOptions::local_validator(format!("v{index}"), 26_600 + index, 8_080 + index)
    };
    let mut nodes: Vec<_> = (0..4).map(node).collect();
    let follower = NodeOptions::local_validator("reader", 26_610, 8_090);
    nodes.push(NodeOptions { role: Role::Follower, ..follower });
    let account = |account: dev::DevAccount| AccountSpec {
        address: account.address,
        balance: Amount::from_coins(1_000_000).unwrap(),
        name: Some(account.name.to_owned()),
    };
    Options {
        chain_name: "devnet".to_owned(),
        timestamp: TimestampMs::new(1_764_000_000_000),
        params: ChainParams {
            dev: true,
            fee_account: dev::treasury().address,
            ..ChainParams::default()
        },
        nodes,
        accounts: dev::accounts().map(account).collect(),
        keys,
    }
}

fn config_of(node: &NodeHome) -> toml::Table {
    fs::read_to_string(node.home.join(CONFIG_FILE)).unwrap().parse().unwrap()
}

#[test]
fn makes_everything_a_network_needs() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("net");
    let network = generate(&options(Keys::Plain), &out).unwrap();
    assert_eq!(Spec::load(&network.genesis).unwrap(), network.spec);
    assert_eq!(network.nodes.len(), 5);
    let chain = network.spec.chain_id();
    for (index, node) in network.nodes.iter().enumerate() {
        assert_eq!(node.home, out.join(format!("node{index}")));
        assert_eq!(Spec::load(&node.home.join(GENESIS_FILE)).unwrap(), network.spec);
        let key = KeyFile::load(&node.home.join(KEY_FILE), None).unwrap();
        assert_eq!(key.public(), node.key);
        let marker = FreshMarker::read(&node.home.join(DATA_DIR)).unwrap();
        if index < 4 {
            assert_eq!(network.spec.validators[index].key, node.key);
            assert_eq!(marker, Some(FreshMarker { key: node.key, chain }));
        } else {
            assert_eq!(network.spec.validator_with(&node.key), None);
            assert_eq!(marker, None, "a follower never signs");
        }
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn configurations_name_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let network = generate(&options(Keys::Plain), &directory.path().join("net")).unwrap();
    let config = config_of(&network.nodes[1]);
    assert_eq!(config["role"].as_str(), Some("validator"));
    assert_eq!(config["paths"]["data"].as_str(), Some("data"));
    assert_eq!(config["paths"]["genesis"].as_str(), Some("genesis.toml"));
    assert_eq!(config["paths"]["key"].as_str(), Some("key.json"));
    assert_eq!(config["p2p"]["listen"][0].as_str(), Some("/ip4/127.0.0.1/tcp/26601"));
    assert_eq!(config["rpc"]["listen"].as_str(), Some("127.0.0.1:8081"));
    let expected: Vec<_> = [2, 3, 4, 0]
        .into_iter()
        .map(|index: usize| {
            let port = if index == 4 { 26_610 } else { 26_600 + index };
            format!("{}@/ip4/127.0.0.1/tcp/{port}", network.nodes[index].key)
        })
        .map(toml::Value::String)
        .collect();
    assert_eq!(config["p2p"]["bootstrap"].as_array(), Some(&expected));
    assert_eq!(config_of(&network.nodes[4])["role"].as_str(), Some("follower"));
    assert_eq!(bootstrap_of(&network.spec).len(), 4);
}

#[test]
fn nodes_on_other_hosts_listen_everywhere_and_say_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(Keys::Plain);
    options.nodes.truncate(3);
    options.nodes[0].host = "10.0.0.7".to_owned();
    options.nodes[1].host = "fd00::7".to_owned();
    options.nodes[2].host = "v2.example".to_owned();
    let network = generate(&options, &directory.path().join("net")).unwrap();
    for (node, listen, external) in [
        (0, "/ip4/0.0.0.0/tcp/26600", "/ip4/10.0.0.7/tcp/26600"),
        (1, "/ip6/::/tcp/26601", "/ip6/fd00::7/tcp/26601"),
        (2, "/ip4/0.0.0.0/tcp/26602", "/dns/v2.example/tcp/26602"),
    ] {
        let config = config_of(&network.nodes[node]);
        assert_eq!(config["p2p"]["listen"][0].as_str(), Some(listen));
        assert_eq!(config["p2p"]["external"][0].as_str(), Some(external));
        assert_eq!(network.spec.validators[node].address.as_deref(), Some(external));
        let hosts = config["rpc"].get("hosts").map(|hosts| hosts[0].as_str());
        assert_eq!(hosts, (node == 2).then_some(Some("v2.example")));
    }
}

#[test]
fn a_seed_gives_the_same_network_again() {
    let directory = tempfile::tempdir().unwrap();
    let make = |seed, name| {
        generate(&options(Keys::Seeded(seed)), &directory.path().join(name)).unwrap().spec
    };
    let (a, b, c) = (make(7, "a"), make(7, "b"), make(8, "c"));
    assert_eq!(a.chain_id(), b.chain_id());
    assert_ne!(a.chain_id(), c.chain_id());
}

#[test]
fn real_networks_have_sealed_keys() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("net");
    let real = |keys| {
        let mut options = options(keys);
        options.nodes.truncate(1);
        options.params.dev = false;
        options.params.fee_account = SecretKey::from_seed([5; 32]).public().into();
        options.accounts.clear();
        options
    };
    for keys in [Keys::Plain, Keys::Seeded(1)] {
        assert!(matches!(generate(&real(keys), &out), Err(NetworkError::PlainKeys)));
        assert!(!out.exists());
    }
    let sealed = Keys::Sealed(Zeroizing::new("correct horse".to_owned()));
    let network = generate(&real(sealed), &out).unwrap();
    let key_file = network.nodes[0].home.join(KEY_FILE);
    let mode = fs::metadata(&key_file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let key = KeyFile::load_for(&key_file, Some("correct horse"), false).unwrap();
    assert_eq!(key.public(), network.nodes[0].key);
}

#[test]
fn an_imported_key_is_not_marked_fresh() {
    let directory = tempfile::tempdir().unwrap();
    let network = generate(&options(Keys::Seeded(1)), &directory.path().join("net")).unwrap();
    let key = dev::validator_key(1, 0);
    let config = node_config(&options(Keys::Plain).nodes[0], bootstrap_of(&network.spec)).unwrap();
    for (origin, fresh) in [(KeyOrigin::Imported, false), (KeyOrigin::New, true)] {
        let home = directory.path().join(format!("{origin:?}"));
        let (spec, config) = (&network.spec, config.clone());
        let files = NodeFiles { spec, key: &key, origin, kept: Kept::Plain, config };
        let node = files.write(&home).unwrap();
        assert_eq!(node.name, "v0");
        assert_eq!(FreshMarker::read(&home.join(DATA_DIR)).unwrap().is_some(), fresh);
    }
}

#[test]
fn nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("net");
    fs::create_dir(&out).unwrap();
    generate(&options(Keys::Plain), &out).unwrap();
    let again = generate(&options(Keys::Plain), &out);
    assert!(matches!(again, Err(NetworkError::Exists { .. })));
}

#[test]
fn nothing_is_left_when_it_fails() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("net");
    let mut bad = options(Keys::Plain);
    bad.nodes[1].name = "v0".to_owned();
    bad.nodes[2].role = Role::Validator { power: 0 };
    match generate(&bad, &out) {
        Err(NetworkError::Invalid(faults)) => assert_eq!(faults.0.len(), 2),
        other => panic!("{other:?}"),
    }
    let mut bad = options(Keys::Plain);
    bad.nodes[4].host = "not a host".to_owned();
    assert!(matches!(generate(&bad, &out), Err(NetworkError::BadHost { .. })));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
