//! Quorum certificates: a quorum of distinct members, or the genesis block by comparison.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Certificate, QuorumCert, verify_certificate, verify_quorum};
use logothete_fuzz::{AnySignature, CONTEXT, VERIFIER, decode_canonical};
use logothete_primitives::View;

fuzz_target!(|bytes: &[u8]| {
    let Some(qc) = decode_canonical::<QuorumCert>(bytes) else { return };
    let signed = verify_quorum(&CONTEXT, &*VERIFIER, qc.clone());
    let formed = verify_quorum(&CONTEXT, &AnySignature, qc.clone());
    let bare = verify_certificate(&CONTEXT, &AnySignature, &Certificate::Quorum(qc.clone()));
    assert_eq!(formed.is_ok(), bare.is_ok(), "one certificate, two verdicts");
    assert!(signed.is_err() || formed.is_ok(), "well signed, badly formed, and believed");
    if formed.is_ok() && qc.view != View::ZERO {
        assert!(CONTEXT.validators.power_of(&qc.signers) >= CONTEXT.validators.quorum());
        assert_eq!(qc.signers.iter().count(), qc.signatures.len());
        assert!(qc.parent_view < qc.view);
    } else if formed.is_ok() {
        assert_eq!(qc, CONTEXT.genesis_qc());
    }
});
