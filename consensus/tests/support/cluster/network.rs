//! The network of a cluster: who hears whom, when, how often, or not at all.

use std::sync::Arc;

use logothete_consensus::Message;

use super::{Cluster, Item};
use crate::support::adversary::Parcel;

impl Cluster {
    pub(super) fn on_cut(&mut self) {
        if self.faults.partition > 0 {
            let cut = self.random.chance(self.faults.partition);
            self.tally.add("partition", u64::from(cut));
            for id in 0..self.processes.len() {
                self.processes[id].cut = if cut { self.random.below(2) } else { 0 };
            }
        }
        if self.faults.mute > 0 {
            for id in 0..self.processes.len() {
                self.processes[id].mute = self.random.chance(self.faults.mute);
                self.tally.add("one way cut", u64::from(self.processes[id].mute));
            }
        }
        let pause = self.random.between(500_000, 3_000_000);
        self.schedule(pause, Item::Cut);
    }

    pub(super) fn post(&mut self, from: usize, Parcel { to, message }: Parcel) {
        let index = self.processes[from].index;
        let message = Arc::new(message);
        for other in 0..self.processes.len() {
            let there = self.processes[other].index;
            let meant = there != index && to.is_none_or(|to| to == there);
            if meant && self.is_linked(from, other) && !self.processes[from].mute {
                self.transmit(from, other, &message);
            }
        }
    }

    pub(super) fn transmit(&mut self, from: usize, to: usize, message: &Arc<Message>) {
        // Of two twins often only one hears a message.
        let twin = self.twins.contains(&self.processes[to].index) && self.random.chance(400);
        if twin {
            return;
        }
        if self.random.chance(self.faults.loss) {
            self.tally.add("message lost", 1);
            return;
        }
        let again = self.random.chance(self.faults.duplicate);
        self.tally.add("message duplicated", u64::from(again));
        for _ in 0..=u8::from(again) {
            let mut delay = self.delay();
            if self.random.chance(self.faults.straggle) {
                delay += self.random.below(self.faults.straggle_max);
                self.tally.add("message late", 1);
            }
            self.schedule(delay, Item::Deliver(from, to, Arc::clone(message)));
        }
    }

    pub(super) fn is_linked(&self, a: usize, b: usize) -> bool {
        a != b
            && self.processes[a].cut == self.processes[b].cut
            && self.processes[b].replica.is_some()
    }

    pub(super) fn delay(&mut self) -> u64 {
        self.random.between(self.faults.delay.0, self.faults.delay.1)
    }

    pub(super) fn payload_delay(&mut self) -> u64 {
        self.random.between(self.faults.payload_delay.0, self.faults.payload_delay.1)
    }
}
