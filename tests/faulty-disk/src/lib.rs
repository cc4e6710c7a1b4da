//! A faulty disk under a real process, by preloading (`LD_PRELOAD`).
//!
//! The functions of the C library that change files or make them durable are replaced ([`calls`]). For all files under
//! one directory they keep a record of what a loss of power would leave ([`platter`]): a write is durable once its file
//! was synced, a name once its directory was. The record outlives the process; after a kill, the tests make out of it
//! and of the files what a disk could hold then. A plan ([`plan`]) makes calls fail, lets syncs lie, or kills the process at
//! a sync.
//!
//! What it knows of is what RocksDB and we use: files written by descriptors, names in directories that stay. Files mapped into
//! memory, renamed directories and links count as durable at once.
//!
//! The wall clock can be made wrong as well ([`clock`]).

pub mod calls;
pub mod clock;
pub mod format;
pub mod plan;
pub mod platter;
mod sys;
