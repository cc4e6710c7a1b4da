//! Sends certificates that are almost good: one bad signature, one signer twice, one too few, another
//! block under the same signatures.

use logothete_consensus::{Certificate, Message, QuorumCert, TimeoutCert};
use logothete_primitives::{Signature, View};

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct Forger(u64);

impl Adversary for Forger {
    fn hear(&mut self, liar: &mut Liar<'_>, message: &Message) -> Vec<Parcel> {
        let certificate = match message {
            Message::CommitVote { qc, .. } => {
                forge_quorum(liar, qc.clone()).map(Certificate::Quorum)
            }
            Message::Timeout(timeout) => match &timeout.entry {
                Some(Certificate::Timeout(tc)) => {
                    Some(Certificate::Timeout(forge_timeout(liar, tc.clone())))
                }
                _ => None,
            },
            _ => None,
        };
        let Some(certificate) = certificate else { return Vec::new() };
        self.0 += 1;
        vec![Parcel::to_all(Message::Certificate(Box::new(certificate)))]
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}

fn forge_quorum(liar: &mut Liar<'_>, mut qc: QuorumCert) -> Option<QuorumCert> {
    let mut signatures = qc.signatures.clone().into_inner();
    if signatures.is_empty() {
        return None;
    }
    match liar.random.below(4) {
        0 => signatures[0] = Signature::from_bytes([0x5a; 64]),
        // The second speaks for the first; with one alone the certificate speaks of another view.
        1 if signatures.len() > 1 => signatures[0] = signatures[1],
        2 if signatures.len() > 1 => {
            signatures.pop();
        }
        3 => qc.block = liar.nothing(),
        _ => qc.view = qc.view.plus(1000),
    }
    qc.signatures = signatures.try_into().unwrap();
    Some(qc)
}

fn forge_timeout(liar: &mut Liar<'_>, mut tc: TimeoutCert) -> TimeoutCert {
    let mut entries = tc.timeouts.clone().into_inner();
    match liar.random.below(4) {
        0 => entries[0].signature = Signature::from_bytes([0x5a; 64]),
        1 if entries.len() > 1 => entries[1] = entries[0].clone(),
        2 if entries.len() > 1 => {
            entries.pop();
            entries[0].qc_view = View::ZERO.next();
        }
        _ => tc.view = tc.view.plus(1000),
    }
    tc.timeouts = entries.try_into().unwrap();
    tc
}
