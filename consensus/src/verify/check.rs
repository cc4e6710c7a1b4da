//! The structure of messages and certificates (R0), and the signatures that have to be good.

use alloc::vec::Vec;

use logothete_primitives::codec::{Encode, encode, encoded_len};
use logothete_primitives::limits::MAX_PROPOSAL_BYTES;
use logothete_primitives::{
    BlockHash, Digest, Domain, Epoch, PublicKey, Signature, SignerSet, ValidatorIndex, Verifier,
    View, hash,
};

use super::CertificateCache;
use crate::certificate::{Certificate, CommitCert, QuorumCert, TimeoutCert};
use crate::context::Context;
use crate::message::{CommitVote, Message, PrepareVote, Proposal, Statement, Timeout};
use crate::rejection::Rejection;
use crate::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};

/// Collects the signatures of one message while its structure is checked.
pub(super) struct Check<'a> {
    ctx: &'a Context,
    cache: &'a mut CertificateCache,
    messages: Vec<Vec<u8>>,
    signatures: Vec<(PublicKey, usize, Signature)>,
    fresh: Vec<Digest>,
}

impl<'a> Check<'a> {
    pub(super) const fn new(ctx: &'a Context, cache: &'a mut CertificateCache) -> Self {
        Self { ctx, cache, messages: Vec::new(), signatures: Vec::new(), fresh: Vec::new() }
    }

    pub(super) fn finish(self, verifier: &dyn Verifier) -> Result<(), Rejection> {
        let items: Vec<(PublicKey, &[u8], &Signature)> = self
            .signatures
            .iter()
            .map(|(key, message, signature)| (*key, &self.messages[*message][..], signature))
            .collect();
        let good = match items.as_slice() {
            [] => true,
            [(key, message, signature)] => verifier.verify(key, message, signature),
            many => verifier.verify_all(many),
        };
        if !good {
            return Err(Rejection::BadSignature);
        }
        for digest in self.fresh {
            self.cache.insert(digest);
        }
        Ok(())
    }

    pub(super) fn message(&mut self, message: &Message) -> Result<(), Rejection> {
        match message {
            Message::Proposal(proposal) => self.proposal(proposal),
            Message::PrepareVote(vote) => self.prepare_vote(vote),
            Message::CommitVote { vote, qc } => self.commit_vote(vote, qc),
            Message::Timeout(timeout) => self.timeout(timeout),
            Message::Certificate(certificate) => self.certificate(certificate),
            Message::StatementRequest(request) => self.key(request.signer).map(|_| ()),
            Message::Statement(statement) => self.statement(statement),
        }
    }

    /// R1 as far as it can be seen from the proposal alone.
    fn proposal(&mut self, proposal: &Proposal) -> Result<(), Rejection> {
        let size = encoded_len(proposal);
        if size > MAX_PROPOSAL_BYTES {
            return Err(Rejection::TooLarge { size, limit: MAX_PROPOSAL_BYTES });
        }
        let header = &proposal.block.header;
        self.epoch(header.epoch)?;
        if let Some(set) = header.next_set {
            return Err(Rejection::NextSet { set });
        }
        if !proposal.block.body_matches() {
            return Err(Rejection::BodyMismatch);
        }
        check_parent(&proposal.qc, header.parent, header.parent_view)?;
        if header.height != proposal.qc.height.next() {
            let expected = proposal.qc.height.next();
            return Err(Rejection::WrongHeight { got: header.height, expected });
        }
        check_justification(header.view, proposal.qc.view, proposal.tc.as_ref())?;
        self.quorum(&proposal.qc)?;
        if let Some(tc) = &proposal.tc {
            self.timeout_cert(tc)?;
        }
        let bytes = proposal_message(&self.ctx.chain, header.epoch, header.view, &header.hash());
        self.signed(header.proposer, bytes, proposal.signature)
    }

    fn prepare_vote(&mut self, vote: &PrepareVote) -> Result<(), Rejection> {
        self.epoch(vote.epoch)?;
        check_parent_view(vote.parent_view, vote.view)?;
        self.signed(vote.signer, PrepareBody::from(vote).message(&self.ctx.chain), vote.signature)
    }

