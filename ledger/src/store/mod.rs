//! Durable records of the chain.
//!
//! [`Store`] is the trait, [`ChainStore`] its one implementation over sorted families of bytes: in
//! memory ([`MemoryStore`]) or in RocksDB ([`RocksStore`]). Beside the database stand the lock of the data directory, the copy of
//! the safety marks, and the measure of free space.

mod chain_store;
mod disk;
mod engine;
mod error;
mod gathered;
mod lock;
mod marks;
mod memory;
mod records;
#[cfg(feature = "rocks")]
mod rocks;
#[cfg(feature = "rocks")]
mod rocks_log;
#[cfg(feature = "rocks")]
mod rocks_options;
mod schema;
#[cfg(all(test, feature = "rocks"))]
pub(crate) mod tests;
mod traits;

pub use chain_store::ChainStore;
pub use disk::{DiskSpace, disk_space};
pub use engine::{Direction, Durability, Engine, Visit, Writer};
pub use error::StoreError;
pub use gathered::Gathered;
pub use lock::DataLock;
pub use marks::{Marks, MarksCheck, MarksFile, Sector, Sectors};
#[cfg(feature = "rocks")]
pub use memory::{Damage, MemoryDisk};
pub use memory::{Fate, MemoryEngine, MemoryStore};
pub use records::{
    Applied, AppliedTx, BlockRecord, CommitRecord, CommittedBlock, EvidenceEntry, ExecutedRoots,
    FamilyUsage, HistoryEntry, HistoryPage, TxLocation,
};
#[cfg(feature = "rocks")]
pub use rocks::{RocksEngine, RocksStore};
#[cfg(feature = "rocks")]
pub use rocks_options::Budget;
pub use schema::{Family, SCHEMA_VERSION};
pub use traits::{PAGE_MAX, Store};
