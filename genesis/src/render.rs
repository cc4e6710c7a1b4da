//! From a specification to the text of a genesis file.

use std::fmt::{self, Write};

use crate::spec::Spec;

/// The text of a file that reads back as the specification.
#[must_use]
pub fn spec(spec: &Spec) -> String {
    let mut out = String::new();
    write(spec, &mut out).expect("writing to a string cannot fail");
    out
}

fn write(spec: &Spec, out: &mut String) -> fmt::Result {
    let params = &spec.params;
    writeln!(out, "# Logothete genesis file. All members of the chain run with the same content;")?;
    writeln!(out, "# `logothete genesis hash` prints the chain id that follows from it.")?;
    writeln!(out)?;
    writeln!(out, "chain_name = {}", quoted(&spec.chain_name))?;
    writeln!(out, "timestamp_ms = {}", spec.timestamp.get())?;
    writeln!(out)?;
    writeln!(out, "[params]")?;
    writeln!(out, "min_fee = {}", quoted(&params.min_fee.to_string()))?;
    writeln!(out, "fee_account = {}", quoted(&params.fee_account.to_string()))?;
    writeln!(out, "max_tx_bytes = {}", params.max_tx_bytes)?;
    writeln!(out, "empty_block_interval_ms = {}", params.empty_block_interval_ms)?;
    writeln!(out, "view_timeout_ms = {}", params.view_timeout_ms)?;
    writeln!(out, "view_timeout_ms_max = {}", params.view_timeout_ms_max)?;
    writeln!(out, "clock_drift_ms_max = {}", params.clock_drift_ms_max)?;
    if params.dev {
        writeln!(
            out,
            "# Keys of this chain may be public, and it gives coins away. Never use it for anything real."
        )?;
    }
    writeln!(out, "dev = {}", params.dev)?;
    for validator in &spec.validators {
        writeln!(out, "\n[[validators]]")?;
        writeln!(out, "name = {}", quoted(&validator.name))?;
        writeln!(out, "key = {}", quoted(&validator.key.to_string()))?;
        writeln!(out, "power = {}", validator.power)?;
        if let Some(address) = &validator.address {
            writeln!(out, "address = {}", quoted(address))?;
        }
    }
    for account in &spec.accounts {
        writeln!(out, "\n[[accounts]]")?;
        if let Some(name) = &account.name {
            writeln!(out, "name = {}", quoted(name))?;
        }
        writeln!(out, "address = {}", quoted(&account.address.to_string()))?;
        writeln!(out, "balance = {}", quoted(&account.balance.to_string()))?;
    }
    Ok(())
}

/// A TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
