//! The description of the interface, as OpenRPC has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An OpenRPC document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenRpc {
    /// The version of OpenRPC.
    pub openrpc: String,
    /// What is described.
    pub info: OpenRpcInfo,
    /// The methods, in the order of docs/rpc.md.
    pub methods: Vec<Value>,
    /// What the methods share: schemas and errors.
    #[serde(default)]
    pub components: Value,
}

/// What an OpenRPC document describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenRpcInfo {
    /// Its name.
    pub title: String,
    /// Its version: that of the node's program.
    pub version: String,
}
