//! Timeout certificates: ascending signers, a quorum, and the QC that is the maximum of what they signed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Certificate, TimeoutCert, verify_certificate};
use logothete_fuzz::{AnySignature, CONTEXT, VERIFIER, decode_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Some(tc) = decode_canonical::<TimeoutCert>(bytes) else { return };
    let certificate = Certificate::Timeout(tc.clone());
    let signed = verify_certificate(&CONTEXT, &*VERIFIER, &certificate);
    let formed = verify_certificate(&CONTEXT, &AnySignature, &certificate);
    assert!(signed.is_err() || formed.is_ok(), "well signed, badly formed, and believed");
    if formed.is_ok() {
        let entries = &tc.timeouts;
        assert!(entries.is_sorted_by(|a, b| a.signer < b.signer), "a signer counts once");
        let power: u64 = entries.iter().map(|entry| CONTEXT.validators.power(entry.signer)).sum();
        assert!(power >= CONTEXT.validators.quorum());
        let highest = entries.iter().map(|entry| entry.qc_view).max();
        assert_eq!(highest, Some(tc.high_qc.view));
        assert!(tc.high_qc.view < tc.view);
    }
});
