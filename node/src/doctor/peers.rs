//! Meeting the peers as a stranger: a follower with a key of the moment, that listens nowhere and serves nothing.
//!
//! Our own key is not used: a peer would take us for the node that has it, and let go of the other one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use logothete_consensus::Context;
use logothete_genesis::keystore;
use logothete_p2p::{Inbound, Network, PeerEvent, PeerInfo, RefusalReason, Role};
use logothete_primitives::{Ed25519Verifier, Height, PublicKey, codec};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::check::Check;
use crate::chain::Genesis;
use crate::config::Config;
use crate::node;
use crate::sync::{Checks, SyncRequest, SyncResponse, Tip, verify_tip};

const PEERS: &str = "peers";
const CHAIN: &str = "chain";
/// How often tips are asked for.
const POLL: Duration = Duration::from_millis(100);
/// Tips that are asked for at one time, and peers that are asked.
const ASKED_MAX: usize = 16;
/// When nobody came or was refused for so long, everybody who can be reached was.
const QUIET: Duration = Duration::from_secs(2);
/// Refusals that are kept.
const REFUSALS_MAX: usize = 256;

/// A block that was proven and higher than all before it, and when we heard of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sight {
    /// Its time.
    pub(super) block_ms: u64,
    /// Our clock.
    pub(super) ours_ms: u64,
}

/// Who was met, who refused, and what blocks they showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Meeting {
    /// Peers in the configuration.
    pub(super) configured: usize,
    /// Peers that let us in.
    pub(super) met: BTreeMap<PublicKey, PeerInfo>,
    /// Where there was somebody who did not, or whom we did not want.
    pub(super) refused: BTreeMap<String, RefusalReason>,
    /// New blocks, oldest first.
    pub(super) sights: Vec<Sight>,
    newest: Height,
}

type Answer = Option<Tip>;

/// Meets the configured peers and the validators that they tell of.
pub(super) async fn meet(
    config: &Config,
    genesis: &Genesis,
    patience: Duration,
) -> anyhow::Result<Meeting> {
    let mut wished = node::network_config(config, genesis, Role::Follower)?;
    let configured = wished.bootstrap.len();
    (wished.listen, wished.external, wished.discover) = (Vec::new(), Vec::new(), true);
    wished.limits.follower_dials = genesis.validators.len();
    let (network, inbound, task) = logothete_p2p::start(&keystore::new_key()?, wished).await?;
    let checks = checks_of(genesis);
    let mut meeting = Meeting { configured, ..Meeting::default() };
    if configured > 0 {
        meeting.listen(&*network, inbound, &checks, Instant::now() + patience).await;
    }
    task.stop().await?;
    Ok(meeting)
}

fn checks_of(genesis: &Genesis) -> Checks {
    Checks {
        context: Context {
            chain: genesis.chain,
            validators: genesis.validators.clone(),
            genesis: genesis.hash,
        },
        verifier: Arc::new(Ed25519Verifier::for_set(&genesis.validators)),
        rules: genesis.rules.clone(),
    }
}

impl Meeting {
    async fn listen(
        &mut self,
        network: &dyn Network,
        mut inbound: Inbound,
        checks: &Checks,
        deadline: Instant,
    ) {
        let mut asked: FuturesUnordered<BoxFuture<'static, Answer>> = FuturesUnordered::new();
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_event = Instant::now();
        while !(self.knows_all() && last_event.elapsed() > QUIET) {
            tokio::select! {
                () = sleep_until(deadline) => return,
                Some(event) = inbound.peers.recv() => {
                    last_event = Instant::now();
                    self.note(event);
                }
                Some(answer) = asked.next() => self.see(answer, checks),
                _ = ticks.tick() => {
                    let free = ASKED_MAX.saturating_sub(asked.len());
                    asked.extend(network.peers().iter().take(free).map(|peer| tip_of(network, peer)));
                }
                // We have nothing, want nothing, and do not let anybody wait for it.
                Some(_) = inbound.requests.recv() => {}
                Some(_) = inbound.consensus.recv() => {}
                Some(_) = inbound.batches.recv() => {}
                Some(_) = inbound.gossip.recv() => {}
            }
        }
    }

