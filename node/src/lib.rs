//! The Logothete node: command line, driver, pipeline, sync and RPC.
//!
//! The way of a transaction through a node: [`admission`] takes it, [`signatures`] checks it, [`mempool`] keeps it, [`dissemination`] carries
//! it to all validators in a batch, [`driver`] steps the consensus core that orders batches, [`executor`] turns final
//! blocks into state, [`service`] answers what became of it. [`sync`] brings back a node that was away,
//! [`recover`] one that was down, [`supervise`] ends one whose stages are not well and [`remedy`] says what to do then,
//! [`doctor`] looks for what would end it or keep it from starting,
//! [`node`] puts all together.

pub mod absent;
pub mod admin;
pub mod admission;
pub mod backup;
pub mod backup_record;
pub mod bench;
pub mod chain;
pub mod chain_check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod devnet;
pub mod dissemination;
pub mod doctor;
pub mod driver;
pub mod executor;
pub mod explorer;
pub mod files;
pub mod finality;
pub mod gossip;
pub mod head;
pub mod logging;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod recover;
pub mod remedy;
pub mod rpc;
pub mod run;
pub mod sample;
mod scratch;
pub mod service;
pub mod signatures;
pub mod sim;
pub mod state;
pub mod supervise;
pub mod sync;
pub mod traces;
pub mod workers;

pub use run::run;
