//! Proposals of the current view: one slot per author (R8), held until the chain under them is at
//! hand, then accepted for a vote.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use logothete_primitives::{BlockHash, ValidatorIndex, View};

use crate::certificate::{QuorumCert, TimeoutCert};
use crate::evidence::SignedHeader;
use crate::message::Proposal;
use crate::vote_collector::Inserted;

/// The proposals of one view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proposals {
    slots: BTreeMap<ValidatorIndex, SignedHeader>,
    held: BTreeMap<ValidatorIndex, Proposal>,
    accepted: Vec<Accepted>,
}

/// A proposal whose place in the chain was checked.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) block: BlockHash,
    pub(crate) tc: Option<TimeoutCert>,
}

/// What this replica, as the leader, waits for a payload for.
#[derive(Clone, Debug)]
pub(crate) struct Building {
    pub(crate) view: View,
    pub(crate) qc: QuorumCert,
    pub(crate) tc: Option<TimeoutCert>,
    /// Whether the driver was told that the idle interval is over.
    pub(crate) idle_expired: bool,
}

impl Proposals {
    /// Puts a verified proposal into its slot and holds it.
    pub(crate) fn insert(&mut self, proposal: Proposal) -> Inserted<SignedHeader> {
        let header = &proposal.block.header;
        match self.slots.get(&header.proposer) {
            Some(first) if first.header == *header => Inserted::Known,
            Some(first) => Inserted::Conflict(first.clone()),
            None => {
                let signed = SignedHeader { header: header.clone(), signature: proposal.signature };
                self.slots.insert(header.proposer, signed);
                self.held.insert(proposal.block.header.proposer, proposal);
                Inserted::New
            }
        }
    }

    pub(crate) fn accept(&mut self, block: BlockHash, tc: Option<TimeoutCert>) {
        self.accepted.push(Accepted { block, tc });
    }

    /// Takes the proposals out that `ready` names.
    pub(crate) fn take_held(&mut self, ready: impl Fn(&Proposal) -> bool) -> Vec<Proposal> {
        let authors: Vec<ValidatorIndex> =
            self.held.iter().filter(|(_, held)| ready(held)).map(|(author, _)| *author).collect();
        authors.iter().filter_map(|author| self.held.remove(author)).collect()
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = &Proposal> {
        self.held.values()
    }

    pub(crate) fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
