//! One run: members, faults, clients, and the two phases.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use logothete_client::rpc::Api as _;
use logothete_client::rpc::types::PageRequest;
use logothete_genesis::Spec;
use logothete_genesis::spec::{AccountSpec, ValidatorSpec};
use logothete_ledger::params::ChainParams;
use logothete_p2p::simulated::{LinkConfig, SimulatedNet};
use logothete_primitives::{Amount, Height, SecretKey, TimestampMs, ValidatorIndex};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::client::{Clients, Told};
use super::harm::Harm;
use super::journal::{Journal, Line};
use super::keyed_hash::KeyedHashes;
use super::liars::Misdeed;
use super::member::{Ending, Member, Remains, Stage};
use super::plan::disk_stream;
use super::watch::Watch;
use super::{Plan, Report, checks};
use crate::config::{Config, Settings, Sources};
use crate::recover;
use crate::remedy::Remedy;
use crate::rpc::{Limits, NodeApi};
use crate::supervise::Failure;

/// The chain of all runs begins here.
const BEGAN_UNIX_MS: u64 = 1_700_000_000_000;
/// Coins of each client at the beginning.
const COINS: Amount = Amount::new(1_000_000_000);
/// Virtual time in which everybody must have caught up and gone on when faults have ended.
const CALM_MAX: Duration = Duration::from_secs(60);
/// Blocks that must become final after that.
const CALM_BLOCKS: u64 = 3;

/// What is to happen at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Todo {
    /// The next fault.
    Fault,
    /// The next damage of a disk.
    DiskFault,
    /// A member starts.
    Start(usize),
    /// A partition ends.
    Heal,
    /// The link from one member to another is as all others again.
    Mend(usize, usize),
}

/// The world of one run.
pub(super) struct Cluster {
    pub(super) plan: Plan,
    pub(super) random: ChaCha8Rng,
    /// What happens to disks.
    pub(super) disk_random: ChaCha8Rng,
    pub(super) journal: Journal,
    pub(super) net: SimulatedNet,
    pub(super) members: Vec<Member>,
    pub(super) todo: BTreeMap<(Instant, u64), Todo>,
    pub(super) sequence: u64,
    pub(super) stage: Stage,
    endings: mpsc::UnboundedReceiver<Ending>,
    clients: Clients,
}

impl Cluster {
    /// Runs a plan: what it did or what was broken, and what happened.
    pub(super) async fn run(plan: Plan) -> (Result<Report, String>, Vec<Line>) {
        let journal = Journal::new();
        let outcome = match Self::new(plan, journal.clone()) {
            Ok(mut cluster) => cluster.live().await,
            Err(error) => Err(error),
        };
        match (journal.violation(), outcome) {
            (Some(what), _) => (Err(what), journal.lines()),
            (None, Err(error)) => (Err(format!("{error:#}")), journal.lines()),
            (None, Ok(report)) => (Ok(report), journal.lines()),
        }
    }

    fn new(plan: Plan, journal: Journal) -> anyhow::Result<Self> {
        let random = ChaCha8Rng::seed_from_u64(!plan.seed);
        let disk_random = disk_stream(!plan.seed);
        let count = plan.powers.len() + plan.followers;
        let secrets: Vec<SecretKey> = (0..count).map(|n| secret(plan.seed, b'v', n)).collect();
        let wallets: Vec<SecretKey> =
            (0..plan.clients).map(|n| secret(plan.seed, b'c', n)).collect();
        let spec = Arc::new(spec(&plan, &secrets, &wallets));
        let genesis = Arc::new(recover::genesis_of(&spec));
        let net = SimulatedNet::new(plan.seed, plan.link);
        let (sender, endings) = mpsc::unbounded_channel();
        let keys = secrets.iter().map(SecretKey::public);
        let liars = plan.liars.keys().map(|member| secrets[*member].public()).collect();
        let stage = Stage {
            seed: plan.seed,
            hashes: (!plan.real_signatures).then(|| KeyedHashes::new(plan.seed, keys)),
            net: net.clone(),
            watch: Watch::new(journal.clone(), liars),
            endings: sender,
            began_unix_ms: BEGAN_UNIX_MS,
            began: Instant::now(),
            config: Config::from_settings(&Settings::resolve(&Sources::default())?),
            spec,
            genesis,
        };
        let clients = Clients::new(&stage, wallets, count, journal.clone());
        let members = secrets.into_iter().enumerate().map(|(index, secret)| {
            let own = (index < plan.powers.len()).then(|| u16::try_from(index)).transpose()?;
            let nature = (plan.skew_ms[index], plan.liars.get(&index).copied());
            Member::new(index, secret, own.map(ValidatorIndex::new), nature, &stage)
        });
        let members = members.collect::<anyhow::Result<_>>()?;
        let (todo, sequence) = (BTreeMap::new(), 0);
        Ok(Self {
            plan,
            random,
            disk_random,
            journal,
            net,
            members,
            todo,
            sequence,
            stage,
            endings,
            clients,
        })
    }

