//! `testnet generate`: the directories of a whole network, one per host.

mod compose;
mod systemd;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use logothete_genesis::dev;
use logothete_genesis::network_files::{self, Keys, NodeOptions, Options, Role};
use logothete_genesis::spec::AccountSpec;
use logothete_ledger::params::ChainParams;
use logothete_primitives::Amount;
use serde_json::json;

use super::context::Context;
use super::output::{Failure, Outcome, Reply, table};
use super::{genesis, passphrase};

/// Files for a network of many machines.
#[derive(Debug, Subcommand)]
pub enum Testnet {
    /// Write genesis, keys and configuration of every node; copy each directory to its host and run it there.
    #[command(
        after_help = "Examples:\n  logothete testnet generate --out net --hosts 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 --dev\n  \
        logothete testnet generate --out net --hosts a.example.org,b.example.org,c.example.org,d.example.org \\\n    \
        --account lgt1…=1000000 --fee-account lgt1… --passphrase-file pass.txt --systemd\n  \
        logothete testnet generate --out net --hosts v0,v1,v2,v3 --dev --compose"
    )]
    Generate(Generate),
}

/// Arguments of `testnet generate`.
#[derive(Args, Debug)]
pub struct Generate {
    /// Directory to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Hosts of the validators, comma-separated, each with an optional port for peers: 10.0.0.1:26600.
    #[arg(long, value_delimiter = ',', required = true)]
    hosts: Vec<String>,
    /// Hosts of followers, in the same form.
    #[arg(long, value_delimiter = ',')]
    followers: Vec<String>,
    /// Name of the chain, for people.
    #[arg(long, default_value = "testnet")]
    name: String,
    /// Port for peers where a host names none.
    #[arg(long, default_value_t = 26600)]
    p2p_port: u16,
    /// Address of JSON-RPC on every host; 0.0.0.0 opens it to the network [default: 127.0.0.1; with --compose 0.0.0.0].
    #[arg(long, value_name = "IP")]
    rpc_ip: Option<IpAddr>,
    /// Port of JSON-RPC; nodes on one host count up from it.
    #[arg(long, default_value_t = 8080)]
    rpc_port: u16,
    /// Accounts with coins: an address, or the name or path of a key file, and the amount.
    #[arg(long, value_name = "ACCOUNT=AMOUNT")]
    account: Vec<String>,
    /// The account that fees go to, named in the same way; a development chain has one of its own.
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "dev")]
    fee_account: Option<String>,
    /// A development chain: known accounts with coins, plain keys, faucet.
    #[arg(long)]
    dev: bool,
    /// Derive the keys from a seed (development chains).
    #[arg(long, requires = "dev")]
    seed: Option<u64>,
    /// File with the passphrase of all keys; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Write docker-compose.yml too: all nodes as containers of one machine; --hosts names the services.
    #[arg(long)]
    compose: bool,
    /// Write a unit for systemd into each directory too.
    #[arg(long, conflicts_with = "compose")]
    systemd: bool,
}

/// Writes the directories.
///
/// # Errors
/// A host or account that cannot be read; something in the way; the file system.
pub fn perform(context: &Context, command: Testnet) -> Outcome {
    let Testnet::Generate(wish) = command;
    let nodes = nodes(&wish)?;
    if wish.compose {
        compose::check(&nodes)?;
        refuse_unreadable_secret(&wish)?;
    }
    let accounts = accounts(context, &wish)?;
    let fee_account = match &wish.fee_account {
        Some(named) => context.address(named)?,
        None => dev::treasury().address,
    };
    let keys = match (wish.dev, wish.seed) {
        (true, Some(seed)) => Keys::Seeded(seed),
        (true, None) => Keys::Plain,
        (false, _) => Keys::Sealed(passphrase::for_new_key(wish.passphrase_file.as_deref())?),
    };
    let options = Options {
        chain_name: wish.name.clone(),
        timestamp: genesis::now(),
        params: ChainParams { dev: wish.dev, fee_account, ..ChainParams::default() },
        nodes,
        accounts,
        keys,
    };
    let network = network_files::generate(&options, &wish.out)?;
    let deployment = deployment(&wish, &options.nodes)?;
    let rows: Vec<Vec<String>> = network
        .nodes
        .iter()
        .zip(&options.nodes)
        .map(|(home, node)| {
            vec![node.name.clone(), node.host.clone(), home.home.display().to_string()]
        })
        .collect();
    let chain = network.spec.chain_id();
    let mut text = format!(
        "chain {} ({chain})\n{}on each host: logothete run --home DIR   {}",
        network.spec.chain_name,
        table(&["node", "host", "directory"], &rows),
        context.printer.faint("(DIR is its directory, copied there; the key in it is secret)"),
    );
    for file in &deployment {
        text.push_str(&format!("\n{}: its first lines say how it is used", file.display()));
    }
    let nodes: Vec<_> = network
        .nodes
        .iter()
        .map(|node| json!({ "name": node.name, "home": node.home, "key": node.key }))
        .collect();
    Ok(Reply::new(
        json!({ "chain_id": chain, "genesis": network.genesis, "nodes": nodes, "deployment": deployment }),
        text,
    ))
}

