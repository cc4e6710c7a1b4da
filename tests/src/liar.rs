//! A connection with the key of a validator that does not run: what comes over it, that validator says.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use logothete_genesis::dev;
use logothete_node::recover;
use logothete_p2p::{Bytes, Config, Inbound, Lane, Network, NetworkTask, PeerEvent, Role};
use logothete_primitives::{PublicKey, SecretKey};

use crate::network::TestNet;

/// Bound for the connection.
const SOON: Duration = Duration::from_secs(30);

/// One who has the key of a validator, connected to another.
pub struct Liar {
    network: Arc<dyn Network>,
    target: PublicKey,
    task: NetworkTask,
    _inbound: Inbound,
}

/// The key of a validator.
pub fn key(index: u16) -> SecretKey {
    dev::validator_key(7, index)
}

impl Liar {
    /// Connects to a validator as another one.
    ///
    /// # Errors
    /// When no connection comes about.
    pub async fn connect(net: &TestNet, index: u16, to: usize) -> anyhow::Result<Self> {
        let genesis = recover::genesis_of(&net.spec);
        let validators = net.spec.validators.iter().map(|validator| validator.key).collect();
        let mut config = Config::new(genesis.chain, genesis.hash, validators, Role::Validator);
        config.listen = vec!["/ip4/127.0.0.1/tcp/0".parse()?];
        config.bootstrap = vec![net.peer_address(to).parse()?];
        let (network, mut inbound, task) = logothete_p2p::start(&key(index), config).await?;
        let target = net.spec.validators[to].key;
        while let Some(event) = tokio::time::timeout(SOON, inbound.peers.recv()).await? {
            if matches!(event, PeerEvent::Connected(peer) if peer.key == target) {
                return Ok(Self { network, target, task, _inbound: inbound });
            }
        }
        bail!("the network ended before it was connected")
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When it cannot be handed over.
    pub fn send(&self, lane: Lane, frame: Bytes) -> anyhow::Result<()> {
        Ok(self.network.send(&self.target, lane, frame)?)
    }

    /// Goes away.
    ///
    /// # Errors
    /// When the network does not stop.
    pub async fn leave(self) -> anyhow::Result<()> {
        Ok(self.task.stop().await?)
    }
}
