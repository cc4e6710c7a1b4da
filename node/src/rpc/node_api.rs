//! The interface of a node: each method of the table, answered from the [`Service`].

use std::sync::Arc;
use std::time::Duration;

use logothete_client::rpc::types::{
    AccountGet, AccountHistory, AccountView, AddressActivity, AtLeast, BlockCertificate, BlockGet,
    BlockSelector, BlockSummary, BlockView, ChainInfo, ConsensusState, Empty, EvidenceView,
    FaucetDrip, MempoolStats, NodePeers, NodeStatus, NodeWhy, OpenRpc, Page, PageRequest,
    StateProofGet, StateProofView, Submitted, SubmittedEach, TxBytes, TxDetails, TxEncode,
    TxEncoded, TxGet, TxSimulated, TxState, TxStatusGet, TxSubmitBatch, TxView, TxWait, UptimeGet,
    ValidatorsList, ValidatorsUptime, ViewRecord,
};
use logothete_client::rpc::{Api, RpcError, openrpc};
use logothete_primitives::{Height, ValidatorSet};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Limits;
use super::events::Recent;
use super::faucet::Faucet;
use super::lookup::Lookup;
use crate::service::Service;

/// Answers the methods of the interface; a clone is one reference count.
#[derive(Clone)]
pub struct NodeApi {
    shared: Arc<Shared>,
}

struct Shared {
    service: Arc<Service>,
    limits: Limits,
    faucet: Option<Faucet>,
    /// Room for reads of many records: they must not keep all cores from consensus.
    reads: Semaphore,
    /// Room for reads of subscriptions, so that calls do not queue behind all subscribers.
    feed_reads: Semaphore,
    /// What subscribers were told lately.
    recent: Recent,
}

impl NodeApi {
    /// The interface of a running node. Development chains have a faucet.
    pub fn new(service: Arc<Service>, limits: Limits) -> Self {
        let faucet = service.spec.params.dev.then(Faucet::default);
        let reads = Semaphore::new(limits.reads);
        let feed_reads = Semaphore::new(limits.feed_reads);
        let recent = Recent::default();
        let shared = Shared { service, limits, faucet, reads, feed_reads, recent };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn service(&self) -> &Service {
        &self.shared.service
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.shared.recent
    }

    pub(super) fn faucet(&self) -> Option<&Faucet> {
        self.shared.faucet.as_ref()
    }

    pub(super) fn validators(&self) -> &ValidatorSet {
        &self.service().chain.genesis().validators
    }

    /// The ledger up to the present head.
    pub(super) fn lookup(&self) -> Lookup {
        Lookup::new(self.service().chain.clone(), self.service().head())
    }

    /// The ledger, once it has reached `min_height`.
    pub(super) fn lookup_from(&self, min_height: Option<Height>) -> Result<Lookup, RpcError> {
        let lookup = self.lookup();
        let (head, wanted) = (lookup.head().height, min_height.unwrap_or(Height::ZERO));
        if head < wanted { Err(RpcError::not_synced(wanted.since(head))) } else { Ok(lookup) }
    }

    /// Runs a read of many records off the event loop.
    async fn read<T, F>(&self, read: F) -> Result<T, RpcError>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, RpcError> + Send + 'static,
    {
        let _turn = self.shared.reads.acquire().await.map_err(|_| RpcError::internal())?;
        self.read_in_turn(read).await
    }

    /// The turn of a subscription to read, as long as it is held.
    pub(super) async fn feed_turn(&self) -> Result<SemaphorePermit<'_>, RpcError> {
        self.shared.feed_reads.acquire().await.map_err(|_| RpcError::internal())
    }

    /// The same as `read` for who has a turn.
    pub(super) async fn read_in_turn<T, F>(&self, read: F) -> Result<T, RpcError>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, RpcError> + Send + 'static,
    {
        let api = self.clone();
        self.service().workers.read(move || read(&api)).await
    }
}

impl Api for NodeApi {
    async fn chain_info(&self, _: Empty) -> Result<ChainInfo, RpcError> {
        Ok(self.describe_chain())
    }

