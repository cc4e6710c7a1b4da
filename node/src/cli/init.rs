//! `init`: the home directory of one node for a chain that exists.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use logothete_genesis::keystore::new_key;
use logothete_genesis::network_files::{
    Kept, KeyOrigin, NodeConfig, NodeFiles, Role, bootstrap_of,
};
use logothete_genesis::{KeyFile, Spec};
use serde_json::json;

use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply};
use super::passphrase;
use crate::devnet::create::multiaddress;
use crate::devnet::directory::Node;

/// Make the home directory of one node.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete init --home ./follower --genesis genesis.toml --role follower\n  \
    logothete init --home ./node0 --genesis genesis.toml --key-file ./v0-key.json --plain\n  \
    logothete init --home ./node0 --genesis genesis.toml --role validator --key-file ./v0-key.json --first-start\n\n\
    A validator's key must be in the chain file. A key made elsewhere may have signed before: the node then\n\
    joins as a learner and votes only when that is safe. A chain that begins has nobody to learn from: all who\n\
    found it say --first-start. Never say it of a key that ran on this chain, not even after its disk was\n\
    lost: it would sign again what it signed, which is evidence against you and can fork the chain."
)]
pub struct Init {
    /// The directory; must not exist.
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// What the node does.
    #[arg(long, value_parser = ["validator", "follower"], default_value = "follower")]
    role: String,
    /// Use this key instead of a new one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The key never ran on this chain, in any directory: the validator votes from the start.
    #[arg(long, requires = "key_file")]
    first_start: bool,
    /// Addresses for peers.
    #[arg(long, value_delimiter = ',', default_value = "/ip4/0.0.0.0/tcp/26600")]
    p2p_listen: Vec<String>,
    /// Peers to dial first; else those the chain file names.
    #[arg(long, value_delimiter = ',')]
    bootstrap: Vec<String>,
    /// Addresses others reach this node at, if not the ones it listens on.
    #[arg(long, value_delimiter = ',')]
    external: Vec<String>,
    /// Address of JSON-RPC.
    #[arg(long, default_value = "127.0.0.1:8080")]
    rpc_listen: SocketAddr,
    /// File with the passphrase of the key; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Keep the key in the clear. Only development chains accept it.
    #[arg(long)]
    plain: bool,
}

/// Writes the directory for the chain file of the global flag, or of the devnet.
///
/// # Errors
/// No or a bad chain file, a key that does not open or does not fit, something in the way.
pub fn perform(context: &Context, command: &Init) -> Outcome {
    let spec = context.spec()?.ok_or_else(|| {
        Failure::usage("which chain? no chain file was named").with_hint("use --genesis FILE")
    })?;
    if command.plain && !spec.params.dev {
        return Err(Failure::new(
            "plain_key",
            format!("{} is not a development chain", spec.chain_name),
        )
        .with_exit(Exit::UnsafeRefused)
        .with_hint("leave out --plain: the key is then sealed with a passphrase"));
    }
    let passphrase_file = command.passphrase_file.as_deref();
    let (key, origin) = match &command.key_file {
        None => (new_key()?, KeyOrigin::New),
        Some(path) => {
            let opened = passphrase::for_key(path, passphrase_file)?;
            let key = KeyFile::load(path, opened.as_ref().map(|text| text.as_str()))?;
            let unused = command.first_start;
            (key, if unused { KeyOrigin::New } else { KeyOrigin::Imported })
        }
    };
    let member = spec.validator_with(&key.public());
    let role = match (command.role.as_str(), member) {
        ("validator", Some(validator)) => Role::Validator { power: validator.power },
        ("validator", None) => {
            let message =
                format!("the key {} is not a validator of {}", key.public(), spec.chain_name);
            return Err(Failure::new("not_a_validator", message)
                .with_exit(Exit::Usage)
                .with_hint("name its key with --key-file, or use --role follower"));
        }
        _ => Role::Follower,
    };
    if command.first_start && role == Role::Follower {
        return Err(Failure::usage("--first-start: a follower never votes")
            .with_hint("leave it out, or say --role validator"));
    }
    let sealed = if command.plain { None } else { Some(passphrase::for_new_key(passphrase_file)?) };
    let kept = sealed.as_ref().map_or(Kept::Plain, |passphrase| Kept::Sealed(passphrase));
    let bootstrap = bootstrap(context, command, &spec);
    let config = NodeConfig {
        role,
        listen: command.p2p_listen.clone(),
        external: command.external.clone(),
        bootstrap,
        rpc: command.rpc_listen,
    };
    let files = NodeFiles { spec: &spec, key: &key, origin, kept, config };
    let home = files.write(&command.home)?;
    let data = json!({ "home": home.home, "key": home.key, "role": command.role, "chain_id": spec.chain_id() });
    let shown = home.home.display();
    let learns = matches!(role, Role::Validator { .. }) && origin == KeyOrigin::Imported;
    let learning = if learns {
        "\nit joins as a learner, because its key may have signed before; when the whole chain begins: --first-start"
    } else {
        ""
    };
    let text = format!(
        "{shown}: {} of {}{learning}\nrun it: logothete run --home {shown}",
        command.role, spec.chain_name
    );
    Ok(Reply::new(data, text))
}

/// The named peers, else those the chain file tells, else the devnet's nodes.
fn bootstrap(context: &Context, command: &Init, spec: &Spec) -> Vec<String> {
    if !command.bootstrap.is_empty() {
        return command.bootstrap.clone();
    }
    let told = bootstrap_of(spec);
    let devnet = context.devnet().filter(|state| state.chain_id == spec.chain_id().to_string());
    match devnet {
        Some(state) if told.is_empty() => {
            let peer = |node: &Node| format!("{}@{}", node.key, multiaddress(node.p2p));
            state.nodes.iter().map(peer).collect()
        }
        _ => told,
    }
}
