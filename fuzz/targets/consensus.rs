//! Messages of the consensus lane and durable consensus records, from any bytes: canonical when they
//! decode, and verified without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{
    Block, BlockHeader, Certificate, CommitCert, Equivocation, Marks, Message, QuorumCert,
    SafetyState, verify, verify_certificate, verify_commit,
};
use logothete_fuzz::{CONTEXT, VERIFIER, assert_canonical};
use logothete_primitives::codec::{decode, encode};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 8 {
        0 => assert_canonical::<SafetyState>(bytes),
        1 => assert_canonical::<Marks>(bytes),
        2 => assert_canonical::<Block>(bytes),
        3 => assert_canonical::<(BlockHeader, QuorumCert)>(bytes),
        4 => certificate(bytes),
        5 => commit(bytes),
        6 => evidence(bytes),
        _ => message(bytes),
    }
});

fn message(bytes: &[u8]) {
    let Ok(message) = decode::<Message>(bytes) else { return };
    assert_eq!(encode(&message), bytes);
    let (author, view) = (message.author(), message.view());
    if let Ok(verified) = verify(&CONTEXT, &*VERIFIER, message) {
        let known = |index| CONTEXT.validators.get(index).is_some();
        assert!(author.is_none_or(known), "verified, yet signed by nobody");
        assert_eq!(verified.view(), view);
    }
}

fn certificate(bytes: &[u8]) {
    let Ok(certificate) = decode::<Certificate>(bytes) else { return };
    assert_eq!(encode(&certificate), bytes);
    let _ = verify_certificate(&CONTEXT, &*VERIFIER, &certificate);
}

fn commit(bytes: &[u8]) {
    let Ok(certificate) = decode::<CommitCert>(bytes) else { return };
    assert_eq!(encode(&certificate), bytes);
    let signers = certificate.signers.clone();
    if verify_commit(&CONTEXT, &*VERIFIER, certificate).is_ok() {
        let power = CONTEXT.validators.power_of(&signers);
        assert!(power >= CONTEXT.validators.quorum());
    }
}

fn evidence(bytes: &[u8]) {
    let Ok(evidence) = decode::<Equivocation>(bytes) else { return };
    assert_eq!(encode(&evidence), bytes);
    let _ = evidence.verify(&CONTEXT, &*VERIFIER);
}
