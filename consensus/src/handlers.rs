//! What is done with each event. Messages arrive here verified; their certificates come first (R0).

mod block;
mod message;
mod proposal;
mod started;
mod statement;
mod tick;
mod timeout;
mod vote;

pub(crate) use vote::{COMMIT_VIEWS, VIEWS_AHEAD};
