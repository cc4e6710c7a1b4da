//! `bench targets`: the figures that the project wants to reach, measured one after the other on a devnet.

use std::time::Duration;

use logothete_primitives::SecretKey;
use serde::Serialize;

use super::report::{Report, precise, whole};
use super::{Options, usage};
use crate::cli::output::{Failure, Printer};
use crate::devnet::directory::Directory;
use crate::devnet::lifecycle;

/// Transactions on the way at one time in a saturated network.
const SATURATING: usize = 8_000;
/// Accounts when there are few, and when there are many.
const FEW_ACCOUNTS: usize = 1_000;
/// How long a wiped node may take.
const HEALING_PATIENCE: Duration = Duration::from_secs(600);

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// One figure next to its target.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In which unit.
    pub unit: &'static str,
    /// What it should be.
    pub target: Target,
    /// What it is.
    pub measured: f64,
    /// Whether that is good enough.
    pub reached: bool,
}

impl Figure {
    /// A figure and its target.
    pub fn new(name: impl Into<String>, unit: &'static str, target: Target, measured: f64) -> Self {
        let reached = match target {
            Target::AtLeast(least) => measured >= least,
            Target::AtMost(most) => measured <= most,
        };
        Self { name: name.into(), unit, target, measured, reached }
    }

    /// For people.
    #[must_use]
    pub fn line(&self) -> String {
        let (sign, target) = match self.target {
            Target::AtLeast(least) => ("≥", least),
            Target::AtMost(most) => ("≤", most),
        };
        let verdict = if self.reached { "reached" } else { "missed" };
        format!(
            "{:<52} {:>10} {:<7} {sign} {:<8} {verdict}",
            self.name,
            short(self.measured),
            self.unit,
            short(target)
        )
    }
}

/// All figures, with the reports they were taken from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// In the order of measuring.
    pub figures: Vec<Figure>,
    /// Every load that was measured, by name.
    pub loads: Vec<(&'static str, Report)>,
}

impl Figures {
    fn add(&mut self, name: impl Into<String>, unit: &'static str, target: Target, measured: f64) {
        self.figures.push(Figure::new(name, unit, target, measured));
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let lines: Vec<String> = self.figures.iter().map(Figure::line).collect();
        lines.join("\n")
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Seconds of the saturated load.
    pub saturated: Duration,
    /// Seconds of each other load.
    pub other: Duration,
    /// Accounts in the measurement with many.
    pub many_accounts: usize,
}

/// Measures a running devnet.
#[derive(Debug)]
pub struct Suite<'a> {
    /// Its files.
    pub directory: Directory,
    /// Its nodes.
    pub urls: Vec<String>,
    /// Who pays.
    pub funder: &'a SecretKey,
    /// How much is measured.
    pub extent: Extent,
    /// Where progress is told.
    pub printer: Printer,
}

