//! The layout of the database: families by life cycle, keys, and sealed values.
//!
//! All numbers in keys are big endian, so that keys sort by them. `docs/storage.md` describes each
//! family; a change here raises [`SCHEMA_VERSION`].

use logothete_primitives::{
    Address, BatchHash, BlockHash, Digest, Domain, Hasher, Height, TxHash, View,
};

use super::{BlockRecord, CommitRecord, EvidenceEntry, StoreError, TxLocation};

/// Version of the layout. A newer database is refused, an older one is migrated or refused.
pub const SCHEMA_VERSION: u32 = 2;

/// Receipts are stored in rows of this many consecutive indices.
pub(crate) const RECEIPTS_PER_ROW: u32 = 64;

/// Domain of the checksums of records; never leaves the database.
const SEAL: Domain = Domain::new("lgt/record");

/// A family of records with one life cycle (a column family on disk).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Schema version and chain id. Never removed.
    Meta,
    /// What this validator signed (R2, R3, R5). Rewritten in place, synced, never in a backup.
    Safety,
    /// Blocks by height and hash; competing ones go when their height is final.
    Blocks,
    /// Height of a block by its hash.
    BlockIndex,
    /// Hash of the final block of a height, and its commit certificate.
    Certificates,
    /// Batches by hash. Large, written once.
    Batches,
    /// When a batch was stored and which height ordered it.
    BatchIndex,
    /// What each piece of evidence in a final block is about, by its place.
    Evidence,
    /// The flat state at the applied height.
    State,
    /// Roots of every executed height; the last one is the applied height.
    Executed,
    /// Receipts in rows of 64 consecutive indices.
    Receipts,
    /// Location of a transaction by its hash.
    TxIndex,
    /// Transactions of an account, newest first.
    AccountIndex,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 13] = [
        Self::Meta,
        Self::Safety,
        Self::Blocks,
        Self::BlockIndex,
        Self::Certificates,
        Self::Batches,
        Self::BatchIndex,
        Self::Evidence,
        Self::State,
        Self::Executed,
        Self::Receipts,
        Self::TxIndex,
        Self::AccountIndex,
    ];

    /// Name of the column family.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Safety => "safety",
            Self::Blocks => "blocks",
            Self::BlockIndex => "block_index",
            Self::Certificates => "certificates",
            Self::Batches => "batches",
            Self::BatchIndex => "batch_index",
            Self::Evidence => "evidence",
            Self::State => "state",
            Self::Executed => "executed",
            Self::Receipts => "receipts",
            Self::TxIndex => "tx_index",
            Self::AccountIndex => "account_index",
        }
    }

    /// Position in [`Family::ALL`].
    pub(crate) const fn position(self) -> usize {
        self as usize
    }
}

/// Keys of [`Family::Meta`].
pub(crate) const META_SCHEMA: &[u8] = b"schema";
/// Key of the chain id.
pub(crate) const META_CHAIN: &[u8] = b"chain";
/// The one key of [`Family::Safety`].
pub(crate) const SAFETY_STATE: &[u8] = b"state";

/// `height ‖ hash` in [`Family::Blocks`].
pub(crate) fn block_key(height: Height, hash: &BlockHash) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&height.get().to_be_bytes());
    key[8..].copy_from_slice(hash.as_bytes());
    key
}

/// The key of a height.
pub(crate) fn height_key(height: Height) -> [u8; 8] {
    height.get().to_be_bytes()
}

/// The height at the start of a key.
pub(crate) fn height_of(family: Family, key: &[u8]) -> Result<Height, StoreError> {
    let bytes = key
        .first_chunk::<8>()
        .ok_or_else(|| StoreError::corrupted(family.name(), key, "key too short"))?;
    Ok(Height::new(u64::from_be_bytes(*bytes)))
}

/// Kinds of rows in [`Family::BatchIndex`].
#[derive(Clone, Copy)]
pub(crate) enum BatchRow {
    /// `o ‖ hash`: the height that ordered the batch.
    Ordered,
    /// `s ‖ hash`: the committed height when the batch was last stored.
    Stored,
}

/// Key of a row about one batch.
pub(crate) fn batch_row_key(row: BatchRow, hash: &BatchHash) -> [u8; 33] {
    let mut key = [0; 33];
    key[0] = match row {
        BatchRow::Ordered => b'o',
        BatchRow::Stored => b's',
    };
    key[1..].copy_from_slice(hash.as_bytes());
    key
}

