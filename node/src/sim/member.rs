//! A member of a run: a machine with a disk, on which processes live and die.

use std::sync::Arc;

use logothete_consensus::{Offence, SafetyState};
use logothete_genesis::Spec;
use logothete_ledger::store::{Fate, Marks, MarksFile, MemoryStore, Store, StoreError};
use logothete_p2p::simulated::SimulatedNet;
use logothete_primitives::{
    Ed25519Verifier, Height, PublicKey, SecretKey, Signer, ValidatorIndex, Verifier, codec,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::harm::Harm;
use super::keyed_hash::KeyedHashes;
use super::liars::{Deceit, Liar, Misdeed};
use super::marks::MarksDisk;
use super::watch::{Eye, Watch};
use crate::chain::{Chain, Genesis};
use crate::clock::Clock;
use crate::config::Config;
use crate::driver::marks_of;
use crate::node::{Parts, World, assemble};
use crate::recover;
use crate::service::Service;
use crate::supervise::{Failure, Supervisor};
use crate::workers::Workers;

/// What all members of a run share.
pub(super) struct Stage {
    pub(super) seed: u64,
    pub(super) spec: Arc<Spec>,
    pub(super) genesis: Arc<Genesis>,
    pub(super) hashes: Option<KeyedHashes>,
    pub(super) net: SimulatedNet,
    pub(super) watch: Watch,
    /// No part of it is used: there are no files and no sockets.
    pub(super) config: Config,
    /// Where the end of a process is told.
    pub(super) endings: mpsc::UnboundedSender<Ending>,
    /// What wall clocks show when the run begins, skew aside.
    pub(super) began_unix_ms: u64,
    /// The same moment in virtual time.
    pub(super) began: tokio::time::Instant,
}

/// A process ended by itself.
pub(super) struct Ending {
    pub(super) member: usize,
    pub(super) life: u32,
    pub(super) failure: Failure,
}

struct Running {
    service: Arc<Service>,
    stop: CancellationToken,
    /// What its store will do to it.
    doom: Option<&'static str>,
}

/// What a process leaves behind on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    /// What was durable, and so many writes more.
    Durable { survivors: usize },
    /// What was there when it started: the disk forgets.
    Memory,
    /// Nothing.
    Nothing,
}

/// A machine.
pub(super) struct Member {
    index: usize,
    secret: SecretKey,
    own: Option<ValidatorIndex>,
    skew_ms: i64,
    misdeed: Option<Misdeed>,
    store: Arc<MemoryStore>,
    /// The copy of the marks beside it.
    marks: MarksDisk,
    /// What the disk of one that forgets was like when the present life began.
    memory: Option<(Arc<MemoryStore>, MarksDisk)>,
    /// What happens to the disk before the next start.
    harm: Option<Harm>,
    /// Whether the database was damaged, and may still be.
    is_harmed: bool,
    /// What a process knew last that it had signed.
    signed: Option<Marks>,
    life: u32,
    running: Option<Running>,
}

impl Member {
    /// A machine with an empty disk and a new key.
    pub(super) fn new(
        index: usize,
        secret: SecretKey,
        own: Option<ValidatorIndex>,
        (skew_ms, misdeed): (i64, Option<Misdeed>),
        stage: &Stage,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(MemoryStore::crashable(stage.genesis.chain));
        let member = Self {
            index,
            secret,
            own,
            skew_ms,
            misdeed,
            store,
            marks: MarksDisk::empty(),
            memory: None,
            harm: None,
            is_harmed: false,
            signed: None,
            life: 0,
            running: None,
        };
        if own.is_some() {
            let mut marks = member.open_marks()?;
            recover::begin_safety(&member.chain(&stage.genesis), &mut marks)?;
        }
        Ok(member)
    }

    pub(super) fn key(&self) -> PublicKey {
        self.secret.public()
    }

    pub(super) fn is_honest(&self) -> bool {
        self.misdeed.is_none()
    }

    /// Whether the disk can go back to what it was when the present life began.
    pub(super) fn may_forget(&self) -> bool {
        self.memory.is_some()
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn service(&self) -> Option<&Arc<Service>> {
        self.running.as_ref().map(|running| &running.service)
    }

    /// Why the process that runs is to end by itself, if it is.
    pub(super) fn doom(&self) -> Option<&'static str> {
        self.running.as_ref().and_then(|running| running.doom)
    }

    pub(super) fn is_alive(&self, life: u32) -> bool {
        self.life == life && self.running.is_some()
    }

    /// Whether others must do without its memory, now or after the next start.
    pub(super) fn is_impaired(&self) -> bool {
        self.harm.is_some() || self.is_harmed || self.own.is_some() && self.known_marks().is_none()
    }

