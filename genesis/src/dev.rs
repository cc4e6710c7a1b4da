//! Accounts and validators whose keys everybody knows. Never reuse them: a genesis file that is not
//! marked `dev` refuses them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use logothete_primitives::limits::MAX_VALIDATORS;
use logothete_primitives::{Address, Domain, PublicKey, SecretKey, hash};

/// Separates these seeds from every other hash.
const DEV: Domain = Domain::new("lgt/dev");

/// The names of the development accounts. The last two collect the fees and feed the faucet.
pub const NAMES: [&str; 10] =
    ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "treasury", "faucet"];

/// An account whose key everybody knows.
#[derive(Clone, Debug)]
pub struct DevAccount {
    /// Its name.
    pub name: &'static str,
    /// Its key.
    pub secret: SecretKey,
    /// Its address.
    pub address: Address,
}

/// The development account with a name.
#[must_use]
pub fn account(name: &str) -> Option<DevAccount> {
    let name = NAMES.into_iter().find(|known| *known == name)?;
    let secret = secret(&format!("account {name}"));
    let address = secret.public().into();
    Some(DevAccount { name, secret, address })
}

/// All development accounts.
pub fn accounts() -> impl Iterator<Item = DevAccount> {
    NAMES.into_iter().filter_map(account)
}

/// The account that collects the fees of development chains.
///
/// # Panics
/// Never: its name is in the table.
#[must_use]
pub fn treasury() -> DevAccount {
    account("treasury").expect("the treasury is in the table")
}

/// The account the faucet of development chains gives from.
///
/// # Panics
/// Never: its name is in the table.
#[must_use]
pub fn faucet() -> DevAccount {
    // Every node asks for it at its start, and a simulation starts very many.
    static FAUCET: LazyLock<DevAccount> =
        LazyLock::new(|| account("faucet").expect("the faucet is in the table"));
    FAUCET.clone()
}

/// The key of a validator of a development network with a seed: the same seed, the same network.
#[must_use]
pub fn validator_key(seed: u64, index: u16) -> SecretKey {
    secret(&format!("validator {seed} {index}"))
}

/// Development keys that are known by name: accounts, and the validators of seed 0.
pub(crate) fn public_keys() -> BTreeMap<PublicKey, String> {
    let accounts = accounts().map(|account| (account.secret.public(), account.name.to_owned()));
    let count = u16::try_from(MAX_VALIDATORS).unwrap_or(u16::MAX);
    let validators =
        (0..count).map(|index| (validator_key(0, index).public(), format!("validator {index}")));
    accounts.chain(validators).collect()
}

fn secret(name: &str) -> SecretKey {
    SecretKey::from_seed(*hash(DEV, name.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_never_change() {
        // They stand in scripts and documents; changing one breaks those.
        assert_eq!(
            account("alice").unwrap().address.to_string(),
            "lgt15wsghdwx9l7wse3ynw0gk0xmsmgerg6xpdvzyzrq7mp3dr436wmss4ezek"
        );
        assert_eq!(
            validator_key(0, 0).public().to_string(),
            "lgtval1lelz0k4ed4r9wuxjdtc80gmtu084ctkxrhpyrtaspqptrd7s0g4q3vp4e6"
        );
    }

    #[test]
    fn names_and_seeds_tell_keys_apart() {
        let mut all: Vec<_> = accounts().map(|account| account.secret.public()).collect();
        all.extend((0..4).map(|index| validator_key(0, index).public()));
        all.extend((0..4).map(|index| validator_key(1, index).public()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(account("mallory").is_none());
    }
}