    async fn node_status(&self, _: Empty) -> Result<NodeStatus, RpcError> {
        Ok(self.describe_node())
    }

    async fn node_why(&self, _: Empty) -> Result<NodeWhy, RpcError> {
        Ok(self.describe_trouble())
    }

    async fn node_peers(&self, _: Empty) -> Result<NodePeers, RpcError> {
        Ok(self.describe_peers())
    }

    async fn block_get(&self, params: BlockGet) -> Result<BlockView, RpcError> {
        self.read(move |api| api.read_block(params)).await
    }

    async fn block_list(&self, params: PageRequest) -> Result<Page<BlockSummary>, RpcError> {
        self.read(move |api| api.read_block_list(&params)).await
    }

    async fn block_certificate(&self, params: BlockSelector) -> Result<BlockCertificate, RpcError> {
        self.read(move |api| api.read_certificate(params)).await
    }

    async fn tx_submit(&self, params: TxBytes) -> Result<Submitted, RpcError> {
        self.submit(params.tx.0).await
    }

    async fn tx_submit_batch(&self, params: TxSubmitBatch) -> Result<SubmittedEach, RpcError> {
        self.submit_batch(params.txs).await
    }

    async fn tx_status(&self, params: TxStatusGet) -> Result<TxState, RpcError> {
        self.lookup_from(params.min_height)?;
        self.read_tx_state(params.hash)
    }

    async fn tx_wait(&self, params: TxWait) -> Result<TxState, RpcError> {
        let time = params.timeout_ms.map(|ms| Duration::from_millis(ms.into()));
        self.wait_for_tx(params.hash, time).await
    }

    async fn tx_get(&self, params: TxGet) -> Result<TxDetails, RpcError> {
        self.read(move |api| api.read_tx(params)).await
    }

    async fn tx_simulate(&self, params: TxBytes) -> Result<TxSimulated, RpcError> {
        self.read(move |api| api.simulate(&params.tx.0)).await
    }

    async fn tx_encode(&self, params: TxEncode) -> Result<TxEncoded, RpcError> {
        self.encode_tx(params)
    }

    async fn tx_decode(&self, params: TxBytes) -> Result<TxView, RpcError> {
        self.decode_tx(&params.tx.0)
    }

    async fn account_get(&self, params: AccountGet) -> Result<AccountView, RpcError> {
        if params.prove || params.at.is_some() {
            return self.read(move |api| api.read_account(params)).await;
        }
        self.read_account(params)
    }

    async fn account_history(
        &self,
        params: AccountHistory,
    ) -> Result<Page<AddressActivity>, RpcError> {
        self.read(move |api| api.read_history(&params)).await
    }

    async fn state_proof(&self, params: StateProofGet) -> Result<StateProofView, RpcError> {
        self.read(move |api| api.read_state_proof(params)).await
    }

    async fn validators_list(&self, params: AtLeast) -> Result<ValidatorsList, RpcError> {
        self.describe_validators(params.min_height)
    }

    async fn validators_uptime(&self, params: UptimeGet) -> Result<ValidatorsUptime, RpcError> {
        self.read(move |api| api.read_uptime(params)).await
    }

    async fn consensus_state(&self, _: Empty) -> Result<ConsensusState, RpcError> {
        Ok(self.describe_consensus())
    }

    async fn consensus_views(&self, params: PageRequest) -> Result<Page<ViewRecord>, RpcError> {
        self.read(move |api| api.read_views(&params)).await
    }

    async fn evidence_list(&self, params: PageRequest) -> Result<Page<EvidenceView>, RpcError> {
        self.read(move |api| api.read_evidence(&params)).await
    }

    async fn mempool_stats(&self, _: Empty) -> Result<MempoolStats, RpcError> {
        Ok(self.describe_mempool())
    }

    async fn rpc_discover(&self, _: Empty) -> Result<OpenRpc, RpcError> {
        Ok(openrpc::document().clone())
    }

    async fn faucet_drip(&self, params: FaucetDrip) -> Result<Submitted, RpcError> {
        self.drip(params).await
    }
}
