//! From the body of a request to the body of its answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use logothete_client::rpc::{Api, ErrorCode, METHODS, MethodInfo, RpcError, dispatch};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::clients::Visitor;
use super::envelope::{Body, Broken, Call, Outcome, Request, parse, write_response};
use crate::metrics::Metrics;

/// What a client is told to wait when too many calls are under way.
const BUSY_RETRY_MS: u32 = 250;
/// The one method that is meant to last.
const WAIT: &str = "tx_wait";

/// A table of methods and what answers them.
pub trait Interface: Send + Sync {
    /// The methods.
    const METHODS: &'static [MethodInfo];

    /// Serves one call: the result as it is written, or why there is none.
    fn call(
        &self,
        name: &str,
        params: Option<&RawValue>,
    ) -> impl Future<Output = Result<Vec<u8>, RpcError>> + Send;
}

impl<A: Api> Interface for A {
    const METHODS: &'static [MethodInfo] = METHODS;

    async fn call(&self, name: &str, params: Option<&RawValue>) -> Result<Vec<u8>, RpcError> {
        // Boxed: the future of a dispatch is as large as that of its largest method.
        Box::pin(dispatch(self, name, params)).await
    }
}

/// Answers bodies of JSON-RPC 2.0 by an [`Interface`], within bounds.
pub struct Dispatcher<A> {
    api: A,
    limits: Limits,
    metrics: Metrics,
    calls: Semaphore,
    waits: Semaphore,
    stopping: CancellationToken,
}

impl<A: Interface> Dispatcher<A> {
    /// Serves `api`; after `stopping` every call is answered `SHUTTING_DOWN`.
    pub fn new(api: A, limits: Limits, metrics: Metrics, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            calls: Semaphore::new(limits.calls),
            waits: Semaphore::new(limits.waits),
            api,
            limits,
            metrics,
            stopping,
        })
    }

    /// The interface that is served.
    pub fn api(&self) -> &A {
        &self.api
    }

    /// The bounds it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends everything that lasts when it is cancelled.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Answers one body of a client; nothing when it holds only notifications.
    pub async fn answer(&self, body: &[u8], visitor: &Visitor) -> Option<Vec<u8>> {
        match parse(body, &self.limits) {
            Err(error) => {
                self.metrics.rpc.answered("none", error.code.name(), Duration::ZERO);
                Some(error_body(&error))
            }
            Ok(Body::Single(request)) => self.respond(request, visitor).await,
            Ok(Body::Batch(requests)) => self.answer_batch(requests, visitor).await,
        }
    }

    /// Answers the calls of a batch in their order; some run at the same time.
    async fn answer_batch(&self, requests: Vec<Request<'_>>, visitor: &Visitor) -> Option<Vec<u8>> {
        let answers: Vec<BoxFuture<'_, Option<Vec<u8>>>> =
            requests.into_iter().map(|request| self.respond(request, visitor).boxed()).collect();
        let mut answers = stream::iter(answers).buffered(self.limits.batch_parallel);
        let mut out = vec![b'['];
        while let Some(answer) = answers.next().await {
            let Some(answer) = answer else { continue };
            if out.len() > 1 {
                out.push(b',');
            }
            if out.len() + answer.len() > self.limits.response_bytes {
                return Some(error_body(&self.answer_too_large()));
            }
            out.extend_from_slice(&answer);
        }
        out.push(b']');
        (out.len() > 2).then_some(out)
    }

    async fn respond(&self, request: Request<'_>, visitor: &Visitor) -> Option<Vec<u8>> {
        let (id, outcome) = match request {
            Ok(call) => {
                let outcome = self.serve(&call, visitor).await;
                (Some(call.id?), outcome)
            }
            Err(Broken { id, error }) => {
                self.metrics.rpc.answered("none", error.code.name(), Duration::ZERO);
                (id, Err(error))
            }
        };
        let mut out = Vec::with_capacity(256);
        write_response(&mut out, id, &outcome);
        Some(out)
    }

    /// Serves one call and counts it.
    async fn serve(&self, call: &Call<'_>, visitor: &Visitor) -> Outcome {
        let started = Instant::now();
        let outcome = match visitor.call(started) {
            Ok(()) => self.serve_bounded(call).await,
            Err(too_many) => Err(too_many),
        };
        let known = A::METHODS.iter().find(|method| method.name == call.method);
        let method = known.map_or("unknown", |method| method.name);
        let code = outcome.as_ref().map_or_else(|error| error.code.name(), |_| "ok");
        self.metrics.rpc.answered(method, code, started.elapsed());
        outcome
    }

    async fn serve_bounded(&self, call: &Call<'_>) -> Outcome {
        if self.stopping.is_cancelled() {
            return Err(RpcError::shutting_down());
        }
        let waits = call.method == WAIT;
        let (permits, time) = if waits {
            (&self.waits, self.limits.wait_time_max + self.limits.call_time)
        } else {
            (&self.calls, self.limits.call_time)
        };
        let Ok(_permit) = permits.try_acquire() else {
            return Err(RpcError::limit("too many calls are under way", BUSY_RETRY_MS));
        };
        let served = AssertUnwindSafe(self.api.call(&call.method, call.params)).catch_unwind();
        let result = tokio::select! {
            result = tokio::time::timeout(time, served) => result,
            () = self.stopping.cancelled(), if waits => return Err(RpcError::shutting_down()),
        };
        match result {
            Ok(Ok(outcome)) => self.bounded(outcome?),
            Ok(Err(_)) => {
                tracing::error!(event = "rpc.method.panicked", method = %call.method);
                Err(RpcError::internal())
            }
            Err(_) => Err(too_slow(time)),
        }
    }

    fn bounded(&self, result: Vec<u8>) -> Outcome {
        if result.len() > self.limits.response_bytes {
            return Err(self.answer_too_large());
        }
        Ok(result)
    }

    fn answer_too_large(&self) -> RpcError {
        RpcError::too_large("the answer", super::envelope::as_u64(self.limits.response_bytes))
    }
}

/// A response to a body as a whole.
pub(super) fn error_body(error: &RpcError) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_response(&mut out, None, &Err(error.clone()));
    out
}

fn too_slow(time: Duration) -> RpcError {
    let message = format!("the call took longer than {} s", time.as_secs());
    let mut error = RpcError::new(ErrorCode::Limit, message, "the node is busy: try again later");
    error.data.retry_after_ms = Some(BUSY_RETRY_MS);
    error
}
