//! What signatures cost: making, decompressing, checking one and many, finding a bad one.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logothete_primitives::{
    BatchItem, PublicKey, SecretKey, Signature, VerifyingKey, find_invalid, verify_batch,
};

/// A transfer is about this long.
const MESSAGE_BYTES: usize = 160;

struct Signed {
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

/// `count` signatures of `keys` keys.
fn signed(count: usize, keys: usize) -> Vec<Signed> {
    let sign = |index: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(index % keys).to_le_bytes());
        let secret = SecretKey::from_seed(seed);
        let mut message = vec![0; MESSAGE_BYTES];
        message[..8].copy_from_slice(&index.to_le_bytes());
        let signature = secret.sign(&message);
        Signed { key: VerifyingKey::try_from(&secret.public()).unwrap(), message, signature }
    };
    (0..count).map(sign).collect()
}

fn items(signed: &[Signed]) -> Vec<BatchItem<'_>> {
    fn item(signed: &Signed) -> BatchItem<'_> {
        BatchItem { key: &signed.key, message: &signed.message, signature: &signed.signature }
    }
    signed.iter().map(item).collect()
}

fn single(c: &mut Criterion) {
    let secret = SecretKey::from_seed([1; 32]);
    let public: PublicKey = secret.public();
    let signed = signed(1, 1);
    let one = &signed[0];
    c.bench_function("sign", |b| {
        b.iter(|| secret.sign(black_box(&one.message)));
    });
    c.bench_function("decompress key", |b| {
        b.iter(|| VerifyingKey::try_from(black_box(&public)).unwrap());
    });
    c.bench_function("verify single", |b| {
        b.iter(|| {
            one.key.verify(black_box(&one.message), &one.signature).unwrap();
        });
    });
}

fn batches(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify batch");
    group.sample_size(20);
    for size in [4, 16, 64, 256, 1024] {
        group.throughput(Throughput::Elements(size as u64));
        let distinct = signed(size, size);
        group.bench_function(BenchmarkId::new("distinct keys", size), |b| {
            let items = items(&distinct);
            b.iter(|| verify_batch(black_box(&items)).unwrap());
        });
        let shared = signed(size, size / 4);
        group.bench_function(BenchmarkId::new("four per key", size), |b| {
            let items = items(&shared);
            b.iter(|| verify_batch(black_box(&items)).unwrap());
        });
        let mut bad = signed(size, size);
        bad[size / 3].message[0] ^= 1;
        group.bench_function(BenchmarkId::new("find one bad", size), |b| {
            let items = items(&bad);
            b.iter(|| assert_eq!(find_invalid(black_box(&items)), [size / 3]));
        });
    }
    group.finish();
}

criterion_group!(benches, single, batches);
criterion_main!(benches);
