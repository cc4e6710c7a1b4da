//! Every command under `--json`: one envelope of one shape on standard output, and nothing else.

#![allow(clippy::unwrap_used)]

mod devnet_process;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::Value;

use devnet_process::Devnet;

/// Commands whose answers are not looked at here, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "run",
        "answers when it is stopped; that is the last envelope of `a_node_that_is_stopped_answers_too`",
    ),
    ("devnet-up", "its first line is the event `ready`, which every test here reads"),
    ("bench-targets", "takes minutes; the envelope is that of bench load"),
    ("bench-growth", "takes minutes; the envelope is that of bench load"),
    ("bench-order", "takes half a minute; the envelope is that of bench load"),
    ("bench-sync", "takes minutes; the envelope is that of bench load"),
    ("bench-recover", "takes minutes; the envelope is that of bench load"),
];

/// What is called beside a devnet that runs through proxies, in this order, in a directory of its own; the last are those that
/// change the network. `HASH`, `V0` and so on stand for what earlier answers said.
const BESIDE_A_DEVNET: &[(&str, i32)] = &[
    ("version", 0),
    ("completions bash", 0),
    ("man --out man", 0),
    ("status", 0),
    ("why", 0),
    ("top", 2),
    ("rpc chain_info", 0),
    ("rpc no_such_method", 2),
    ("validators list", 0),
    ("validators uptime", 0),
    ("consensus state", 0),
    ("consensus views", 0),
    ("consensus evidence", 0),
    ("mempool stats", 0),
    ("tx build alice --transfer bob=1 --out tx.json", 0),
    ("tx sign tx.json alice", 0),
    ("tx decode tx.json", 0),
    ("tx simulate tx.json", 0),
    ("tx submit tx.json", 0),
    ("tx send alice bob 10 --timeout 60", 0),
    ("tx send nobody bob 10", 2),
    ("tx wait HASH --timeout 60", 0),
    ("tx show HASH", 0),
    ("account show alice", 0),
    ("account history alice", 0),
    ("account prove alice", 0),
    ("block show", 0),
    ("block list", 0),
    ("block prove 1", 0),
    ("block export --from 1 --to 2 --out blocks.jsonl", 0),
    ("block export --from 1 --to 2", 2),
    ("backup create --node v0 --to backup", 0),
    ("admin peers --node v0", 0),
    ("admin log-level info --node v0", 0),
    ("admin log-level a=b=c --node v0", 1),
    ("admin peers --url http://127.0.0.1:1", 2),
    ("backup verify backup", 0),
    ("backup verify backup --node v0", 0),
    ("backup verify backup --node v9", 2),
    ("backup verify backup --home nowhere", 2),
    ("backup restore backup --to restored", 0),
    ("backup drill backup --scratch .", 0),
    ("backup drill nothing", 1),
    ("backup verify nothing", 7),
    ("verify backup backup", 0),
    ("verify block blocks.jsonl", 0),
    ("verify block tx.json", 2),
    ("verify chain --home V0", 1),
    ("db stats --home V0", 1),
    ("verify proof account-prove.json", 0),
    ("verify evidence consensus-evidence.json", 0),
    ("doctor --home V0 --wait 1", 0),
    ("config show --home V0", 0),
    ("config check --home V0", 0),
    ("config check --home V0 --set no.such=1", 2),
    ("bench load --accounts 16 --duration 1 --warmup 0", 0),
    ("bench reads --subscribers 4 --duration 1 --warmup 1", 0),
    ("devnet status", 0),
    ("devnet logs v0 -n 3", 0),
    ("devnet slow v3 --delay-ms 1", 0),
    ("devnet partition v0,v1 v2,v3", 0),
    ("devnet heal", 0),
    ("devnet kill v3", 0),
    ("devnet start v3", 0),
    ("devnet wipe v3", 0),
    ("devnet drill", 0),
    ("admin shutdown --node v0", 0),
    ("devnet down", 0),
    ("devnet drill", 8),
    ("verify chain --home V0", 0),
    ("db stats --home V0", 0),
    ("db compact --home V0", 0),
    ("verify chain --home V0", 0),
    ("status --url http://127.0.0.1:1", 1),
];

/// What needs no network.
const ALONE: &[(&str, i32)] = &[
    ("keys new anna", 0),
    ("admin token", 0),
    ("keys list", 0),
    ("keys rotate anna --new-passphrase-file new-passphrase", 0),
    ("keys rotate anna --passphrase-file new-passphrase --new-passphrase-file old-passphrase", 0),
    ("keys rotate anna --new-key", 8),
    ("keys export anna --reveal", 0),
    ("keys import copy --seed-file seed", 0),
    ("genesis init --name test --fee-account ANNA --dev", 0),
    ("genesis add-account genesis.toml ANNA 1000", 0),
    ("genesis validate", 2),
    ("genesis add-validator genesis.toml v0 LGTVAL", 0),
    ("genesis validate", 0),
    ("genesis hash", 0),
    ("init --home node --genesis genesis.toml --role follower", 0),
    ("testnet generate --out net --hosts 127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4 --dev", 0),
    ("sim --seeds 1", 0),
    ("tx", 2),
    ("", 2),
];