    /// Whether more time would tell nothing more.
    fn knows_all(&self) -> bool {
        self.met.len() + self.refused.len() >= self.configured
            && super::clock::is_live(&self.sights)
    }

    fn note(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Connected(peer) => {
                self.met.insert(peer.key, peer);
            }
            PeerEvent::Refused { address, reason, .. } if self.refused.len() < REFUSALS_MAX => {
                self.refused.insert(address.to_string(), reason);
            }
            PeerEvent::Refused { .. } | PeerEvent::Disconnected { .. } => {}
        }
    }

    /// Takes a tip for what its certificate proves.
    fn see(&mut self, answer: Answer, checks: &Checks) {
        let Some(tip) = answer else { return };
        let block_ms = tip.header.timestamp.get();
        let Ok(height) = verify_tip(checks, tip) else { return };
        if height > self.newest {
            self.newest = height;
            self.sights.push(Sight { block_ms, ours_ms: unix_ms() });
        }
    }
}

fn tip_of(network: &dyn Network, peer: &PeerInfo) -> BoxFuture<'static, Answer> {
    let answer = network.request(&peer.key, codec::encode(&SyncRequest::Tip).into());
    Box::pin(async move {
        match codec::decode(&answer.await.ok()?) {
            Ok(SyncResponse::Tip(tip)) => Some(*tip),
            _ => None,
        }
    })
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whether peers are there, and whether they are of the same chain and version.
pub(super) fn check(meeting: &Result<Meeting, String>) -> [Check; 2] {
    let meeting = match meeting {
        Ok(meeting) => meeting,
        Err(error) => {
            let advice = "see the other checks";
            return [PEERS, CHAIN].map(|name| Check::not_checked(name, error, advice));
        }
    };
    [reached(meeting), same_chain(meeting)]
}

fn reached(meeting: &Meeting) -> Check {
    let advice = "do they run? compare p2p.bootstrap with where they listen, and look at firewalls";
    if meeting.configured == 0 {
        let advice = "name a peer in p2p.bootstrap";
        return Check::not_checked(PEERS, "no peer is configured", advice);
    }
    let others: Vec<String> = meeting
        .refused
        .iter()
        .filter(|(_, reason)| !is_of_another_chain(reason))
        .map(|(address, reason)| format!("{address}: {reason}"))
        .collect();
    let found = format!("{} met, {} configured", meeting.met.len(), meeting.configured);
    if !others.is_empty() {
        return Check::warning(PEERS, format!("{found}; {}", others.join("; ")), advice);
    }
    if meeting.met.is_empty() && meeting.refused.is_empty() {
        return Check::warning(PEERS, format!("{found}: nobody answers"), advice);
    }
    Check::ok(PEERS, found)
}

fn same_chain(meeting: &Meeting) -> Check {
    let differ: Vec<String> = meeting
        .refused
        .iter()
        .filter(|(_, reason)| is_of_another_chain(reason))
        .map(|(address, reason)| format!("{address}: {reason}"))
        .collect();
    if !differ.is_empty() {
        let advice = "one of you has another chain file or another version: compare \
                      `logothete genesis hash` and `logothete version` with the other operators";
        return Check::fault(CHAIN, differ.join("; "), advice);
    }
    if meeting.met.is_empty() {
        return Check::not_checked(CHAIN, "no peer answered", "see the check of peers");
    }
    let agents: BTreeSet<&str> = meeting.met.values().map(|peer| peer.agent.as_str()).collect();
    let agents: Vec<&str> = agents.into_iter().collect();
    let found = format!(
        "same chain, genesis and protocol version as {} peers, which run {}",
        meeting.met.len(),
        agents.join(", ")
    );
    Check::ok(CHAIN, found)
}

/// Refusals that tell of another chain, genesis block or protocol version, by whichever side.
fn is_of_another_chain(reason: &RefusalReason) -> bool {
    matches!(reason.name(), "version" | "chain" | "genesis")
}
