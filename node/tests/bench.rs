//! Every measurement in a short form, by real processes: that it runs, and that its answer keeps its form. How fast
//! anything is depends on the machine and is no test.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A place of its own for all files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The data of the envelope of a command that must succeed.
    fn measure(&self, arguments: &[&str]) -> Value {
        let (succeeded, envelope) = self.attempt(arguments);
        assert!(succeeded, "{envelope}");
        envelope["data"].clone()
    }

    fn attempt(&self, arguments: &[&str]) -> (bool, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_logothete"))
            .args(arguments)
            .arg("--json")
            .args(["--dir", self.path("net").to_str().unwrap()])
            .env("HOME", self.0.path())
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_DATA_HOME")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // What comes before the envelope are events.
        let last = text.lines().last().unwrap_or_default();
        let envelope = serde_json::from_str(last).unwrap_or_else(|_| panic!("{text}{said}"));
        (output.status.success(), envelope)
    }
}

/// A devnet in a place of its own, stopped and removed at the end, also of a failed test.
struct Devnet(Place);

impl Devnet {
    fn up() -> Self {
        let devnet = Self(Place::new());
        devnet.0.measure(&["devnet", "up", "--base-port", "0", "--detach"]);
        devnet
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.0.attempt(&["devnet", "down", "--remove"]);
    }
}

/// Programs read these names: one that is missing or new is a change that they must be told of.
fn assert_names(value: &Value, names: &[&str]) {
    let mut found: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut names = names.to_vec();
    found.sort_unstable();
    names.sort_unstable();
    assert_eq!(found, names);
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).unwrap().next().is_none()
}

const ORDER: [&str; 7] = ["bench", "order", "--duration", "1", "--warmup", "1", "--data"];
const PHASE: [&str; 16] = [
    "name",
    "rate",
    "seconds",
    "committed",
    "committed_per_second",
    "blocks",
    "latency_ms",
    "node_cpu_us_per_payload",
    "client_cpu_us_per_payload",
    "cores_of_nodes",
    "cpu_percent",
    "wire_bytes_per_payload",
    "disk_bytes_per_payload",
    "syncs_per_block",
    "memory_mib",
    "missing",
];

