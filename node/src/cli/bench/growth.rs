//! `bench growth`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum as _};

use crate::bench::{
    self,
    growth::{self, Axis, Extent, Study},
};
use crate::cli::context::Context;
use crate::cli::output::{Failure, Outcome, Reply};

/// Arguments of `bench growth`.
#[derive(Args, Debug)]
pub struct Growth {
    /// What grows; everything without it.
    #[arg(long, value_delimiter = ',', value_name = "AXIS,…")]
    axes: Vec<Axis>,
    /// Seconds that each point is measured.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    each: u64,
    /// Accounts at most.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    most_accounts: u32,
    /// Transactions in the chain at most.
    #[arg(long, default_value_t = 1_000_000)]
    most_transactions: u64,
    /// Directory for `growth.json`, `growth.md` and `growth.svg`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Measures how things grow.
///
/// # Errors
/// A network does not start, a load fails, or it is interrupted.
pub async fn perform(context: &Context, wish: Growth) -> Outcome {
    let most_accounts =
        usize::try_from(wish.most_accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let extent = Extent {
        axes: if wish.axes.is_empty() { Axis::value_variants().to_vec() } else { wish.axes },
        each: Duration::from_secs(wish.each),
        most_accounts,
        most_transactions: wish.most_transactions,
    };
    if let Some(directory) = &wish.out {
        std::fs::create_dir_all(directory)?;
    }
    let see = |growth: &growth::Growth| match &wish.out {
        Some(directory) => keep(directory, growth),
        None => Ok(()),
    };
    let study = Study::new(extent, context.printer)?;
    let growth = bench::interruptible(study.run(see)).await?;
    let text = growth.tables();
    Ok(Reply::new(growth, text))
}

fn keep(directory: &Path, growth: &growth::Growth) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(growth).map_err(std::io::Error::other)?;
    std::fs::write(directory.join("growth.json"), json)?;
    std::fs::write(directory.join("growth.md"), growth.tables())?;
    std::fs::write(directory.join("growth.svg"), growth.picture())?;
    Ok(())
}
