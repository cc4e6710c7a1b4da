//! How small the world of a model is: its views, its blocks, and what may happen in it.

/// A view; 0 is the genesis block's.
pub(crate) type View = u8;

/// What a run of the model explores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// How many blocks may be proposed on one parent, by view from 1: two is an equivocating leader.
    pub(crate) tags: &'static [u8],
    /// Whether members give views up.
    pub(crate) timeouts: bool,
    /// Whether one honest member may lose its memory, once (R10).
    pub(crate) wipes: bool,
}

impl Scope {
    pub(crate) fn views(&self) -> View {
        View::try_from(self.tags.len()).unwrap()
    }
}

/// A block is its path from the genesis block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) view: View,
    pub(crate) parent_view: View,
    /// Its place in the list; `None` is the genesis block.
    pub(crate) parent: Option<usize>,
    /// The same block on the same parent, proposed first.
    pub(crate) elder: Option<usize>,
    /// Itself and its ancestors, as a set of places.
    pub(crate) line: u32,
}

/// All blocks that can exist in a scope, parents first.
pub(crate) fn blocks(scope: &Scope) -> Vec<Block> {
    let mut list: Vec<Block> = Vec::new();
    for (view, tags) in (1..).zip(scope.tags) {
        let parents = std::iter::once(None).chain((0..list.len()).map(Some));
        for parent in parents.collect::<Vec<_>>() {
            let (line, parent_view) =
                parent.map_or((0, 0), |p: usize| (list[p].line, list[p].view));
            let eldest = list.len();
            for tag in 0..usize::from(*tags) {
                let elder = (tag > 0).then_some(eldest);
                let line = line | 1 << list.len();
                list.push(Block { view, parent_view, parent, elder, line });
            }
        }
    }
    assert!(list.len() <= 32, "a set of blocks is 32 bits");
    list
}
