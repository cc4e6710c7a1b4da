//! `chain_info`.

use logothete_client::rpc::types::{ChainInfo, ChainParamsView};

use super::NodeApi;
use super::validators::count;

impl NodeApi {
    pub(super) fn describe_chain(&self) -> ChainInfo {
        let service = self.service();
        let (genesis, params) = (service.chain.genesis(), &service.spec.params);
        let (set, lookup) = (self.validators(), self.lookup());
        ChainInfo {
            chain_id: genesis.chain,
            chain_name: service.spec.chain_name.clone(),
            genesis_block: genesis.hash,
            protocol_version: logothete_p2p::PROTOCOL_VERSION,
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            dev: params.dev,
            params: ChainParamsView {
                min_fee: params.min_fee,
                fee_account: params.fee_account,
                max_tx_bytes: params.max_tx_bytes,
                empty_block_interval_ms: params.empty_block_interval_ms,
            },
            validators: count(set.len()),
            total_power: set.total_power(),
            quorum: set.quorum(),
            max_faulty: set.max_faulty(),
            head: lookup.anchor(),
            head_timestamp: lookup.head().timestamp,
        }
    }
}
