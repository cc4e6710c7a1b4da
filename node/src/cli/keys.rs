//! `keys new|import|export|list|rotate`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use logothete_genesis::KeyFile;
use logothete_genesis::keystore::new_key;
use logothete_primitives::{Address, SecretKey};
use serde_json::json;
use zeroize::Zeroizing;

use super::context::{key_names, key_path, keys_directory};
use super::output::{Exit, Failure, Outcome, Reply, table};
use super::passphrase;

/// Key files, by name in $XDG_DATA_HOME/logothete/keys or by path.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a new key.
    #[command(
        after_help = "Examples:\n  logothete keys new anna\n  logothete keys new --out ./node0/key.json --passphrase-file pass.txt"
    )]
    New(New),
    /// Make a key file from a secret seed (64 hexadecimal digits).
    #[command(after_help = "Example:\n  logothete keys import anna --seed-file seed.hex")]
    Import(Import),
    /// Show the secret seed of a key. Whoever sees it can spend.
    #[command(after_help = "Example:\n  logothete keys export anna --reveal")]
    Export(Export),
    /// Name, address and validator key of every key file.
    #[command(after_help = "Example:\n  logothete keys list")]
    List,
    /// Seal a key file with a new passphrase. The key, its address and its validator stay what they are.
    #[command(
        after_help = "Examples:\n  logothete keys rotate anna --new-passphrase-file new.txt\n  \
        logothete keys rotate ./node0/key.json --passphrase-file old.txt --new-passphrase-file new.txt\n\n\
        A running node has opened its key already; give it the new passphrase at its next start."
    )]
    Rotate(Rotate),
}

#[derive(Args, Debug)]
struct Target {
    /// Name of the key in the keys directory.
    #[arg(required_unless_present = "out")]
    name: Option<String>,
    /// Write to this file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    out: Option<PathBuf>,
    /// File with the passphrase; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Write the key in the clear. Only development chains accept it.
    #[arg(long, conflicts_with = "passphrase_file")]
    plain: bool,
}

/// Arguments of `keys new`.
#[derive(Args, Debug)]
pub struct New {
    #[command(flatten)]
    target: Target,
}

/// Arguments of `keys import`.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    target: Target,
    /// File with the seed; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    seed_file: PathBuf,
}

/// Arguments of `keys export`.
#[derive(Args, Debug)]
pub struct Export {
    /// Name or path of the key.
    key: String,
    /// Say that the secret may be shown.
    #[arg(long)]
    reveal: bool,
    /// File with the passphrase; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Arguments of `keys rotate`.
#[derive(Args, Debug)]
pub struct Rotate {
    /// Name or path of the key.
    key: String,
    /// File with the passphrase of now; else LOGOTHETE_PASSPHRASE, else it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the new passphrase; else it is asked for.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Replace the key itself: refused, with what to do instead.
    #[arg(long)]
    new_key: bool,
}

/// Makes, opens or lists key files.
///
/// # Errors
/// A file that exists, is missing or does not open.
pub fn perform(command: Keys) -> Outcome {
    match command {
        Keys::New(New { target }) => write(&target, &new_key()?),
        Keys::Import(Import { target, seed_file }) => write(&target, &read_seed(&seed_file)?),
        Keys::Export(export) => reveal(&export),
        Keys::List => list(),
        Keys::Rotate(rotate) => reseal(&rotate),
    }
}

fn write(target: &Target, key: &SecretKey) -> Outcome {
    let path = match (&target.out, &target.name) {
        (Some(path), _) => path.clone(),
        (None, Some(name)) if is_name(name) => {
            std::fs::create_dir_all(keys_directory())?;
            keys_directory().join(format!("{name}.json"))
        }
        _ => {
            return Err(Failure::usage("a key's name has letters, digits, - and _")
                .with_hint("use --out FILE for a path"));
        }
    };
    if target.plain {
        KeyFile::create_plain_dev(&path, key)?;
    } else {
        let passphrase = passphrase::for_new_key(target.passphrase_file.as_deref())?;
        KeyFile::create_encrypted(&path, key, &passphrase)?;
    }
    let (address, validator) = (Address::from(key.public()), key.public());
    let text = format!("{}\naddress    {address}\nvalidator  {validator}", path.display());
    Ok(Reply::new(json!({ "file": path, "address": address, "validator": validator }), text))
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(allowed)
}

fn read_seed(path: &Path) -> Result<SecretKey, Failure> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = Zeroizing::new(text?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut_slice()).map_err(|error| {
        Failure::usage(format!("the seed is not 64 hexadecimal digits: {error}"))
    })?;
    Ok(SecretKey::from_seed(*seed))
}

fn reveal(export: &Export) -> Outcome {
    if !export.reveal {
        return Err(Failure::usage("the secret is shown only with --reveal")
            .with_hint("to move a key, copy its file: it is encrypted, the secret is not"));
    }
    let path = key_path(&export.key)
        .ok_or_else(|| Failure::usage(format!("there is no key {}", export.key)))?;
    let passphrase = passphrase::for_key(&path, export.passphrase_file.as_deref())?;
    let key = KeyFile::load(&path, passphrase.as_ref().map(|text| text.as_str()))?;
    let seed = hex::encode(key.seed());
    Ok(Reply::new(json!({ "seed": seed }), seed))
}

fn reseal(rotate: &Rotate) -> Outcome {
    if rotate.new_key {
        return Err(new_key_refused());
    }
    let path = key_path(&rotate.key)
        .ok_or_else(|| Failure::usage(format!("there is no key {}", rotate.key)))?;
    let old = passphrase::for_key(&path, rotate.passphrase_file.as_deref())?;
    let new = passphrase::in_place_of(rotate.new_passphrase_file.as_deref())?;
    let validator = KeyFile::reseal(&path, old.as_ref().map(|text| text.as_str()), &new)?;
    let address = Address::from(validator);
    let text = format!(
        "{} is sealed with the new passphrase\naddress    {address}\nvalidator  {validator}\n\
         copies of the file made before open with the old passphrase still: remove them",
        path.display()
    );
    Ok(Reply::new(json!({ "file": path, "address": address, "validator": validator }), text))
}

/// A key is who somebody is on the chain.
fn new_key_refused() -> Failure {
    let message = "a new key is another validator and another account, not the same one with a new key: \
                   the validator set is fixed by the chain file, and a change of it is decided by governance, \
                   which this version does not have (rule R9)";
    Failure::new("unsafe", message).with_exit(Exit::UnsafeRefused).with_hint(
        "for an account: make a key with `logothete keys new` and send the coins to it; \
         for a follower: `logothete init` makes a new home with a new key",
    )
}

fn list() -> Outcome {
    let (mut data, mut rows) = (Vec::new(), Vec::new());
    for name in key_names() {
        let path = keys_directory().join(format!("{name}.json"));
        match KeyFile::inspect(&path) {
            Ok(info) => {
                let address = Address::from(info.public);
                let form = if info.encrypted { "encrypted" } else { "plain" };
                rows.push(vec![name.clone(), address.to_string(), form.to_owned()]);
                data.push(json!({ "name": name, "address": address, "validator": info.public, "encrypted": info.encrypted, "file": path }));
            }
            Err(error) => {
                rows.push(vec![name.clone(), error.to_string(), "unusable".to_owned()]);
                data.push(json!({ "name": name, "file": path, "error": error.to_string() }));
            }
        }
    }
    let text = if rows.is_empty() {
        format!("no keys in {}; make one: logothete keys new NAME", keys_directory().display())
    } else {
        table(&["name", "address", "form"], &rows)
    };
    Ok(Reply::new(data, text))
}
