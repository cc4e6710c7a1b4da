//! `block_get`, `block_list`, `block_certificate`.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{
    BlockCertificate, BlockGet, BlockSelector, BlockSummary, BlockView, ExecutedView, HexBytes,
    Page, PageRequest, SignerView,
};
use logothete_consensus::CommitCert;
use logothete_primitives::Height;

use super::lookup::{Found, Lookup, failed};
use super::validators::count;
use super::{NodeApi, cursor, views};

impl NodeApi {
    pub(super) fn read_block(&self, params: BlockGet) -> Result<BlockView, RpcError> {
        let (set, lookup) = (self.validators(), self.lookup_from(params.min_height)?);
        let found = lookup.block(params.selector().which()?)?;
        let height = found.header.height;
        let transactions = if params.transactions {
            Some(lookup.receipts(height)?.into_iter().map(|receipt| receipt.tx).collect())
        } else {
            None
        };
        Ok(BlockView {
            hash: found.hash,
            header: views::header_view(set, &found.header),
            payload: committed(&lookup, &found),
            batches: views::batch_views(set, &found.payload),
            transaction_count: views::ordered(&found.payload),
            evidence_count: count(found.payload.evidence.len()),
            transactions,
            results: results(&lookup, height)?,
            signers: self.signers_of(&lookup, height)?,
        })
    }

    pub(super) fn read_block_list(
        &self,
        params: &PageRequest,
    ) -> Result<Page<BlockSummary>, RpcError> {
        let size = cursor::page_size(params.limit, self.limits())?;
        let from = params.cursor.as_deref().map(cursor::to_block).transpose()?;
        let lookup = self.lookup_from(from.max(params.min_height))?;
        let mut next = Some(from.unwrap_or(lookup.head().height));
        let mut items = Vec::with_capacity(size);
        while let Some(height) = next.filter(|_| items.len() < size) {
            items.push(self.summarize(&lookup.block_at(height)?));
            next = height.prev();
        }
        Ok(Page { items, at: lookup.anchor(), next_cursor: next.map(cursor::of_block) })
    }

    pub(super) fn read_certificate(
        &self,
        params: BlockSelector,
    ) -> Result<BlockCertificate, RpcError> {
        let (set, lookup) = (self.validators(), self.lookup_from(params.min_height)?);
        let found = lookup.block(params.which()?)?;
        let finality = lookup.finality(found.header.height)?;
        let certificate = &finality.certificate;
        Ok(BlockCertificate {
            block: found.hash,
            height: found.header.height,
            view: certificate.view,
            headers: finality.header_bytes(),
            certificate: views::hex(certificate),
            signers: self.signers_in(certificate),
            power: set.power_of(&certificate.signers),
            quorum: set.quorum(),
        })
    }

    pub(super) fn summarize(&self, found: &Found) -> BlockSummary {
        BlockSummary {
            height: found.header.height,
            hash: found.hash,
            view: found.header.view,
            timestamp: found.header.timestamp,
            proposer: views::validator_ref(self.validators(), found.header.proposer),
            transactions: views::ordered(&found.payload),
        }
    }

    /// Who signed the certificate that makes a block final; nobody needs to for genesis.
    pub(super) fn signers_of(
        &self,
        lookup: &Lookup,
        height: Height,
    ) -> Result<Vec<SignerView>, RpcError> {
        if height == Height::ZERO {
            return Ok(Vec::new());
        }
        let finality = lookup.finality(height)?;
        Ok(self.signers_in(&finality.certificate))
    }

    fn signers_in(&self, certificate: &CommitCert) -> Vec<SignerView> {
        let seen = self.service().views.view(certificate.view);
        views::signer_views(self.validators(), &certificate.signers, seen.as_ref())
    }
}

/// The bytes whose hash the header names: those of genesis are the chain id.
fn committed(lookup: &Lookup, found: &Found) -> HexBytes {
    if found.header.height == Height::ZERO {
        return HexBytes(lookup.chain().genesis().chain.digest().as_bytes().to_vec());
    }
    views::hex(&found.payload)
}

/// What this node computed for a height.
fn results(lookup: &Lookup, height: Height) -> Result<Option<ExecutedView>, RpcError> {
    let executed = lookup.chain().executed(height).map_err(|error| failed(&error))?;
    Ok(executed.as_ref().map(views::executed_view))
}