/// First byte of the rows that list batches by the height at which they were stored.
pub(crate) const BATCH_MARK: u8 = b'm';

/// `m ‖ height ‖ hash` in [`Family::BatchIndex`].
pub(crate) fn batch_mark_key(stored: Height, hash: &BatchHash) -> [u8; 41] {
    let mut key = [0; 41];
    key[0] = BATCH_MARK;
    key[1..9].copy_from_slice(&stored.get().to_be_bytes());
    key[9..].copy_from_slice(hash.as_bytes());
    key
}

/// Reads a key made by [`batch_mark_key`].
pub(crate) fn parse_batch_mark(key: &[u8]) -> Result<(Height, BatchHash), StoreError> {
    let family = Family::BatchIndex;
    let (height, hash) = key
        .get(1..)
        .and_then(|rest| rest.split_first_chunk::<8>())
        .ok_or_else(|| StoreError::corrupted(family.name(), key, "key too short"))?;
    Ok((Height::new(u64::from_be_bytes(*height)), BatchHash::new(digest_of(family, key, hash)?)))
}

/// `height ‖ index / 64` in [`Family::Receipts`].
pub(crate) fn receipt_row_key(height: Height, index: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&height.get().to_be_bytes());
    key[8..].copy_from_slice(&(index / RECEIPTS_PER_ROW).to_be_bytes());
    key
}

/// `height ‖ index` in [`Family::Evidence`].
pub(crate) fn evidence_key(height: Height, index: u32) -> [u8; 12] {
    location_value(TxLocation { height, index })
}

/// Reads a row of [`Family::Evidence`].
pub(crate) fn parse_evidence(key: &[u8], about: &[u8]) -> Result<EvidenceEntry, StoreError> {
    let family = Family::Evidence;
    let index = key
        .get(8..)
        .and_then(|rest| rest.try_into().ok())
        .map(u32::from_be_bytes)
        .ok_or_else(|| StoreError::corrupted(family.name(), key, "a key has 12 bytes"))?;
    Ok(EvidenceEntry { height: height_of(family, key)?, index, about: about.to_vec() })
}

/// `address ‖ ¬height ‖ ¬index` in [`Family::AccountIndex`]: ascending keys go back in time.
pub(crate) fn history_key(account: &Address, location: TxLocation) -> [u8; 44] {
    let mut key = [0; 44];
    key[..32].copy_from_slice(account.as_bytes());
    key[32..40].copy_from_slice(&(!location.height.get()).to_be_bytes());
    key[40..].copy_from_slice(&(!location.index).to_be_bytes());
    key
}

/// The location in a key made by [`history_key`].
pub(crate) fn history_location(key: &[u8]) -> Result<TxLocation, StoreError> {
    let fault = || StoreError::corrupted(Family::AccountIndex.name(), key, "key too short");
    let (height, rest) =
        key.get(32..).and_then(|rest| rest.split_first_chunk::<8>()).ok_or_else(fault)?;
    let index = rest.first_chunk::<4>().ok_or_else(fault)?;
    Ok(TxLocation {
        height: Height::new(!u64::from_be_bytes(*height)),
        index: !u32::from_be_bytes(*index),
    })
}

/// Value of [`Family::TxIndex`].
pub(crate) fn location_value(location: TxLocation) -> [u8; 12] {
    let mut value = [0; 12];
    value[..8].copy_from_slice(&location.height.get().to_be_bytes());
    value[8..].copy_from_slice(&location.index.to_be_bytes());
    value
}

/// Reads a value made by [`location_value`].
pub(crate) fn parse_location(key: &TxHash, value: &[u8]) -> Result<TxLocation, StoreError> {
    let bytes: &[u8; 12] = value.try_into().map_err(|_| {
        StoreError::corrupted(Family::TxIndex.name(), key.as_bytes(), "wrong length")
    })?;
    let (height, index) = bytes.split_at(8);
    Ok(TxLocation {
        height: Height::new(u64::from_be_bytes(height.try_into().expect("eight bytes"))),
        index: u32::from_be_bytes(index.try_into().expect("four bytes")),
    })
}

/// A digest stored as a whole value or the end of a key.
pub(crate) fn digest_of(family: Family, key: &[u8], bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes: [u8; 32] = bytes
        .try_into()
        .map_err(|_| StoreError::corrupted(family.name(), key, "a digest has 32 bytes"))?;
    Ok(Digest::new(bytes))
}

