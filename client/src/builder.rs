//! From intent to signed bytes.

use logothete_ledger::error::TxError;
use logothete_ledger::operation::Operation;
use logothete_ledger::params::DEFAULT_MIN_FEE;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::limits::MAX_MEMO_BYTES;
use logothete_primitives::{Address, Amount, ChainId, Height, Nonce, SecretKey};
use thiserror::Error;

/// Builds one transaction.
#[derive(Clone, Debug)]
pub struct TxBuilder {
    chain: ChainId,
    nonce: Option<Nonce>,
    expiry: Option<Height>,
    fee: Fee,
    operations: Vec<Operation>,
    memo: Vec<u8>,
    cosigners: Vec<Address>,
}

/// How the fee is found.
#[derive(Clone, Copy, Debug)]
enum Fee {
    /// As given.
    Exactly(Amount),
    /// The least for the work that is asked, at this price for one unit of it.
    Least(Amount),
}

/// Why a transaction could not be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The nonce decides the order and makes a repetition harmless: it cannot be guessed.
    #[error("no nonce was given; account_get shows the next one")]
    NoNonce,
    /// Without an expiry a lost transaction could come back at any time.
    #[error("no expiry was given; the present height and some blocks more will do")]
    NoExpiry,
    /// The memo does not fit.
    #[error("the memo has {got} bytes, at most {MAX_MEMO_BYTES} are allowed")]
    MemoTooLong {
        /// Its length.
        got: usize,
    },
    /// The ledger refuses it.
    #[error(transparent)]
    Refused(#[from] TxError),
}

impl TxBuilder {
    /// A transaction for a chain, with the usual least fee.
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self {
            chain,
            nonce: None,
            expiry: None,
            fee: Fee::Least(DEFAULT_MIN_FEE),
            operations: Vec::new(),
            memo: Vec::new(),
            cosigners: Vec::new(),
        }
    }

    /// Sets the sender's nonce.
    #[must_use]
    pub fn nonce(mut self, nonce: Nonce) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// Sets the last height at which it may execute.
    #[must_use]
    pub fn expiry(mut self, height: Height) -> Self {
        self.expiry = Some(height);
        self
    }

    /// Lets it expire some blocks after a height.
    #[must_use]
    pub fn expires_after(self, height: Height, blocks: u64) -> Self {
        self.expiry(height.plus(blocks))
    }

    /// Sets the fee.
    #[must_use]
    pub fn fee(mut self, fee: Amount) -> Self {
        self.fee = Fee::Exactly(fee);
        self
    }

    /// Pays the least fee, where one unit of work costs `min_fee` (of `chain_info`).
    #[must_use]
    pub fn least_fee(mut self, min_fee: Amount) -> Self {
        self.fee = Fee::Least(min_fee);
        self
    }

    /// Adds a transfer from the sender.
    #[must_use]
    pub fn transfer(self, to: Address, amount: Amount) -> Self {
        self.operation(Operation::transfer(to, amount))
    }

    /// Adds a transfer from another account, whose key must sign as well.
    #[must_use]
    pub fn transfer_from(self, from: Address, to: Address, amount: Amount) -> Self {
        self.operation(Operation::Transfer { from: Some(from), to, amount })
    }

    /// Adds an operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Asks for the signature of one more account. Those that pay are asked anyway.
    #[must_use]
    pub fn cosigner(mut self, address: Address) -> Self {
        self.cosigners.push(address);
        self
    }

    /// Sets the memo.
    #[must_use]
    pub fn memo(mut self, memo: impl Into<Vec<u8>>) -> Self {
        self.memo = memo.into();
        self
    }

    /// The body, for signing elsewhere.
    ///
    /// # Errors
    /// Something is missing or too much.
    pub fn body(&self, sender: Address) -> Result<Body, BuildError> {
        let nonce = self.nonce.ok_or(BuildError::NoNonce)?;
        let expiry = self.expiry.ok_or(BuildError::NoExpiry)?;
        let operations = self.operations.clone();
        let mut body = Body::new(&self.chain, sender, nonce, Amount::ZERO, expiry, operations)?;
        let mut cosigners = [&body.cosigners[..], &self.cosigners].concat();
        cosigners.retain(|cosigner| *cosigner != sender);
        cosigners.sort_unstable();
        cosigners.dedup();
        body.cosigners = cosigners.try_into().map_err(TxError::from)?;
        body.memo = self
            .memo
            .clone()
            .try_into()
            .map_err(|_| BuildError::MemoTooLong { got: self.memo.len() })?;
        body.fee = match self.fee {
            Fee::Exactly(fee) => fee,
            Fee::Least(min_fee) => least_fee(min_fee, &body),
        };
        Ok(body)
    }

    /// The transaction, signed by its sender alone.
    ///
    /// # Errors
    /// Something is missing or too much, or others must sign too.
    pub fn sign(&self, sender: &SecretKey) -> Result<Transaction, BuildError> {
        self.sign_all(&[sender])
    }

    /// The transaction, signed by its sender, who comes first, and by all co-signers.
    ///
    /// # Errors
    /// Something is missing or too much, or a key is missing.
    ///
    /// # Panics
    /// When no key is given at all.
    pub fn sign_all(&self, keys: &[&SecretKey]) -> Result<Transaction, BuildError> {
        let sender = keys.first().expect("the sender's key comes first").public();
        let body = self.body(sender.into())?;
        Ok(Transaction::sign(&self.chain, body, keys)?)
    }
}

