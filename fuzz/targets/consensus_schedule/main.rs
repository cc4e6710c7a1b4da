//! Schedules of a cluster of four: the input decides what is delivered, lost, cut off, when time
//! passes, who crashes, and what the one liar signs. Asserted are agreement, one signature for each
//! slot, durable before sent, and the invariants of each replica.

#![no_main]

#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../../consensus/tests/support/checker.rs"]
mod checker;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../../consensus/tests/support/disk.rs"]
mod disk;
#[path = "../../../consensus/tests/support/keyed_hash.rs"]
mod keyed_hash;
mod liar;
#[allow(dead_code)]
#[path = "../../../consensus/tests/support/random.rs"]
mod random;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../../consensus/tests/support/stage.rs"]
mod stage;
mod world;

use libfuzzer_sys::fuzz_target;
use world::{SIZE, World};

/// Steps of one input: enough for some ten views.
const STEPS_MAX: usize = 64;

// The first byte says whether the last member is a liar, or honest and all may lose their memory.
fuzz_target!(|input: &[u8]| {
    let Some((mode, bytes)) = input.split_first() else { return };
    let mut world = World::new(mode % 2 == 0);
    let mut bytes = bytes.iter().copied();
    for _ in 0..STEPS_MAX {
        let Some(byte) = bytes.next() else { break };
        let mut next = || usize::from(bytes.next().unwrap_or_default());
        let place = usize::from(byte & 31);
        match byte >> 5 {
            0 => world.deliver_at(place),
            1 => world.deliver_all([true; SIZE]),
            2 => world.lose_at(place),
            3 => world.pass_ms(1 << (place % 12)),
            4 => world.work(place % SIZE, place / SIZE % 2 == 0),
            5 => world.crash(place % SIZE, place / SIZE % 4 == 3),
            6 => world.lie(place, next(), next()),
            _ => {
                let reached = next();
                world.deliver_all(std::array::from_fn(|id| reached >> id & 1 == 1));
            }
        }
    }
});
