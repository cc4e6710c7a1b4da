//! Believing nobody but the validators one knows.
//!
//! ```text
//! transaction ─ path ─ batch ─ payload ─ header ◄─ parent ─ header ◄─ … ◄─ certificate ◄─ validator set
//! receipt or account ─ path ─ root ─ executed ─ header ◄─ …                 of the genesis file
//! ```
//!
//! Everything a node sends is checked against the chain id and the validator set that the caller
//! has from a genesis file. What is returned was proven; nothing else in an answer was.

use std::sync::Arc;

use logothete_consensus::{
    BlockHeader, CommitCert, Context, Equivocation, Rejection, verify_commit,
};
use logothete_ledger::account::Account;
use logothete_ledger::batch::Payload;
use logothete_ledger::proof::{InclusionProof, ProofError, ReceiptProof as ReceiptPath};
use logothete_ledger::receipt::Receipt;
use logothete_ledger::state::StateKey;
use logothete_ledger::state_tree::StateProof;
use logothete_primitives::codec::{self, CodecError, Decode};
use logothete_primitives::{
    BlockHash, ChainId, Ed25519Verifier, Height, Nonce, TxHash, ValidatorIndex, ValidatorSet, View,
};
use thiserror::Error;

use crate::rpc::types::{
    AccountProof, AccountView, BatchView, BlockCertificate, BlockView, HexBytes, ReceiptProof,
    StateProofView, TxProof,
};

/// Most headers between a block and the certificate that covers it.
pub const MAX_HEADERS: usize = 4096;

/// A block that is final, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// Its hash.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// Its header.
    pub header: BlockHeader,
    /// The view of the certificate.
    pub view: View,
    /// Who signed the certificate.
    pub signers: Vec<ValidatorIndex>,
    /// Their voting power.
    pub power: u64,
    /// The voting power of all validators.
    pub total_power: u64,
}

/// A transaction that is in a final block, and what came of it if that was proven too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTx {
    /// The block that orders it.
    pub block: BlockHash,
    /// The height of that block.
    pub height: Height,
    /// Who signed the certificate that covers the block.
    pub signers: Vec<ValidatorIndex>,
    /// Their voting power.
    pub power: u64,
    /// The voting power of all validators.
    pub total_power: u64,
    /// Its receipt. Without it the order is proven, but not that it was executed.
    pub receipt: Option<Receipt>,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// A part of it cannot be read.
    #[error("the {part} cannot be read: {error}")]
    Malformed {
        /// Which part.
        part: &'static str,
        /// What is wrong with its bytes.
        error: CodecError,
    },
    /// There are no headers, or more than anybody needs.
    #[error("{got} headers; between 1 and {MAX_HEADERS} lead to a certificate")]
    HeaderCount {
        /// How many there are.
        got: usize,
    },
    /// A header does not follow from the one before it.
    #[error("the header at height {height} does not follow from the one before it")]
    BrokenChain {
        /// Height of the later one.
        height: Height,
    },
    /// The certificate is for another block than the last header.
    #[error("the certificate is for block {got}, the headers lead to {expected}")]
    OtherBlock {
        /// The last header.
        expected: BlockHash,
        /// What is certified.
        got: BlockHash,
    },
    /// The certificate is not one of this validator set on this chain.
    #[error("the certificate does not hold: {0}")]
    Certificate(Rejection),
    /// The answer says something else than its proof.
    #[error("the answer names another {what} than its proof")]
    Mismatch {
        /// What differs.
        what: &'static str,
    },
    /// The transaction is not in the block.
    #[error("the transaction is not in the block: {0}")]
    Inclusion(ProofError),
    /// The receipt is not among the results.
    #[error("the receipt is not attested: {0}")]
    Receipt(ProofError),
    /// The evidence does not prove that a validator of this set signed two contradicting messages.
    #[error("the evidence proves nothing: {0}")]
    Evidence(Rejection),
    /// The account is not in the state as it is claimed.
    #[error("the state does not hold what is claimed")]
    State,
}

