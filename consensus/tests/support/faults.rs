//! What goes wrong, and how often.

/// Per mille are per message, or per action for crashes; times are in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) delay: (u64, u64),
    /// Some messages take up to this long, which reorders them.
    pub(crate) straggle: u64,
    pub(crate) straggle_max: u64,
    /// Per hundred thousand actions.
    pub(crate) crash: u64,
    /// Of those who crash, so many come back without their disk.
    pub(crate) wipe: u64,
    pub(crate) down: (u64, u64),
    /// How often the network is cut anew, and for how long it stays.
    pub(crate) partition: u64,
    /// How often a process is cut off one way: it hears and is not heard.
    pub(crate) mute: u64,
    pub(crate) payload_delay: (u64, u64),
}

impl Faults {
    /// A network that works.
    pub(crate) const NONE: Self = Self {
        loss: 0,
        duplicate: 0,
        delay: (500, 3_000),
        straggle: 0,
        straggle_max: 3_000,
        crash: 0,
        wipe: 0,
        down: (1_000_000, 1_000_000),
        partition: 0,
        mute: 0,
        payload_delay: (100, 2_000),
    };

    /// Everything at once.
    pub(crate) const CHAOS: Self = Self {
        loss: 60,
        duplicate: 50,
        delay: (500, 40_000),
        straggle: 50,
        straggle_max: 2_500_000,
        crash: 300,
        wipe: 0,
        down: (200_000, 6_000_000),
        partition: 300,
        mute: 0,
        payload_delay: (100, 150_000),
    };

    /// The same with disks lost, one at a time (R10).
    pub(crate) const WIPES: Self = Self { wipe: 500, ..Self::CHAOS };
}
