//! The RPC server: JSON-RPC 2.0, probes and metrics over one HTTP port.
//!
//! ```text
//! server (connections) -> http (routes, hosts, bodies) -> dispatch (batches, calls, time) -> node_api
//! ```
//!
//! Every step has bounds, all in [`Limits`]; what exceeds them gets a typed error and harms nobody
//! else. Handlers read and format; they decide nothing. Each read is answered at one head, which the
//! answer names.

mod account;
mod attendance;
mod block;
mod chain;
mod cursor;
mod dispatch;
mod envelope;
mod evidence;
mod faucet;
mod health;
mod hosts;
mod http;
mod limits;
mod lookup;
mod mempool;
mod node;
mod node_api;
mod proof;
mod refusal;
mod server;
mod simulate;
mod stalled;
mod tx;
mod validators;
mod views;

pub use dispatch::Dispatcher;
pub use health::{Check, Health};
pub use hosts::Hosts;
pub use http::router;
pub use limits::Limits;
pub use node_api::NodeApi;
pub use server::{BindError, Options, Server, bind, serve, spawn};
