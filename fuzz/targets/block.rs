//! Blocks, and headers with the certificate beside them, as sync and the store read them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Block, BlockHeader, QuorumCert, payload_hash};
use logothete_fuzz::{assert_canonical, decode_canonical};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        let Some(block) = decode_canonical::<Block>(bytes) else { return };
        assert_eq!(block.body_matches(), payload_hash(&block.payload) == block.header.payload);
        assert_eq!(block.hash(), block.header.hash());
    } else {
        assert_canonical::<(BlockHeader, QuorumCert)>(bytes);
    }
});
