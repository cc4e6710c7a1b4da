//! The command line as a user and as a script meet it: envelopes, exit codes, files.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const VALIDATION: i32 = 2;
const UNSAFE: i32 = 8;

/// Runs the binary with a home of its own, so that nothing of the user's is read or written.
fn logothete(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_logothete"))
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("LOGOTHETE_PASSPHRASE", "correct horse")
        .output()
        .unwrap()
}

/// Runs with `--json` and gives exit code and envelope.
fn json(home: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut with_json = arguments.to_vec();
    with_json.push("--json");
    let output = logothete(home, &with_json);
    let text = String::from_utf8(output.stdout).unwrap();
    let envelope: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{arguments:?} printed no envelope ({error}): {text}"));
    assert_eq!(envelope["schema_version"], 1);
    assert!(envelope["errors"].is_array());
    assert_eq!(envelope["success"], output.status.success());
    (output.status.code().unwrap(), envelope)
}

fn new_key(home: &Path, name: &str) -> (String, String) {
    let (code, envelope) = json(home, &["keys", "new", name]);
    assert_eq!(code, 0, "{envelope}");
    let text = |field: &str| envelope["data"][field].as_str().unwrap().to_owned();
    (text("address"), text("validator"))
}

#[test]
fn version_and_misuse_keep_the_envelope() {
    let home = tempfile::tempdir().unwrap();
    let (code, envelope) = json(home.path(), &["version"]);
    assert_eq!((code, envelope["data"]["version"].as_str()), (0, Some(env!("CARGO_PKG_VERSION"))));
    let (code, envelope) = json(home.path(), &["tx", "snd"]);
    assert_eq!((code, envelope["errors"][0]["code"].as_str()), (VALIDATION, Some("usage")));
}

#[test]
fn no_node_is_an_error_with_a_hint() {
    let home = tempfile::tempdir().unwrap();
    // Port 1 is nobody's.
    let (code, envelope) = json(home.path(), &["status", "--url", "http://127.0.0.1:1"]);
    assert_eq!(code, 1);
    assert_eq!(envelope["errors"][0]["code"], "unreachable");
    assert!(envelope["errors"][0]["hint"].as_str().unwrap().contains("logothete devnet"));
}

#[test]
fn an_unknown_key_is_refused_with_what_was_meant() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "[rpc]\nlsten = \"127.0.0.1:1\"\n").unwrap();
    let (code, envelope) = json(home.path(), &["config", "check"]);
    assert_eq!((code, envelope["errors"][0]["code"].as_str()), (VALIDATION, Some("bad_config")));
    let message = envelope["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("did you mean `rpc.listen`?"), "{message}");
    // `run` refuses the same file, before it touches anything.
    let (code, _) = json(home.path(), &["run"]);
    assert_eq!(code, VALIDATION);
}

#[test]
fn config_show_says_where_values_come_from() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "role = \"follower\"\n").unwrap();
    let (code, envelope) = json(home.path(), &["config", "show", "--log-level", "debug"]);
    assert_eq!(code, 0);
    assert!(envelope["data"]["role"]["origin"].as_str().unwrap().ends_with("config.toml"));
    assert_eq!(envelope["data"]["log.level"]["origin"], "--log-level");
    assert_eq!(envelope["data"]["rpc.listen"]["origin"], "default");
}

