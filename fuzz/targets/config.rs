//! Configuration files and variables: every fault is told, and what has none makes a configuration.

#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../node/src/config/mod.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../node/src/admin/token.rs"]
mod token;

/// A configuration holds the hash of the administrator's token.
mod admin {
    pub(crate) use crate::token::{self, TokenHash};
}

use config::{Config, Settings, Sources};
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::with_file;

// Before the first zero a file, after it one variable.
fuzz_target!(|text: &str| {
    let (file, variable) = text.split_once('\0').unwrap_or((text, ""));
    with_file(file.as_bytes(), |path| {
        let mut sources = Sources { file: Some(path.to_path_buf()), ..Sources::default() };
        if let Some((name, value)) = variable.split_once('=') {
            sources.variables.push((format!("LOGOTHETE_{name}"), value.to_owned()));
            sources.flags.push(("--set".to_owned(), name.to_owned(), value.to_owned()));
        }
        match Settings::resolve(&sources) {
            Ok(settings) => _ = Config::from_settings(&settings),
            Err(faults) => assert!(!faults.0.is_empty() && !faults.to_string().is_empty()),
        }
    });
});
