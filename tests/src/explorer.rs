//! What the tests of the explorer have in common.

use std::time::Duration;

use anyhow::Context as _;
use logothete_client::TxBuilder;
use logothete_client::rpc::types::TxStatus;
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Address, Amount, Height, TxHash};

use crate::browser::Browser;
use crate::network::{TestNet, account_key};

/// The address of funded account `index`.
pub fn address(index: usize) -> Address {
    account_key(index).public().into()
}

/// Pays from the first account to the second and waits until the result is attested; gives its hash and block.
///
/// # Errors
/// When the network does not take it, or not in time.
pub async fn transfer(net: &TestNet) -> anyhow::Result<(TxHash, Height)> {
    let client = net.client(0)?;
    let state = client.account(&address(0)).await?;
    let tx = TxBuilder::new(net.spec.chain_id())
        .nonce(state.next_nonce)
        .transfer(address(1), Amount::new(2_500_000))
        .expires_after(state.at.height, 1_000)
        .sign(&account_key(0))?;
    settle(net, &tx).await
}

/// Sends a transaction and waits until its result is attested; gives its hash and block.
///
/// # Errors
/// When the network does not take it, or not in time.
pub async fn settle(net: &TestNet, tx: &Transaction) -> anyhow::Result<(TxHash, Height)> {
    let client = net.client(0)?;
    let taken = client.submit(tx).await?;
    let status = client.wait(taken.hash, Duration::from_secs(30)).await?;
    let TxStatus::Final(place) = status else { anyhow::bail!("{status:?}") };
    net.wait_for(0, "to attest the result", Duration::from_secs(30), |status| {
        status.height.get() > place.height.get() + 1
    })
    .await?;
    Ok((taken.hash, place.height))
}

/// What the panel of the page says: `verified`, `failed` or `unable`.
///
/// # Errors
/// When it says nothing for long.
pub async fn verdict(browser: &Browser) -> anyhow::Result<String> {
    let settled =
        "[...document.querySelectorAll('.proof')].map((one) => one.dataset.state).find(Boolean)";
    Ok(browser.wait(settled).await?.as_str().context("a state is text")?.to_owned())
}
