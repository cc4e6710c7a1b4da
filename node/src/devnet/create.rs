//! The files of a new devnet: chain file, keys that everybody knows, and a home for every node.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use logothete_genesis::{Builder, FreshMarker, KeyFile, Spec, dev};
use logothete_ledger::params::ChainParams;
use logothete_primitives::{Amount, TimestampMs};

use super::directory::{Directory, Node, State};
use super::ports::{Chosen, Ports};
use super::proxy::{Pair, Port};
use crate::cli::output::Failure;

/// Coins of every development account: a million.
const BALANCE: Amount = Amount::new(1_000_000_000_000);
/// Distance between the ports of JSON-RPC and those of peers.
const P2P_OFFSET: u16 = 1_000;

/// How a devnet is wished.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Number of validators.
    pub nodes: u16,
    /// What the validator keys are derived from.
    pub seed: u64,
}

/// Writes everything but the configurations, which depend on the ports of a run.
///
/// # Errors
/// A file cannot be written.
pub fn create(directory: &Directory, wish: Wish) -> Result<State, Failure> {
    let spec = chain("devnet", wish)?;
    std::fs::create_dir_all(directory.path())?;
    let chain = spec.chain_id();
    // From here on the directory is known as ours, and can be begun again if this fails on the way.
    directory.save(&State::new(
        chain.to_string(),
        spec.chain_name.clone(),
        wish.seed,
        Vec::new(),
    ))?;
    spec.replace(&directory.genesis())?;
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut nodes = Vec::new();
    for (index, validator) in (0..).zip(&spec.validators) {
        let home = directory.path().join(&validator.name);
        let data = home.join("data");
        std::fs::create_dir_all(&data)?;
        let key = dev::validator_key(wish.seed, index);
        KeyFile::create_plain_dev(&home.join("key.json"), &key)?;
        // Key and data directory are made together: this key has never signed on this new chain.
        FreshMarker { key: validator.key, chain }.write_new(&data)?;
        nodes.push(Node {
            name: validator.name.clone(),
            key: validator.key.to_string(),
            power: validator.power,
            home,
            rpc: nowhere,
            p2p: nowhere,
            process: None,
            stopped_at: None,
        });
    }
    Ok(State::new(chain.to_string(), spec.chain_name, wish.seed, nodes))
}

/// Gives every node its ports, as near to the wished ones as they are free; gives what was moved.
///
/// # Errors
/// No port is free.
pub fn assign_ports(
    state: &mut State,
    ports: &mut Ports,
    base: u16,
) -> io::Result<Vec<(String, Chosen)>> {
    let mut moved = Vec::new();
    for (index, node) in (0..).zip(&mut state.nodes) {
        let wished = |offset: u16| {
            if base == 0 { 0 } else { base.saturating_add(offset).saturating_add(index) }
        };
        let rpc = ports.choose(wished(0))?;
        let p2p = ports.choose(wished(P2P_OFFSET))?;
        (node.rpc, node.p2p) = (rpc.address, p2p.address);
        for chosen in [rpc, p2p] {
            if chosen.moved_from.is_some() {
                moved.push((node.name.clone(), chosen));
            }
        }
    }
    state.base_port = base;
    Ok(moved)
}

/// Writes the configuration of every node; with proxies, each dials every other through its own port.
///
/// # Errors
/// A file cannot be written, or no port is free.
pub fn configure(directory: &Directory, state: &State, ports: &mut Ports) -> io::Result<()> {
    let mut proxies = Vec::new();
    for (from, node) in state.nodes.iter().enumerate() {
        let mut bootstrap = Vec::new();
        for (to, other) in state.nodes.iter().enumerate().filter(|(to, _)| *to != from) {
            let mut address = other.p2p;
            if state.proxied {
                let listen = ports.choose(0)?.address;
                proxies.push(Port { pair: Pair { from, to }, listen, target: other.p2p });
                address = listen;
            }
            bootstrap.push(format!("{}@{}", other.key, multiaddress(address)));
        }
        let text = configuration(node, &directory.genesis(), &bootstrap, !state.proxied);
        std::fs::write(node.home.join("config.toml"), text)?;
    }
    if state.proxied {
        let text = serde_json::to_string_pretty(&proxies).map_err(io::Error::other)?;
        std::fs::write(directory.proxy_ports(), text)?;
    }
    Ok(())
}

