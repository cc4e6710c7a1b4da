//! `mempool_stats`.

use logothete_client::rpc::types::MempoolStats;

use super::NodeApi;
use super::envelope::as_u64;
use super::validators::count;

impl NodeApi {
    pub(super) fn describe_mempool(&self) -> MempoolStats {
        let service = self.service();
        let stats = service.mempool.stats();
        MempoolStats {
            count: count(stats.count),
            bytes: as_u64(stats.bytes),
            in_flight: count(stats.in_flight),
            accounts: count(stats.accounts),
            max_count: count(stats.count_max),
            max_bytes: as_u64(stats.bytes_max),
            min_fee: service.spec.params.min_fee,
        }
    }
}
