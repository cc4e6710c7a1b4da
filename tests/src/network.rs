//! A network of real processes on the loopback interface, with a fault proxy on every link.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use logothete_client::Client;
use logothete_client::rpc::method::{NodeStatusMethod, ValidatorsListMethod};
use logothete_client::rpc::types::{AtLeast, Empty, Mode, NodeStatus};
use logothete_genesis::fresh::FreshMarker;
use logothete_genesis::keystore::KeyFile;
use logothete_genesis::{Builder, Spec, dev};
use logothete_ledger::params::ChainParams;
use logothete_node::devnet::ports::Ports;
use logothete_node::devnet::process::last_lines;
use logothete_node::devnet::proxy::{self, Link, Links, Pair, Port};
use logothete_primitives::{Amount, Height, SecretKey, TimestampMs};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::disk::{Disk, Survivors};

mod other;

/// Balance of each account that a test network starts with.
pub const BALANCE: Amount = Amount::new(1_000_000_000_000);
/// File beside each data directory that records what the validator signed, over all its lives and wipes.
pub const SIGNED: &str = "signed.bin";
/// Variable that leaves the directories of a network, with the logs, for who looks for a fault.
const KEEP: &str = "LOGOTHETE_TEST_KEEP";
/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(50);

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of validators, each with power 1.
    pub validators: usize,
    /// Number of funded accounts.
    pub accounts: usize,
    /// Whether the links pass through fault proxies.
    pub proxied: bool,
    /// Whether the data directories lie on faulty disks.
    pub faulty_disks: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { validators: 4, accounts: 64, proxied: false, faulty_disks: false }
    }
}

/// One node: its directory, its addresses, its process if it runs.
#[derive(Debug)]
pub struct TestNode {
    /// Its name, `v0` and so on.
    pub name: String,
    /// Its directory.
    pub home: PathBuf,
    /// Where it serves JSON-RPC.
    pub rpc: SocketAddr,
    p2p: SocketAddr,
    disk: Option<Disk>,
    process: Option<Child>,
}

impl TestNode {
    /// The record of what it signed.
    pub fn signed(&self) -> PathBuf {
        self.home.join(SIGNED)
    }

    /// What it logged, over all its lives.
    pub fn log(&self) -> String {
        last_lines(&self.home.join("log"), usize::MAX)
    }
}

/// Networks of one test program take turns: two at a time would only measure how small the machine is.
static TURN: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));

/// A network under test. Its processes end with it.
pub struct TestNet {
    _turn: OwnedSemaphorePermit,
    directory: TempDir,
    /// The chain.
    pub spec: Spec,
    /// The validators, then the followers.
    pub nodes: Vec<TestNode>,
    /// The links between the validators, when they are proxied.
    pub links: Links,
    _proxies: JoinSet<()>,
}

/// The key of funded account `index`.
pub fn account_key(index: usize) -> SecretKey {
    let mut seed = [0x5a; 32];
    seed[..8].copy_from_slice(&(index as u64).to_le_bytes());
    SecretKey::from_seed(seed)
}

/// The program under test, built by the same cargo run as the test.
///
/// # Errors
/// When it was not built.
pub fn program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let release = test.parent().and_then(Path::parent).context("a test lies in target/…/deps")?;
    let program = release.join("logothete");
    ensure!(program.exists(), "{} is missing: build the workspace first", program.display());
    Ok(program)
}

impl TestNet {
    /// Writes the directories of a network and starts all its validators.
    ///
    /// # Errors
    /// When a file, a port or a process is not to be had.
    pub async fn start(plan: Plan) -> anyhow::Result<Self> {
        let mut net = Self::create(&plan).await?;
        for index in 0..plan.validators {
            net.start_node(index)?;
        }
        Ok(net)
    }

