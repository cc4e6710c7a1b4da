//! From the text of a genesis file to a specification, noting every fault with its line.
//!
//! The file is read by hand rather than by `serde`, which stops at the first fault.

use std::collections::BTreeMap;
use std::ops::Range;

use logothete_ledger::params::ChainParams;
use logothete_primitives::{Address, Amount, PublicKey, TimestampMs};
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Faults, What};
use crate::spec::{AccountSpec, Spec, ValidatorSpec};
use crate::validate;

const TOP: &[&str] = &["chain_name", "timestamp_ms", "params", "validators", "accounts"];
const PARAMS: &[&str] = &[
    "min_fee",
    "fee_account",
    "max_tx_bytes",
    "empty_block_interval_ms",
    "view_timeout_ms",
    "view_timeout_ms_max",
    "clock_drift_ms_max",
    "dev",
];
const VALIDATOR: &[&str] = &["name", "key", "power", "address"];
const ACCOUNT: &[&str] = &["address", "balance", "name"];

/// Reads a specification that keeps all rules.
///
/// # Errors
/// With every fault of the text and its types; if there are none, with every broken rule.
pub fn spec(text: &str) -> Result<Spec, Faults> {
    let mut reader = Reader::new(text);
    let spec = reader.document(text);
    // Rules are checked only on a file that could be read: on defaults they would say nonsense.
    if reader.faults.is_empty() {
        reader.faults = validate::faults(&spec);
        for fault in &mut reader.faults {
            fault.line = reader.lines.get(&fault.place).copied();
        }
    }
    reader.finish(spec)
}

/// Reads a specification that is still being written: its rules are not checked, and nothing but
/// its name needs to be there.
///
/// # Errors
/// With every fault of the text and its types.
pub fn draft(text: &str) -> Result<Spec, Faults> {
    let mut reader = Reader::new(text);
    let spec = reader.document(text);
    reader.faults.retain(|fault| {
        let optional = ["timestamp_ms", "params.fee_account"].contains(&fault.place.as_str());
        !(optional && fault.what == What::Missing)
    });
    reader.finish(spec)
}

struct Reader {
    /// Where each line but the first begins.
    breaks: Vec<usize>,
    /// Line of every key that was read.
    lines: BTreeMap<String, usize>,
    faults: Vec<Fault>,
}

/// A table of the file and the way to it.
#[derive(Clone, Copy)]
struct At<'a, 't> {
    place: &'a str,
    line: Option<usize>,
    table: &'a DeTable<'t>,
}

impl Reader {
    fn new(text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { breaks, lines: BTreeMap::new(), faults: Vec::new() }
    }

    /// Notes a text that is not TOML as a fault and goes on with an empty one.
    fn document(&mut self, text: &str) -> Spec {
        match DeTable::parse(text) {
            Ok(document) => self.spec(document.get_ref()),
            Err(error) => {
                let spec = self.spec(&DeTable::new());
                self.faults = vec![self.syntax(&error)];
                spec
            }
        }
    }

    fn finish(mut self, spec: Spec) -> Result<Spec, Faults> {
        if self.faults.is_empty() {
            return Ok(spec);
        }
        self.faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
        Err(Faults(self.faults))
    }

    fn spec(&mut self, table: &DeTable<'_>) -> Spec {
        let top = At { place: "", line: None, table };
        self.refuse_unknown(top, TOP);
        Spec {
            chain_name: self.text(top, "chain_name").unwrap_or_default(),
            timestamp: TimestampMs::new(self.number(top, "timestamp_ms").unwrap_or_default()),
            params: self.params(top),
            validators: self.tables(top, "validators", Self::validator),
            accounts: self.tables(top, "accounts", Self::account),
        }
    }

    fn params(&mut self, top: At<'_, '_>) -> ChainParams {
        let mut params = ChainParams::default();
        let Some((line, value)) = self.find(top, "params") else {
            self.faults.push(Fault::new("params.fee_account", What::Missing));
            return params;
        };
        let DeValue::Table(table) = value else {
            self.wrong_type("params", Some(line), "a table", value);
            return params;
        };
        let at = At { place: "params", line: Some(line), table };
        self.refuse_unknown(at, PARAMS);
        if let Some(fee) = self.optional(at, "min_fee", Self::amount) {
            params.min_fee = fee;
        }
        if let Some(address) = self.address(at, "fee_account") {
            params.fee_account = address;
        }
        if let Some(bytes) = self.optional(at, "max_tx_bytes", Self::number) {
            params.max_tx_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        }
        let milliseconds = [
            ("empty_block_interval_ms", &mut params.empty_block_interval_ms),
            ("view_timeout_ms", &mut params.view_timeout_ms),
            ("view_timeout_ms_max", &mut params.view_timeout_ms_max),
            ("clock_drift_ms_max", &mut params.clock_drift_ms_max),
        ];
        for (key, field) in milliseconds {
            if let Some(value) = self.optional(at, key, Self::number) {
                *field = value;
            }
        }
        if let Some(dev) = self.optional(at, "dev", Self::flag) {
            params.dev = dev;
        }
        params
    }

    fn validator(&mut self, at: At<'_, '_>) -> Option<ValidatorSpec> {
        self.refuse_unknown(at, VALIDATOR);
        let name = self.text(at, "name");
        let key = self.parsed::<PublicKey>(at, "key", "a validator key (lgtval1…)");
        let power = self.number(at, "power");
        let address = self.optional(at, "address", Self::text);
        Some(ValidatorSpec { name: name?, key: key?, power: power?, address })
    }

