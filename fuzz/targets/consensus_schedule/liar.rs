//! A member that hears everything and signs whatever it likes, with its own key only.

use std::collections::VecDeque;

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, timeout_message,
};
use logothete_consensus::{
    Block, BlockHeader, Certificate, CommitVote, Context, Message, PrepareVote, Proposal,
    QuorumCert, Timeout, TimeoutCert, payload_hash,
};
use logothete_primitives::{Signature, Signer, TimestampMs, ValidatorIndex, View};

use crate::keyed_hash::KeyedHash;
use crate::stage::{self, EPOCH_MS};

const MEMORY: usize = 48;

/// The liar and what it has heard last.
pub(crate) struct Liar {
    index: ValidatorIndex,
    heard: VecDeque<Message>,
}

impl Liar {
    pub(crate) fn new(index: ValidatorIndex) -> Self {
        Self { index, heard: VecDeque::new() }
    }

    pub(crate) fn index(&self) -> ValidatorIndex {
        self.index
    }

    pub(crate) fn hear(&mut self, message: &Message) {
        if self.heard.len() == MEMORY {
            self.heard.pop_front();
        }
        self.heard.push_back(message.clone());
    }

    /// Something of a kind, made of what the choice picks among the things heard.
    pub(crate) fn say(&self, ctx: &Context, kind: usize, choice: usize) -> Option<Message> {
        match kind % 6 {
            0 => self.prepare_vote(ctx, choice),
            1 => self.commit_vote(ctx, choice),
            2 => self.timeout(ctx, choice),
            3 => self.proposal(ctx, choice, false),
            4 => self.proposal(ctx, choice, true),
            // Says again what somebody said.
            _ => pick(self.heard.iter(), choice).cloned(),
        }
    }

    fn sign(&self, message: &[u8]) -> Signature {
        KeyedHash::new(self.index.get()).sign(message)
    }

    fn prepare_vote(&self, ctx: &Context, choice: usize) -> Option<Message> {
        let heard = self.heard.iter().filter_map(|message| match message {
            Message::PrepareVote(vote) => Some(vote),
            _ => None,
        });
        let PrepareVote { epoch, view, block, height, parent_view, .. } = *pick(heard, choice)?;
        let body = PrepareBody { epoch, view, block, height, parent_view };
        let signature = self.sign(&body.message(&ctx.chain));
        let signer = self.index;
        let vote = PrepareVote { epoch, view, block, height, parent_view, signer, signature };
        Some(Message::PrepareVote(vote))
    }

    fn commit_vote(&self, ctx: &Context, choice: usize) -> Option<Message> {
        let qc = self.quorum_cert(ctx, choice).filter(|qc| qc.view != View::ZERO)?;
        let QuorumCert { epoch, view, block, .. } = qc;
        let signature = self.sign(&commit_message(&ctx.chain, epoch, view, &block));
        let vote = CommitVote { epoch, view, block, signer: self.index, signature };
        Some(Message::CommitVote { vote, qc })
    }

    /// For the view that some certificate leads into, with a QC that may be far older.
    fn timeout(&self, ctx: &Context, choice: usize) -> Option<Message> {
        let high_qc = self.quorum_cert(ctx, choice % 8)?;
        let entry = pick(self.timeout_certs(), choice / 8).filter(|tc| tc.view > high_qc.view);
        let before = entry.map_or(high_qc.view, |tc| tc.view);
        let (epoch, view) = (ctx.epoch(), before.next());
        let signature = self.sign(&timeout_message(&ctx.chain, epoch, view, high_qc.view));
        let entry = entry.cloned().map(Certificate::Timeout);
        let timeout = Timeout { epoch, view, high_qc, entry, signer: self.index, signature };
        Some(Message::Timeout(Box::new(timeout)))
    }

    fn proposal(&self, ctx: &Context, choice: usize, late: bool) -> Option<Message> {
        let qc = self.quorum_cert(ctx, choice % 8)?;
        let tc = if late { pick(self.timeout_certs(), choice / 32).cloned() } else { None };
        let view = tc.as_ref().map_or(qc.view, |tc| tc.view).next();
        // Two payloads, so that it may say two things in one view.
        let payload = vec![u8::try_from(choice / 8 % 2).expect("a bit")];
        let header = BlockHeader {
            epoch: ctx.epoch(),
            view,
            height: qc.height.next(),
            parent: qc.block,
            parent_view: qc.view,
            timestamp: TimestampMs::new(EPOCH_MS + view.get()),
            proposer: self.index,
            payload: payload_hash(&payload),
            executed: stage::executed(qc.height.minus(2)),
            next_set: None,
        };
        let hash = header.hash();
        let signature = self.sign(&proposal_message(&ctx.chain, header.epoch, view, &hash));
        let block = Block { header, payload: payload.try_into().expect("one byte") };
        Some(Message::Proposal(Box::new(Proposal { block, qc, tc, signature })))
    }

    /// One of the certificates heard, the genesis certificate among them.
    fn quorum_cert(&self, ctx: &Context, choice: usize) -> Option<QuorumCert> {
        let heard = self.heard.iter().filter_map(|message| match message {
            Message::Proposal(proposal) => Some(&proposal.qc),
            Message::CommitVote { qc, .. } => Some(qc),
            Message::Timeout(timeout) => Some(&timeout.high_qc),
            Message::Certificate(certificate) => match &**certificate {
                Certificate::Quorum(qc) => Some(qc),
                _ => None,
            },
            _ => None,
        });
        let genesis = ctx.genesis_qc();
        pick(std::iter::once(&genesis).chain(heard), choice).cloned()
    }

    fn timeout_certs(&self) -> impl Iterator<Item = &TimeoutCert> {
        self.heard.iter().filter_map(|message| match message {
            Message::Proposal(proposal) => proposal.tc.as_ref(),
            Message::Certificate(certificate) => match &**certificate {
                Certificate::Timeout(tc) => Some(tc),
                _ => None,
            },
            _ => None,
        })
    }
}

/// Counted from the newest, around and around.
fn pick<'a, T>(items: impl Iterator<Item = &'a T>, choice: usize) -> Option<&'a T> {
    let items: Vec<&T> = items.collect();
    let back = choice % items.len().max(1);
    items.len().checked_sub(1 + back).map(|place| items[place])
}
