//! JSON schemas of what is written as text, for descriptions of interfaces.

use alloc::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    Address, Amount, BatchHash, BlockHash, ChainId, Digest, Epoch, Height, Nonce, PayloadHash,
    PublicKey, ReceiptsRoot, Signature, StateRoot, TimestampMs, TxHash, View,
};

macro_rules! schemas {
    ($($format:literal $pattern:literal: $($type:ident $about:literal,)+;)+) => {
        $($(impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": $format,
                    "pattern": $pattern,
                    "description": $about,
                })
            }
        })+)+
    };
}

schemas! {
    "decimal" "^(0|[1-9][0-9]{0,19})$":
        Amount "An amount in base units, as a decimal string; one coin is 1000000.",
        Epoch "A validator-set period, as a decimal string.",
        Height "A height, as a decimal string.",
        Nonce "A nonce, as a decimal string.",
        TimestampMs "Milliseconds since 1970, UTC, as a decimal string.",
        View "A view, as a decimal string.",;
    "digest" "^[0-9a-fA-F]{64}$":
        BatchHash "The hash of a batch, in hex.",
        BlockHash "The hash of a block, in hex.",
        ChainId "The identity of a chain, in hex.",
        Digest "A SHA-256 digest, in hex.",
        PayloadHash "The hash of a payload, in hex.",
        ReceiptsRoot "The root of receipts, in hex.",
        StateRoot "The root of the state, in hex.",
        TxHash "The hash of a transaction, in hex.",;
    "signature" "^[0-9a-fA-F]{128}$":
        Signature "An ed25519 signature, in hex.",;
    "address" "^lgt1[02-9ac-hj-np-z]+$":
        Address "The address of an account, bech32m.",;
    "validator-key" "^lgtval1[02-9ac-hj-np-z]+$":
        PublicKey "The public key of a validator or node, bech32m.",;
}
