//! Execution of a block: a pure function from a state and a list of transactions to changes and results.
//!
//! Every validator computes the same, byte for byte: no clock, no hash order, no thread count enters.

use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::identifiers::ReceiptsRoot;
use logothete_primitives::numbers::{Height, Nonce, TimestampMs};

use crate::account::Account;
use crate::admission::Admitted;
use crate::fast_map::FastMap;
use crate::modules::{self, Call, Moment, accounts};
use crate::overlay::{Overlay, Slot};
use crate::params::ChainParams;
use crate::receipt::{Outcome, Receipt, SkipReason, Status, receipts_root};
use crate::state::{StateChange, StateKey, StateView};
use crate::transaction::Body;

/// How many transactions have their state read in one go.
const PREFETCH_TXS: usize = 1024;

/// What a final block brings.
#[derive(Clone, Copy, Debug)]
pub struct BlockInput<'a> {
    /// Its height.
    pub height: Height,
    /// Its timestamp.
    pub timestamp: TimestampMs,
    /// The transactions of its batches, in order.
    pub transactions: &'a [Arc<Admitted>],
    /// The rules of the chain.
    pub params: &'a ChainParams,
}

/// What a block does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutput {
    /// One for each transaction, in order.
    pub outcomes: Vec<Outcome>,
    /// What changes in the state, by ascending key.
    pub changes: Vec<StateChange>,
    /// Root over the receipts of this block; headers attest it [accumulated](crate::receipt::accumulate).
    pub receipts_root: ReceiptsRoot,
    /// The next nonce of every account that sent something, by ascending address.
    pub nonces: Vec<(Address, Nonce)>,
}

impl BlockOutput {
    /// The receipts of the executed transactions, in order.
    pub fn receipts(&self) -> impl Iterator<Item = &Receipt> {
        self.outcomes.iter().filter_map(Outcome::receipt)
    }
}

/// Executes a block on top of a state.
///
/// Fees are credited to the fee account once, at the end of the block.
pub fn execute<V: StateView>(view: &V, input: &BlockInput<'_>) -> BlockOutput {
    let mut executor =
        Executor::new(view, Moment { height: input.height, timestamp: input.timestamp });
    let mut outcomes = Vec::with_capacity(input.transactions.len());
    for chunk in input.transactions.chunks(PREFETCH_TXS) {
        let declared = executor.declare(chunk.iter().map(|tx| &tx.tx.body));
        let mut cursor = declared.cursor();
        for tx in chunk {
            let index = u32::try_from(outcomes.len()).expect("a block holds fewer than 2^32");
            outcomes.push(match executor.run(&tx.tx.body, &mut cursor) {
                Ok(status) => {
                    Outcome::Executed(Receipt { tx: tx.hash, index, status, fee: tx.tx.body.fee })
                }
                Err(reason) => Outcome::Skipped(reason),
            });
        }
    }
    let Finished { changes, nonces } = executor.finish(&input.params.fee_account);
    let receipts_root = receipts_root(outcomes.iter().filter_map(Outcome::receipt));
    BlockOutput { outcomes, changes, receipts_root, nonces }
}

/// Runs transactions one after the other on one overlay.
pub(crate) struct Executor<'v, V> {
    state: Overlay<'v, V>,
    moment: Moment,
    fees: u64,
    nonces: FastMap<Address, Nonce>,
}

/// What is left when the last transaction has run.
struct Finished {
    changes: Vec<StateChange>,
    nonces: Vec<(Address, Nonce)>,
}

impl<'v, V: StateView> Executor<'v, V> {
    pub(crate) fn new(view: &'v V, moment: Moment) -> Self {
        Self { state: Overlay::new(view), moment, fees: 0, nonces: FastMap::default() }
    }

