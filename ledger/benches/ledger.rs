//! What a transaction costs in this crate: admission, execution, state tree, mempool, batches.
//!
//! Every figure is for [`TXS`] transfers between different accounts; divide for one.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use logothete_ledger::account::Account;
use logothete_ledger::account_keys::AccountKeys;
use logothete_ledger::admission::{Admitted, Candidate, verify_signatures};
use logothete_ledger::batch::Batch;
use logothete_ledger::execute::{BlockInput, execute};
use logothete_ledger::mempool::{FinalBlock, Mempool, MempoolLimits};
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::state::{StateKey, StateValue, StateView};
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::domain;
use logothete_primitives::hash::hash;
use logothete_primitives::identifiers::ChainId;
use logothete_primitives::keys::SecretKey;
use logothete_primitives::numbers::{Height, Nonce, TimestampMs, ValidatorIndex};
use logothete_primitives::signature::Signature;

const TXS: u64 = 10_000;
const CROWD: u64 = 100_000;
const BATCH_TXS: usize = 256;

fn chain() -> ChainId {
    ChainId::new(hash(domain::CHAIN, b"bench"))
}

fn person(number: u64) -> Address {
    Address::from_bytes(*hash(domain::FILE, &number.to_le_bytes()).as_bytes())
}

fn body(sender: Address, number: u64) -> Body {
    let transfer = Operation::transfer(person(number ^ 1), Amount::new(1 + number % 100));
    let fee = Amount::new(100 + number * 7919 % 1000);
    Body::new(&chain(), sender, Nonce::ZERO, fee, Height::new(u64::MAX), vec![transfer]).unwrap()
}

fn candidate(tx: &Transaction) -> Candidate {
    Candidate::decode(&tx.encode(), &chain(), &ChainParams::default()).unwrap()
}

/// Transfers whose signatures nobody looks at.
fn vouched(count: u64) -> Vec<Arc<Admitted>> {
    let signature = Signature::from_bytes([1; 64]);
    let vouched = |number| {
        let body = body(person(number), number);
        let tx = Transaction { body, signature, cosignatures: Vec::new().try_into().unwrap() };
        Arc::new(Admitted::vouched(candidate(&tx)))
    };
    (0..count).map(vouched).collect()
}

/// A state in a hash map, about as fast as one can be.
struct Flat(HashMap<StateKey, StateValue>);

impl Flat {
    fn of(people: u64) -> Self {
        let rich = Account::with_balance(Amount::new(1_000_000)).to_value();
        Self((0..people).map(|number| (StateKey::account(&person(number)), rich.clone())).collect())
    }
}

impl StateView for Flat {
    fn read(&self, key: &StateKey) -> Option<StateValue> {
        self.0.get(key).cloned()
    }
}

fn admission(c: &mut Criterion) {
    let keys: Vec<SecretKey> =
        (0..=255u8).map(|number| SecretKey::from_seed([number; 32])).collect();
    let transactions: Vec<Transaction> = (0..BATCH_TXS as u64)
        .zip(keys.iter().cycle())
        .map(|(number, key)| {
            let body = body(Address::from(key.public()), number);
            Transaction::sign(&chain(), body, &[key]).unwrap()
        })
        .collect();
    let bytes = transactions[0].encode();
    let params = ChainParams::default();
    let mut group = c.benchmark_group("admission");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode_check_hash", |b| {
        b.iter(|| Candidate::decode(black_box(&bytes), &chain(), &params).unwrap());
    });
    let candidates: Vec<Candidate> = transactions.iter().map(candidate).collect();
    group.throughput(Throughput::Elements(BATCH_TXS as u64));
    group.bench_function("verify_batch_of_256_by_strangers", |b| {
        b.iter(|| verify_signatures(&chain(), &AccountKeys::default(), black_box(&candidates)));
    });
    let keys = AccountKeys::default();
    group.bench_function("verify_batch_of_256_by_known_keys", |b| {
        b.iter(|| verify_signatures(&chain(), &keys, black_box(&candidates)));
    });
    group.finish();
}

