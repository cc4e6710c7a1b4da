//! What is wrong at this node alone: its stages, its disk, its mempool.

use std::time::Duration;

use logothete_client::rpc::types::{Culprit, CulpritKind, Effect, Obstacle, Trouble};

use super::{Scene, degraded};
use crate::cli::show;
use crate::doctor::DISK_FREE_LEAST;

/// A vote that takes longer than this to become durable holds its view up.
const SYNC_MAX: Duration = Duration::from_millis(100);

impl Scene<'_> {
    /// A stage that is busy with one thing for too long.
    pub(super) fn stuck(&self) -> Option<Trouble> {
        let stuck = self.stages.iter().filter(|stage| !stage.ok);
        let details: Vec<String> =
            stuck.map(|stage| format!("{}: {}", stage.name, stage.detail)).collect();
        (!details.is_empty()).then(|| Trouble {
            obstacle: Obstacle::StageStuck,
            effect: if self.is_stalled() { Effect::Stalled } else { Effect::Behind },
            summary: format!("a part of this node makes no progress ({})", details.join("; ")),
            culprits: vec![self.this_node(details.join("; "))],
            advice: "it ends by itself after a minute, to be started again; if its disk hangs, look at that (dmesg, smartctl)"
                .to_owned(),
        })
    }

    /// Votes leave when they are durable, and not before.
    pub(super) fn slow_disk(&self) -> Option<Trouble> {
        let took = show::duration(self.sync_took.filter(|took| *took > SYNC_MAX)?);
        let detail = format!("a sync takes {took}, the median of the last minute");
        Some(Trouble {
            obstacle: Obstacle::SlowDisk,
            effect: if self.views_fail() { Effect::Stalled } else { Effect::Degraded },
            summary: format!(
                "the disk of this node is slow: {detail}, and every vote waits for it"
            ),
            culprits: vec![self.this_node(detail)],
            advice:
                "find what else writes to this disk (iostat), or move paths.data to a faster one"
                    .to_owned(),
        })
    }

    /// A node whose disk is full ends.
    pub(super) fn nearly_full_disk(&self) -> Option<Trouble> {
        let free = self.disk_free.filter(|free| *free < DISK_FREE_LEAST)? >> 20;
        let detail = format!("the disk of paths.data has {free} MiB left");
        let summary = format!(
            "the disk of this node is nearly full: {free} MiB are left, and without room it ends"
        );
        let advice = "make room on the disk of paths.data, or move it to a larger one";
        Some(degraded(Obstacle::DiskFull, vec![self.this_node(detail)], (summary, advice)))
    }

    /// Nothing more is taken in here.
    pub(super) fn full_mempool(&self) -> Option<Trouble> {
        let pool = self.mempool;
        if pool.count < pool.count_max && pool.bytes < pool.bytes_max {
            return None;
        }
        let blocked = pool.ready_accounts == 0 && pool.in_flight == 0;
        let detail = format!(
            "{} of {} transactions, {} of {} bytes, from {} accounts, {} on their way into a block",
            pool.count, pool.count_max, pool.bytes, pool.bytes_max, pool.accounts, pool.in_flight
        );
        let (why, advice) = if blocked {
            (
                ", and none of it can be taken: each waits for an earlier nonce of its sender",
                "let the senders close the gaps in their nonces; what is not closed goes when it expires, or gives way to \
                 higher fees",
            )
        } else {
            (
                "",
                "clients are told when to try again; send to another node, or with a higher fee; if it stays full, the \
                 chain does not keep up with what is sent",
            )
        };
        let summary = format!("the mempool of this node is full ({detail}){why}");
        Some(degraded(Obstacle::MempoolFull, vec![self.this_node(detail)], (summary, advice)))
    }

    /// What was sent here and no block took.
    pub(super) fn expiries(&self) -> Option<Trouble> {
        let (count, newest) = (self.expired.count, &self.expired.newest);
        if count == 0 {
            return None;
        }
        let culprit = |name: String| Culprit {
            kind: CulpritKind::Transaction,
            name,
            detail: "expired before a block took it".to_owned(),
        };
        let culprits = newest.iter().map(|hash| culprit(hash.to_string())).collect();
        let one = if count == 1 { "transaction" } else { "transactions" };
        let summary =
            format!("{count} {one} expired here in the last minute before a block took them");
        let advice = "sign them again with a later expiry; if an earlier nonce of the sender is missing, send that first; if \
                      blocks are full, offer a higher fee";
        Some(degraded(Obstacle::TransactionsExpire, culprits, (summary, advice)))
    }
}
