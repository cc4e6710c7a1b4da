//! Where the passphrase of a key file comes from: a file, a variable, or the terminal.

use std::io::IsTerminal;
use std::path::Path;

use logothete_genesis::KeyFile;
use zeroize::Zeroizing;

use super::output::Failure;

/// The variable that holds a passphrase.
const VARIABLE: &str = "LOGOTHETE_PASSPHRASE";

/// The passphrase that opens a key file; none if the file is plain (development networks only).
///
/// # Errors
/// The key file is encrypted and no passphrase can be had.
pub fn for_key(key: &Path, file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(given) = given(file)? {
        return Ok(Some(given));
    }
    // A file that cannot be read is told of when it is opened.
    if !KeyFile::inspect(key).is_ok_and(|info| info.encrypted) {
        return Ok(None);
    }
    ask(&format!("passphrase of {}: ", key.display())).map(Some)
}

/// A new passphrase, asked for twice on a terminal.
///
/// # Errors
/// None can be had, or the two differ.
pub fn for_new_key(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    match given(file)? {
        Some(given) => Ok(given),
        None => ask_twice(),
    }
}

/// The passphrase that takes the place of another: of a file, or asked for. The variable holds the old one.
///
/// # Errors
/// None can be had, or the two differ.
pub fn in_place_of(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(path) => read(path),
        None if std::io::stdin().is_terminal() => ask_twice(),
        None => Err(Failure::usage("no new passphrase was given")
            .with_hint("name a file that holds it with --new-passphrase-file FILE")),
    }
}

fn ask_twice() -> Result<Zeroizing<String>, Failure> {
    let first = ask("new passphrase: ")?;
    let second = ask("the same again: ")?;
    if first == second { Ok(first) } else { Err(Failure::usage("the two passphrases differ")) }
}

/// A passphrase that is given without asking for it.
///
/// # Errors
/// A file that cannot be read.
pub fn given(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = file {
        return read(path).map(Some);
    }
    Ok(std::env::var(VARIABLE).ok().map(Zeroizing::new))
}

fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::new("io", format!("cannot read {}: {error}", path.display())))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "no_passphrase",
            "the key is encrypted and no passphrase was given",
        )
        .with_hint(format!("use --passphrase-file FILE or the variable {VARIABLE}")));
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}
