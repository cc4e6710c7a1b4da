//! Amounts of money, with checked arithmetic.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Decode, Encode};
use crate::text;

/// Digits after the point.
const DECIMALS: usize = 6;
/// Base units of one coin.
const UNITS_PER_COIN: u64 = 1_000_000;

/// A number of base units; one coin has a million.
///
/// As text: coins, `1,000,000.000000`. In JSON: base units as a decimal string.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Amount(u64);

/// Why an amount is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The sum is above 2^64 - 1 base units.
    #[error("the amount is too large")]
    Overflow,
    /// More is taken than is there.
    #[error("the amount would become negative")]
    Negative,
    /// More than six digits after the point.
    #[error("an amount has at most 6 digits after the point")]
    TooPrecise,
    /// Not digits, a point and commas between thousands.
    #[error("not an amount (for example 10, 0.5 or 1,000.25)")]
    Malformed,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most an amount can be.
    pub const MAX: Self = Self(u64::MAX);
    /// One coin.
    pub const COIN: Self = Self(UNITS_PER_COIN);

    /// This many base units.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// This many coins.
    pub const fn from_coins(coins: u64) -> Result<Self, AmountError> {
        match coins.checked_mul(UNITS_PER_COIN) {
            Some(units) => Ok(Self(units)),
            None => Err(AmountError::Overflow),
        }
    }

    /// The number of base units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    pub const fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        match self.0.checked_add(other.0) {
            Some(units) => Ok(Self(units)),
            None => Err(AmountError::Overflow),
        }
    }

    /// The difference.
    pub const fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        match self.0.checked_sub(other.0) {
            Some(units) => Ok(Self(units)),
            None => Err(AmountError::Negative),
        }
    }

    /// The sum of many.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_grouped(f, self.0 / UNITS_PER_COIN)?;
        write!(f, ".{:0DECIMALS$}", self.0 % UNITS_PER_COIN)
    }
}

fn write_grouped(f: &mut fmt::Formatter<'_>, coins: u64) -> fmt::Result {
    if coins < 1000 {
        return write!(f, "{coins}");
    }
    write_grouped(f, coins / 1000)?;
    write!(f, ",{:03}", coins % 1000)
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let coins = parse_whole(whole)?;
        let units = fraction.map_or(Ok(0), parse_fraction)?;
        Self::from_coins(coins)?.checked_add(Self(units))
    }
}

/// Digits, with commas between all thousands or none.
fn parse_whole(text: &str) -> Result<u64, AmountError> {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let mut coins = parse_digits(first)?;
    let grouped = first.len() <= 3;
    for group in groups {
        if !grouped || group.len() != 3 {
            return Err(AmountError::Malformed);
        }
        let digits = parse_digits(group)?;
        coins = coins
            .checked_mul(1000)
            .and_then(|coins| coins.checked_add(digits))
            .ok_or(AmountError::Overflow)?;
    }
    Ok(coins)
}

fn parse_fraction(text: &str) -> Result<u64, AmountError> {
    let digits = parse_digits(text)?;
    let missing = DECIMALS.checked_sub(text.len()).ok_or(AmountError::TooPrecise)?;
    Ok((0..missing).fold(digits, |units, _| units * 10))
}

fn parse_digits(text: &str) -> Result<u64, AmountError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::Malformed);
    }
    text.parse().map_err(|_| AmountError::Overflow)
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "base units as a decimal number in a string", |text| {
            text::parse_decimal(text).map(Self).map_err(text::message)
        })
    }
}
