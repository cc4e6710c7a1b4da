//! The bounds of the server. Whatever a client does, it costs no more than these.

use std::time::Duration;

/// What one client, and all clients together, may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; one more is told to come back.
    pub connections: usize,
    /// Open connections of one client.
    pub client_connections: usize,
    /// Calls of one client a second, in the long run.
    pub client_calls_per_second: u32,
    /// Calls that a client may make at once when it has made none for a while.
    pub client_burst: u32,
    /// Whether clients on this machine have no limit of their own: they are the operator's, or a proxy that speaks for many.
    pub spares_loopback: bool,
    /// Bytes of one request body.
    pub body_bytes: usize,
    /// Bytes of all request bodies that are in memory at a time.
    pub bodies_bytes: usize,
    /// Bytes of the answer to one request.
    pub response_bytes: usize,
    /// Nesting of the JSON of a request.
    pub depth: usize,
    /// Values in the JSON of a request.
    pub values: usize,
    /// Calls in one JSON-RPC batch.
    pub batch_calls: usize,
    /// Calls of one batch that run at the same time.
    pub batch_parallel: usize,
    /// Calls of all clients that run at the same time, waits apart.
    pub calls: usize,
    /// Reads of many records that run at the same time, off the event loop.
    pub reads: usize,
    /// Reads for subscriptions that run at the same time, beside those.
    pub feed_reads: usize,
    /// Waits (`tx_wait`) of all clients at the same time.
    pub waits: usize,
    /// Time for one call, waits apart.
    pub call_time: Duration,
    /// The longest a `tx_wait` may last.
    pub wait_time_max: Duration,
    /// What a `tx_wait` lasts unless told.
    pub wait_time_default: Duration,
    /// Time for the head of a request to arrive; also how long a connection may idle.
    pub head_time: Duration,
    /// Time for the body of a request to arrive.
    pub body_time: Duration,
    /// Bytes of a refused body that are read on and thrown away, so that the client sees why.
    pub discard_bytes: usize,
    /// Time for that.
    pub discard_time: Duration,
    /// Time a client may leave its answer unread.
    pub write_time: Duration,
    /// Time that calls under way are given when the node stops.
    pub drain_time: Duration,
    /// Items of a list in one answer.
    pub list_items_max: usize,
    /// Items of a list unless told.
    pub list_items_default: usize,
    /// Transactions in one `tx_submit_batch`.
    pub submit_batch: usize,
    /// Open WebSockets.
    pub sockets: usize,
    /// Bytes of one message that comes through a WebSocket.
    pub message_bytes: usize,
    /// Calls of one WebSocket that are under way; no more are read meanwhile.
    pub socket_calls: usize,
    /// Subscriptions of all connections.
    pub subscriptions: usize,
    /// Subscriptions of one WebSocket.
    pub socket_subscriptions: usize,
    /// Time between the pings to a WebSocket.
    pub ping_time: Duration,
    /// Time for which nothing may come from a WebSocket, answers to pings included.
    pub silent_time: Duration,
    /// Time after which a subscriber that was told nothing is told how far its subscription is.
    pub quiet_time: Duration,
    /// Blocks by which a subscriber may be behind the head.
    pub events_behind: u64,
    /// Time between two events about the state of consensus.
    pub consensus_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            client_connections: 256,
            client_calls_per_second: 1_000,
            client_burst: 4_000,
            spares_loopback: true,
            body_bytes: 2 * 1024 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
            response_bytes: 16 * 1024 * 1024,
            depth: 32,
            values: 16_384,
            batch_calls: 100,
            batch_parallel: 16,
            calls: 512,
            reads: 4,
            feed_reads: 2,
            waits: 4_096,
            call_time: Duration::from_secs(10),
            wait_time_max: Duration::from_secs(60),
            wait_time_default: Duration::from_secs(10),
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            discard_bytes: 16 * 1024 * 1024,
            discard_time: Duration::from_secs(2),
            write_time: Duration::from_secs(20),
            drain_time: Duration::from_secs(3),
            list_items_max: 100,
            list_items_default: 20,
            submit_batch: 1_024,
            sockets: 2_048,
            message_bytes: 256 * 1024,
            socket_calls: 4,
            subscriptions: 4_096,
            socket_subscriptions: 16,
            ping_time: Duration::from_secs(20),
            silent_time: Duration::from_secs(60),
            quiet_time: Duration::from_secs(15),
            events_behind: 1_000_000,
            consensus_interval: Duration::from_millis(50),
        }
    }
}
