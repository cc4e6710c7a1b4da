//! What several methods share.

use std::borrow::Cow;
use std::fmt;

use faster_hex::CheckCase;
use logothete_primitives::{BlockHash, Height};
use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// No parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// No parameters but how new the answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// The final block at which a read was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Anchor {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// From the last page; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries a page, at most 100; 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The block at which the list was read.
    pub at: Anchor,
    /// Give this to the next call; absent on the last page. Its content is nobody's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A validator, as people and programs name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidatorRef {
    /// Its position in the validator set.
    pub index: u16,
    /// Its name in the genesis file.
    pub name: String,
}

/// Bytes, as lowercase hex.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct HexBytes(pub Vec<u8>);

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl From<Vec<u8>> for HexBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for HexBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(HexVisitor)
    }
}

/// Reads hex where it lies: most of what a node is sent is transactions in it.
struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = HexBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of lowercase hex")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<HexBytes, E> {
        let mut bytes = vec![0; text.len() / 2];
        if faster_hex::hex_decode_with_case(text.as_bytes(), &mut bytes, CheckCase::Lower).is_ok() {
            return Ok(HexBytes(bytes));
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(E::custom("hex must be lowercase"));
        }
        let hint = if text.starts_with("0x") { " (write it without 0x)" } else { "" };
        match hex::decode(text) {
            Ok(bytes) => Ok(HexBytes(bytes)),
            Err(error) => Err(E::custom(format_args!("not hex: {error}{hint}"))),
        }
    }
}

/// `u64` as a decimal string: `#[serde(with = "Decimal")]`.
pub struct Decimal;

impl Decimal {
    /// Writes the number as a decimal string.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn serialize<S: Serializer>(value: &u64, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(value)
    }

    /// Reads a decimal string: digits only, no leading zero.
    ///
    /// # Errors
    ///
    /// Anything that is not the one way to write a `u64`.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        Self::parse(&Cow::<'de, str>::deserialize(input)?)
    }

    fn parse<E: serde::de::Error>(text: &str) -> Result<u64, E> {
        let canonical = text == "0" || !text.starts_with(['0', '+']);
        match text.parse() {
            Ok(value) if canonical => Ok(value),
            _ => Err(E::custom(format_args!("{text:?} is not a decimal 64-bit number"))),
        }
    }
}

/// `Option<u64>` as a decimal string; use with `default` and `skip_serializing_if`.
pub struct DecimalOption;

impl DecimalOption {
    /// Writes the number as a decimal string, or null.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(value: &Option<u64>, output: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => output.collect_str(value),
            None => output.serialize_none(),
        }
    }

    /// Reads a decimal string or null.
    ///
    /// # Errors
    ///
    /// Anything that is not the one way to write a `u64`.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(input)?;
        text.map(|text| Decimal::parse(&text)).transpose()
    }
}
