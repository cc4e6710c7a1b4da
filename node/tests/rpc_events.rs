//! Subscriptions to a real node: what is told is what the chain holds, once and in order.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use logothete_client::rpc::method::TxSubmitBatchMethod;
use logothete_client::rpc::types::{
    Event, EventKind, HexBytes, Position, Subscribe, Told, TxStatus, TxSubmitBatch,
};
use logothete_client::{Client, ClientError, Subscription, TxBuilder};
use logothete_node::rpc::{Feeds, Limits, NodeApi};
use logothete_primitives::{Amount, BlockHash, Height, Nonce, TxHash, View};
use serde_json::{Value, json};

use rpc::cutter::Cutter;
use rpc::node::{TestChain, account};
use rpc::socket::{SOON, Socket};

const SENDERS: [&str; 4] = ["alice", "carol", "dave", "erin"];
/// Transfers of each: a mempool takes hardly more of one account.
const MANY: usize = 60;
/// Few enough for an event that fits between two cuts.
const FEW: usize = 3;
/// How often as many are sent before a restart.
const BURSTS: usize = 4;

/// The next event, which must come soon.
async fn next(subscription: &mut Subscription) -> Event {
    tokio::time::timeout(6 * SOON, subscription.next()).await.unwrap().unwrap().unwrap()
}

fn at(height: u64) -> Height {
    Height::new(height)
}

impl TestChain {
    /// The block of every height up to one.
    fn blocks_to(&self, last: Height) -> Vec<(Height, BlockHash)> {
        let hash = |height| self.service.chain.expect_block(height).unwrap().hash;
        (1..=last.get()).map(|height| (at(height), hash(at(height)))).collect()
    }

    /// Every executed transaction up to a height.
    fn txs_to(&self, last: Height) -> Vec<TxHash> {
        let store = self.service.chain.store();
        let of = |height| store.receipts(at(height)).unwrap();
        let decode = |bytes: Vec<u8>| -> logothete_ledger::receipt::Receipt {
            logothete_primitives::codec::decode(&bytes).unwrap()
        };
        (1..=last.get()).flat_map(of).map(|(_, bytes)| decode(bytes).tx).collect()
    }

    /// Waits until the head is at a height.
    async fn reached(&self, height: Height) {
        let mut head = self.service.head.clone();
        let reached = head.wait_for(|head| head.height >= height);
        tokio::time::timeout(6 * SOON, reached).await.unwrap().unwrap();
    }

    /// Sends transfers of several accounts to bob in one call, so many of each.
    async fn send_many(&self, each: usize) -> Vec<TxHash> {
        let mut txs = Vec::new();
        for name in SENDERS {
            let sender = account(name);
            let state = self.client.account(&sender.address).await.unwrap();
            for number in (0..).take(each) {
                let nonce = Nonce::new(state.next_nonce.get() + number);
                let to = account("bob").address;
                let builder = TxBuilder::new(self.id()).nonce(nonce).transfer(to, Amount::new(1));
                let builder = builder.expires_after(state.at.height, 1_000);
                txs.push(builder.sign(&sender.secret).unwrap());
            }
        }
        let params = TxSubmitBatch { txs: txs.iter().map(|tx| HexBytes(tx.encode())).collect() };
        self.call::<TxSubmitBatchMethod>(params).await;
        for tx in &txs {
            let status = self.client.wait(tx.hash(), SOON).await.unwrap();
            assert!(matches!(status, TxStatus::Final(_)), "{status:?}");
        }
        txs.iter().map(|tx| tx.hash()).collect()
    }
}

/// Reads blocks up to a height.
async fn read_blocks(mut subscription: Subscription, last: Height) -> Vec<(Height, BlockHash)> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(height, _)| *height < last) {
        match next(&mut subscription).await.told {
            Told::Block(block) => seen.push((block.height, block.hash)),
            other => panic!("a block was expected, not {other:?}"),
        }
    }
    seen
}

/// Reads transactions up to a height.
async fn read_txs(mut subscription: Subscription, last: Height) -> Vec<TxHash> {
    let mut seen = Vec::new();
    while subscription.position().is_none_or(|position| position.next_height() <= last) {
        match next(&mut subscription).await.told {
            Told::Txs(txs) => seen.extend(txs.items.iter().map(|tx| tx.hash)),
            other => panic!("transactions were expected, not {other:?}"),
        }
    }
    seen
}

