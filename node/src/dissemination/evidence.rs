//! Evidence of equivocation on its way into the chain: found here or told by others, verified, proposed by
//! every leader until a final block records it. One proof of each offence is recorded, so the chain and the
//! memory hold at most a few for each validator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use logothete_consensus::{Block, Context, Equivocation, Offence, Rejection};
use logothete_ledger::batch::Payload;
use logothete_primitives::codec::{self, CodecError};
use logothete_primitives::limits::{MAX_EVIDENCE_BYTES, MAX_EVIDENCE_PER_BLOCK};
use logothete_primitives::{BoundedBytes, BoundedVec, Epoch, Verifier};
use thiserror::Error;

/// The evidence of a payload.
pub(super) type Pieces = BoundedVec<BoundedBytes<MAX_EVIDENCE_BYTES>, MAX_EVIDENCE_PER_BLOCK>;

/// Why evidence is refused; one variant for each rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvidenceRule {
    /// The bytes are no evidence.
    #[error("the evidence does not decode: {0}")]
    Malformed(#[from] CodecError),
    /// A proof of the same offence is recorded already, here or in an ancestor.
    #[error("{0:?} is recorded already")]
    Repeated(Offence),
    /// It does not prove what it says.
    #[error("the evidence proves nothing: {0}")]
    False(#[from] Rejection),
}

/// Evidence that is not in a final block yet, and the offences that are.
pub struct EvidencePool {
    context: Context,
    verifier: Arc<dyn Verifier>,
    waiting: BTreeMap<Offence, Equivocation>,
    recorded: BTreeSet<Offence>,
}

impl EvidencePool {
    /// A pool that knows what the final chain records.
    pub fn new(context: Context, verifier: Arc<dyn Verifier>, recorded: BTreeSet<Offence>) -> Self {
        Self { context, verifier, waiting: BTreeMap::new(), recorded }
    }

    fn offence(&self, evidence: &Equivocation) -> Offence {
        evidence.offence(self.context.epoch())
    }

    /// Takes evidence whose signatures were checked; whether it is new.
    pub fn insert(&mut self, evidence: Equivocation) -> bool {
        let offence = self.offence(&evidence);
        if self.recorded.contains(&offence) || self.waiting.contains_key(&offence) {
            return false;
        }
        self.waiting.insert(offence, evidence);
        true
    }

    /// Takes evidence that somebody sent. Of a known offence nothing is checked.
    ///
    /// # Errors
    /// [`EvidenceRule`] when it proves nothing.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), EvidenceRule> {
        let evidence: Equivocation = codec::decode(bytes)?;
        let offence = self.offence(&evidence);
        if !self.recorded.contains(&offence) && !self.waiting.contains_key(&offence) {
            evidence.verify(&self.context, &*self.verifier)?;
            self.waiting.insert(offence, evidence);
        }
        Ok(())
    }

    /// Whether something waits to be recorded.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What waits to be recorded, encoded.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.waiting.values().map(codec::encode)
    }

    /// What a payload on these ancestors may record.
    pub(super) fn offer(&self, ancestors: &[Arc<Block>]) -> Pieces {
        if self.waiting.is_empty() {
            return Pieces::default();
        }
        let taken = self.taken(ancestors);
        let open = self.waiting.iter().filter(|(offence, _)| !taken.contains(offence));
        let pieces = open.take(MAX_EVIDENCE_PER_BLOCK).map(|(_, evidence)| {
            BoundedBytes::try_from(codec::encode(evidence)).expect("the limit is derived from it")
        });
        Pieces::try_from(pieces.collect::<Vec<_>>()).expect("cut to the limit above")
    }

    /// Checks the evidence of a payload on these ancestors.
    ///
    /// # Errors
    /// The first [`EvidenceRule`] that is broken.
    pub(super) fn check(
        &self,
        pieces: &Pieces,
        ancestors: &[Arc<Block>],
    ) -> Result<(), EvidenceRule> {
        if pieces.is_empty() {
            return Ok(());
        }
        let mut taken = self.taken(ancestors);
        for bytes in pieces.iter() {
            let evidence: Equivocation = codec::decode(bytes)?;
            let offence = self.offence(&evidence);
            if self.recorded.contains(&offence) || !taken.insert(offence) {
                return Err(EvidenceRule::Repeated(offence));
            }
            if self.waiting.get(&offence) != Some(&evidence) {
                evidence.verify(&self.context, &*self.verifier)?;
            }
        }
        Ok(())
    }

    fn taken(&self, ancestors: &[Arc<Block>]) -> BTreeSet<Offence> {
        let epoch = self.context.epoch();
        let payloads = ancestors.iter().filter_map(|block| Payload::decode(&block.payload).ok());
        payloads.flat_map(|payload| offences_in(&payload, epoch)).collect()
    }

    /// Takes note of what a final block records; returns it.
    pub(super) fn on_commit(&mut self, payload: &Payload) -> Vec<Offence> {
        let offences = offences_in(payload, self.context.epoch());
        for offence in &offences {
            self.waiting.remove(offence);
            self.recorded.insert(*offence);
        }
        offences
    }
}

/// What the evidence of a checked payload proves, in its order.
pub fn offences_in(payload: &Payload, epoch: Epoch) -> Vec<Offence> {
    let pieces = payload.evidence.iter();
    let decoded = pieces.filter_map(|bytes| codec::decode::<Equivocation>(bytes).ok());
    decoded.map(|evidence| evidence.offence(epoch)).collect()
}

#[cfg(test)]
pub(super) mod tests;
