//! The explorer: the pages that a node serves to browsers, from its own port and nowhere else.
//!
//! Everything is embedded and written by hand: no build step, no foreign code, no request to another
//! host. A page learns everything from `/rpc`, like any other client, and believes nothing of it: it
//! checks certificates and proofs itself, from the chain specification at `/genesis`, which must hash
//! to the chain id that its user pinned.

mod assets;
mod routes;

pub use assets::{ASSETS, Asset};
pub use routes::routes;
