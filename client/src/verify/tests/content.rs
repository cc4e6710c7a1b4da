//! What an answer shows of the content of a block.

use logothete_primitives::BatchHash;

use super::*;
use crate::rpc::types::{ExecutedView, HeaderView};

impl Chain {
    /// What `block_get` answers about B1.
    fn block_view(&self) -> BlockView {
        let header = &self.headers[0];
        let named = |index: ValidatorIndex| ValidatorRef {
            index: index.get(),
            name: self.set.get(index).unwrap().name.to_string(),
        };
        let executed = ExecutedView {
            height: header.executed.height,
            state_root: header.executed.state_root,
            receipts_root: header.executed.receipts_root,
        };
        let payload = Payload::decode(&self.inclusion.payload).unwrap();
        let batch = &payload.batches[0];
        BlockView {
            hash: header.hash(),
            header: HeaderView {
                epoch: header.epoch,
                view: header.view,
                height: header.height,
                parent: header.parent,
                parent_view: header.parent_view,
                timestamp: header.timestamp,
                proposer: named(header.proposer),
                payload: header.payload,
                executed,
            },
            payload: hex(&payload),
            batches: vec![BatchView {
                hash: batch.hash,
                author: named(batch.author),
                count: batch.count,
                bytes: batch.bytes,
            }],
            transaction_count: 3,
            evidence_count: 0,
            transactions: None,
            results: None,
            signers: self.block_answer().signers,
        }
    }
}

#[test]
fn every_changed_claim_about_the_content_of_a_block_is_refused() {
    type Change = fn(&mut BlockView);
    let changes: [(Change, &str); 10] = [
        (|view| view.payload = HexBytes::default(), "payload"),
        (|view| view.payload.0[4] ^= 1, "payload"),
        (|view| view.evidence_count = 1, "number of proofs of equivocation"),
        (|view| view.transaction_count = 2, "number of transactions"),
        (|view| view.batches.clear(), "batches"),
        (|view| view.batches[0].hash = BatchHash::new(Digest::ZERO), "batches"),
        (|view| view.batches[0].count = 2, "batches"),
        (|view| view.batches[0].bytes += 1, "batches"),
        (|view| view.batches[0].author.index = 1, "batches"),
        (|view| view.batches[0].author.name = "v1".to_owned(), "batches"),
    ];
    let chain = chain();
    let header = &chain.headers[0];
    block_payload(&chain.block_view(), header, &chain.set).unwrap();
    for (change, what) in changes {
        let mut view = chain.block_view();
        change(&mut view);
        let refused = block_payload(&view, header, &chain.set);
        assert_eq!(refused, Err(VerifyError::Mismatch { what }));
    }
}
