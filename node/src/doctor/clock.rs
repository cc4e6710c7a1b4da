//! Our clock against the chain's: a quorum signed the time of every block.
//!
//! A block from our future proves that our clock is behind. That it is ahead shows only while blocks are being made: old
//! blocks that a peer catches up with do not come at the pace of their times.

use super::check::Check;
use super::peers::{Meeting, Sight};

const NAME: &str = "clock";
const ADVICE: &str =
    "set the clock by NTP (`timedatectl` tells of it): validators refuse blocks of another time";
/// Beyond this somebody should look after the clock.
const SKEW_WISHED_MS: i64 = 1_000;
/// New blocks are watched for at least so long before they are called new.
const WATCH_MS: i64 = 500;

/// Judges by the blocks that were seen; `drift_ms` is what the chain permits.
pub(super) fn check(meeting: &Result<Meeting, String>, drift_ms: u64) -> Check {
    match meeting {
        Ok(meeting) => judge(&meeting.sights, drift_ms),
        Err(error) => Check::not_checked(NAME, error, "see the other checks"),
    }
}

fn judge(sights: &[Sight], drift_ms: u64) -> Check {
    let ages = sights.iter().map(age_ms);
    let Some(least) = ages.min() else {
        return Check::not_checked(NAME, "no peer showed a block", "see the check of peers");
    };
    let drift = i64::try_from(drift_ms).unwrap_or(i64::MAX);
    if least >= -SKEW_WISHED_MS && !is_live(sights) {
        let advice = "look again while the chain makes blocks, or compare with another machine";
        return Check::not_checked(NAME, "no new blocks came while we looked", advice);
    }
    let side = if least < 0 { "behind" } else { "ahead of" };
    let detail = format!("{} ms {side} the newest blocks", least.unsigned_abs());
    match least.saturating_abs() {
        skew if skew > drift => Check::fault(NAME, detail, ADVICE),
        skew if skew > SKEW_WISHED_MS => Check::warning(NAME, detail, ADVICE),
        _ => Check::ok(NAME, format!("within {} ms of the newest blocks", least.unsigned_abs())),
    }
}

/// By our clock.
fn age_ms(sight: &Sight) -> i64 {
    difference(sight.ours_ms, sight.block_ms)
}

fn difference(later: u64, earlier: u64) -> i64 {
    let magnitude = i64::try_from(later.abs_diff(earlier)).unwrap_or(i64::MAX);
    if later < earlier { -magnitude } else { magnitude }
}

/// Whether the blocks came as they were made: at the pace of their times. How old the first one was, nobody knows.
pub(super) fn is_live(sights: &[Sight]) -> bool {
    let [_, first, .., last] = sights else { return false };
    let ours = difference(last.ours_ms, first.ours_ms);
    let theirs = difference(last.block_ms, first.block_ms);
    ours >= WATCH_MS && theirs > ours / 2 && theirs < ours.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const DRIFT_MS: u64 = 10_000;

    /// Blocks every `pace_ms` of the chain, seen every second, by a clock that is `skew_ms` ahead.
    fn seen(pace_ms: u64, skew_ms: i64) -> Vec<Sight> {
        let at = |number: u64| Sight {
            block_ms: 1_000_000 + number * pace_ms,
            ours_ms: (1_000_000 + number * 1_000).saturating_add_signed(skew_ms),
        };
        (0..5).map(at).collect()
    }

    #[test]
    fn a_clock_is_judged_by_blocks_that_are_being_made() {
        let verdict = |skew_ms| judge(&seen(1_000, skew_ms), DRIFT_MS).verdict;
        assert_eq!(verdict(20), Verdict::Ok);
        assert_eq!(verdict(-900), Verdict::Ok);
        assert_eq!(verdict(3_000), Verdict::Warning);
        assert_eq!(verdict(-3_000), Verdict::Warning);
        assert_eq!(verdict(11_000), Verdict::Fault);
        assert_eq!(verdict(-11_000), Verdict::Fault);
    }

    #[test]
    fn old_blocks_prove_only_that_a_clock_is_behind() {
        let one = &seen(1_000, 3_600_000)[..1];
        assert_eq!(judge(one, DRIFT_MS).verdict, Verdict::NotChecked);
        let caught_up_with = seen(100_000, 3_600_000);
        assert_eq!(judge(&caught_up_with, DRIFT_MS).verdict, Verdict::NotChecked);
        let from_the_future = &seen(1_000, -11_000)[..1];
        assert_eq!(judge(from_the_future, DRIFT_MS).verdict, Verdict::Fault);
        assert_eq!(judge(&[], DRIFT_MS).verdict, Verdict::NotChecked);
    }
}
