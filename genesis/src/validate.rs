//! The rules a specification must keep. All of them are checked, so that one look shows all faults.

use std::collections::BTreeMap;

use logothete_ledger::params::ParamsFault;
use logothete_primitives::limits::{MAX_NAME_BYTES, MAX_TOTAL_POWER, MAX_VALIDATORS};
use logothete_primitives::{Address, Amount, PublicKey, VerifyingKey};

use crate::dev;
use crate::fault::{Fault, What};
use crate::spec::Spec;

/// Most accounts a genesis file may have.
pub const MAX_ACCOUNTS: usize = 1_000_000;
/// The last millisecond of the year 9999.
pub const MAX_TIMESTAMP_MS: u64 = 253_402_300_799_999;

/// Everything that is wrong with a specification, in the order of the file.
#[must_use]
pub fn faults(spec: &Spec) -> Vec<Fault> {
    let mut faults = Vec::new();
    chain(spec, &mut faults);
    params(spec, &mut faults);
    validators(spec, &mut faults);
    accounts(spec, &mut faults);
    if !spec.params.dev {
        public_keys(spec, &mut faults);
    }
    faults
}

fn chain(spec: &Spec, faults: &mut Vec<Fault>) {
    name("chain_name", &spec.chain_name, faults);
    let timestamp = spec.timestamp.get();
    if !(1..=MAX_TIMESTAMP_MS).contains(&timestamp) {
        let got = timestamp.to_string();
        faults.push(Fault::new(
            "timestamp_ms",
            What::OutOfRange { min: 1, max: MAX_TIMESTAMP_MS, got },
        ));
    }
}

fn params(spec: &Spec, faults: &mut Vec<Fault>) {
    for fault in spec.params.faults() {
        let key = match &fault {
            ParamsFault::MaxTxBytes { .. } => "max_tx_bytes",
            ParamsFault::Zero { field } => field,
            ParamsFault::TimeoutCap { .. } => "view_timeout_ms_max",
        };
        faults.push(Fault::new(format!("params.{key}"), What::Params(fault)));
    }
    if !can_sign(spec.params.fee_account.public_key()) {
        faults.push(Fault::new("params.fee_account", What::UnusableKey));
    }
}

fn validators(spec: &Spec, faults: &mut Vec<Fault>) {
    match spec.validators.len() {
        0 => faults.push(Fault::new("validators", What::NoValidators)),
        got if got > MAX_VALIDATORS => {
            faults.push(Fault::new("validators", What::TooMany { max: MAX_VALIDATORS, got }));
        }
        _ => {}
    }
    let mut names = Names::default();
    let mut seen: BTreeMap<PublicKey, usize> = BTreeMap::new();
    let mut total: u64 = 0;
    for (index, validator) in spec.validators.iter().enumerate() {
        let place = format!("validators[{index}]");
        names.check(&place, &validator.name, faults);
        let first = *seen.entry(validator.key).or_insert(index);
        if first != index {
            let first = format!("validators[{first}].key");
            faults.push(Fault::new(format!("{place}.key"), What::Duplicate { first }));
        }
        if !can_sign(validator.key) {
            faults.push(Fault::new(format!("{place}.key"), What::UnusableKey));
        }
        if validator.power == 0 {
            faults.push(Fault::new(format!("{place}.power"), What::Zero));
        }
        total = total.saturating_add(validator.power);
        if let Some(got) = validator.address.as_ref().filter(|text| !looks_like_multiaddr(text)) {
            let what = What::BadMultiaddr { got: got.clone() };
            faults.push(Fault::new(format!("{place}.address"), what));
        }
    }
    if total > MAX_TOTAL_POWER {
        faults.push(Fault::new("validators", What::TotalPower { max: MAX_TOTAL_POWER }));
    }
}

fn accounts(spec: &Spec, faults: &mut Vec<Fault>) {
    let got = spec.accounts.len();
    if got > MAX_ACCOUNTS {
        faults.push(Fault::new("accounts", What::TooMany { max: MAX_ACCOUNTS, got }));
    }
    let mut names = Names::default();
    let mut seen: BTreeMap<Address, usize> = BTreeMap::new();
    let mut supply = Some(Amount::ZERO);
    for (index, account) in spec.accounts.iter().enumerate() {
        let place = format!("accounts[{index}]");
        if let Some(name) = &account.name {
            names.check(&place, name, faults);
        }
        let first = *seen.entry(account.address).or_insert(index);
        if first != index {
            let first = format!("accounts[{first}].address");
            faults.push(Fault::new(format!("{place}.address"), What::Duplicate { first }));
        }
        if !can_sign(account.address.public_key()) {
            faults.push(Fault::new(format!("{place}.address"), What::UnusableKey));
        }
        if account.balance.is_zero() {
            faults.push(Fault::new(format!("{place}.balance"), What::Zero));
        }
        supply = supply.and_then(|sum| sum.checked_add(account.balance).ok());
    }
    if supply.is_none() {
        faults.push(Fault::new("accounts", What::Supply { max: Amount::MAX }));
    }
}

/// A chain that matters must not give power or coins to keys that are in this repository.
fn public_keys(spec: &Spec, faults: &mut Vec<Fault>) {
    let public = dev::public_keys();
    let mut check = |place: String, key: &PublicKey| {
        if let Some(name) = public.get(key) {
            faults.push(Fault::new(place, What::PublicKeyOfDev { name: name.clone() }));
        }
    };
    check("params.fee_account".to_owned(), &spec.params.fee_account.public_key());
    for (index, validator) in spec.validators.iter().enumerate() {
        check(format!("validators[{index}].key"), &validator.key);
    }
    for (index, account) in spec.accounts.iter().enumerate() {
        check(format!("accounts[{index}].address"), &account.address.public_key());
    }
}

/// Names that must differ from one another.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn check(&mut self, place: &str, text: &str, faults: &mut Vec<Fault>) {
        let place = format!("{place}.name");
        name(&place, text, faults);
        if let Some(first) = self.0.get(text) {
            let what = What::NameTaken { name: text.to_owned(), first: first.clone() };
            faults.push(Fault::new(place, what));
        } else {
            self.0.insert(text.to_owned(), place);
        }
    }
}

fn name(place: &str, text: &str, faults: &mut Vec<Fault>) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed);
    if !fits {
        let what = What::BadName { max: MAX_NAME_BYTES, got: text.chars().take(64).collect() };
        faults.push(Fault::new(place, what));
    }
}

fn can_sign(key: PublicKey) -> bool {
    VerifyingKey::try_from(&key).is_ok()
}

/// A first look only: the network parses the address when it dials it.
fn looks_like_multiaddr(text: &str) -> bool {
    let mut parts = text.split('/');
    let starts = parts.next() == Some("");
    let host = parts.next().is_some_and(|p| matches!(p, "ip4" | "ip6" | "dns" | "dns4" | "dns6"));
    let named = parts.next().is_some_and(|part| !part.is_empty());
    let transport = parts.next().is_some_and(|part| matches!(part, "tcp" | "udp"));
    let port = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
    starts && host && named && transport && port
}

#[cfg(test)]
mod tests;
