//! The Rust client: build, sign, submit, wait and verify.
//!
//! ```no_run
//! # use logothete_primitives::{Address, ChainId, SecretKey};
//! # async fn example(
//! #     chain: ChainId,
//! #     key: SecretKey,
//! #     bob: Address,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use logothete_client::{Client, TxBuilder};
//! use logothete_primitives::Amount;
//!
//! let client = Client::new(["http://127.0.0.1:8080"])?;
//! let account = client.account(&key.public().into()).await?;
//! let tx = TxBuilder::new(chain)
//!     .nonce(account.next_nonce)
//!     .transfer(bob, "10".parse::<Amount>()?)
//!     .expires_after(account.at.height, 1_000)
//!     .sign(&key)?;
//! let taken = client.submit(&tx).await?;
//! let status = client.wait(taken.hash, Duration::from_secs(10)).await?;
//! println!("{status:?}");
//! # Ok(()) }
//! ```
//!
//! Reading order:
//! - [`rpc`]: every method, its parameters and results, the error codes.
//! - [`builder`]: from intent to signed bytes.
//! - [`transport`]: one call over HTTP, several nodes, one retry policy.
//! - [`client`]: submitting, reading.
//! - [`subscription`]: being told what happens.
//! - [`wait`]: following a transaction to its end.
//! - [`verify`]: believing nobody but the validators one knows.

pub mod builder;
pub mod client;
pub mod rpc;
pub mod subscription;
pub mod transport;
pub mod verify;
pub mod wait;

pub use builder::{BuildError, TxBuilder};
pub use client::Client;
pub use subscription::Subscription;
pub use transport::{ClientError, RetryPolicy};
pub use verify::{Certified, VerifiedTx, VerifyError};
