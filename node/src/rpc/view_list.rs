//! `consensus_views`: what came of each view, as the chain itself says it, and how this node lived it.

use std::collections::BTreeMap;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{Page, PageRequest, ViewBlock, ViewOutcome, ViewRecord};
use logothete_consensus::{BlockHeader, LeaderElection, Reputation};
use logothete_primitives::{Height, ValidatorIndex, View};

use super::lookup::Lookup;
use super::{NodeApi, cursor, views};
use crate::driver::SeenView;

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
        let top = lookup.header(lookup.head().height)?.view;
        let mut items = self.open_views(top, from);
        if let Some(next) = items.get(size) {
            let next_cursor = Some(cursor::of_view(lookup.head().height, next.view));
            items.truncate(size);
            return Ok(Page { items, at: lookup.anchor(), next_cursor });
        }
        let (seen, next) = walk(&lookup, from, size - items.len())?;
        let passed = seen.iter().filter(|seen| !seen.brought_a_block());
        let leaders = self.leaders_of(&lookup, passed)?;
        items.extend(seen.into_iter().map(|seen| self.decided(seen, &leaders)));
        let next_cursor = next.map(|(height, view)| cursor::of_view(height, view));
        Ok(Page { items, at: lookup.anchor(), next_cursor })
    }

    /// The views above the latest final block that this node entered, newest first, from the place of a page on. The
    /// chain does not say yet who led them; where the node did not know it either, they are left out.
    fn open_views(&self, top: View, from: Option<Place>) -> Vec<ViewRecord> {
        let below = from.map_or(View::new(u64::MAX), |(_, view)| view);
        let open = self.service().views.above(top).into_iter().filter(|seen| seen.view <= below);
        let record = |seen: SeenView| {
            let leader = views::validator_ref(self.validators(), seen.leader?);
            let (view, seen) = (seen.view, Some(views::view_seen(&seen)));
            Some(ViewRecord { view, leader, outcome: ViewOutcome::Open, block: None, seen })
        };
        open.filter_map(record).collect()
    }

    fn decided(&self, seen: Seen, leaders: &BTreeMap<View, ValidatorIndex>) -> ViewRecord {
        let block = seen.brought_a_block().then(|| ViewBlock {
            height: seen.header.height,
            hash: seen.header.hash(),
            timestamp: seen.header.timestamp,
        });
        let Seen { view, header } = seen;
        let leader = leaders.get(&view).copied().unwrap_or(header.proposer);
        ViewRecord {
            view,
            leader: views::validator_ref(self.validators(), leader),
            outcome: if block.is_some() { ViewOutcome::Block } else { ViewOutcome::Passed },
            block,
            seen: self.service().views.view(view).as_ref().map(views::view_seen),
        }
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
    let top = lookup.head().height;
    let (mut height, mut start) = match from {
        // It was open when the cursor was given; its block may have come since.
        Some((height, view)) if lookup.header(height)?.view < view => {
            (first_from(lookup, view, top)?, Some(view))
        }
        Some((height, view)) => (height, Some(view)),
        None => (top, None),
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
