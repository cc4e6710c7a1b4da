//! The promises, checked: one chain, no final transaction lost, nothing signed twice, no coin made or lost.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use logothete_client::Client;
use logothete_client::rpc::method::{
    AccountGetMethod, AccountHistoryMethod, BlockCertificateMethod, BlockGetMethod, TxGetMethod,
};
use logothete_client::rpc::types::{
    AccountGet, AccountHistory, BlockGet, BlockSelector, TxGet, TxPlace,
};
use logothete_client::verify;
use logothete_node::driver::read_audit;
use logothete_primitives::{Address, BlockHash, Height, StateRoot, TxHash, ValidatorIndex};

use crate::network::{TestNet, account_key};
use crate::workload::Load;

/// How long nodes may take to reach the same height once nothing disturbs them.
const LEVEL: Duration = Duration::from_secs(60);

/// Everything that must hold at the end of a story whose validators are all back; says how many transactions were final.
///
/// # Errors
/// The promise that was broken.
pub async fn promises_kept(net: &TestNet, load: Load) -> anyhow::Result<usize> {
    let told = load.finish().await?.told();
    ensure!(!told.is_empty(), "the load was there");
    let all: Vec<usize> = (0..net.spec.validators.len()).collect();
    agreement(net, &all).await?;
    finals_kept(net, &all, &told).await?;
    supply_conserved(net, 0).await?;
    let signed = nothing_signed_twice(net)?;
    ensure!(signed > 0, "the record of signed messages was written");
    Ok(told.len())
}

/// Waits until the nodes have executed the highest height among them, then compares every block and the state.
///
/// # Errors
/// When they do not get there, or differ.
pub async fn agreement(net: &TestNet, nodes: &[usize]) -> anyhow::Result<Height> {
    let mut top = Height::ZERO;
    for node in nodes {
        top = top.max(net.status(*node).await?.height);
    }
    for node in nodes {
        net.wait_height(*node, top, LEVEL).await?;
    }
    let mut reference: Option<(usize, Vec<(BlockHash, StateRoot)>)> = None;
    for node in nodes {
        let chain = chain_of(&net.client(*node)?, top).await?;
        match &reference {
            None => reference = Some((*node, chain)),
            Some((first, expected)) => compare((*first, expected), (*node, &chain))?,
        }
    }
    Ok(top)
}

/// Hash and attested state root of every block up to a height.
async fn chain_of(client: &Client, top: Height) -> anyhow::Result<Vec<(BlockHash, StateRoot)>> {
    let mut chain = Vec::new();
    let mut height = Height::ZERO;
    while height < top {
        height = height.next();
        let params = BlockGet { height: Some(height), ..BlockGet::default() };
        let block = client.call::<BlockGetMethod>(params).await?;
        chain.push((block.hash, block.header.executed.state_root));
    }
    Ok(chain)
}

type Chain<'a> = (usize, &'a Vec<(BlockHash, StateRoot)>);

fn compare((first, expected): Chain<'_>, (second, found): Chain<'_>) -> anyhow::Result<()> {
    for (position, (a, b)) in expected.iter().zip(found).enumerate() {
        let height = position + 1;
        ensure!(a == b, "nodes {first} and {second} differ at height {height}: {a:?} and {b:?}");
    }
    Ok(())
}

/// Every transaction that was reported final is where it was reported, on every node.
///
/// # Errors
/// When one is missing or moved.
pub async fn finals_kept(
    net: &TestNet,
    nodes: &[usize],
    told: &BTreeMap<TxHash, TxPlace>,
) -> anyhow::Result<()> {
    for node in nodes {
        let client = net.client(*node)?;
        for (hash, place) in told {
            let found = client
                .call::<TxGetMethod>(TxGet { hash: *hash, prove: false, min_height: None })
                .await
                .with_context(|| format!("final transaction {hash} is lost on node {node}"))?;
            ensure!(
                found.receipt.place == *place,
                "{hash} moved on node {node}: {found:?} {place:?}"
            );
        }
    }
    Ok(())
}

