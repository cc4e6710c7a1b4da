//! What a replica and a verifier must agree on before anything else.

use alloc::sync::Arc;

use logothete_primitives::{BlockHash, ChainId, Epoch, ValidatorSet};

use crate::certificate::QuorumCert;

/// The chain and its validators.
#[derive(Clone, Debug)]
pub struct Context {
    /// Part of everything signed.
    pub chain: ChainId,
    /// Who signs, and how many are enough.
    pub validators: Arc<ValidatorSet>,
    /// Hash of the genesis header, which is certified by comparison alone.
    pub genesis: BlockHash,
}

impl Context {
    /// The epoch of everything that is said now (R9).
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.validators.epoch()
    }

    /// The certificate of the genesis block.
    #[must_use]
    pub fn genesis_qc(&self) -> QuorumCert {
        QuorumCert::genesis(self.epoch(), self.genesis)
    }
}
