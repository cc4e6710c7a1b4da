//! From unverified to verified: the one place where what peers send is believed (R0).
//!
//! Structure first (epoch, members, power, what carries what), then all signatures of the message in
//! one batch. A certificate that was verified before is recognised by its digest.

mod check;

use alloc::collections::{BTreeSet, VecDeque};
use core::ops::Deref;

use logothete_primitives::{Digest, Verifier};

use check::Check;
pub(crate) use check::check_justification;

use crate::certificate::{Certificate, CommitCert, QuorumCert};
use crate::context::Context;
use crate::message::Message;
use crate::rejection::Rejection;

/// Something whose signatures and structure were checked. Only this module makes one from what a
/// peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Certificates verified before, by digest: one certificate arrives in many messages.
#[derive(Clone, Debug, Default)]
pub struct CertificateCache {
    known: BTreeSet<Digest>,
    order: VecDeque<Digest>,
}

impl CertificateCache {
    /// How many certificates are remembered.
    pub const CAPACITY: usize = 256;

    fn contains(&self, digest: &Digest) -> bool {
        self.known.contains(digest)
    }

    fn insert(&mut self, digest: Digest) {
        if !self.known.insert(digest) {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > Self::CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Verifies a message with every certificate in it.
pub fn verify(
    ctx: &Context,
    verifier: &dyn Verifier,
    message: Message,
) -> Result<Verified<Message>, Rejection> {
    verify_cached(ctx, verifier, &mut CertificateCache::default(), message)
}

/// [`verify`], which leaves out the signatures of certificates that `cache` knows.
pub fn verify_cached(
    ctx: &Context,
    verifier: &dyn Verifier,
    cache: &mut CertificateCache,
    message: Message,
) -> Result<Verified<Message>, Rejection> {
    let mut check = Check::new(ctx, cache);
    check.message(&message)?;
    check.finish(verifier)?;
    Ok(Verified(message))
}

/// Verifies a bare certificate.
pub fn verify_certificate(
    ctx: &Context,
    verifier: &dyn Verifier,
    certificate: &Certificate,
) -> Result<(), Rejection> {
    let mut cache = CertificateCache::default();
    let mut check = Check::new(ctx, &mut cache);
    check.certificate(certificate)?;
    check.finish(verifier)
}

/// Verifies a QC, as it comes with a fetched block.
pub fn verify_quorum(
    ctx: &Context,
    verifier: &dyn Verifier,
    qc: QuorumCert,
) -> Result<Verified<QuorumCert>, Rejection> {
    let mut cache = CertificateCache::default();
    let mut check = Check::new(ctx, &mut cache);
    check.quorum(&qc)?;
    check.finish(verifier)?;
    Ok(Verified(qc))
}

/// Verifies a CC: the block it names and its ancestors are final.
pub fn verify_commit(
    ctx: &Context,
    verifier: &dyn Verifier,
    cc: CommitCert,
) -> Result<Verified<CommitCert>, Rejection> {
    let mut cache = CertificateCache::default();
    let mut check = Check::new(ctx, &mut cache);
    check.commit(&cc)?;
    check.finish(verifier)?;
    Ok(Verified(cc))
}

#[cfg(test)]
mod tests {
    use logothete_primitives::{Domain, hash};

    use super::CertificateCache;

    /// R8.
    #[test]
    fn the_cache_holds_its_capacity_and_forgets_the_oldest() {
        let digest = |number: u64| hash(Domain::new("test/cert"), &number.to_le_bytes());
        let mut cache = CertificateCache::default();
        let capacity = CertificateCache::CAPACITY as u64;
        for number in (0..capacity).chain(0..capacity) {
            cache.insert(digest(number));
        }
        assert!((0..capacity).all(|number| cache.contains(&digest(number))));
        cache.insert(digest(capacity));
        assert!(!cache.contains(&digest(0)));
        assert!((1..=capacity).all(|number| cache.contains(&digest(number))));
    }
}
