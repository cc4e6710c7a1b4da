//! From the node's types to those of the interface.

use std::time::Duration;

use logothete_client::rpc::types::{
    BatchView, ExecutedView, HeaderView, HexBytes, Missed, MissedWhy, SeenVotes, SignerView,
    ValidatorRef, ViewEnd, ViewSeen,
};
use logothete_consensus::{BlockHeader, EntryReason, Executed};
use logothete_ledger::batch::Payload;
use logothete_primitives::codec::{self, Encode};
use logothete_primitives::{SignerSet, TimestampMs, ValidatorIndex, ValidatorSet};

use super::node::millis;
use crate::driver::{Delays, SeenView};

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

/// Every member, whether it is among the signers, and if not, why, as far as the view was seen here.
pub(super) fn signer_views(
    set: &ValidatorSet,
    signers: &SignerSet,
    seen: Option<&SeenView>,
) -> Vec<SignerView> {
    let view = |(index, member): (ValidatorIndex, &logothete_primitives::Validator)| {
        let signed = signers.contains(index);
        let delays = seen.and_then(|seen| seen.votes.get(index.as_usize()));
        let missed = delays.filter(|_| !signed).map(missed);
        SignerView { validator: validator_ref(set, index), power: member.power, signed, missed }
    };
    set.iter().map(view).collect()
}

fn missed(delays: &Delays) -> Missed {
    let (why, after) = match (delays.commit, delays.timeout, delays.prepare) {
        (Some(after), ..) => (MissedWhy::Slower, Some(after)),
        (None, Some(after), _) => (MissedWhy::TimedOut, Some(after)),
        (None, None, Some(after)) => (MissedWhy::OnlyPrepared, Some(after)),
        (None, None, None) => (MissedWhy::NotHeard, None),
    };
    Missed { why, after_ms: after.map(whole_ms) }
}

fn whole_ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// How a node lived a view.
pub(super) fn view_seen(seen: &SeenView) -> ViewSeen {
    let votes = seen.votes.iter().map(|delays| SeenVotes {
        prepare_ms: delays.prepare.map(whole_ms),
        commit_ms: delays.commit.map(whole_ms),
        timeout_ms: delays.timeout.map(whole_ms),
    });
    let (reason, lasted) = seen.ended.unzip();
    ViewSeen {
        entered_at: TimestampMs::new(seen.entered_ms),
        timer_ms: millis(seen.timer),
        ended: reason.map(|reason| match reason {
            EntryReason::Qc | EntryReason::Start => ViewEnd::Votes,
            EntryReason::Tc => ViewEnd::Timeouts,
            EntryReason::Cc => ViewEnd::FinalBlock,
        }),
        lasted_ms: lasted.map(millis),
        votes: votes.collect(),
    }
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