/// Reads so many transactions of an account.
async fn read_account(mut subscription: Subscription, count: usize) -> Vec<TxHash> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match next(&mut subscription).await.told {
            Told::Account(told) => seen.extend(told.items.iter().map(|tx| tx.hash)),
            other => panic!("transactions of an account were expected, not {other:?}"),
        }
    }
    seen
}

/// Reads the part of the validators up to a height.
async fn read_validators(mut subscription: Subscription, last: Height) -> Vec<(Height, View)> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(height, _)| *height < last) {
        match next(&mut subscription).await.told {
            Told::Validators(told) => seen.push((told.height, told.view)),
            other => panic!("the part of the validators was expected, not {other:?}"),
        }
    }
    seen
}

/// Reads blocks as a browser reads server-sent events: whenever the connection is lost it asks for the same address
/// again and says what it has seen.
async fn read_frames(url: String, last: Height) -> Vec<(Height, BlockHash)> {
    let mut seen: Vec<(Height, BlockHash)> = Vec::new();
    let mut id: Option<String> = None;
    while seen.last().is_none_or(|(height, _)| *height < last) {
        let Some(mut frames) = Frames::open(&url, id.as_deref()).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while let Some((position, _, block)) = frames.next().await {
            let height = block["height"].as_str().unwrap().parse().unwrap();
            seen.push((at(height), block["hash"].as_str().unwrap().parse().unwrap()));
            id = Some(position);
            if at(height) == last {
                break;
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_comes_once_through_cuts_and_restarts() {
    let mut chain = TestChain::start().await;
    let cutter = Cutter::to(chain.address, 7, 4_000).await;
    let client = Client::new([format!("http://{}", cutter.address)]).unwrap();
    let last = at(60);
    let blocks = client.subscribe(Subscribe::from(EventKind::Blocks, at(1)));
    let blocks = tokio::spawn(read_blocks(blocks, last));
    let txs = client.subscribe(Subscribe::from(EventKind::Txs, at(1)));
    let txs = tokio::spawn(read_txs(txs, last));
    let validators = client.subscribe(Subscribe::from(EventKind::Validators, at(1)));
    let validators = tokio::spawn(read_validators(validators, last));
    let sender = Some(account(SENDERS[0]).address);
    let wish = Subscribe { address: sender, ..Subscribe::from(EventKind::Account, at(1)) };
    let sends = 2 * BURSTS + 1;
    // One event tells all that happened to an account meanwhile, so these connections may last longer.
    let longer = Cutter::to(chain.address, 7, 16_000).await;
    let client = Client::new([format!("http://{}", longer.address)]).unwrap();
    let own = tokio::spawn(read_account(client.subscribe(wish), sends * FEW));
    let mut sent = Vec::new();
    let frames = format!("http://{}/events/blocks?from_height=1", cutter.address);
    let frames = tokio::time::timeout(12 * SOON, read_frames(frames, last));
    let frames = tokio::spawn(frames);
    for stop_at in [15, 35] {
        for _ in 0..BURSTS {
            sent.extend_from_slice(&chain.send_many(FEW).await[..FEW]);
        }
        chain.reached(at(stop_at)).await;
        chain = chain.restart().await;
    }
    sent.extend_from_slice(&chain.send_many(FEW).await[..FEW]);
    let (blocks, txs) = (blocks.await.unwrap(), txs.await.unwrap());
    assert_eq!(blocks, chain.blocks_to(last));
    let executed = chain.txs_to(last);
    assert!(executed.len() >= 80, "{} transactions are too few to tell", executed.len());
    assert_eq!(txs, executed);
    assert_eq!(own.await.unwrap(), sent, "the first of the senders, by its nonces");
    assert_eq!(frames.await.unwrap().unwrap(), blocks);
    let view = |(height, _): &(Height, BlockHash)| {
        (*height, chain.service.chain.expect_block(*height).unwrap().block.header.view)
    };
    let views: Vec<_> = blocks.iter().map(view).collect();
    assert_eq!(validators.await.unwrap(), views);
    let cuts = cutter.cuts.load(Ordering::Relaxed) + longer.cuts.load(Ordering::Relaxed);
    println!("{cuts} connections were cut, 2 restarts, {} transactions", executed.len());
    assert!(cuts >= 10, "{cuts} cuts prove nothing");
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_gets_everything_later_and_the_node_goes_on() {
    let chain = TestChain::start().await;
    let mut idle = Socket::open(chain.address).await;
    idle.subscribe(json!({ "kind": "txs", "from_height": "1" })).await;
    let sent = chain.send_many(MANY).await;
    chain.reached(at(30)).await;
    let mut seen: Vec<TxHash> = Vec::new();
    let mut height = 0;
    while height < 30 {
        let event = idle.event().await;
        let of: u64 = event["height"].as_str().unwrap().parse().unwrap();
        assert!(of == height || of == height + 1, "{of} after {height}");
        height = of;
        let items = event["items"].as_array().unwrap();
        assert!(items.len() <= 256, "a large block comes in pieces");
        seen.extend(items.iter().map(|tx| tx["hash"].as_str().unwrap().parse::<TxHash>().unwrap()));
    }
    let executed = chain.txs_to(at(30));
    assert!(executed.len() >= sent.len());
    // The last height may have come in part.
    assert_eq!(seen, executed[..seen.len()]);
    assert!(seen.len() >= chain.txs_to(at(29)).len());
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_in_the_middle_of_a_block() {
    let chain = TestChain::start().await;
    chain.send_many(MANY).await;
    let store = chain.service.chain.store();
    let head = chain.service.head().height;
    let counts = (1..=head.get()).map(|height| (height, store.receipts(at(height)).unwrap().len()));
    let (height, count) = counts.max_by_key(|(_, count)| *count).unwrap();
    assert!(count > 3, "one block has several transactions");
    let executed = &chain.txs_to(at(height))[chain.txs_to(at(height - 1)).len()..];
    for kind in [EventKind::Txs, EventKind::Account] {
        let after = Some(Position { height: at(height), index: Some(1) });
        let address = (kind == EventKind::Account).then(|| account("bob").address);
        let mut rest =
            chain.client.subscribe(Subscribe { kind, after, address, from_height: None });
        let mut seen: Vec<TxHash> = Vec::new();
        while seen.len() < count - 2 {
            match next(&mut rest).await.told {
                Told::Txs(txs) => seen.extend(txs.items.iter().map(|tx| tx.hash)),
                Told::Account(told) => seen.extend(told.items.iter().map(|tx| tx.hash)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen[..count - 2], executed[2..], "{kind:?}");
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_told_its_own_transactions_old_and_new() {
    let chain = TestChain::start().await;
    let bob = account("bob").address;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let tx = chain.transfer("alice", bob, Amount::new(3)).await;
        chain.settle(&tx).await;
        sent.push(tx.hash());
    }
    let wish = Subscribe { address: Some(bob), ..Subscribe::from(EventKind::Account, at(0)) };
    let mut subscription = chain.client.subscribe(wish);
    let other = chain.transfer("carol", account("dave").address, Amount::new(3)).await;
    chain.settle(&other).await;
    let back = chain.transfer("bob", account("alice").address, Amount::new(2)).await;
    chain.settle(&back).await;
    sent.push(back.hash());
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        let Told::Account(told) = next(&mut subscription).await.told else {
            panic!("another kind")
        };
        seen.extend(told.items);
    }
    assert_eq!(seen.iter().map(|item| item.hash).collect::<Vec<_>>(), sent);
    let amounts = |item: &logothete_client::rpc::types::AddressActivity| {
        (item.received.units(), item.sent.units())
    };
    assert_eq!(seen.iter().map(amounts).collect::<Vec<_>>(), [(3, 0), (3, 0), (3, 0), (0, 2)]);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_and_consensus_are_told() {
    let chain = TestChain::start().await;
    let wish = Subscribe::from(EventKind::Validators, at(1));
    let mut validators = chain.client.subscribe(wish);
    for height in 1..=5 {
        let Told::Validators(told) = next(&mut validators).await.told else { panic!("another") };
        let header = chain.service.chain.expect_block(at(height)).unwrap().block.header;
        assert_eq!((told.height, told.view), (at(height), header.view));
        assert_eq!((told.proposer.name.as_str(), told.views_passed), ("v0", 0));
        assert!(told.signers.iter().all(|signer| signer.signed), "{told:?}");
    }
    let mut consensus = chain.client.subscribe(Subscribe::to(EventKind::Consensus));
    let mut last = 0;
    for _ in 0..5 {
        let event = next(&mut consensus).await;
        let Told::Consensus(state) = event.told else { panic!("another kind") };
        assert!(state.view.get() >= last && event.position.is_none());
        last = state.view.get();
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_now_on_is_kept_when_the_connection_is_lost_before_the_first_event() {
    let chain = TestChain::start().await;
    chain.reached(at(3)).await;
    let mut subscription = chain.client.subscribe(Subscribe::to(EventKind::Blocks));
    let Told::Block(first) = next(&mut subscription).await.told else { panic!("another kind") };
    assert!(first.height > at(3));
    let chain = chain.restart().await;
    chain.reached(at(first.height.get() + 10)).await;
    let Told::Block(second) = next(&mut subscription).await.told else { panic!("another kind") };
    assert_eq!(second.height, first.height.next());
    chain.stop().await;
}

/// Whoever is behind by more than is kept is told so, with the height from which it can go on.
#[tokio::test(flavor = "multi_thread")]
async fn who_lags_too_far_is_told_where_to_go_on() {
    let limits = Limits { events_behind: 4, ..Limits::default() };
    let chain = TestChain::start_with(limits.clone()).await;
    let api = NodeApi::new(chain.service.clone(), limits);
    let mut feed = api.feed(&Subscribe::to(EventKind::Blocks)).unwrap();
    let first = feed.events.next().await.unwrap().position.unwrap();
    chain.reached(at(first.height.get() + 12)).await;
    // The feed may hold the event it has made already.
    let mut last = feed.events.next().await.unwrap();
    while let Told::Block(_) = last.told {
        last = feed.events.next().await.unwrap();
    }
    let Told::Lagged { resume_from } = last.told else { panic!("{last:?}") };
    assert!(resume_from > first.height.next());
    assert!(feed.events.next().await.is_none(), "it was the last event");
    let refused = chain.client.subscribe(Subscribe::from(EventKind::Blocks, at(1))).next().await;
    let Err(ClientError::Rpc(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.data.code, "PRUNED");
    assert!(error.data.earliest.unwrap() >= resume_from);
    chain.stop().await;
}

/// One frame of a stream of server-sent events.
struct Frames {
    answer: reqwest::Response,
    text: String,
}

impl Frames {
    /// The stream, unless the connection is lost.
    async fn open(url: &str, last: Option<&str>) -> Option<Self> {
        let mut ask = reqwest::Client::new().get(url);
        if let Some(last) = last {
            ask = ask.header("last-event-id", last);
        }
        let answer = ask.send().await.ok()?;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Some(Self { answer, text: String::new() })
    }

    /// Identifier, name and data of the next event, unless the connection is lost.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        while !self.text.contains("\n\n") {
            let piece = tokio::time::timeout(SOON, self.answer.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&piece.ok()??).unwrap());
        }
        let (frame, rest) = self.text.split_once("\n\n").unwrap();
        let line = |name: &str| {
            let found = frame.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_else(|| panic!("{name} in {frame}")).to_owned()
        };
        let data = serde_json::from_str(&line("data: ")).unwrap();
        let told = (line("id: "), line("event: "), data);
        self.text = rest.to_owned();
        Some(told)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_sent_events_resume_by_the_last_that_was_seen() {
    let chain = TestChain::start().await;
    let url = format!("{}/events/blocks?from_height=1", chain.url);
    let mut frames = Frames::open(&url, None).await.unwrap();
    for height in 1..=4_u64 {
        let (id, name, data) = frames.next().await.unwrap();
        assert_eq!((id, name.as_str()), (height.to_string(), "block"));
        assert_eq!(data["height"], height.to_string());
        let stored = chain.service.chain.expect_block(at(height)).unwrap();
        assert_eq!(data["hash"], json!(stored.hash));
    }
    drop(frames);
    // A browser that reconnects asks for the same address again and says what it has seen.
    let mut frames = Frames::open(&url, Some("3")).await.unwrap();
    assert_eq!(frames.next().await.unwrap().0, "4");
    chain.stop().await;
}