    /// What a validator knows that it signed; nothing for one without its safety state.
    fn known_marks(&self) -> Option<Marks> {
        let safety = codec::decode::<SafetyState>(&self.store.safety().ok()??).ok()?;
        let known = marks_of(&safety);
        self.open_marks().ok()?.check(&known).permits_signing().then_some(known)
    }

    fn open_marks(&self) -> Result<MarksFile, StoreError> {
        MarksFile::open_on(Box::new(self.marks.clone()), Store::chain(&*self.store))
    }

    /// Something happens to the disk before the next start.
    pub(super) fn harm(&mut self, harm: Harm) {
        self.harm = Some(harm);
    }

    pub(super) fn is_harmed(&self) -> bool {
        self.is_harmed
    }

    /// The database was looked at: no damage is left.
    pub(super) fn trust_disk(&mut self) {
        self.is_harmed = false;
    }

    /// Removes the database of a machine that is off, and leaves the marks.
    pub(super) fn remove_database(&mut self) {
        self.store = Arc::new(MemoryStore::crashable(Store::chain(&*self.store)));
        self.is_harmed = false;
    }

    /// Reads every record.
    pub(super) fn read_all(&self) -> Result<(), StoreError> {
        self.store.read_all()
    }

    /// The database of a running process moves its log to tables, as it does when there is much of it.
    pub(super) fn flush(&self) {
        if self.doom().is_none() && self.is_running() {
            self.store.flush().expect("a store that works can be flushed");
        }
    }

    pub(super) fn chain(&self, genesis: &Arc<Genesis>) -> Chain {
        Chain::new(self.store.clone(), genesis.clone())
    }

    /// The height that the running process has executed.
    pub(super) fn height(&self) -> Height {
        self.service().map_or(Height::ZERO, |service| service.head().height)
    }

    /// Whether its chain records an offence.
    pub(super) fn records(&self, genesis: &Arc<Genesis>, offence: Offence) -> bool {
        let recorded = self.chain(genesis).evidence();
        recorded.is_ok_and(|all| all.iter().any(|recorded| recorded.offence == offence))
    }

    /// Lets the store fail a running process; false when none runs or it has its fate already.
    pub(super) fn doom_with(&mut self, name: &'static str, fate: Fate) -> bool {
        match &mut self.running {
            Some(running) if running.doom.is_none() => {
                running.doom = Some(name);
                self.store.set_fate(fate);
                true
            }
            _ => false,
        }
    }

    /// The number of writes that a loss of power may take back.
    pub(super) fn unsynced_writes(&self) -> usize {
        self.store.unsynced_writes()
    }

    /// Ends the process, and leaves of the disk what `remains`, and of the marks what survives.
    pub(super) fn end(
        &mut self,
        net: &SimulatedNet,
        remains: Remains,
        survives: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let survivors = match remains {
            Remains::Durable { survivors } => survivors,
            Remains::Memory | Remains::Nothing => 0,
        };
        let left = self.store.lose_power(survivors)?;
        if let Some(running) = self.running.take() {
            net.leave(&self.key());
            running.stop.cancel();
        }
        let marks = self.marks.left(survives);
        let chain = Store::chain(&left);
        (self.store, self.marks) = match (remains, self.memory.take()) {
            (Remains::Nothing, _) => (Arc::new(MemoryStore::crashable(chain)), MarksDisk::empty()),
            (Remains::Memory, Some(memory)) => memory,
            _ => (Arc::new(left), marks),
        };
        self.is_harmed &= remains != Remains::Nothing;
        self.signed = self.known_marks().or(self.signed);
        Ok(())
    }

    /// Opens the disk after whatever happened to it; what that was.
    fn open(&mut self, stage: &Stage) -> Result<Option<Harm>, StoreError> {
        let mut database = self.store.disk();
        let mut harm = self.harm.take();
        harm = harm.filter(|harm| harm.strike(&mut database, &self.marks));
        if let Some(harm) = &harm {
            self.is_harmed = true;
            let journal = stage.watch.journal();
            journal.fault(harm.fault.name(), self.index, &format!("{harm:?}"));
        }
        self.store = Arc::new(database.open()?);
        Ok(harm)
    }

