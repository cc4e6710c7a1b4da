//! What dissemination is asked for, and what it wants done.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{Block, Executed, Offence};
use logothete_ledger::error::BatchError;
use logothete_primitives::{BatchHash, BlockHash, Height, ValidatorIndex, View};

use super::check::PayloadRule;
use super::decoded::DecodedBatch;
use super::evidence::EvidenceRule;
use super::held::HeldBatch;
use super::message::BatchMessage;

/// A leader's wish for a payload.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The view to propose in.
    pub view: View,
    /// The blocks between the last final one and the new one, oldest first.
    pub ancestors: Vec<Arc<Block>>,
    /// Whether the payload may name batches.
    pub must_be_empty: bool,
    /// Whether to answer even when there is nothing to order or attest.
    pub idle_expired: bool,
}

/// What dissemination wants done.
#[derive(Debug)]
pub enum Effect {
    /// Send a frame to one validator.
    Send(ValidatorIndex, BatchMessage),
    /// Send a frame to all other validators.
    Broadcast(BatchMessage),
    /// Decode a received batch, then call [`Dissemination::on_decoded`].
    Decode(ValidatorIndex, Bytes),
    /// Check the signatures of a received batch, then call [`Dissemination::on_verified`].
    Verify(ValidatorIndex, DecodedBatch),
    /// Write a batch to the store; it becomes durable with the next safety state.
    Store(Arc<HeldBatch>),
    /// Find a batch in the store and send it.
    Serve(ValidatorIndex, BatchHash),
    /// Look for these batches in the store; call [`Dissemination::on_stored`] for each found.
    Load(Vec<BatchHash>),
    /// The answer to a payload check.
    Checked(BlockHash, Result<(), PayloadRule>),
    /// A final block whose batches are all at hand, in the order of heights.
    Executable(Arc<Block>, Vec<Arc<HeldBatch>>),
    /// The answer to a [`BuildRequest`].
    Built(View, Vec<u8>, Executed),
    /// Whether something waits for an order or an attestation.
    PendingWork(bool),
    /// A peer sent an invalid batch.
    Fault(ValidatorIndex, BatchError),
    /// A peer sent evidence that proves nothing.
    FalseEvidence(ValidatorIndex, EvidenceRule),
    /// A final block records these offences.
    Recorded(Height, Vec<Offence>),
}
