//! From bytes to an admitted transaction: decoded once, hashed once, verified once.
//!
//! [`Candidate`] has passed every check that needs no cryptography; [`Admitted`] is a candidate whose signatures
//! hold. Execution, mempool and batches take nothing else.

use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::codec;
use logothete_primitives::domain;
use logothete_primitives::identifiers::{ChainId, TxHash};
use logothete_primitives::keys::VerifyingKey;
use logothete_primitives::numbers::Height;
use logothete_primitives::signature::{BatchItem, Signature, find_invalid, signing_message};

use crate::account::Account;
use crate::account_keys::AccountKeys;
use crate::error::TxError;
use crate::mempool::MempoolError;
use crate::modules;
use crate::params::ChainParams;
use crate::transaction::{Body, Transaction};
use crate::verified::Verified;

/// A transaction in canonical bytes and within all limits; its signatures are not checked yet.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The decoded transaction.
    pub tx: Transaction,
    /// Hash of its bytes.
    pub hash: TxHash,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl Candidate {
    /// Decodes a transaction and checks what needs neither state nor signatures.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn decode(bytes: &[u8], chain: &ChainId, params: &ChainParams) -> Result<Self, TxError> {
        let max = usize::try_from(params.max_tx_bytes).unwrap_or(usize::MAX);
        if bytes.len() > max {
            return Err(TxError::TooLarge { max, got: bytes.len() });
        }
        let tx = Transaction::decode(bytes)?;
        tx.check(chain, params)?;
        Ok(Self { hash: Transaction::hash_of(bytes), bytes: bytes.into(), tx })
    }
}

/// A candidate whose signatures hold.
#[derive(Clone, Debug)]
pub struct Admitted(Candidate);

impl Admitted {
    /// Admits one transaction on its own. Many at once are three times cheaper with [`admit`].
    ///
    /// # Errors
    /// The signature that does not hold.
    pub fn verify(candidate: Candidate, chain: &ChainId) -> Result<Self, TxError> {
        check_signatures(&candidate.tx, chain)?;
        Ok(Self(candidate))
    }

    /// For transactions that a certificate or this node's own store vouches for: their signatures were
    /// checked before they were ordered.
    pub const fn vouched(candidate: Candidate) -> Self {
        Self(candidate)
    }
}

impl Deref for Admitted {
    type Target = Candidate;

    fn deref(&self) -> &Candidate {
        &self.0
    }
}

/// Admits the candidates whose signatures hold: those that are known to, and those that do now, checked in one batch.
pub fn admit(
    chain: &ChainId,
    verified: &Verified,
    candidates: Vec<Candidate>,
) -> Vec<Result<Arc<Admitted>, TxError>> {
    let known = verified.known(&candidates);
    let strange = candidates.iter().zip(&known).filter(|(_, known)| !**known);
    let strange: Vec<&Candidate> = strange.map(|(candidate, _)| candidate).collect();
    let verdicts = verify_signatures(chain, &verified.keys, &strange);
    let held = strange.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    verified.keep(held.map(|(candidate, _)| candidate.hash));
    let mut verdicts = verdicts.into_iter();
    let mut next = || verdicts.next().expect("there is a verdict on each that was not known");
    candidates
        .into_iter()
        .zip(known)
        .map(|(candidate, known)| {
            let verdict = if known { Ok(()) } else { next() };
            verdict.map(|()| Arc::new(Admitted(candidate)))
        })
        .collect()
}

