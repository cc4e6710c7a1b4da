//! The least that a transfer can cost: one signature each, checked in a large batch, and nothing else.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use logothete_primitives::{BatchItem, SecretKey, Signature, VerifyingKey, verify_batch};
use serde::Serialize;

/// The program of `scripts/floor`: the same measurement by the library's default build. The node is built with other code
/// for the curve, and one process cannot have both.
const PROGRAM: &str = "logothete-floor";
/// Signatures checked at once.
const BATCH: usize = 256;
/// Bytes of a signed message; those of a transfer are about as long.
const MESSAGE_BYTES: usize = 160;
/// Batches checked; the quickest counts, because nothing but noise makes one slower.
const ROUNDS: usize = 50;

/// Whose code checked the signatures that are the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// ed25519-dalek in its default build.
    Library,
    /// This node's, because the program that measures the library does not lie beside it.
    Node,
}

/// CPU time of one signature in a batch of 256, on this machine now.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Of one signature.
    pub signature: Duration,
    /// Measured with this.
    pub code: Code,
}

impl Floor {
    /// By the library, if the program that measures it lies beside this one; else by our own code.
    ///
    /// # Panics
    /// When signatures made here do not hold.
    #[must_use]
    pub fn measure() -> Self {
        let beside = std::env::current_exe().ok();
        let program = beside.as_deref().and_then(Path::parent).map(|place| place.join(PROGRAM));
        match program.and_then(|program| of_library(&program)) {
            Some(signature) => Self { signature, code: Code::Library },
            None => Self { signature: of_node(), code: Code::Node },
        }
    }
}

fn of_library(program: &Path) -> Option<Duration> {
    let output = Command::new(program).output().ok().filter(|output| output.status.success())?;
    let nanos = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// By known keys.
fn of_node() -> Duration {
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
