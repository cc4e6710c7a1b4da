//! `account_get`, `account_history`.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{
    AccountGet, AccountHistory, AccountView, AddressActivity, Anchor, Page,
};
use logothete_ledger::account::Account;
use logothete_ledger::operation::Operation;
use logothete_ledger::state::StateKey;
use logothete_ledger::store::HistoryEntry;
use logothete_primitives::{Address, Amount};

use super::lookup::{FoundTx, TxReader, store_failed};
use super::{NodeApi, cursor, proof};

impl NodeApi {
    pub(super) fn read_account(&self, params: AccountGet) -> Result<AccountView, RpcError> {
        let lookup = self.lookup_from(params.min_height)?;
        let head = lookup.head();
        // What is to be proven is read where a final header already attests it.
        let newest = if params.prove { head.attested.height } else { head.height };
        let at = params.at.unwrap_or(newest);
        if at > head.height {
            return Err(RpcError::not_synced(at.since(head.height)));
        }
        if params.at.is_none()
            && !params.prove
            && let Some(view) = self.newest_account(&params.address)?
        {
            return Ok(view);
        }
        let Some(proven) = self.prove_at(&StateKey::account(&params.address), at)? else {
            return match params.at {
                Some(at) => Err(self.not_kept(at)),
                // The account has changed above what is attested so far: there is no proof yet.
                None => self.newest_account(&params.address)?.ok_or_else(RpcError::internal),
            };
        };
        let account = proven.value.as_ref().map(|value| {
            Account::from_value(value).expect("the accounts namespace holds encoded accounts")
        });
        let anchor = Anchor { height: at, hash: lookup.block_at(at)?.hash };
        let mut view = self.account_view(params.address, account, anchor);
        if params.prove {
            view.proof = proof::prove_account(&lookup, at, &proven.proof)?;
        }
        Ok(view)
    }

    fn newest_account(&self, address: &Address) -> Result<Option<AccountView>, RpcError> {
        let newest = self.read_newest(|state| state.account(address))?;
        Ok(newest.map(|(account, anchor)| self.account_view(*address, account, anchor)))
    }

    fn account_view(&self, address: Address, account: Option<Account>, at: Anchor) -> AccountView {
        let held = account.unwrap_or_default();
        AccountView {
            address,
            balance: held.balance,
            nonce: held.nonce,
            next_nonce: self.service().mempool.next_nonce(&address, &held),
            exists: account.is_some(),
            at,
            proof: None,
        }
    }

    pub(super) fn read_history(
        &self,
        params: &AccountHistory,
    ) -> Result<Page<AddressActivity>, RpcError> {
        let size = cursor::page_size(params.limit, self.limits())?;
        let before = params.cursor.as_deref().map(cursor::to_tx).transpose()?;
        let lookup = self.lookup_from(before.map(|place| place.height).max(params.min_height))?;
        let store = lookup.chain().store();
        let page = store.account_history(&params.address, before, size).map_err(store_failed)?;
        let mut reader = TxReader::new(&lookup);
        let mut items = Vec::with_capacity(page.items.len());
        for entry in &page.items {
            // A block that was applied after the head was taken belongs to a later answer.
            if entry.location.height <= lookup.head().height {
                items.push(activity(&params.address, entry, &mut reader)?);
            }
        }
        Ok(Page { items, at: lookup.anchor(), next_cursor: page.next.map(cursor::of_tx) })
    }
}

/// One line of an account's history.
pub(in crate::rpc) fn activity(
    address: &Address,
    entry: &HistoryEntry,
    reader: &mut TxReader<'_>,
) -> Result<AddressActivity, RpcError> {
    let found = reader.read(entry.location)?;
    let timestamp = reader.block(entry.location.height)?.header.timestamp;
    let sender = found.tx.body.sender;
    let (received, sent) = flows(address, &found);
    Ok(AddressActivity {
        hash: entry.hash,
        height: entry.location.height,
        index: entry.location.index,
        timestamp,
        sender,
        success: found.receipt.status.is_success(),
        received,
        sent,
        fee: if sender == *address { found.receipt.fee } else { Amount::ZERO },
    })
}

/// What an account received and gave by the operations; nothing when they failed.
fn flows(address: &Address, found: &FoundTx) -> (Amount, Amount) {
    let (mut received, mut sent) = (0_u64, 0_u64);
    if found.receipt.status.is_success() {
        for operation in found.tx.body.operations.iter() {
            let Operation::Transfer { from, to, amount } = operation;
            if to == address {
                received = received.saturating_add(amount.units());
            }
            if from.as_ref().unwrap_or(&found.tx.body.sender) == address {
                sent = sent.saturating_add(amount.units());
            }
        }
    }
    (Amount::new(received), Amount::new(sent))
}
