//! A node that lies in one place: what it answers passes through here and is changed on the way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinHandle;

/// One change of what a node answers.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    /// Nothing is changed.
    None,
    /// A change of the result of a method.
    Result(&'static str, fn(&mut Value)),
    /// One bit of the chain specification, at this byte.
    Genesis(usize),
}

/// The liar. It ends with this value.
pub struct Liar {
    /// Where it listens.
    pub address: SocketAddr,
    told: Arc<Told>,
    server: JoinHandle<()>,
}

struct Told {
    node: SocketAddr,
    lie: Mutex<Lie>,
    http: reqwest::Client,
}

impl Liar {
    /// Stands before a node, honest at first.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn before(node: SocketAddr) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let http = reqwest::Client::new();
        let told = Arc::new(Told { node, lie: Mutex::new(Lie::None), http });
        let router = Router::new().fallback(pass).with_state(told.clone());
        let server = tokio::spawn(async move {
            // It serves until it is aborted; a test whose answers stop coming fails by itself.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, told, server })
    }

    /// Lies like this from now on.
    pub fn tell(&self, lie: Lie) {
        *self.told.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    State(told): State<Arc<Told>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match forward(&told, method, &uri, &headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Without the origin: the page belongs to this address, not to the node's.
async fn forward(
    told: &Told,
    method: Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> anyhow::Result<Response> {
    let lie = *told.lie.lock().unwrap_or_else(PoisonError::into_inner);
    let mut request = told.http.request(method, format!("http://{}{uri}", told.node));
    if let Some(kind) = headers.get(CONTENT_TYPE) {
        request = request.header(CONTENT_TYPE, kind);
    }
    let answer = request.body(body.clone()).send().await?;
    let (status, answered) = (answer.status(), answer.headers().clone());
    let mut bytes = answer.bytes().await?.to_vec();
    match (lie, uri.path()) {
        (Lie::Result(method, change), "/rpc") => {
            bytes = change_results(&body, &bytes, method, change)?;
        }
        (Lie::Genesis(at), "/genesis") => bytes[at] ^= 1,
        _ => {}
    }
    let mut response = (status, Body::from(bytes)).into_response();
    for name in ["content-type", "content-security-policy"] {
        if let Some(value) = answered.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

fn change_results(
    asked: &[u8],
    answered: &[u8],
    method: &str,
    change: fn(&mut Value),
) -> anyhow::Result<Vec<u8>> {
    let asked: Value = serde_json::from_slice(asked)?;
    let mut answered: Value = serde_json::from_slice(answered)?;
    let of = |answer: &Value| {
        let calls = asked.as_array().map_or(std::slice::from_ref(&asked), Vec::as_slice);
        calls.iter().any(|call| call["id"] == answer["id"] && call["method"] == method)
    };
    let answers = match &mut answered {
        Value::Array(answers) => answers.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for answer in answers.iter_mut().filter(|answer| of(answer)) {
        if let Some(result) = answer.get_mut("result") {
            change(result);
        }
    }
    Ok(serde_json::to_vec(&answered)?)
}

/// Changes one bit of a hexadecimal text, at this byte; counted from the end when negative.
///
/// # Panics
/// When there is no text of that length: the test would prove nothing.
pub fn flip(text: &mut Value, byte: isize) {
    let old = text.as_str().expect("a text of hexadecimal digits");
    let length = isize::try_from(old.len()).expect("a text in memory");
    let at = 2 * byte + if byte < 0 { length } else { 0 } + 1;
    let at = usize::try_from(at).expect("a byte of the text");
    let digit = u8::from_str_radix(&old[at..=at], 16).expect("a hexadecimal digit") ^ 1;
    *text = format!("{}{digit:x}{}", &old[..at], &old[at + 1..]).into();
}
