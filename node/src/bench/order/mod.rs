//! `bench order`: what ordering alone costs, by the consensus, dissemination, storage and network of the real node.
//!
//! Four processes order opaque payloads that nobody decodes, checks or executes, as systems do that this is to be
//! compared with. [`network`] makes and starts them, [`node`] is one of them, [`queue`] is where its payloads wait to
//! be sealed, [`stream`] is what client and node say to each other; [`client`] makes the load, one TCP connection to each
//! node from this process, and [`report`] puts the figures beside what the project wants to reach.
//!
//! Apart from where batches come from and how they are opened, every stage is the one that runs in production: the
//! executor gets batches that hold no transactions, so each height changes nothing and its result is a link of a hash
//! chain. The chains are made here and have an identity of their own, so that no other node can join one, and a node of
//! one cannot join another chain.

pub mod client;
pub mod network;
pub mod node;
pub mod queue;
pub mod report;
pub mod stream;

use std::path::PathBuf;
use std::time::Duration;

use self::client::{Client, Pace};
use self::network::Network;
use self::report::{Phase, Report, Setting};
use super::meter::Meter;
use super::profile::Profiler;
use crate::cli::output::{Failure, Printer};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Validators.
    pub nodes: u16,
    /// Bytes of a payload.
    pub size: usize,
    /// Payloads a second; without one, as fast as they become final, and then at half of what that was.
    pub rate: Option<u64>,
    /// Payloads on the way at one time, without a rate.
    pub outstanding: u64,
    /// How long each load is measured.
    pub duration: Duration,
    /// How long each runs before that.
    pub warmup: Duration,
    /// Where the databases of the nodes are while this runs; the temporary directory of the system if not given.
    pub directory: Option<PathBuf>,
    /// Where a flame graph of the first measured time is written, if anywhere.
    pub profile: Option<PathBuf>,
}

/// Starts a network, loads it, measures, and removes it.
///
/// # Errors
/// A node does not start or ends, or nothing becomes final.
pub async fn run(options: &Options, printer: Printer) -> Result<Report, Failure> {
    let profiler = options.profile.as_deref().map(Profiler::find).transpose()?;
    printer.progress("starting a network …");
    let network = Network::start(options.nodes, options.directory.as_deref())?;
    let measured = measure_all(options, &network, profiler, printer).await;
    // Its logs go with it: what they say of the end must be told now.
    let measured = measured.map_err(|failure| network.explain(failure));
    printer.progress("stopping …");
    network.stop();
    Ok(Report::new(Setting::of(options), measured?))
}

async fn measure_all(
    options: &Options,
    network: &Network,
    mut profiler: Option<Profiler>,
    printer: Printer,
) -> Result<Vec<Phase>, Failure> {
    let mut client = Client::connect(network, options.size).await?;
    let paces = match options.rate {
        Some(rate) => vec![("offered", Pace::Open { rate })],
        None => vec![("saturated", Pace::Closed { outstanding: options.outstanding })],
    };
    let mut phases = Vec::new();
    for (name, pace) in paces {
        let mut run = Run { options, network, client: &mut client, printer };
        phases.push(run.phase(name, pace, profiler.take()).await?);
    }
    if let (None, Some(saturated)) = (options.rate, phases.first()) {
        let pace = Pace::Open { rate: saturated.half_rate() };
        let mut run = Run { options, network, client: &mut client, printer };
        phases.push(run.phase("half of that", pace, None).await?);
    }
    Ok(phases)
}

struct Run<'a> {
    options: &'a Options,
    network: &'a Network,
    client: &'a mut Client,
    printer: Printer,
}

impl Run<'_> {
    /// One load: warmed up, measured, and waited for to the last payload.
    async fn phase(
        &mut self,
        name: &'static str,
        pace: Pace,
        profiler: Option<Profiler>,
    ) -> Result<Phase, Failure> {
        self.printer.progress(&format!("{name}: warming up …"));
        let watch = self.client.watch();
        let (options, network, printer) = (self.options, self.network, self.printer);
        let measuring = async move {
            tokio::time::sleep(options.warmup).await;
            let meter = Meter::start(network.local_nodes(), profiler).await?;
            watch.open_window();
            while meter.elapsed() < options.duration {
                let left = options.duration.saturating_sub(meter.elapsed());
                tokio::time::sleep(left.min(Duration::from_secs(1))).await;
                network.check_alive()?;
                let (done, seconds) = (watch.committed(), meter.elapsed().as_secs_f64());
                printer.progress(&format!("{name}: {seconds:>5.1} s   {done} final"));
            }
            meter.stop(|| watch.close_window()).await
        };
        let ((measured, recorded), missing) = self.client.drive(pace, measuring).await?;
        if let Some(recorded) = recorded {
            printer.progress("drawing the flame graph …");
            recorded.draw(&format!("logothete bench order, {name}")).await?;
        }
        if measured.window.committed == 0 {
            return Err(Failure::new("nothing_committed", "nothing became final"));
        }
        Ok(Phase::new(name, pace.rate(), measured, missing))
    }
}
