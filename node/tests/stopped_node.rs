//! What is looked at in the database of a node that does not run: one record is changed, and the check that finds it named.

#![allow(clippy::unwrap_used)]

mod devnet_process;

use std::path::{Path, PathBuf};

use logothete_ledger::store::{Direction, Durability, Engine, Family, RocksStore};
use serde_json::{Value, json};

use devnet_process::Devnet;

/// A family, the byte of its newest record that is changed (counted from the end), and the check that finds it.
const CHANGES: &[(Family, usize, &str)] = &[
    (Family::Certificates, 1, "certificate"),
    (Family::Batches, 1, "batch"),
    (Family::Receipts, 1, "receipts"),
    (Family::Executed, 40, "database"),
    (Family::State, 1, "state_root"),
];

/// Changes one byte of the last record of a family; gives what puts it back.
fn tamper(database: &Path, family: Family, from_end: usize) -> (Vec<u8>, Vec<u8>) {
    let (key, value) = last_record(database, family);
    let mut changed = value.clone();
    let place = changed.len() - from_end;
    changed[place] ^= 1;
    write(database, family, &key, &changed);
    (key, value)
}

fn last_record(database: &Path, family: Family) -> (Vec<u8>, Vec<u8>) {
    let engine = RocksStore::open_existing(database).unwrap().into_engine();
    let mut last = None;
    let start = [u8::MAX; 64];
    engine
        .scan(family, &start, Direction::Descending, &mut |key, value| {
            last = Some((key.to_vec(), value.to_vec()));
            std::ops::ControlFlow::Break(())
        })
        .unwrap();
    last.unwrap()
}

fn write(database: &Path, family: Family, key: &[u8], value: &[u8]) {
    let engine = RocksStore::open_existing(database).unwrap().into_engine();
    engine.write(Durability::Logged, &mut |writer| writer.put(family, key, value)).unwrap();
    engine.flush().unwrap();
}

struct Stopped {
    devnet: Devnet,
    home: String,
    database: PathBuf,
}

impl Stopped {
    fn verify(&self) -> (i32, Value) {
        let (code, text) = self.devnet.attempt(&["verify", "chain", "--home", &self.home]);
        (code, serde_json::from_str(&text).unwrap())
    }

    fn finds(&self, check: &str) {
        let (code, envelope) = self.verify();
        assert_eq!(code, 7, "{check}: {envelope}");
        assert_eq!(envelope["data"]["check"], check, "{envelope}");
        let message = envelope["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("height") && message.contains(check), "{message}");
    }
}

#[test]
fn one_changed_record_is_found_and_named() {
    let devnet = Devnet::up(&["-n", "1"]);
    for _ in 0..2 {
        devnet.data(&["tx", "send", "alice", "bob", "10", "--timeout", "60"]);
    }
    let node = devnet.dir().join("v0");
    let home = node.display().to_string();
    let (code, text) = devnet.attempt(&["verify", "chain", "--home", &home]);
    assert_eq!(code, 1, "a running node has its database open: {text}");
    assert!(text.contains("node_runs"), "{text}");
    let exported = devnet.home.path().join("blocks.jsonl");
    let exported = exported.to_str().unwrap();
    devnet.run(&["block", "export", "--out", exported]);
    devnet.run(&["devnet", "down"]);
    blocks_that_were_changed_are_named(&devnet, exported);

    let stopped = Stopped { devnet, home, database: node.join("data/db") };
    let (code, whole) = stopped.verify();
    assert_eq!(code, 0, "{whole}");
    assert_ne!(whole["data"]["blocks"], 0);
    for (family, from_end, check) in CHANGES {
        let (key, value) = tamper(&stopped.database, *family, *from_end);
        stopped.finds(check);
        write(&stopped.database, *family, &key, &value);
    }
    // The encoded block ends with its payload; its hash of it is in the header.
    let (key, value) = tamper(&stopped.database, Family::Blocks, 1);
    let (code, envelope) = stopped.verify();
    assert_eq!(code, 7, "{envelope}");
    assert!(envelope["data"]["check"].is_string(), "{envelope}");
    write(&stopped.database, Family::Blocks, &key, &value);

    let data = |arguments: &[&str]| stopped.devnet.data(arguments);
    let stats = data(&["db", "stats", "--home", &stopped.home]);
    let families = stats["families"].as_array().unwrap();
    assert!(families.iter().any(|family| family["family"] == "blocks" && family["bytes"] != "0"));
    let compacted = data(&["db", "compact", "--home", &stopped.home]);
    assert_ne!(compacted["bytes_after"], "0");
    let (code, again) = stopped.verify();
    assert_eq!(code, 0, "{again}");
    assert_eq!(again["data"]["state_root"], whole["data"]["state_root"]);

    // And the node goes on from it.
    stopped.devnet.run(&["devnet", "up", "--base-port", "0", "--detach"]);
    stopped.devnet.data(&["tx", "send", "alice", "bob", "10", "--timeout", "60"]);
}

fn blocks_that_were_changed_are_named(devnet: &Devnet, exported: &str) {
    let text = std::fs::read_to_string(exported).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let genesis = devnet.dir().join("genesis.toml");
    let verify = ["verify", "block", exported, "--genesis", genesis.to_str().unwrap()];
    assert_eq!(devnet.data(&verify)["blocks"], lines.len());

    let orders = |line: &Value| line["block"]["transaction_count"] != 0;
    lines.truncate(lines.iter().rposition(orders).unwrap() + 1);
    let honest = lines.pop().unwrap();
    let height = &honest["block"]["header"]["height"];
    for (field, lie, check) in [
        ("/block/header/timestamp", json!("1"), "header"),
        ("/block/evidence_count", json!(1), "payload"),
        ("/block/transaction_count", json!(77), "payload"),
        ("/block/batches", json!([]), "payload"),
        ("/block/payload", json!(""), "payload"),
    ] {
        let mut last = honest.clone();
        *last.pointer_mut(field).unwrap() = lie;
        let changed: Vec<String> = lines.iter().chain([&last]).map(Value::to_string).collect();
        std::fs::write(exported, changed.join("\n")).unwrap();
        let (code, text) = devnet.attempt(&verify);
        let envelope: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(code, 7, "{field}: {envelope}");
        let data = &envelope["data"];
        assert_eq!((&data["check"], &data["height"]), (&json!(check), height), "{field}");
    }
}

#[test]
fn the_newest_backup_is_drilled_and_a_useless_one_told() {
    let devnet = Devnet::up(&["-n", "1"]);
    let backups = devnet.home.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let drill = ["backup", "drill", backups.to_str().unwrap()];
    assert_eq!(devnet.attempt(&drill).0, 1, "there is none");
    for name in ["one", "two"] {
        devnet.data(&["tx", "send", "alice", "bob", "10", "--timeout", "60"]);
        let to = backups.join(name);
        devnet.run(&["backup", "create", "--node", "v0", "--to", to.to_str().unwrap()]);
    }
    let scratch = devnet.home.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let mut in_scratch = drill.to_vec();
    in_scratch.extend(["--scratch", scratch.to_str().unwrap()]);
    let report = devnet.data(&in_scratch);
    assert!(report["backup"].as_str().unwrap().ends_with("two"), "{report}");
    assert_eq!(report["restored"]["state_root"], report["started"]["state_root"]);
    assert_eq!(scratch.read_dir().unwrap().count(), 0, "the scratch directory is removed");

    let manifest = backups.join("two/manifest.sha256");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    std::fs::write(&manifest, text.replace('0', "1")).unwrap();
    assert_eq!(devnet.attempt(&drill).0, 7);
}
