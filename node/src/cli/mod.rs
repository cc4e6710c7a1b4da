//! The command line: nouns, then verbs; one file per noun.
//!
//! [`output`] says what a command answers and how a process ends; [`context`] finds the node, the chain
//! file and the keys a command needs. Nothing here decides anything about the ledger.

pub mod account;
pub mod admin;
pub mod backup;
pub mod bench;
pub mod block;
pub mod completions;
pub mod config;
pub mod consensus;
pub mod context;
pub mod db;
pub mod devnet;
pub mod doctor;
pub mod errors;
pub mod genesis;
pub mod init;
pub mod keys;
pub mod man;
pub mod mempool;
pub mod output;
pub mod passphrase;
pub mod progress;
pub mod rpc;
pub mod run;
pub mod show;
pub mod sim;
pub mod status;
pub mod testnet;
pub mod top;
pub mod tx;
pub mod validators;
pub mod verify;
pub mod version;
pub mod why;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use self::context::{Context, Global};
use self::output::{Failure, Outcome, Printer};

/// A BFT ledger node, one binary: devnet, validator, follower, wallet and tools.
#[derive(Debug, Parser)]
#[command(
    name = "logothete",
    version,
    max_term_width = 110,
    after_help = "Examples:\n  logothete devnet                   four validators on this machine\n  \
                  logothete tx send alice bob 10     pay, wait for finality, verify the proof\n  \
                  logothete status --watch           what the nodes are doing\n\n\
                  Exit codes: 0 ok, 1 failure, 2 usage, 3 not synced, 4 stalled, 5 transaction rejected,\n  \
                  6 outcome unknown, 7 verification failed, 8 unsafe refused"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole network on this machine, every validator a process of its own.
    Devnet(devnet::Arguments),
    /// Files for a network of many machines.
    #[command(
        subcommand,
        after_help = "Example:\n  logothete testnet generate --out net --hosts 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 --dev"
    )]
    Testnet(testnet::Testnet),
    /// The chain file.
    #[command(subcommand, after_help = "Example:\n  logothete genesis validate genesis.toml")]
    Genesis(genesis::Genesis),
    /// Make the home directory of one node.
    Init(init::Init),
    /// Run a node.
    Run(run::Run),
    /// How the nodes are doing.
    Status(status::Status),
    /// The nodes on a terminal, twice a second.
    Top(top::Top),
    /// Why the chain or a node stands still, and what to do.
    Why(why::Why),
    Doctor(doctor::Doctor),
    /// Key files.
    #[command(subcommand, after_help = "Example:\n  logothete keys new anna")]
    Keys(keys::Keys),
    /// Transactions.
    #[command(subcommand, after_help = "Example:\n  logothete tx send alice bob 10")]
    Tx(tx::Tx),
    /// Accounts.
    #[command(subcommand, after_help = "Example:\n  logothete account show alice")]
    Account(account::Account),
    /// Blocks.
    #[command(subcommand, after_help = "Example:\n  logothete block show 52")]
    Block(block::Block),
    /// The validator set.
    #[command(subcommand, after_help = "Example:\n  logothete validators list")]
    Validators(validators::Validators),
    /// The protocol as one node sees it.
    #[command(subcommand, after_help = "Example:\n  logothete consensus state")]
    Consensus(consensus::Consensus),
    /// Waiting transactions.
    #[command(subcommand, after_help = "Example:\n  logothete mempool stats")]
    Mempool(mempool::Mempool),
    /// Administration of a running node.
    #[command(subcommand, after_help = "Example:\n  logothete admin peers --node v0")]
    Admin(admin::Admin),
    /// Backups of a node.
    #[command(
        subcommand,
        after_help = "Example:\n  logothete backup create --node v0 --to ./backup"
    )]
    Backup(backup::Backup),
    /// The database of a node that does not run.
    #[command(subcommand, after_help = "Example:\n  logothete db stats --home ./node0")]
    Db(db::Db),
    /// Check what a node said or kept, without any node.
    #[command(
        subcommand,
        after_help = "Example:\n  logothete verify proof proof.json --genesis genesis.toml"
    )]
    Verify(verify::Verify),
    /// Call a JSON-RPC method.
    Rpc(rpc::Rpc),
    /// The configuration of a node.
    #[command(subcommand, after_help = "Example:\n  logothete config show --home ./node0")]
    Config(config::Config),
    /// Measurements.
    #[command(subcommand, after_help = "Example:\n  logothete bench load --duration 30")]
    Bench(bench::Bench),
    /// Whole networks with faults on virtual time, each decided by a seed.
    Sim(sim::Sim),
    /// Completion scripts for shells.
    Completions(completions::Completions),
    /// Manual pages.
    Man(man::Man),
    /// Version and build.
    #[command(after_help = "Example:\n  logothete version --json")]
    Version,
}

