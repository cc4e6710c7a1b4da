#![allow(clippy::unwrap_used)]

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::*;

const DIGEST: &str = "1111111111111111111111111111111111111111111111111111111111111111";

fn key(index: u8) -> String {
    logothete_genesis::dev::validator_key(7, index.into()).public().to_string()
}

fn attendance(index: u8, missing: bool) -> Value {
    json!({ "index": index, "name": format!("v{index}"), "power": "1", "last_vote_view": "1240", "missing": missing })
}

fn status() -> Value {
    let executed = json!({ "height": "1234", "state_root": DIGEST, "receipts_root": DIGEST });
    json!({
        "name": "v0", "key": key(0), "role": "validator", "mode": "active", "version": "0.1.0",
        "started_at": "1795420800000", "pid": 7, "height": "1234", "block": DIGEST,
        "timestamp": "1795420800000", "executed": executed, "view": "1240",
        "sync": { "state": "following", "target_height": "1234", "lag": "0" },
        "peers": 2, "mempool": 12, "finality_ms": { "p50": 12, "p99": 31 }, "healthy": false,
        "summary": "waits", "validators": (0..4).map(|index| attendance(index, index == 3)).collect::<Vec<_>>(),
        "power_present": "3", "quorum": "3",
    })
}

fn why(healthy: bool) -> Value {
    let (summary, advice) = if healthy {
        ("the chain makes progress", "nothing to do")
    } else {
        ("waits for the votes of v3", "start v3, or look at its log")
    };
    json!({
        "healthy": healthy, "troubles": [], "summary": summary, "advice": advice,
        "at": { "height": "1234", "hash": DIGEST }, "head_age_ms": "40", "view": "1240",
        "view_age_ms": "300", "failed_views": 0,
        "sync": { "state": "following", "target_height": "1234", "lag": "0" },
        "missing": if healthy { vec![] } else { vec![attendance(3, true)] },
        "power_present": "3", "quorum": "3", "power_short": "0", "refused": [], "stages": [],
    })
}

fn consensus() -> Value {
    let slot = |index: u8| {
        json!({
            "validator": { "index": index, "name": format!("v{index}") }, "power": "1",
            "prepare": index < 3, "commit": index < 2, "timeout": index == 2,
        })
    };
    json!({
        "epoch": "0", "view": "1240", "mode": "active", "leader": { "index": 1, "name": "v1" },
        "high_qc_view": "1239", "committed": { "height": "1234", "hash": DIGEST },
        "view_age_ms": "300", "votes": (0..4).map(slot).collect::<Vec<_>>(), "quorum": "3",
    })
}

fn mempool() -> Value {
    json!({
        "count": 12, "bytes": "2048", "in_flight": 3, "accounts": 4, "max_count": 50_000,
        "max_bytes": "1048576", "min_fee": "100",
    })
}

fn peers() -> Value {
    let peer = |index: u8| {
        json!({
            "key": key(index), "name": format!("v{index}"), "role": "validator",
            "addresses": [], "version": "logothete/0.1.0", "connected_ms": "1000",
            "round_trip_us": 1_850, "height": "1233",
        })
    };
    json!({ "items": [peer(1), peer(2)] })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn snapshot(healthy: bool) -> Snapshot {
    let details = Details {
        why: read(why(healthy)),
        consensus: read(consensus()),
        mempool: read(mempool()),
        peers: read(peers()),
    };
    let asked = |url: &str, status| Asked { url: url.to_owned(), status };
    Snapshot {
        nodes: vec![
            asked("http://127.0.0.1:8080", Ok(read(status()))),
            asked("http://127.0.0.1:8083", Err("connection refused".to_owned())),
        ],
        shown: 0,
        details: Some(details),
        blocks_per_second: Some(3.25),
    }
}

/// The lines of a terminal of some size.
fn drawn(snapshot: &Snapshot, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| frame.render_widget(snapshot, frame.area())).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

#[test]
fn the_usual_terminal_shows_everything() {
    let lines = drawn(&snapshot(false), 80, 24);
    let expected = "\
v0  127.0.0.1:8080 · active · 0.1.0  q quits, Tab next
height 1,234 (40 ms ago) · view 1,240 (for 300 ms) · 3.2 blocks/s
level · 2 peers · finality 12/31 ms · mempool 12 of 50,000, 3 in flight
✘ waits for the votes of v3
do: start v3, or look at its log

nodes───────────────────────────────────────────────────────────────────────────
v0        127.0.0.1:8080        1,234        waits
?         127.0.0.1:8083        -            does not answer

votes · power 3, 3 decide───────────────peers · 2───────────────────────────────
name                 power P C T        name        trip µs   height     version
v0                   1     P C ·        v1          1,850     1,233      0.1.0
v1                   1     P C · leads  v2          1,850     1,233      0.1.0
v2                   1     P · T
v3                   1     · · · missing";
    let shown: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rest = shown.get(16..).unwrap();
    assert_eq!(shown[..16].join("\n"), expected);
    assert!(rest.iter().all(|line| line.is_empty()), "{rest:?}");
}

#[test]
fn a_narrow_terminal_shows_the_votes_first() {
    let lines = drawn(&snapshot(true), 40, 16).join("\n");
    for part in ["height 1,234", "✔ the chain makes progress", "votes · power 3, 3 decide", "v3"]
    {
        assert!(lines.contains(part), "{part} is not in\n{lines}");
    }
    assert!(!lines.contains("peers · 2──"), "there is no room for the peers\n{lines}");
    let tall = drawn(&snapshot(true), 40, 40).join("\n");
    assert!(tall.contains("peers · 2──"), "{tall}");
}

#[test]
fn no_size_is_too_small() {
    for width in [1, 2, 10, 71, 72, 200] {
        for height in [1, 2, 3, 7, 19, 20, 100] {
            drawn(&snapshot(false), width, height);
            drawn(&Snapshot::default(), width, height);
        }
    }
}

#[test]
fn a_node_that_does_not_answer_shows_nothing_old() {
    let mut silent = snapshot(true);
    (silent.shown, silent.details) = (1, None);
    let lines = drawn(&silent, 80, 24).join("\n");
    assert!(lines.contains("✘ does not answer: connection refused"), "{lines}");
    assert!(!lines.contains("votes"), "{lines}");
}
