//! `doctor` beside a network that runs: a home that is sound, and one for each fault that shows only there.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use logothete_node::admin::{self, Request};
use logothete_node::devnet::ports::Ports;
use logothete_tests::network::{Plan, TestNet, program};
use serde_json::Value;

const PATIENT: usize = 3;
/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);
const PASSPHRASE: &str = "planted-passphrase";
const TOKEN: &str = "planted-token-5c1e";

/// What `doctor` found, by name of the check.
#[derive(Debug)]
struct Findings {
    code: Option<i32>,
    checks: BTreeMap<String, Value>,
}

impl Findings {
    fn verdict(&self, name: &str) -> &str {
        self.checks.get(name).and_then(|check| check["verdict"].as_str()).unwrap_or_default()
    }

    fn expect(&self, name: &str, verdict: &str) -> anyhow::Result<&Value> {
        ensure!(self.verdict(name) == verdict, "{name} is not {verdict}: {self:#?}");
        Ok(&self.checks[name])
    }

    /// The detail and the advice of the only fault there is.
    fn only_fault(&self, name: &str) -> anyhow::Result<String> {
        let faults = self.checks.iter().filter(|(_, check)| check["verdict"] == "fault");
        let faults: Vec<&str> = faults.map(|(name, _)| name.as_str()).collect();
        ensure!(faults == [name], "{faults:?} are faults: {self:#?}");
        ensure!(self.code == Some(1), "a fault is no success: {self:#?}");
        Ok(format!("{}; {}", self.checks[name]["detail"], self.checks[name]["advice"]))
    }
}

fn doctor(home: &Path, flags: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.args(["doctor", "--json", "--home"]).arg(home).args(flags);
    if !flags.contains(&"--wait") {
        command.args(["--wait", "30"]);
    }
    command.env("LOGOTHETE_PASSPHRASE", PASSPHRASE);
    Ok(command)
}

fn findings(output: &Output) -> anyhow::Result<Findings> {
    let envelope: Value = serde_json::from_slice(&output.stdout)?;
    let checks = envelope["data"]["checks"].as_array().context("there are findings")?;
    let named = checks
        .iter()
        .map(|check| (check["name"].as_str().unwrap_or_default().to_owned(), check.clone()));
    Ok(Findings { code: output.status.code(), checks: named.collect() })
}

fn examined(home: &Path, flags: &[&str]) -> anyhow::Result<Findings> {
    findings(&doctor(home, flags)?.output()?)
}

/// A second home with the same key, as of somebody who moved a validator and let the old one run.
fn copy_of(net: &TestNet, index: usize, name: &str) -> anyhow::Result<PathBuf> {
    let from = &net.nodes[index].home;
    let to = from.with_file_name(name);
    std::fs::create_dir_all(to.join("data"))?;
    std::fs::copy(from.join("key.json"), to.join("key.json"))?;
    let mut ports = Ports::default();
    let (rpc, p2p) = (ports.choose(0)?.address, ports.choose(0)?.address);
    let text = std::fs::read_to_string(from.join("config.toml"))?;
    let lines = text.lines().scan("", |section, line| {
        if line.starts_with('[') {
            *section = if line == "[rpc]" { "[rpc]" } else { "" };
        }
        Some(match (line.starts_with("listen"), *section) {
            (true, "[rpc]") => format!("listen = {:?}", rpc.to_string()),
            (true, _) => format!("listen = [\"/ip4/{}/tcp/{}\"]", p2p.ip(), p2p.port()),
            _ => line.to_owned(),
        })
    });
    let text: Vec<String> = lines.collect();
    std::fs::write(to.join("config.toml"), text.join("\n"))?;
    Ok(to)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_found_beside_a_network_that_runs() -> anyhow::Result<()> {
    let plan = Plan { faulty_disks: true, ..Plan::default() };
    let mut net = TestNet::start(plan).await?;
    for index in 0..net.nodes.len() {
        net.wait_active(index, SOON).await?;
    }
    a_running_node_is_left_alone(&net)?;
    a_key_that_signs_elsewhere_is_a_fault(&net)?;
    another_chain_is_a_fault(&net)?;
    a_bundle_holds_no_secret(&net)?;
    stop(&mut net).await?;
    a_sound_home_is_called_so(&net)?;
    a_full_disk_is_a_fault(&net)?;
    a_damaged_database_is_a_fault(&net)
}

/// Stops the node in good order, so that its tables are written.
async fn stop(net: &mut TestNet) -> anyhow::Result<()> {
    let socket = net.nodes[PATIENT].home.join("data/admin.sock");
    tokio::task::spawn_blocking(move || admin::ask(&socket, &Request::Shutdown {})).await??;
    net.wait_ended(PATIENT, SOON).await?;
    Ok(())
}

fn a_running_node_is_left_alone(net: &TestNet) -> anyhow::Result<()> {
    let found = examined(&net.nodes[PATIENT].home, &[])?;
    ensure!(found.code == Some(0), "{found:#?}");
    found.expect("ports", "ok")?;
    found.expect("chain", "ok")?;
    found.expect("database", "not_checked")?;
    found.expect("key_elsewhere", "not_checked")?;
    Ok(())
}

fn a_key_that_signs_elsewhere_is_a_fault(net: &TestNet) -> anyhow::Result<()> {
    let copy = copy_of(net, PATIENT, "moved")?;
    let told = examined(&copy, &[])?.only_fault("key_elsewhere")?;
    ensure!(told.contains("do not start this node"), "{told}");
    // Nobody of the configuration can be met: what a node says that was named is enough.
    let url = format!("http://{}", net.nodes[0].rpc);
    let flags = ["--bootstrap", "/ip4/127.0.0.1/tcp/1", "--wait", "1", "--url", url.as_str()];
    let told = examined(&copy, &flags)?.only_fault("key_elsewhere")?;
    ensure!(told.contains(&url), "{told}");
    Ok(())
}

fn another_chain_is_a_fault(net: &TestNet) -> anyhow::Result<()> {
    let copy = copy_of(net, PATIENT, "other-chain")?;
    let mut spec = net.spec.clone();
    spec.chain_name.push_str("-2");
    spec.write_new(&copy.join("genesis.toml"))?;
    let genesis = copy.join("genesis.toml");
    let set = format!("paths.genesis={}", genesis.display());
    let found = examined(&copy, &["--set", &set, "--wait", "5"])?;
    let told = found.only_fault("chain")?;
    ensure!(told.contains("chain differs"), "{told}");
    found.expect("key_elsewhere", "not_checked")?;
    found.expect("clock", "not_checked")?;
    Ok(())
}

fn a_sound_home_is_called_so(net: &TestNet) -> anyhow::Result<()> {
    let found = examined(&net.nodes[PATIENT].home, &[])?;
    ensure!(found.code == Some(0), "{found:#?}");
    for name in ["key_file", "ports", "database", "peers", "chain", "clock", "key_elsewhere"] {
        found.expect(name, "ok")?;
    }
    Ok(())
}

fn a_full_disk_is_a_fault(net: &TestNet) -> anyhow::Result<()> {
    let mut command = doctor(&net.nodes[PATIENT].home, &["--wait", "1"])?;
    net.disk(PATIENT).context("it has a faulty disk")?.put_under(&mut command, "full 9000")?;
    let told = findings(&command.output()?)?.only_fault("disk_sync")?;
    ensure!(told.contains("make room"), "{told}");
    Ok(())
}

fn a_damaged_database_is_a_fault(net: &TestNet) -> anyhow::Result<()> {
    let database = net.nodes[PATIENT].home.join("data/db");
    let mut tables = 0;
    for entry in std::fs::read_dir(&database)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            let mut bytes = std::fs::read(&path)?;
            let at = bytes.len() / 8;
            bytes[at] ^= 1;
            std::fs::write(&path, bytes)?;
            tables += 1;
        }
    }
    ensure!(tables > 0, "a node that was stopped in good order has tables");
    let told = examined(&net.nodes[PATIENT].home, &["--wait", "1"])?.only_fault("database")?;
    ensure!(told.contains("leave `marks`"), "{told}");
    Ok(())
}

