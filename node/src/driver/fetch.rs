//! Single blocks that a certificate names and the core lacks.

use logothete_primitives::{BlockHash, PublicKey, SignerSet};
use tracing::debug;

use super::{Driver, DriverError, Report};

/// Fetches at the same time; the core asks again for what is left out.
const FETCHES_MAX: usize = 16;

impl Driver {
    /// Looks for a block in the store, then asks those who voted for it, one after the other.
    pub(super) fn fetch_block(
        &mut self,
        hash: BlockHash,
        holders: SignerSet,
    ) -> Result<(), DriverError> {
        if self.fetching.len() >= FETCHES_MAX || self.fetching.contains(&hash) {
            return Ok(());
        }
        let reports = self.outlets.reports.clone();
        self.fetching.insert(hash);
        if let Some(stored) = self.tools.chain.block_by_hash(&hash)? {
            tokio::spawn(async move {
                let _ = reports.send(Report::BlockFetched(Box::new(stored))).await;
                let _ = reports.send(Report::FetchEnded(hash)).await;
            });
            return Ok(());
        }
        let peers = self.holders(holders);
        let toolbox = self.tools.toolbox.clone();
        tokio::spawn(async move {
            for peer in peers {
                match toolbox.block(peer, hash).await {
                    Ok(stored) => {
                        let _ = reports.send(Report::BlockFetched(Box::new(stored))).await;
                        break;
                    }
                    Err(error) => debug!(event = "block.fetch.failed", %hash, %peer, %error),
                }
            }
            let _ = reports.send(Report::FetchEnded(hash)).await;
        });
        Ok(())
    }

    /// The keys of the holders, starting at another one each time.
    fn holders(&self, holders: SignerSet) -> Vec<PublicKey> {
        let own = self.tools.network.local();
        let mut keys: Vec<_> = holders
            .iter()
            .filter_map(|index| self.outbox.key_of(index))
            .filter(|key| *key != own)
            .collect();
        if !keys.is_empty() {
            let start = self.fetching.len() % keys.len();
            keys.rotate_left(start);
        }
        keys
    }
}
