//! Members who lie: each runs the production core and then does one thing wrong. One file per misdeed.

mod amnesiac;
mod double_voter;
mod equivocating_leader;
mod flooder;
mod forger;
mod liar;
mod silent_leader;
mod stale_replayer;
mod time_stamper;
mod vote_withholder;

use logothete_consensus::Message;
use logothete_primitives::ValidatorIndex;

pub(crate) use liar::Liar;

use super::disk::Disk;

/// A message on its way; `None` is to everybody else.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) to: Option<ValidatorIndex>,
    pub(crate) message: Message,
}

impl Parcel {
    pub(crate) const fn to_all(message: Message) -> Self {
        Self { to: None, message }
    }
}

/// What a liar makes of the messages of its core, and of those it hears.
pub(crate) trait Adversary {
    /// What leaves instead of a message.
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let _ = liar;
        vec![parcel]
    }

    /// What leaves because of a message heard.
    fn hear(&mut self, liar: &mut Liar<'_>, message: &Message) -> Vec<Parcel> {
        let _ = (liar, message);
        Vec::new()
    }

    /// The process starts on this disk.
    fn start(&mut self, disk: &mut Disk) {
        let _ = disk;
    }

    /// How often it did wrong.
    fn misdeeds(&self) -> u64;
}

/// The kinds of liars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    EquivocatingLeader,
    DoubleVoter,
    VoteWithholder,
    SilentLeader,
    StaleReplayer,
    Forger,
    Amnesiac,
    TimeStamper,
    Flooder,
}

impl Misdeed {
    pub(crate) const ALL: [Self; 9] = [
        Self::EquivocatingLeader,
        Self::DoubleVoter,
        Self::VoteWithholder,
        Self::SilentLeader,
        Self::StaleReplayer,
        Self::Forger,
        Self::Amnesiac,
        Self::TimeStamper,
        Self::Flooder,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EquivocatingLeader => "misdeed: two proposals",
            Self::DoubleVoter => "misdeed: two votes",
            Self::VoteWithholder => "misdeed: vote withheld",
            Self::SilentLeader => "misdeed: proposal withheld",
            Self::StaleReplayer => "misdeed: old message replayed",
            Self::Forger => "misdeed: certificate forged",
            Self::Amnesiac => "misdeed: memory lost and denied",
            Self::TimeStamper => "misdeed: wrong timestamp",
            Self::Flooder => "misdeed: flood",
        }
    }

    pub(crate) fn adversary(self) -> Box<dyn Adversary> {
        match self {
            Self::EquivocatingLeader => Box::<equivocating_leader::EquivocatingLeader>::default(),
            Self::DoubleVoter => Box::<double_voter::DoubleVoter>::default(),
            Self::VoteWithholder => Box::<vote_withholder::VoteWithholder>::default(),
            Self::SilentLeader => Box::<silent_leader::SilentLeader>::default(),
            Self::StaleReplayer => Box::<stale_replayer::StaleReplayer>::default(),
            Self::Forger => Box::<forger::Forger>::default(),
            Self::Amnesiac => Box::<amnesiac::Amnesiac>::default(),
            Self::TimeStamper => Box::<time_stamper::TimeStamper>::default(),
            Self::Flooder => Box::<flooder::Flooder>::default(),
        }
    }
}