    /// Writes the directories of a network and starts nothing.
    ///
    /// # Errors
    /// When a file or a port is not to be had.
    pub async fn create(plan: &Plan) -> anyhow::Result<Self> {
        let turn = TURN.clone().acquire_owned().await?;
        let directory = tempfile::tempdir()?;
        let spec = chain(plan)?;
        let genesis = directory.path().join("genesis.toml");
        spec.write_new(&genesis)?;
        let mut ports = Ports::default();
        let mut nodes = Vec::new();
        for (index, validator) in (0u16..).zip(&spec.validators) {
            let home = directory.path().join(&validator.name);
            std::fs::create_dir_all(home.join("data"))?;
            KeyFile::create_plain_dev(&home.join("key.json"), &dev::validator_key(7, index))?;
            write_fresh_marker(&spec, usize::from(index), &home)?;
            let disk = plan.faulty_disks.then(|| Disk::new(&home)).transpose()?;
            nodes.push(TestNode {
                name: validator.name.clone(),
                home,
                rpc: ports.choose(0)?.address,
                p2p: ports.choose(0)?.address,
                disk,
                process: None,
            });
        }
        let links = Links::new(plan.validators);
        let _proxies = JoinSet::new();
        let mut net = Self { _turn: turn, directory, spec, nodes, links, _proxies };
        net.configure(plan.proxied, ports).await?;
        Ok(net)
    }

    /// The chosen ports are set free when this returns, for the nodes to take them.
    async fn configure(&mut self, proxied: bool, mut ports: Ports) -> anyhow::Result<()> {
        let mut proxies = Vec::new();
        for from in 0..self.nodes.len() {
            let mut bootstrap = Vec::new();
            for to in (0..self.nodes.len()).filter(|to| *to != from) {
                let mut address = self.nodes[to].p2p;
                if proxied {
                    let listen = ports.choose(0)?.address;
                    proxies.push(Port { pair: Pair { from, to }, listen, target: address });
                    address = listen;
                }
                bootstrap.push(format!(
                    "{}@{}",
                    self.spec.validators[to].key,
                    multiaddress(address)
                ));
            }
            self.write_config(from, "validator", &bootstrap, !proxied)?;
        }
        drop(ports);
        for port in proxies {
            self._proxies.spawn(proxy::serve(port, &self.links).await?);
        }
        Ok(())
    }

    fn write_config(
        &self,
        index: usize,
        role: &str,
        bootstrap: &[String],
        discover: bool,
    ) -> anyhow::Result<()> {
        let node = &self.nodes[index];
        let text = format!(
            "role = {role:?}\n[paths]\ndata = \"data\"\ngenesis = {genesis:?}\nkey = \"key.json\"\n\
             [p2p]\nlisten = [{listen:?}]\ndiscover = {discover}\nbootstrap = {bootstrap:?}\n\
             [rpc]\nlisten = {rpc:?}\n[audit]\nsigned = {signed:?}\n\
             [log]\nformat = \"text\"\nlevel = \"info,logothete_node=debug,logothete_p2p=debug\"\n",
            genesis = self.directory.path().join("genesis.toml").display().to_string(),
            listen = multiaddress(node.p2p),
            rpc = node.rpc.to_string(),
            signed = node.signed().display().to_string(),
        );
        Ok(std::fs::write(node.home.join("config.toml"), text)?)
    }

    /// Adds a follower that knows one address of the network, and starts it.
    ///
    /// # Errors
    /// When a file, a port or a process is not to be had.
    pub fn add_follower(&mut self, known: usize) -> anyhow::Result<usize> {
        let index = self.nodes.len();
        let home = self.directory.path().join(format!("f{index}"));
        std::fs::create_dir_all(home.join("data"))?;
        let key = dev::validator_key(99, u16::try_from(index)?);
        KeyFile::create_plain_dev(&home.join("key.json"), &key)?;
        let mut ports = Ports::default();
        let (rpc, p2p) = (ports.choose(0)?.address, ports.choose(0)?.address);
        drop(ports);
        let node =
            TestNode { name: format!("f{index}"), home, rpc, p2p, disk: None, process: None };
        self.nodes.push(node);
        let bootstrap = [multiaddress(self.nodes[known].p2p)];
        self.write_config(index, "follower", &bootstrap, true)?;
        self.start_node(index)?;
        Ok(index)
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn start_node(&mut self, index: usize) -> anyhow::Result<()> {
        self.start_with_fault(index, "")
    }

    /// Starts a node that does not run, with a fault of its disk ([`Disk`]); "" is none.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn start_with_fault(&mut self, index: usize, fault: &str) -> anyhow::Result<()> {
        self.spawn(index, |node, command| match &node.disk {
            Some(disk) => disk.put_under(command, fault),
            None => {
                ensure!(fault.is_empty(), "{} has no faulty disk", node.name);
                Ok(())
            }
        })
    }

