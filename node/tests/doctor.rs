//! `doctor` in a home whose node never ran: every fault that can be made there is found, and nothing is called good that was not
//! looked at.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use logothete_node::devnet::ports::Ports;
use serde_json::Value;

const PASSPHRASE: &str = "correct horse";

/// The first home of a network that was generated for four hosts, with ports that nobody else uses.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        let mut ports = Ports::default();
        let [p2p, rpc] = [(); 2].map(|()| ports.choose(0).unwrap().address.port().to_string());
        drop(ports);
        let hosts = "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4";
        let generate = ["testnet", "generate", "--out", "net", "--dev", "--hosts", hosts];
        let chosen = ["--p2p-port", p2p.as_str(), "--rpc-port", rpc.as_str()];
        let generated = home.logothete(&[&generate[..], &chosen[..]].concat());
        assert!(generated.status.success(), "{generated:?}");
        home
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("net/node0")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logothete"));
        command.args(arguments);
        self.alone(command)
    }

    /// Nothing of the user's is read or written.
    fn alone(&self, mut command: Command) -> Command {
        command.current_dir(self.directory.path()).env_clear().env("HOME", self.directory.path());
        command.env("LOGOTHETE_PASSPHRASE", PASSPHRASE).env("PATH", "/usr/bin:/bin");
        command
    }

    fn logothete(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code and findings of `doctor`, with flags of its own.
    fn doctor(&self, flags: &[&str]) -> (i32, Findings) {
        let mut arguments = vec!["doctor", "--home", "net/node0", "--wait", "1", "--json"];
        arguments.extend(flags);
        Findings::of(&self.logothete(&arguments))
    }
}

/// Verdict, detail and advice by name of the check.
#[derive(Debug)]
struct Findings(BTreeMap<String, Value>);

impl Findings {
    fn of(output: &Output) -> (i32, Self) {
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = envelope["data"]["checks"].as_array().unwrap_or_else(|| panic!("{envelope}"));
        let named =
            checks.iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone()));
        (output.status.code().unwrap(), Self(named.collect()))
    }

    fn verdict(&self, name: &str) -> &str {
        self.0[name]["verdict"].as_str().unwrap()
    }

    /// What is advised against the only fault there is.
    fn only_fault(&self, name: &str) -> String {
        let faults: Vec<&String> = self
            .0
            .iter()
            .filter(|(_, one)| one["verdict"] == "fault")
            .map(|(name, _)| name)
            .collect();
        assert_eq!(faults, [name], "{self:#?}");
        self.0[name]["advice"].as_str().unwrap().to_owned()
    }
}

#[test]
fn what_cannot_be_looked_at_is_never_called_good() {
    let home = Home::new();
    let (code, found) = home.doctor(&[]);
    assert_eq!(code, 0, "{found:#?}");
    for name in ["configuration", "genesis", "key_file", "ports", "database"] {
        assert_eq!(found.verdict(name), "ok", "{found:#?}");
    }
    // Three peers are configured, and none runs.
    assert_eq!(found.verdict("peers"), "warning");
    for name in ["chain", "clock", "key_elsewhere"] {
        assert_eq!(found.verdict(name), "not_checked", "{found:#?}");
    }
}

#[test]
fn a_key_that_others_may_read_is_a_fault_and_keeps_the_node_from_starting() {
    let home = Home::new();
    let key = home.path().join("key.json");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let (code, found) = home.doctor(&[]);
    assert_eq!(code, 1);
    assert!(found.only_fault("key_file").contains("chmod 600"));
    let refused = home.logothete(&["run", "--home", "net/node0"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("chmod 600"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_and_keeps_the_node_from_starting() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, found) = home.doctor(&["--rpc-listen", &address]);
    assert_eq!(code, 1);
    assert!(found.only_fault("ports").contains("ss -ltnp"));
    assert!(found.0["ports"]["detail"].as_str().unwrap().contains(&address));
    let run = ["run", "--home", "net/node0", "--rpc-listen", &address, "--json"];
    let refused = home.logothete(&run);
    let envelope: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{envelope}");
    assert_eq!(envelope["errors"][0]["code"], "ports");
    assert!(envelope["errors"][0]["hint"].as_str().unwrap().contains("another port"));
}

#[test]
fn too_few_file_handles_are_a_fault() {
    let home = Home::new();
    let mut limited = Command::new("bash");
    limited.args(["-c", "ulimit -n 1000 && exec \"$@\"", "bash"]);
    limited.arg(env!("CARGO_BIN_EXE_logothete"));
    limited.args(["doctor", "--home", "net/node0", "--wait", "1", "--json"]);
    let (code, found) = Findings::of(&home.alone(limited).output().unwrap());
    assert_eq!(code, 1);
    assert!(found.only_fault("file_handles").contains("ulimit"));
}

#[test]
fn a_key_of_nobody_and_an_address_that_is_none_are_faults() {
    let home = Home::new();
    let (_, found) = home.doctor(&["--bootstrap", "127.0.0.1:26600"]);
    assert!(found.only_fault("configuration").contains("config show"));

    let new_key = home.logothete(&["keys", "new", "stranger"]);
    assert!(new_key.status.success());
    let stranger = home.directory.path().join(".local/share/logothete/keys/stranger.json");
    std::fs::copy(stranger, home.path().join("key.json")).unwrap();
    let (_, found) = home.doctor(&[]);
    assert!(found.only_fault("key_file").contains("--role follower"));
    assert_eq!(found.verdict("key_elsewhere"), "not_checked");
}

#[test]
fn a_chain_file_that_is_not_there_leaves_the_rest_unchecked() {
    let home = Home::new();
    let genesis = toml_text(&home.path().join("config.toml"), "genesis");
    std::fs::remove_file(home.path().join(genesis)).unwrap();
    let (code, found) = home.doctor(&[]);
    assert_eq!(code, 1);
    found.only_fault("genesis");
    for name in ["database", "chain", "clock", "key_elsewhere"] {
        assert_eq!(found.verdict(name), "not_checked");
    }
}

/// The value of a key of the section `[paths]`.
fn toml_text(path: &Path, key: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["paths"][key].as_str().unwrap().to_owned()
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_as_everywhere() {
    let home = Home::new();
    let refused = home.logothete(&["doctor", "--home", "net/node0", "--set", "rpc.lsten=1"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean `rpc.listen`?"));
}
