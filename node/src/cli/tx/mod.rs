//! `tx send|build|sign|submit|wait|show|decode|simulate`.

mod draft;
mod read;
mod send;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use logothete_primitives::{Amount, TxHash};

use super::context::Context;
use super::output::Outcome;

/// Transactions.
#[derive(Debug, Subcommand)]
pub enum Tx {
    /// Pay: sign, submit, wait until it is final, and verify the proof here.
    #[command(
        after_help = "Examples:\n  logothete tx send alice bob 10\n  logothete tx send ./my-key.json lgt1… 0.5 --memo 'invoice 7'"
    )]
    Send(Send),
    /// Write an unsigned transaction to a file.
    #[command(
        after_help = "Examples:\n  logothete tx build alice --transfer bob=10 --out tx.json\n  \
        logothete tx build alice --transfer bob=10 --transfer-from carol:dave=5 --out tx.json   carol must sign too"
    )]
    Build(Build),
    /// Add a signature to a file; needs no network.
    #[command(after_help = "Example:\n  logothete tx sign tx.json alice")]
    Sign(Sign),
    /// Submit a signed transaction. Doing it again is harmless.
    #[command(after_help = "Example:\n  logothete tx submit tx.json")]
    Submit(Submit),
    /// Wait until a transaction is final.
    #[command(after_help = "Example:\n  logothete tx wait 8f3c… --timeout 30")]
    Wait(Wait),
    /// A transaction with its receipt, its proofs verified here if the chain file is known.
    #[command(after_help = "Example:\n  logothete tx show 8f3c…")]
    Show(Hash),
    /// What the bytes of a transaction say; needs no network.
    #[command(after_help = "Example:\n  logothete tx decode tx.json")]
    Decode(Source),
    /// What a transaction would do now.
    #[command(after_help = "Example:\n  logothete tx simulate tx.json")]
    Simulate(Source),
}

/// Arguments of `tx send`.
#[derive(Args, Debug)]
pub struct Send {
    /// Who pays: name or file of a key.
    from: String,
    /// Who receives: name or address.
    to: String,
    /// How much, in coins: 10 or 0.5.
    amount: Amount,
    /// Fee; else the least that is accepted.
    #[arg(long)]
    fee: Option<Amount>,
    /// A text for the people involved.
    #[arg(long)]
    memo: Option<String>,
    /// Blocks from now until it may no longer execute.
    #[arg(long, default_value_t = 1_000)]
    expires_in: u64,
    /// Seconds to wait until it is final.
    #[arg(long, default_value_t = 30)]
    timeout: u64,
    /// Return when it is accepted.
    #[arg(long)]
    no_wait: bool,
    /// File with the passphrase of the key; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Arguments of `tx build`.
#[derive(Args, Debug)]
pub struct Build {
    /// Who pays the fee: name or address.
    sender: String,
    /// Transfer from the sender, as TO=AMOUNT.
    #[arg(long, value_name = "TO=AMOUNT")]
    transfer: Vec<String>,
    /// Transfer from another account, which must sign too, as FROM:TO=AMOUNT.
    #[arg(long, value_name = "FROM:TO=AMOUNT")]
    transfer_from: Vec<String>,
    /// Fee; else the least that is accepted.
    #[arg(long)]
    fee: Option<Amount>,
    /// A text for the people involved.
    #[arg(long)]
    memo: Option<String>,
    /// Nonce; else the sender's next.
    #[arg(long)]
    nonce: Option<u64>,
    /// Blocks from now until it may no longer execute.
    #[arg(long, default_value_t = 1_000)]
    expires_in: u64,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `tx sign`.
#[derive(Args, Debug)]
pub struct Sign {
    /// File from `tx build`; the signature is added to it.
    file: PathBuf,
    /// Who signs: name or file of a key.
    key: String,
    /// File with the passphrase of the key; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// A transaction's bytes.
#[derive(Args, Debug)]
pub struct Source {
    /// File from `tx build` and `tx sign`, or hexadecimal bytes.
    tx: String,
}

/// Arguments of `tx submit`.
#[derive(Args, Debug)]
pub struct Submit {
    #[command(flatten)]
    source: Source,
    /// Wait until it is final.
    #[arg(long)]
    wait: bool,
    /// Seconds to wait.
    #[arg(long, default_value_t = 30)]
    timeout: u64,
}

/// A transaction's hash.
#[derive(Args, Debug)]
pub struct Hash {
    /// Hash of the whole transaction.
    hash: TxHash,
}

/// Arguments of `tx wait`.
#[derive(Args, Debug)]
pub struct Wait {
    #[command(flatten)]
    which: Hash,
    /// Seconds to wait.
    #[arg(long, default_value_t = 30)]
    timeout: u64,
}

/// Makes, hands in or reads a transaction.
///
/// # Errors
/// A rejected transaction, an unknown outcome, a proof that does not verify.
pub async fn perform(context: &Context, command: Tx) -> Outcome {
    match command {
        Tx::Send(wish) => send::send(context, &wish).await,
        Tx::Build(wish) => draft::build(context, &wish).await,
        Tx::Sign(wish) => draft::sign(context, &wish),
        Tx::Submit(wish) => send::submit(context, &wish).await,
        Tx::Wait(wish) => send::wait(context, &wish).await,
        Tx::Show(which) => read::show(context, which.hash).await,
        Tx::Decode(source) => read::decode(&source.tx),
        Tx::Simulate(source) => read::simulate(context, &source.tx).await,
    }
}
