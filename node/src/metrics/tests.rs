#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::time::Duration;

use logothete_primitives::{Height, TimestampMs};

use super::{Metrics, SeenVote, SyncPhase, VoteKind};
use crate::backup_record::Newest;

fn names() -> Vec<String> {
    vec!["v0".to_owned(), "v1".to_owned()]
}

/// A registry in which every method was called once.
fn touched() -> Metrics {
    let m = Metrics::new("1.2.3", &names());
    let ms = Duration::from_millis(3);
    m.consensus.entered_view(8, "quorum_certificate", ms);
    m.consensus.timed_out();
    m.consensus.finalized(7, ms);
    m.consensus.power(2, 4, 3);
    let (kind, accepted) = (VoteKind::Prepare, true);
    m.consensus.vote(SeenVote { validator: 0, view: 8, kind, accepted, delay: ms });
    let (kind, accepted) = (VoteKind::Commit, false);
    m.consensus.vote(SeenVote { validator: 900, view: 8, kind, accepted, delay: ms });
    m.consensus.clock_skew(1, 250);
    m.consensus.equivocation(1);
    m.consensus.rejected("stale");
    m.consensus.learner(true);
    m.mempool.size(3, 540, ms);
    m.submitted(None);
    m.submitted(Some("FEE_TOO_LOW"));
    m.pipeline.verified_signatures(256, ms);
    m.pipeline.sealed_batch(100);
    m.pipeline.received_batch();
    m.pipeline.requested_batches(2);
    m.pipeline.pushed_back("admission");
    m.pipeline.settled(ms);
    m.block_executed(Height::new(7), 5, 1);
    m.execution.took(ms);
    m.execution.updated_tree(ms);
    m.network.peers(3, 1);
    m.network.round_trip(1, ms);
    m.network.sent("consensus", 10);
    m.network.received("batches", 10);
    m.network.dropped("sync", "lane_full");
    m.network.disconnected("foreign_chain");
    m.sync.progress(SyncPhase::Fetching, 61);
    m.sync.fetched(4);
    m.store.family_bytes("blocks", 1_000);
    m.store.disk(1, 2);
    m.store.synced(ms);
    m.store.applied(ms);
    m.store.write_stall(Some(ms));
    let (made_ms, verified_ms) = (Some(TimestampMs::new(2_500)), Some(TimestampMs::new(1_250)));
    m.backup.known(Newest { made_ms, verified_ms });
    m.backup.failed();
    m.rpc.connected();
    m.rpc.answered("chain_info", "ok", ms);
    m.rpc.refused("host");
    m.rpc.subscribed("blocks");
    m.rpc.told("blocks");
    m.rpc.disconnected();
    m
}

#[test]
fn every_metric_is_named_after_its_area_and_explained() {
    let text = touched().render().unwrap();
    let mut seen = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        assert!(name.starts_with("logothete_"), "{name}");
        assert!(help.len() > 5 && !help.ends_with(".."), "{name}: {help}");
        assert!(!seen.contains(&name.to_owned()), "{name} twice");
        seen.push(name.to_owned());
    }
    assert!(seen.len() > 40, "{}", seen.len());
    assert!(text.ends_with("# EOF\n"));
}

/// The rows of the table of metrics: the name that is queried, its kind and its explanation.
fn table() -> String {
    let text = touched().render().unwrap();
    let mut rows = String::new();
    let explained = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    for (name, help) in explained.filter_map(|line| line.split_once(' ')) {
        let kind = format!("# TYPE {name} ");
        let kind = text.lines().find_map(|line| line.strip_prefix(&kind)).unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        writeln!(rows, "| `{name}{suffix}` | {kind} | {} |", help.trim_end_matches('.')).unwrap();
    }
    rows
}

#[test]
fn the_page_lists_every_metric() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitoring.md");
    let (page, table) = (std::fs::read_to_string(page).unwrap(), table());
    assert!(page.contains(&table), "docs/monitoring.md must have these rows:\n{table}");
}

