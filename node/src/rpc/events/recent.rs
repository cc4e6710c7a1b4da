//! Steps that were read lately: most subscribers wait for the same block.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use logothete_primitives::Height;

use super::chain_feed::Step;
use super::wish::Subject;

/// Steps that are kept.
const KEPT: usize = 32;
/// Events in a step that is kept: a large block is not.
const EVENTS_MAX: usize = 4;

/// The newest steps of the feeds that are the same for everybody.
#[derive(Default)]
pub(in crate::rpc) struct Recent {
    steps: Mutex<VecDeque<Kept>>,
}

struct Kept {
    subject: Subject,
    height: Height,
    step: Arc<Step>,
}

impl Recent {
    /// The step that begins with a height.
    pub(super) fn find(&self, subject: Subject, height: Height) -> Option<Arc<Step>> {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest_first = steps.iter().rev();
        let kept = newest_first.find(|kept| kept.subject == subject && kept.height == height);
        kept.map(|kept| Arc::clone(&kept.step))
    }

    /// Keeps a step that others will want too.
    pub(super) fn keep(&self, subject: Subject, height: Height, step: &Arc<Step>) {
        if matches!(subject, Subject::Account(_)) || step.events.len() > EVENTS_MAX {
            return;
        }
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() == KEPT {
            steps.pop_front();
        }
        steps.push_back(Kept { subject, height, step: Arc::clone(step) });
    }
}

#[cfg(test)]
mod tests {
    use logothete_client::rpc::types::{Event, Position, Told};
    use logothete_ledger::store::TxLocation;

    use super::*;

    fn step(height: u64, events: usize) -> Arc<Step> {
        let height = Height::new(height);
        let event = Event { position: Some(Position::all_of(height)), told: Told::Progress };
        let next = TxLocation { height: height.next(), index: 0 };
        Arc::new(Step { events: vec![event; events].into(), next })
    }

    #[test]
    fn the_newest_steps_are_found_and_old_and_large_ones_are_not() {
        let recent = Recent::default();
        for number in 1..=40 {
            recent.keep(Subject::Blocks, Height::new(number), &step(number, 1));
        }
        recent.keep(Subject::Txs, Height::new(41), &step(41, EVENTS_MAX + 1));
        let found = |subject, number| recent.find(subject, Height::new(number)).is_some();
        assert!(found(Subject::Blocks, 40) && found(Subject::Blocks, 9));
        assert!(!found(Subject::Blocks, 8) && !found(Subject::Txs, 40));
        assert!(!found(Subject::Txs, 41), "it is too large");
        assert_eq!(
            recent.find(Subject::Blocks, Height::new(40)).map(|step| step.next.height),
            Some(Height::new(41))
        );
    }
}
