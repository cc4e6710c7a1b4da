//! Members that lie. Each runs the whole program; what leaves it is changed on the way out. One file for each misdeed.

mod equivocator;
mod flooder;
mod forger;
mod sync_liar;
mod withholder;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use logothete_p2p::{Lane, Request};
use logothete_primitives::{ChainId, Signer, ValidatorIndex};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, oneshot};

use super::journal::Journal;

/// Requests on their way to a liar's own program.
const REQUESTS_MAX: usize = 64;

/// What a liar does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// It signs two proposals and two votes of one view.
    Equivocates,
    /// It seals batches and gives them to few.
    WithholdsBatches,
    /// It votes, proposes and gives up towards some only.
    WithholdsVotes,
    /// It answers falsely when others catch up.
    LiesInSync,
    /// It says everything many times, also what is long over.
    Floods,
    /// It makes up certificates, votes of others, batches and evidence.
    Forges,
    /// Its disk forgets what was durable, and it does not notice.
    Forgets,
}

impl Misdeed {
    /// All misdeeds.
    pub const ALL: [Self; 7] = [
        Self::Equivocates,
        Self::WithholdsBatches,
        Self::WithholdsVotes,
        Self::LiesInSync,
        Self::Floods,
        Self::Forges,
        Self::Forgets,
    ];

    /// Its line in the histogram.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Equivocates => "lie: two messages for one slot",
            Self::WithholdsBatches => "lie: batch withheld",
            Self::WithholdsVotes => "lie: message withheld",
            Self::LiesInSync => "lie: false answer to sync",
            Self::Floods => "lie: flood",
            Self::Forges => "lie: forgery",
            Self::Forgets => "lie: durable writes forgotten",
        }
    }

    fn lie(self) -> Option<Box<dyn Lie>> {
        Some(match self {
            Self::Equivocates => Box::new(equivocator::Equivocator::default()),
            Self::WithholdsBatches => Box::new(withholder::Withholder { lane: Lane::Batches }),
            Self::WithholdsVotes => Box::new(withholder::Withholder { lane: Lane::Consensus }),
            Self::LiesInSync => Box::new(sync_liar::SyncLiar),
            Self::Floods => Box::new(flooder::Flooder::default()),
            Self::Forges => Box::new(forger::Forger),
            Self::Forgets => return None,
        })
    }
}

/// A way to lie.
trait Lie: Send {
    /// What leaves for one receiver instead of a frame.
    fn send(&mut self, liar: &mut Liar, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        let _ = liar;
        vec![(lane, frame)]
    }

    /// What is answered instead of what is true; `None` is silence.
    fn answer(&mut self, liar: &mut Liar, honest: Bytes) -> Option<Bytes> {
        let _ = liar;
        Some(honest)
    }
}

/// Who lies.
pub(super) struct Liar {
    pub(super) member: usize,
    pub(super) own: ValidatorIndex,
    pub(super) chain: ChainId,
    pub(super) signer: Box<dyn Signer>,
    pub(super) misdeed: Misdeed,
    pub(super) journal: Journal,
    pub(super) random: ChaCha8Rng,
}

impl Liar {
    /// The randomness of one life of one liar.
    pub(super) fn random(seed: u64, member: usize, life: u32) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed.rotate_left(31) ^ (member as u64) << 32 ^ u64::from(life))
    }

    fn lied(&self) {
        self.journal.fault(self.misdeed.name(), self.member, "");
    }
}

/// Stands between a program and its network.
pub(super) struct Deceit(Mutex<(Liar, Box<dyn Lie>)>);

impl Deceit {
    /// A liar at work; `None` for a misdeed that changes nothing on the way.
    pub(super) fn new(liar: Liar) -> Option<Arc<Self>> {
        let lie = liar.misdeed.lie()?;
        Some(Arc::new(Self(Mutex::new((liar, lie)))))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Liar, &mut dyn Lie) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (liar, lie) = &mut *state;
        act(liar, &mut **lie)
    }

    /// What leaves for one receiver instead of a frame.
    pub(super) fn send(&self, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        self.with(|liar, lie| lie.send(liar, lane, frame))
    }

    /// Lets the program answer requests, and changes the answers.
    pub(super) fn intercept(
        self: &Arc<Self>,
        mut requests: mpsc::Receiver<Request>,
    ) -> mpsc::Receiver<Request> {
        let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
        let deceit = self.clone();
        tokio::spawn(async move {
            while let Some(Request { from, bytes, respond }) = requests.recv().await {
                let (honest, answer) = oneshot::channel();
                if sender.send(Request { from, bytes, respond: honest }).await.is_err() {
                    return;
                }
                let deceit = deceit.clone();
                tokio::spawn(async move {
                    let Ok(honest) = answer.await else { return };
                    if let Some(lie) = deceit.with(|liar, lie| lie.answer(liar, honest)) {
                        // Whoever asked may be gone.
                        let _ = respond.send(lie);
                    }
                });
            }
        });
        receiver
    }
}
