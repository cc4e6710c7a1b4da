//! How values are read from and written as text: hex, decimal strings, and serde through both.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserializer, de};

/// Why text is not the hex form of a fixed number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// The text has the wrong length.
    #[error("expected {expected} hex digits, got {got} characters")]
    Length {
        /// The number of digits the type has.
        expected: usize,
        /// The number of characters given.
        got: usize,
    },
    /// A character is not a hex digit.
    #[error("character {index} is not a hex digit")]
    Character {
        /// Position of the character, from 0.
        index: usize,
    },
}

/// Writes lowercase hex.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    // In pieces: every hash in every answer of the RPC passes here, and the formatter is slow for single digits.
    const PIECE: usize = 32;
    let mut digits = [0; 2 * PIECE];
    bytes.chunks(PIECE).try_for_each(|piece| {
        let digits = &mut digits[..2 * piece.len()];
        hex::encode_to_slice(piece, digits).expect("two digits a byte");
        f.write_str(core::str::from_utf8(digits).expect("digits are text"))
    })
}

/// Reads exactly `N` bytes of hex, in either case.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let mut bytes = [0; N];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        // The length is looked at first.
        Err(hex::FromHexError::InvalidHexCharacter { index, .. }) => {
            Err(HexError::Character { index })
        }
        Err(_) => Err(HexError::Length { expected: 2 * N, got: text.chars().count() }),
    }
}

/// Why text is not a decimal number of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Empty, a sign, a leading zero or something else than digits.
    #[error("not a decimal number (digits only, no sign, no leading zero)")]
    Malformed,
    /// Above 2^64 - 1.
    #[error("the number does not fit into 64 bits")]
    TooLarge,
}

/// Reads a decimal number in its one canonical form.
pub(crate) fn parse_decimal(text: &str) -> Result<u64, DecimalError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(DecimalError::Malformed);
    }
    text.parse().map_err(|_| DecimalError::TooLarge)
}

/// Serde of a 64-bit number as a decimal string: `#[serde(with = "crate::text::decimal")]`.
pub(crate) mod decimal {
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        super::deserialize(deserializer, "a decimal number in a string", |text| {
            super::parse_decimal(text).map_err(super::message)
        })
    }
}

/// The text of an error, for serde.
pub(crate) fn message(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Reads a value from a string without copying it.
pub(crate) fn deserialize<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Text<T> {
        expected: &'static str,
        parse: fn(&str) -> Result<T, String>,
    }

    impl<T> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.parse)(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text { expected, parse })
}

/// Serde through `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::deserialize(deserializer, $expected, |text| {
                    text.parse().map_err($crate::text::message)
                })
            }
        }
    };
}

/// `Display`, `Debug`, `FromStr` and serde of a newtype over bytes, as lowercase hex.
macro_rules! text_as_hex {
    ($type:ident, $expected:literal) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::text::write_hex(f, &self.0)
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::text::write_hex(f, &self.0)
            }
        }

        impl core::str::FromStr for $type {
            type Err = $crate::text::HexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::text::parse_hex(text).map(Self)
            }
        }

        $crate::text::serde_as_text!($type, $expected);
    };
}

pub(crate) use {serde_as_text, text_as_hex};
