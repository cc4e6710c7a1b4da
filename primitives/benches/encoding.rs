//! What bytes cost: encoding and decoding of what is exchanged, hashes of short and long messages, Merkle roots.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_BATCH_TXS, MAX_TX_BYTES};
use logothete_primitives::{BoundedBytes, BoundedVec, Digest, domain, hash, merkle};

/// A transfer is about this long.
const TRANSFER_BYTES: usize = 190;

/// The shape of a batch.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Batch {
    author: u16,
    sequence: u64,
    transactions: BoundedVec<BoundedBytes<MAX_TX_BYTES>, MAX_BATCH_TXS>,
}

fn encoding(c: &mut Criterion) {
    let transaction: BoundedBytes<MAX_TX_BYTES> = vec![7; TRANSFER_BYTES].try_into().unwrap();
    let transactions = vec![transaction; 1_000].try_into().unwrap();
    let batch = Batch { author: 1, sequence: 2, transactions };
    let bytes = codec::encode(&batch);
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode a batch of 1000", |b| b.iter(|| codec::encode(black_box(&batch))));
    group.bench_function("decode a batch of 1000", |b| {
        b.iter(|| codec::decode::<Batch>(black_box(&bytes)).unwrap());
    });
    let digest = Digest::new([7; 32]);
    let bytes = codec::encode(&digest);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode a digest", |b| b.iter(|| codec::encode(black_box(&digest))));
    group.bench_function("decode a digest", |b| {
        b.iter(|| codec::decode::<Digest>(black_box(&bytes)).unwrap());
    });
    group.finish();
}

fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for size in [32, TRANSFER_BYTES, MAX_BATCH_BYTES] {
        let message = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| hash(domain::FILE, black_box(&message)));
        });
    }
    let leaves: Vec<Digest> =
        (0..=255u8).cycle().take(1_000).map(|n| Digest::new([n; 32])).collect();
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("merkle root of 1000", |b| b.iter(|| merkle::root(black_box(&leaves))));
    group.finish();
}

criterion_group!(benches, encoding, hashes);
criterion_main!(benches);