/// `view ‖ length of justify ‖ justify ‖ block`, the value of [`Family::Blocks`].
pub(crate) fn block_value(record: &BlockRecord) -> Vec<u8> {
    let justify_len = u32::try_from(record.justify.len()).expect("certificates are bounded");
    let mut value = Vec::with_capacity(12 + record.justify.len() + record.block.len());
    value.extend_from_slice(&record.view.get().to_be_bytes());
    value.extend_from_slice(&justify_len.to_be_bytes());
    value.extend_from_slice(&record.justify);
    value.extend_from_slice(&record.block);
    value
}

/// Reads a row of [`Family::Blocks`].
pub(crate) fn parse_block(key: &[u8], value: &[u8]) -> Result<BlockRecord, StoreError> {
    let family = Family::Blocks;
    let fault = || StoreError::corrupted(family.name(), key, "record too short");
    let (view, rest) = value.split_first_chunk::<8>().ok_or_else(fault)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(fault)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| fault())?;
    let (justify, block) = rest.split_at_checked(length).ok_or_else(fault)?;
    Ok(BlockRecord {
        height: height_of(family, key)?,
        hash: BlockHash::new(digest_of(family, key, &key[8..])?),
        view: View::new(u64::from_be_bytes(*view)),
        block: block.to_vec(),
        justify: justify.to_vec(),
    })
}

/// `hash ‖ certificate`, the value of [`Family::Certificates`]; the certificate is empty where a
/// later one covers the height.
pub(crate) fn commit_value(hash: &BlockHash, certificate: &[u8]) -> Vec<u8> {
    [hash.as_bytes(), certificate].concat()
}

/// Reads a row of [`Family::Certificates`].
pub(crate) fn parse_commit(key: &[u8], value: &[u8]) -> Result<CommitRecord, StoreError> {
    let family = Family::Certificates;
    let (hash, certificate) = value
        .split_first_chunk::<32>()
        .ok_or_else(|| StoreError::corrupted(family.name(), key, "record too short"))?;
    Ok(CommitRecord {
        height: height_of(family, key)?,
        hash: BlockHash::new(Digest::new(*hash)),
        certificate: certificate.to_vec(),
    })
}

/// Appends one receipt to a row: `index ‖ length ‖ bytes`.
pub(crate) fn push_receipt(row: &mut Vec<u8>, index: u32, receipt: &[u8]) {
    let length = u32::try_from(receipt.len()).expect("receipts are bounded");
    row.extend_from_slice(&index.to_be_bytes());
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(receipt);
}

/// Reads a row of [`Family::Receipts`].
pub(crate) fn parse_receipts<'a>(
    key: &[u8],
    mut row: &'a [u8],
) -> Result<Vec<(u32, &'a [u8])>, StoreError> {
    let fault = || StoreError::corrupted(Family::Receipts.name(), key, "record too short");
    let mut receipts = Vec::new();
    while !row.is_empty() {
        let (index, rest) = row.split_first_chunk::<4>().ok_or_else(fault)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(fault)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| fault())?;
        let (receipt, rest) = rest.split_at_checked(length).ok_or_else(fault)?;
        receipts.push((u32::from_be_bytes(*index), receipt));
        row = rest;
    }
    Ok(receipts)
}

/// Appends a checksum over family, key and value. Used where nothing else can tell a damaged value
/// from a true one: metadata, the safety state, executed roots. Blocks, batches and receipts are
/// checked by their hashes, certificates by their signatures, the state by its root; and RocksDB
/// has a checksum for each of its blocks.
pub(crate) fn seal(family: Family, key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, seal_of(family, key, value).as_bytes()].concat()
}

/// Takes a sealed value apart.
pub(crate) fn unseal<'a>(
    family: Family,
    key: &[u8],
    sealed: &'a [u8],
) -> Result<&'a [u8], StoreError> {
    let (value, checksum) = sealed
        .split_last_chunk::<32>()
        .ok_or_else(|| StoreError::corrupted(family.name(), key, "record too short"))?;
    if seal_of(family, key, value).as_bytes() != checksum {
        return Err(StoreError::corrupted(family.name(), key, "checksum differs"));
    }
    Ok(value)
}

fn seal_of(family: Family, key: &[u8], value: &[u8]) -> Digest {
    let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
    let name = family.name().as_bytes();
    Hasher::new(SEAL)
        .update(&length(name))
        .update(name)
        .update(&length(key))
        .update(key)
        .update(value)
        .finish()
}
