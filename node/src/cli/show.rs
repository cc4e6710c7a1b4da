//! How the things of the ledger are written for people.

use std::time::Duration;

use logothete_client::rpc::types::{SignerView, ValidatorRef};
use logothete_primitives::TimestampMs;

/// `12 ms`, `1.4 s`, `3 m 5 s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Seconds with one decimal, as in `0.3 s`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// A number with thousands apart: `1,000,000`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long ago, by this machine's clock.
#[must_use]
pub fn ago(timestamp: TimestampMs) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let then = Duration::from_millis(timestamp.get());
    match now.checked_sub(then) {
        Some(age) => format!("{} ago", duration(age)),
        None => "now".to_owned(),
    }
}

/// A time in UTC: `2026-11-23 08:00:00.123`.
#[must_use]
pub fn time(timestamp: TimestampMs) -> String {
    let ms = timestamp.get();
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", ms % 1_000)
}

/// Year, month and day of a number of days since 1970 (proleptic Gregorian calendar).
fn civil(days: u64) -> (u64, u64, u64) {
    // Count from 1 March of year 0: leap days then fall on the ends of years.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// A validator by name, or by index if it has none.
#[must_use]
pub fn validator(validator: &ValidatorRef) -> String {
    if validator.name.is_empty() { format!("#{}", validator.index) } else { validator.name.clone() }
}

/// `4/4 (v0 v1 v2 v3)`, or with who is missing: `3/4 (v0 v1 v2, without v3)`.
#[must_use]
pub fn signers(signers: &[SignerView]) -> String {
    let names = |signed: bool| -> Vec<String> {
        signers
            .iter()
            .filter(|signer| signer.signed == signed)
            .map(|s| validator(&s.validator))
            .collect()
    };
    let (with, without) = (names(true), names(false));
    let missing =
        if without.is_empty() { String::new() } else { format!(", without {}", without.join(" ")) };
    format!("{}/{} ({}{missing})", with.len(), signers.len(), with.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(duration(Duration::from_millis(31)), "31 ms");
        assert_eq!(duration(Duration::from_millis(1_450)), "1.4 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 m 5 s");
        assert_eq!(seconds(Duration::from_millis(260)), "0.3 s");
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(grouped(12), "12");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(TimestampMs::new(0)), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(time(TimestampMs::new(951_782_400_001)), "2000-02-29 00:00:00.001 UTC");
        assert_eq!(time(TimestampMs::new(1_795_420_800_000)), "2026-11-23 08:00:00.000 UTC");
    }
}
