//! Error codes of the JSON-RPC interface and the data that comes with each.

use logothete_primitives::{Height, TxHash, View};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::method::{METHODS, MethodInfo, closest_of};

/// What went wrong, as a number that programs may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// −32700: the body is not JSON.
    ParseError,
    /// −32600: the JSON is not a request.
    InvalidRequest,
    /// −32601: no such method.
    MethodNotFound,
    /// −32602: a parameter is missing, unknown or malformed.
    InvalidParams,
    /// −32603: the node failed; the reason is in its log.
    Internal,
    /// −32001: there is no such thing, as far as this node knows.
    NotFound,
    /// −32002: it existed but is no longer kept; `earliest` is.
    Pruned,
    /// −32003: the transaction can never execute as it is; `reason`, `expected` and `got` say why.
    TxRejected,
    /// −32004: the transaction is known already; `status` says where it stands.
    AlreadyKnown,
    /// −32005: too many requests; come back after `retry_after_ms`.
    Limit,
    /// −32006: the node is `lag` blocks behind and does not answer for the present.
    NotSynced,
    /// −32007: the mempool is full; come back after `retry_after_ms`.
    MempoolFull,
    /// −32008: the chain makes no progress; the votes of `missing` are awaited.
    Stalled,
    /// −32009: the request is larger than `limit`.
    TooLarge,
    /// −32010: the call needs a token, or another listener.
    Unauthorized,
    /// −32011: the cursor is not one this method gave out.
    BadCursor,
    /// −32012: the node is stopping; ask another.
    ShuttingDown,
    /// A code this version does not know.
    Other(i32),
}

/// Number and symbolic name of every known code.
const CODES: [(ErrorCode, i32, &str); 17] = [
    (ErrorCode::ParseError, -32700, "PARSE_ERROR"),
    (ErrorCode::InvalidRequest, -32600, "INVALID_REQUEST"),
    (ErrorCode::MethodNotFound, -32601, "METHOD_NOT_FOUND"),
    (ErrorCode::InvalidParams, -32602, "INVALID_PARAMS"),
    (ErrorCode::Internal, -32603, "INTERNAL"),
    (ErrorCode::NotFound, -32001, "NOT_FOUND"),
    (ErrorCode::Pruned, -32002, "PRUNED"),
    (ErrorCode::TxRejected, -32003, "TX_REJECTED"),
    (ErrorCode::AlreadyKnown, -32004, "ALREADY_KNOWN"),
    (ErrorCode::Limit, -32005, "LIMIT"),
    (ErrorCode::NotSynced, -32006, "NOT_SYNCED"),
    (ErrorCode::MempoolFull, -32007, "MEMPOOL_FULL"),
    (ErrorCode::Stalled, -32008, "STALLED"),
    (ErrorCode::TooLarge, -32009, "TOO_LARGE"),
    (ErrorCode::Unauthorized, -32010, "UNAUTHORIZED"),
    (ErrorCode::BadCursor, -32011, "BAD_CURSOR"),
    (ErrorCode::ShuttingDown, -32012, "SHUTTING_DOWN"),
];

impl ErrorCode {
    /// The number in the `code` field of the error object.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Other(number) => number,
            known => CODES.iter().find(|row| row.0 == known).map_or(-32603, |row| row.1),
        }
    }

    /// The code behind a number.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        CODES.iter().find(|row| row.1 == number).map_or(Self::Other(number), |row| row.0)
    }

    /// The symbolic name in `data.code`.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODES.iter().find(|row| row.0 == self).map_or("OTHER", |row| row.2)
    }

    /// Every code this version gives out, with number and name.
    pub fn all() -> impl Iterator<Item = (Self, i32, &'static str)> {
        CODES.into_iter()
    }

    /// True when the same call may succeed on another node, or later on this one, and nothing was
    /// decided about it.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Internal
                | Self::Limit
                | Self::NotSynced
                | Self::MempoolFull
                | Self::Stalled
                | Self::ShuttingDown
        )
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_i32(self.number())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        i32::deserialize(input).map(Self::from_number)
    }
}

/// The error object of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message} ({})", code.name())]
pub struct RpcError {
    /// The number programs decide by.
    pub code: ErrorCode,
    /// One sentence for people: what, and why.
    pub message: String,
    /// What programs need beyond the number.
    #[serde(default)]
    pub data: Box<ErrorData>,
}

/// `data` of an error: always `code` and `hint`, the others where the code says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// Symbolic name of the code.
    #[serde(default)]
    pub code: String,
    /// What to do next.
    #[serde(default)]
    pub hint: String,
    /// Why a transaction was rejected: `NONCE_TOO_LOW`, `FEE_TOO_LOW`, `EXPIRED`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The value that would have been accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The value that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// Hash of the transaction the error is about, whenever its bytes could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<TxHash>,
    /// Where an already known transaction stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<super::types::TxStatus>,
    /// Wait this long before the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// The earliest height that is still kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Height>,
    /// Blocks by which the node is behind.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::types::DecimalOption"
    )]
    pub lag: Option<u64>,
    /// The view in which the chain stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Names of the validators whose votes are awaited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The limit that was exceeded.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::types::DecimalOption"
    )]
    pub limit: Option<u64>,
}