/// The verdict on each candidate, the same as [`Admitted::verify`] gives one by one.
pub fn verify_signatures(
    chain: &ChainId,
    keys: &AccountKeys,
    candidates: &[impl Borrow<Candidate>],
) -> Vec<Result<(), TxError>> {
    let mut verdicts = vec![Ok(()); candidates.len()];
    let candidates = || candidates.iter().map(Borrow::borrow);
    let messages: Vec<Vec<u8>> =
        candidates().map(|candidate| message_of(candidate, chain)).collect();
    let claims = || {
        let numbered = candidates().enumerate();
        numbered.flat_map(|(index, candidate)| {
            candidate.tx.signatures().map(move |(signer, signature)| (index, signer, signature))
        })
    };
    let known = keys.get(claims().map(|(_, signer, _)| signer));
    let mut signatures: Vec<PendingSignature<'_>> = Vec::with_capacity(known.len());
    for ((candidate, signer, signature), known) in claims().zip(known) {
        match known.map_or_else(|| VerifyingKey::try_from(&signer.public_key()), Ok) {
            Ok(key) => {
                signatures.push(PendingSignature { candidate, signer, key, signature });
            }
            Err(_) => verdicts[candidate] = Err(TxError::InvalidKey { signer: *signer }),
        }
    }
    let items: Vec<BatchItem<'_>> = signatures
        .iter()
        .map(|pending| BatchItem {
            key: &pending.key,
            message: &messages[pending.candidate],
            signature: pending.signature,
        })
        .collect();
    // In reverse, so that the first bad signature of a transaction is the one reported.
    for invalid in find_invalid(&items).into_iter().rev() {
        let pending = &signatures[invalid];
        let verdict = &mut verdicts[pending.candidate];
        if !matches!(verdict, Err(TxError::InvalidKey { .. })) {
            *verdict = Err(TxError::InvalidSignature { signer: *pending.signer });
        }
    }
    // Known ones too: whoever still signs is not to be forgotten.
    let held = signatures.iter().filter(|pending| verdicts[pending.candidate].is_ok());
    keys.keep(held.map(|pending| (*pending.signer, pending.key)));
    verdicts
}

struct PendingSignature<'a> {
    candidate: usize,
    signer: &'a Address,
    key: VerifyingKey,
    signature: &'a Signature,
}

fn check_signatures(tx: &Transaction, chain: &ChainId) -> Result<(), TxError> {
    let message = tx.body.signing_message(chain);
    let mut keys = Vec::with_capacity(1 + tx.body.cosigners.len());
    for (signer, signature) in tx.signatures() {
        let key = VerifyingKey::try_from(&signer.public_key())
            .map_err(|_| TxError::InvalidKey { signer: *signer })?;
        keys.push((key, signer, signature));
    }
    for (key, signer, signature) in keys {
        key.verify(&message, signature)
            .map_err(|_| TxError::InvalidSignature { signer: *signer })?;
    }
    Ok(())
}

/// The signing message, cut from the bytes: the body comes first in an encoded transaction.
fn message_of(candidate: &Candidate, chain: &ChainId) -> Vec<u8> {
    let signatures = size_of::<Signature>() + codec::encoded_len(&candidate.tx.cosignatures);
    let body = candidate.bytes.len().saturating_sub(signatures);
    signing_message(domain::TRANSACTION, chain, &candidate.bytes[..body])
}

/// What the state at hand says of a transaction. It may say otherwise when the transaction executes; these
/// checks keep hopeless transactions out, execution decides.
///
/// # Errors
/// The first reason why it cannot execute now or soon.
pub fn check_state(body: &Body, account: &Account, now: Height) -> Result<(), MempoolError> {
    // It can execute in the next block at the earliest.
    if body.expiry <= now {
        return Err(MempoolError::Expired { expiry: body.expiry, now });
    }
    let (expected, got) = (account.nonce, body.nonce);
    if got < expected {
        return Err(MempoolError::NonceTooLow { expected, got });
    }
    if got.get() - expected.get() >= crate::mempool::NONCE_WINDOW {
        return Err(MempoolError::NonceTooHigh {
            expected,
            got,
            window: crate::mempool::NONCE_WINDOW,
        });
    }
    let needed = spends(body);
    if account.balance.units() < needed {
        return Err(MempoolError::InsufficientBalance {
            needed: logothete_primitives::amount::Amount::new(needed),
            available: account.balance,
        });
    }
    Ok(())
}

/// The fee and what the operations take from the sender's own balance.
pub(crate) fn spends(body: &Body) -> u64 {
    let amounts = body.operations.iter().map(modules::spends);
    amounts.fold(body.fee.units(), u64::saturating_add)
}
