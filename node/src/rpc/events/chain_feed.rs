//! A feed of what the chain holds, height by height.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{
    Event, ExecutedTx, ExecutedTxs, Participation, Position, Subscribe, Told,
};
use logothete_ledger::store::TxLocation;
use logothete_primitives::Height;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::lookup::Lookup;
use super::super::validators::count;
use super::super::{NodeApi, views};
use super::consensus_feed::ConsensusFeed;
use super::wish::{Subject, Wish};
use super::{Feed, Feeds};
use crate::head::Head;

/// Transactions told in one event.
pub(super) const ITEMS: usize = 256;

/// A reader of the chain that goes on where its subscriber is.
struct ChainFeed {
    api: NodeApi,
    head: watch::Receiver<Head>,
    subject: Subject,
    /// The first place that is not in `made` and was not told.
    next: TxLocation,
    /// Events of one step, made and not yet taken.
    made: VecDeque<Event>,
    told_last: Instant,
    over: bool,
}

/// A piece of the chain in events.
pub(super) struct Step {
    pub(super) events: VecDeque<Event>,
    /// The first place that they do not cover.
    pub(super) next: TxLocation,
}

/// Why a feed stopped waiting.
enum Woken {
    /// There is something to read.
    Head(Head),
    /// Nothing was told for a while.
    Quiet,
    /// The node stops.
    Stopped,
}

impl Feeds for NodeApi {
    fn feed(&self, wish: &Subscribe) -> Result<Feed, RpcError> {
        let head = self.service().head.clone();
        let at = self.lookup().anchor();
        let events = match Wish::new(wish, at.height)? {
            Wish::Consensus => ConsensusFeed::new(self.clone()).into_stream(),
            Wish::Chain(subject, next) => {
                if let Some(first) = self.lost_from(next.height, at.height) {
                    let what = format_args!("what happened at height {}", next.height);
                    return Err(RpcError::pruned(what, first));
                }
                let (made, told_last) = (VecDeque::new(), Instant::now());
                let api = self.clone();
                let feed = ChainFeed { api, head, subject, next, made, told_last, over: false };
                stream::unfold(feed, ChainFeed::step).boxed()
            }
        };
        Ok(Feed { at, events })
    }
}

impl NodeApi {
    /// The first height that is still told, when `next` is too far behind.
    fn lost_from(&self, next: Height, head: Height) -> Option<Height> {
        let behind = head.get().saturating_sub(next.get());
        let most = self.limits().events_behind;
        (behind > most).then(|| Height::new(head.get() - most))
    }

    /// The events of a step, read once for all who wait for it.
    async fn events_from(
        &self,
        subject: Subject,
        next: TxLocation,
        head: Head,
    ) -> Result<Arc<Step>, RpcError> {
        let whole = next.index == 0;
        let found = || self.recent().find(subject, next.height).filter(|_| whole);
        if let Some(step) = found() {
            return Ok(step);
        }
        let _turn = self.feed_turn().await?;
        // A thousand may have waited for the same block: the first of them has read it.
        if let Some(step) = found() {
            return Ok(step);
        }
        self.read_in_turn(move |api| {
            let step = Arc::new(api.read_events(subject, next, head)?);
            if whole {
                api.recent().keep(subject, next.height, &step);
            }
            Ok(step)
        })
        .await
    }

    /// The events of the next height, of the next few for an account.
    fn read_events(
        &self,
        subject: Subject,
        next: TxLocation,
        head: Head,
    ) -> Result<Step, RpcError> {
        let lookup = Lookup::new(self.service().chain.clone(), head);
        let told = match subject {
            Subject::Account(address) => return self.account_step(&lookup, &address, next),
            Subject::Txs => return txs_step(&lookup, next),
            Subject::Blocks => Told::Block(self.summarize(&lookup.block_at(next.height)?)),
            Subject::Validators => Told::Validators(self.participation(&lookup, next.height)?),
        };
        let position = Some(Position::all_of(next.height));
        let events = VecDeque::from([Event { position, told }]);
        Ok(Step { events, next: TxLocation { height: next.height.next(), index: 0 } })
    }