    fn spawn(
        &mut self,
        index: usize,
        prepare: impl FnOnce(&TestNode, &mut Command) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let node = &mut self.nodes[index];
        let mut command = Command::new(program()?);
        prepare(node, &mut command)?;
        // Variables meant for the test must not leak into the node.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOGOTHETE_") {
                command.env_remove(name);
            }
        }
        let log = OpenOptions::new().create(true).append(true).open(node.home.join("log"))?;
        command.args(["run", "--home"]).arg(&node.home).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        node.process = Some(command.spawn()?);
        Ok(())
    }

    /// Kills a node as `kill -9` does.
    pub fn kill(&mut self, index: usize) {
        if let Some(mut process) = self.nodes[index].process.take() {
            // It may have ended by itself; it is waited for all the same.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Waits until a node has ended by itself.
    ///
    /// # Errors
    /// When it does not within `limit`.
    pub async fn wait_ended(
        &mut self,
        index: usize,
        limit: Duration,
    ) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.ended(index)? {
                return Ok(status);
            }
            sleep(POLL).await;
        }
        let node = &self.nodes[index];
        let log = last_lines(&node.home.join("log"), 40);
        bail!("{} still runs after {limit:?}\nlog:\n{log}", node.name)
    }

    /// Waits until a node that was started serves (true) or has ended by itself (false).
    ///
    /// # Errors
    /// When it does neither within `limit`.
    pub async fn serves_or_ends(&mut self, index: usize, limit: Duration) -> anyhow::Result<bool> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.ended(index)?.is_some() {
                return Ok(false);
            }
            if self.status(index).await.is_ok() {
                return Ok(true);
            }
            sleep(POLL).await;
        }
        bail!("{} neither serves nor ends", self.nodes[index].name)
    }

    fn ended(&mut self, index: usize) -> anyhow::Result<Option<ExitStatus>> {
        let node = &mut self.nodes[index];
        let status = node.process.as_mut().context("it was started")?.try_wait()?;
        if status.is_some() {
            node.process = None;
        }
        Ok(status)
    }

    /// Kills a node, takes from its faulty disk what a loss of power would, and says what that was.
    ///
    /// # Errors
    /// When it has no faulty disk, or files cannot be written.
    pub fn lose_power(
        &mut self,
        index: usize,
        survivors: &mut Survivors,
    ) -> anyhow::Result<String> {
        self.kill(index);
        let node = &self.nodes[index];
        node.disk.as_ref().context("it has a faulty disk")?.lose_power(survivors)
    }

    /// The faulty disk of a node.
    pub fn disk(&self, index: usize) -> Option<&Disk> {
        self.nodes[index].disk.as_ref()
    }

    /// Kills a node and removes everything but its key and its configuration.
    ///
    /// # Errors
    /// When the files cannot be removed.
    pub fn wipe(&mut self, index: usize) -> anyhow::Result<()> {
        self.kill(index);
        let data = self.nodes[index].home.join("data");
        std::fs::remove_dir_all(&data)?;
        Ok(std::fs::create_dir(data)?)
    }

    /// Kills a validator and makes it one that never signed, as it was before its first start.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn renew(&mut self, index: usize) -> anyhow::Result<()> {
        self.wipe(index)?;
        if let Some(disk) = &self.nodes[index].disk {
            disk.forget()?;
        }
        write_fresh_marker(&self.spec, index, &self.nodes[index].home)
    }

    /// A client of one node.
    ///
    /// # Errors
    /// When the address is none.
    pub fn client(&self, index: usize) -> anyhow::Result<Client> {
        Ok(Client::new(vec![format!("http://{}", self.nodes[index].rpc)])?)
    }

    /// What a node says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, index: usize) -> anyhow::Result<NodeStatus> {
        Ok(self.client(index)?.call_once::<NodeStatusMethod>(Empty {}).await?)
    }

    /// Waits until a condition on a node's status holds.
    ///
    /// # Errors
    /// When it does not within `limit`: with what was waited for, the last status and the end of the log.
    pub async fn wait_for(
        &self,
        index: usize,
        what: &str,
        limit: Duration,
        condition: impl Fn(&NodeStatus) -> bool,
    ) -> anyhow::Result<NodeStatus> {
        let deadline = Instant::now() + limit;
        let mut last = None;
        while Instant::now() < deadline {
            match self.status(index).await {
                Ok(status) if condition(&status) => return Ok(status),
                answer => last = Some(answer),
            }
            sleep(POLL).await;
        }
        let node = &self.nodes[index];
        let log = last_lines(&node.home.join("log"), 40);
        bail!("{} did not reach: {what} within {limit:?}\nlast: {last:#?}\nlog:\n{log}", node.name)
    }

    /// Waits until all running validators serve.
    ///
    /// # Errors
    /// When one does not.
    pub async fn wait_ready(&self) -> anyhow::Result<()> {
        for (index, _) in self.nodes.iter().enumerate().filter(|(_, node)| node.process.is_some()) {
            self.wait_for(index, "to serve", Duration::from_secs(30), |_| true).await?;
        }
        Ok(())
    }

    /// Waits until a validator votes.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wait_active(&self, index: usize, limit: Duration) -> anyhow::Result<NodeStatus> {
        self.wait_for(index, "to vote", limit, |status| matches!(status.mode, Mode::Active)).await
    }

    /// Waits until a node has executed a height.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wait_height(
        &self,
        index: usize,
        height: Height,
        limit: Duration,
    ) -> anyhow::Result<NodeStatus> {
        let what = format!("height {height}");
        self.wait_for(index, &what, limit, |status| status.height >= height).await
    }

    /// The validators as a node lists them.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn validators_of(&self, index: usize) -> anyhow::Result<usize> {
        Ok(self
            .client(index)?
            .call_once::<ValidatorsListMethod>(AtLeast::default())
            .await?
            .items
            .len())
    }

    /// Where a validator is reached: `KEY@MULTIADDRESS`.
    pub fn peer_address(&self, index: usize) -> String {
        format!("{}@{}", self.spec.validators[index].key, multiaddress(self.nodes[index].p2p))
    }

    /// A path in the directory of the network that no node uses.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a command of the program under test, with the chain file of this network.
    ///
    /// # Errors
    /// When it exits with another code than 0: with what it printed.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let genesis = self.directory.path().join("genesis.toml");
        let mut command = Command::new(program()?);
        command.args(arguments).arg("--genesis").arg(genesis);
        let output = command.output()?;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        ensure!(output.status.success(), "{arguments:?} failed: {text}");
        Ok(text)
    }

    /// The metrics of a node, as Prometheus reads them.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self, index: usize) -> anyhow::Result<String> {
        let url = format!("http://{}/metrics", self.nodes[index].rpc);
        Ok(reqwest::get(url).await?.error_for_status()?.text().await?)
    }

    /// The links of a node, both ways, get a new state.
    pub fn set_links_of(&self, node: usize, link: Link) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.links.set(Pair { from: node, to: other }, link);
            self.links.set(Pair { from: other, to: node }, link);
        }
    }
}

