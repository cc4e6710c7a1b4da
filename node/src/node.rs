//! A node, put together: every stage, every channel, in one place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use logothete_consensus::{Config as ConsensusConfig, Context, Replica, SafetyState};
use logothete_genesis::Spec;
use logothete_genesis::keystore::KeyFile;
use logothete_ledger::mempool::MempoolLimits;
use logothete_ledger::store::{DataLock, MarksFile, RocksStore, Store};
use logothete_p2p::{Inbound, Network, NetworkTask, Request};
use logothete_primitives::{Ed25519Verifier, SecretKey, Signer, ValidatorIndex, Verifier};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::absent::{self, Absent};
use crate::admission::{self, Admission};
use crate::chain::{Chain, Genesis};
use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::dissemination::{BatchSource, Dissemination, EvidencePool, Limits};
use crate::driver::{Audit, Driver, Durable, Inlets, Outlets, Tools, ViewLog};
use crate::executor::{self, Executor, ReadyBlocks};
use crate::finality::Finality;
use crate::gossip::{Listener, Publisher};
use crate::mempool::SharedMempool;
use crate::metrics::Metrics;
use crate::recover::{self, Layout};
use crate::sample;
use crate::service::{Service, VoteWatch};
use crate::signatures::Signatures;
use crate::state::StateHandle;
use crate::supervise::{Failure, Supervisor};
use crate::sync::{self, Checks, Committed, Sync, SyncStatus, Toolbox};
use crate::traces::Traces;
use crate::workers::Workers;

/// A stage that is busy with one piece of work for longer ends the process.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// Stages that were asked to stop have this long to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// When a stage ended without a reason, the stage that has one may take this long to tell it.
const CAUSE_LIMIT: Duration = Duration::from_secs(1);
/// Reports of workers that may wait for the driver.
const REPORTS_MAX: usize = 1_024;
/// Ranges from sync that may wait for the driver.
const SYNCED_MAX: usize = 2;
/// A validator leaves gaps up to this many blocks to consensus.
const VALIDATOR_TOLERANCE: u64 = 8;

/// A running node.
pub struct Node {
    /// What the RPC serves.
    pub service: Arc<Service>,
    stop: CancellationToken,
    failures: mpsc::Receiver<Failure>,
    supervisor: Supervisor,
    store: Arc<dyn Store>,
    _lock: DataLock,
}

/// Who a node is, on which chain, and what it orders.
pub(crate) struct Identity {
    pub(crate) spec: Arc<Spec>,
    pub(crate) secret: SecretKey,
    pub(crate) genesis: Genesis,
    /// Where its batches come from, if that is not its mempool.
    pub(crate) source: Option<Arc<dyn BatchSource>>,
}

/// What the disk of a node gave, besides its configuration.
struct Opened {
    spec: Arc<Spec>,
    secret: SecretKey,
    source: Option<Arc<dyn BatchSource>>,
    chain: Chain,
    layout: Layout,
    own: Option<ValidatorIndex>,
    lock: DataLock,
}

/// What the stages of a node are made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) spec: Arc<Spec>,
    pub(crate) chain: Chain,
    /// Our place and our key, unless we follow.
    pub(crate) own: Option<(ValidatorIndex, Box<dyn Signer>)>,
    /// What we may have signed; none is amnesia (R10).
    pub(crate) safety: Option<SafetyState>,
    /// The copy of the marks outside the database.
    pub(crate) marks: Option<MarksFile>,
    /// Where its batches come from, if that is not its mempool.
    pub(crate) source: Option<Arc<dyn BatchSource>>,
}

/// What the stages of a node live in: the machine, or a simulation that decides everything by a seed.
pub(crate) struct World {
    pub(crate) network: Arc<dyn Network>,
    pub(crate) inbound: Inbound,
    pub(crate) clock: Clock,
    pub(crate) workers: Workers,
    pub(crate) verifier: Arc<dyn Verifier>,
    /// Never the same twice for one key (R10).
    pub(crate) nonce: [u8; 32],
}