    /// What the process may have signed, by the program's own judgement, and whether that judgement is right.
    fn remember(
        &mut self,
        stage: &Stage,
        marks: &mut MarksFile,
        (knew, harm): (bool, Option<Harm>),
    ) -> anyhow::Result<Option<SafetyState>> {
        let safety = recover::remember(&self.chain(&stage.genesis), marks)?;
        let (journal, member) = (stage.watch.journal(), self.index);
        match &safety {
            Some(safety) if !self.signed.is_none_or(|signed| marks_of(safety).covers(&signed)) => {
                let signed = self.signed;
                journal.violate(format!("v{member} signed {signed:?} and remembers {safety:?}"));
            }
            Some(_) if harm.is_some_and(|harm| !harm.is_in_tables()) => {
                journal.fault("damage that took no signature back", member, "");
            }
            None if knew && harm.is_some() => journal.fault("damage seen by the marks", member, ""),
            None if knew => {
                journal.violate(format!("v{member} forgot what it signed for no reason"));
            }
            _ => {}
        }
        Ok(safety)
    }

    /// Starts a process on the disk as it is.
    pub(super) fn start(&mut self, stage: &Stage, nonce: [u8; 32]) -> anyhow::Result<()> {
        self.life += 1;
        if self.misdeed == Some(Misdeed::Forgets) {
            let memory = Arc::new(self.store.lose_power(usize::MAX)?);
            self.memory = Some((memory, self.marks.left(|| true)));
            self.store = Arc::new(self.store.lose_power(usize::MAX)?);
        }
        let knew = self.known_marks().is_some();
        let harm = self.open(stage)?;
        let genesis = &stage.genesis;
        recover::initialize(&*self.store, &stage.spec, genesis)?;
        let chain = self.chain(genesis);
        let mut marks = self.own.map(|_| self.open_marks()).transpose()?;
        let safety = match &mut marks {
            Some(marks) => self.remember(stage, marks, (knew, harm))?,
            None => None,
        };
        let role = match self.own {
            Some(_) => logothete_p2p::Role::Validator,
            None => logothete_p2p::Role::Follower,
        };
        let validators = genesis.validators.iter().map(|(_, validator)| validator.key).collect();
        let peer = logothete_p2p::Config::new(genesis.chain, genesis.hash, validators, role);
        let (network, mut inbound) = stage.net.join(self.key(), peer);
        let deceit = self.liar(stage).and_then(Deceit::new);
        if let Some(deceit) = &deceit {
            inbound.requests = deceit.intercept(inbound.requests);
        }
        let eye = Eye {
            network,
            deceit,
            member: self.index,
            life: self.life,
            own: self.own,
            store: self.store.clone(),
            watch: stage.watch.clone(),
        };
        let world = World {
            network: Arc::new(eye),
            inbound,
            clock: self.clock(stage),
            workers: Workers::Inline,
            verifier: self.verifier(stage),
            nonce,
        };
        let own = self.own.map(|index| (index, self.signer(stage)));
        let spec = stage.spec.clone();
        let config = stage.config.clone();
        let parts = Parts { config, spec, chain, own, safety, marks, source: None };
        let stop = CancellationToken::new();
        let (supervisor, failures) = Supervisor::new(stop.clone());
        let service = match assemble(parts, world, supervisor) {
            Ok(service) => service,
            Err(error) => {
                stage.net.leave(&self.key());
                return Err(error);
            }
        };
        self.is_harmed &= harm.is_none_or(|harm| harm.is_in_tables());
        self.tell_end(stage, failures);
        self.running = Some(Running { service, stop, doom: None });
        Ok(())
    }

    fn liar(&self, stage: &Stage) -> Option<Liar> {
        Some(Liar {
            misdeed: self.misdeed?,
            own: self.own?,
            member: self.index,
            chain: stage.genesis.chain,
            signer: self.signer(stage),
            journal: stage.watch.journal().clone(),
            random: Liar::random(stage.seed, self.index, self.life),
        })
    }

    fn tell_end(&self, stage: &Stage, mut failures: mpsc::Receiver<Failure>) {
        let (member, life, endings) = (self.index, self.life, stage.endings.clone());
        tokio::spawn(async move {
            if let Some(failure) = failures.recv().await {
                // The run may be over.
                let _ = endings.send(Ending { member, life, failure });
            }
        });
    }

    fn clock(&self, stage: &Stage) -> Clock {
        let elapsed = u64::try_from(stage.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = stage.began_unix_ms.saturating_add(elapsed);
        Clock::simulated(now.saturating_add_signed(self.skew_ms))
    }

    pub(super) fn verifier(&self, stage: &Stage) -> Arc<dyn Verifier> {
        match &stage.hashes {
            Some(hashes) => Arc::new(hashes.clone()),
            None => Arc::new(Ed25519Verifier::for_set(&stage.genesis.validators)),
        }
    }

    fn signer(&self, stage: &Stage) -> Box<dyn Signer> {
        match stage.hashes.as_ref().and_then(|hashes| hashes.signer(&self.key())) {
            Some(signer) => Box::new(signer),
            None => Box::new(self.secret.clone()),
        }
    }
}