    fn commit_vote(&mut self, vote: &CommitVote, qc: &QuorumCert) -> Result<(), Rejection> {
        self.epoch(vote.epoch)?;
        if vote.view == View::ZERO {
            return Err(Rejection::ViewZero);
        }
        if (vote.view, vote.block) != (qc.view, qc.block) {
            return Err(Rejection::VoteMismatch);
        }
        self.quorum(qc)?;
        let bytes = commit_message(&self.ctx.chain, vote.epoch, vote.view, &vote.block);
        self.signed(vote.signer, bytes, vote.signature)
    }

    fn timeout(&mut self, timeout: &Timeout) -> Result<(), Rejection> {
        self.epoch(timeout.epoch)?;
        let (view, qc_view) = (timeout.view, timeout.high_qc.view);
        if view == View::ZERO {
            return Err(Rejection::ViewZero);
        }
        if qc_view >= view {
            return Err(Rejection::QcNotBelow { qc: qc_view, view });
        }
        self.quorum(&timeout.high_qc)?;
        if let Some(entry) = &timeout.entry {
            self.certificate(entry)?;
        }
        let entered = timeout.entry.as_ref().map_or(qc_view, Certificate::view);
        if entered.next() != view {
            return Err(Rejection::EntryMissing { view });
        }
        let bytes = timeout_message(&self.ctx.chain, timeout.epoch, view, qc_view);
        self.signed(timeout.signer, bytes, timeout.signature)
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Rejection> {
        let entered = match &statement.entry {
            None => View::ZERO,
            Some(entry) => {
                self.certificate(entry)?;
                entry.view()
            }
        };
        if entered.next() != statement.view {
            return Err(Rejection::EntryMissing { view: statement.view });
        }
        let epoch = self.ctx.epoch();
        let bytes = statement_message(&self.ctx.chain, epoch, &statement.nonce, statement.view);
        self.signed(statement.signer, bytes, statement.signature)
    }

    pub(super) fn certificate(&mut self, certificate: &Certificate) -> Result<(), Rejection> {
        match certificate {
            Certificate::Quorum(qc) => self.quorum(qc),
            Certificate::Commit(cc) => self.commit(cc),
            Certificate::Timeout(tc) => self.timeout_cert(tc),
        }
    }

    pub(super) fn quorum(&mut self, qc: &QuorumCert) -> Result<(), Rejection> {
        if qc.is_genesis() {
            let genesis = *qc == self.ctx.genesis_qc();
            return if genesis { Ok(()) } else { Err(Rejection::ForeignGenesis) };
        }
        self.epoch(qc.epoch)?;
        check_parent_view(qc.parent_view, qc.view)?;
        let signers = self.signers(qc.signers, &qc.signatures)?;
        if self.is_known(qc, QUORUM) {
            return Ok(());
        }
        self.signed_by_all(signers, PrepareBody::from(qc).message(&self.ctx.chain))
    }

    pub(super) fn commit(&mut self, cc: &CommitCert) -> Result<(), Rejection> {
        self.epoch(cc.epoch)?;
        if cc.view == View::ZERO {
            return Err(Rejection::ViewZero);
        }
        let signers = self.signers(cc.signers, &cc.signatures)?;
        if self.is_known(cc, COMMIT) {
            return Ok(());
        }
        let bytes = commit_message(&self.ctx.chain, cc.epoch, cc.view, &cc.block);
        self.signed_by_all(signers, bytes)
    }

    fn timeout_cert(&mut self, tc: &TimeoutCert) -> Result<(), Rejection> {
        self.epoch(tc.epoch)?;
        if tc.view == View::ZERO {
            return Err(Rejection::ViewZero);
        }
        if !tc.timeouts.is_sorted_by(|a, b| a.signer < b.signer) {
            return Err(Rejection::UnorderedTimeouts);
        }
        let mut power = 0;
        let mut expected = View::ZERO;
        for entry in &tc.timeouts {
            self.key(entry.signer)?;
            power += self.ctx.validators.power(entry.signer);
            expected = expected.max(entry.qc_view);
        }
        self.power(power)?;
        let got = tc.high_qc.view;
        if got != expected {
            return Err(Rejection::HighQcNotMaximum { got, expected });
        }
        if got >= tc.view {
            return Err(Rejection::QcNotBelow { qc: got, view: tc.view });
        }
        self.quorum(&tc.high_qc)?;
        if self.is_known(tc, TIMEOUT) {
            return Ok(());
        }
        for entry in &tc.timeouts {
            let bytes = timeout_message(&self.ctx.chain, tc.epoch, tc.view, entry.qc_view);
            self.signed(entry.signer, bytes, entry.signature)?;
        }
        Ok(())
    }

    fn epoch(&self, got: Epoch) -> Result<(), Rejection> {
        let expected = self.ctx.epoch();
        if got == expected { Ok(()) } else { Err(Rejection::WrongEpoch { got, expected }) }
    }

    fn key(&self, index: ValidatorIndex) -> Result<PublicKey, Rejection> {
        let validator = self.ctx.validators.get(index);
        validator.map(|v| v.key).ok_or(Rejection::UnknownSigner { index })
    }

    fn power(&self, power: u64) -> Result<(), Rejection> {
        let quorum = self.ctx.validators.quorum();
        if power >= quorum { Ok(()) } else { Err(Rejection::NoQuorum { power, quorum }) }
    }

    fn signers(
        &self,
        set: SignerSet,
        signatures: &[Signature],
    ) -> Result<Vec<(PublicKey, Signature)>, Rejection> {
        let expected = self.ctx.validators.len();
        if !set.well_formed(expected) {
            return Err(Rejection::SignerSetSize { got: set.size(), expected });
        }
        if set.count() != signatures.len() {
            let signers = set.count();
            return Err(Rejection::SignatureCount { signatures: signatures.len(), signers });
        }
        self.power(self.ctx.validators.power_of(&set))?;
        set.iter().zip(signatures).map(|(index, s)| Ok((self.key(index)?, *s))).collect()
    }

    fn signed(
        &mut self,
        signer: ValidatorIndex,
        bytes: Vec<u8>,
        signature: Signature,
    ) -> Result<(), Rejection> {
        let key = self.key(signer)?;
        self.messages.push(bytes);
        self.signatures.push((key, self.messages.len() - 1, signature));
        Ok(())
    }

    fn signed_by_all(
        &mut self,
        signers: Vec<(PublicKey, Signature)>,
        bytes: Vec<u8>,
    ) -> Result<(), Rejection> {
        self.messages.push(bytes);
        let message = self.messages.len() - 1;
        self.signatures.extend(signers.into_iter().map(|(key, s)| (key, message, s)));
        Ok(())
    }

    /// Whether the signatures of a certificate were checked before; if not they are when this
    /// message is accepted.
    fn is_known<T: Encode>(&mut self, certificate: &T, kind: Domain) -> bool {
        let digest = hash(kind, &encode(certificate));
        if self.cache.contains(&digest) || self.fresh.contains(&digest) {
            return true;
        }
        self.fresh.push(digest);
        false
    }
}

// Keys of the cache; they never leave the process.
const QUORUM: Domain = Domain::new("lgt/cache-qc");
const COMMIT: Domain = Domain::new("lgt/cache-cc");
const TIMEOUT: Domain = Domain::new("lgt/cache-tc");

/// R1: a block stands on QC(view − 1), or with TC(view − 1) on a QC not below its maximum.
pub(crate) fn check_justification(
    view: View,
    qc: View,
    tc: Option<&TimeoutCert>,
) -> Result<(), Rejection> {
    if qc >= view {
        return Err(Rejection::QcNotBelow { qc, view });
    }
    match tc {
        None if qc.next() == view => Ok(()),
        Some(tc) if tc.view.next() == view && qc.next() != view => {
            let maximum = tc.high_qc.view;
            if qc >= maximum { Ok(()) } else { Err(Rejection::QcBelowTimeouts { qc, maximum }) }
        }
        _ => Err(Rejection::NotJustified { view, qc }),
    }
}

fn check_parent(qc: &QuorumCert, parent: BlockHash, parent_view: View) -> Result<(), Rejection> {
    if (parent, parent_view) == (qc.block, qc.view) {
        Ok(())
    } else {
        Err(Rejection::ParentMismatch)
    }
}

fn check_parent_view(parent: View, view: View) -> Result<(), Rejection> {
    if view == View::ZERO {
        return Err(Rejection::ViewZero);
    }
    if parent < view { Ok(()) } else { Err(Rejection::ParentNotBelow { parent, view }) }
}

#[cfg(test)]
mod tests;
