//! Evidence of equivocation, which anybody may send: whoever it convicts has signed two things.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::Equivocation;
use logothete_fuzz::{AnySignature, CONTEXT, VERIFIER, decode_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Some(evidence) = decode_canonical::<Equivocation>(bytes) else { return };
    let signed = evidence.verify(&CONTEXT, &*VERIFIER).is_ok();
    let formed = evidence.verify(&CONTEXT, &AnySignature).is_ok();
    assert!(!signed || formed, "well signed, badly formed, and believed");
    if formed {
        assert!(CONTEXT.validators.get(evidence.signer()).is_some(), "a stranger is convicted");
    }
});