    /// Executes one transaction, or says why it is skipped. Takes its slots from the cursor in either case.
    pub(crate) fn run(
        &mut self,
        body: &Body,
        slots: &mut SlotCursor<'_>,
    ) -> Result<Status, SkipReason> {
        let sender_slot = slots.next_unit()[0];
        let operation_slots = slots.clone();
        slots.skip_units(body.operations.len());

        let mut sender = accounts::read(&self.state, sender_slot);
        accounts::take_fee(&mut sender, body, self.moment.height)?;
        accounts::write(&mut self.state, sender_slot, sender);
        self.state.commit();
        self.fees = self.fees.checked_add(body.fee.units()).expect("fees are part of the supply");
        self.nonces.insert(body.sender, sender.nonce);
        Ok(self.apply_all(body, operation_slots))
    }

    /// Loads what the transactions declare to touch.
    pub(crate) fn declare<'a>(&mut self, bodies: impl Iterator<Item = &'a Body>) -> DeclaredSlots {
        let mut keys = Vec::new();
        let mut unit_ends = Vec::new();
        for body in bodies {
            let sender = StateKey::account(&body.sender);
            keys.push(sender);
            unit_ends.push(keys.len());
            for operation in body.operations.iter() {
                modules::keys(operation, sender, &mut keys);
                unit_ends.push(keys.len());
            }
        }
        DeclaredSlots { slots: self.state.load(&keys), unit_ends }
    }

    /// An account as the transactions so far leave it.
    pub(crate) fn account(&mut self, address: &Address) -> Option<Account> {
        let slots = self.state.load(&[StateKey::account(address)]);
        self.state.read(slots[0]).map(|value| accounts::decode(value))
    }

    /// All operations, or none.
    fn apply_all(&mut self, body: &Body, mut slots: SlotCursor<'_>) -> Status {
        let call = Call { body, moment: self.moment };
        for (position, operation) in body.operations.iter().enumerate() {
            if let Err(failure) =
                modules::apply(&call, operation, slots.next_unit(), &mut self.state)
            {
                self.state.undo();
                let operation = u16::try_from(position).expect("operations are bounded");
                return Status::Failed { operation, failure };
            }
        }
        self.state.commit();
        Status::Success
    }

    /// Credits the fees of the block and lays out what changed.
    fn finish(mut self, fee_account: &Address) -> Finished {
        if self.fees > 0 {
            let slot = self.state.load(&[StateKey::account(fee_account)])[0];
            let mut account = accounts::read(&self.state, slot);
            account.balance = account
                .balance
                .checked_add(Amount::new(self.fees))
                .expect("the supply, which genesis bounds, contains balance and fees");
            accounts::write(&mut self.state, slot, account);
        }
        let mut nonces: Vec<(Address, Nonce)> = self.nonces.into_iter().collect();
        nonces.sort_unstable();
        Finished { changes: self.state.into_changes(), nonces }
    }
}

/// The slots of transactions in execution order: a unit for each sender and for each operation.
pub(crate) struct DeclaredSlots {
    slots: Vec<Slot>,
    unit_ends: Vec<usize>,
}

impl DeclaredSlots {
    pub(crate) fn cursor(&self) -> SlotCursor<'_> {
        SlotCursor { slots: &self.slots, unit_ends: &self.unit_ends, start: 0 }
    }
}

/// Walks over [`DeclaredSlots`].
#[derive(Clone)]
pub(crate) struct SlotCursor<'a> {
    slots: &'a [Slot],
    unit_ends: &'a [usize],
    start: usize,
}

impl<'a> SlotCursor<'a> {
    fn next_unit(&mut self) -> &'a [Slot] {
        let (&end, rest) = self.unit_ends.split_first().expect("every unit was declared");
        let unit = &self.slots[self.start..end];
        self.start = end;
        self.unit_ends = rest;
        unit
    }

    fn skip_units(&mut self, count: usize) {
        if let Some(last) = count.checked_sub(1) {
            self.start = self.unit_ends[last];
            self.unit_ends = &self.unit_ends[count..];
        }
    }
}
