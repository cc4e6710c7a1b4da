use logothete_primitives::{BlockHash, Digest, Epoch, Height, TimestampMs, ValidatorIndex, View};

use super::{PayloadFault, Rejection};

/// Metrics count by rule, and a peer is blamed for faults alone: what an honest one on a slow network
/// does is none.
#[test]
fn rules_and_blame_of_refusals() {
    use Rejection as R;
    let (epoch, view, height) = (Epoch::ZERO, View::ZERO, Height::ZERO);
    let (index, time) = (ValidatorIndex::new(0), TimestampMs::ZERO);
    //           a refusal, its rule, whether it is a fault
    let table = [
        (R::WrongEpoch { got: epoch, expected: epoch }, "R9", false),
        (R::UnknownSigner { index }, "R0", true),
        (R::BadSignature, "R0", true),
        (R::SignerSetSize { got: 5, expected: 4 }, "R0", true),
        (R::SignatureCount { signatures: 2, signers: 3 }, "R0", true),
        (R::NoQuorum { power: 2, quorum: 3 }, "R0", true),
        (R::ForeignGenesis, "R0", true),
        (R::ViewZero, "R0", true),
        (R::ParentNotBelow { parent: view, view }, "R0", true),
        (R::UnorderedTimeouts, "R0", true),
        (R::HighQcNotMaximum { got: view, expected: view }, "R0", true),
        (R::QcNotBelow { qc: view, view }, "R0", true),
        (R::EntryMissing { view }, "R0", true),
        (R::VoteMismatch, "R0", true),
        (R::BodyMismatch, "R1", true),
        (R::ParentMismatch, "R1", true),
        (R::WrongHeight { got: height, expected: height }, "R1", true),
        (R::NotJustified { view, qc: view }, "R1", true),
        (R::QcBelowTimeouts { qc: view, maximum: view }, "R1", true),
        (R::TooLarge { size: 2, limit: 1 }, "R1", true),
        (R::NextSet { set: Digest::ZERO }, "R9", true),
        (R::NotLeader { view, proposer: index, leader: index }, "R1", false),
        (R::TimestampNotAfterParent { got: time, parent: time }, "R2", true),
        (R::TimestampDrift { got: time, clock: time, drift_ms: 1 }, "R2", false),
        (R::ExecutedAhead { got: height, parent: height }, "R2", true),
        (R::ExecutedBehind { got: height, parent: height }, "R2", true),
        (R::ExecutedContradicts { height }, "R2", true),
        (R::Conflicting { committed: height }, "R2", true),
        (R::Payload(PayloadFault::Malformed), "R2", true),
        (R::Stale { view, current: view }, "R8", false),
        (R::TooFarAhead { view, current: view }, "R8", false),
        (R::Equivocation { signer: index, view }, "R8", true),
        (R::NotRequested { block: BlockHash::ZERO }, "R4", false),
        (R::NotConnected { committed: height }, "R4", true),
        (R::WrongNonce, "R10", false),
    ];
    for (refusal, rule, fault) in table {
        assert_eq!((refusal.rule(), refusal.is_fault()), (rule, fault), "{refusal:?}");
    }
}
