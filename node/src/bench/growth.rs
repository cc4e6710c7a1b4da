//! `bench growth`: what becomes of throughput, cost and latency when one thing grows and everything else stays.

use std::time::Duration;

use clap::ValueEnum;
use logothete_genesis::dev;
use logothete_primitives::SecretKey;
use serde::Serialize;

use super::Options;
use super::accounts;
use super::chart::{self, Panel};
use super::network::Network;
use super::report::{Report, precise, whole};
use crate::cli::output::{Failure, Printer};
use crate::devnet::up;

/// Transactions on the way at one time in closed loops.
const OUTSTANDING: usize = 4_000;
/// Accounts where nothing else is said.
const ACCOUNTS: usize = 4_000;
/// Accounts of an open loop, so that there is always one that is free.
const OPEN_LOOP_ACCOUNTS: usize = 32_000;
/// Transactions a second when delays are measured.
const SLOW_RATE: u64 = 10;
/// Messages between a proposal and its certificate, one after the other (R1 to R5).
const DELAYS: f64 = 3.0;

/// What grows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Validators: 4 to 16.
    Validators,
    /// Accounts that send and receive: a thousand to `--most-accounts`.
    Accounts,
    /// Transactions in the chain, to `--most-transactions`.
    Chain,
    /// Bytes of a transaction: 1 to 64 transfers in each.
    Size,
    /// Transactions offered a second: a quarter to three times what the network can do.
    Load,
    /// Delay of every message between validators: 0 to 100 ms.
    Delay,
}

impl Axis {
    const fn title(self) -> &'static str {
        match self {
            Self::Validators => "validators",
            Self::Accounts => "accounts",
            Self::Chain => "transactions in the chain",
            Self::Size => "bytes of a transaction",
            Self::Load => "transactions offered a second",
            Self::Delay => "ms that a message takes",
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// How large the thing was that grows.
    pub at: f64,
    /// What was measured.
    pub report: Report,
}

/// One thing that grows.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Which.
    pub axis: Axis,
    /// By ascending size.
    pub points: Vec<Point>,
}

impl Curve {
    fn panels(&self) -> Vec<Panel> {
        let panel = |title: &str, value: &dyn Fn(&Report) -> Option<f64>| Panel {
            title: title.to_owned(),
            axis: self.axis.title().to_owned(),
            points: self.points.iter().filter_map(|p| Some((p.at, value(&p.report)?))).collect(),
        };
        vec![
            panel("final transactions a second", &|report| Some(report.committed_per_second)),
            panel("CPU of all nodes, µs a transaction", &|report| report.cpu_us_per_tx.nodes),
            panel("submit to final, p50, ms", &|report| Some(report.latency_ms.p50)),
        ]
    }

    /// As Markdown.
    fn table(&self) -> String {
        let mut lines = vec![
            format!(
                "| {} | final a second | CPU of all nodes | in U | submit to final, p50 | p99 | proposed to final, mean | memory of a node | refused or pushed back |",
                self.axis.title()
            ),
            "|---|---|---|---|---|---|---|---|---|".to_owned(),
        ];
        lines.extend(self.points.iter().map(Point::line));
        if self.axis == Axis::Delay {
            lines.extend(self.beyond_delays());
        }
        lines.join("\n")
    }

    /// What finality takes besides the delays themselves.
    fn beyond_delays(&self) -> Vec<String> {
        let finality = |point: &Point| Some((point.at, point.finality()?));
        let mut points = self.points.iter().filter_map(finality);
        let Some((_, processing)) = points.next() else { return Vec::new() };
        let line = |(delay, finality): (f64, f64)| {
            let expected = DELAYS * delay + processing;
            format!(
                "At {delay} ms a block is final after {finality:.1} ms; three delays and what it takes without any: {expected:.1} ms, {:+.0} %.",
                100.0 * (finality / expected - 1.0)
            )
        };
        std::iter::once(String::new()).chain(points.map(line)).collect()
    }
}

impl Point {
    fn finality(&self) -> Option<f64> {
        self.report.resources.as_ref().map(|resources| resources.block_finality_ms)
    }

    fn line(&self) -> String {
        let Report { latency_ms, cpu_us_per_tx, resources, .. } = &self.report;
        let known = |figure: Option<f64>, unit: &str| {
            figure.map_or_else(|| "—".to_owned(), |figure| format!("{figure:.1}{unit}"))
        };
        let turned_away = self.report.refused.values().sum::<u64>() + self.report.pushed_back;
        format!(
            "| {:.0} | {:.0} | {} | {} | {:.1} ms | {:.1} ms | {} | {} | {turned_away} |",
            self.at,
            self.report.committed_per_second,
            known(cpu_us_per_tx.nodes, " µs"),
            known(self.report.floors(), ""),
            latency_ms.p50,
            latency_ms.p99,
            known(self.finality(), " ms"),
            known(resources.as_ref().map(|resources| resources.memory_mib), " MiB"),
        )
    }
}

/// All curves that were wished for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Growth {
    /// In the order of measuring.
    pub curves: Vec<Curve>,
}

impl Growth {
    /// The tables, as Markdown.
    #[must_use]
    pub fn tables(&self) -> String {
        self.curves.iter().map(Curve::table).collect::<Vec<_>>().join("\n\n")
    }

    /// A picture of all curves.
    #[must_use]
    pub fn picture(&self) -> String {
        chart::svg(&self.curves.iter().map(Curve::panels).collect::<Vec<_>>())
    }
}

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Extent {
    /// What grows, in this order.
    pub axes: Vec<Axis>,
    /// How long each point is measured.
    pub each: Duration,
    /// Accounts at the end of [`Axis::Accounts`].
    pub most_accounts: usize,
    /// Transactions at the end of [`Axis::Chain`].
    pub most_transactions: u64,
}

