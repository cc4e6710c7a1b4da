//! `validators_list`.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{ValidatorView, ValidatorsList};
use logothete_primitives::Height;

use super::NodeApi;

impl NodeApi {
    pub(super) fn describe_validators(
        &self,
        min_height: Option<Height>,
    ) -> Result<ValidatorsList, RpcError> {
        let lookup = self.lookup_from(min_height)?;
        let set = self.validators();
        let network = &self.service().network;
        let mut present: Vec<_> = network.peers().into_iter().map(|peer| peer.key).collect();
        present.push(network.local());
        let items = set.iter().map(|(index, member)| ValidatorView {
            index: index.get(),
            name: member.name.to_string(),
            key: member.key,
            power: member.power,
            connected: present.contains(&member.key),
        });
        Ok(ValidatorsList {
            epoch: set.epoch(),
            set_hash: set.hash(),
            total_power: set.total_power(),
            quorum: set.quorum(),
            max_faulty: set.max_faulty(),
            at: lookup.anchor(),
            items: items.collect(),
        })
    }
}

/// A count as the interface has it; lists here are far shorter than 2^32.
pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
