//! The network as a node sees it. `suite` runs against both implementations; `live` and `hostile`
//! need real connections.

#![allow(clippy::unwrap_used)]

mod ground;
mod hostile;
mod live;
mod suite;
