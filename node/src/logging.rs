//! Logging: text on a terminal, JSON otherwise, on standard error; the level can be changed while running.
//!
//! The crates log with stable names in the field `event` and values in others; this file only decides
//! where and in what form the lines go.

use std::io::IsTerminal;
use std::sync::OnceLock;

use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::LogFormat;

/// The filter of the running process; set once by [`init`].
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Why logging could not be set up or changed.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The filter does not parse.
    #[error("`{filter}` is not a log filter: {message}")]
    BadFilter {
        /// The filter as written.
        filter: String,
        /// What the parser says.
        message: String,
    },
    /// Logging was set up before, or never.
    #[error("logging is {0}")]
    State(&'static str),
}

/// Starts logging. Called once, before anything else of a node.
///
/// # Errors
/// A filter that does not parse; a second call.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let text = match format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let registry = Registry::default().with(filter);
    let started = if text {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colour)).try_init()
    } else {
        let lines = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
        registry.with(lines).try_init()
    };
    started.map_err(|_| LoggingError::State("already set up"))?;
    FILTER.set(handle).map_err(|_| LoggingError::State("already set up"))
}

/// Changes the filter of the running process.
///
/// # Errors
/// A filter that does not parse; logging was never set up.
pub fn set_level(filter: &str) -> Result<(), LoggingError> {
    let parsed = parse(filter)?;
    let handle = FILTER.get().ok_or(LoggingError::State("not set up"))?;
    handle.reload(parsed).map_err(|_| LoggingError::State("shut down"))
}

/// Reads a filter.
pub(crate) fn parse(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::builder().parse(filter).map_err(|error| LoggingError::BadFilter {
        filter: filter.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_filter_that_does_not_parse() {
        assert!(parse("info,logothete_p2p=debug").is_ok());
        assert!(matches!(parse("a=b=c"), Err(LoggingError::BadFilter { .. })));
    }
}
