//! Cursors of lists: where the next page begins, in a form that nobody needs to understand.

use logothete_client::rpc::RpcError;
use logothete_ledger::store::TxLocation;
use logothete_primitives::{Height, View};

use super::Limits;
use super::envelope::as_u64;

/// The page that begins with the block of this height.
pub(super) fn of_block(height: Height) -> String {
    format!("b{:x}", height.get())
}

/// The height in a cursor of [`of_block`].
pub(super) fn to_block(cursor: &str) -> Result<Height, RpcError> {
    let hex = cursor.strip_prefix('b').ok_or_else(RpcError::bad_cursor)?;
    parse_hex(hex).map(Height::new)
}

/// The page after the transaction at this place.
pub(super) fn of_tx(place: TxLocation) -> String {
    format!("t{:x}.{:x}", place.height.get(), place.index)
}

/// The place in a cursor of [`of_tx`].
pub(super) fn to_tx(cursor: &str) -> Result<TxLocation, RpcError> {
    let both = cursor.strip_prefix('t').and_then(|rest| rest.split_once('.'));
    let (height, index) = both.ok_or_else(RpcError::bad_cursor)?;
    let index = u32::try_from(parse_hex(index)?).map_err(|_| RpcError::bad_cursor())?;
    Ok(TxLocation { height: Height::new(parse_hex(height)?), index })
}

/// The page that begins with this view, which brought the block of this height or passed before it.
pub(super) fn of_view(height: Height, view: View) -> String {
    format!("v{:x}.{:x}", height.get(), view.get())
}

/// Height and view in a cursor of [`of_view`].
pub(super) fn to_view(cursor: &str) -> Result<(Height, View), RpcError> {
    let both = cursor.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let (height, view) = both.ok_or_else(RpcError::bad_cursor)?;
    Ok((Height::new(parse_hex(height)?), View::new(parse_hex(view)?)))
}

fn parse_hex(text: &str) -> Result<u64, RpcError> {
    let canonical = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let value = u64::from_str_radix(text, 16).ok().filter(|_| canonical);
    value.ok_or_else(RpcError::bad_cursor)
}

/// How many items a page holds.
pub(super) fn page_size(limit: Option<u32>, limits: &Limits) -> Result<usize, RpcError> {
    let Some(limit) = limit else { return Ok(limits.list_items_default) };
    let max = limits.list_items_max;
    match usize::try_from(limit) {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        _ => {
            let why = format!("limit is {limit}, it must be between 1 and {}", as_u64(max));
            Err(RpcError::invalid_params(why, "read on with next_cursor"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_client::rpc::ErrorCode;

    use super::*;

    #[test]
    fn cursors_read_back_and_nothing_else_is_one() {
        let height = Height::new(0xab12);
        assert_eq!(to_block(&of_block(height)).unwrap(), height);
        let place = TxLocation { height, index: 77 };
        assert_eq!(to_tx(&of_tx(place)).unwrap(), place);
        let view = (height, View::new(0xab20));
        assert_eq!(to_view(&of_view(height, view.1)).unwrap(), view);
        for text in ["", "v", "v1", "v1.", "v.1", "t1.2", "v1.2.3"] {
            assert_eq!(to_view(text).unwrap_err().code, ErrorCode::BadCursor, "{text}");
        }
        for text in ["", "b", "bx", "b+1", "t1.2", "b1ffffffffffffffff", "5"] {
            assert_eq!(to_block(text).unwrap_err().code, ErrorCode::BadCursor, "{text}");
        }
        for text in ["", "t", "t1", "t1.", "t.1", "t1.1ffffffff", "b1", "t1.2.3"] {
            assert_eq!(to_tx(text).unwrap_err().code, ErrorCode::BadCursor, "{text}");
        }
    }

    #[test]
    fn pages_are_bounded() {
        let limits = Limits::default();
        assert_eq!(page_size(None, &limits).unwrap(), 20);
        assert_eq!(page_size(Some(100), &limits).unwrap(), 100);
        for limit in [0, 101, u32::MAX] {
            let error = page_size(Some(limit), &limits).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams);
        }
    }
}
