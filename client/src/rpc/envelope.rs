//! The JSON-RPC 2.0 envelope.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::RpcError;

/// The only protocol version that is spoken.
pub const JSONRPC: &str = "2.0";

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Always [`JSONRPC`].
    pub jsonrpc: String,
    /// Chosen by the caller and sent back; a request without it is a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// Name of the method.
    pub method: String,
    /// Parameters by name, or by position in the order of the documentation.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
}

impl Request {
    /// A call with a numeric id.
    #[must_use]
    pub fn new(id: u64, method: &str, params: Value) -> Self {
        Self { jsonrpc: JSONRPC.to_owned(), id: Some(id.into()), method: method.to_owned(), params }
    }
}

/// The answer to one call: exactly one of `result` and `error` is present.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Always [`JSONRPC`].
    pub jsonrpc: String,
    /// The id of the call; null when the call could not be read.
    #[serde(default)]
    pub id: Value,
    /// The result, when the call succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub result: Option<Value>,
    /// The error, when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RpcError>,
}

impl Response {
    /// The answer to the call `id`.
    #[must_use]
    pub fn new(id: Value, outcome: Result<Value, RpcError>) -> Self {
        let (result, error) = match outcome {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: JSONRPC.to_owned(), id, result, error }
    }

    /// The outcome of the call; `None` when the envelope holds neither or both.
    #[must_use]
    pub fn into_outcome(self) -> Option<Result<Value, RpcError>> {
        match (self.result, self.error) {
            (Some(result), None) => Some(Ok(result)),
            (None, Some(error)) => Some(Err(error)),
            _ => None,
        }
    }
}

/// A call as a client writes it: the parameters go to JSON without a detour.
#[derive(Debug, Serialize)]
pub(crate) struct Call<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a P,
}

impl<'a, P> Call<'a, P> {
    pub(crate) fn new(id: u64, method: &'a str, params: &'a P) -> Self {
        Self { jsonrpc: JSONRPC, id, method, params }
    }
}

/// An answer as a client reads it: the result comes from JSON without a detour.
#[derive(Debug, Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
pub(crate) struct Answer<R> {
    #[serde(default)]
    id: Value,
    #[serde(default = "absent", deserialize_with = "present")]
    result: Option<R>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl<R> Answer<R> {
    /// The outcome of the call `id`, or why this is no answer to it.
    pub(crate) fn into_outcome(self, id: u64) -> Result<Result<R, RpcError>, &'static str> {
        // An error about a request that could not be read has no id.
        let unread = self.id.is_null() && self.error.is_some();
        if self.id != id && !unread {
            return Err("it answers another call");
        }
        match (self.result, self.error) {
            (Some(result), None) => Ok(Ok(result)),
            (None, Some(error)) => Ok(Err(error)),
            _ => Err("it holds neither a result nor an error, or both"),
        }
    }
}

fn absent<R>() -> Option<R> {
    None
}

/// A result of `null` is a result: plain `Option` would read it as absent.
fn present<'de, D, R>(input: D) -> Result<Option<R>, D::Error>
where
    D: Deserializer<'de>,
    R: Deserialize<'de>,
{
    R::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_has_the_documented_form() {
        let request = Request::new(7, "chain_info", Value::Null);
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":7,"method":"chain_info"}"#);
    }

    #[test]
    fn an_answer_holds_a_result_or_an_error() {
        let ok = Response::new(json!(1), Ok(Value::Null));
        let text = serde_json::to_string(&ok).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
        let read: Response = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_outcome(), Some(Ok(Value::Null)));

        let neither: Response = serde_json::from_str(r#"{"jsonrpc":"2.0","id":1}"#).unwrap();
        assert_eq!(neither.into_outcome(), None);
    }
}
