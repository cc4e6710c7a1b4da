//! Prepare votes, and commit votes with the certificate they carry. The first byte says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{CommitVote, Message, PrepareVote, QuorumCert};
use logothete_fuzz::{assert_verdict, decode_canonical};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        if let Some(vote) = decode_canonical::<PrepareVote>(bytes) {
            assert_verdict(Message::PrepareVote(vote));
        }
    } else if let Some((vote, qc)) = decode_canonical::<(CommitVote, QuorumCert)>(bytes) {
        assert_verdict(Message::CommitVote { vote, qc });
    }
});
