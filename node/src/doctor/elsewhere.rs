//! Whether this validator's key is in use by another node at this moment.
//!
//! The peers tell where the validators are; a stranger follows what they tell of our key, and the handshake proves whether
//! whoever answers there holds it. Nodes that were named with `--url` say whether they are connected to it, for the case that it
//! listens where it cannot be reached.

use logothete_genesis::keystore::KeyFile;
use logothete_primitives::PublicKey;

use super::check::Check;
use super::peers::Meeting;
use crate::chain::Genesis;
use crate::config::{Config, Role};

const NAME: &str = "key_elsewhere";
const ADVICE: &str = "do not start this node: two nodes that sign with one key commit an offence that the chain proves. \
                      Stop the other one for good first, or run this one with --role follower and a key of its own";

/// What a node said that was asked by its address.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Its address.
    pub url: String,
    /// The validators that it is connected to, or is; none if it did not answer.
    pub connected: Option<Vec<PublicKey>>,
}

/// Our key, if it is that of a validator and we mean to sign with it.
fn own_key(config: &Config, genesis: &Genesis) -> Option<PublicKey> {
    let key = KeyFile::inspect(&config.paths.key).ok()?.public;
    genesis.validators.index_of(&key).map(|_| key)
}

/// Judges by who was met and what witnesses say.
pub(super) fn check(
    config: &Config,
    genesis: &Genesis,
    (meeting, witnesses): (&Result<Meeting, String>, &[Witness]),
    runs: bool,
) -> Check {
    if config.role == Role::Follower {
        return Check::ok(NAME, "a follower signs nothing");
    }
    let Some(own) = own_key(config, genesis) else {
        return Check::not_checked(NAME, "the key is not known", "see the check of the key file");
    };
    if runs {
        let advice = "stop the node of this home to look for another one; `logothete consensus evidence` tells of double signing";
        return Check::not_checked(NAME, "the node of this home runs with it", advice);
    }
    let nobody = Meeting::default();
    let met = &meeting.as_ref().unwrap_or(&nobody).met;
    if let Some(other) = met.get(&own) {
        let place = other.addresses.first().map(ToString::to_string).unwrap_or_default();
        let detail = format!("{own} answers at {place}, at height {}", other.height);
        return Check::fault(NAME, detail, ADVICE);
    }
    let heard: Vec<(&str, &[PublicKey])> = witnesses
        .iter()
        .filter_map(|witness| Some((witness.url.as_str(), witness.connected.as_deref()?)))
        .collect();
    if let Some((url, _)) = heard.iter().find(|(_, connected)| connected.contains(&own)) {
        return Check::fault(NAME, format!("{url} is connected to {own}"), ADVICE);
    }
    match met.len() + heard.len() {
        0 => Check::not_checked(NAME, "no peer could be asked", "see the check of peers"),
        asked => Check::ok(NAME, format!("{asked} peers know of no other node with it")),
    }
}
