//! The JSON-RPC interface as types, shared by the node that serves it and the clients that call it.
//!
//! - [`method`]: the table of methods; the server dispatches from it, clients call by it.
//! - [`types`]: parameters and results.
//! - [`error`]: codes and the data every error carries.
//! - [`openrpc`]: the same table as a document for other programs.
//! - [`envelope`]: the JSON-RPC 2.0 request and response around them.

pub mod envelope;
pub mod error;
pub mod method;
pub mod openrpc;
mod schema;
pub mod types;

pub use envelope::{Request, Response};
pub use error::{ErrorCode, ErrorData, RpcError};
pub use method::{
    ADMIN_METHODS, Access, AdminApi, Api, METHODS, Method, MethodInfo, dispatch, dispatch_admin,
};