    async fn live(&mut self) -> anyhow::Result<Report> {
        for member in 0..self.members.len() {
            if self.plan.is_lost_in_time(member) {
                self.journal.fault("clock an hour wrong", member, "");
            }
            self.start(member);
        }
        self.clients.start(self.plan.seed);
        self.schedule(self.plan.fault_interval, Todo::Fault);
        if !self.plan.disk_faults.is_empty() {
            self.schedule(self.plan.disk_interval, Todo::DiskFault);
        }
        self.faulty_phase().await;
        self.calm_phase().await;
        let told = self.clients.finish().await;
        self.compare_evidence().await?;
        self.report(&told)
    }

    /// What the API of each member lists as evidence is what its chain records.
    async fn compare_evidence(&self) -> anyhow::Result<()> {
        for (index, member) in self.members.iter().enumerate() {
            let Some(service) = member.service() else { continue };
            let api = NodeApi::new(service.clone(), Limits::default());
            let params = PageRequest { limit: Some(100), ..PageRequest::default() };
            let page = api.evidence_list(params).await?;
            let mut recorded = member.chain(&self.stage.genesis).evidence()?;
            recorded.retain(|recorded| recorded.height <= member.height());
            let head = page.items.first().map(|item| (item.height, item.validator.index));
            let newest = recorded.first().map(|first| (first.height, first.offence.signer.get()));
            anyhow::ensure!(
                page.items.len() == recorded.len() && head == newest,
                "v{index} lists {:?} and records {recorded:?}",
                page.items
            );
        }
        Ok(())
    }

    fn report(&mut self, told: &Told) -> anyhow::Result<Report> {
        if self.journal.violation().is_none() {
            let kept = self.members.iter().map(|member| checks::Kept {
                honest: member.is_honest(),
                chain: member.chain(&self.stage.genesis),
            });
            let kept: Vec<_> = kept.collect();
            let verifier = self.members[0].verifier(&self.stage);
            let checked = checks::all(&self.stage.spec, &kept, told)
                .and_then(|()| checks::accountability(&kept, &*verifier, &self.plan.liars));
            match checked {
                Ok(count) => self.journal.count("evidence recorded", count),
                Err(what) => self.journal.violate(format!("{what:#}")),
            }
        }
        let (trace, messages) = self.stage.watch.totals();
        let height = self.heights().max().unwrap_or_default().get();
        Ok(Report {
            trace,
            height,
            transactions: told.finals.len() as u64,
            reads: told.reads.len() as u64,
            messages,
            faults: self.journal.faults(),
        })
    }

    /// Faults happen, until the first promise is broken or it is time for calm.
    async fn faulty_phase(&mut self) {
        let calm = Instant::now() + self.plan.faulty;
        while self.journal.violation().is_none() {
            let due = self.todo.first_key_value().map(|((at, _), _)| *at);
            tokio::select! {
                biased;
                Some(ending) = self.endings.recv() => self.on_ending(&ending),
                () = sleep_until(due.map_or(calm, |due| due.min(calm))) => {
                    match self.todo.pop_first() {
                        Some(((at, _), todo)) if at < calm => self.perform(todo),
                        _ => return,
                    }
                }
            }
        }
    }

    fn perform(&mut self, todo: Todo) {
        match todo {
            Todo::Fault => self.make_fault(),
            Todo::DiskFault => self.make_disk_fault(),
            Todo::Start(member) => self.start(member),
            Todo::Heal => self.net.heal(),
            Todo::Mend(from, to) => {
                let (from, to) = (self.members[from].key(), self.members[to].key());
                self.net.set_direction(&from, &to, self.plan.link);
            }
        }
    }

    /// All faults end and everybody is there: the chain goes on, and all catch up.
    async fn calm_phase(&mut self) {
        self.journal.note(None, "calm");
        self.net.heal();
        self.net.set_links(LinkConfig { loss: 0.0, ..self.plan.link });
        self.todo.clear();
        for member in 0..self.members.len() {
            if self.members[member].doom().is_some() {
                self.kill(member, false);
            }
            self.start(member);
            self.look_for_damage(member);
        }
        self.clients.wind_down();
        let deadline = Instant::now() + CALM_MAX;
        let target = self.heights().max().unwrap_or_default().plus(CALM_BLOCKS);
        let mut next = Instant::now();
        while self.journal.violation().is_none() {
            next += Duration::from_millis(100);
            tokio::select! {
                biased;
                Some(ending) = self.endings.recv() => self.on_ending(&ending),
                () = sleep_until(next) => {}
            }
            let target = target.max(self.clients.highest());
            let done = self.clients.are_done();
            if done && self.honest_heights().all(|height| height >= target) && self.is_on_record() {
                return;
            }
            if Instant::now() > deadline {
                self.journal.violate(self.complaint(target, done));
            }
        }
    }

