//! The first run, as a user has it: a devnet of real processes, a payment, and every way to break it
//! that the command line offers.

#![allow(clippy::unwrap_used)]

mod devnet_process;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use devnet_process::Devnet;

impl Devnet {
    fn pay(&self) -> Value {
        let paid = self.data(&["tx", "send", "alice", "bob", "10", "--timeout", "60"]);
        assert_eq!(paid["success"], true);
        // Never less than a proof that was verified here.
        assert!(paid["verified"].as_str().unwrap().starts_with("inclusion"), "{paid}");
        paid
    }
}

impl Devnet {
    /// Asks until the nodes have noticed who is missing.
    fn says_why_it_stands_still(&self, missing: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (code, text) = self.attempt(&["why"]);
            let told: Value = serde_json::from_str(&text).unwrap_or_default();
            let answers = told["data"]["items"].as_array().cloned().unwrap_or_default();
            let named = answers.iter().any(|answer| {
                let names = answer["why"]["missing"].as_array().cloned().unwrap_or_default();
                names.iter().map(|one| &one["name"]).eq(missing)
            });
            if code == 4 && named {
                return;
            }
            assert!(Instant::now() < deadline, "exit code {code}: {text}");
        }
    }
}

fn flip_a_byte(backup: &Path) -> String {
    let database = std::fs::read_dir(backup.join("database")).unwrap().flatten();
    let mut tables: Vec<PathBuf> = database.map(|entry| entry.path()).collect();
    tables.retain(|path| path.extension().is_some_and(|extension| extension == "sst"));
    tables.sort();
    let table = tables.first().unwrap();
    let mut bytes = std::fs::read(table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(table, bytes).unwrap();
    table.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_first_run_heals_from_everything() {
    let devnet = Devnet::up(&[]);
    devnet.pay();

    // A kill of one: the chain goes on, and the node comes back.
    let killed = devnet.data(&["devnet", "kill", "v3"]);
    assert_eq!(killed["standing"]["goes_on"], true);
    assert_eq!(killed["standing"]["spare"], 0);
    devnet.pay();
    let back = devnet.data(&["devnet", "start", "v3"]);
    assert_eq!((&back[0]["votes"], &back[0]["voting"]), (&true.into(), &4.into()), "{back}");

    // A wipe (R10): level, of one mind with the others, voting again.
    let healed = devnet.data(&["devnet", "wipe", "v2"]);
    assert_eq!(healed[0]["state_root_matches"], serde_json::json!([3, 3]));
    assert_eq!(healed[0]["votes"], true);
    devnet.pay();

    // Two killed: a safe halt, and the hash of what is under way is never lost.
    let killed = devnet.data(&["devnet", "kill", "v0", "v1"]);
    assert_eq!(killed["standing"]["goes_on"], false);
    let (code, text) = devnet.attempt(&["tx", "send", "alice", "bob", "10", "--timeout", "2"]);
    assert_eq!(code, 6, "{text}");
    let unknown: Value = serde_json::from_str(&text).unwrap();
    let hash = unknown["data"]["hash"].as_str().unwrap().to_owned();
    devnet.says_why_it_stands_still(&["v0", "v1"]);
    devnet.run(&["devnet", "start", "v0", "v1"]);
    devnet.run(&["tx", "wait", &hash, "--timeout", "60"]);
    let bob = devnet.data(&["account", "show", "bob"]);
    assert_eq!(bob["balance"], "1000040000000");

    // The whole network goes down and on.
    devnet.run(&["devnet", "down"]);
    devnet.run(&["devnet", "up", "--base-port", "0", "--detach"]);
    devnet.pay();
}

#[test]
fn a_backup_is_believed_only_whole() {
    let devnet = Devnet::up(&["-n", "1"]);
    devnet.pay();
    let backup = devnet.home.path().join("backup");
    let to = backup.to_str().unwrap();
    devnet.run(&["backup", "create", "--node", "v0", "--to", to]);
    let report = devnet.data(&["backup", "verify", to]);
    assert_ne!(report["blocks_checked"], 0);

    let damaged = flip_a_byte(&backup);
    let (code, text) = devnet.attempt(&["backup", "verify", to]);
    assert_eq!(code, 7);
    assert!(text.contains(&damaged) && text.contains("offset"), "{text}");
    let restored = devnet.home.path().join("restored");
    let (code, _) = devnet.attempt(&["backup", "restore", to, "--to", restored.to_str().unwrap()]);
    assert_eq!(code, 7);
}

#[test]
fn a_partition_halts_and_heals() {
    let devnet = Devnet::up(&["--proxied"]);
    devnet.pay();
    devnet.run(&["devnet", "partition", "v0,v1", "v2,v3"]);
    let (code, text) = devnet.attempt(&["tx", "send", "alice", "bob", "10", "--timeout", "3"]);
    assert_eq!(code, 6, "half of the power decides nothing: {text}");
    devnet.run(&["devnet", "heal"]);
    devnet.run(&["devnet", "slow", "v3", "--delay-ms", "50"]);
    devnet.pay();
}

#[test]
fn a_drill_loses_one_after_the_other_and_heals_them() {
    let devnet = Devnet::up(&["--proxied"]);
    devnet.pay();
    let report = devnet.data(&["devnet", "drill", "--timeout", "120"]);
    let exercises = report["exercises"].as_array().unwrap();
    let done: Vec<_> = exercises.iter().map(|one| (&one["exercise"], &one["node"])).collect();
    let expected = [("kill", "v3"), ("wipe", "v2"), ("partition", "v1")];
    let expected = expected.map(|(exercise, node)| (exercise.into(), node.into()));
    assert_eq!(
        done,
        expected.iter().map(|(one, two)| (one, two)).collect::<Vec<(&Value, &Value)>>()
    );
    assert!(exercises[0]["blocks_without"].as_u64().unwrap() > 0, "{report}");
    devnet.pay();

    // One that is down already: another would halt the chain.
    devnet.run(&["devnet", "kill", "v3"]);
    let (code, text) = devnet.attempt(&["devnet", "drill"]);
    assert_eq!(code, 8, "{text}");
}

#[test]
fn load_is_measured() {
    let devnet = Devnet::up(&[]);
    let load = ["bench", "load", "--accounts", "64", "--duration", "2", "--warmup", "1"];
    let report = devnet.data(&load);
    assert!(report["committed_per_second"].as_f64().unwrap() > 0.0);
    assert!(report["cpu_us_per_tx"]["nodes"].as_f64().unwrap() > 0.0);
    assert_eq!((&report["missing"], &report["refused"]), (&0.into(), &serde_json::json!({})));
}
