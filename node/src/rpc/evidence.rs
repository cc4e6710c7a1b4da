//! `evidence_list`.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{EvidenceView, HexBytes, Page, PageRequest, SignedClaim};
use logothete_consensus::Equivocation;
use logothete_ledger::store::TxLocation;
use logothete_primitives::codec;

use super::lookup::{Lookup, failed};
use super::{NodeApi, cursor, views};
use crate::chain::{ChainError, Recorded};

impl NodeApi {
    pub(super) fn read_evidence(
        &self,
        params: &PageRequest,
    ) -> Result<Page<EvidenceView>, RpcError> {
        let size = cursor::page_size(params.limit, self.limits())?;
        let before = params.cursor.as_deref().map(cursor::to_tx).transpose()?;
        let lookup = self.lookup_from(params.min_height)?;
        let all = lookup.chain().evidence().map_err(|error| failed(&error))?;
        let head = lookup.head().height;
        let mut rest = all.iter().filter(|recorded| {
            recorded.height <= head && before.is_none_or(|before| place(recorded) < before)
        });
        let items: Vec<&Recorded> = rest.by_ref().take(size).collect();
        let next = items.last().copied().filter(|_| rest.next().is_some());
        Ok(Page {
            at: lookup.anchor(),
            next_cursor: next.map(|last| cursor::of_tx(place(last))),
            items: items
                .into_iter()
                .map(|recorded| self.view_evidence(&lookup, recorded))
                .collect::<Result<_, _>>()?,
        })
    }

    fn view_evidence(&self, lookup: &Lookup, at: &Recorded) -> Result<EvidenceView, RpcError> {
        let height = at.height;
        let found = lookup.block_at(height)?;
        let missing = || failed(&ChainError::Missing { what: "evidence", height });
        let position = usize::try_from(at.index).unwrap_or(usize::MAX);
        let bytes = found.payload.evidence.get(position).ok_or_else(missing)?;
        let evidence: Equivocation = codec::decode(bytes)
            .map_err(|fault| failed(&ChainError::Damaged { what: "evidence", height, fault }))?;
        let (set, offence) = (self.validators(), &at.offence);
        let [first, second] = SignedClaim::both(&evidence);
        Ok(EvidenceView {
            validator: views::validator_ref(set, offence.signer),
            key: set.get(offence.signer).ok_or_else(missing)?.key,
            kind: offence.kind.into(),
            epoch: offence.epoch,
            view: evidence.view(),
            first,
            second,
            height,
            block: found.hash,
            timestamp: found.header.timestamp,
            evidence: HexBytes(bytes.to_vec()),
        })
    }
}

fn place(recorded: &Recorded) -> TxLocation {
    TxLocation { height: recorded.height, index: recorded.index }
}