    fn account(&mut self, at: At<'_, '_>) -> Option<AccountSpec> {
        self.refuse_unknown(at, ACCOUNT);
        let address = self.address(at, "address");
        let balance = self.amount(at, "balance");
        let name = self.optional(at, "name", Self::text);
        Some(AccountSpec { address: address?, balance: balance?, name })
    }

    /// Every table of an array of tables; none when the key is not there.
    fn tables<T>(
        &mut self,
        at: At<'_, '_>,
        key: &str,
        read: impl Fn(&mut Self, At<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let Some((line, value)) = self.find(at, key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value else {
            self.wrong_type(key, Some(line), "an array of tables", value);
            return Vec::new();
        };
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = format!("{key}[{index}]");
            let line = Some(self.line_of(item.span()));
            match item.get_ref() {
                DeValue::Table(table) => {
                    found.extend(read(self, At { place: &place, line, table }));
                }
                other => self.wrong_type(&place, line, "a table", other),
            }
        }
        found
    }

    fn optional<T>(
        &mut self,
        at: At<'_, '_>,
        key: &str,
        read: impl Fn(&mut Self, At<'_, '_>, &str) -> Option<T>,
    ) -> Option<T> {
        if at.table.contains_key(key) { read(self, at, key) } else { None }
    }

    fn text(&mut self, at: At<'_, '_>, key: &str) -> Option<String> {
        let (line, value) = self.required(at, key)?;
        if let DeValue::String(text) = value {
            return Some(text.clone().into_owned());
        }
        self.wrong_type(&join(at.place, key), Some(line), "a text", value);
        None
    }

    fn flag(&mut self, at: At<'_, '_>, key: &str) -> Option<bool> {
        let (line, value) = self.required(at, key)?;
        if let DeValue::Boolean(flag) = value {
            return Some(*flag);
        }
        self.wrong_type(&join(at.place, key), Some(line), "true or false", value);
        None
    }

    fn number(&mut self, at: At<'_, '_>, key: &str) -> Option<u64> {
        let (line, value) = self.required(at, key)?;
        let place = join(at.place, key);
        let DeValue::Integer(integer) = value else {
            self.wrong_type(&place, Some(line), "a whole number", value);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            let what = What::OutOfRange { min: 0, max: u64::MAX, got: integer.to_string() };
            self.faults.push(Fault { place, line: Some(line), what });
        }
        number
    }

    fn amount(&mut self, at: At<'_, '_>, key: &str) -> Option<Amount> {
        self.parsed(at, key, "an amount in quotes, such as \"1,000.50\"")
    }

    fn address(&mut self, at: At<'_, '_>, key: &str) -> Option<Address> {
        self.parsed(at, key, "an address (lgt1…)")
    }

    fn parsed<T>(&mut self, at: At<'_, '_>, key: &str, expected: &'static str) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let (line, value) = self.required(at, key)?;
        let DeValue::String(text) = value else {
            self.wrong_type(&join(at.place, key), Some(line), expected, value);
            return None;
        };
        text.parse()
            .map_err(|error: T::Err| {
                let got = text.chars().take(100).collect();
                let what = What::BadText { expected, got, why: error.to_string() };
                self.faults.push(Fault { place: join(at.place, key), line: Some(line), what });
            })
            .ok()
    }

    fn required<'a, 't>(&mut self, at: At<'a, 't>, key: &str) -> Option<(usize, &'a DeValue<'t>)> {
        let found = self.find(at, key);
        if found.is_none() {
            let place = join(at.place, key);
            self.faults.push(Fault { place, line: at.line, what: What::Missing });
        }
        found
    }

    fn find<'a, 't>(&mut self, at: At<'a, 't>, key: &str) -> Option<(usize, &'a DeValue<'t>)> {
        let value = at.table.get(key)?;
        let line = self.line_of(value.span());
        self.lines.insert(join(at.place, key), line);
        Some((line, value.get_ref()))
    }

    fn refuse_unknown(&mut self, at: At<'_, '_>, known: &'static [&'static str]) {
        for key in at.table.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let what = What::UnknownKey { suggestion: nearest(name, known) };
            let line = Some(self.line_of(key.span()));
            self.faults.push(Fault { place: join(at.place, name), line, what });
        }
    }

    fn wrong_type(
        &mut self,
        place: &str,
        line: Option<usize>,
        expected: &'static str,
        value: &DeValue<'_>,
    ) {
        let what = What::WrongType { expected, got: type_name(value) };
        self.faults.push(Fault { place: place.to_owned(), line, what });
    }

    fn syntax(&self, error: &toml::de::Error) -> Fault {
        let line = error.span().map(|span| self.line_of(span));
        Fault { place: String::new(), line, what: What::Syntax(error.message().to_owned()) }
    }

    fn line_of(&self, span: Range<usize>) -> usize {
        1 + self.breaks.partition_point(|start| *start <= span.start)
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The known key that was probably meant.
fn nearest(name: &str, known: &'static [&'static str]) -> Option<&'static str> {
    let similarity = |key: &&str| strsim::jaro_winkler(name, key);
    let best = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(best) > 0.8).then_some(*best)
}

#[cfg(test)]
mod tests;
