//! The envelope of JSON-RPC 2.0: from the bytes of a body to calls, and from outcomes to bytes.

use std::borrow::Cow;
use std::fmt;

use logothete_client::rpc::RpcError;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Limits;

/// The longest identifier of a request that is echoed.
const ID_BYTES_MAX: usize = 256;

/// What a body asks for.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// One call, or what should have been one.
    Single(Request<'a>),
    /// A batch, in the order of the body.
    Batch(Vec<Request<'a>>),
}

/// One element of a body: a call, or the error that is its answer.
pub(super) type Request<'a> = Result<Call<'a>, Broken<'a>>;

/// A well-formed call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The name of the method.
    pub method: Cow<'a, str>,
    /// The parameters as they came.
    pub params: Option<&'a RawValue>,
    /// The identifier to echo; none for a notification, which is not answered.
    pub id: Option<&'a RawValue>,
}

/// A call whose envelope does not hold.
#[derive(Debug)]
pub(super) struct Broken<'a> {
    /// The identifier, where it could be read.
    pub id: Option<&'a RawValue>,
    /// What is wrong.
    pub error: RpcError,
}

/// Reads a body; the error, if any, is the answer to the body as a whole.
pub(super) fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Body<'a>, RpcError> {
    let text = std::str::from_utf8(bytes).map_err(RpcError::parse_error)?;
    check_shape(bytes, limits)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(RpcError::parse_error)?;
    if !raw.get().starts_with('[') {
        return Ok(Body::Single(read_call(raw)));
    }
    let max = limits.batch_calls;
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let Elements(calls) = reader
        .deserialize_seq(ElementsVisitor { max })
        .map_err(|_| RpcError::too_large("the batch", as_u64(max)))?;
    if calls.is_empty() {
        return Err(RpcError::invalid_request("an empty batch asks for nothing"));
    }
    Ok(Body::Batch(calls.into_iter().map(read_call).collect()))
}

/// Bounds nesting and the number of values before anything is built from the text: a value in
/// memory is ten times larger than the two bytes that may ask for it.
fn check_shape(bytes: &[u8], limits: &Limits) -> Result<(), RpcError> {
    let (mut depth, mut values, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > limits.depth {
                    return Err(RpcError::too_large(
                        "the nesting of the JSON",
                        as_u64(limits.depth),
                    ));
                }
            }
            b',' => values += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if values > limits.values {
        return Err(RpcError::too_large("the number of JSON values", as_u64(limits.values)));
    }
    Ok(())
}

pub(super) fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The members of an envelope; others are ignored, as the specification has it.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// Tells `"id": null` from no `id`.
fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&'de RawValue>::deserialize(reader).map(Some)
}

fn read_call(raw: &RawValue) -> Request<'_> {
    let broken = |id, what: &str| Broken { id, error: RpcError::invalid_request(what) };
    if !raw.get().starts_with('{') {
        return Err(broken(None, "a call is an object with jsonrpc, method, params and id"));
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(raw.get()) else {
        return Err(broken(None, "a member of the call appears twice"));
    };
    let id = members.id;
    if !id.is_none_or(valid_id) {
        return Err(broken(None, "id must be a short string, a number or null"));
    }
    if members.jsonrpc.is_none_or(|version| version.get() != "\"2.0\"") {
        return Err(broken(id, "jsonrpc must be the string \"2.0\""));
    }
    let method = members.method.map(RawValue::get).and_then(|m| serde_json::from_str(m).ok());
    let Some(Text(method)) = method else {
        return Err(broken(id, "method must be a string"));
    };
    let params = members.params;
    if !params.is_none_or(|p| p.get().starts_with(['{', '['])) {
        return Err(broken(id, "params must be an object or an array"));
    }
    Ok(Call { method, params, id })
}

/// A string that is borrowed when it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn valid_id(id: &RawValue) -> bool {
    let text = id.get();
    let starts_well = text == "null" || text.starts_with(['"', '-']) || starts_with_digit(text);
    starts_well && text.len() <= ID_BYTES_MAX
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The elements of a batch, at most so many.
struct Elements<'a>(Vec<&'a RawValue>);

