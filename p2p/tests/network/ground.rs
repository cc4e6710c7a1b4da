//! The small language of these tests: members join, find each other, say and hear things.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use logothete_p2p::{
    Bytes, Config, Inbound, Lane, Multiaddr, Network, NetworkTask, PeerEvent, RefusalReason, Role,
    simulated::{LinkConfig, SimulatedNet},
};
use logothete_primitives::{BlockHash, ChainId, Digest, PublicKey, SecretKey};
use tokio::time::timeout;

/// Longest wait for anything that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The secret of the n-th participant; the first ones are the validators.
pub(crate) fn secret(n: u8) -> SecretKey {
    SecretKey::from_seed([n + 1; 32])
}

/// The key of the n-th participant.
pub(crate) fn key(n: u8) -> PublicKey {
    secret(n).public()
}

/// The chain of most tests.
pub(crate) fn chain(n: u8) -> ChainId {
    ChainId::new(Digest::new([n; 32]))
}

/// A configuration in a network of `validators` validators.
pub(crate) fn config(validators: u8, role: Role) -> Config {
    let mut config =
        Config::new(chain(1), BlockHash::ZERO, (0..validators).map(key).collect(), role);
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    config
}

/// A participant.
pub(crate) struct Member {
    pub(crate) key: PublicKey,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) inbound: Inbound,
    task: Option<NetworkTask>,
}

/// Where members meet.
pub(crate) trait Ground {
    /// Enters the n-th participant. It is told the address of `bootstrap` and no other.
    async fn join(&self, n: u8, config: Config, bootstrap: Option<&Member>) -> Member;

    /// Takes a member out, as if its process ended.
    async fn leave(&self, member: Member);

    /// Enters validators that all know the first one.
    async fn validators(&self, n: u8) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for i in 0..n {
            let member = self.join(i, config(n, Role::Validator), members.first()).await;
            members.push(member);
        }
        members
    }

    /// Enters validators and waits until each is connected to all others.
    async fn connected(&self, n: u8) -> Vec<Member> {
        let mut members = self.validators(n).await;
        for member in &mut members {
            member.meets(usize::from(n) - 1).await;
        }
        members
    }
}

/// The twin.
pub(crate) struct Simulated(SimulatedNet);

impl Default for Simulated {
    fn default() -> Self {
        Self(SimulatedNet::new(7, LinkConfig::default()))
    }
}

impl Ground for Simulated {
    async fn join(&self, n: u8, config: Config, _: Option<&Member>) -> Member {
        let (network, inbound) = self.0.join(key(n), config);
        Member { key: key(n), network, inbound, task: None }
    }

    async fn leave(&self, member: Member) {
        self.0.leave(&member.key);
    }
}

/// Real connections on this machine.
#[derive(Default)]
pub(crate) struct Live;

impl Ground for Live {
    async fn join(&self, n: u8, mut config: Config, bootstrap: Option<&Member>) -> Member {
        config.bootstrap.extend(bootstrap.map(|member| member.address().into()));
        let (network, inbound, task) = logothete_p2p::start(&secret(n), config).await.unwrap();
        Member { key: key(n), network, inbound, task: Some(task) }
    }

    async fn leave(&self, member: Member) {
        member.task.unwrap().stop().await.unwrap();
    }
}

impl Member {
    /// Where it listens.
    pub(crate) fn address(&self) -> Multiaddr {
        self.network.listening()[0].clone()
    }

    /// The keys it is connected to.
    pub(crate) fn peers(&self) -> BTreeSet<PublicKey> {
        self.network.peers().iter().map(|peer| peer.key).collect()
    }

    /// Waits until it is connected to this many peers.
    pub(crate) async fn meets(&mut self, peers: usize) {
        while self.peers().len() < peers {
            self.event(|_| true).await;
        }
    }

    /// Waits for an event, passing over others.
    pub(crate) async fn event(&mut self, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        let found = async {
            loop {
                let event = self.inbound.peers.recv().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        };
        timeout(SOON, found).await.expect("the event comes soon")
    }

    /// Waits until a connection was refused, and says why.
    pub(crate) async fn refusal(&mut self) -> RefusalReason {
        match self.event(|event| matches!(event, PeerEvent::Refused { .. })).await {
            PeerEvent::Refused { reason, .. } => reason,
            _ => unreachable!(),
        }
    }

    /// Waits until a peer is gone.
    pub(crate) async fn loses(&mut self, peer: PublicKey) {
        self.event(|event| matches!(event, PeerEvent::Disconnected { key, .. } if *key == peer))
            .await;
    }

    /// Sends, and waits for room if there is none.
    pub(crate) async fn sends(&self, to: &Self, lane: Lane, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        while let Err(error) = self.network.send(&to.key, lane, bytes.clone()) {
            assert_eq!(error, logothete_p2p::SendError::LaneFull(lane));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The next frame of the consensus lane.
    pub(crate) async fn consensus(&mut self) -> (PublicKey, Bytes) {
        timeout(SOON, self.inbound.consensus.recv()).await.expect("a frame comes soon").unwrap()
    }

    /// The next frame of the batches lane.
    pub(crate) async fn batch(&mut self) -> (PublicKey, Bytes) {
        timeout(SOON, self.inbound.batches.recv()).await.expect("a frame comes soon").unwrap()
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> logothete_p2p::Request {
        timeout(SOON, self.inbound.requests.recv()).await.expect("a request comes soon").unwrap()
    }

    /// The next gossiped message.
    pub(crate) async fn gossip(&mut self) -> logothete_p2p::Gossip {
        timeout(SOON, self.inbound.gossip.recv()).await.expect("gossip comes soon").unwrap()
    }
}
