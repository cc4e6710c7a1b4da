//! The least that a transfer can cost: one signature each, checked in a large batch, and nothing else.

use std::time::{Duration, Instant};

use logothete_primitives::{BatchItem, SecretKey, Signature, VerifyingKey, verify_batch};

/// Signatures checked at once.
const BATCH: usize = 256;
/// Bytes of a signed message; those of a transfer are about as long.
const MESSAGE_BYTES: usize = 160;
/// Batches checked; the quickest counts, because nothing but noise makes one slower.
const ROUNDS: usize = 50;

/// CPU time of one signature in a batch of 256, by known keys, on this machine now.
///
/// # Panics
/// When signatures made here do not hold.
#[must_use]
pub fn signature() -> Duration {
    let signed: Vec<(VerifyingKey, Vec<u8>, Signature)> = (0..BATCH).map(signed).collect();
    let items: Vec<BatchItem<'_>> = signed
        .iter()
        .map(|(key, message, signature)| BatchItem { key, message, signature })
        .collect();
    let round = |_| {
        let began = Instant::now();
        verify_batch(&items).expect("they were signed here");
        began.elapsed()
    };
    let quickest = (0..ROUNDS).map(round).min().unwrap_or_default();
    quickest / u32::try_from(BATCH).expect("a small number")
}

fn signed(index: usize) -> (VerifyingKey, Vec<u8>, Signature) {
    let mut seed = [0; 32];
    let mut message = vec![0; MESSAGE_BYTES];
    seed[..8].copy_from_slice(&index.to_le_bytes());
    message[..8].copy_from_slice(&index.to_le_bytes());
    let secret = SecretKey::from_seed(seed);
    let signature = secret.sign(&message);
    let key = VerifyingKey::try_from(&secret.public()).expect("a key made from a seed is good");
    (key, message, signature)
}
