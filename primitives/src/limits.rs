//! Every limit of the protocol, each chosen once or derived from those that were.
//!
//! Those of the first part are part of the protocol: nodes that differ in one of them disagree about
//! which bytes are valid. The second part follows from them.

/// Bytes of a length prefix or an enum tag.
const PREFIX: usize = 4;
/// Bytes of a digest, a key, an address.
const DIGEST: usize = 32;
/// Bytes of a signature.
const SIGNATURE: usize = 64;
/// Room for the fixed fields of any one structure: a few digests and counters.
const FIXED_FIELDS: usize = 512;

// Chosen.

/// Members of a validator set.
pub const MAX_VALIDATORS: usize = 200;
/// Voting power of all members of a set; twice it still fits into 64 bits.
pub const MAX_TOTAL_POWER: u64 = 1 << 62;
/// Bytes of the name of a validator, an account or a chain.
pub const MAX_NAME_BYTES: usize = 32;
/// Operations of a transaction.
pub const MAX_OPERATIONS: usize = 64;
/// Bytes of the memo of a transaction.
pub const MAX_MEMO_BYTES: usize = 256;
/// Signers of a transaction besides the sender.
pub const MAX_COSIGNERS: usize = 15;
/// Bytes of a transaction.
pub const MAX_TX_BYTES: usize = 16 * 1024;
/// Bytes of an encoded batch.
pub const MAX_BATCH_BYTES: usize = 512 * 1024;
/// Transactions of a batch.
pub const MAX_BATCH_TXS: usize = 4096;
/// Batches that a block may reference.
pub const MAX_BATCHES_PER_BLOCK: usize = 64;
/// Pieces of evidence that a block may record.
pub const MAX_EVIDENCE_PER_BLOCK: usize = 4;
/// How far a nonce may be ahead of its account to be kept waiting.
pub const NONCE_WINDOW: u64 = 64;
/// Bytes of one answer of the sync lane.
pub const MAX_SYNC_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one request of the sync lane.
pub const MAX_SYNC_REQUEST_BYTES: usize = 4 * 1024;

// Derived.

/// Bytes of a signer set.
pub const MAX_SIGNER_SET_BYTES: usize = 2 + MAX_VALIDATORS.div_ceil(8);
/// Bytes of a certificate of one quorum: fixed fields, signers, signatures.
pub const MAX_QUORUM_CERT_BYTES: usize =
    FIXED_FIELDS + MAX_SIGNER_SET_BYTES + PREFIX + MAX_VALIDATORS * SIGNATURE;
/// Bytes of a timeout certificate: per signer an index, a view and a signature; and one quorum
/// certificate.
pub const MAX_TIMEOUT_CERT_BYTES: usize =
    FIXED_FIELDS + PREFIX + MAX_VALIDATORS * (2 + 8 + SIGNATURE) + MAX_QUORUM_CERT_BYTES;
/// Bytes of any certificate, with its tag.
pub const MAX_CERT_BYTES: usize = PREFIX + MAX_TIMEOUT_CERT_BYTES;
/// Bytes that a payload has for each batch it references: hash, author, counts, and room to grow.
pub const MAX_BATCH_REF_BYTES: usize = DIGEST + 32;
/// Bytes of one piece of evidence: two headers with their signatures, and a tag.
pub const MAX_EVIDENCE_BYTES: usize = PREFIX + 2 * (FIXED_FIELDS + SIGNATURE);
/// Bytes of the payload of a block.
pub const MAX_PAYLOAD_BYTES: usize = PREFIX
    + MAX_BATCHES_PER_BLOCK * MAX_BATCH_REF_BYTES
    + PREFIX
    + MAX_EVIDENCE_PER_BLOCK * (PREFIX + MAX_EVIDENCE_BYTES);
/// Bytes of a block: header and payload.
pub const MAX_BLOCK_BYTES: usize = FIXED_FIELDS + PREFIX + MAX_PAYLOAD_BYTES;
/// Bytes of a proposal: block, its quorum certificate, a timeout certificate, a signature.
pub const MAX_PROPOSAL_BYTES: usize =
    MAX_BLOCK_BYTES + MAX_QUORUM_CERT_BYTES + 1 + MAX_TIMEOUT_CERT_BYTES + SIGNATURE;
/// Bytes of a timeout message: fixed fields, its quorum certificate, the certificate of entry.
pub const MAX_TIMEOUT_BYTES: usize =
    FIXED_FIELDS + MAX_QUORUM_CERT_BYTES + 1 + MAX_CERT_BYTES + SIGNATURE;

/// Bytes of a frame of the consensus lane: the largest message, with its tag.
pub const MAX_CONSENSUS_FRAME_BYTES: usize = PREFIX
    + if MAX_PROPOSAL_BYTES > MAX_TIMEOUT_BYTES { MAX_PROPOSAL_BYTES } else { MAX_TIMEOUT_BYTES };
/// Bytes of a frame of the batch lane: a batch and what is said about it.
pub const MAX_BATCHES_FRAME_BYTES: usize = FIXED_FIELDS + MAX_BATCH_BYTES;
/// Bytes of a frame of the sync lane: an answer and its correlation.
pub const MAX_SYNC_FRAME_BYTES: usize = FIXED_FIELDS + MAX_SYNC_RESPONSE_BYTES;
/// Bytes of a frame of any lane.
pub const MAX_FRAME_BYTES: usize = MAX_SYNC_FRAME_BYTES;
/// Bytes of a gossiped message: one transaction and what is said about it.
pub const MAX_GOSSIP_BYTES: usize = FIXED_FIELDS + MAX_TX_BYTES;

const _: () = {
    assert!(MAX_VALIDATORS < u16::MAX as usize);
    assert!(MAX_TX_BYTES + FIXED_FIELDS <= MAX_BATCH_BYTES);
    assert!(MAX_BATCHES_FRAME_BYTES <= MAX_SYNC_FRAME_BYTES, "one answer carries any batch");
    assert!(MAX_CONSENSUS_FRAME_BYTES <= MAX_SYNC_FRAME_BYTES);
    assert!(
        PREFIX
            + MAX_OPERATIONS * (PREFIX + 1 + 2 * DIGEST + 8)
            + MAX_MEMO_BYTES
            + MAX_COSIGNERS * (DIGEST + SIGNATURE)
            + FIXED_FIELDS
            <= MAX_TX_BYTES,
        "the largest transaction of transfers fits"
    );
};
