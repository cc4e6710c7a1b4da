//! Prints the nanoseconds of one signature in a batch of 256, by `verify_batch` of ed25519-dalek as it comes.
//!
//! Four times that is the unit U of `bench load` and `bench targets`: what four nodes cannot do without. It is a program of
//! its own because the node is built with other code for the same curve, which would make the unit smaller.

use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey, verify_batch};

/// Signatures checked at once.
const BATCH: usize = 256;
/// Bytes of a signed message; those of a transfer are about as long.
const MESSAGE_BYTES: usize = 160;
/// Batches checked; the quickest counts, because nothing but noise makes one slower.
const ROUNDS: usize = 50;

fn main() {
    let mut keys: Vec<VerifyingKey> = Vec::with_capacity(BATCH);
    let mut messages: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    let mut signatures: Vec<Signature> = Vec::with_capacity(BATCH);
    for index in 0..BATCH {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&index.to_le_bytes());
        let key = SigningKey::from_bytes(&seed);
        let message = vec![seed[0]; MESSAGE_BYTES];
        signatures.push(key.sign(&message));
        keys.push(key.verifying_key());
        messages.push(message);
    }
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let round = |_| {
        let began = Instant::now();
        verify_batch(&messages, &signatures, &keys).expect("they were signed here");
        began.elapsed()
    };
    let quickest: Duration = (0..ROUNDS).map(round).min().unwrap_or_default();
    println!("{}", quickest.as_nanos() / BATCH as u128);
}
