//! One replica on a test stand: the other validators are puppets who sign what the test says. Blocks
//! have names; `genesis` is there from the start.

use std::collections::BTreeMap;
use std::time::Duration;

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};
use logothete_consensus::{
    Action, Block, BlockHeader, Certificate, CommitCert, CommitVote, CommittedRoot, Config,
    Context, Event, Message, Now, PrepareVote, Proposal, QuorumCert, Recovered, Rejection, Replica,
    SafetyState, Statement, Timeout, TimeoutCert, TimeoutEntry, payload_hash, verify,
    verify_commit, verify_quorum,
};
use logothete_primitives::{
    BlockHash, Epoch, Height, Signature, Signer, SignerSet, TimestampMs, ValidatorIndex, View,
};

use super::keyed_hash::{KeyedHash, KeyedHashVerifier};
use super::stage::{self, EPOCH_MS};

/// Shorthand for a place in the set.
pub(crate) const fn v(index: u16) -> ValidatorIndex {
    ValidatorIndex::new(index)
}

/// The puppets, the blocks they speak of, and one replica.
pub(crate) struct Stand {
    pub(crate) ctx: Context,
    pub(crate) config: Config,
    pub(crate) own: ValidatorIndex,
    pub(crate) replica: Replica,
    pub(crate) now: Duration,
    /// Block and the QC of its parent.
    pub(crate) blocks: BTreeMap<String, (Block, QuorumCert)>,
    pub(crate) names: BTreeMap<BlockHash, String>,
    // What the driver has written.
    pub(crate) safety: Option<SafetyState>,
    stored: Vec<(Block, QuorumCert)>,
    committed: CommittedRoot,
    recent: Vec<BlockHeader>,
    pub(crate) nonce: [u8; 32],
}

impl Stand {
    /// A fresh validator among those of these powers.
    pub(crate) fn new(powers: &[u64], own: u16) -> Self {
        Self::with(powers, own, Some(SafetyState::fresh(Epoch::ZERO)), true)
    }

    /// One that has lost its safety state.
    pub(crate) fn amnesiac(powers: &[u64], own: u16) -> Self {
        Self::with(powers, own, None, true)
    }

    /// Not a validator.
    pub(crate) fn follower(powers: &[u64]) -> Self {
        Self::with(powers, 0, None, false)
    }

    fn with(powers: &[u64], own: u16, safety: Option<SafetyState>, signs: bool) -> Self {
        let ctx = stage::context(powers);
        let config = Config {
            delta: Duration::from_millis(100),
            timeout_base: Duration::from_millis(1000),
            timeout_max: Duration::from_millis(4000),
            backoff_percent: 200,
            empty_block_interval: Duration::from_millis(5000),
            max_clock_drift_ms: 2000,
            resend_interval: Duration::from_millis(500),
        };
        let recovered = Recovered::genesis(stage::genesis(), safety.clone(), [1; 32]);
        let signer = signs.then(|| Box::new(KeyedHash::new(own)) as Box<dyn Signer>);
        let replica = Replica::new(config.clone(), ctx.clone(), signer, recovered);
        Self {
            names: BTreeMap::from([(ctx.genesis, "genesis".to_owned())]),
            ctx,
            config,
            own: v(own),
            replica,
            now: Duration::ZERO,
            blocks: BTreeMap::new(),
            safety,
            stored: Vec::new(),
            committed: CommittedRoot::genesis(stage::genesis()),
            recent: Vec::new(),
            nonce: [1; 32],
        }
    }

    /// A new process on what was written; `amnesia` takes the safety state away.
    pub(crate) fn restart(&mut self, amnesia: bool) {
        if amnesia {
            self.safety = None;
        }
        self.nonce[0] += 1;
        let above = self.committed.header.height;
        let recovered = Recovered {
            safety: self.safety.clone(),
            committed: self.committed.clone(),
            recent: self.recent.clone(),
            blocks: self
                .stored
                .iter()
                .filter(|(block, _)| block.header.height > above)
                .cloned()
                .collect(),
            nonce: self.nonce,
        };
        let signer = Box::new(KeyedHash::new(self.own.get()));
        self.replica = Replica::new(self.config.clone(), self.ctx.clone(), Some(signer), recovered);
    }

    /// One step; writes what is to be written.
    pub(crate) fn step(&mut self, event: Event) -> Vec<Action> {
        let unix_ms = EPOCH_MS + u64::try_from(self.now.as_millis()).unwrap();
        let actions = self.replica.step(Now { mono: self.now, unix_ms }, event);
        for action in &actions {
            match action {
                Action::StoreBlock { block, qc } => {
                    self.stored.push(((**block).clone(), qc.clone()));
                }
                Action::PersistSafety(state) => self.safety = Some((**state).clone()),
                Action::Commit { blocks, cc } => {
                    self.recent.extend(blocks.iter().map(|block| block.header.clone()));
                    let header = blocks.last().unwrap().header.clone();
                    self.committed = CommittedRoot { header, qc: None, cc: Some(cc.clone()) };
                }
                _ => {}
            }
        }
        actions
    }

