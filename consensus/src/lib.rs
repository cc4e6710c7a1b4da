//! The consensus protocol of Logothete as a pure value: [`Replica::step`] takes the time and an event
//! and returns actions.
//!
//! One view on one page (the rules have their numbers in `docs/protocol.md`):
//!
//! ```text
//!  leader of v        proposes a block on QC(v-1), or with TC(v-1) on its highest QC           R1
//!  every validator    checks it, holds its batches, prepare-votes once in v                    R2
//!  q prepare votes    QC(v): enter v+1, commit-vote the block unless a view >= v timed out     R3
//!  q commit votes     CC(v): the block and its ancestors are final                             R4
//!  no progress        timeout(v) with the highest QC; f+1 of them are joined, q make TC(v)     R5-R7
//! ```
//!
//! Any certificate brings a replica to the view after it, before the message that carries it is
//! looked at (R0). What a validator has signed is durable before it is sent: the order of the
//! actions says so. One that has lost that memory follows, and signs again only far enough above all
//! that it can have signed (R10).
//!
//! Modules in reading order: [`block`], [`certificate`], [`message`], [`signing`] and [`mod@verify`] (what
//! is said, and when it is believed); [`event`], [`action`], [`config`] (the seam to the driver);
//! [`safety_state`] and [`safety_rules`] (the only code that permits a signature); [`known`],
//! `view_change` and [`pacemaker`] (views); [`leader_election`], `proposer`, `voter`,
//! [`vote_collector`], [`timeout_collector`], `committer` (blocks); [`block_tree`], `catch_up`,
//! `learner` (what is missing); `invariants`, asserted after every step.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod action;
pub mod block;
pub mod block_tree;
mod catch_up;
pub mod certificate;
mod committer;
pub mod config;
pub mod context;
pub mod event;
pub mod evidence;
mod evidence_pool;
mod handlers;
mod invariants;
pub mod known;
pub mod leader_election;
mod learner;
pub mod message;
mod outbox;
pub mod pacemaker;
mod proposals;
mod proposer;
pub mod rejection;
mod repeat;
pub mod replica;
pub mod safety_rules;
pub mod safety_state;
pub mod signing;
pub mod slot;
pub mod status;
pub mod timeout_collector;
#[cfg(test)]
mod validators;
pub mod verify;
mod view_change;
pub mod vote_collector;
mod voter;

pub use action::{Action, EntryReason};
pub use block::{Block, BlockHeader, Executed, payload_hash};
pub use certificate::{Certificate, CommitCert, QuorumCert, Signatures, TimeoutCert, TimeoutEntry};
pub use config::{CommittedRoot, Config, Recovered};
pub use context::Context;
pub use event::{Event, Now};
pub use evidence::{Equivocation, Kind, Offence, SignedHeader, SignedTimeout};
pub use leader_election::{LeaderElection, Reputation};
pub use message::{
    CommitVote, Message, PrepareVote, Proposal, Statement, StatementRequest, Timeout,
};
pub use rejection::{PayloadFault, Rejection};
pub use replica::Replica;
pub use safety_rules::{SafetyRefusal, SafetyRules};
pub use safety_state::{Marks, ProposalMark, SafetyState};
pub use slot::{Said, Slot};
pub use status::{Mode, Status, Timer, TimerKind};
pub use verify::{
    CertificateCache, Verified, verify, verify_cached, verify_certificate, verify_commit,
    verify_quorum,
};
