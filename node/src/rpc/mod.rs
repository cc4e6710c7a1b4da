//! The RPC server: JSON-RPC 2.0, subscriptions, probes and metrics over one HTTP port.
//!
//! ```text
//! server (connections) -> http (routes, hosts, bodies) -> dispatch (batches, calls, time) -> node_api
//!                                                      -> events (subscriptions)          ->
//! ```
//!
//! The administration listener shares all of it but the interface that answers, and asks for a token first.
//!
//! Every step has bounds, all in [`Limits`]; what exceeds them gets a typed error and harms nobody
//! else. Handlers read and format; they decide nothing. Each read is answered at one head, which the
//! answer names.

mod account;
mod attendance;
mod block;
mod chain;
mod clients;
mod cursor;
mod dispatch;
mod envelope;
mod events;
mod evidence;
mod faucet;
mod guarded;
mod health;
mod hosts;
mod http;
mod limits;
mod lookup;
mod mempool;
mod node;
mod node_api;
mod peers;
mod proof;
mod refusal;
mod server;
mod simulate;
mod stalled;
mod state;
mod troubles;
mod tx;
mod uptime;
mod validators;
mod view_list;
mod views;
mod why;

pub use clients::Visitor;
pub use dispatch::{Dispatcher, Interface};
pub use events::{Feed, Feeds};
pub use guarded::guarded_router;
pub use health::{Check, Health};
pub use hosts::Hosts;
pub use http::router;
pub use limits::Limits;
pub use node_api::NodeApi;
pub use peers::all as peers;
pub use server::{BindError, Options, Server, bind, serve, spawn};
