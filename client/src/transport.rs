//! One call over HTTP, several nodes, one retry policy.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use logothete_primitives::TxHash;
use reqwest::header::HeaderValue;
use reqwest::{Response, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::rpc::envelope::{Answer, Call};
use crate::rpc::{ErrorCode, RpcError};

/// No answer is longer than this.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is nobody to ask.
    #[error("no node was named")]
    NoUrls,
    /// Not the address of a node.
    #[error("{url:?} is not the address of a node: {why}; write it like http://127.0.0.1:8080")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a token.
    #[error("the token has characters that no token has; copy it again")]
    BadToken,
    /// No connection was made: the node has not heard of the call.
    #[error("no connection to {url}: {why}")]
    Unreachable {
        /// The node.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The call may have arrived, but no answer came.
    #[error("no answer from {url}: {why}")]
    Lost {
        /// The node.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The answer is not one of this interface.
    #[error("{url} gave an answer that makes no sense: {why}")]
    BadAnswer {
        /// The node.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The node refused.
    #[error(transparent)]
    Rpc(Box<RpcError>),
    /// A transaction may have been taken or not. Its hash is what to ask for; sending the same
    /// bytes again is harmless.
    #[error("it is not known whether transaction {hash} was taken: {last}")]
    Unknown {
        /// The transaction.
        hash: TxHash,
        /// What happened last.
        last: Box<ClientError>,
    },
}

impl ClientError {
    /// What the node said, if it refused.
    #[must_use]
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            Self::Unknown { last, .. } => last.rpc(),
            _ => None,
        }
    }

    /// True when the same call may yet succeed, here or elsewhere.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::BadAnswer { .. } => true,
            Self::Rpc(error) => error.code.is_transient(),
            Self::NoUrls | Self::BadUrl { .. } | Self::BadToken | Self::Unknown { .. } => false,
        }
    }

    /// True when the node may have acted on the call all the same.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::BadAnswer { .. } | Self::Unknown { .. } => true,
            Self::Rpc(error) => matches!(error.code, ErrorCode::Internal | ErrorCode::Other(_)),
            Self::NoUrls | Self::BadUrl { .. } | Self::BadToken | Self::Unreachable { .. } => false,
        }
    }

    /// How long the node asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let wait = self.rpc()?.data.retry_after_ms?;
        Some(Duration::from_millis(wait.into()))
    }
}

impl From<RpcError> for ClientError {
    fn from(error: RpcError) -> Self {
        Self::Rpc(Box::new(error))
    }
}

/// How calls are repeated: growing pauses with jitter, within a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// All attempts together; after that, and when every node was asked, the last error stands.
    pub budget: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
}

impl RetryPolicy {
    /// For reads: an error should be seen soon.
    pub const READ: Self = Self {
        first: Duration::from_millis(50),
        longest: Duration::from_millis(500),
        budget: Duration::from_secs(1),
        attempt: Duration::from_secs(10),
    };

    /// For transactions: worth some patience.
    pub const SUBMIT: Self = Self {
        first: Duration::from_millis(50),
        longest: Duration::from_secs(2),
        budget: Duration::from_secs(15),
        attempt: Duration::from_secs(10),
    };

    /// The pauses between the attempts at one call.
    pub(crate) fn pauses(&self, nodes: usize) -> Pauses {
        let growing = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .without_max_times()
            .build();
        Pauses { growing, deadline: Instant::now() + self.budget, untried: nodes }
    }
}

/// The pauses between the attempts at one call.
pub(crate) struct Pauses {
    growing: ExponentialBackoff,
    deadline: Instant,
    untried: usize,
}

impl Pauses {
    /// How long to wait after an error; `None` when the budget is spent and every node was asked.
    pub(crate) fn after(&mut self, error: &ClientError) -> Option<Duration> {
        self.untried = self.untried.saturating_sub(1);
        let pause = self.growing.next()?.max(error.retry_after().unwrap_or_default());
        let in_time = Instant::now() + pause <= self.deadline;
        (in_time || self.untried > 0).then_some(pause)
    }
}

/// Nodes that answer calls. The one that answered last is asked first.
#[derive(Debug)]
pub struct Transport {
    /// Shown with every call; marked as sensitive, so that it is not printed.
    token: Option<HeaderValue>,
    http: reqwest::Client,
    urls: Vec<Url>,
    preferred: AtomicUsize,
    ids: AtomicU64,
}

