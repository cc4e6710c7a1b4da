//! The authenticated state: one root for all values, and proofs that a value is or is not there.
//!
//! The root is that of a compressed binary trie over the 32-byte keys, and depends on the content
//! alone:
//!
//! - the trie of no entries is 32 zero bytes;
//! - the trie of one entry is its leaf, `hash(STATE_LEAF, key ‖ hash(STATE_VALUE, value))`;
//! - any other is `hash(STATE_NODE, left ‖ right)`, the entries divided by the next bit of the key.
//!
//! [`StateTree`] holds it in memory: the upper levels as an array, the lower ones as sorted buckets
//! that are hashed anew when they change. Short values, such as accounts, lie in it; longer ones only in
//! the flat state of the store.
//! `docs/wire-state.md` has the layout of proofs with test vectors, `docs/adr/0006-state-tree.md` the
//! reasons and figures.

mod builder;
mod history;
mod node;
mod proof;
mod subtree;
#[cfg(test)]
mod tests;
mod tree;

pub use builder::{StateTreeBuilder, UnsortedKey};
pub use history::HistoryLimits;
pub use proof::{MAX_PROOF_DEPTH, StateProof, Terminal};
pub use tree::{Known, StateTree, StateUpdate, TreeMemory};