impl Node {
    /// Opens the data directory, recovers, joins the network and starts every stage.
    ///
    /// # Errors
    /// What is wrong with configuration, key, genesis, data directory or network, and what to do.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let identity = Identity::load(&config)?;
        Self::start_as(config, identity).await
    }

    /// The same for a node whose identity is not that of its configuration's files.
    pub(crate) async fn start_as(config: Config, identity: Identity) -> anyhow::Result<Self> {
        let opened = open(&config, identity)?;
        let (network, inbound, mut task) = join(&config, &opened).await?;
        let stop = CancellationToken::new();
        let (supervisor, failures) = Supervisor::new(stop.clone());
        let ask_to_stop = stop.clone();
        supervisor.spawn("network", async move {
            tokio::select! {
                ended = task.finished() => ended?,
                () = ask_to_stop.cancelled() => task.stop().await?,
            }
            Ok(())
        });
        let store = opened.chain.store().clone();
        let verifier = Arc::new(Ed25519Verifier::for_set(&opened.chain.genesis().validators));
        let (parts, lock) = prepare(config, opened)?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let (clock, workers) = (Clock::default(), Workers::Pool);
        let world = World { network, inbound, clock, workers, verifier, nonce };
        let service = assemble(parts, world, supervisor.clone()).context("starting")?;
        supervisor.spawn("sample", until(&stop, sample::run(service.clone())));
        supervisor.patrol(STALL_LIMIT);
        Ok(Self { service, stop, failures, supervisor, store, _lock: lock })
    }

    /// The token that stops the node when it is cancelled.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until the node is asked to stop or a stage fails; then for the stages to end, and closes the store.
    ///
    /// # Errors
    /// The failure that ended the node, or a stage that does not end.
    pub async fn finished(mut self) -> anyhow::Result<()> {
        let failure = tokio::select! {
            () = self.stop.cancelled() => None,
            failure = self.failures.recv() => failure,
        };
        self.stop.cancel();
        if let Some(first) = failure {
            let cause = cause_of(first, &mut self.failures).await;
            // RocksDB aborts the process when a thread still uses it while the process takes its statics down.
            if !self.supervisor.drained(DRAIN_LIMIT).await {
                warn!(event = "node.undrained", "a stage did not end in {DRAIN_LIMIT:?}");
            }
            return Err(cause.into());
        }
        let drained = self.supervisor.drained(DRAIN_LIMIT).await;
        anyhow::ensure!(
            drained,
            "the node was asked to stop, but a stage did not end in {DRAIN_LIMIT:?}"
        );
        self.store.flush().context("closing the database")?;
        info!(event = "node.stopped", "all that was executed is on the disk");
        Ok(())
    }
}

/// The failure behind the first one that was told: a stage that fails takes its channels with it, and the stages at
/// their other ends may be quicker to end than it is to say why.
async fn cause_of(first: Failure, failures: &mut mpsc::Receiver<Failure>) -> Failure {
    let is_consequence = |failure: &Failure| matches!(failure, Failure::Ended { .. });
    if !is_consequence(&first) {
        return first;
    }
    let cause = async {
        while let Some(failure) = failures.recv().await {
            if !is_consequence(&failure) {
                return Some(failure);
            }
        }
        None
    };
    tokio::time::timeout(CAUSE_LIMIT, cause).await.ok().flatten().unwrap_or(first)
}

impl Identity {
    /// What the chain file and the key file say.
    fn load(config: &Config) -> anyhow::Result<Self> {
        let spec = Arc::new(Spec::load(&config.paths.genesis).context("reading the genesis file")?);
        let passphrase = config.passphrase.as_ref().map(|passphrase| passphrase.as_str());
        let secret = KeyFile::load_for(&config.paths.key, passphrase, spec.params.dev)
            .context("opening the key file")?;
        let genesis = recover::genesis_of(&spec);
        Ok(Self { spec, secret, genesis, source: None })
    }
}

