//! Domain tags: what a hash or a signature is about, so that none can be taken for another.

/// Sixteen bytes of ASCII, padded with zeros, that come before everything that is hashed or signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain([u8; 16]);

impl Domain {
    /// A tag of 1 to 16 printable ASCII characters. Anything else does not compile in a constant.
    #[must_use]
    pub const fn new(tag: &str) -> Self {
        let text = tag.as_bytes();
        assert!(!text.is_empty() && text.len() <= 16, "a domain tag has 1 to 16 characters");
        let mut bytes = [0; 16];
        let mut i = 0;
        while i < text.len() {
            assert!(text[i].is_ascii_graphic(), "a domain tag is printable ASCII");
            bytes[i] = text[i];
            i += 1;
        }
        Self(bytes)
    }

    /// The tag as it is hashed and signed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

macro_rules! domains {
    ($($(#[$doc:meta])* $name:ident = $tag:literal;)*) => {
        $($(#[$doc])* pub const $name: Domain = Domain::new($tag);)*

        /// Every tag with its name, for the tests that keep them distinct and documented.
        pub const ALL: &[(&str, Domain)] = &[$((stringify!($name), $name)),*];
    };
}

domains! {
    /// The chain specification; its hash is the chain id.
    CHAIN = "lgt/chain";
    /// A block header; its hash is the block hash.
    BLOCK = "lgt/block";
    /// The payload of a block.
    PAYLOAD = "lgt/payload";
    /// A batch of transactions.
    BATCH = "lgt/batch";
    /// A transaction, hashed whole; signed in its body.
    TRANSACTION = "lgt/tx";
    /// A receipt.
    RECEIPT = "lgt/receipt";
    /// The receipts of all heights up to one.
    RECEIPTS = "lgt/receipts";
    /// A leaf of a Merkle tree.
    MERKLE_LEAF = "lgt/merkle-leaf";
    /// An inner node of a Merkle tree.
    MERKLE_NODE = "lgt/merkle-node";
    /// The root of a Merkle tree, over the number of leaves and the top node.
    MERKLE_ROOT = "lgt/merkle-root";
    /// The place of a value in the state tree.
    STATE_KEY = "lgt/state-key";
    /// A leaf of the state tree.
    STATE_LEAF = "lgt/state-leaf";
    /// A value of the state, as its leaf covers it.
    STATE_VALUE = "lgt/state-value";
    /// An inner node of the state tree.
    STATE_NODE = "lgt/state-node";
    /// A prepare vote (R2).
    PREPARE_VOTE = "lgt/prepare";
    /// A commit vote (R3).
    COMMIT_VOTE = "lgt/commit";
    /// A timeout (R5).
    TIMEOUT = "lgt/timeout";
    /// A proposal (R1).
    PROPOSAL = "lgt/proposal";
    /// A statement of the current view for a validator with amnesia (R10).
    STATEMENT = "lgt/statement";
    /// The handshake of two peers.
    HANDSHAKE = "lgt/handshake";
    /// A validator set.
    VALIDATOR_SET = "lgt/validators";
    /// The manifest of a backup.
    BACKUP = "lgt/backup";
    /// The contents of a file or a part of it.
    FILE = "lgt/file";
    /// The acknowledgement that a batch is stored.
    ACKNOWLEDGE = "lgt/ack";
    /// A request for a statement (R10).
    STATEMENT_REQUEST = "lgt/ask-state";
    /// The coefficients of a batch of signatures; never leaves the process.
    SIGNATURE_BATCH = "lgt/sig-batch";
}
