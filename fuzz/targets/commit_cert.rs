//! Commit certificates: what makes a block final for a node that was away and for a client.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{CommitCert, verify_commit};
use logothete_fuzz::{AnySignature, CONTEXT, VERIFIER, decode_canonical};
use logothete_primitives::View;

fuzz_target!(|bytes: &[u8]| {
    let Some(cc) = decode_canonical::<CommitCert>(bytes) else { return };
    let signed = verify_commit(&CONTEXT, &*VERIFIER, cc.clone());
    let formed = verify_commit(&CONTEXT, &AnySignature, cc.clone());
    assert!(signed.is_err() || formed.is_ok(), "well signed, badly formed, and believed");
    if formed.is_ok() {
        assert!(cc.view > View::ZERO, "genesis has no commit certificate");
        assert!(CONTEXT.validators.power_of(&cc.signers) >= CONTEXT.validators.quorum());
        assert_eq!(cc.signers.iter().count(), cc.signatures.len());
    }
});