/// Checks and opens everything that is in the data directory.
fn open(config: &Config, identity: Identity) -> anyhow::Result<Opened> {
    let Identity { spec, secret, genesis, source } = identity;
    std::fs::create_dir_all(&config.paths.data)
        .with_context(|| format!("creating {}", config.paths.data.display()))?;
    let lock = DataLock::acquire(&config.paths.data)?;
    let layout = Layout::new(&config.paths.data);
    let genesis = Arc::new(genesis);
    let store: Arc<dyn Store> = Arc::new(RocksStore::open(&layout.database(), genesis.chain)?);
    recover::initialize(&*store, &spec, &genesis)?;
    let own = own_place(config, &genesis, &secret)?;
    let chain = Chain::new(store, genesis);
    Ok(Opened { spec, secret, source, chain, layout, own, lock })
}

/// Decides whether this validator may sign.
fn prepare(config: Config, opened: Opened) -> anyhow::Result<(Parts, DataLock)> {
    let Opened { spec, secret, source, chain, layout, own, lock } = opened;
    let (safety, marks) = match own {
        Some(_) => {
            let (safety, marks) = recover::load_safety(&chain, &layout, secret.public())?;
            (safety, Some(marks))
        }
        None => (None, None),
    };
    let own = own.map(|index| (index, Box::new(secret) as Box<dyn Signer>));
    Ok((Parts { config, spec, chain, own, safety, marks, source }, lock))
}

/// Our place among the validators; a follower has none, a validator must have one.
fn own_place(
    config: &Config,
    genesis: &Genesis,
    secret: &SecretKey,
) -> anyhow::Result<Option<ValidatorIndex>> {
    if config.role == Role::Follower {
        return Ok(None);
    }
    let key = secret.public();
    let index = genesis.validators.index_of(&key).with_context(|| {
        format!(
            "{key} is not a validator of this chain: check paths.key and paths.genesis, \
             or run with --role follower"
        )
    })?;
    Ok(Some(index))
}

/// What the network of this chain is told at start.
///
/// # Errors
/// An address that is none.
pub(crate) fn network_config(
    config: &Config,
    genesis: &Genesis,
    role: logothete_p2p::Role,
) -> anyhow::Result<logothete_p2p::Config> {
    let validators = genesis.validators.iter().map(|(_, validator)| validator.key).collect();
    let mut network = logothete_p2p::Config::new(genesis.chain, genesis.hash, validators, role);
    let address = |text: &String| text.parse().with_context(|| format!("{text:?} is no address"));
    network.listen = config.p2p.listen.iter().map(address).collect::<anyhow::Result<_>>()?;
    network.external = config.p2p.external.iter().map(address).collect::<anyhow::Result<_>>()?;
    network.discover = config.p2p.discover;
    network.bootstrap =
        config.p2p.bootstrap.iter().map(|text| Ok(text.parse()?)).collect::<anyhow::Result<_>>()?;
    Ok(network)
}

async fn join(
    config: &Config,
    opened: &Opened,
) -> anyhow::Result<(Arc<dyn Network>, Inbound, NetworkTask)> {
    let role = match opened.own {
        Some(_) => logothete_p2p::Role::Validator,
        None => logothete_p2p::Role::Follower,
    };
    let network = network_config(config, opened.chain.genesis(), role)?;
    logothete_p2p::start(&opened.secret, network).await.context("joining the network")
}

