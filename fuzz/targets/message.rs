//! Any frame of the consensus lane, as the driver reads it, through the cache of certificates.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{CertificateCache, Message, verify_cached};
use logothete_fuzz::{AnySignature, CONTEXT, assert_verdict, decode_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Some(message) = decode_canonical::<Message>(bytes) else { return };
    let mut cache = CertificateCache::default();
    let first = verify_cached(&CONTEXT, &AnySignature, &mut cache, message.clone()).is_ok();
    let second = verify_cached(&CONTEXT, &AnySignature, &mut cache, message.clone()).is_ok();
    assert_eq!(first, second, "the cache of certificates changes a verdict");
    assert_verdict(message);
});
