//! The bytes the chain id is the hash of. Their layout is written down in `docs/genesis.md`.
//!
//! They hold what the members must agree on and nothing else: no addresses of nodes, no names of
//! accounts, no order of accounts, no formatting.

use logothete_primitives::codec;

use crate::spec::Spec;

/// Version of the layout.
const VERSION: u32 = 1;

/// The canonical encoding of a specification.
#[must_use]
pub fn canonical(spec: &Spec) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(VERSION.to_le_bytes());
    put_text(&mut out, &spec.chain_name);
    out.extend(spec.timestamp.get().to_le_bytes());

    put_length(&mut out, spec.validators.len());
    for validator in &spec.validators {
        put_text(&mut out, &validator.name);
        out.extend(validator.key.as_bytes());
        out.extend(validator.power.to_le_bytes());
    }

    let mut accounts: Vec<_> = spec.accounts.iter().map(|a| (a.address, a.balance)).collect();
    accounts.sort_unstable_by_key(|(address, _)| *address);
    put_length(&mut out, accounts.len());
    for (address, balance) in accounts {
        out.extend(address.as_bytes());
        out.extend(balance.units().to_le_bytes());
    }

    out.extend(codec::encode(&spec.params));
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("a genesis file has fewer than 2^32 entries");
    out.extend(length.to_le_bytes());
}
