//! `genesis init|add-account|add-validator|validate|hash`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use logothete_genesis::spec::{AccountSpec, ValidatorSpec};
use logothete_genesis::{KeyFile, LoadError, Spec};
use logothete_ledger::params::ChainParams;
use logothete_primitives::{Address, Amount, PublicKey, TimestampMs};
use serde_json::json;

use super::context::{Context, key_path};
use super::output::{Exit, Failure, Outcome, Reply};

/// The chain file: its hash is the chain id, so every member needs the same one.
#[derive(Debug, Subcommand)]
pub enum Genesis {
    /// Begin a chain file.
    #[command(
        after_help = "Example:\n  logothete genesis init genesis.toml --name my-chain --fee-account lgt1…"
    )]
    Init(Init),
    /// Add an account with coins.
    #[command(
        after_help = "Example:\n  logothete genesis add-account genesis.toml lgt1… 1000000 --name treasury"
    )]
    AddAccount(AddAccount),
    /// Add a validator.
    #[command(
        after_help = "Example:\n  logothete genesis add-validator genesis.toml v0 lgtval1… --address /dns/v0.example.org/tcp/26600"
    )]
    AddValidator(AddValidator),
    /// Check a chain file; every fault is listed with its place.
    #[command(after_help = "Example:\n  logothete genesis validate genesis.toml")]
    Validate(File),
    /// The chain id.
    #[command(after_help = "Example:\n  logothete genesis hash genesis.toml")]
    Hash(File),
}

/// A chain file.
#[derive(Args, Debug)]
pub struct File {
    /// The file.
    #[arg(default_value = "genesis.toml")]
    file: PathBuf,
}

/// Arguments of `genesis init`.
#[derive(Args, Debug)]
pub struct Init {
    /// The file; must not exist.
    #[arg(default_value = "genesis.toml")]
    file: PathBuf,
    /// Name of the chain, for people.
    #[arg(long)]
    name: String,
    /// The account that fees go to: its address, or the name or path of its key file.
    #[arg(long, value_name = "ACCOUNT")]
    fee_account: String,
    /// A development chain: plain keys and the faucet are allowed.
    #[arg(long)]
    dev: bool,
    /// Time between blocks when nothing happens.
    #[arg(long, value_name = "MS")]
    empty_block_interval_ms: Option<u64>,
    /// The smallest fee per unit of work.
    #[arg(long, value_name = "AMOUNT")]
    min_fee: Option<Amount>,
}

/// Arguments of `genesis add-account`.
#[derive(Args, Debug)]
pub struct AddAccount {
    /// The file.
    file: PathBuf,
    /// Whose account: an address, or the name or path of a key file.
    account: String,
    /// Its coins.
    balance: Amount,
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
}

/// Arguments of `genesis add-validator`.
#[derive(Args, Debug)]
pub struct AddValidator {
    /// The file.
    file: PathBuf,
    /// A name for people.
    name: String,
    /// Its public key, lgtval1…, or the name or path of its key file.
    key: String,
    /// Its voting power.
    #[arg(long, default_value_t = 1)]
    power: u64,
    /// Where it is reached at first.
    #[arg(long)]
    address: Option<String>,
}

/// Writes, changes or checks a chain file.
///
/// # Errors
/// A file that cannot be read or written, or the faults it has.
pub fn perform(context: &Context, command: Genesis) -> Outcome {
    match command {
        Genesis::Init(wish) => init(context.address(&wish.fee_account)?, wish),
        Genesis::AddAccount(AddAccount { file, account, balance, name }) => {
            let address = context.address(&account)?;
            change(&file, |spec| spec.accounts.push(AccountSpec { address, balance, name }))
        }
        Genesis::AddValidator(AddValidator { file, name, key, power, address }) => {
            let key = validator_key(&key)?;
            change(&file, |spec| {
                spec.validators.push(ValidatorSpec { name, key, power, address });
            })
        }
        Genesis::Validate(File { file }) => validate(&file),
        Genesis::Hash(File { file }) => {
            let chain = Spec::load(&file)?.chain_id().to_string();
            Ok(Reply::new(json!({ "chain_id": chain }), chain))
        }
    }
}