/// Parses the command line, runs the command, prints its answer and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misuse(&error),
    };
    let printer = Printer::new(cli.global.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.finish(Err(error.into())),
    };
    let context = Context::new(cli.global, printer);
    let outcome = runtime.block_on(Box::pin(perform(&context, cli.command)));
    // What still runs (a reader of standard input, say) must not hold the process.
    runtime.shutdown_background();
    printer.finish(outcome)
}

async fn perform(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Devnet(arguments) => devnet::perform(context, arguments).await,
        Command::Testnet(command) => testnet::perform(context, command),
        Command::Genesis(command) => genesis::perform(context, command),
        Command::Init(command) => init::perform(context, &command),
        Command::Run(command) => run::perform(command).await,
        Command::Status(command) => status::perform(context, command).await,
        Command::Top(_) => top::perform(context).await,
        Command::Why(_) => why::perform(context).await,
        Command::Doctor(command) => doctor::perform(context, command).await,
        Command::Keys(command) => keys::perform(command),
        Command::Tx(command) => tx::perform(context, command).await,
        Command::Account(command) => account::perform(context, command).await,
        Command::Block(command) => block::perform(context, command).await,
        Command::Validators(command) => validators::perform(context, command).await,
        Command::Consensus(command) => consensus::perform(context, command).await,
        Command::Mempool(command) => mempool::perform(context, command).await,
        Command::Admin(command) => admin::perform(context, command).await,
        Command::Backup(command) => backup::perform(context, command).await,
        Command::Db(command) => db::perform(context, command).await,
        Command::Verify(command) => verify::perform(context, command).await,
        Command::Rpc(command) => rpc::perform(context, command).await,
        Command::Config(command) => config::perform(command),
        Command::Bench(command) => bench::perform(context, command).await,
        Command::Sim(command) => sim::perform(context, &command),
        Command::Completions(command) => Ok(completions::perform(&command)),
        Command::Man(command) => man::perform(&command),
        Command::Version => Ok(version::perform()),
    }
}

/// Help and version are answers; everything else is a wrong use, in an envelope if one was asked for.
fn misuse(error: &clap::Error) -> ExitCode {
    let answered = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if answered || !std::env::args().any(|argument| argument == "--json") {
        // A closed pipe is the reader's wish.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let text = error.render().to_string();
    let message = text.trim().trim_start_matches("error: ").to_owned();
    Printer::new(true).finish(Err(Failure::usage(message)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    /// Every command that is not hidden, as it is typed, each group before its commands.
    pub(super) fn paths() -> Vec<String> {
        let mut paths = Vec::new();
        visit(&Cli::command(), "", &mut |path, _| paths.push(path.to_owned()));
        paths
    }

    fn visit(command: &clap::Command, above: &str, see: &mut impl FnMut(&str, &clap::Command)) {
        let path = format!("{above} {}", command.get_name()).trim().to_owned();
        see(&path, command);
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            visit(inner, &path, see);
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        let mut without = Vec::new();
        visit(&Cli::command(), "", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !help.contains("Example") || !help.contains(path) {
                without.push(path.to_owned());
            }
        });
        assert!(without.is_empty(), "no example of its own in the help of {without:?}");
    }

    /// The calls of this program in an example, word by word: without remarks, redirections and other programs.
    fn calls_in(help: &str) -> Vec<Vec<String>> {
        let joined: String = help.split("\\\n").map(str::trim_start).collect();
        let lines = joined.lines().filter_map(|line| line.strip_prefix("  logothete"));
        let typed = lines.map(|line| format!("logothete{line}"));
        let commands = typed.flat_map(|line| {
            let line = line.trim_end().split_once("   ").map_or(line.as_str(), |(typed, _)| typed);
            line.split("&&").map(|command| command.trim().to_owned()).collect::<Vec<_>>()
        });
        let words = |command: String| -> Vec<String> {
            let typed = command.split(" > ").next().unwrap_or_default();
            let parts = typed.split('\'').enumerate();
            let words = parts.flat_map(|(index, part)| match index % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            });
            words.map(|word| whole(&word)).collect()
        };
        commands.filter(|command| command.starts_with("logothete")).map(words).collect()
    }

    /// A word whose end is left out in the help, with an end that is right.
    fn whole(word: &str) -> String {
        match word {
            "8f3c…" => "8f".repeat(32),
            _ => word.to_owned(),
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        let mut seen = 0;
        visit(&Cli::command(), "", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for call in calls_in(&help) {
                seen += 1;
                if let Err(error) = <Cli as clap::Parser>::try_parse_from(&call) {
                    panic!("{path}: {}: {error}", call.join(" "));
                }
            }
        });
        assert!(seen > 60, "only {seen} examples were found");
    }

    #[test]
    fn completions_of_every_shell_know_every_command() {
        use clap::ValueEnum as _;
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "logothete", &mut script);
            let script = String::from_utf8(script).unwrap();
            for path in paths() {
                let name = path.rsplit(' ').next().unwrap();
                assert!(script.contains(name), "{shell} does not know {path}");
            }
        }
    }
}