/// The inclusion and receipt proofs of these transactions hold against the validators of genesis.
///
/// # Errors
/// When one does not.
pub async fn proofs_hold(net: &TestNet, node: usize, hashes: &[TxHash]) -> anyhow::Result<()> {
    let (chain, validators) = (net.spec.chain_id(), net.spec.validator_set());
    let client = net.client(node)?;
    for hash in hashes {
        let found = client
            .call::<TxGetMethod>(TxGet { hash: *hash, prove: true, min_height: None })
            .await?;
        let proof = found.proof.context("a proof was asked for")?;
        verify::transaction(hash, &proof, &chain, &validators)?;
    }
    Ok(())
}

/// The certificates of these heights hold against the validators of genesis.
///
/// # Errors
/// When one does not.
pub async fn certificates_hold(
    net: &TestNet,
    node: usize,
    heights: &[Height],
) -> anyhow::Result<()> {
    let (chain, validators) = (net.spec.chain_id(), net.spec.validator_set());
    let client = net.client(node)?;
    for height in heights {
        let params = BlockSelector { height: Some(*height), ..BlockSelector::default() };
        let answer = client.call::<BlockCertificateMethod>(params).await?;
        verify::block_certificate(&answer, &chain, &validators)?;
    }
    Ok(())
}

/// The balances of all accounts add up to what genesis made.
///
/// # Errors
/// When a coin was made or lost.
pub async fn supply_conserved(net: &TestNet, node: usize) -> anyhow::Result<()> {
    let client = net.client(node)?;
    let treasury: Address = net.spec.params.fee_account;
    let accounts = net.spec.accounts.iter().map(|account| account.address);
    let mut total = 0u64;
    for address in accounts.chain([treasury]) {
        let params = AccountGet { address, at: None, min_height: None, prove: false };
        total += client.call::<AccountGetMethod>(params).await?.balance.units();
    }
    let supply = net.spec.supply().units();
    ensure!(total == supply, "the balances add up to {total}, genesis made {supply}");
    Ok(())
}

/// No validator signed two different messages for one slot, over its whole life and all its wipes.
///
/// # Errors
/// The first slot with two messages.
pub fn nothing_signed_twice(net: &TestNet) -> anyhow::Result<usize> {
    let mut count = 0;
    for (index, node) in net.nodes.iter().take(net.spec.validators.len()).enumerate() {
        let own = ValidatorIndex::new(u16::try_from(index)?);
        let mut slots = BTreeMap::new();
        for message in read_audit(&node.signed())? {
            let Some((slot, said)) = message.slot().filter(|(slot, _)| slot.signer == own) else {
                continue;
            };
            count += 1;
            let first = *slots.entry(slot).or_insert(said);
            ensure!(first == said, "{} signed twice: {slot:?}: {first:?} {said:?}", node.name);
        }
    }
    Ok(count)
}

/// No validator ever had to say that it does not know what it signed (R10).
///
/// # Errors
/// The first that did.
pub fn nobody_forgot(net: &TestNet) -> anyhow::Result<()> {
    for node in &net.nodes {
        let log = node.log();
        let said = log.lines().find(|line| line.contains("safety.amnesia"));
        ensure!(said.is_none(), "{} lost its safety state: {said:?}", node.name);
    }
    Ok(())
}

/// Every transaction of the first sender stands in its history, newest first and only once.
///
/// # Errors
/// When one is missing or out of order.
pub async fn history_complete(
    net: &TestNet,
    node: usize,
    told: &BTreeMap<TxHash, TxPlace>,
) -> anyhow::Result<()> {
    let client = net.client(node)?;
    let address: Address = account_key(0).public().into();
    let mut cursor = None;
    let mut places = Vec::new();
    loop {
        let cursor_now = cursor.take();
        let params =
            AccountHistory { address, cursor: cursor_now, limit: Some(7), min_height: None };
        let page = client.call::<AccountHistoryMethod>(params).await?;
        for item in page.items {
            ensure!(told.contains_key(&item.hash), "{} was never sent", item.hash);
            places.push((item.height, item.index));
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    ensure!(places.is_sorted_by(|newer, older| newer > older), "newest first, each once");
    ensure!(!places.is_empty(), "the account sent and received");
    Ok(())
}