#[test]
fn values_and_labels_are_exposed() {
    let text = touched().render().unwrap();
    for line in [
        "logothete_build_info{version=\"1.2.3\"} 1",
        "logothete_consensus_height 7",
        "logothete_consensus_voting_power_missing 2",
        "logothete_consensus_quorum_margin -1",
        "logothete_consensus_votes_total{validator=\"unknown\",kind=\"commit\",result=\"refused\"} 1",
        "logothete_consensus_last_vote_view{validator=\"v0\"} 8",
        "logothete_mempool_size_bytes 540",
        "logothete_execution_transactions_total{outcome=\"skipped\"} 1",
        "logothete_network_sent_bytes_total{lane=\"consensus\"} 10",
        "logothete_sync_remaining_blocks 61",
        "logothete_store_write_stalled 1",
        "logothete_store_write_stall_seconds_total 0.003",
        "logothete_backup_last_timestamp_seconds 2.5",
        "logothete_backup_last_verified_timestamp_seconds 1.25",
        "logothete_rpc_requests_total{method=\"chain_info\",code=\"ok\"} 1",
        "logothete_rpc_connections 0",
    ] {
        assert!(text.lines().any(|found| found == line), "missing {line}\n{text}");
    }
    assert!(text.contains("logothete_process_cpu_seconds_total "));
    assert!(text.contains("logothete_process_resident_bytes "));
}

#[test]
fn refusals_that_alert_are_there_before_the_first() {
    let text = Metrics::new("1", &names()).render().unwrap();
    let (_, alert) = RULES.split_once("disconnects_total{reason=~\"").unwrap();
    for reason in alert.split('"').next().unwrap().split('|') {
        let line = format!("logothete_network_disconnects_total{{reason=\"{reason}\"}} 0");
        assert!(text.lines().any(|found| found == line), "missing {line}\n{text}");
    }
}

#[test]
fn clones_share_the_counters() {
    let metrics = Metrics::new("1", &names());
    let other = metrics.clone();
    other.consensus.timed_out();
    assert!(metrics.render().unwrap().contains("logothete_consensus_timeouts_total 1"));
}

#[test]
fn votes_are_remembered_by_their_highest_view() {
    let m = Metrics::new("1", &names());
    let seen = |view, accepted| {
        let (kind, delay) = (VoteKind::Timeout, Duration::ZERO);
        m.consensus.vote(SeenVote { validator: 1, view, kind, accepted, delay });
    };
    seen(7, true);
    seen(5, true);
    seen(9, false);
    assert_eq!(m.consensus.last_vote_views(), vec![0, 7]);
}

/// What `deploy/monitoring` says about metrics.
const RULES: &str = include_str!("../../../deploy/monitoring/alerts.yml");
const DASHBOARD: &str = include_str!("../../../deploy/monitoring/dashboard.json");

/// Every metric that a text names, with what stands in braces behind it.
fn named(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("logothete_") {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let selector = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        found.push((name, selector.map_or("", |(inside, _)| inside)));
    }
    found
}

/// Names of labels in a selector such as `reason="x",instance=~"y"`.
fn labels(selector: &str) -> impl Iterator<Item = &str> {
    selector.split(',').filter_map(|pair| pair.split(['=', '!']).next()).map(str::trim)
}

#[test]
fn rules_and_dashboard_name_only_metrics_and_labels_that_exist() {
    let exposition = touched().render().unwrap();
    // Prometheus adds these two.
    let added = ["instance", "job"];
    let mut seen = 0;
    for (name, selector) in named(RULES).into_iter().chain(named(DASHBOARD)) {
        let series: Vec<&str> = exposition
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .collect();
        assert!(!series.is_empty(), "{name} does not exist");
        for label in labels(selector).filter(|label| !label.is_empty() && !added.contains(label)) {
            let shown = format!("{label}=");
            assert!(series.iter().any(|line| line.contains(&shown)), "{name} has no label {label}");
        }
        seen += 1;
    }
    assert!(seen > 50, "only {seen} metrics are named");
    for grouping in [RULES, DASHBOARD].into_iter().flat_map(|text| text.split("by (").skip(1)) {
        let inside = grouping.split(')').next().unwrap();
        for label in inside.split(',').map(str::trim).filter(|label| !added.contains(label)) {
            assert!(exposition.contains(&format!("{label}=")), "no metric has the label {label}");
        }
    }
}