fn execution(c: &mut Criterion) {
    let transactions = vouched(TXS);
    let state = Flat::of(CROWD);
    let params = ChainParams::default();
    let input = BlockInput {
        height: Height::new(1),
        timestamp: TimestampMs::new(1),
        transactions: &transactions,
        params: &params,
    };
    assert_eq!(execute(&state, &input).receipts().count(), transactions.len());
    let mut group = c.benchmark_group("execution");
    group.throughput(Throughput::Elements(TXS));
    group.bench_function("10k_transfers", |b| b.iter(|| execute(&state, black_box(&input))));
    group.finish();
}

fn state_tree(c: &mut Criterion) {
    let mut entries: Vec<(StateKey, StateValue)> = Flat::of(CROWD).0.into_iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    let sorted = || entries.iter().map(|(key, value)| (*key, &**value));
    let limits = HistoryLimits::default();
    let tree = StateTree::from_sorted(Height::ZERO, sorted(), limits).unwrap();
    let poor = Account::with_balance(Amount::new(1)).to_value();
    let apart = usize::try_from(CROWD / TXS).unwrap();
    let changed = entries.iter().step_by(apart).map(|(key, _)| (*key, Some(poor.clone())));
    let changes: Vec<_> = changed.collect();
    let mut group = c.benchmark_group("state_tree_of_100k");
    group.throughput(Throughput::Elements(TXS)).sample_size(10);
    group.bench_function("change_10k", |b| b.iter(|| tree.plan(black_box(&changes))));
    group.throughput(Throughput::Elements(1));
    let (key, _) = entries[entries.len() / 3];
    group.bench_function("prove", |b| b.iter(|| tree.prove(black_box(&key), Height::ZERO)));
    group.throughput(Throughput::Elements(CROWD));
    group.bench_function("build", |b| {
        b.iter(|| StateTree::from_sorted(Height::ZERO, sorted(), limits).unwrap());
    });
    group.finish();
}

fn full_pool(transactions: &[Arc<Admitted>], state: &Flat) -> Mempool {
    let limits = MempoolLimits { count: 200_000, ..MempoolLimits::default() };
    let mut pool = Mempool::new(limits);
    for tx in transactions {
        pool.insert(Height::ZERO, Arc::clone(tx), state).unwrap();
    }
    pool
}

fn mempool(c: &mut Criterion) {
    let state = Flat::of(CROWD + TXS);
    let transactions = vouched(CROWD + TXS);
    let (crowd, more) = transactions.split_at(usize::try_from(CROWD).unwrap());
    let mut group = c.benchmark_group("mempool_of_100k");
    group.throughput(Throughput::Elements(TXS)).sample_size(10);
    group.bench_function("insert_10k", |b| {
        b.iter_batched_ref(
            || full_pool(crowd, &state),
            |pool| {
                for tx in more {
                    pool.insert(Height::ZERO, Arc::clone(tx), &state).unwrap();
                }
            },
            BatchSize::LargeInput,
        );
    });
    let count = usize::try_from(TXS).unwrap();
    group.bench_function("take_10k", |b| {
        b.iter_batched_ref(
            || full_pool(crowd, &state),
            |pool| assert_eq!(pool.take(usize::MAX, count).len(), count),
            BatchSize::LargeInput,
        );
    });
    let params = ChainParams::default();
    group.bench_function("settle_10k", |b| {
        b.iter_batched_ref(
            || {
                let mut pool = full_pool(crowd, &state);
                let taken = pool.take(usize::MAX, count);
                let input = BlockInput {
                    height: Height::new(1),
                    timestamp: TimestampMs::new(1),
                    transactions: &taken,
                    params: &params,
                };
                let output = execute(&state, &input);
                (pool, taken, output)
            },
            |(pool, taken, output)| {
                let dropped = pool.on_final(&FinalBlock {
                    height: Height::new(1),
                    transactions: taken,
                    outcomes: &output.outcomes,
                    nonces: &output.nonces,
                });
                assert!(dropped.is_empty());
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn batches(c: &mut Criterion) {
    let transactions = vouched(1_000);
    let author = ValidatorIndex::new(0);
    let sealed = Batch::seal(author, 0, &transactions);
    let params = ChainParams::default();
    let mut group = c.benchmark_group("batch_of_1000");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("seal", |b| b.iter(|| Batch::seal(author, 0, black_box(&transactions))));
    group.bench_function("open", |b| {
        b.iter(|| {
            let batch = Batch::decode(black_box(&sealed.bytes)).unwrap();
            batch.candidates(&chain(), &params).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, admission, execution, state_tree, mempool, batches);
criterion_main!(benches);