/// The least fee of a body, where one unit of work costs `min_fee`.
#[must_use]
pub fn least_fee(min_fee: Amount, body: &Body) -> Amount {
    Amount::new(min_fee.units().saturating_mul(body.weight()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_ledger::admission::{Admitted, Candidate};
    use logothete_ledger::params::ChainParams;
    use logothete_primitives::Digest;

    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    fn address(seed: u8) -> Address {
        key(seed).public().into()
    }

    fn chain() -> ChainId {
        ChainId::new(Digest::new([7; 32]))
    }

    fn builder() -> TxBuilder {
        TxBuilder::new(chain()).nonce(Nonce::new(3)).expires_after(Height::new(50), 100)
    }

    #[test]
    fn builds_what_the_ledger_takes() {
        let tx = builder()
            .transfer(address(2), Amount::COIN)
            .transfer_from(address(3), address(2), Amount::COIN)
            .cosigner(address(4))
            .cosigner(address(3))
            .cosigner(address(1))
            .memo("thanks")
            .sign_all(&[&key(1), &key(3), &key(4)])
            .unwrap();
        assert_eq!(tx.body.sender, address(1));
        assert_eq!(tx.body.expiry, Height::new(150));
        assert_eq!(&tx.body.memo[..], b"thanks");
        assert_eq!(tx.body.cosigners.len(), 2);
        assert_eq!(tx.body.fee.units(), 4 * DEFAULT_MIN_FEE.units());
        let params = ChainParams::default();
        let candidate = Candidate::decode(&tx.encode(), &chain(), &params).unwrap();
        assert_eq!(candidate.tx, tx);
        assert!(Admitted::verify(candidate, &chain()).is_ok());
    }

    #[test]
    fn takes_the_fee_that_is_given() {
        let tx = builder().transfer(address(2), Amount::COIN);
        let exact = tx.clone().fee(Amount::new(5)).sign(&key(1)).unwrap();
        assert_eq!(exact.body.fee, Amount::new(5));
        let least = tx.least_fee(Amount::new(7)).sign(&key(1)).unwrap();
        assert_eq!(least.body.fee, Amount::new(7));
    }

    #[test]
    fn refuses_what_is_incomplete() {
        let transfer = |builder: TxBuilder| builder.transfer(address(2), Amount::COIN);
        let no_nonce = transfer(TxBuilder::new(chain()).expiry(Height::new(9)));
        assert_eq!(no_nonce.sign(&key(1)), Err(BuildError::NoNonce));
        let no_expiry = transfer(TxBuilder::new(chain()).nonce(Nonce::ZERO));
        assert_eq!(no_expiry.sign(&key(1)), Err(BuildError::NoExpiry));
        assert_eq!(builder().sign(&key(1)), Err(BuildError::Refused(TxError::NoOperations)));
        let long = transfer(builder()).memo([0; 257]);
        assert_eq!(long.sign(&key(1)), Err(BuildError::MemoTooLong { got: 257 }));
        let unsigned = builder().transfer_from(address(3), address(2), Amount::COIN);
        assert_eq!(
            unsigned.sign(&key(1)),
            Err(BuildError::Refused(TxError::KeyMissing { signer: address(3) }))
        );
    }
}
