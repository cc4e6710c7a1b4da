//! What must hold of a run when it is over, found by a second, simple account of the chain.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use logothete_consensus::{Context, Equivocation};
use logothete_genesis::Spec;
use logothete_ledger::account::Account;
use logothete_ledger::batch::Payload;
use logothete_ledger::operation::Operation;
use logothete_ledger::receipt::{Receipt, Status};
use logothete_ledger::state::StateKey;
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Address, Amount, Height, Nonce, TxHash, Verifier, codec};

use super::client::Told;
use super::liars::Misdeed;
use crate::chain::{Chain, Recorded, batch_hashes};

/// Balances and nonces as a child would keep them.
type Accounts = BTreeMap<Address, (u64, Nonce)>;

/// What a member has kept.
pub(super) struct Kept {
    /// Whether it kept to the protocol.
    pub(super) honest: bool,
    /// Its chain.
    pub(super) chain: Chain,
}

/// The longest chain of an honest member.
fn longest(kept: &[Kept]) -> anyhow::Result<&Chain> {
    let height = |chain: &&Chain| chain.store().applied_height().unwrap_or(Height::ZERO);
    let honest = kept.iter().filter(|kept| kept.honest).map(|kept| &kept.chain);
    honest.max_by_key(height).context("a run has honest members")
}

/// Agreement, validity, durability, conservation, and that every read was true at its height. Liars run the whole
/// program, so what they hold as final must be final; but they may be behind.
///
/// # Errors
/// What was broken.
pub(super) fn all(spec: &Spec, kept: &[Kept], told: &Told) -> anyhow::Result<()> {
    let longest = longest(kept)?;
    for (member, kept) in kept.iter().enumerate() {
        agreement(longest, &kept.chain).with_context(|| format!("v{member}"))?;
    }
    for (hash, place) in &told.finals {
        for (member, kept) in kept.iter().enumerate().filter(|(_, kept)| kept.honest) {
            let found = kept.chain.store().tx_location(hash)?;
            let same = found.is_some_and(|at| at.height == place.height && at.index == place.index);
            ensure!(same, "v{member} lost the final transaction {hash} of height {}", place.height);
        }
    }
    history(spec, longest, told)
}

/// Every piece of evidence in the chain convicts a liar, and each offence is recorded once; how many there are.
///
/// # Errors
/// What was broken.
pub(super) fn accountability(
    kept: &[Kept],
    verifier: &dyn Verifier,
    liars: &BTreeMap<usize, Misdeed>,
) -> anyhow::Result<u64> {
    let chain = longest(kept)?;
    let genesis = chain.genesis();
    let validators = genesis.validators.clone();
    let context = Context { chain: genesis.chain, validators, genesis: genesis.hash };
    let mut offences = BTreeSet::new();
    let recorded = chain.evidence()?;
    for Recorded { height, index, offence } in &recorded {
        let payload = Payload::decode(&chain.expect_block(*height)?.block.payload);
        let payload = payload.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let bytes = payload.evidence.get(usize::try_from(*index)?).context("no such evidence")?;
        let evidence: Equivocation = codec::decode(bytes).map_err(|f| anyhow::anyhow!("{f}"))?;
        evidence.verify(&context, verifier)?;
        ensure!(evidence.offence(context.epoch()) == *offence, "{offence:?} is not what it proves");
        let signer = offence.signer.as_usize();
        ensure!(liars.contains_key(&signer), "the honest v{signer} is convicted: {evidence:?}");
        ensure!(offences.insert(*offence), "{offence:?} is recorded twice");
    }
    Ok(recorded.len() as u64)
}

fn agreement(longest: &Chain, chain: &Chain) -> anyhow::Result<()> {
    let top = chain.store().committed_height().min(longest.store().committed_height());
    let mut height = Height::ZERO;
    while height < top {
        height = height.next();
        let (ours, theirs) = (chain.expect_block(height)?, longest.expect_block(height)?);
        ensure!(ours.hash == theirs.hash, "has another block at height {height}");
        let (ours, theirs) = (chain.executed(height)?, longest.executed(height)?);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            ensure!(ours == theirs, "has another result of height {height}");
        }
    }
    Ok(())
}

