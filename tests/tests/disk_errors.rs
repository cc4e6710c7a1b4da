//! A disk that fails or fills under a real node: the node says so and ends, signs nothing more, and heals.

use std::time::Duration;

use logothete_tests::checks;
use logothete_tests::disk::Survivors;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::network_under_load;

const VICTIM: usize = 3;
const SENDERS: usize = 8;
/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);

/// A fault of the disk, and what the node must say of it.
struct Case {
    fault: &'static str,
    says: &'static str,
    advises: &'static str,
}

const CASES: &[Case] = &[
    // The log of the database: votes, blocks, batches.
    Case { fault: "fail-sync 40 .log", says: "Input/output error", advises: "dmesg" },
    Case { fault: "fail-write 60 .log", says: "Input/output error", advises: "dmesg" },
    // Its tables, which are written at the start, out of the log.
    Case { fault: "fail-sync 1 .sst", says: "Input/output error", advises: "dmesg" },
    Case { fault: "fail-write 1 .sst", says: "Input/output error", advises: "dmesg" },
    // What says which files there are.
    Case { fault: "fail-sync 1 MANIFEST", says: "Input/output error", advises: "dmesg" },
    // The copy of the marks outside of the database.
    Case { fault: "fail-write 20 marks", says: "Input/output error", advises: "dmesg" },
    Case { fault: "fail-sync 2 marks", says: "Input/output error", advises: "dmesg" },
    // Everything: in the middle, and when it is started on a full disk.
    Case { fault: "full 400000", says: "no space left", advises: "make room" },
    Case { fault: "full 2000", says: "no space left", advises: "make room" },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_disk_ends_the_node_which_heals() -> anyhow::Result<()> {
    let plan = Plan { faulty_disks: true, ..Plan::default() };
    let (mut net, load) = network_under_load(plan, SENDERS).await?;
    for (number, case) in CASES.iter().enumerate() {
        eprintln!("{}", case.fault);
        // It has written, so that the next start finds a log to make tables of.
        let top = net.status(0).await?.height;
        net.wait_height(VICTIM, top.next(), SOON).await?;
        net.kill(VICTIM);
        let before = net.nodes[VICTIM].log().len();
        net.start_with_fault(VICTIM, case.fault)?;
        let ended = net.wait_ended(VICTIM, SOON).await?;
        let said = net.nodes[VICTIM].log().split_off(before);
        assert_eq!(ended.code(), Some(1), "{}: it ends by itself\n{said}", case.fault);
        ends_loudly(case, &said);
        nothing_is_tried_again(&net, case.fault);
        load.wait_progress(50, SOON).await?;
        let lost = net.lose_power(VICTIM, &mut Survivors::drawn(number as u64))?;
        eprintln!("  {lost}");
        net.start_node(VICTIM)?;
    }
    net.wait_active(VICTIM, SOON).await?;
    checks::nobody_forgot(&net)?;
    checks::promises_kept(&net, load).await?;
    Ok(())
}

/// The last lines say what is wrong and what to do.
fn ends_loudly(case: &Case, said: &str) {
    let error = said.rfind("error: ").map(|at| &said[at..]);
    let error = error.unwrap_or_else(|| panic!("{} ended it without a word:\n{said}", case.fault));
    assert!(error.contains(case.says), "{}: {error}", case.fault);
    let hint = error.find("hint: ").map_or("", |at| &error[at..]);
    assert!(hint.contains(case.advises), "{}: {error}", case.fault);
}

/// After the failure the file is not synced again, and nothing is signed.
fn nothing_is_tried_again(net: &TestNet, fault: &str) {
    let mut calls = net.disk(VICTIM).map(|disk| disk.calls_since_failure()).unwrap_or_default();
    let file = calls.first().and_then(|failed| failed.split(' ').next_back()).expect("it failed");
    let again = format!("sync {file}");
    let retried = calls.iter().skip(1).filter(|call| **call == again).count();
    assert_eq!(retried, 0, "{fault}: a failed sync proves nothing when it is repeated: {calls:?}");
    if fault.starts_with("full") {
        // A full disk may show first in a table that is written beside; no vote waits for that.
        let log =
            calls.iter().position(|call| call.starts_with("write ") && call.ends_with(".log"));
        calls.drain(..log.unwrap_or(0));
    }
    let signed = calls.iter().filter(|call| *call == "write signed.bin").count();
    calls.retain(|call| !call.ends_with(" log") && !call.ends_with(" LOG"));
    calls.dedup();
    eprintln!("  failed, then came: {}", calls.join(", "));
    assert_eq!(signed, 0, "{fault}: it signed after that: {calls:?}");
}