/// Verifies that a transaction is in a final block, and its receipt when the proof has one.
///
/// # Errors
/// The first thing that does not hold.
pub fn transaction(
    hash: &TxHash,
    proof: &TxProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<VerifiedTx, VerifyError> {
    let certified = certificate(&proof.headers, &proof.certificate, chain, validators)?;
    let inclusion: InclusionProof = decode("inclusion proof", &proof.inclusion)?;
    inclusion.verify(hash, &certified.header.payload).map_err(VerifyError::Inclusion)?;
    let receipt = match &proof.receipt {
        None => None,
        Some(path) => {
            let Attested { height, receipt, .. } = attested(hash, path, chain, validators)?;
            if height != certified.height {
                return Err(VerifyError::Mismatch { what: "height" });
            }
            Some(receipt)
        }
    };
    Ok(VerifiedTx {
        block: certified.block,
        height: certified.height,
        signers: certified.signers,
        power: certified.power,
        total_power: certified.total_power,
        receipt,
    })
}

/// Verifies what came of a transaction; gives the block that attests it, and the receipt.
///
/// # Errors
/// The first thing that does not hold.
pub fn receipt(
    hash: &TxHash,
    proof: &ReceiptProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<(Certified, Receipt), VerifyError> {
    let Attested { by, receipt, .. } = attested(hash, proof, chain, validators)?;
    Ok((by, receipt))
}

/// A receipt, the height of its block, and the block whose header attests it.
struct Attested {
    by: Certified,
    height: Height,
    receipt: Receipt,
}

fn attested(
    hash: &TxHash,
    proof: &ReceiptProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Attested, VerifyError> {
    let by = certificate(&proof.headers, &proof.certificate, chain, validators)?;
    let receipt: Receipt = decode("receipt", &proof.receipt)?;
    if receipt.tx != *hash {
        return Err(VerifyError::Mismatch { what: "transaction" });
    }
    let path: ReceiptPath = decode("receipt path", &proof.path)?;
    let executed = &by.header.executed;
    path.verify(&receipt, &executed.receipts_root).map_err(VerifyError::Receipt)?;
    // The attested root has one link for each height, so their number says which height this is.
    let height = executed.height.minus(path.later.len() as u64);
    Ok(Attested { by, height, receipt })
}

/// Verifies an account: balance, nonce and existence as of `view.at.height`. Not proven are the
/// hash of that block and `next_nonce`. Gives the block that attests the state.
///
/// # Errors
/// The first thing that does not hold.
pub fn account(
    view: &AccountView,
    proof: &AccountProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Certified, VerifyError> {
    let claimed = Account { balance: view.balance, nonce: view.nonce };
    if !view.exists && (!view.balance.is_zero() || view.nonce != Nonce::ZERO) {
        return Err(VerifyError::State);
    }
    let value = view.exists.then(|| claimed.to_value());
    let key = StateKey::account(&view.address);
    attested_state(&key, value.as_deref(), view.at.height, proof, chain, validators)
}

/// Verifies a value of the state, or its absence, as of the height that the answer names. The key is
/// the caller's: an answer may name another one.
///
/// # Errors
/// The first thing that does not hold.
pub fn state(
    key: &StateKey,
    view: &StateProofView,
    proof: &AccountProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Certified, VerifyError> {
    if view.key != *key.digest() {
        return Err(VerifyError::Mismatch { what: "key" });
    }
    let value = view.value.as_ref().map(|value| value.0.as_slice());
    attested_state(key, value, view.at.height, proof, chain, validators)
}

fn attested_state(
    key: &StateKey,
    value: Option<&[u8]>,
    height: Height,
    proof: &AccountProof,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Certified, VerifyError> {
    let attested = certificate(&proof.headers, &proof.certificate, chain, validators)?;
    let executed = &attested.header.executed;
    if executed.height != height {
        return Err(VerifyError::Mismatch { what: "height" });
    }
    let path: StateProof = decode("state path", &proof.path)?;
    if !path.verify(&executed.state_root, key, value) {
        return Err(VerifyError::State);
    }
    Ok(attested)
}

/// Verifies the answer of `block_certificate`.
///
/// # Errors
/// The first thing that does not hold.
pub fn block_certificate(
    answer: &BlockCertificate,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Certified, VerifyError> {
    let certified = certificate(&answer.headers, &answer.certificate, chain, validators)?;
    let claims = [
        ("block", answer.block == certified.block),
        ("height", answer.height == certified.height),
        ("view", answer.view == certified.view),
        ("power", answer.power == certified.power),
        ("quorum", answer.quorum == validators.quorum()),
        ("signers", signers_agree(answer, &certified, validators)),
    ];
    match claims.into_iter().find(|(_, holds)| !holds) {
        Some((what, _)) => Err(VerifyError::Mismatch { what }),
        None => Ok(certified),
    }
}

/// Verifies what an answer of `block_get` shows of the content of a block: the payload is the one of
/// a header that was proven, batches and counts are those of the payload. Not proven are the
/// transactions that were executed, the results, and why somebody did not sign.
///
/// # Errors
/// The first thing that does not hold.
pub fn block_payload(
    view: &BlockView,
    header: &BlockHeader,
    validators: &ValidatorSet,
) -> Result<Payload, VerifyError> {
    if Payload::hash_of(&view.payload.0) != header.payload {
        return Err(VerifyError::Mismatch { what: "payload" });
    }
    // Genesis orders nothing: what its header names is the id of its chain.
    let payload = if header.height == Height::ZERO {
        Payload::default()
    } else {
        decode("payload", &view.payload)?
    };
    let ordered: u64 = payload.batches.iter().map(|batch| u64::from(batch.count)).sum();
    let claims = [
        ("batches", batches_agree(&view.batches, &payload, validators)),
        ("number of transactions", u64::from(view.transaction_count) == ordered),
        (
            "number of proofs of equivocation",
            view.evidence_count as usize == payload.evidence.len(),
        ),
    ];
    match claims.into_iter().find(|(_, holds)| !holds) {
        Some((what, _)) => Err(VerifyError::Mismatch { what }),
        None => Ok(payload),
    }
}

/// Verifies evidence: one validator of this set signed two contradicting messages on this chain.
///
/// # Errors
/// The bytes are no evidence, or prove nothing.
pub fn evidence(
    bytes: &HexBytes,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Equivocation, VerifyError> {
    let evidence: Equivocation = decode("evidence", bytes)?;
    let verifier = Ed25519Verifier::for_set(validators);
    evidence.verify(&context(chain, validators), &verifier).map_err(VerifyError::Evidence)?;
    Ok(evidence)
}

/// Verifies that the first of some headers is final: each is the parent of the next, and a
/// certificate covers the last.
///
/// # Errors
/// The first thing that does not hold.
pub fn certificate(
    headers: &[HexBytes],
    certificate: &HexBytes,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<Certified, VerifyError> {
    if !(1..=MAX_HEADERS).contains(&headers.len()) {
        return Err(VerifyError::HeaderCount { got: headers.len() });
    }
    let headers = headers
        .iter()
        .map(|bytes| decode::<BlockHeader>("header", bytes))
        .collect::<Result<Vec<_>, _>>()?;
    for (parent, child) in headers.iter().zip(&headers[1..]) {
        let follows = child.parent == parent.hash()
            && child.parent_view == parent.view
            && child.height == parent.height.next()
            && child.epoch == parent.epoch;
        if !follows {
            return Err(VerifyError::BrokenChain { height: child.height });
        }
    }
    let cc: CommitCert = decode("certificate", certificate)?;
    let last = &headers[headers.len() - 1];
    let expected = last.hash();
    if cc.block != expected || cc.view != last.view || cc.epoch != last.epoch {
        return Err(VerifyError::OtherBlock { expected, got: cc.block });
    }
    let certified = check_certificate(cc, chain, validators)?;
    let header = headers.into_iter().next().expect("there is at least one header");
    Ok(Certified {
        block: header.hash(),
        height: header.height,
        header,
        view: certified.view,
        signers: certified.signers.iter().collect(),
        power: validators.power_of(&certified.signers),
        total_power: validators.total_power(),
    })
}

fn check_certificate(
    cc: CommitCert,
    chain: &ChainId,
    validators: &ValidatorSet,
) -> Result<CommitCert, VerifyError> {
    let verifier = Ed25519Verifier::for_set(validators);
    let verified = verify_commit(&context(chain, validators), &verifier, cc);
    Ok(verified.map_err(VerifyError::Certificate)?.into_inner())
}

fn context(chain: &ChainId, validators: &ValidatorSet) -> Context {
    // The genesis block is certified by comparison alone, and never by a commit certificate.
    let genesis = BlockHash::ZERO;
    Context { chain: *chain, validators: Arc::new(validators.clone()), genesis }
}

fn signers_agree(answer: &BlockCertificate, certified: &Certified, set: &ValidatorSet) -> bool {
    answer.signers.len() == set.len()
        && answer.signers.iter().zip(set.iter()).all(|(view, (index, validator))| {
            view.validator.index == index.get()
                && view.validator.name == *validator.name
                && view.power == validator.power
                && view.signed == certified.signers.contains(&index)
        })
}

fn batches_agree(views: &[BatchView], payload: &Payload, set: &ValidatorSet) -> bool {
    views.len() == payload.batches.len()
        && views.iter().zip(payload.batches.iter()).all(|(view, batch)| {
            (view.hash, view.count, view.bytes) == (batch.hash, batch.count, batch.bytes)
                && view.author.index == batch.author.get()
                && set.get(batch.author).is_some_and(|author| view.author.name == *author.name)
        })
}

fn decode<T: Decode<()>>(part: &'static str, bytes: &HexBytes) -> Result<T, VerifyError> {
    codec::decode(&bytes.0).map_err(|error| VerifyError::Malformed { part, error })
}

#[cfg(test)]
mod tests;
