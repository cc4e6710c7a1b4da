//! An eye on everything a member sends: one message per slot, durable before sent, and the hash of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use logothete_consensus::{Equivocation, Kind, Message, Offence, SafetyState, Said, Slot};
use logothete_ledger::store::{MemoryStore, Store};
use logothete_p2p::{Ban, Lane, Multiaddr, Network, PeerFault, PeerInfo, RequestError, SendError};
use logothete_primitives::{BlockHash, Epoch, Height, PublicKey, ValidatorIndex, View, codec};

use super::journal::Journal;
use super::keyed_hash::mix;
use super::liars::Deceit;
use crate::dissemination::BatchMessage;

#[derive(Default)]
struct Seen {
    said: BTreeMap<Slot, Said>,
    /// Evidence told by an honest member, and in which of its lives.
    told: BTreeSet<(usize, u32, Offence)>,
    trace: u64,
    messages: u64,
    /// The frame that was sent last. A broadcast goes out once for each receiver, and is looked at once.
    last: Option<LastFrame>,
}

struct LastFrame {
    /// Kept, so that no other frame can be in its place in memory.
    frame: Bytes,
    /// By whom, in which of its lives, and on which lane.
    sent: (usize, u32, Lane),
    digest: u64,
}

impl LastFrame {
    fn is(&self, frame: &Bytes, sent: (usize, u32, Lane)) -> bool {
        self.sent == sent
            && self.frame.len() == frame.len()
            && std::ptr::eq(self.frame.as_ptr(), frame.as_ptr())
    }
}

/// What all members of a run have sent, over all their lives.
#[derive(Clone)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    liars: Arc<BTreeSet<PublicKey>>,
    journal: Journal,
}

impl Watch {
    /// Nothing was sent yet.
    pub(super) fn new(journal: Journal, liars: BTreeSet<PublicKey>) -> Self {
        Self { seen: Arc::default(), liars: Arc::new(liars), journal }
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The offences that honest members told of, each with who told it in which life.
    pub(super) fn told(&self) -> BTreeSet<(usize, u32, Offence)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).told.clone()
    }

    /// The hash of the run so far, and the number of signed messages.
    pub(super) fn totals(&self) -> (u64, u64) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.trace, seen.messages)
    }

    fn on_frame(&self, eye: &Eye, to: &PublicKey, lane: Lane, frame: &Bytes) {
        let at = u64::try_from(self.journal.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = (eye.member, eye.life, lane);
        let before = seen.last.as_ref().filter(|last| last.is(frame, sent)).map(|last| last.digest);
        let digest = before.unwrap_or_else(|| mix(0, frame));
        let state = seen.trace ^ at ^ (eye.member as u64) << 56 ^ (lane.index() as u64) << 48;
        seen.trace = mix(mix(state, &to.as_bytes()[..8]), &digest.to_le_bytes());
        if before.is_some() {
            return;
        }
        seen.last = Some(LastFrame { frame: frame.clone(), sent, digest });
        if self.liars.contains(&eye.network.local()) {
            return;
        }
        if lane == Lane::Batches
            && let Ok(BatchMessage::Evidence(bytes)) = BatchMessage::from_frame(frame)
            && let Ok(evidence) = codec::decode::<Equivocation>(&bytes)
        {
            seen.told.insert((eye.member, eye.life, evidence.offence(Epoch::ZERO)));
        }
        if lane != Lane::Consensus {
            return;
        }
        let Ok(message) = codec::decode::<Message>(frame) else {
            self.journal.violate(format!("v{} sent a frame that is no message", eye.member));
            return;
        };
        let own = message.slot().filter(|(slot, _)| eye.own == Some(slot.signer));
        let Some((slot, said)) = own else { return };
        let (does, view) = (verb(slot.kind), slot.view);
        match seen.said.insert(slot, said) {
            None => {
                seen.messages += 1;
                drop(seen);
                self.journal.note(eye.member, format!("{does} {view} {}", words(&said)));
                self.check_durable(eye, &message);
            }
            Some(before) if before != said => {
                drop(seen);
                let (before, said) = (words(&before), words(&said));
                self.journal.violate(format!(
                    "v{} signed two messages for one slot: {does} {view}: {before} and {said}",
                    eye.member
                ));
            }
            Some(_) => {}
        }
    }

    /// What a message promises is on the disk before it leaves.
    fn check_durable(&self, eye: &Eye, message: &Message) {
        let stored = eye.store.safety().ok().flatten();
        let state = stored.and_then(|bytes| codec::decode::<SafetyState>(&bytes).ok());
        let Some(state) = state else {
            self.journal.violate(format!("v{} signed without a safety state", eye.member));
            return;
        };
        let high_qc = state.high_qc.as_ref().map_or(View::ZERO, |qc| qc.view);
        // One that cannot be read was there before the disk was damaged.
        let has_block = |hash: &BlockHash| !matches!(eye.store.block_by_hash(hash), Ok(None));
        let kept = match message {
            Message::Proposal(p) => {
                state.proposed >= p.block.header.view && has_block(&p.block.hash())
            }
            Message::PrepareVote(vote) => state.prepared >= vote.view,
            Message::CommitVote { vote, .. } => {
                state.committed >= vote.view && high_qc >= vote.view && has_block(&vote.block)
            }
            Message::Timeout(timeout) => state.timed_out >= timeout.view,
            _ => true,
        };
        if !kept {
            self.journal.violate(format!("v{} sent what was not durable yet", eye.member));
        }
    }
}

const fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Proposal => "proposes",
        Kind::PrepareVote => "prepares",
        Kind::CommitVote => "commits",
        Kind::Timeout => "gives up",
    }
}

fn words(said: &Said) -> String {
    match said {
        Said::Block(hash) => hash.to_string()[..8].to_owned(),
        Said::HighQc(view) => format!("with QC {view}"),
    }
}

/// The network of one life of one member, watched.
pub(super) struct Eye {
    /// The network behind.
    pub(super) network: Arc<dyn Network>,
    /// What changes the frames of a liar after they were looked at.
    pub(super) deceit: Option<Arc<Deceit>>,
    /// Who sends.
    pub(super) member: usize,
    /// In which of its lives.
    pub(super) life: u32,
    /// Its place among the validators.
    pub(super) own: Option<ValidatorIndex>,
    /// Its disk.
    pub(super) store: Arc<MemoryStore>,
    /// Where it is recorded.
    pub(super) watch: Watch,
}

impl Network for Eye {
    fn local(&self) -> PublicKey {
        self.network.local()
    }

    fn send(&self, to: &PublicKey, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        self.watch.on_frame(self, to, lane, &bytes);
        let Some(deceit) = &self.deceit else { return self.network.send(to, lane, bytes) };
        let mut frames = deceit.send(lane, bytes).into_iter();
        frames.try_for_each(|(lane, frame)| self.network.send(to, lane, frame))
    }

    fn request(
        &self,
        to: &PublicKey,
        bytes: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        self.watch.on_frame(self, to, Lane::Sync, &bytes);
        self.network.request(to, bytes)
    }

    fn publish(&self, bytes: Bytes) -> Result<(), SendError> {
        self.network.publish(bytes)
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.network.peers()
    }

    fn report(&self, peer: &PublicKey, fault: PeerFault) {
        // The honest can be slow, or behind.
        if matches!(fault, PeerFault::Malformed | PeerFault::Invalid | PeerFault::Lied) {
            let journal = &self.watch.journal;
            if self.watch.liars.contains(peer) {
                journal.fault("liar blamed", self.member, "");
            } else {
                journal.violate(format!("v{} blames an honest peer: {fault:?}", self.member));
            }
        }
        self.network.report(peer, fault);
    }

    fn announce(&self, height: Height) {
        self.network.announce(height);
    }

    fn banned(&self) -> Vec<Ban> {
        self.network.banned()
    }

    fn listening(&self) -> Vec<Multiaddr> {
        self.network.listening()
    }
}