    fn participation(&self, lookup: &Lookup, height: Height) -> Result<Participation, RpcError> {
        let found = lookup.block_at(height)?;
        let header = &found.header;
        let between = header.view.get().saturating_sub(header.parent_view.get());
        Ok(Participation {
            height,
            block: found.hash,
            timestamp: header.timestamp,
            epoch: header.epoch,
            view: header.view,
            views_passed: between.saturating_sub(1),
            proposer: views::validator_ref(self.validators(), header.proposer),
            signers: self.signers_of(lookup, height)?,
            evidence_count: count(found.payload.evidence.len()),
        })
    }
}

impl ChainFeed {
    async fn step(mut self) -> Option<(Event, Self)> {
        let event = self.next_event().await?;
        self.told_last = Instant::now();
        Some((event, self))
    }

    async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.made.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let head = match self.wait().await {
                Woken::Head(head) => head,
                Woken::Quiet => return Some(self.alive()),
                Woken::Stopped => return None,
            };
            if let Some(resume_from) = self.api.lost_from(self.next.height, head.height) {
                self.over = true;
                return Some(Event { position: None, told: Told::Lagged { resume_from } });
            }
            let (subject, next) = (self.subject, self.next);
            // Why it fails is in the log already; the subscriber can resume elsewhere.
            let step = self.api.events_from(subject, next, head).await.ok()?;
            (self.made, self.next) = (step.events.clone(), step.next);
        }
    }

    /// Waits for a block that was not told.
    async fn wait(&mut self) -> Woken {
        let quiet = tokio::time::sleep_until(self.told_last + self.api.limits().quiet_time);
        tokio::pin!(quiet);
        loop {
            let head = *self.head.borrow_and_update();
            if head.height >= self.next.height {
                return Woken::Head(head);
            }
            tokio::select! {
                changed = self.head.changed() => {
                    if changed.is_err() {
                        return Woken::Stopped;
                    }
                }
                () = quiet.as_mut() => return Woken::Quiet,
            }
        }
    }

    /// Says that everything before `next` was told, unless `next` is still to come.
    fn alive(&self) -> Event {
        let TxLocation { height, index } = self.next;
        if height > self.head.borrow().height.next() {
            return Event { position: None, told: Told::Progress };
        }
        let position = match index.checked_sub(1) {
            Some(index) => Some(Position { height, index: Some(index) }),
            None => height.prev().map(Position::all_of),
        };
        Event { position, told: Told::Progress }
    }
}

/// All transactions of a height from a place on, in pieces.
fn txs_step(lookup: &Lookup, next: TxLocation) -> Result<Step, RpcError> {
    let height = next.height;
    let block = lookup.block_at(height)?.hash;
    let receipts = lookup.receipts(height)?;
    let items: Vec<ExecutedTx> = receipts
        .iter()
        .filter(|receipt| receipt.index >= next.index)
        .map(|receipt| ExecutedTx {
            hash: receipt.tx,
            index: receipt.index,
            success: receipt.status.is_success(),
        })
        .collect();
    let txs = |items| Told::Txs(ExecutedTxs { height, block, items });
    let mut events: VecDeque<Event> = items
        .chunks(ITEMS)
        .map(|piece| Event {
            position: piece.last().map(|tx| Position { height, index: Some(tx.index) }),
            told: txs(piece.to_vec()),
        })
        .collect();
    if events.is_empty() {
        events.push_back(Event { position: None, told: txs(Vec::new()) });
    }
    if let Some(last) = events.back_mut() {
        last.position = Some(Position::all_of(height));
    }
    Ok(Step { events, next: TxLocation { height: height.next(), index: 0 } })
}
