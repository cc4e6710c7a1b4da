//! Starting and stopping the real network.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    identity::Keypair,
    noise,
    swarm::{Config as SwarmConfig, SwarmEvent},
    tcp,
};
use logothete_primitives::{
    keys::{PublicKey, SecretKey},
    limits::MAX_GOSSIP_BYTES,
    numbers::Height,
};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    error::{NetworkError, RequestError, SendError},
    hub::Hub,
    identity,
    lane::Lane,
    network::{Inbound, Network},
    peer::{Ban, PeerFault, PeerInfo, Role},
};

use super::{
    behaviour::Behaviour,
    driver::{Driver, Intake},
    muxer,
};

/// Transactions of ours that may wait to be gossiped.
const PUBLISH_QUEUE: usize = 1024;

/// News of sessions that may wait for the driver.
const TOLD_QUEUE: usize = 1024;

/// A connection without a session and without streams is closed after this time.
const IDLE: Duration = Duration::from_secs(10);

/// The network's task. Dropping it leaves the network running.
#[derive(Debug)]
pub struct NetworkTask {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl NetworkTask {
    /// Takes leave of all peers and stops.
    pub async fn stop(self) -> Result<(), JoinError> {
        self.stop.cancel();
        self.task.await
    }

    /// Waits for the end of the network, which comes only with [`NetworkTask::stop`] or a panic.
    pub async fn finished(&mut self) -> Result<(), JoinError> {
        (&mut self.task).await
    }
}

/// Starts a network over libp2p. It listens when this returns.
pub async fn start(
    secret: &SecretKey,
    config: Config,
) -> Result<(Arc<dyn Network>, Inbound, NetworkTask), NetworkError> {
    let local = secret.public();
    check(&local, &config)?;
    let keypair = identity::keypair(secret);
    let (hub, inbound) = Hub::new(local, rand::random(), config);
    let (told, told_out) = mpsc::channel(TOLD_QUEUE);
    let behaviour = Behaviour::new(&keypair, &hub, told)?;
    let mut swarm = swarm(keypair, behaviour)?;
    let listening = listen(&mut swarm, &hub.config).await?;

    let (publish, published) = mpsc::channel(PUBLISH_QUEUE);
    let (verdicts, judged) = mpsc::channel(hub.config.limits.inbound_gossip);
    let listening = Arc::new(Mutex::new(listening));
    let intake = Intake { told: told_out, published, judged, verdicts };
    let stop = CancellationToken::new();
    let driver = Driver::new(swarm, Arc::clone(&hub), intake, Arc::clone(&listening));
    let task = tokio::spawn(driver.run(stop.clone()));
    let network = Live { hub, publish, listening };
    Ok((Arc::new(network), inbound, NetworkTask { stop, task }))
}

fn check(local: &PublicKey, config: &Config) -> Result<(), NetworkError> {
    if config.role == Role::Validator && !config.validators.contains(local) {
        return Err(NetworkError::NotAValidator(*local));
    }
    config.check()
}

fn swarm(keypair: Keypair, behaviour: Behaviour) -> Result<Swarm<Behaviour>, NetworkError> {
    let builder = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, muxer::Config::new)
        .map_err(|error| NetworkError::Transport(error.to_string()))?;
    #[cfg(feature = "quic")]
    let builder = builder.with_quic();
    let builder = builder
        .with_behaviour(|_| behaviour)
        .map_err(|error| NetworkError::Transport(error.to_string()))?;
    let tuned = |config: SwarmConfig| {
        config.with_idle_connection_timeout(IDLE).with_max_negotiating_inbound_streams(16)
    };
    Ok(builder.with_swarm_config(tuned).build())
}

/// Listens on every configured address and waits for the ports that were taken.
async fn listen(
    swarm: &mut Swarm<Behaviour>,
    config: &Config,
) -> Result<Vec<Multiaddr>, NetworkError> {
    let mut listeners = HashMap::new();
    for address in &config.listen {
        let failed = |reason: String| NetworkError::Listen { address: address.to_string(), reason };
        let id = swarm.listen_on(address.clone()).map_err(|error| failed(error.to_string()))?;
        listeners.insert(id, address.clone());
    }
    for address in &config.external {
        swarm.add_external_address(address.clone());
    }
    let mut listening = Vec::new();
    while !listeners.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                listeners.remove(&listener_id);
                listening.push(address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                let address = listeners.remove(&listener_id);
                let address = address.map_or_else(String::new, |address| address.to_string());
                let reason = reason.err().map_or_else(|| "closed".to_owned(), |e| e.to_string());
                return Err(NetworkError::Listen { address, reason });
            }
            _ => {}
        }
    }
    Ok(listening)
}

/// The handle of a real network.
#[derive(Debug)]
struct Live {
    hub: Arc<Hub>,
    publish: mpsc::Sender<Bytes>,
    listening: Arc<Mutex<Vec<Multiaddr>>>,
}

impl Network for Live {
    fn local(&self) -> PublicKey {
        self.hub.local
    }

    fn send(&self, to: &PublicKey, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        self.hub.send(to, lane, bytes)
    }

    fn request(
        &self,
        to: &PublicKey,
        bytes: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        Box::pin(Arc::clone(&self.hub).request(*to, bytes))
    }

    fn publish(&self, bytes: Bytes) -> Result<(), SendError> {
        if bytes.len() > MAX_GOSSIP_BYTES {
            return Err(SendError::TooLarge { bytes: bytes.len(), max: MAX_GOSSIP_BYTES });
        }
        self.publish.try_send(bytes).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::GossipFull,
            mpsc::error::TrySendError::Closed(_) => SendError::Stopped,
        })
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.hub.infos()
    }

    fn report(&self, peer: &PublicKey, fault: PeerFault) {
        self.hub.report(peer, fault);
    }

    fn announce(&self, height: Height) {
        self.hub.announce(height);
    }

    fn banned(&self) -> Vec<Ban> {
        self.hub.bans()
    }

    fn listening(&self) -> Vec<Multiaddr> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