/// A chain file for development whose name begins with `kind`.
///
/// # Errors
/// The system gives no randomness for the name.
pub fn chain(kind: &str, wish: Wish) -> Result<Spec, Failure> {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let timestamp = TimestampMs::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let mut unique = [0; 2];
    getrandom::fill(&mut unique).map_err(io::Error::other)?;
    let treasury = dev::treasury().address;
    let params = ChainParams { dev: true, fee_account: treasury, ..ChainParams::default() };
    let mut builder =
        Builder::new(format!("{kind}-{}", hex::encode(unique)), timestamp).params(params);
    for index in 0..wish.nodes {
        builder = builder.validator(
            format!("v{index}"),
            dev::validator_key(wish.seed, index).public(),
            1,
        );
    }
    for account in dev::accounts() {
        builder = builder.named_account(account.name, account.address, BALANCE);
    }
    Ok(builder.build()?)
}

fn configuration(node: &Node, genesis: &Path, bootstrap: &[String], discover: bool) -> String {
    let list =
        |items: &[String]| items.iter().map(|item| format!("  \"{item}\",\n")).collect::<String>();
    format!(
        "# Written by `logothete devnet up` at every start; run this node by hand with\n\
         #   logothete run --home {home}\n\
         role = \"validator\"\n\n\
         [paths]\ndata = \"data\"\ngenesis = {genesis}\nkey = \"key.json\"\n\n\
         [p2p]\nlisten = [\"{listen}\"]\ndiscover = {discover}\nbootstrap = [\n{bootstrap}]\n\n\
         [rpc]\nlisten = \"{rpc}\"\n\n\
         [log]\nformat = \"text\"\nlevel = \"info\"\n",
        home = node.home.display(),
        genesis = toml::Value::String(genesis.display().to_string()),
        listen = multiaddress(node.p2p),
        bootstrap = list(bootstrap),
        rpc = node.rpc,
    )
}

/// A socket address as libp2p writes it.
#[must_use]
pub fn multiaddress(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { "ip4" } else { "ip6" };
    format!("/{family}/{}/tcp/{}", address.ip(), address.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::{Config, Settings, Sources};

    #[test]
    fn the_written_files_are_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::at(dir.path().join("net"));
        let mut state = create(&directory, Wish { nodes: 4, seed: 7 }).unwrap();
        state.proxied = true;
        let mut ports = Ports::default();
        assert!(assign_ports(&mut state, &mut ports, 0).unwrap().is_empty());
        configure(&directory, &state, &mut ports).unwrap();

        let spec = Spec::load(&directory.genesis()).unwrap();
        assert_eq!(spec.chain_id().to_string(), state.chain_id);
        let file = state.nodes[2].home.join("config.toml");
        let settings =
            Settings::resolve(&Sources { file: Some(file), ..Sources::default() }).unwrap();
        let config = Config::from_settings(&settings);
        assert_eq!(config.rpc.listen, state.nodes[2].rpc);
        assert_eq!(config.p2p.bootstrap.len(), 3);
        assert!(!config.p2p.discover);
        assert_eq!(config.paths.genesis, directory.genesis());
        let key = KeyFile::load(&config.paths.key, None).unwrap();
        assert_eq!(key.public(), spec.validators[2].key);

        let text = std::fs::read_to_string(directory.proxy_ports()).unwrap();
        let proxies: Vec<Port> = serde_json::from_str(&text).unwrap();
        assert_eq!(proxies.len(), 12);
        for proxy in proxies {
            assert_eq!(proxy.target, state.nodes[proxy.pair.to].p2p);
        }
    }
}