struct ElementsVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} calls", self.max)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            if elements.len() == self.max {
                return Err(serde::de::Error::invalid_length(self.max + 1, &self));
            }
            elements.push(element);
        }
        Ok(Elements(elements))
    }
}

/// Writes one response object to `out`.
pub(super) fn write_response(out: &mut Vec<u8>, id: Option<&RawValue>, outcome: &Outcome) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.map_or("null", RawValue::get).as_bytes());
    match outcome {
        Ok(result) => {
            out.extend_from_slice(b",\"result\":");
            out.extend_from_slice(result);
        }
        Err(error) => {
            out.extend_from_slice(b",\"error\":");
            serde_json::to_writer(&mut *out, error).expect("an error is plain JSON");
        }
    }
    out.push(b'}');
}

/// The outcome of a call: the JSON of its result, or an error.
pub(super) type Outcome = Result<Vec<u8>, RpcError>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_client::rpc::ErrorCode;

    use super::{Body, Broken, Call, parse};
    use crate::rpc::Limits;

    fn limits() -> Limits {
        Limits { depth: 8, batch_calls: 3, values: 40, ..Limits::default() }
    }

    fn refused(text: &[u8]) -> ErrorCode {
        parse(text, &limits()).unwrap_err().code
    }

    fn single(text: &str) -> Result<Call<'_>, Broken<'_>> {
        match parse(text.as_bytes(), &limits()).unwrap() {
            Body::Single(request) => request,
            Body::Batch(_) => panic!("a single call expected"),
        }
    }

    #[test]
    fn reads_a_call_and_its_id() {
        let call = single(r#"{"jsonrpc":"2.0","method":"a_b","params":{"x":1},"id":7}"#).unwrap();
        assert_eq!(call.method, "a_b");
        assert_eq!(call.params.unwrap().get(), r#"{"x":1}"#);
        assert_eq!(call.id.unwrap().get(), "7");
    }

    #[test]
    fn tells_a_notification_from_a_null_id() {
        assert!(single(r#"{"jsonrpc":"2.0","method":"a"}"#).unwrap().id.is_none());
        let call = single(r#"{"jsonrpc":"2.0","method":"a","id":null}"#).unwrap();
        assert_eq!(call.id.unwrap().get(), "null");
    }

    #[test]
    fn names_what_is_wrong_with_an_envelope() {
        for (text, word) in [
            (r#"{"method":"a","id":1}"#, "jsonrpc"),
            (r#"{"jsonrpc":2.0,"method":"a","id":1}"#, "jsonrpc"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "method"),
            (r#"{"jsonrpc":"2.0","method":3,"id":1}"#, "method"),
            (r#"{"jsonrpc":"2.0","method":"a","params":"x","id":1}"#, "params"),
            (r#"{"jsonrpc":"2.0","method":"a","id":{}}"#, "id"),
            (r#"{"jsonrpc":"2.0","method":"a","method":"b"}"#, "twice"),
            ("17", "object"),
        ] {
            let error = single(text).unwrap_err().error;
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{text}");
            assert!(error.message.contains(word), "{text}: {}", error.message);
        }
    }

    #[test]
    fn malformed_json_is_a_parse_error() {
        for text in ["", "{", "{\"a\":}", "[1,]", "nul", "{} {}"] {
            assert_eq!(refused(text.as_bytes()), ErrorCode::ParseError, "{text}");
        }
        assert_eq!(refused(&[0xff, 0xfe]), ErrorCode::ParseError);
    }

    #[test]
    fn depth_values_and_batch_length_are_bounded() {
        let deep = format!("{}{}", "[".repeat(9), "]".repeat(9));
        assert_eq!(refused(deep.as_bytes()), ErrorCode::TooLarge);
        let many = format!("[[{}0]]", "0,".repeat(50));
        assert_eq!(refused(many.as_bytes()), ErrorCode::TooLarge);
        let in_a_string = r#"{"jsonrpc":"2.0","method":"[[[[[[[[[[\"[[[[,,,,","id":1}"#;
        assert!(single(in_a_string).is_ok());
        assert!(parse(b"[1,2,3]", &limits()).is_ok());
        assert_eq!(refused(b"[1,2,3,4]"), ErrorCode::TooLarge);
        assert_eq!(refused(b"[]"), ErrorCode::InvalidRequest);
    }
}
