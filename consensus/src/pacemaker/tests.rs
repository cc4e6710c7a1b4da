use core::time::Duration;

use logothete_primitives::View;

use super::Pacemaker;
use crate::action::EntryReason;
use crate::config::Config;

fn config() -> Config {
    Config {
        delta: Duration::from_millis(100),
        timeout_base: Duration::from_millis(1000),
        timeout_max: Duration::from_millis(5000),
        backoff_percent: 150,
        empty_block_interval: Duration::from_millis(3000),
        max_clock_drift_ms: 1000,
        resend_interval: Duration::from_millis(250),
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// R7: bounded growth to a cap, also after very many failures; a CC resets it.
#[test]
fn timeout_grows_to_the_cap() {
    let config = config();
    let mut pacemaker = Pacemaker::new();
    let mut timeouts = Vec::new();
    for view in 1..8 {
        timeouts.push(pacemaker.timeout(&config).as_millis());
        pacemaker.enter(&config, View::new(view), EntryReason::Tc, ms(view));
    }
    assert_eq!(timeouts, [1000, 1500, 2250, 3375, 5000, 5000, 5000]);
    pacemaker.failed_views = u32::MAX;
    assert_eq!(pacemaker.timeout(&config), ms(5000));
    pacemaker.on_commit();
    assert_eq!(pacemaker.timeout(&config), ms(1000));
}

/// R7: never below 4Δ, whatever is configured.
#[test]
fn timeout_is_at_least_four_delta() {
    let config = Config { delta: ms(400), timeout_max: ms(100), ..config() };
    assert_eq!(Pacemaker::new().timeout(&config), ms(1600));
}

/// R7: min(entry + empty block interval + timeout, max(entry, pending since) + timeout).
#[test]
fn deadline_depends_on_pending_work() {
    let config = config();
    //        entered, pending since, deadline
    let table = [
        (1000, None, 5000),
        (1000, Some(500), 2000),
        (1000, Some(1000), 2000),
        (1000, Some(1700), 2700),
        (1000, Some(4500), 5000),
    ];
    for (entered, pending, deadline) in table {
        let mut pacemaker = Pacemaker::new();
        pacemaker.enter(&config, View::new(1), EntryReason::Qc, ms(entered));
        if let Some(pending) = pending {
            pacemaker.on_pending(true, ms(pending));
            pacemaker.on_pending(true, ms(pending + 400));
        }
        assert_eq!(pacemaker.deadline(&config), Some(ms(deadline)), "{entered} {pending:?}");
    }
}

/// R5, R7: after the own timeout only its repetition is due; a new view forgets that.
#[test]
fn a_new_view_has_a_new_deadline() {
    let config = config();
    let mut pacemaker = Pacemaker::new();
    pacemaker.enter(&config, View::new(1), EntryReason::Qc, ms(0));
    pacemaker.on_timeout_sent(&config, ms(4000));
    assert_eq!((pacemaker.deadline(&config), pacemaker.repeat_deadline()), (None, ms(4250)));
    let waited = pacemaker.enter(&config, View::new(2), EntryReason::Qc, ms(4100));
    assert_eq!(waited, ms(4100));
    assert_eq!(pacemaker.deadline(&config), Some(ms(4100 + 3000 + 1000)));
}

/// A process that starts late has not waited for any view.
#[test]
fn the_first_view_ends_no_wait() {
    let mut pacemaker = Pacemaker::new();
    let waited = pacemaker.enter(&config(), View::new(7), EntryReason::Start, ms(9000));
    assert_eq!(waited, ms(0));
    assert_eq!(pacemaker.failed_views(), 0);
}