    /// A message as it comes from the network, verified first.
    pub(crate) fn deliver(&mut self, message: Message) -> Result<Vec<Action>, Rejection> {
        let message = verify(&self.ctx, &KeyedHashVerifier, message)?;
        Ok(self.step(Event::Message(message)))
    }

    /// The same, of a message that must be accepted as verified.
    pub(crate) fn hear(&mut self, message: Message) -> Vec<Action> {
        self.deliver(message).expect("a well-formed message")
    }

    pub(crate) fn fetched(&mut self, block: Block, qc: QuorumCert) -> Vec<Action> {
        let qc = verify_quorum(&self.ctx, &KeyedHashVerifier, qc).unwrap();
        self.step(Event::Block { block, qc })
    }

    pub(crate) fn synced(&mut self, names: &[&str], cc: CommitCert) -> Vec<Action> {
        let blocks = names.iter().map(|name| self.blocks[*name].0.clone()).collect();
        let cc = verify_commit(&self.ctx, &KeyedHashVerifier, cc).unwrap();
        self.step(Event::Committed { blocks, cc })
    }

    /// Passes time and ticks, whether anything is due or not.
    pub(crate) fn tick_ms(&mut self, ms: u64) -> Vec<Action> {
        self.now += Duration::from_millis(ms);
        self.step(Event::Tick)
    }

    // What the puppets say.

    /// A block by `author`, which gets a name.
    pub(crate) fn block(&mut self, name: &str, author: u16, view: u64, parent: &str) -> Block {
        let parent_header = self.header(parent);
        let payload = name.as_bytes().to_vec();
        let header = BlockHeader {
            epoch: self.ctx.epoch(),
            view: View::new(view),
            height: parent_header.height.next(),
            parent: parent_header.hash(),
            parent_view: parent_header.view,
            timestamp: TimestampMs::new(EPOCH_MS + u64::try_from(self.now.as_millis()).unwrap())
                .max(parent_header.timestamp.next()),
            proposer: v(author),
            payload: payload_hash(&payload),
            executed: parent_header.executed,
            next_set: None,
        };
        self.define(name, header, payload)
    }

    pub(crate) fn define(&mut self, name: &str, header: BlockHeader, payload: Vec<u8>) -> Block {
        let parent = self.names[&header.parent].clone();
        let block = Block { header, payload: payload.try_into().unwrap() };
        self.names.insert(block.hash(), name.to_owned());
        self.blocks.insert(name.to_owned(), (block.clone(), self.qc(&parent)));
        block
    }

    pub(crate) fn header(&self, name: &str) -> BlockHeader {
        match self.blocks.get(name) {
            Some((block, _)) => block.header.clone(),
            None => stage::genesis(),
        }
    }

    pub(crate) fn proposal(&self, name: &str, tc: Option<TimeoutCert>) -> Proposal {
        let (block, qc) = self.blocks[name].clone();
        let header = &block.header;
        let bytes = proposal_message(&self.ctx.chain, header.epoch, header.view, &header.hash());
        let signature = sign(header.proposer, &bytes);
        Proposal { block, qc, tc, signature }
    }

    pub(crate) fn prepare(&self, signer: u16, name: &str) -> PrepareVote {
        let header = self.header(name);
        let body = PrepareBody {
            epoch: self.ctx.epoch(),
            view: header.view,
            block: header.hash(),
            height: header.height,
            parent_view: header.parent_view,
        };
        PrepareVote {
            epoch: body.epoch,
            view: body.view,
            block: body.block,
            height: body.height,
            parent_view: body.parent_view,
            signer: v(signer),
            signature: sign(v(signer), &body.message(&self.ctx.chain)),
        }
    }

    pub(crate) fn commit(&self, signer: u16, name: &str) -> CommitVote {
        let header = self.header(name);
        let (epoch, view, block) = (self.ctx.epoch(), header.view, header.hash());
        let bytes = commit_message(&self.ctx.chain, epoch, view, &block);
        CommitVote { epoch, view, block, signer: v(signer), signature: sign(v(signer), &bytes) }
    }

    pub(crate) fn commit_message(&self, signer: u16, name: &str) -> Message {
        Message::CommitVote { vote: self.commit(signer, name), qc: self.qc(name) }
    }

