//! From the node's types to those of the interface.

use logothete_client::rpc::types::{
    BatchView, ExecutedView, HeaderView, HexBytes, SignerView, ValidatorRef,
};
use logothete_consensus::{BlockHeader, Executed};
use logothete_ledger::batch::Payload;
use logothete_primitives::codec::{self, Encode};
use logothete_primitives::{SignerSet, ValidatorIndex, ValidatorSet};

/// A member of the set by place and name.
pub(super) fn validator_ref(set: &ValidatorSet, index: ValidatorIndex) -> ValidatorRef {
    let name = set.get(index).map_or_else(String::new, |member| member.name.to_string());
    ValidatorRef { index: index.get(), name }
}

/// The content of a header.
pub(super) fn header_view(set: &ValidatorSet, header: &BlockHeader) -> HeaderView {
    HeaderView {
        epoch: header.epoch,
        view: header.view,
        height: header.height,
        parent: header.parent,
        parent_view: header.parent_view,
        timestamp: header.timestamp,
        proposer: validator_ref(set, header.proposer),
        payload: header.payload,
        executed: executed_view(&header.executed),
    }
}

/// Results of a height.
pub(super) fn executed_view(executed: &Executed) -> ExecutedView {
    ExecutedView {
        height: executed.height,
        state_root: executed.state_root,
        receipts_root: executed.receipts_root,
    }
}

/// Every member, and whether it is among the signers.
pub(super) fn signer_views(set: &ValidatorSet, signers: &SignerSet) -> Vec<SignerView> {
    let view = |(index, member): (ValidatorIndex, &logothete_primitives::Validator)| SignerView {
        validator: validator_ref(set, index),
        power: member.power,
        signed: signers.contains(index),
    };
    set.iter().map(view).collect()
}

/// The batches of a payload.
pub(super) fn batch_views(set: &ValidatorSet, payload: &Payload) -> Vec<BatchView> {
    let batches = payload.batches.iter();
    let view = batches.map(|reference| BatchView {
        hash: reference.hash,
        author: validator_ref(set, reference.author),
        count: reference.count,
        bytes: reference.bytes,
    });
    view.collect()
}

/// How many transactions a payload orders.
pub(super) fn ordered(payload: &Payload) -> u32 {
    payload.batches.iter().fold(0, |sum, reference| sum.saturating_add(reference.count))
}

/// Canonical bytes, as hex.
pub(super) fn hex<T: Encode>(value: &T) -> HexBytes {
    HexBytes(codec::encode(value))
}
