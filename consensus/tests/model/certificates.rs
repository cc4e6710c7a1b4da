//! The certificates that can be made in a state: two honest signatures and the one of the liar.

use super::condition::Rules;
use super::scope::{Block, View};
use super::state::{Set, State, places};

/// What anybody can be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Certificates {
    pub(crate) qcs: Set,
    pub(crate) ccs: Set,
    /// By view from 1: the maxima that a TC can have, as bits.
    pub(crate) tcs: [u8; 4],
}

impl Certificates {
    pub(crate) fn of(state: &State, rules: Rules, views: View) -> Self {
        let m = &state.members;
        let atleast = |sets: [Set; 3]| match rules.quorum() {
            1 => sets[0] | sets[1] | sets[2],
            _ => sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2],
        };
        let mut tcs = [0; 4];
        for view in 1..=views {
            let mut claims: Vec<View> = m.iter().filter_map(|m| m.claimed(view)).collect();
            claims.sort_unstable();
            // Of any quorum of them the maximum is at least the q-th lowest.
            for maximum in claims.iter().skip(rules.quorum() - 1) {
                tcs[usize::from(view - 1)] |= 1 << maximum;
            }
        }
        Self { qcs: atleast(m.map(|m| m.prepared)), ccs: atleast(m.map(|m| m.committed)), tcs }
    }

    /// TCs of a view, by their maxima.
    pub(crate) fn tcs(&self, view: View) -> impl Iterator<Item = View> + use<> {
        let maxima = if view == 0 { 0 } else { self.tcs[usize::from(view - 1)] };
        (0..8).filter(move |maximum| maxima >> maximum & 1 == 1)
    }

    /// Views of the blocks of a set, as bits.
    pub(crate) fn views(set: Set, blocks: &[Block]) -> u8 {
        places(set).fold(0, |views, place| views | 1 << blocks[place].view)
    }
}