    pub(crate) fn timeout(
        &self,
        signer: u16,
        view: u64,
        qc: &str,
        entry: Option<Certificate>,
    ) -> Timeout {
        let (epoch, view, high_qc) = (self.ctx.epoch(), View::new(view), self.qc(qc));
        let bytes = timeout_message(&self.ctx.chain, epoch, view, high_qc.view);
        let signature = sign(v(signer), &bytes);
        Timeout { epoch, view, high_qc, entry, signer: v(signer), signature }
    }

    pub(crate) fn statement(
        &self,
        nonce: [u8; 32],
        signer: u16,
        view: u64,
        entry: Option<Certificate>,
    ) -> Statement {
        let view = View::new(view);
        let bytes = statement_message(&self.ctx.chain, self.ctx.epoch(), &nonce, view);
        let signature = sign(v(signer), &bytes);
        Statement { nonce, view, entry, signer: v(signer), signature }
    }

    /// The first validators, in order, whose power is a quorum.
    pub(crate) fn quorum(&self) -> Vec<u16> {
        let mut power = 0;
        let validators = &self.ctx.validators;
        let chosen = validators.iter().take_while(|(_, validator)| {
            let more = power < validators.quorum();
            power += validator.power;
            more
        });
        chosen.map(|(index, _)| index.get()).collect()
    }

    pub(crate) fn qc(&self, name: &str) -> QuorumCert {
        if name == "genesis" {
            return self.ctx.genesis_qc();
        }
        let header = self.header(name);
        let signers = self.quorum();
        let signatures = signers.iter().map(|signer| self.prepare(*signer, name).signature);
        QuorumCert {
            epoch: self.ctx.epoch(),
            view: header.view,
            block: header.hash(),
            height: header.height,
            parent_view: header.parent_view,
            signatures: signatures.collect::<Vec<_>>().try_into().unwrap(),
            signers: self.set(&signers),
        }
    }

    pub(crate) fn cc(&self, name: &str) -> CommitCert {
        let header = self.header(name);
        let signers = self.quorum();
        let signatures = signers.iter().map(|signer| self.commit(*signer, name).signature);
        CommitCert {
            epoch: self.ctx.epoch(),
            view: header.view,
            block: header.hash(),
            signatures: signatures.collect::<Vec<_>>().try_into().unwrap(),
            signers: self.set(&signers),
        }
    }

    /// A TC in which everybody of a quorum claims the QC of `qc`.
    pub(crate) fn tc(&self, view: u64, qc: &str) -> TimeoutCert {
        let high_qc = self.qc(qc);
        let entries = self.quorum().into_iter().map(|signer| TimeoutEntry {
            signer: v(signer),
            qc_view: high_qc.view,
            signature: self.timeout(signer, view, qc, None).signature,
        });
        TimeoutCert {
            epoch: self.ctx.epoch(),
            view: View::new(view),
            timeouts: entries.collect::<Vec<_>>().try_into().unwrap(),
            high_qc,
        }
    }

    pub(crate) fn set(&self, signers: &[u16]) -> SignerSet {
        let mut set = SignerSet::new(self.ctx.validators.len());
        for signer in signers {
            set.insert(v(*signer));
        }
        set
    }

    pub(crate) fn name(&self, block: &BlockHash) -> String {
        self.names.get(block).cloned().unwrap_or_else(|| "unnamed".to_owned())
    }

    /// Gives the own block of this step a name.
    pub(crate) fn name_own(&mut self, name: &str, actions: &[Action]) {
        for action in actions {
            if let Action::Broadcast(Message::Proposal(proposal)) = action {
                let block = proposal.block.clone();
                self.names.insert(block.hash(), name.to_owned());
                self.blocks.insert(name.to_owned(), (block, proposal.qc.clone()));
            }
        }
    }

    // Shortcuts.

    /// Lets the replica see, check and prepare-vote a block of its view.
    pub(crate) fn accept(&mut self, name: &str) -> Vec<Action> {
        let proposal = self.proposal(name, None);
        let block = proposal.block.hash();
        let mut actions = self.hear(Message::Proposal(Box::new(proposal)));
        actions.extend(self.step(Event::PayloadChecked { block, verdict: Ok(()) }));
        actions
    }

    pub(crate) fn payload_built(&mut self, view: u64, payload: &[u8]) -> Vec<Action> {
        let executed = stage::executed(Height::ZERO);
        self.step(Event::PayloadBuilt {
            view: View::new(view),
            payload: payload.to_vec(),
            executed,
        })
    }
}

fn sign(signer: ValidatorIndex, bytes: &[u8]) -> Signature {
    KeyedHash::new(signer.get()).sign(bytes)
}

/// The messages among actions.
pub(crate) fn messages<'a>(actions: &'a [Action]) -> Vec<&'a Message> {
    let message = |action: &'a Action| match action {
        Action::Send { message, .. } | Action::Broadcast(message) => Some(message),
        _ => None,
    };
    actions.iter().filter_map(message).collect()
}
