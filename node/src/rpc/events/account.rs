//! What happened to one account, oldest first.

use std::collections::VecDeque;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{AccountEvents, Event, Position, Told};
use logothete_ledger::store::{HistoryEntry, TxLocation};
use logothete_primitives::{Address, Height};

use super::super::NodeApi;
use super::super::account::activity;
use super::super::lookup::{Lookup, TxReader, store_failed};
use super::chain_feed::{ITEMS, Step};

impl NodeApi {
    /// What happened to an account from a place up to the head, or up to an earlier height when that
    /// is too much at once.
    pub(super) fn account_step(
        &self,
        lookup: &Lookup,
        address: &Address,
        next: TxLocation,
    ) -> Result<Step, RpcError> {
        let mut last = lookup.head().height;
        let entries = loop {
            if let Some(entries) = history(lookup, address, next, last)? {
                break entries;
            }
            last = next.height.plus(last.since(next.height) / 2);
        };
        let mut reader = TxReader::new(lookup);
        let mut events = VecDeque::new();
        for piece in entries.chunks(ITEMS) {
            let items = piece.iter().map(|entry| activity(address, entry, &mut reader));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            let position = piece.last().map(|HistoryEntry { location, .. }| Position {
                height: location.height,
                index: Some(location.index),
            });
            events.push_back(Event { position, told: Told::Account(AccountEvents { items }) });
        }
        if let Some(event) = events.back_mut() {
            event.position = Some(Position::all_of(last));
        }
        Ok(Step { events, next: TxLocation { height: last.next(), index: 0 } })
    }
}

/// The history of an account from a place up to a height, oldest first. The index goes from the
/// newest down, so `None` says that there is too much: ask for fewer heights. One height alone is
/// answered whole.
fn history(
    lookup: &Lookup,
    address: &Address,
    from: TxLocation,
    last: Height,
) -> Result<Option<Vec<HistoryEntry>>, RpcError> {
    let store = lookup.chain().store();
    let mut entries = Vec::new();
    let mut cursor = Some(TxLocation { height: last.next(), index: 0 });
    while let Some(before) = cursor {
        let page = store.account_history(address, Some(before), ITEMS).map_err(store_failed)?;
        let wanted = page.items.iter().take_while(|entry| entry.location >= from).count();
        entries.extend_from_slice(&page.items[..wanted]);
        cursor = page.next.filter(|_| wanted == page.items.len());
        if cursor.is_some() && entries.len() > 4 * ITEMS && last > from.height {
            return Ok(None);
        }
    }
    entries.reverse();
    Ok(Some(entries))
}