/// Makes the stages, joins them by bounded channels and starts them.
pub(crate) fn assemble(
    parts: Parts,
    world: World,
    supervisor: Supervisor,
) -> anyhow::Result<Arc<Service>> {
    let Parts { config, spec, chain, own, safety, marks, source } = parts;
    let World { network, inbound, clock, workers, verifier, nonce } = world;
    let (own, signer) = own.map_or((None, None), |(index, signer)| (Some(index), Some(signer)));
    let genesis = chain.genesis().clone();
    let stop = supervisor.stop_token();
    let names: Vec<String> = spec.validators.iter().map(|v| v.name.clone()).collect();
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), &names);
    let context = Context {
        chain: genesis.chain,
        validators: genesis.validators.clone(),
        genesis: genesis.hash,
    };
    let checks = Checks {
        context: context.clone(),
        verifier: verifier.clone(),
        rules: genesis.rules.clone(),
    };
    let toolbox = Toolbox { network: network.clone(), checks, workers, metrics: metrics.clone() };

    let state = StateHandle::new(chain.store().clone(), recover::load_tree(&chain)?);
    let (head_sender, head) = watch::channel(recover::load_head(&chain)?);
    let mempool = SharedMempool::new(MempoolLimits {
        count: config.mempool.transactions,
        ..MempoolLimits::default()
    });
    let finality = Finality::default();
    let name = own
        .and_then(|index| genesis.validators.get(index))
        .map_or("follower", |member| member.name.as_str());
    let (traces, exporter) = Traces::new(&config.traces, &network.local(), name)?;
    let ready = ReadyBlocks::default();

    let recovered = recover::load_consensus(&chain, safety, nonce)?;
    let replica = Replica::new(consensus_config(&spec), context.clone(), signer, recovered);
    let committed = Committed {
        height: replica.status().committed_height,
        hash: replica.status().committed_hash,
    };

    let start = recover::load_dissemination(&chain, clock.unix_ms().saturating_mul(1_000))?;
    let validators = u16::try_from(genesis.validators.len()).context("too many validators")?;
    let recorded = chain.evidence()?.into_iter().map(|recorded| recorded.offence).collect();
    let evidence = EvidencePool::new(context.clone(), verifier.clone(), recorded);
    let mut dissemination = Dissemination::new(own, validators, Limits::default(), evidence, start);
    let executable = recover::executable_height(&chain)?;
    let mut height = executable;
    while height < committed.height {
        height = height.next();
        let stored = chain.expect_block(height)?;
        dissemination.on_commit(clock.now().mono, Arc::new(stored.block));
    }
    let executable = Committed { height: executable, hash: committed.hash };

    let (committed_sender, committed_receiver) = watch::channel(committed);
    let (executable_sender, executable_receiver) = watch::channel(executable);
    let (hint_sender, hint) = watch::channel(0);
    let (status_sender, status) = watch::channel(Arc::new(replica.status()));
    let (votes_sender, votes) = watch::channel(Arc::new(VoteWatch::default()));
    let (sync_sender, sync_status) = watch::channel(SyncStatus::default());
    let (notices_sender, notices) = mpsc::channel(REPORTS_MAX);
    let (reports_sender, reports) = mpsc::channel(REPORTS_MAX);
    let (synced_sender, synced) = mpsc::channel(SYNCED_MAX);
    let connected = reports_sender.clone();
    let Inbound { consensus, batches, requests, gossip, peers } = inbound;

    let (signatures, signature_stage) = Signatures::new(
        genesis.rules.clone(),
        workers,
        metrics.clone(),
        supervisor.pulse("signatures"),
    );
    let audit = config.audit.signed.clone();
    let views = ViewLog::new(genesis.validators.len());
    let driver = Driver::new(
        Tools {
            chain: chain.clone(),
            network: network.clone(),
            context,
            verifier,
            toolbox: toolbox.clone(),
            ready: ready.clone(),
            source: source.unwrap_or_else(|| Arc::new(mempool.clone())),
            workers,
            signatures: signatures.clone(),
            clock,
            audit: audit
                .as_deref()
                .map(Audit::open)
                .transpose()
                .context("opening the audit file")?,
            views: views.clone(),
            metrics: metrics.clone(),
            pulse: supervisor.pulse("driver"),
        },
        Inlets { consensus, batches, executed: notices, synced, reports },
        Outlets {
            committed: committed_sender,
            executable: executable_sender,
            hint: hint_sender,
            status: status_sender,
            votes: votes_sender,
            reports: reports_sender,
        },
        (replica, dissemination, Durable::new(chain.clone(), marks)),
    );
    let executor = Executor::new(executor::Tools {
        chain: chain.clone(),
        state: state.clone(),
        params: genesis.rules.params.clone(),
        ready,
        mempool: mempool.clone(),
        finality: finality.clone(),
        head: head_sender,
        metrics: metrics.clone(),
        traces: traces.clone(),
    })?;
    let admission = Admission::new(admission::Parts {
        rules: genesis.rules.clone(),
        signatures,
        mempool: mempool.clone(),
        state: state.clone(),
        head: head.clone(),
        metrics: metrics.clone(),
    });
    let sync = Sync::new(
        toolbox,
        sync::Wiring {
            committed: committed_receiver,
            head: head.clone(),
            hint,
            output: synced_sender,
            status: sync_sender,
        },
        supervisor.pulse("sync"),
        if own.is_some() { VALIDATOR_TOLERANCE } else { 0 },
    );
    let listener = Listener {
        inbound: gossip,
        admission: admission.clone(),
        own,
        validators,
        pulse: supervisor.pulse("gossip"),
    };

    let executor_pulse = supervisor.pulse("executor");
    let driving = {
        let stop = stop.clone();
        async move { Ok(driver.run(stop).await?) }
    };
    let executing =
        async move { Ok(executor.run(executable_receiver, notices_sender, executor_pulse).await?) };
    match workers {
        Workers::Pool => {
            supervisor.spawn_thread("driver", driving)?;
            supervisor.spawn_thread("executor", executing)?;
        }
        Workers::Inline => {
            supervisor.spawn("driver", driving);
            supervisor.spawn("executor", executing);
        }
    }
    supervisor.spawn("signatures", until(&stop, signature_stage.run()));
    supervisor.spawn("sync", until(&stop, sync.run()));
    let serving = serve(chain.clone(), metrics.clone(), workers, requests);
    supervisor.spawn("sync.server", until(&stop, serving));
    supervisor.spawn("gossip", until(&stop, listener.run()));
    if let Some(exporter) = exporter {
        supervisor.spawn("traces", until(&stop, exporter.run()));
    }
    let absent = Absent::default();
    let watch = absent::Watch {
        reports: connected,
        metrics: metrics.clone(),
        absent: absent.clone(),
        genesis,
        clock,
    };
    supervisor.spawn("peers", until(&stop, watch.run(peers)));
    if own.is_none() {
        let publisher = Publisher {
            network: network.clone(),
            mempool: mempool.clone(),
            pulse: supervisor.pulse("publisher"),
        };
        supervisor.spawn("publisher", until(&stop, publisher.run(stop.clone())));
    }

    let service = Service {
        spec,
        config: Arc::new(config),
        chain,
        state,
        network,
        head,
        consensus: status,
        votes,
        sync: sync_status,
        mempool,
        admission,
        views,
        absent,
        finality,
        metrics,
        traces,
        supervisor,
        clock,
        workers,
        started: Instant::now(),
        started_ms: clock.unix_ms(),
        stop,
    };
    Ok(Arc::new(service))
}

