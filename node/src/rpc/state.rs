//! `state_proof`, and reading the state at one height.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{Anchor, HexBytes, StateProofGet, StateProofView, WhichState};
use logothete_ledger::state::StateKey;
use logothete_ledger::store::StoreError;
use logothete_primitives::Height;

use super::lookup::{failed, store_failed};
use super::{NodeApi, proof};
use crate::chain::ChainError;
use crate::state::{ProvenState, StateHandle};

/// How often a read of the newest state is repeated when a block was applied in between.
const READ_ATTEMPTS: usize = 3;

impl NodeApi {
    pub(super) fn read_state_proof(
        &self,
        params: StateProofGet,
    ) -> Result<StateProofView, RpcError> {
        let key = match params.which()? {
            WhichState::Account(address) => StateKey::account(&address),
            WhichState::Key(digest) => StateKey::new(digest),
        };
        let lookup = self.lookup_from(params.min_height)?;
        let head = lookup.head();
        let at = params.at.unwrap_or(head.attested.height);
        if at > head.height {
            return Err(RpcError::not_synced(at.since(head.height)));
        }
        if let Some(proven) = self.prove_at(&key, at)? {
            return Ok(StateProofView {
                key: *key.digest(),
                value: proven.value.as_ref().map(|value| HexBytes(value.to_vec())),
                at: Anchor { height: at, hash: lookup.block_at(at)?.hash },
                state_root: proven.root,
                proof: proof::prove_account(&lookup, at, &proven.proof)?,
            });
        }
        if params.at.is_some() {
            return Err(self.not_kept(at));
        }
        // The value has changed above what is attested so far: there is no proof yet.
        let newest = self.read_newest(|state| state.value(&key))?;
        let (value, at) = newest.ok_or_else(RpcError::internal)?;
        let executed = lookup.chain().executed(at.height).map_err(|error| failed(&error))?;
        let missing = ChainError::Missing { what: "results", height: at.height };
        Ok(StateProofView {
            key: *key.digest(),
            value: value.map(|value| HexBytes(value.to_vec())),
            at,
            state_root: executed.ok_or_else(|| failed(&missing))?.state_root,
            proof: None,
        })
    }

    /// Reads the flat state, and only believes what no block has changed meanwhile.
    pub(super) fn read_newest<T>(
        &self,
        read: impl Fn(&StateHandle) -> Result<T, StoreError>,
    ) -> Result<Option<(T, Anchor)>, RpcError> {
        let service = self.service();
        for _ in 0..READ_ATTEMPTS {
            let lookup = self.lookup();
            let value = read(&service.state).map_err(store_failed)?;
            if service.chain.store().applied_height() == Some(lookup.head().height) {
                return Ok(Some((value, lookup.anchor())));
            }
        }
        Ok(None)
    }

    /// A value as of a height with its path; `None` when it, or the height, is not kept.
    pub(super) fn prove_at(
        &self,
        key: &StateKey,
        at: Height,
    ) -> Result<Option<ProvenState>, RpcError> {
        self.service().state.prove(key, Some(at)).map_err(store_failed)
    }

    /// The error for a height whose state, or whose value, is not kept.
    pub(super) fn not_kept(&self, at: Height) -> RpcError {
        let (state, head) = (&self.service().state, self.service().head().height);
        if state.root_at(at).is_some() {
            let what = format_args!("the value as of height {at}, which has changed since,");
            return RpcError::pruned(what, head);
        }
        // Roots are kept without gaps up to the head: halve the distance to the first.
        let (mut low, mut high) = (at, head);
        while low < high {
            let middle = low.plus(high.since(low) / 2);
            if state.root_at(middle).is_none() {
                low = middle.next();
            } else {
                high = middle;
            }
        }
        RpcError::pruned(format_args!("the state of height {at}"), low)
    }
}