#[test]
fn ordering_is_measured_saturated_and_at_half_of_that() {
    let place = Place::new();
    let data = place.path("data");
    std::fs::create_dir(&data).unwrap();
    let mut arguments = ORDER.to_vec();
    arguments.extend([data.to_str().unwrap(), "--outstanding", "2000", "--size", "64"]);
    let report = place.measure(&arguments);
    assert_names(&report, &["setting", "phases", "figures"]);
    let setting = &report["setting"];
    let of_setting = ["nodes", "payload_bytes", "outstanding", "warmup_seconds", "profiled"];
    assert_names(setting, &[&of_setting[..], &["version", "processor", "cores"]].concat());
    assert_eq!((&setting["nodes"], &setting["payload_bytes"]), (&4.into(), &64.into()));
    let phases = report["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 2);
    for phase in phases {
        assert_names(phase, &PHASE);
        assert_names(&phase["latency_ms"], &["p50", "p90", "p99", "max", "mean"]);
        assert_eq!(phase["missing"], 0, "{phase}");
        assert_ne!(phase["committed"], 0, "{phase}");
        // Three others got each payload.
        assert!(phase["wire_bytes_per_payload"].as_f64().unwrap() > 3.0 * 64.0, "{phase}");
    }
    assert_eq!((&phases[0]["rate"], phases[1]["rate"].is_u64()), (&Value::Null, true));
    assert_eq!(report["figures"].as_array().unwrap().len(), 3);
    assert!(is_empty(&data), "the network leaves nothing behind");
}

#[test]
fn ordering_at_a_rate_is_measured_once() {
    let place = Place::new();
    let mut arguments = ORDER.to_vec();
    let data = place.0.path().to_str().unwrap();
    arguments.extend([data, "--rate", "500", "--size", "4096", "--nodes", "1"]);
    let report = place.measure(&arguments);
    let phases = report["phases"].as_array().unwrap();
    assert_eq!(
        (phases.len(), &phases[0]["rate"], &phases[0]["missing"]),
        (1, &500.into(), &0.into())
    );
    assert_eq!(report["figures"], serde_json::json!([]));
}

#[test]
fn a_profile_is_drawn_or_says_what_is_missing() {
    let place = Place::new();
    let picture = place.path("order.svg");
    let mut arguments = ORDER.to_vec();
    let data = place.0.path().to_str().unwrap();
    arguments.extend([data, "--rate", "2000", "--profile", picture.to_str().unwrap()]);
    let (succeeded, envelope) = place.attempt(&arguments);
    if succeeded {
        let picture = std::fs::read_to_string(picture).unwrap();
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
        assert!(picture.contains("logothete_node::driver"), "functions of the node are named");
        assert_eq!(envelope["data"]["setting"]["profiled"], true);
    } else {
        // A machine without the program, or one that does not let it look.
        let error = &envelope["errors"][0];
        let code = error["code"].as_str().unwrap();
        assert!(["no_perf", "no_samples"].contains(&code), "{envelope}");
        assert!(error["hint"].is_string(), "{envelope}");
    }
}

#[test]
fn catching_up_is_measured_for_a_follower_and_a_wiped_validator() {
    let devnet = Devnet::up();
    let report = devnet.0.measure(&["bench", "sync", "--transfers", "300"]);
    assert_names(&report, &["machine", "nodes", "made", "caught_up", "figures"]);
    assert!(report["made"]["transactions"].as_u64().unwrap() >= 300, "{report}");
    let of_made = ["transactions", "blocks", "seconds"];
    let rates = ["transactions_per_second", "blocks_per_second"];
    assert_names(&report["made"], &[&of_made[..], &rates].concat());
    let caught_up = report["caught_up"].as_array().unwrap();
    let names: Vec<_> = caught_up.iter().map(|caught| caught["node"].as_str().unwrap()).collect();
    assert_eq!(names, ["follower", "validator"]);
    for caught in caught_up {
        let of_caught = [
            "node",
            "blocks",
            "transactions",
            "megabytes",
            "seconds_to_final",
            "seconds",
            "megabytes_per_second",
            "cpu_us_per_transaction",
            "cpu_percent",
            "times_faster",
        ];
        assert_names(caught, &[&of_caught[..], &rates].concat());
        // The transfers, and those that funded their senders.
        assert!(caught["transactions"].as_u64().unwrap() > 300, "{caught}");
        assert!(caught["megabytes"].as_f64().unwrap() > 0.05, "{caught}");
        let (fetched, all) = (&caught["seconds_to_final"], &caught["seconds"]);
        assert!(fetched.as_f64() <= all.as_f64(), "{caught}");
    }
}

#[test]
fn a_killed_validator_is_measured_until_it_votes() {
    let devnet = Devnet::up();
    let plan = ["--transfers", "100,300", "--kills", "1", "--rate", "50", "--down-ms", "100"];
    let report = devnet.0.measure(&[&["bench", "recover"][..], &plan].concat());
    assert_names(&report, &["machine", "nodes", "rate", "down_seconds", "lengths"]);
    let lengths = report["lengths"].as_array().unwrap();
    let transactions: Vec<u64> =
        lengths.iter().map(|length| length["transactions"].as_u64().unwrap()).collect();
    assert!(transactions[0] >= 100 && transactions[1] >= 300, "{report}");
    let times = ["answers_ms", "ready_ms", "votes_ms"];
    for length in lengths {
        assert_names(length, &["transactions", "height", "returns", "median"]);
        assert_names(&length["median"], &times);
        let back = &length["returns"][0];
        assert_names(back, &[&["height", "missed_blocks"][..], &times].concat());
        assert!(back["height"].as_u64() >= length["height"].as_u64(), "{length}");
        assert!(back["ready_ms"].as_f64() >= back["answers_ms"].as_f64(), "{length}");
    }
}

#[test]
fn reads_and_subscribers_are_measured_beside_a_load() {
    let devnet = Devnet::up();
    let short = ["--duration", "1", "--warmup", "1", "--connections", "2", "--transfers", "20"];
    let wish = ["bench", "reads", "--mix", "all", "--batch", "2", "--subscribers", "50"];
    let figures = devnet.0.measure(&[&wish[..], &short].concat());
    let names = ["plan", "alone", "reads", "listening", "cpu_us_per_read", "reads_per_core"];
    assert_names(&figures, &[&names[..], &["version", "processor", "cores"]].concat());
    let of_plan = ["mix", "connections", "batch", "subscribers", "transfers", "rate"];
    assert_names(&figures["plan"], &of_plan);
    let of_phase = [
        "seconds",
        "reads_per_second",
        "read_ms",
        "cores",
        "memory_mib",
        "vote_ms",
        "subscribers",
        "told_per_second",
        "committed_per_second",
        "finality_ms",
    ];
    for phase in ["alone", "reads", "listening"] {
        assert_names(&figures[phase], &of_phase);
        assert!(figures[phase]["committed_per_second"].as_f64().unwrap() > 0.0, "{figures}");
    }
    assert!(figures["reads"]["reads_per_second"].as_f64().unwrap() > 0.0, "{figures}");
    assert_eq!(figures["alone"]["read_ms"], Value::Null);
    assert_eq!(figures["listening"]["subscribers"], 50, "all listen to the end");
    assert!(figures["listening"]["told_per_second"].as_f64().unwrap() > 0.0, "{figures}");
    reads_at_a_rate(&devnet, &short);
}

/// Few enough for any machine.
fn reads_at_a_rate(devnet: &Devnet, short: &[&str]) {
    let wish = ["bench", "reads", "--rate", "100", "--batch", "5", "--rounds", "2"];
    let figures = devnet.0.measure(&[&wish[..], short].concat());
    let names = ["plan", "alone", "reads", "phases", "reached", "read_cores"];
    assert_names(&figures, &[&names[..], &["version", "processor", "cores"]].concat());
    assert_eq!(figures["phases"].as_array().unwrap().len(), 4, "{figures}");
    let of_side = ["seconds", "reads_per_second", "read_ms", "cores", "vote_ms", "votes"];
    for side in ["alone", "reads"] {
        assert_names(&figures[side], &of_side);
        assert!(figures[side]["votes"].as_u64().unwrap() > 0, "{figures}");
        assert!(figures[side]["seconds"].as_f64().unwrap() >= 2.0, "{figures}");
    }
    assert_eq!(figures["alone"]["read_ms"], Value::Null);
    let reads = figures["reads"]["reads_per_second"].as_f64().unwrap();
    assert!(reads > 0.0 && reads <= 110.0, "{figures}");
    assert_eq!(figures["plan"]["rate"], 100);
}

#[test]
fn the_figures_to_reach_are_measured_and_named() {
    let devnet = Devnet::up();
    let short = ["--saturated", "1", "--other", "1", "--many-accounts", "1000"];
    let report = devnet.0.measure(&[&["bench", "targets"][..], &short].concat());
    assert_names(&report, &["figures", "loads"]);
    let figures = report["figures"].as_array().unwrap();
    for figure in figures {
        assert_names(figure, &["name", "unit", "target", "measured", "reached"]);
    }
    let named =
        |what: &str| figures.iter().any(|figure| figure["name"].as_str().unwrap().contains(what));
    for what in ["idle", "10 tx/s", "saturated", "80 %", "twice", "accounts", "behind", "wiped"] {
        assert!(named(what), "{what} is not among {figures:?}");
    }
}

#[test]
fn growth_is_measured_and_drawn() {
    let place = Place::new();
    let out = place.path("growth");
    let wish = ["bench", "growth", "--axes", "size", "--each", "1", "--out"];
    let report = place.measure(&[&wish[..], &[out.to_str().unwrap()]].concat());
    let curves = report["curves"].as_array().unwrap();
    assert_eq!(curves.len(), 1, "{report}");
    assert!(curves[0]["points"].as_array().unwrap().len() > 2, "{report}");
    let drawn = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    assert!(drawn.into_iter().any(|file| file.extension().is_some_and(|end| end == "svg")));
}

#[test]
fn a_load_without_a_network_starts_one_and_removes_it() {
    let place = Place::new();
    let report = place.measure(&["bench", "load", "--accounts", "50", "--duration", "1"]);
    assert_eq!(report["setting"]["nodes"], 4, "{report}");
    assert_eq!(report["missing"], 0, "{report}");
    let (succeeded, _) = place.attempt(&["devnet", "status"]);
    assert!(!succeeded, "no devnet is left");
}