#[test]
fn keys_are_made_sealed_and_revealed_only_on_demand() {
    let home = tempfile::tempdir().unwrap();
    let (address, _) = new_key(home.path(), "anna");
    let file = home.path().join(".local/share/logothete/keys/anna.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (code, _) = json(home.path(), &["keys", "new", "anna"]);
    assert_eq!(code, 1, "a key is never overwritten");
    let (_, envelope) = json(home.path(), &["keys", "list"]);
    assert_eq!(envelope["data"][0]["address"], address.as_str());
    let (code, _) = json(home.path(), &["keys", "export", "anna"]);
    assert_eq!(code, VALIDATION);

    let (_, envelope) = json(home.path(), &["keys", "export", "anna", "--reveal"]);
    let seed = envelope["data"]["seed"].as_str().unwrap();
    std::fs::write(home.path().join("seed"), seed).unwrap();
    let (_, envelope) = json(home.path(), &["keys", "import", "copy", "--seed-file", "seed"]);
    assert_eq!(envelope["data"]["address"], address.as_str());
}

#[test]
fn a_chain_file_is_built_step_by_step() {
    let home = tempfile::tempdir().unwrap();
    let (address, validator) = new_key(home.path(), "anna");
    let init = ["genesis", "init", "--name", "test", "--fee-account", &address];
    assert_eq!(json(home.path(), &init).0, 0);
    let (code, envelope) = json(home.path(), &["genesis", "validate"]);
    assert_eq!((code, envelope["errors"][0]["code"].as_str()), (VALIDATION, Some("bad_genesis")));
    assert!(!envelope["data"]["faults"].as_array().unwrap().is_empty());

    let add = ["genesis", "add-account", "genesis.toml", &address, "1000", "--name", "anna"];
    assert_eq!(json(home.path(), &add).0, 0);
    let add = ["genesis", "add-validator", "genesis.toml", "v0", &validator];
    let (code, envelope) = json(home.path(), &add);
    assert_eq!((code, envelope["data"]["faults"].as_array().unwrap().len()), (0, 0), "{envelope}");
    let (code, hash) = json(home.path(), &["genesis", "hash"]);
    assert_eq!(code, 0);
    assert_eq!(hash["data"]["chain_id"], envelope["data"]["chain_id"]);

    // A plain key is for development chains only; a follower with a sealed one is made.
    let (code, _) =
        json(home.path(), &["init", "--home", "f", "--genesis", "genesis.toml", "--plain"]);
    assert_eq!(code, UNSAFE);
    let (code, envelope) = json(home.path(), &["init", "--home", "f", "--genesis", "genesis.toml"]);
    assert_eq!(code, 0, "{envelope}");
    assert_eq!(json(home.path(), &["config", "check", "--home", "f"]).0, 0);
}

#[test]
fn a_network_of_many_hosts_is_generated() {
    let home = tempfile::tempdir().unwrap();
    let hosts = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4";
    let generate =
        ["testnet", "generate", "--out", "net", "--hosts", hosts, "--dev", "--seed", "3"];
    let (code, envelope) = json(home.path(), &generate);
    assert_eq!(code, 0, "{envelope}");
    for node in 0..4 {
        let directory = format!("net/node{node}");
        assert_eq!(json(home.path(), &["config", "check", "--home", &directory]).0, 0);
    }
    assert_eq!(json(home.path(), &["genesis", "validate", "net/genesis.toml"]).0, 0);
    assert_ne!(json(home.path(), &generate).0, 0, "nothing is overwritten");
}

#[test]
fn what_runs_a_network_is_written_with_it() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("pass.txt"), "correct horse\n").unwrap();
    let generate = ["testnet", "generate", "--hosts", "v0,v1,v2,v3", "--dev", "--compose"];
    let with = |more: &[&'static str]| [&generate[..], more].concat();
    let (code, envelope) = json(home.path(), &with(&["--out", "net"]));
    assert_eq!(code, 0, "{envelope}");
    assert_eq!(envelope["data"]["deployment"][0], "net/docker-compose.yml");
    let text = std::fs::read_to_string(home.path().join("net/docker-compose.yml")).unwrap();
    for node in 0..4 {
        assert!(text.contains(&format!("  \"v{node}\":\n    <<: *node\n")), "{text}");
        assert!(text.contains(&format!("[\"./node{node}:/var/lib/logothete\"]")), "{text}");
        assert!(text.contains(&format!("[\"127.0.0.1:{}:8080\"]", 8080 + node)), "{text}");
    }
    assert!(!text.contains("secrets"), "development keys are plain: {text}");
    let config = std::fs::read_to_string(home.path().join("net/node0/config.toml")).unwrap();
    assert!(config.contains("listen = \"0.0.0.0:8080\""), "{config}");

    let addresses = ["testnet", "generate", "--hosts", "10.0.0.1", "--dev", "--compose"];
    let (code, envelope) = json(home.path(), &[&addresses[..], &["--out", "no"]].concat());
    assert_eq!(code, VALIDATION);
    assert!(envelope["errors"][0]["hint"].as_str().unwrap().contains("v0,v1"), "{envelope}");
    assert!(!home.path().join("no").exists(), "nothing is written before the check");
}

