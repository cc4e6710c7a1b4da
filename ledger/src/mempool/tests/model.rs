//! Random histories: the mempool against a list that is searched from end to end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::identifiers::TxHash;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::{Desk, MempoolLimits, paying};
use crate::admission::Admitted;
use crate::tests::account;

const SENDERS: u8 = 5;

#[derive(Clone, Debug)]
enum Step {
    Insert {
        sender: u8,
        ahead: u64,
        fee: u64,
    },
    Take {
        count: usize,
    },
    /// Of the first `count` in flight, those of the pattern become final.
    Final {
        count: usize,
        pattern: u8,
    },
    Requeue {
        pattern: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..SENDERS, 0..6u64, 100..400u64)
            .prop_map(|(sender, ahead, fee)| Step::Insert { sender, ahead, fee }),
        2 => (1..8usize).prop_map(|count| Step::Take { count }),
        2 => (1..8usize, any::<u8>()).prop_map(|(count, pattern)| Step::Final { count, pattern }),
        1 => any::<u8>().prop_map(|pattern| Step::Requeue { pattern }),
    ]
}

/// A transaction and the number of its arrival.
#[derive(Clone)]
struct Item {
    arrival: usize,
    tx: Arc<Admitted>,
}

impl Item {
    fn slot(&self) -> (Address, u64) {
        (self.tx.tx.body.sender, self.tx.tx.body.nonce.get())
    }

    fn fee(&self) -> u64 {
        self.tx.tx.body.fee.units()
    }
}

/// What should be there.
#[derive(Default)]
struct Model {
    arrivals: usize,
    waiting: Vec<Item>,
    in_flight: Vec<Item>,
}

impl Model {
    fn insert(&mut self, tx: &Arc<Admitted>) -> Result<Option<TxHash>, &'static str> {
        let item = Item { arrival: self.arrivals, tx: Arc::clone(tx) };
        let rival = |other: &&Item| other.slot() == item.slot();
        if self.waiting.iter().chain(&self.in_flight).any(|other| other.tx.hash == tx.hash) {
            return Err("ALREADY_KNOWN");
        }
        if self.in_flight.iter().find(rival).is_some() {
            return Err("NONCE_IN_FLIGHT");
        }
        let replaced = self.waiting.iter().find(rival).cloned();
        if replaced.as_ref().is_some_and(|old| item.fee() * 10 < old.fee() * 11) {
            return Err("UNDERPRICED");
        }
        self.waiting.retain(|other| other.slot() != item.slot());
        self.waiting.push(item);
        self.arrivals += 1;
        Ok(replaced.map(|old| old.tx.hash))
    }

    /// The best of those whose predecessors are all in flight or final.
    fn take(&mut self, next: &BTreeMap<Address, u64>) -> Option<TxHash> {
        let ready = |item: &&Item| {
            let (sender, nonce) = item.slot();
            (next[&sender]..nonce)
                .all(|before| self.in_flight.iter().any(|other| other.slot() == (sender, before)))
        };
        let best = self
            .waiting
            .iter()
            .filter(ready)
            .max_by_key(|item| (item.fee(), Reverse(item.arrival)))?
            .clone();
        self.waiting.retain(|item| item.arrival != best.arrival);
        self.in_flight.push(best.clone());
        Some(best.tx.hash)
    }

    fn requeue(&mut self, hashes: &[TxHash]) {
        let (back, stay): (Vec<_>, Vec<_>) =
            self.in_flight.drain(..).partition(|item| hashes.contains(&item.tx.hash));
        self.in_flight = stay;
        self.waiting.extend(back);
    }

    fn settle(&mut self, next: &BTreeMap<Address, u64>) {
        let open = |item: &Item| item.slot().1 >= next[&item.slot().0];
        self.waiting.retain(open);
        self.in_flight.retain(open);
    }

    fn chosen(&self, pattern: u8, count: usize) -> Vec<Arc<Admitted>> {
        let items = self.in_flight.iter().take(count).enumerate();
        let chosen = items.filter(|(position, _)| pattern & (1 << (position % 8)) != 0);
        chosen.map(|(_, item)| Arc::clone(&item.tx)).collect()
    }
}

fn nonces(desk: &Desk) -> BTreeMap<Address, u64> {
    (0..SENDERS).map(|sender| (account(sender), desk.nonce(sender))).collect()
}

proptest! {
    #[test]
    fn hands_out_what_a_search_through_everything_would(steps in vec(step(), 1..120)) {
        let mut desk = Desk::new(MempoolLimits::default());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert { sender, ahead, fee } => {
                    let tx = paying(sender, desk.nonce(sender) + ahead, fee);
                    let verdict = desk.insert(&tx);
                    let verdict = verdict.map(|inserted| inserted.replaced).map_err(|error| error.code());
                    prop_assert_eq!(verdict, model.insert(&tx));
                }
                Step::Take { count } => {
                    let next = nonces(&desk);
                    let expected: Vec<TxHash> = (0..count).map_while(|_| model.take(&next)).collect();
                    prop_assert_eq!(desk.take(count), expected);
                }
                Step::Final { count, pattern } => {
                    let block = model.chosen(pattern, count);
                    prop_assert_eq!(desk.finalize(&block), vec![]);
                    model.settle(&nonces(&desk));
                    // What the block held and did not execute was behind a gap: it waits again.
                    let skipped: Vec<TxHash> = block.iter().map(|tx| tx.hash).collect();
                    model.requeue(&skipped);
                }
                Step::Requeue { pattern } => {
                    let hashes: Vec<TxHash> =
                        model.chosen(pattern, usize::MAX).iter().map(|tx| tx.hash).collect();
                    desk.pool.requeue(&hashes);
                    model.requeue(&hashes);
                }
            }
            desk.pool.assert_invariants();
            let stats = desk.pool.stats();
            prop_assert_eq!(stats.in_flight, model.in_flight.len());
            prop_assert_eq!(stats.count, model.in_flight.len() + model.waiting.len());
            prop_assert!(model.waiting.iter().all(|item| desk.pool.transaction(&item.tx.hash).is_some()));
        }
    }
}
