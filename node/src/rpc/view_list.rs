//! `consensus_views`: what came of each view, as the chain itself says it.

use std::collections::BTreeMap;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{Page, PageRequest, ViewBlock, ViewRecord};
use logothete_consensus::{BlockHeader, LeaderElection, Reputation};
use logothete_primitives::{Height, ValidatorIndex, View};

use super::lookup::Lookup;
use super::{NodeApi, cursor, views};

/// Where a page begins: a view, and the height of the block it brought or passed before.
type Place = (Height, View);

/// A view before its leader is known.
struct Seen {
    view: View,
    /// The block it brought, or else the first block after it.
    header: BlockHeader,
}

impl Seen {
    fn brought_a_block(&self) -> bool {
        self.header.view == self.view
    }
}

impl NodeApi {
    pub(super) fn read_views(&self, params: &PageRequest) -> Result<Page<ViewRecord>, RpcError> {
        let size = cursor::page_size(params.limit, self.limits())?;
        let from = params.cursor.as_deref().map(cursor::to_view).transpose()?;
        let lookup = self.lookup_from(from.map(|(height, _)| height).max(params.min_height))?;
        let (seen, next) = walk(&lookup, from, size)?;
        let passed = seen.iter().filter(|seen| !seen.brought_a_block());
        let leaders = self.leaders_of(&lookup, passed)?;
        let set = self.validators();
        let mut items = Vec::with_capacity(seen.len());
        for seen in seen {
            let block = seen.brought_a_block().then(|| ViewBlock {
                height: seen.header.height,
                hash: seen.header.hash(),
                timestamp: seen.header.timestamp,
            });
            let Seen { view, header } = seen;
            let leader = leaders.get(&view).copied().unwrap_or(header.proposer);
            items.push(ViewRecord { view, leader: views::validator_ref(set, leader), block });
        }
        let next_cursor = next.map(|(height, view)| cursor::of_view(height, view));
        Ok(Page { items, at: lookup.anchor(), next_cursor })
    }

    /// Who led views that passed without a block. That depends on the blocks before them, back to
    /// the start of their period, and is only computed when it is asked for.
    fn leaders_of<'a>(
        &self,
        lookup: &Lookup,
        passed: impl Iterator<Item = &'a Seen>,
    ) -> Result<BTreeMap<View, ValidatorIndex>, RpcError> {
        let mut wanted: BTreeMap<Height, Vec<View>> = BTreeMap::new();
        for seen in passed {
            wanted.entry(seen.header.height).or_default().push(seen.view);
        }
        let mut leaders = BTreeMap::new();
        let Some((first, oldest)) = wanted.first_key_value() else { return Ok(leaders) };
        let oldest = oldest.iter().min().copied().unwrap_or(View::ZERO);
        let start = LeaderElection::history_from(self.validators().len(), oldest);
        let election = LeaderElection::new(self.validators());
        let mut reputation = Reputation::default();
        let mut height = first_from(lookup, start, *first)?;
        while let Some((last, _)) = wanted.last_key_value()
            && height <= *last
        {
            for view in wanted.get(&height).into_iter().flatten() {
                leaders.insert(*view, election.leader(&reputation, *view));
            }
            election.extend(&mut reputation, &lookup.header(height)?);
            height = height.next();
        }
        Ok(leaders)
    }
}

/// The views of a page, newest first, and where the next page begins. Genesis is no view.
fn walk(
    lookup: &Lookup,
    from: Option<Place>,
    size: usize,
) -> Result<(Vec<Seen>, Option<Place>), RpcError> {
    let mut seen = Vec::with_capacity(size);
    let (mut height, mut start) = match from {
        Some((height, view)) => (height, Some(view)),
        None => (lookup.head().height, None),
    };
    while height > Height::ZERO {
        let header = lookup.header(height)?;
        // Whoever invents a cursor reads from the block on.
        let mut view = start.take().map_or(header.view, |view| view.min(header.view));
        while view > header.parent_view {
            if seen.len() == size {
                return Ok((seen, Some((height, view))));
            }
            seen.push(Seen { view, header: header.clone() });
            view = View::new(view.get() - 1);
        }
        height = height.prev().unwrap_or(Height::ZERO);
    }
    Ok((seen, None))
}

/// The lowest height whose view is at least `view`, not above `last`: views only grow.
fn first_from(lookup: &Lookup, view: View, last: Height) -> Result<Height, RpcError> {
    let (mut low, mut high) = (Height::ZERO, last);
    while low < high {
        let middle = low.plus(high.since(low) / 2);
        if lookup.header(middle)?.view < view {
            low = middle.next();
        } else {
            high = middle;
        }
    }
    Ok(low)
}
