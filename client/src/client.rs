//! Submitting and reading.

use std::time::Duration;

use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Address, TxHash};
use serde_json::Value;

use crate::rpc::method::{
    AccountGetMethod, ChainInfoMethod, TxGetMethod, TxStatusMethod, TxSubmitMethod,
};
use crate::rpc::types::{
    AccountGet, AccountView, ChainInfo, Empty, HexBytes, Submitted, TxBytes, TxDetails, TxGet,
    TxState, TxStatus, TxStatusGet,
};
use crate::rpc::{Access, ErrorCode, Method};
use crate::transport::{ClientError, RetryPolicy, Transport};

/// Calls the methods of one or several nodes of a chain.
#[derive(Debug)]
pub struct Client {
    pub(crate) transport: Transport,
    read: RetryPolicy,
    submit: RetryPolicy,
}

impl Client {
    /// A client of nodes, by their addresses (`http://127.0.0.1:8080`). The first is asked first.
    ///
    /// # Errors
    /// No address, or one that is none.
    pub fn new<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Result<Self, ClientError> {
        let transport = Transport::new(urls)?;
        Ok(Self { transport, read: RetryPolicy::READ, submit: RetryPolicy::SUBMIT })
    }

    /// The same with other patience: for reads, and for transactions.
    #[must_use]
    pub fn with_retry(mut self, read: RetryPolicy, submit: RetryPolicy) -> Self {
        self.read = read;
        self.submit = submit;
        self
    }

    /// The same that shows a token with every call, as the administration listener wants it.
    ///
    /// # Errors
    /// A token that no header can hold.
    pub fn with_token(mut self, token: &str) -> Result<Self, ClientError> {
        self.transport = self.transport.with_token(token)?;
        Ok(self)
    }

    /// Calls a method, at other nodes too when one does not answer.
    ///
    /// # Errors
    /// The node's refusal, or what happened to the last attempt.
    pub async fn call<M: Method>(&self, params: M::Params) -> Result<M::Result, ClientError> {
        // Public methods can be repeated without harm; others are asked for once.
        if M::ACCESS == Access::Public {
            self.transport.call(M::NAME, &params, &self.read).await
        } else {
            self.call_once::<M>(params).await
        }
    }

    /// Calls a method of the preferred node, once.
    ///
    /// # Errors
    /// The node's refusal, or what happened to the attempt.
    pub async fn call_once<M: Method>(&self, params: M::Params) -> Result<M::Result, ClientError> {
        self.transport.call_once(M::NAME, &params, self.read.attempt).await
    }

    /// Calls a method by its name, once.
    ///
    /// # Errors
    /// The node's refusal, or what happened to the attempt.
    pub async fn call_raw(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.transport.call_once(method, &params, self.read.attempt.max(LONG_CALL)).await
    }

    /// The chain.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn chain_info(&self) -> Result<ChainInfo, ClientError> {
        self.call::<ChainInfoMethod>(Empty {}).await
    }

    /// An account.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn account(&self, address: &Address) -> Result<AccountView, ClientError> {
        let address = *address;
        let params = AccountGet { address, at: None, min_height: None, prove: false };
        self.call::<AccountGetMethod>(params).await
    }

    /// A final transaction with its proofs.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn transaction(&self, hash: TxHash) -> Result<TxDetails, ClientError> {
        self.call::<TxGetMethod>(TxGet { hash, prove: true, min_height: None }).await
    }

    /// Where a transaction stands, as far as the preferred node knows.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn status(&self, hash: TxHash) -> Result<TxState, ClientError> {
        self.call::<TxStatusMethod>(TxStatusGet { hash, min_height: None }).await
    }

    /// Hands in a transaction. The same bytes are sent until a node takes or refuses them: that is
    /// harmless, for its nonce is spent only once. A transaction that is known already is taken.
    ///
    /// # Errors
    /// The node's refusal; [`ClientError::Unknown`] with the hash when a node may have taken it and
    /// nobody says so; [`ClientError::Unreachable`] when certainly nobody has.
    pub async fn submit(&self, tx: &Transaction) -> Result<Submitted, ClientError> {
        self.submit_bytes(tx.encode()).await
    }

    /// [`Client::submit`] for a transaction in bytes.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn submit_bytes(&self, bytes: Vec<u8>) -> Result<Submitted, ClientError> {
        let hash = Transaction::hash_of(&bytes);
        let params = TxBytes { tx: HexBytes(bytes) };
        let mut pauses = self.submit.pauses(self.transport.nodes());
        let mut may_be_taken = false;
        loop {
            let error = match self.submit_once(hash, &params).await {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            may_be_taken |= error.may_have_acted();
            if !error.is_transient() {
                return self.settle(hash, error, may_be_taken).await;
            }
            self.transport.turn();
            let Some(pause) = pauses.after(&error) else {
                return Err(unless_known(hash, error, may_be_taken));
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn submit_once(&self, hash: TxHash, params: &TxBytes) -> Result<Submitted, ClientError> {
        let sent = self.transport.call_once(TxSubmitMethod::NAME, params, self.submit.attempt);
        match sent.await {
            Ok(Submitted { hash: of, .. }) if of != hash => {
                Err(senseless(format!("it took {of} and not {hash}")))
            }
            Ok(taken) => Ok(taken),
            Err(ClientError::Rpc(mut error)) if error.code == ErrorCode::AlreadyKnown => {
                let status = error.data.status.take().unwrap_or(TxStatus::Pending);
                Ok(Submitted { hash, status, known: true })
            }
            Err(error) => Err(error),
        }
    }

    /// A refusal after a lost answer may be about the transaction's own success: its nonce is spent.
    async fn settle(
        &self,
        hash: TxHash,
        refusal: ClientError,
        may_be_taken: bool,
    ) -> Result<Submitted, ClientError> {
        if !may_be_taken {
            return Err(refusal);
        }
        match self.status(hash).await {
            Ok(TxState { status: TxStatus::Unknown, .. }) => Err(refusal),
            Ok(TxState { status, .. }) => Ok(Submitted { hash, status, known: true }),
            Err(_) => Err(ClientError::Unknown { hash, last: Box::new(refusal) }),
        }
    }
}

/// How long a call by name may take: it may be one that waits.
const LONG_CALL: Duration = Duration::from_secs(60);

fn unless_known(hash: TxHash, error: ClientError, may_be_taken: bool) -> ClientError {
    if may_be_taken { ClientError::Unknown { hash, last: Box::new(error) } } else { error }
}

fn senseless(why: String) -> ClientError {
    ClientError::BadAnswer { url: "the node".to_owned(), why }
}
