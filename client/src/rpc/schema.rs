//! JSON schemas of what is written as text or number in a form of its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::error::ErrorCode;
use super::types::{Decimal, DecimalOption, HexBytes, Position};

macro_rules! schemas {
    ($($type:ident = $schema:tt;)+) => {
        $(impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })+
    };
}

schemas! {
    HexBytes = {
        "type": "string", "format": "hex", "pattern": "^([0-9a-f]{2})*$",
        "description": "Bytes, as lowercase hex.",
    };
    Decimal = {
        "type": "string", "format": "decimal", "pattern": "^(0|[1-9][0-9]{0,19})$",
        "description": "An unsigned 64-bit number, as a decimal string.",
    };
    DecimalOption = {
        "type": ["string", "null"], "format": "decimal", "pattern": "^(0|[1-9][0-9]{0,19})$",
        "description": "An unsigned 64-bit number, as a decimal string, or null.",
    };
    Position = {
        "type": "string", "format": "position",
        "pattern": "^(0|[1-9][0-9]{0,19})(\\.(0|[1-9][0-9]{0,9}))?$",
        "description": "Up to where everything was told: a height, or a height and the index of a transaction.",
    };
    ErrorCode = { "type": "integer", "format": "int32", "description": "The number of an error." };
}