impl Transport {
    /// Nodes by their addresses.
    ///
    /// # Errors
    /// No address, or one that is none.
    pub fn new<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Result<Self, ClientError> {
        let urls =
            urls.into_iter().map(|url| parse_url(&url.into())).collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err(ClientError::NoUrls);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client without TLS has nothing to load");
        Ok(Self { token: None, http, urls, preferred: AtomicUsize::new(0), ids: AtomicU64::new(1) })
    }

    /// The same that shows a token with every call, as the administration listener wants it.
    ///
    /// # Errors
    /// A token that no header can hold.
    pub fn with_token(mut self, token: &str) -> Result<Self, ClientError> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ClientError::BadToken)?;
        value.set_sensitive(true);
        self.token = Some(value);
        Ok(self)
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.urls.len()
    }

    /// The addresses of the nodes.
    pub(crate) fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// Asks the preferred node once.
    ///
    /// # Errors
    /// No connection, no answer, a senseless answer, or the node's refusal.
    pub async fn call_once<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
        timeout: Duration,
    ) -> Result<R, ClientError> {
        let url = self.urls[self.preferred.load(Ordering::Relaxed) % self.urls.len()].clone();
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = serde_json::to_vec(&Call::new(id, method, params)).map_err(|error| {
            RpcError::invalid_params(error, "these parameters have no form in JSON")
        })?;
        let mut post = self.http.post(url.clone()).timeout(timeout).body(request);
        if let Some(token) = &self.token {
            post = post.header(header::AUTHORIZATION, token.clone());
        }
        let sent = post.header(header::CONTENT_TYPE, "application/json").send().await;
        let answer = sent.map_err(|error| failed(&url, &error))?;
        let body = read_body(&url, answer).await?;
        let bad = |why: String| ClientError::BadAnswer { url: url.to_string(), why };
        let answer: Answer<R> =
            serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
        answer.into_outcome(id).map_err(|why| bad(why.to_owned()))?.map_err(Into::into)
    }

    /// Asks until a node answers, the error is not transient, or the budget is spent.
    ///
    /// # Errors
    /// The last error.
    pub async fn call<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
        policy: &RetryPolicy,
    ) -> Result<R, ClientError> {
        let mut pauses = policy.pauses(self.nodes());
        let mut refusals = 0;
        loop {
            let error = match self.call_once(method, params, policy.attempt).await {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            if !error.is_transient() {
                return Err(error);
            }
            // A node that refuses is not asked again at once, but the others are.
            refusals += usize::from(error.rpc().is_some() && error.retry_after().is_none());
            if refusals >= self.nodes() {
                return Err(error);
            }
            self.turn();
            let Some(pause) = pauses.after(&error) else { return Err(error) };
            sleep(pause).await;
        }
    }

    /// Prefers the next node from now on.
    pub(crate) fn turn(&self) {
        self.preferred.fetch_add(1, Ordering::Relaxed);
    }
}

fn parse_url(text: &str) -> Result<Url, ClientError> {
    let bad = |why: &str| ClientError::BadUrl { url: text.to_owned(), why: why.to_owned() };
    let mut url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if url.scheme() != "http" {
        return Err(bad("only http is spoken; put TLS into a proxy or a tunnel"));
    }
    if !url.has_host() {
        return Err(bad("there is no host in it"));
    }
    if url.path() == "/" {
        url.set_path("/rpc");
    }
    Ok(url)
}

fn failed(url: &Url, error: &reqwest::Error) -> ClientError {
    let (url, why) = (url.to_string(), innermost(error));
    if error.is_connect() || error.is_builder() {
        ClientError::Unreachable { url, why }
    } else {
        ClientError::Lost { url, why }
    }
}

/// The cause that says something, without the chain of those that do not.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Reads a bounded body. Errors of the interface come with any status.
async fn read_body(url: &Url, mut answer: Response) -> Result<Vec<u8>, ClientError> {
    let bad = |why: String| ClientError::BadAnswer { url: url.to_string(), why };
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(url, &error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(bad(format!("it is longer than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() && !body.starts_with(b"{") {
        return Err(bad(format!("HTTP status {status}")));
    }
    Ok(body)
}
