//! Subscriptions: over a WebSocket, and as server-sent events.
//!
//! What a subscriber is told of the chain is read from the store, by height, when it has taken what
//! came before: a slow one lags and costs nobody anything, and none is told more or less than what
//! the chain holds, whatever happens to connections and processes.
//!
//! ```text
//! wish -> feed (one event at a time, on demand) -> socket | stream -> client
//!           ^ head moved: look again
//! ```

mod account;
mod chain_feed;
mod consensus_feed;
mod recent;
mod seats;
mod socket;
mod sse;
mod wish;

use futures::stream::BoxStream;
use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{Anchor, Event, Subscribe};

pub(super) use recent::Recent;
pub(super) use seats::Seats;
pub(super) use socket::socket;
pub(super) use sse::stream;

/// The events of one subscriber.
pub struct Feed {
    /// The head when it was made.
    pub at: Anchor,
    /// The events. Each is made when it is asked for, so an unread feed holds no more than one block.
    /// A feed that ends without the event `lagged` has failed; its subscriber can resume.
    pub events: BoxStream<'static, Event>,
}

/// What subscriptions are served from.
pub trait Feeds {
    /// The events that are wished for.
    ///
    /// # Errors
    /// A wish that makes no sense, or that reaches too far back.
    fn feed(&self, wish: &Subscribe) -> Result<Feed, RpcError>;
}