impl Drop for TestNet {
    fn drop(&mut self) {
        for index in 0..self.nodes.len() {
            self.kill(index);
        }
        if std::env::var_os(KEEP).is_some() {
            self.directory.disable_cleanup(true);
            eprintln!("kept: {}", self.directory.path().display());
        }
        // The harness shows what a test printed when it failed, be it by a panic or by an error, and only then.
        for node in &self.nodes {
            eprintln!("---- log of {}\n{}", node.name, last_lines(&node.home.join("log"), 200));
        }
    }
}

/// Declares that a key on a new directory never signed.
fn write_fresh_marker(spec: &Spec, index: usize, home: &Path) -> anyhow::Result<()> {
    let marker = FreshMarker { key: spec.validators[index].key, chain: spec.chain_id() };
    Ok(marker.write_new(&home.join("data"))?)
}

fn chain(plan: &Plan) -> anyhow::Result<Spec> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let timestamp = TimestampMs::new(u64::try_from(now.as_millis())?);
    let params =
        ChainParams { dev: true, fee_account: dev::treasury().address, ..ChainParams::default() };
    let mut builder = Builder::new("test", timestamp).params(params);
    for index in 0..u16::try_from(plan.validators)? {
        builder = builder.validator(format!("v{index}"), dev::validator_key(7, index).public(), 1);
    }
    for index in 0..plan.accounts {
        builder = builder.account(account_key(index).public().into(), BALANCE);
    }
    Ok(builder.build()?)
}

fn multiaddress(address: SocketAddr) -> String {
    format!("/ip4/{}/tcp/{}", address.ip(), address.port())
}
