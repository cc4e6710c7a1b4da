//! Requests of ours that wait for one peer's answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::error::RequestError;

type Answer = Result<Bytes, RequestError>;

/// Requests in flight to one peer, by correlation id.
#[derive(Debug)]
pub(crate) struct Requests {
    max: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    closed: bool,
}

impl Requests {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, table: Mutex::default() })
    }

    /// Opens a request, unless too many wait already.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<InFlight, RequestError> {
        let mut table = self.table();
        if table.closed {
            return Err(RequestError::Disconnected);
        }
        if table.waiting.len() >= self.max {
            return Err(RequestError::TooManyInFlight { max: self.max });
        }
        table.last_id += 1;
        let id = table.last_id;
        let (sender, receiver) = oneshot::channel();
        table.waiting.insert(id, sender);
        drop(table);
        Ok(InFlight { id, receiver, requests: Arc::clone(self) })
    }

    /// Hands an answer to whoever waits for it. An unknown id is an answer that came too late.
    pub(crate) fn settle(&self, id: u64, answer: Answer) {
        let waiting = self.table().waiting.remove(&id);
        if let Some(sender) = waiting {
            let _ = sender.send(answer);
        }
    }

    /// Ends every request and refuses new ones.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        table.waiting.clear();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in flight; dropping it forgets the request.
#[derive(Debug)]
pub(crate) struct InFlight {
    id: u64,
    receiver: oneshot::Receiver<Answer>,
    requests: Arc<Requests>,
}

impl InFlight {
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) async fn answer(mut self) -> Answer {
        (&mut self.receiver).await.unwrap_or(Err(RequestError::Disconnected))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.requests.table().waiting.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn answers_find_their_request_in_any_order() {
        let requests = Requests::new(2);
        let (a, b) = (requests.begin().unwrap(), requests.begin().unwrap());
        assert_eq!(requests.begin().unwrap_err(), RequestError::TooManyInFlight { max: 2 });
        requests.settle(b.id(), Ok(Bytes::from_static(b"b")));
        requests.settle(a.id(), Err(RequestError::Declined));
        requests.settle(99, Err(RequestError::Busy));
        assert_eq!(b.answer().await.unwrap(), "b");
        assert_eq!(a.answer().await, Err(RequestError::Declined));
    }

    #[tokio::test]
    async fn a_dropped_request_makes_room_and_a_closed_table_ends_all() {
        let requests = Requests::new(1);
        drop(requests.begin().unwrap());
        let waiting = requests.begin().unwrap();
        requests.close();
        assert_eq!(waiting.answer().await, Err(RequestError::Disconnected));
        assert_eq!(requests.begin().unwrap_err(), RequestError::Disconnected);
    }
}
