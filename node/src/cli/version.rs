//! `version`.

use serde_json::json;

use super::output::Reply;

/// Version, build and what it speaks.
#[must_use]
pub fn perform() -> Reply {
    let version = env!("CARGO_PKG_VERSION");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let data =
        json!({ "version": version, "target": target, "envelope": super::output::SCHEMA_VERSION });
    Reply::new(data, format!("logothete {version} ({target})"))
}