/// The seed of the key, a passphrase and a token lie in the home; the log has been told two of them.
fn a_bundle_holds_no_secret(net: &TestNet) -> anyhow::Result<()> {
    let home = &net.nodes[PATIENT].home;
    let key: Value = serde_json::from_str(&std::fs::read_to_string(home.join("key.json"))?)?;
    let seed = key["secret"]["seed"].as_str().context("a plain key has a seed")?;
    std::fs::write(home.join("token"), TOKEN)?;
    std::fs::write(home.join("passphrase"), PASSPHRASE)?;
    std::fs::write(
        home.join("node.log"),
        format!("careless {PASSPHRASE} and {seed}\nlast line\n"),
    )?;
    let file = home.join("bundle.tar");
    let flag = file.display().to_string();
    let found = examined(home, &["--wait", "1", "--bundle", &flag])?;
    ensure!(found.code == Some(0), "{found:#?}");
    let bytes = std::fs::read(&file)?;
    for secret in [seed, PASSPHRASE, TOKEN] {
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        ensure!(!is_there, "{secret} is in the bundle");
    }
    let mut entries = BTreeMap::new();
    for entry in tar::Archive::new(bytes.as_slice()).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        entries.insert(name.unwrap_or_default(), text);
    }
    let expected = [
        "configuration.json",
        "consensus.json",
        "doctor.json",
        "log.txt",
        "metrics.txt",
        "peers.json",
        "status.json",
        "version.json",
        "why.json",
    ];
    for name in expected {
        ensure!(entries.contains_key(name), "{name} is missing: {:?}", entries.keys());
    }
    ensure!(entries["log.txt"].contains("last line"), "{}", entries["log.txt"]);
    ensure!(entries["metrics.txt"].contains("logothete_store_family_bytes"), "sizes of families");
    ensure!(entries["configuration.json"].contains("config.toml"), "sources of values");
    // A file is never written over.
    let again = doctor(home, &["--wait", "1", "--bundle", &flag])?.output()?;
    ensure!(again.status.code() == Some(1), "{again:?}");
    ensure!(std::fs::read(&file)? == bytes, "the first bundle stays as it is");
    let nowhere = home.join("nowhere").join("bundle.tar").display().to_string();
    // It is told before the work: that would be ten minutes.
    let began = Instant::now();
    let refused = doctor(home, &["--wait", "600", "--bundle", &nowhere])?.output()?;
    ensure!(refused.status.code() == Some(1), "{refused:?}");
    ensure!(began.elapsed() < Duration::from_secs(300), "the file was tried after the work");
    Ok(())
}
