//! `faucet_drip`: coins of a public development account for whoever asks, on development chains only.

use logothete_client::rpc::types::{FaucetDrip, Submitted};
use logothete_client::rpc::{ErrorCode, RpcError};
use logothete_genesis::dev::{self, DevAccount};
use logothete_ledger::error::TxError;
use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::{Amount, Nonce};
use tokio::sync::Mutex;

use super::lookup::store_failed;
use super::{NodeApi, refusal};

/// What is given unless told: 100 coins.
const PORTION: Amount = Amount::new(100_000_000);
/// The most that is given at a time: 10,000 coins.
const PORTION_MAX: Amount = Amount::new(10_000_000_000);
/// For how many heights a gift may wait.
const LIFETIME: u64 = 1_000;

/// The account that gives, and a lock so that no nonce is signed twice.
pub(super) struct Faucet {
    account: DevAccount,
    turn: Mutex<()>,
}

impl Default for Faucet {
    fn default() -> Self {
        Self { account: dev::faucet(), turn: Mutex::new(()) }
    }
}

impl NodeApi {
    pub(super) async fn drip(&self, params: FaucetDrip) -> Result<Submitted, RpcError> {
        let Some(faucet) = self.faucet() else {
            let hint = "ask somebody who has coins, or use a development chain";
            return Err(RpcError::new(ErrorCode::MethodNotFound, "this chain has no faucet", hint));
        };
        let amount = params.amount.unwrap_or(PORTION);
        if amount.is_zero() || amount > PORTION_MAX {
            let why = format!("amount must be above 0 and at most {PORTION_MAX}");
            return Err(RpcError::invalid_params(why, "amounts are decimal strings of base units"));
        }
        // Held until the gift is in the mempool, which then knows its nonce.
        let _turn = faucet.turn.lock().await;
        let bytes = self.sign_gift(faucet, params, amount)?;
        self.submit(bytes).await
    }

    fn sign_gift(
        &self,
        faucet: &Faucet,
        params: FaucetDrip,
        amount: Amount,
    ) -> Result<Vec<u8>, RpcError> {
        let service = self.service();
        let (address, chain) = (faucet.account.address, service.chain.genesis().chain);
        let state = service.state.account(&address).map_err(store_failed)?.unwrap_or_default();
        let nonce: Nonce = service.mempool.next_nonce(&address, &state);
        let expiry = service.head().height.plus(LIFETIME);
        let operations = vec![Operation::transfer(params.address, amount)];
        let signed = Body::new(&chain, address, nonce, Amount::ZERO, expiry, operations)
            .and_then(|mut body| {
                body.fee = service.spec.params.required_fee(&body);
                Transaction::sign(&chain, body, &[&faucet.account.secret])
            })
            .map_err(|error: TxError| refusal::invalid(None, &error))?;
        Ok(signed.encode())
    }
}