    fn complaint(&self, target: Height, done: bool) -> String {
        use std::fmt::Write as _;
        let mut text = format!(
            "no progress in {CALM_MAX:?} of calm: all should be at height {target}, clients done {done}"
        );
        for (index, member) in self.members.iter().enumerate() {
            let Some(service) = member.service() else { continue };
            let status = service.consensus.borrow().clone();
            let _ = write!(
                text,
                "\n  v{index}: view {} final {} executed {} mode {:?} prepared {:?} timeouts {:?} sync {:?} mempool {:?}",
                status.view,
                status.committed_height,
                service.head().height,
                status.mode,
                status.prepare_votes,
                status.timeouts,
                service.sync.borrow(),
                service.mempool.stats(),
            );
        }
        text
    }

    fn heights(&self) -> impl Iterator<Item = Height> {
        self.members.iter().map(Member::height)
    }

    fn honest_heights(&self) -> impl Iterator<Item = Height> {
        self.members.iter().filter(|member| member.is_honest()).map(Member::height)
    }

    /// Whether the chain records what was told of liars by those that have not crashed since.
    fn is_on_record(&self) -> bool {
        let mut told = self.stage.watch.told().into_iter();
        told.all(|(member, life, offence)| {
            let teller = &self.members[member];
            !teller.is_alive(life) || teller.records(&self.stage.genesis, offence)
        })
    }

    fn on_ending(&mut self, ending: &Ending) {
        let member = ending.member;
        if !self.members[member].is_alive(ending.life) {
            return;
        }
        let failure = &ending.failure;
        let panicked = matches!(failure, Failure::Panicked { .. });
        match self.members[member].doom().filter(|_| !panicked) {
            Some(name) => {
                self.journal.fault(name, member, &format!("stopped it: {failure}"));
                self.kill(member, false);
            }
            None => {
                self.kill(member, false);
                let (remedy, why) = (Remedy::of_failure(failure), failure.to_string());
                if panicked || !self.heal(member, "damage found at work", remedy, &why) {
                    self.journal.violate(format!("v{member} stopped by itself: {failure}"));
                }
            }
        }
        self.restart_later(member);
    }

    pub(super) fn kill(&mut self, member: usize, wipe: bool) {
        let unsynced = self.members[member].unsynced_writes();
        let survivors = self.random.random_range(0..=unsynced);
        let mut remains = if wipe { Remains::Nothing } else { Remains::Durable { survivors } };
        if self.members[member].may_forget() && self.random.random_bool(0.5) {
            remains = Remains::Memory;
            self.journal.fault(Misdeed::Forgets.name(), member, "");
        }
        self.clients.lose(member);
        let random = &mut self.disk_random;
        let ended = self.members[member].end(&self.net, remains, || random.random_bool(0.5));
        self.note_end(member, ended);
    }

    /// Kills a process, and something happens to its disk before the next one starts. The machine goes on: what was
    /// written to the copy of the marks is there.
    pub(super) fn stop_for(&mut self, member: usize, harm: Harm) {
        let survivors = self.random.random_range(0..=self.members[member].unsynced_writes());
        self.clients.lose(member);
        let ended = self.members[member].end(&self.net, Remains::Durable { survivors }, || true);
        self.members[member].harm(harm);
        self.note_end(member, ended);
    }

    fn note_end(&self, member: usize, ended: anyhow::Result<()>) {
        if let Err(error) = ended {
            self.journal.violate(format!("v{member} cannot open what a crash left: {error:#}"));
        }
    }

    pub(super) fn start(&mut self, member: usize) {
        if self.members[member].is_running() {
            return;
        }
        let Err(error) = self.try_start(member) else { return };
        let why = format!("{error:#}");
        let healed = self.heal(member, "damage found at start", Remedy::of(&error), &why);
        let again = if healed { self.try_start(member) } else { Err(error) };
        if let Err(error) = again {
            self.journal.violate(format!("v{member} cannot start: {error:#}"));
        }
    }

    fn try_start(&mut self, member: usize) -> anyhow::Result<()> {
        let nonce = self.random.random();
        self.members[member].start(&self.stage, nonce)?;
        self.journal.note(member, "starts");
        if let Some(service) = self.members[member].service() {
            self.clients.meet(member, service.clone());
        }
        Ok(())
    }
}

fn secret(seed: u64, kind: u8, number: usize) -> SecretKey {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    SecretKey::from_seed(bytes)
}

fn spec(plan: &Plan, secrets: &[SecretKey], wallets: &[SecretKey]) -> Spec {
    let validator = |(index, power): (usize, &u64)| ValidatorSpec {
        name: format!("v{index}"),
        key: secrets[index].public(),
        power: *power,
        address: None,
    };
    let account = |wallet: &SecretKey| AccountSpec {
        address: wallet.public().into(),
        balance: COINS,
        name: None,
    };
    Spec {
        chain_name: format!("simulation-{}", plan.seed),
        timestamp: TimestampMs::new(BEGAN_UNIX_MS - 10_000),
        validators: plan.powers.iter().enumerate().map(validator).collect(),
        accounts: wallets.iter().map(account).collect(),
        params: ChainParams {
            fee_account: secret(plan.seed, b'f', 0).public().into(),
            empty_block_interval_ms: 500,
            view_timeout_ms: 400,
            view_timeout_ms_max: 4_000,
            dev: true,
            ..ChainParams::default()
        },
    }
}
