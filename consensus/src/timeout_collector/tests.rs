#![allow(clippy::unwrap_used)]

use alloc::vec::Vec;

use logothete_primitives::{BlockHash, Digest, Epoch, Signature, SignerSet, ValidatorIndex, View};

use super::TimeoutCollector;
use crate::certificate::QuorumCert;
use crate::message::Timeout;
use crate::validators::validators;
use crate::vote_collector::Inserted;

/// A timeout of view 9 with a QC of `qc_view`, which this signer got from nobody else.
fn timeout(signer: u16, qc_view: u64) -> Timeout {
    let high_qc = QuorumCert {
        view: View::new(qc_view),
        block: BlockHash::new(Digest::new([u8::try_from(signer).unwrap(); 32])),
        ..QuorumCert::genesis(Epoch::ZERO, BlockHash::ZERO)
    };
    Timeout {
        epoch: Epoch::ZERO,
        view: View::new(9),
        high_qc,
        entry: None,
        signer: ValidatorIndex::new(signer),
        signature: Signature::from_bytes([0; 64]),
    }
}

/// R6: a TC at the quorum and not before, with the highest QC whole; of equal ones the first.
#[test]
fn a_quorum_by_power_makes_a_certificate_of_the_highest_qc() {
    let validators = validators(&[3, 4, 2, 1]);
    let mut collector = TimeoutCollector::default();
    collector.reset(View::new(9));
    assert!(collector.is_empty());
    //           signer, view of its QC, power so far, whether that is a quorum of 7
    let table = [(3, 2, 1, false), (1, 6, 5, false), (2, 6, 7, true), (0, 4, 10, true)];
    for (signer, qc_view, power, enough) in table {
        assert_eq!(collector.insert(&timeout(signer, qc_view)), Inserted::New);
        assert_eq!(collector.power(&validators), power);
        assert_eq!(collector.certificate(Epoch::ZERO, &validators).is_some(), enough, "{power}");
    }
    let tc = collector.certificate(Epoch::ZERO, &validators).unwrap();
    assert_eq!((tc.view, tc.high_qc), (View::new(9), timeout(1, 6).high_qc));
    let entries: Vec<(u16, u64)> =
        tc.timeouts.iter().map(|entry| (entry.signer.get(), entry.qc_view.get())).collect();
    assert_eq!(entries, [(0, 4), (1, 6), (2, 6), (3, 2)]);
    assert_eq!((collector.len(), collector.is_empty()), (4, false));
    collector.reset(View::new(10));
    assert_eq!((collector.len(), collector.signers(4)), (0, SignerSet::new(4)));
}

/// R8: the first timeout of an author stays, and another claim is evidence.
#[test]
fn one_timeout_per_author() {
    let mut collector = TimeoutCollector::default();
    collector.reset(View::new(9));
    assert_eq!(collector.insert(&timeout(1, 3)), Inserted::New);
    assert_eq!(collector.insert(&timeout(1, 3)), Inserted::Known);
    let Inserted::Conflict(first) = collector.insert(&timeout(1, 4)) else {
        panic!("another claim")
    };
    assert_eq!((first.view, first.qc_view), (View::new(9), View::new(3)));
    assert_eq!(first.signer, ValidatorIndex::new(1));
    assert_eq!(collector.len(), 1);
}