impl Suite<'_> {
    /// Measures everything.
    ///
    /// # Errors
    /// What a load or a healing node fails with.
    pub async fn run(&self) -> Result<Figures, Failure> {
        let mut figures = Figures::default();
        self.idle(&mut figures).await?;
        self.unloaded(&mut figures).await?;
        let rate = self.saturated(&mut figures).await?;
        self.below_saturation(&mut figures, rate * 0.8).await?;
        self.overloaded(&mut figures, rate).await?;
        self.many_accounts(&mut figures).await?;
        self.long_chain(&mut figures).await?;
        // What was measured so far is not lost when the node does not come back.
        self.printer.progress(&figures.table());
        self.healing(&mut figures).await?;
        Ok(figures)
    }

    async fn idle(&self, figures: &mut Figures) -> Result<(), Failure> {
        self.printer.progress("idle …");
        let nodes = usage::local_nodes(&self.urls).await;
        let before = usage::sample(&nodes).await;
        tokio::time::sleep(self.extent.other).await;
        let after = usage::sample(&nodes).await;
        let used = after.iter().zip(&before).map(|(after, before)| after.since(before).cpu);
        let most = used.max().ok_or_else(|| Failure::usage("no node runs on this machine"))?;
        let percent = 100.0 * most.as_secs_f64() / self.extent.other.as_secs_f64();
        figures.add("idle, CPU of a node", "%", Target::AtMost(1.0), percent);
        Ok(())
    }

    async fn unloaded(&self, figures: &mut Figures) -> Result<(), Failure> {
        let report = self.load("10 tx/s", Some(10), 200, self.extent.other).await?;
        let latency = report.latency_ms;
        figures.add("10 tx/s, submit to final, p50", "ms", Target::AtMost(6.0), latency.p50);
        figures.add("10 tx/s, submit to final, p99", "ms", Target::AtMost(20.0), latency.p99);
        figures.loads.push(("unloaded", report));
        Ok(())
    }

    async fn saturated(&self, figures: &mut Figures) -> Result<f64, Failure> {
        let report = self.load("saturated", None, SATURATING, self.extent.saturated).await?;
        let rate = report.committed_per_second;
        figures.add("saturated, final", "tx/s", Target::AtLeast(25_000.0), rate);
        if let Some(units) = report.floors() {
            figures.add("saturated, CPU of all nodes, in floors", "U", Target::AtMost(1.4), units);
        }
        if let Some(resources) = &report.resources {
            let memory = resources.memory_mib;
            figures.add("saturated, memory of a node", "MiB", Target::AtMost(300.0), memory);
        }
        figures.loads.push(("saturated", report));
        Ok(rate)
    }

    async fn below_saturation(&self, figures: &mut Figures, rate: f64) -> Result<(), Failure> {
        let report = self
            .load("80 % of saturation", Some(whole(rate)), SATURATING, self.extent.other)
            .await?;
        let latency = report.latency_ms;
        let name = "80 % of saturation, submit to final";
        figures.add(format!("{name}, p50"), "ms", Target::AtMost(250.0), latency.p50);
        figures.add(format!("{name}, p99"), "ms", Target::AtMost(1_000.0), latency.p99);
        figures.loads.push(("below saturation", report));
        Ok(())
    }

    async fn overloaded(&self, figures: &mut Figures, rate: f64) -> Result<(), Failure> {
        let offered = whole(rate * 2.0);
        let accounts = SATURATING * 4;
        let report = self.load("overload", Some(offered), accounts, self.extent.other).await?;
        let kept = 100.0 * report.committed_per_second / rate;
        figures.add("twice saturation offered, still final", "%", Target::AtLeast(90.0), kept);
        let unanswered = precise(u64::try_from(report.missing).unwrap_or(u64::MAX));
        figures.add("the same, neither final nor refused", "tx", Target::AtMost(0.0), unanswered);
        figures.loads.push(("overloaded", report));
        Ok(())
    }

    async fn many_accounts(&self, figures: &mut Figures) -> Result<(), Failure> {
        let many = self.extent.many_accounts;
        let few = self.load("few accounts", None, FEW_ACCOUNTS, self.extent.other).await?;
        let report = self.load("many accounts", None, many, self.extent.other).await?;
        if let (Some(few), Some(many_cpu)) = (few.cpu_us_per_tx.nodes, report.cpu_us_per_tx.nodes) {
            let name = format!("CPU per transfer, {many} accounts to {FEW_ACCOUNTS}");
            figures.add(name, "times", Target::AtMost(1.3), many_cpu / few);
        }
        figures.loads.push(("few accounts", few));
        figures.loads.push(("many accounts", report));
        Ok(())
    }

    /// The saturated load once more, now that the chain is as long as all loads before made it.
    async fn long_chain(&self, figures: &mut Figures) -> Result<(), Failure> {
        let before: u64 = figures.loads.iter().map(|(_, report)| report.committed).sum();
        let first = figures.loads.iter().find(|(name, _)| *name == "saturated");
        let first = first.and_then(|(_, report)| report.cpu_us_per_tx.nodes);
        let report = self.load("long chain", None, SATURATING, self.extent.other).await?;
        if let (Some(first), Some(now)) = (first, report.cpu_us_per_tx.nodes) {
            let name = format!("CPU per transfer, behind {before} others to the first");
            figures.add(name, "times", Target::AtMost(1.05), now / first);
        }
        figures.loads.push(("long chain", report));
        Ok(())
    }

    /// The last node is wiped and fetches what the saturated network made.
    async fn healing(&self, figures: &mut Figures) -> Result<(), Failure> {
        self.printer.progress("wiping a node …");
        let last = self.urls.len().saturating_sub(1);
        let healed = lifecycle::wipe(&self.directory, last, HEALING_PATIENCE).await?;
        // Idle time made blocks as well, but next to no transactions: only loads count.
        let made: f64 = figures.loads.iter().map(|(_, report)| report.seconds).sum();
        let times = made / healed.seconds.max(1e-3);
        figures.add(
            "wiped node, times faster than the loads were",
            "times",
            Target::AtLeast(3.0),
            times,
        );
        Ok(())
    }

    async fn load(
        &self,
        name: &str,
        rate: Option<u64>,
        accounts: usize,
        duration: Duration,
    ) -> Result<Report, Failure> {
        self.printer.progress(&format!("{name} …"));
        let outstanding = if rate.is_some() { usize::MAX } else { SATURATING };
        // As many on the way from few accounts as from many, or else it is the batches that are compared.
        let in_flight = if rate.is_some() { 1 } else { SATURATING.div_ceil(accounts) };
        let options = Options {
            accounts,
            in_flight,
            outstanding,
            rate,
            duration,
            ..Options::new(self.urls.clone())
        };
        super::run(&options, self.funder, self.printer).await
    }
}

/// Three digits are enough for a figure.
fn short(figure: f64) -> String {
    let digits = usize::from(figure < 100.0) + usize::from(figure < 10.0 && figure.fract() != 0.0);
    format!("{figure:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_reached_on_the_right_side_of_its_target() {
        let figure = |target, measured| Figure::new("x", "ms", target, measured).reached;
        assert!(figure(Target::AtLeast(3.0), 3.0) && !figure(Target::AtLeast(3.0), 2.9));
        assert!(figure(Target::AtMost(3.0), 3.0) && !figure(Target::AtMost(3.0), 3.1));
    }

    #[test]
    fn the_table_says_what_was_missed() {
        let mut figures = Figures::default();
        figures.add("speed", "tx/s", Target::AtLeast(25_000.0), 12_345.6);
        figures.add("delay", "ms", Target::AtMost(6.0), 5.25);
        let table = figures.table();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].contains("12346") && lines[0].ends_with("missed"), "{table}");
        assert!(lines[1].contains("5.25") && lines[1].ends_with("reached"), "{table}");
    }
}