/// Runs a stage that ends with the node.
fn until(
    stop: &CancellationToken,
    stage: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
    let stop = stop.clone();
    async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = stage => {}
        }
        Ok(())
    }
}

fn consensus_config(spec: &Spec) -> ConsensusConfig {
    let params = &spec.params;
    ConsensusConfig {
        timeout_base: Duration::from_millis(params.view_timeout_ms),
        timeout_max: Duration::from_millis(params.view_timeout_ms_max),
        empty_block_interval: Duration::from_millis(params.empty_block_interval_ms),
        max_clock_drift_ms: params.clock_drift_ms_max,
        ..ConsensusConfig::default()
    }
}

async fn serve(
    chain: Chain,
    metrics: Metrics,
    workers: Workers,
    mut requests: mpsc::Receiver<Request>,
) {
    while let Some(request) = requests.recv().await {
        let (chain, metrics) = (chain.clone(), metrics.clone());
        workers.read(move || sync::answer(&chain, &metrics, request)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_stage_that_failed_is_named_not_those_that_ended_with_it() {
        let (sender, mut failures) = mpsc::channel(8);
        let ended = |stage| Failure::Ended { stage };
        let failed = Failure::Failed { stage: "driver", reason: anyhow::anyhow!("disk full") };
        for failure in [ended("executor"), failed] {
            sender.send(failure).await.expect("there is room");
        }
        let cause = cause_of(ended("sync"), &mut failures).await;
        assert_eq!(cause.to_string(), "stage driver failed: disk full");
        drop(sender);
        let alone = cause_of(ended("sync"), &mut failures).await;
        assert!(matches!(alone, Failure::Ended { stage: "sync" }));
    }
}
