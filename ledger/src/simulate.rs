//! Trying a transaction on a state without changing it.

use logothete_primitives::address::Address;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::execute::Executor;
use crate::modules::Moment;
use crate::receipt::{SkipReason, Status};
use crate::state::StateView;
use crate::transaction::Body;

/// What a transaction would do if the next block held it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// Whether it would count, and how; signatures are not looked at.
    pub outcome: Result<Status, SkipReason>,
    /// The accounts that it touches, before and after. The credit of the fee is left out.
    pub accounts: Vec<AccountChange>,
}

/// An account before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChange {
    /// Whose.
    pub address: Address,
    /// Before; absent when it did not exist.
    pub before: Option<Account>,
    /// After; absent when it would not exist.
    pub after: Option<Account>,
}

/// Runs a body on a view as if in a block at the given moment.
pub fn simulate<V: StateView>(view: &V, moment: Moment, body: &Body) -> Simulation {
    let mut executor = Executor::new(view, moment);
    let declared = executor.declare(std::iter::once(body));
    let outcome = executor.run(body, &mut declared.cursor());
    let accounts = body
        .accounts()
        .into_iter()
        .map(|address| AccountChange {
            before: view.account(&address),
            after: executor.account(&address),
            address,
        })
        .collect();
    Simulation { outcome, accounts }
}
