//! Fresh accounts for a measurement, funded from one key.

use std::time::{Duration, Instant};

use logothete_client::Client;
use logothete_client::rpc::method::{AccountGetMethod, ChainInfoMethod};
use logothete_client::rpc::types::{AccountGet, Empty, TxStatus};
use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::limits::MAX_OPERATIONS;
use logothete_primitives::{Address, Amount, ChainId, Domain, Height, Nonce, SecretKey, hash};
use tokio::time::sleep;

use super::Chain;
use crate::cli::output::{Exit, Failure};

/// Separates the seeds of these keys from every other hash.
const BENCH: Domain = Domain::new("lgt/bench");
/// Coins of an account: a hundred thousand transfers' worth of fees.
const WISHED_BALANCE: u64 = 10_000_000;
/// Funding transactions on the way at one time, well inside the nonce window.
const FUNDING_IN_FLIGHT: usize = 32;
/// How often a node that lags is asked for its height.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a round of funding may take.
const FUNDING_PATIENCE: Duration = Duration::from_secs(60);
/// Blocks until a transaction of a measurement expires.
const EXPIRES_IN: u64 = 1_000_000;

/// An account that sends.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its key.
    pub key: SecretKey,
    /// Its address.
    pub address: Address,
    /// Nonce of its next transaction.
    pub nonce: u64,
}

impl Account {
    /// Signs the next transaction: so many transfers of one base unit, at most [`MAX_OPERATIONS`].
    pub fn next_transfer(
        &mut self,
        chain: Chain,
        to: Address,
        operations: usize,
    ) -> Option<Transaction> {
        let expiry = Height::new(chain.height.saturating_add(EXPIRES_IN));
        let operation = Operation::Transfer { from: None, to, amount: Amount::new(1) };
        let nonce = Nonce::new(self.nonce);
        let fee = fee(chain, operations);
        let operations = vec![operation; operations];
        let body = Body::new(&chain.id, self.address, nonce, fee, expiry, operations).ok()?;
        self.nonce += 1;
        Transaction::sign(&chain.id, body, &[&self.key]).ok()
    }
}

/// The height of the chain.
///
/// # Errors
/// No node answers.
pub async fn height(client: &Client) -> Result<u64, Failure> {
    Ok(client.call::<ChainInfoMethod>(Empty {}).await?.head.height.get())
}

/// Makes accounts nobody has used before, each with coins.
///
/// # Errors
/// The funds do not suffice, or a funding transaction does not become final.
pub async fn funded(
    client: &Client,
    chain: Chain,
    funder: &SecretKey,
    count: usize,
) -> Result<Vec<Account>, Failure> {
    let accounts = fresh(count)?;
    let sender = Address::from(funder.public());
    let params = AccountGet { address: sender, at: None, min_height: None, prove: false };
    let view = client.call::<AccountGetMethod>(params).await?;
    let each = each_gets(view.balance.units(), chain.fee.units(), count)?;
    let mut nonce = view.next_nonce.get();
    let groups: Vec<&[Account]> = accounts.chunks(MAX_OPERATIONS).collect();
    for round in groups.chunks(FUNDING_IN_FLIGHT) {
        let mut hashes = Vec::new();
        for group in round {
            let tx = funding(chain, funder, nonce, group, each)?;
            nonce += 1;
            client.submit(&tx).await?;
            hashes.push(tx.hash());
        }
        for hash in hashes {
            match client.wait(hash, FUNDING_PATIENCE).await? {
                TxStatus::Final(place) if place.success => {}
                other => {
                    let message = format!("funding transaction {hash}: {other:?}");
                    return Err(Failure::new("funding_failed", message));
                }
            }
        }
    }
    Ok(accounts)
}

/// Waits until every node shows the height at which the accounts have their coins: one that lags would refuse their
/// transactions.
///
/// # Errors
/// A node does not answer, or stays behind.
pub async fn seen_by_all(urls: &[String], chain: Chain) -> Result<(), Failure> {
    let deadline = Instant::now() + FUNDING_PATIENCE;
    for url in urls {
        let node = Client::new([url.clone()])?;
        while height(&node).await? < chain.height {
            if Instant::now() > deadline {
                let message = format!("{url} has not reached height {}", chain.height);
                return Err(Failure::new("not_synced", message).with_exit(Exit::NotSynced));
            }
            sleep(POLL_INTERVAL).await;
        }
    }
    Ok(())
}

fn fresh(count: usize) -> Result<Vec<Account>, Failure> {
    let mut run = [0; 16];
    getrandom::fill(&mut run).map_err(std::io::Error::other)?;
    let account = |index: usize| {
        let mut name = run.to_vec();
        name.extend(u64::try_from(index).unwrap_or(u64::MAX).to_le_bytes());
        let key = SecretKey::from_seed(*hash(BENCH, &name).as_bytes());
        let address = Address::from(key.public());
        Account { key, address, nonce: 0 }
    };
    Ok((0..count).map(account).collect())
}

/// What each account gets: the wish, or what the half of the funds allows.
fn each_gets(balance: u64, fee: u64, count: usize) -> Result<u64, Failure> {
    let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
    let affordable = (balance / 2 / count).saturating_sub(fee);
    let each = affordable.min(WISHED_BALANCE);
    if each < fee.saturating_mul(100) {
        return Err(Failure::new("too_little_funds", "the funds do not pay for so many accounts")
            .with_hint("use fewer --accounts, or another --from"));
    }
    Ok(each)
}

/// Bytes of a transaction of so many transfers.
///
/// # Errors
/// When there are none, or more than [`MAX_OPERATIONS`].
pub fn bytes_of_transaction(operations: usize) -> Result<usize, Failure> {
    let account = fresh(1)?.pop();
    let id = ChainId::new(hash(BENCH, &[]));
    let chain = Chain { id, fee: Amount::new(100), height: 0 };
    account
        .and_then(|mut account| account.next_transfer(chain, account.address, operations))
        .map(|tx| tx.encode().len())
        .ok_or_else(|| {
            Failure::usage(format!("a transaction has 1 to {MAX_OPERATIONS} operations"))
        })
}

/// What so many operations cost.
fn fee(chain: Chain, operations: usize) -> Amount {
    let weight = u64::try_from(operations).unwrap_or(u64::MAX);
    Amount::new(chain.fee.units().saturating_mul(weight))
}

fn funding(
    chain: Chain,
    funder: &SecretKey,
    nonce: u64,
    group: &[Account],
    each: u64,
) -> Result<Transaction, Failure> {
    let transfer = |account: &Account| Operation::Transfer {
        from: None,
        to: account.address,
        amount: Amount::new(each),
    };
    let operations: Vec<Operation> = group.iter().map(transfer).collect();
    let fee = fee(chain, operations.len());
    let expiry = Height::new(chain.height.saturating_add(EXPIRES_IN));
    let sender = Address::from(funder.public());
    let body = Body::new(&chain.id, sender, Nonce::new(nonce), fee, expiry, operations)?;
    Ok(Transaction::sign(&chain.id, body, &[funder])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn funds_are_shared_within_means() {
        assert_eq!(each_gets(u64::MAX, 100, 10).unwrap(), WISHED_BALANCE);
        assert_eq!(each_gets(2_000_000, 100, 10).unwrap(), 99_900);
        assert!(each_gets(1_000, 100, 10).is_err());
    }
}
