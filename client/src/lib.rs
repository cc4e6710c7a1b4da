//! The Rust client: build, sign, submit, wait and verify.
//!
//! ```no_run
//! # async fn example(chain: logothete_primitives::identifiers::ChainId,
//! #     key: logothete_primitives::keys::SecretKey,
//! #     bob: logothete_primitives::address::Address) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use logothete_client::{Client, TxBuilder};
//! use logothete_primitives::amount::Amount;
//!
//! let client = Client::new(["http://127.0.0.1:8080"])?;
//! let account = client.account(&key.public().into()).await?;
//! let tx = TxBuilder::new(chain)
//!     .nonce(account.next_nonce)
//!     .transfer(bob, "10".parse::<Amount>()?)
//!     .expires_after(account.at.height, 1_000)
//!     .sign(&key)?;
//! client.submit(&tx).await?;
//! let done = client.wait(tx.hash(), Duration::from_secs(10)).await?;
//! println!("final at height {}", done.height);
//! # Ok(()) }
//! ```
//!
//! Reading order:
//! - [`rpc`]: every method, its parameters and results, the error codes.
//! - [`builder`]: from intent to signed bytes.
//! - [`transport`]: one call over HTTP, several nodes, one retry policy.
//! - [`client`]: submitting, reading.
//! - [`wait`]: following a transaction to its end.
//! - [`verify`]: believing nobody but the validators one knows.

pub mod builder;
pub mod client;
pub mod rpc;
pub mod transport;
pub mod verify;
pub mod wait;

pub use builder::{BuildError, TxBuilder};
pub use client::Client;
pub use transport::{ClientError, RetryPolicy};
pub use verify::VerifyError;
pub use wait::Final;
