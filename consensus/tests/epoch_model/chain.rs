//! Blocks of two epochs.

use super::rule::Rule;
use super::scope::View;
use super::sets::EpochAt;
use super::state::Set;

/// What a block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It orders something.
    Plain,
    /// It ends its epoch and names the next set.
    End,
    /// It follows the end of its epoch and orders nothing.
    Empty,
    /// It follows the end of its epoch and orders something.
    Late,
}

/// The views of both epochs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// By view: what the leader may propose on one parent before the end. More than one is equivocation.
    pub(crate) first: &'static [&'static [Kind]],
    /// By view: how many blocks on one parent.
    pub(crate) second: &'static [u8],
}

impl Span {
    pub(crate) fn views(&self, epoch: EpochAt) -> View {
        let views = [self.first.len(), self.second.len()][epoch];
        View::try_from(views).unwrap()
    }
}

/// A block is its path from the genesis block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) epoch: EpochAt,
    pub(crate) view: View,
    pub(crate) kind: Kind,
    /// Its place in the list; `None` is the genesis block.
    pub(crate) parent: Option<usize>,
    /// The view of the QC that it stands on: 0 where its epoch begins.
    pub(crate) parent_view: View,
    /// The end of the first epoch on its line, itself included.
    pub(crate) end: Option<usize>,
    /// The same offer to the same parent, made first.
    pub(crate) elder: Option<usize>,
    /// Itself and its ancestors, as a set of places.
    pub(crate) line: Set,
}

/// All blocks that can exist, parents first.
pub(crate) fn blocks(span: &Span, removed: &[Rule]) -> Vec<Block> {
    let mut list = Vec::new();
    for (view, kinds) in (1..).zip(span.first) {
        let parents = std::iter::once(None).chain((0..list.len()).map(Some)).collect::<Vec<_>>();
        for parent in parents {
            let is_over = parent.is_some_and(|parent: usize| list_end(&list, parent).is_some());
            let after: &[Kind] = if removed.contains(&Rule::EmptyAfterEnd) {
                &[Kind::Empty, Kind::Late]
            } else {
                &[Kind::Empty]
            };
            for (tag, kind) in if is_over { after } else { kinds }.iter().enumerate() {
                push(&mut list, 0, view, *kind, parent, tag);
            }
        }
    }
    for (view, tags) in (1..).zip(span.second) {
        let begins = |block: &Block| match block.epoch {
            0 if removed.contains(&Rule::BeginsOnEnd) => block.end.is_some(),
            0 => block.kind == Kind::End,
            _ => true,
        };
        let parents = (0..list.len()).filter(|place| begins(&list[*place])).collect::<Vec<_>>();
        for parent in parents {
            for tag in 0..usize::from(*tags) {
                push(&mut list, 1, view, Kind::Plain, Some(parent), tag);
            }
        }
    }
    assert!(list.len() <= 32, "a set of blocks is 32 bits");
    list
}

fn list_end(list: &[Block], place: usize) -> Option<usize> {
    list[place].end
}

fn push(
    list: &mut Vec<Block>,
    epoch: EpochAt,
    view: View,
    kind: Kind,
    parent: Option<usize>,
    tag: usize,
) {
    let place = list.len();
    let below = parent.map(|parent| list[parent]);
    let own = |below: &Block| if below.epoch == epoch { below.view } else { 0 };
    list.push(Block {
        epoch,
        view,
        kind,
        parent,
        parent_view: below.as_ref().map_or(0, own),
        end: below.and_then(|below| below.end).or((kind == Kind::End).then_some(place)),
        elder: (tag > 0).then_some(place - tag),
        line: below.map_or(0, |below| below.line) | 1 << place,
    });
}