/// A directory in which commands are called, and what their answers said.
struct Desk {
    directory: tempfile::TempDir,
    schema: Validator,
    said: Vec<(&'static str, String)>,
    called: BTreeSet<String>,
}

impl Desk {
    fn new() -> Self {
        let text = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/envelope.schema.json"
        ));
        let schema: Value = serde_json::from_str(&text.unwrap()).unwrap();
        Self {
            directory: tempfile::tempdir().unwrap(),
            schema: jsonschema::validator_for(&schema).unwrap(),
            said: Vec::new(),
            called: BTreeSet::new(),
        }
    }

    /// The envelope of a command, which is the whole of its standard output.
    fn call(&mut self, line: &str, code: i32, flags: &[&str]) -> Value {
        let words = line.split_whitespace().map(|word| {
            let said = self.said.iter().find(|(name, _)| *name == word);
            said.map_or(word, |(_, value)| value.as_str())
        });
        let words: Vec<&str> = words.collect();
        let output = Command::new(env!("CARGO_BIN_EXE_logothete"))
            .args(&words)
            .arg("--json")
            .args(flags)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("LOGOTHETE_PASSPHRASE", "correct horse")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let envelope: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{line}: {error} in {text}\n{errors}"));
        let fault = self.schema.validate(&envelope).err().map(|fault| fault.to_string());
        assert_eq!(fault, None, "{line}: {envelope}");
        assert_eq!(output.status.code(), Some(code), "{line}: {envelope}\n{errors}");
        assert_eq!(envelope["success"], code == 0, "{line}: {envelope}");
        assert_eq!(text.lines().count(), 1, "{line}: {text}");
        self.remember(line, &envelope);
        envelope
    }

    /// Keeps the answer as a file, and the command as called.
    fn remember(&mut self, line: &str, envelope: &Value) {
        let mut words = line.split_whitespace();
        let name: Vec<&str> = words.by_ref().take(2).collect();
        for length in [1, 2] {
            self.called.insert(name.iter().take(length).copied().collect::<Vec<_>>().join("-"));
        }
        let file = format!("{}.json", name.join("-"));
        std::fs::write(self.directory.path().join(file), envelope.to_string()).unwrap();
    }

    fn says(&mut self, name: &'static str, value: &Value) {
        let value = value.as_str().unwrap_or_else(|| panic!("{name}: {value}")).to_owned();
        self.said.push((name, value));
    }
}

#[test]
fn every_command_answers_with_one_envelope() {
    let mut desk = Desk::new();
    alone(&mut desk);
    beside_a_devnet(&mut desk);
    let pages = desk.call("man --out pages", 0, &[]);
    for page in pages["data"]["pages"].as_array().unwrap() {
        let name = page.as_str().unwrap().trim_start_matches("logothete").trim_end_matches(".1");
        let name = name.trim_start_matches('-');
        let elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == name);
        assert!(
            desk.called.contains(name) || elsewhere || is_group(name, &desk.called),
            "nobody looked at the envelope of `{}`",
            name.replace('-', " ")
        );
    }
}

/// Of a group, its commands are looked at.
fn is_group(name: &str, called: &BTreeSet<String>) -> bool {
    called.iter().any(|one| one.starts_with(&format!("{name}-")))
}

fn alone(desk: &mut Desk) {
    for (file, passphrase) in [("new-passphrase", "staple"), ("old-passphrase", "correct horse")] {
        std::fs::write(desk.directory.path().join(file), passphrase).unwrap();
    }
    for (line, code) in ALONE {
        let envelope = desk.call(line, *code, &[]);
        let data = &envelope["data"];
        if line.starts_with("keys new") {
            desk.says("ANNA", &data["address"]);
            desk.says("LGTVAL", &data["validator"]);
        }
        if line.starts_with("keys export") {
            let seed = data["seed"].as_str().unwrap();
            std::fs::write(desk.directory.path().join("seed"), seed).unwrap();
        }
    }
}

fn beside_a_devnet(desk: &mut Desk) {
    let devnet = Devnet::up(&["--proxied"]);
    let dir = devnet.dir().display().to_string();
    desk.says("V0", &Value::from(format!("{dir}/v0")));
    for (line, code) in BESIDE_A_DEVNET {
        let envelope = desk.call(line, *code, &["--dir", &dir]);
        if line.starts_with("tx send alice") {
            desk.says("HASH", &envelope["data"]["hash"]);
        }
    }
}

/// `status --watch` answers for ever: an envelope a line. A node that is stopped answers as the last thing it does.
#[test]
fn a_node_that_is_stopped_answers_too() {
    let mut desk = Desk::new();
    let generate = "testnet generate --out net --hosts 127.0.0.1 --dev";
    desk.call(generate, 0, &[]);
    let home = desk.directory.path().join("net/node0");
    let set = ["--rpc-listen", "127.0.0.1:0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0"];
    let run = Command::new(env!("CARGO_BIN_EXE_logothete"))
        .args(["run", "--json", "--home"])
        .arg(&home)
        .args(set)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    ask_to_stop(&home.join("data/admin.sock"));
    let output = run.wait_with_output().unwrap();
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(desk.schema.is_valid(&envelope), "{envelope}");
    assert_eq!((output.status.code(), &envelope["success"]), (Some(0), &Value::Bool(true)));
}

/// Asks as soon as the node listens for it.
fn ask_to_stop(socket: &Path) {
    use logothete_node::admin::{self, AdminError, Request};
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        match admin::ask(socket, &Request::Shutdown {}) {
            Ok(_) => return,
            Err(AdminError::Unreachable { .. }) if std::time::Instant::now() < deadline => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
}