/// Now, for a new chain.
#[must_use]
pub fn now() -> TimestampMs {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    TimestampMs::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

fn init(fee_account: Address, wish: Init) -> Outcome {
    let mut params = ChainParams { dev: wish.dev, fee_account, ..ChainParams::default() };
    params.empty_block_interval_ms =
        wish.empty_block_interval_ms.unwrap_or(params.empty_block_interval_ms);
    params.min_fee = wish.min_fee.unwrap_or(params.min_fee);
    let spec = Spec {
        chain_name: wish.name,
        timestamp: now(),
        validators: Vec::new(),
        accounts: Vec::new(),
        params,
    };
    // It has no validators yet, so it is not valid yet: only what was given is checked, by the parser of the flags.
    spec.write_new(&wish.file).map_err(|error| {
        Failure::new("io", format!("cannot write {}: {error}", wish.file.display()))
    })?;
    let file = wish.file.display();
    let text = format!(
        "{file} begun; next:\n  logothete genesis add-validator {file} NAME lgtval1…\n  \
         logothete genesis add-account {file} lgt1… AMOUNT\n  logothete genesis validate {file}"
    );
    Ok(Reply::new(json!({ "file": wish.file }), text))
}

/// The public key of a validator, by text or by its key file.
fn validator_key(text: &str) -> Result<PublicKey, Failure> {
    if let Some(path) = key_path(text) {
        return Ok(KeyFile::inspect(&path)?.public);
    }
    text.parse().map_err(|error| {
        Failure::usage(format!("{text} is neither a key file nor a validator's key: {error}"))
            .with_hint("a key is lgtval1… as `logothete keys new` prints it; copy it whole")
    })
}

/// Changes a file that may still be incomplete: the faults it has then are told, not refused.
fn change(file: &Path, change: impl FnOnce(&mut Spec)) -> Outcome {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new("io", format!("cannot read {}: {error}", file.display())))?;
    let mut spec = Spec::draft(&text)
        .map_err(|faults| Failure::from(LoadError::Invalid { path: file.to_owned(), faults }))?;
    change(&mut spec);
    let remaining = spec.validate().err().map(|faults| faults.0).unwrap_or_default();
    spec.replace(file)?;
    let remaining: Vec<String> = remaining.iter().map(ToString::to_string).collect();
    let text = if remaining.is_empty() {
        format!("{}: good, chain id {}", file.display(), spec.chain_id())
    } else {
        format!("{}: written; still to do:\n  {}", file.display(), remaining.join("\n  "))
    };
    let chain = remaining.is_empty().then(|| spec.chain_id());
    Ok(Reply::new(json!({ "file": file, "faults": remaining, "chain_id": chain }), text))
}

fn validate(file: &Path) -> Outcome {
    let spec = match Spec::load(file) {
        Ok(spec) => spec,
        Err(LoadError::Invalid { path, faults }) => {
            let lines: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
            let data = json!({ "file": path, "faults": lines });
            let count = if lines.len() == 1 {
                "1 fault".to_owned()
            } else {
                format!("{} faults", lines.len())
            };
            let message = format!("{} has {count}\n{}", path.display(), lines.join("\n"));
            return Err(Failure::new("bad_genesis", message)
                .with_exit(Exit::Usage)
                .with_data(data));
        }
        Err(error) => return Err(error.into()),
    };
    let set = spec.validator_set();
    let text = format!(
        "{}: good\nchain       {} ({})\nvalidators  {} · power {} · quorum {} · tolerates {}\naccounts    {} · supply {}",
        file.display(),
        spec.chain_id(),
        spec.chain_name,
        spec.validators.len(),
        set.total_power(),
        set.quorum(),
        set.max_faulty(),
        spec.accounts.len(),
        spec.supply(),
    );
    let data = json!({
        "file": file, "chain_id": spec.chain_id(), "chain_name": spec.chain_name,
        "validators": spec.validators.len(), "accounts": spec.accounts.len(),
        "supply": spec.supply(), "quorum": set.quorum().to_string(), "faults": [],
    });
    Ok(Reply::new(data, text))
}