/// Measures how things grow.
pub struct Study {
    extent: Extent,
    funder: SecretKey,
    printer: Printer,
}

impl Study {
    /// What to measure, and where progress is told.
    ///
    /// # Errors
    /// Never, unless the development accounts have no treasurer.
    pub fn new(extent: Extent, printer: Printer) -> Result<Self, Failure> {
        let funder = dev::account("alice")
            .ok_or_else(|| Failure::usage("there is no development account to pay"))?
            .secret;
        Ok(Self { extent, funder, printer })
    }

    /// Measures everything; `see` is shown what there is after each curve, so that nothing is lost.
    ///
    /// # Errors
    /// A network does not start, or a load fails.
    pub async fn run(
        &self,
        mut see: impl FnMut(&Growth) -> Result<(), Failure>,
    ) -> Result<Growth, Failure> {
        let mut growth = Growth::default();
        for axis in &self.extent.axes {
            let points = match axis {
                Axis::Validators => self.validators().await?,
                Axis::Accounts => self.accounts().await?,
                Axis::Chain => self.chain().await?,
                Axis::Size => self.size().await?,
                Axis::Load => self.load().await?,
                Axis::Delay => self.delay().await?,
            };
            growth.curves.push(Curve { axis: *axis, points });
            see(&growth)?;
        }
        Ok(growth)
    }

    async fn validators(&self) -> Result<Vec<Point>, Failure> {
        let mut points = Vec::new();
        for nodes in [4, 7, 10, 16] {
            let network = Network::start(nodes, false).await?;
            points.push(self.measure(&network, f64::from(nodes), |_| {}).await?);
        }
        Ok(points)
    }

    async fn accounts(&self) -> Result<Vec<Point>, Failure> {
        let network = Network::start(up::DEFAULT_NODES, false).await?;
        let mut points = Vec::new();
        for count in steps(1_000, self.extent.most_accounts) {
            let few = |options: &mut Options| {
                options.accounts = count;
                options.in_flight = OUTSTANDING.div_ceil(count);
            };
            points.push(self.measure(&network, float(count), few).await?);
        }
        Ok(points)
    }

    async fn chain(&self) -> Result<Vec<Point>, Failure> {
        let network = Network::start(up::DEFAULT_NODES, false).await?;
        let mut points = Vec::new();
        let mut length = 0;
        loop {
            let point = self.measure(&network, precise(length), |_| {}).await?;
            let submitted = point.report.submitted;
            points.push(point);
            if length >= self.extent.most_transactions {
                return Ok(points);
            }
            length += submitted;
        }
    }

    async fn size(&self) -> Result<Vec<Point>, Failure> {
        let network = Network::start(up::DEFAULT_NODES, false).await?;
        let mut points = Vec::new();
        for operations in [1, 8, 32, 64] {
            let bytes = accounts::bytes_of_transaction(operations)?;
            let larger = |options: &mut Options| {
                options.operations = operations;
                options.batch = (500 / operations).max(8);
            };
            points.push(self.measure(&network, float(bytes), larger).await?);
        }
        Ok(points)
    }

    async fn load(&self) -> Result<Vec<Point>, Failure> {
        let network = Network::start(up::DEFAULT_NODES, false).await?;
        let best = self.measure(&network, 0.0, |_| {}).await?.report.committed_per_second;
        let mut points = Vec::new();
        for share in [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0] {
            let rate = whole(best * share);
            let offered = |options: &mut Options| {
                options.rate = Some(rate);
                options.accounts = OPEN_LOOP_ACCOUNTS;
                options.outstanding = usize::MAX;
            };
            points.push(self.measure(&network, precise(rate), offered).await?);
        }
        Ok(points)
    }

    async fn delay(&self) -> Result<Vec<Point>, Failure> {
        let network = Network::start(up::DEFAULT_NODES, true).await?;
        let mut points = Vec::new();
        for delay_ms in [0, 10, 50, 100] {
            network.delay(delay_ms)?;
            let slow = |options: &mut Options| {
                options.rate = Some(SLOW_RATE);
                options.accounts = 200;
                options.outstanding = usize::MAX;
            };
            points.push(self.measure(&network, precise(delay_ms), slow).await?);
        }
        Ok(points)
    }

    /// A closed loop, unless `change` says otherwise.
    async fn measure(
        &self,
        network: &Network,
        at: f64,
        change: impl FnOnce(&mut Options),
    ) -> Result<Point, Failure> {
        let mut options = Options {
            accounts: ACCOUNTS,
            outstanding: OUTSTANDING,
            duration: self.extent.each,
            ..Options::new(network.urls())
        };
        change(&mut options);
        let report = super::run(&options, &self.funder, self.printer).await?;
        Ok(Point { at, report })
    }
}

/// Ten times as many each time, and the last in any case.
fn steps(first: usize, last: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(first), |step| step.checked_mul(10));
    let mut steps: Vec<usize> = powers.take_while(|step| *step < last).collect();
    steps.push(last);
    steps
}

fn float(count: usize) -> f64 {
    precise(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_grow_tenfold_to_the_last() {
        assert_eq!(steps(1_000, 1_000_000), [1_000, 10_000, 100_000, 1_000_000]);
        assert_eq!(steps(1_000, 50_000), [1_000, 10_000, 50_000]);
        assert_eq!(steps(1_000, 10), [10]);
    }

    #[test]
    fn larger_transactions_reach_four_kibibytes() {
        let bytes = [1, 64].map(|n| accounts::bytes_of_transaction(n).expect("it can be signed"));
        assert!(bytes[0] < 300 && bytes[1] > 2_500, "{bytes:?}");
    }
}