/// Goes through the whole chain with a ledger of its own.
fn history(spec: &Spec, chain: &Chain, told: &Told) -> anyhow::Result<()> {
    let mut accounts: Accounts = BTreeMap::new();
    for account in &spec.accounts {
        accounts.insert(account.address, (account.balance.units(), Nonce::ZERO));
    }
    let supply: u64 = accounts.values().map(|(balance, _)| balance).sum();
    let mut reads: BTreeMap<Height, Vec<_>> = BTreeMap::new();
    for read in &told.reads {
        reads.entry(read.height).or_default().push(read);
    }
    let mut seen = BTreeSet::new();
    let top = chain.store().applied_height().unwrap_or(Height::ZERO);
    let mut height = Height::ZERO;
    loop {
        for read in reads.remove(&height).unwrap_or_default() {
            let (balance, nonce) = accounts.get(&read.address).copied().unwrap_or_default();
            let same = read.balance == Amount::new(balance) && read.nonce == nonce;
            ensure!(same, "a client read {read:?}, true were {balance} and {nonce}");
        }
        let sum: u64 = accounts.values().map(|(balance, _)| balance).sum();
        ensure!(sum == supply, "at height {height} there are {sum} coins of {supply}");
        if height == top {
            break;
        }
        height = height.next();
        block(spec, chain, height, told, &mut accounts, &mut seen)
            .with_context(|| format!("height {height}"))?;
    }
    ensure!(reads.is_empty(), "clients read heights above the chain: {:?}", reads.keys());
    for (address, (balance, nonce)) in &accounts {
        let stored = chain.store().state(&StateKey::account(address))?;
        let stored = stored.map(|value| Account::from_value(value.as_bytes())).transpose();
        let stored =
            stored.map_err(|fault| anyhow::anyhow!("{address}: {fault}"))?.unwrap_or_default();
        let same = stored == Account { balance: Amount::new(*balance), nonce: *nonce };
        ensure!(same, "{address} has {stored:?}, should have {balance} and {nonce}");
    }
    Ok(())
}

fn block(
    spec: &Spec,
    chain: &Chain,
    height: Height,
    told: &Told,
    accounts: &mut Accounts,
    seen: &mut BTreeSet<TxHash>,
) -> anyhow::Result<()> {
    let mut transactions: BTreeMap<TxHash, Transaction> = BTreeMap::new();
    for hash in batch_hashes(&chain.expect_block(height)?.block) {
        let batch = chain.batch(&hash)?.context("a final batch is missing")?;
        transactions.extend(batch.transactions.iter().map(|tx| (tx.hash, tx.tx.clone())));
    }
    for (_, bytes) in chain.store().receipts(height)? {
        let receipt: Receipt = codec::decode(&bytes).map_err(|f| anyhow::anyhow!("{f}"))?;
        let hash = receipt.tx;
        ensure!(told.submitted.contains(&hash), "{hash} was never submitted");
        ensure!(seen.insert(hash), "{hash} is in the chain twice");
        let tx = transactions.get(&hash).context("a receipt without its transaction")?;
        apply(spec, tx, &receipt, accounts)?;
    }
    Ok(())
}

fn apply(
    spec: &Spec,
    tx: &Transaction,
    receipt: &Receipt,
    accounts: &mut Accounts,
) -> anyhow::Result<()> {
    let body = &tx.body;
    ensure!(receipt.fee == body.fee, "another fee than the sender offered");
    let sender = accounts.entry(body.sender).or_default();
    ensure!(sender.1 == body.nonce, "nonce {} executed, {} was next", body.nonce, sender.1);
    sender.1 = sender.1.next();
    pay(accounts, body.sender, spec.params.fee_account, body.fee.units())?;
    if receipt.status != Status::Success {
        return Ok(());
    }
    for operation in body.operations.iter() {
        let Operation::Transfer { from, to, amount } = operation;
        pay(accounts, from.unwrap_or(body.sender), *to, amount.units())?;
    }
    Ok(())
}

fn pay(accounts: &mut Accounts, from: Address, to: Address, amount: u64) -> anyhow::Result<()> {
    let payer = accounts.entry(from).or_default();
    let Some(left) = payer.0.checked_sub(amount) else {
        bail!("{from} paid {amount} and had {}", payer.0);
    };
    payer.0 = left;
    let receiver = accounts.entry(to).or_default();
    receiver.0 = receiver.0.checked_add(amount).context("more coins than there can be")?;
    Ok(())
}
