//! `validators_uptime`: the part of each validator in recent blocks.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{Anchor, Uptime, UptimeGet, ValidatorsUptime};
use logothete_consensus::CommitCert;
use logothete_primitives::{Height, ValidatorIndex};

use super::lookup::{Lookup, failed};
use super::{NodeApi, views};
use crate::chain::ChainError;

/// Blocks that are counted unless told.
const BLOCKS_DEFAULT: u32 = 100;
/// Most blocks that are counted.
const BLOCKS_MAX: u32 = 1_000;

impl NodeApi {
    pub(super) fn read_uptime(&self, params: UptimeGet) -> Result<ValidatorsUptime, RpcError> {
        let wanted = params.blocks.unwrap_or(BLOCKS_DEFAULT);
        if !(1..=BLOCKS_MAX).contains(&wanted) {
            let why = format!("blocks is {wanted}, it must be between 1 and {BLOCKS_MAX}");
            return Err(RpcError::invalid_params(
                why,
                "ask for each window by its last height, at",
            ));
        }
        let lookup = self.lookup_from(params.at.max(params.min_height))?;
        let last = lookup.block_at(params.at.unwrap_or(lookup.head().height))?;
        let at = Anchor { height: last.header.height, hash: last.hash };
        // Nobody proposed or signed genesis.
        let below = u64::from(wanted).min(at.height.get());
        let first = Height::new(at.height.get() - below).next();
        let mut items = self.nobody_yet();
        let mut certificate: Option<(Height, CommitCert)> = None;
        let (mut height, mut before, mut blocks) = (first, None, 0);
        while height <= at.height {
            let header = lookup.header(height)?;
            before.get_or_insert(header.parent_view);
            note_proposal(&mut items, header.proposer, height);
            if certificate.as_ref().is_none_or(|(covers, _)| *covers < height) {
                certificate = Some(certifies(&lookup, height)?);
            }
            let (_, signed) = certificate.as_ref().expect("it was filled above");
            note_signatures(&mut items, signed, height);
            (height, blocks) = (height.next(), blocks + 1);
        }
        let last_view = last.header.view;
        let views = last_view.get() - before.unwrap_or(last_view).get();
        Ok(ValidatorsUptime { at, first_height: first, blocks, views, items })
    }

    fn nobody_yet(&self) -> Vec<Uptime> {
        let set = self.validators();
        let item = |(index, member): (ValidatorIndex, &logothete_primitives::Validator)| Uptime {
            validator: views::validator_ref(set, index),
            power: member.power,
            proposed: 0,
            signed: 0,
            missed: 0,
            last_proposed: None,
            last_signed: None,
        };
        set.iter().map(item).collect()
    }
}

fn certifies(lookup: &Lookup, height: Height) -> Result<(Height, CommitCert), RpcError> {
    let found = lookup.chain().commit_certificate(height).map_err(|error| failed(&error))?;
    found.ok_or_else(|| failed(&ChainError::Missing { what: "commit certificate", height }))
}

fn note_proposal(items: &mut [Uptime], proposer: ValidatorIndex, height: Height) {
    if let Some(item) = items.get_mut(proposer.as_usize()) {
        item.proposed += 1;
        item.last_proposed = Some(height);
    }
}

fn note_signatures(items: &mut [Uptime], certificate: &CommitCert, height: Height) {
    for item in items {
        if certificate.signers.contains(ValidatorIndex::new(item.validator.index)) {
            item.signed += 1;
            item.last_signed = Some(height);
        } else {
            item.missed += 1;
        }
    }
}