/// Why a transaction was rejected, with the numbers where there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Symbolic reason, for example `NONCE_TOO_LOW`.
    pub reason: String,
    /// The value that would have been accepted.
    pub expected: Option<String>,
    /// The value that was sent.
    pub got: Option<String>,
}

impl RpcError {
    /// An error with a code, a sentence and a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let data =
            ErrorData { code: code.name().to_owned(), hint: hint.into(), ..Default::default() };
        Self { code, message: message.into(), data: Box::new(data) }
    }

    /// The body is not JSON.
    #[must_use]
    pub fn parse_error(why: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::ParseError, format!("not JSON: {why}"), "send one JSON-RPC 2.0 object")
    }

    /// The JSON is not a JSON-RPC request.
    #[must_use]
    pub fn invalid_request(why: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorCode::InvalidRequest,
            format!("not a JSON-RPC request: {why}"),
            "a request has jsonrpc \"2.0\", id, method and params",
        )
    }

    /// No method of the public listener has that name.
    #[must_use]
    pub fn method_not_found(name: &str) -> Self {
        Self::no_method(name, METHODS)
    }

    /// No method of a table has that name.
    pub(super) fn no_method(name: &str, methods: &[MethodInfo]) -> Self {
        let shown: String = name.chars().take(64).collect();
        let hint = closest_of(name, methods).map_or_else(
            || "docs/rpc.md lists the methods".to_owned(),
            |closest| format!("did you mean {closest}?"),
        );
        Self::new(ErrorCode::MethodNotFound, format!("there is no method {shown:?}"), hint)
    }

    /// The method is about a connection that lasts.
    #[must_use]
    pub fn needs_socket(name: &str) -> Self {
        Self::new(
            ErrorCode::InvalidRequest,
            format!("{name} is a call of its own, through a WebSocket"),
            "connect to /ws and call it there, or read GET /events/<kind>",
        )
    }

    /// The parameters do not fit the method.
    #[must_use]
    pub fn invalid_params(why: impl std::fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParams, format!("invalid parameters: {why}"), hint)
    }

    /// The node failed. What exactly is in its log, not in the answer.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::Internal,
            "the node could not answer",
            "the reason is in the node's log; ask another node",
        )
    }

    /// Nothing is known under that name.
    #[must_use]
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorCode::NotFound,
            format!("{what} is not known to this node"),
            "check the identifier, or wait until the node has caught up",
        )
    }

    /// It is no longer kept.
    #[must_use]
    pub fn pruned(what: impl std::fmt::Display, earliest: Height) -> Self {
        Self::new(
            ErrorCode::Pruned,
            format!("{what} is no longer kept"),
            format!("ask a node that keeps more; the earliest here is {earliest}"),
        )
        .with(|data| data.earliest = Some(earliest))
    }

    /// The transaction can never execute as it is.
    #[must_use]
    pub fn tx_rejected(hash: Option<TxHash>, refusal: Refusal, hint: impl Into<String>) -> Self {
        let message = match (&refusal.expected, &refusal.got) {
            (Some(expected), Some(got)) => {
                format!("rejected: {}: expected {expected}, got {got}", refusal.reason)
            }
            _ => format!("rejected: {}", refusal.reason),
        };
        Self::new(ErrorCode::TxRejected, message, hint).with(|data| {
            data.hash = hash;
            data.reason = Some(refusal.reason);
            data.expected = refusal.expected;
            data.got = refusal.got;
        })
    }

    /// The transaction was sent before.
    #[must_use]
    pub fn already_known(hash: TxHash, status: super::types::TxStatus) -> Self {
        Self::new(
            ErrorCode::AlreadyKnown,
            format!("transaction {hash} is known already"),
            "nothing was lost: wait for it with tx_wait",
        )
        .with(|data| {
            data.hash = Some(hash);
            data.status = Some(status);
        })
    }

    /// The caller sends faster than it may.
    #[must_use]
    pub fn limit(what: impl std::fmt::Display, retry_after_ms: u32) -> Self {
        Self::new(
            ErrorCode::Limit,
            format!("too many requests: {what}"),
            format!("wait {retry_after_ms} ms"),
        )
        .with(|data| data.retry_after_ms = Some(retry_after_ms))
    }

    /// The node is behind.
    #[must_use]
    pub fn not_synced(lag: u64) -> Self {
        Self::new(
            ErrorCode::NotSynced,
            format!("this node is {lag} blocks behind"),
            "wait, or ask another node",
        )
        .with(|data| data.lag = Some(lag))
    }

    /// There is no room for another transaction now.
    #[must_use]
    pub fn mempool_full(hash: Option<TxHash>, retry_after_ms: u32) -> Self {
        Self::new(
            ErrorCode::MempoolFull,
            "the mempool is full",
            format!("send the same bytes again after {retry_after_ms} ms, or pay a higher fee"),
        )
        .with(|data| {
            data.hash = hash;
            data.retry_after_ms = Some(retry_after_ms);
        })
    }

    /// The chain makes no progress.
    #[must_use]
    pub fn stalled(view: View, missing: Vec<String>) -> Self {
        Self::new(
            ErrorCode::Stalled,
            format!("the chain stands still in view {view}; missing: {}", missing.join(", ")),
            "start the missing validators; node_status says more",
        )
        .with(|data| {
            data.view = Some(view);
            data.missing = missing;
        })
    }

    /// The request is larger than allowed.
    #[must_use]
    pub fn too_large(what: impl std::fmt::Display, limit: u64) -> Self {
        Self::new(
            ErrorCode::TooLarge,
            format!("{what} is larger than {limit}"),
            "split it into several requests",
        )
        .with(|data| data.limit = Some(limit))
    }

    /// The caller may not do this here.
    #[must_use]
    pub fn unauthorized(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthorized, why, hint)
    }

    /// The cursor was not given out by this method.
    #[must_use]
    pub fn bad_cursor() -> Self {
        Self::new(
            ErrorCode::BadCursor,
            "the cursor is not one this method gave out",
            "start again without a cursor",
        )
    }

    /// The node is stopping.
    #[must_use]
    pub fn shutting_down() -> Self {
        Self::new(ErrorCode::ShuttingDown, "the node is stopping", "ask another node")
    }

    /// The same error with the hash of the transaction it is about.
    #[must_use]
    pub fn about(self, hash: TxHash) -> Self {
        self.with(|data| data.hash = Some(hash))
    }

    fn with(mut self, fill: impl FnOnce(&mut ErrorData)) -> Self {
        fill(&mut self.data);
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn codes_and_numbers_match_both_ways() {
        for (code, number, name) in ErrorCode::all() {
            assert_eq!((code.number(), code.name()), (number, name));
            assert_eq!(ErrorCode::from_number(number), code);
        }
        assert_eq!(ErrorCode::from_number(-1).number(), -1);
    }

    #[test]
    fn an_error_has_the_documented_form() {
        let refusal = Refusal {
            reason: "NONCE_TOO_LOW".to_owned(),
            expected: Some("7".to_owned()),
            got: Some("3".to_owned()),
        };
        let error = RpcError::tx_rejected(Some(TxHash::ZERO), refusal, "sign again");
        let expected = json!({
            "code": -32003,
            "message": "rejected: NONCE_TOO_LOW: expected 7, got 3",
            "data": {
                "code": "TX_REJECTED",
                "hint": "sign again",
                "reason": "NONCE_TOO_LOW",
                "expected": "7",
                "got": "3",
                "hash": "00".repeat(32),
            },
        });
        assert_eq!(serde_json::to_value(&error).unwrap(), expected);
        assert_eq!(serde_json::from_value::<RpcError>(expected).unwrap(), error);
    }

    #[test]
    fn every_error_has_code_and_hint() {
        let all = [
            RpcError::parse_error("x"),
            RpcError::invalid_request("x"),
            RpcError::method_not_found("x"),
            RpcError::needs_socket("x"),
            RpcError::invalid_params("x", "y"),
            RpcError::internal(),
            RpcError::not_found("x"),
            RpcError::pruned("x", Height::new(3)),
            RpcError::already_known(TxHash::ZERO, super::super::types::TxStatus::Pending),
            RpcError::limit("x", 5),
            RpcError::not_synced(9),
            RpcError::mempool_full(None, 5),
            RpcError::stalled(View::new(7), vec!["v2".to_owned()]),
            RpcError::too_large("x", 5),
            RpcError::unauthorized("x", "y"),
            RpcError::bad_cursor(),
            RpcError::shutting_down().about(TxHash::ZERO),
        ];
        for error in all {
            assert_eq!(error.data.code, error.code.name());
            assert!(!error.data.hint.is_empty() && !error.message.is_empty());
            let value = serde_json::to_value(&error).unwrap();
            assert_eq!(serde_json::from_value::<RpcError>(value).unwrap(), error);
        }
    }

    #[test]
    fn an_error_of_a_stranger_is_read_too() {
        let error: RpcError =
            serde_json::from_value(json!({ "code": -5, "message": "x" })).unwrap();
        assert_eq!(error.code, ErrorCode::Other(-5));
        assert!(!error.code.is_transient());
    }
}
