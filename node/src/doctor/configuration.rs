//! Whether what is configured fits together: addresses, the log filter, the chain file.
//!
//! That keys are known and values have their shape was checked when the configuration was read.

use logothete_genesis::Spec;

use super::check::Check;
use crate::config::{Config, Role};
use crate::{logging, node, recover, traces};

const NAME: &str = "configuration";

/// Configuration and chain file.
pub(super) fn check(config: &Config) -> Vec<Check> {
    let spec = Spec::load(&config.paths.genesis);
    let genesis = match &spec {
        Ok(spec) => Check::ok(
            "genesis",
            format!("{} with {} validators", spec.chain_name, spec.validators.len()),
        ),
        Err(error) => Check::fault(
            "genesis",
            error.to_string(),
            "paths.genesis is the chain file that all members share; `logothete genesis validate` lists its faults",
        ),
    };
    vec![addresses(config, spec.as_ref().ok()), genesis]
}

fn addresses(config: &Config, spec: Option<&Spec>) -> Check {
    let show = "`logothete config show` says where each value comes from";
    if let Err(error) = logging::parse(&config.log.level) {
        return Check::fault(NAME, error.to_string(), "set log.level to info or debug");
    }
    if let Some(Err(error)) = config.traces.endpoint.as_deref().map(traces::address_of) {
        return Check::fault(NAME, error.to_string(), "name a collector, or set it to none");
    }
    let Some(spec) = spec else {
        return Check::not_checked(NAME, "without the chain file", show);
    };
    let genesis = recover::genesis_of(spec);
    let role = logothete_p2p::Role::Follower;
    let wished = node::network_config(config, &genesis, role);
    let checked = wished.and_then(|network| Ok(network.check()?));
    if let Err(error) = checked {
        return Check::fault(NAME, format!("{error:#}"), show);
    }
    let alone = spec.validators.len() == 1 && config.role == Role::Validator;
    if config.p2p.bootstrap.is_empty() && !alone {
        let advice = "name a peer in p2p.bootstrap, unless the others dial this node";
        return Check::warning(NAME, "p2p.bootstrap is empty", advice);
    }
    Check::ok(NAME, format!("{} peers to dial first", config.p2p.bootstrap.len()))
}
