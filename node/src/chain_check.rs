//! Whether a chain in a store is what its certificates prove, block by block: for backups and for stopped nodes.
//!
//! It is believed for what the validators of the chain file signed, not for who keeps it: every block follows its parent, has
//! the certificate it was proposed on and a commit certificate at or above it, every batch is there, every receipt and every
//! attested result equals what is stored. What does not hold is told by the name of its check.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{
    Block, BlockHeader, CommitCert, Context, QuorumCert, verify_commit, verify_quorum,
};
use logothete_genesis::Spec;
use logothete_ledger::audit::{ChainCheck, Flaw};
use logothete_ledger::batch::Payload;
use logothete_ledger::progress::{Step, Watch};
use logothete_ledger::receipt::{Receipt, accumulate, receipts_root};
use logothete_ledger::store::{BlockRecord, CommitRecord, Store};
use logothete_primitives::codec::{self, Decode};
use logothete_primitives::{Ed25519Verifier, Height, ReceiptsRoot};

use crate::chain::{Genesis, executed_from};
use crate::dissemination::HeldBatch;
use crate::recover;

/// Checks blocks in order from height 1, remembering the last.
pub struct Check<'a> {
    genesis: Genesis,
    context: Context,
    verifier: Ed25519Verifier,
    last: BlockHeader,
    /// What stands for the receipts of all heights up to the last.
    receipts: ReceiptsRoot,
    watch: &'a mut Watch<'a>,
}

impl<'a> Check<'a> {
    /// A check against a chain file; `watch` is told how far it is.
    pub fn new(spec: &Spec, watch: &'a mut Watch<'a>) -> Self {
        let genesis = recover::genesis_of(spec);
        let context = Context {
            chain: genesis.chain,
            validators: Arc::clone(&genesis.validators),
            genesis: genesis.hash,
        };
        let verifier = Ed25519Verifier::for_set(&genesis.validators);
        let (last, receipts) = (genesis.header.clone(), genesis.header.executed.receipts_root);
        Self { genesis, context, verifier, last, receipts, watch }
    }

    fn header(&self, block: &Block, record: &BlockRecord) -> Result<(), Flaw> {
        let header = &block.header;
        let follows = header.parent == self.last.hash()
            && header.parent_view == self.last.view
            && header.height == self.last.height.next();
        let claims = [
            ("block_hash", "its hash is another", block.hash() == record.hash),
            ("payload", "its payload is not the one its header names", block.body_matches()),
            ("parent", "it does not follow the block before it", follows),
        ];
        match claims.into_iter().find(|(_, _, holds)| !holds) {
            Some((check, fault, _)) => Err(Flaw::new(check, fault)),
            None => Ok(()),
        }
    }

    /// The certificate that the block was proposed on.
    fn justification(&self, block: &Block, record: &BlockRecord) -> Result<(), Flaw> {
        let qc: QuorumCert = decoded("justification", &record.justify)?;
        if qc.block != block.header.parent {
            return Err(Flaw::new("justification", "it certifies another block than the parent"));
        }
        let verified = verify_quorum(&self.context, &self.verifier, qc);
        verified.map(|_| ()).map_err(|rejection| Flaw::new("justification", rejection))
    }

    fn batches(&self, block: &Block, store: &dyn Store) -> Result<(), Flaw> {
        let flaw = |fault: String| Flaw::new("batch", fault);
        let payload = Payload::decode(&block.payload);
        let payload = payload.map_err(|fault| Flaw::new("payload", fault))?;
        // Those of blocks that were not executed yet may have been on their way.
        let is_executed = store.applied_height() >= Some(block.header.height);
        for reference in payload.batches.iter() {
            let hash = reference.hash;
            let bytes = match store.batch(&hash).map_err(|error| Flaw::new("database", error))? {
                Some(bytes) => bytes,
                None if is_executed => return Err(flaw(format!("batch {hash} is missing"))),
                None => continue,
            };
            let batch = HeldBatch::certified(&self.genesis.rules, Bytes::from(bytes))
                .map_err(|fault| flaw(format!("batch {hash}: {fault}")))?;
            if batch.reference.hash != hash {
                return Err(flaw(format!("batch {hash} has other bytes")));
            }
        }
        Ok(())
    }

    /// The stored results of the height of a block, by its stored receipts.
    fn receipts(&mut self, height: Height, store: &dyn Store) -> Result<(), Flaw> {
        let unread = |error| Flaw::new("database", error);
        let Some(stored) = store.executed(height).map_err(unread)? else { return Ok(()) };
        let encoded = store.receipts(height).map_err(unread)?;
        let receipts: Vec<Receipt> = encoded
            .iter()
            .map(|(_, bytes)| decoded("receipts", bytes))
            .collect::<Result<_, _>>()?;
        self.receipts = accumulate(&self.receipts, &receipts_root(&receipts));
        if self.receipts == stored.receipts_root {
            return Ok(());
        }
        Err(Flaw::new("receipts", "they do not lead to the recorded root"))
    }

    fn results(block: &Block, store: &dyn Store) -> Result<(), Flaw> {
        let attested = block.header.executed;
        let stored = store.executed(attested.height);
        let stored = stored.map_err(|error| Flaw::new("database", error))?;
        // Results of the last heights may be attested before this database holds them.
        if stored.is_none_or(|stored| executed_from(stored) == attested) {
            return Ok(());
        }
        let height = attested.height;
        let fault = format!("it attests other results of height {height} than are stored");
        Err(Flaw::new("results", fault))
    }
}

impl ChainCheck for Check<'_> {
    fn block(&mut self, record: &BlockRecord, store: &dyn Store) -> Result<(), Flaw> {
        let block: Block = decoded("block", &record.block)?;
        self.header(&block, record)?;
        self.justification(&block, record)?;
        self.batches(&block, store)?;
        self.receipts(block.header.height, store)?;
        Self::results(&block, store)?;
        self.last = block.header;
        Ok(())
    }

    fn certificate(&mut self, commit: &CommitRecord) -> Result<(), Flaw> {
        let certificate: CommitCert = decoded("certificate", &commit.certificate)?;
        if certificate.block != self.last.hash() {
            return Err(Flaw::new("certificate", "it names another block"));
        }
        let verified = verify_commit(&self.context, &self.verifier, certificate);
        verified.map(|_| ()).map_err(|rejection| Flaw::new("certificate", rejection))
    }

    fn progress(&mut self, step: Step) {
        (self.watch)(step);
    }
}

fn decoded<T: Decode<()>>(check: &'static str, bytes: &[u8]) -> Result<T, Flaw> {
    codec::decode(bytes).map_err(|fault| Flaw::new(check, fault))
}
