//! Following a transaction to its end.

use std::time::Duration;

use logothete_primitives::TxHash;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::rpc::Method;
use crate::rpc::method::TxWaitMethod;
use crate::rpc::types::{TxState, TxStatus, TxWait};
use crate::transport::ClientError;

/// The longest single question: a node that dies in it is noticed soon.
const QUESTION: Duration = Duration::from_secs(5);
/// What the answer may take beyond the question.
const GRACE: Duration = Duration::from_secs(5);
/// The shortest time between two questions.
const PAUSE: Duration = Duration::from_millis(50);

impl Client {
    /// Waits until a transaction is final or dropped, or until the patience is over; then it tells
    /// where the transaction was seen last. A node that fails meanwhile is replaced by the next.
    ///
    /// # Errors
    /// A refusal, or what happened last when no node ever answered.
    pub async fn wait(&self, hash: TxHash, patience: Duration) -> Result<TxStatus, ClientError> {
        let deadline = Instant::now() + patience;
        let mut last = Err(ClientError::NoUrls);
        loop {
            let asked = Instant::now();
            let mut pause = PAUSE;
            let left = deadline.saturating_duration_since(asked);
            match self.wait_once(hash, left.min(QUESTION)).await {
                Ok(status) if status.is_settled() => return Ok(status),
                Ok(status) => last = Ok(status),
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) => {
                    self.transport.turn();
                    pause = pause.max(error.retry_after().unwrap_or_default());
                    last = last.or(Err(error));
                }
            }
            if Instant::now() >= deadline {
                return last;
            }
            // A node that does not know the transaction answers at once.
            let next = (asked + pause).min(deadline);
            sleep(next.saturating_duration_since(Instant::now())).await;
        }
    }

    async fn wait_once(&self, hash: TxHash, time: Duration) -> Result<TxStatus, ClientError> {
        let timeout_ms = Some(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        let params = TxWait { hash, timeout_ms };
        let state: TxState =
            self.transport.call_once(TxWaitMethod::NAME, &params, time + GRACE).await?;
        if state.hash != hash {
            let why = format!("it speaks of {}", state.hash);
            return Err(ClientError::BadAnswer { url: "the node".to_owned(), why });
        }
        Ok(state.status)
    }
}