/// The secret is a file that Compose mounts.
fn refuse_unreadable_secret(wish: &Generate) -> Result<(), Failure> {
    if wish.dev || wish.passphrase_file.is_some() {
        return Ok(());
    }
    Err(Failure::usage("--compose: the containers read the passphrase of their keys from a file")
        .with_hint("name it with --passphrase-file; keep it where the compose file finds it"))
}

/// Writes what runs the nodes; gives the files.
fn deployment(wish: &Generate, nodes: &[NodeOptions]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    if wish.compose {
        let passphrase = wish.passphrase_file.as_deref().filter(|_| !wish.dev);
        let passphrase = passphrase.map(std::path::absolute).transpose()?;
        let owner = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let compose = compose::Compose { passphrase: passphrase.as_deref(), owner };
        files.push((wish.out.join("docker-compose.yml"), compose.text(nodes)));
    }
    if wish.systemd {
        for (index, node) in nodes.iter().enumerate() {
            let file = wish.out.join(format!("node{index}")).join(systemd::name(node));
            files.push((file, systemd::text(node, !wish.dev)));
        }
    }
    for (file, text) in &files {
        std::fs::write(file, text)?;
    }
    Ok(files.into_iter().map(|(file, _)| file).collect())
}

fn accounts(context: &Context, wish: &Generate) -> Result<Vec<AccountSpec>, Failure> {
    let mut accounts = Vec::new();
    if wish.dev {
        let balance = Amount::new(1_000_000_000_000);
        accounts.extend(dev::accounts().map(|account| AccountSpec {
            address: account.address,
            balance,
            name: Some(account.name.to_owned()),
        }));
    }
    for text in &wish.account {
        let bad = |why: String| Failure::usage(format!("--account {text}: {why}"));
        let (address, balance) =
            text.rsplit_once('=').ok_or_else(|| bad("not ACCOUNT=AMOUNT".into()))?;
        let address = context.address(address)?;
        let balance = balance.parse().map_err(|error| bad(format!("{error}")))?;
        accounts.push(AccountSpec { address, balance, name: None });
    }
    Ok(accounts)
}

fn nodes(wish: &Generate) -> Result<Vec<NodeOptions>, Failure> {
    let validators = wish.hosts.iter().map(|host| (host, Role::Validator { power: 1 }, "v"));
    let followers = wish.followers.iter().map(|host| (host, Role::Follower, "f"));
    let mut nodes: Vec<NodeOptions> = Vec::new();
    let open = wish.compose.then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let rpc_ip = wish.rpc_ip.or(open).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    for (text, role, prefix) in validators.chain(followers) {
        let (host, given) = split_host(text)?;
        // Nodes on one host must not meet on a port.
        let neighbours = nodes.iter().filter(|node| node.host == host).count();
        let neighbours =
            u16::try_from(neighbours).map_err(|_| Failure::usage("too many nodes on one host"))?;
        let number = nodes.iter().filter(|node| node.name.starts_with(prefix)).count();
        nodes.push(NodeOptions {
            name: format!("{prefix}{number}"),
            role,
            host,
            p2p_port: given.unwrap_or_else(|| wish.p2p_port.saturating_add(neighbours)),
            rpc: SocketAddr::new(rpc_ip, wish.rpc_port.saturating_add(neighbours)),
        });
    }
    Ok(nodes)
}

/// `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
fn split_host(text: &str) -> Result<(String, Option<u16>), Failure> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Ok((socket.ip().to_string(), Some(socket.port())));
    }
    match text.rsplit_once(':') {
        None => Ok((text.to_owned(), None)),
        Some((host, port)) => {
            let port = port
                .parse()
                .map_err(|_| Failure::usage(format!("{text}: {port} is not a port")))?;
            Ok((host.to_owned(), Some(port)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_port() {
        assert_eq!(split_host("10.0.0.1").unwrap(), ("10.0.0.1".into(), None));
        assert_eq!(split_host("10.0.0.1:9").unwrap(), ("10.0.0.1".into(), Some(9)));
        assert_eq!(split_host("::1").unwrap(), ("::1".into(), None));
        assert_eq!(split_host("[::1]:9").unwrap(), ("::1".into(), Some(9)));
        assert_eq!(split_host("a.example.org:9").unwrap(), ("a.example.org".into(), Some(9)));
        assert!(split_host("a.example.org:x").is_err());
    }
}
