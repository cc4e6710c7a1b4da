//! All behaviours of the swarm together, and how each is set up.

use std::sync::Arc;

use libp2p::{
    gossipsub::{
        self, IdentTopic, IdentityTransform, MessageAuthenticity, MessageId, ValidationMode,
    },
    identify,
    identity::Keypair,
    ping,
    swarm::NetworkBehaviour,
};
use logothete_primitives::limits::MAX_GOSSIP_BYTES;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::{config::Config, error::NetworkError, gossip, hub::Hub};

use super::{gate::Gate, session::Told};

/// Name of the protocol family, as identify tells it; the chain is compared in the handshake.
const FAMILY: &str = "logothete";

/// What gossipsub adds to a message on the wire, generously.
const GOSSIP_OVERHEAD: usize = 512;

/// Messages that gossipsub may hold for one peer.
const GOSSIP_QUEUE: usize = 1024;

/// What runs on every connection. The gate is first: it denies before the others take notice.
#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
pub(super) struct Behaviour {
    pub(super) gate: Gate,
    pub(super) gossip: gossipsub::Behaviour<IdentityTransform, TopicFilter>,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
}

/// Only the topic of our chain is remembered of what peers subscribe to.
pub(super) type TopicFilter =
    gossipsub::MaxCountSubscriptionFilter<gossipsub::WhitelistSubscriptionFilter>;

impl Behaviour {
    pub(super) fn new(
        keypair: &Keypair,
        hub: &Arc<Hub>,
        told: mpsc::Sender<Told>,
    ) -> Result<Self, NetworkError> {
        let config = &hub.config;
        let ping = ping::Config::new()
            .with_interval(config.limits.ping_interval)
            .with_timeout(config.limits.ping_interval * 3);
        let identify = identify::Config::new(FAMILY.to_owned(), keypair.public())
            .with_agent_version(config.agent.clone())
            .with_push_listen_addr_updates(true)
            .with_cache_size(0);
        Ok(Self {
            gate: Gate::new(Arc::clone(hub), told),
            gossip: gossip_behaviour(config).map_err(NetworkError::Transport)?,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
        })
    }
}

/// The topic of our chain.
pub(super) fn topic(config: &Config) -> IdentTopic {
    IdentTopic::new(gossip::topic(&config.chain))
}

/// Gossip for a network of four as well as of two hundred: the mesh is content with two
/// neighbours, what we publish goes to all neighbours at once, and messages carry no signature or
/// sender of their own (a transaction is signed by its author), so that equal content is one
/// message whoever sends it.
fn gossip_behaviour(
    config: &Config,
) -> Result<gossipsub::Behaviour<IdentityTransform, TopicFilter>, String> {
    let topic = topic(config);
    let settings = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message| MessageId::new(gossip::message_id(&message.data).as_bytes()))
        .max_transmit_size(MAX_GOSSIP_BYTES + GOSSIP_OVERHEAD)
        .flood_publish(true)
        .mesh_outbound_min(1)
        .mesh_n_low(2)
        .mesh_n(6)
        .mesh_n_high(12)
        .heartbeat_interval(Duration::from_millis(700))
        .heartbeat_initial_delay(Duration::from_millis(100))
        .duplicate_cache_time(Duration::from_secs(120))
        .connection_handler_queue_len(GOSSIP_QUEUE)
        .build()
        .map_err(|error| error.to_string())?;
    let filter = gossipsub::MaxCountSubscriptionFilter {
        filter: gossipsub::WhitelistSubscriptionFilter([topic.hash()].into_iter().collect()),
        max_subscribed_topics: 1,
        max_subscriptions_per_request: 8,
    };
    let mut behaviour = gossipsub::Behaviour::new_with_subscription_filter(
        MessageAuthenticity::Anonymous,
        settings,
        filter,
    )?;
    behaviour.subscribe(&topic).map_err(|error| error.to_string())?;
    Ok(behaviour)
}