#[test]
fn a_unit_for_systemd_is_written_for_each_node() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("pass.txt"), "correct horse\n").unwrap();
    let (address, _) = new_key(home.path(), "anna");
    let account = format!("{address}=1000000");
    let generate = [
        "testnet",
        "generate",
        "--out",
        "net",
        "--hosts",
        "10.0.0.1,10.0.0.2",
        "--systemd",
        "--account",
        &account,
        "--fee-account",
        &address,
        "--passphrase-file",
        "pass.txt",
    ];
    let (code, envelope) = json(home.path(), &generate);
    assert_eq!(code, 0, "{envelope}");
    let unit = home.path().join("net/node1/logothete-v1.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    for line in [
        "ExecStart=/usr/local/bin/logothete run --home %S/logothete/v1 --passphrase-file %d/passphrase",
        "LoadCredential=passphrase:/etc/logothete/v1.passphrase",
        "StateDirectory=logothete/v1",
        "Restart=on-failure",
        "RestartPreventExitStatus=2 8",
        "LimitNOFILE=65536",
        "ProtectSystem=strict",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    understood_by_systemd(&unit);
}

/// Where systemd is installed, it knows every key and value; the program and its user are not on this machine.
fn understood_by_systemd(unit: &Path) {
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(unit).output() else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    for fault in ["Unknown key", "Unknown section", "Failed to parse", "Invalid"] {
        assert!(!said.contains(fault), "{said}");
    }
}

#[test]
fn a_key_is_sealed_anew_and_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let (address, _) = new_key(home.path(), "anna");
    std::fs::write(home.path().join("new.txt"), "battery staple\n").unwrap();
    let rotate = ["keys", "rotate", "anna", "--new-passphrase-file", "new.txt"];
    let (code, envelope) = json(home.path(), &rotate);
    assert_eq!((code, &envelope["data"]["address"]), (0, &address.as_str().into()));
    assert_ne!(json(home.path(), &rotate).0, 0, "the old passphrase opens nothing");
    let export = ["keys", "export", "anna", "--reveal", "--passphrase-file", "new.txt"];
    assert_eq!(json(home.path(), &export).0, 0);
    assert_eq!(json(home.path(), &["keys", "rotate", "anna"]).0, VALIDATION, "no new passphrase");
    let (code, envelope) = json(home.path(), &["keys", "rotate", "anna", "--new-key"]);
    assert_eq!((code, envelope["errors"][0]["code"].as_str()), (UNSAFE, Some("unsafe")));
    assert!(envelope["errors"][0]["message"].as_str().unwrap().contains("governance"));
}

#[test]
fn a_devnet_that_is_not_there_is_told() {
    let home = tempfile::tempdir().unwrap();
    for verb in [&["devnet", "status"][..], &["devnet", "kill", "v3"], &["devnet", "down"]] {
        let (code, envelope) = json(home.path(), verb);
        assert_eq!((code, envelope["errors"][0]["code"].as_str()), (1, Some("no_devnet")));
    }
}

#[test]
fn completions_know_the_command_tree() {
    let home = tempfile::tempdir().unwrap();
    let output = logothete(home.path(), &["completions", "bash"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("devnet"));
}
