//! Proofs that a client checks before it believes a node: headers, certificates, paths. The input is
//! the JSON of a proof; nothing that was not signed by a quorum is ever believed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_client::rpc::types::{
    AccountProof, AccountView, BlockCertificate, ReceiptProof, TxProof,
};
use logothete_client::verify;
use logothete_fuzz::{CONTEXT, chain};
use logothete_primitives::TxHash;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Claim {
    Transaction(TxHash, TxProof),
    Receipt(TxHash, ReceiptProof),
    Account(Box<AccountView>, AccountProof),
    Block(BlockCertificate),
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(claim) = serde_json::from_slice::<Claim>(bytes) else { return };
    let (chain, set) = (chain(), &*CONTEXT.validators);
    let power = match claim {
        Claim::Transaction(hash, proof) => {
            verify::transaction(&hash, &proof, &chain, set).map(|verified| verified.power)
        }
        Claim::Receipt(hash, proof) => {
            verify::receipt(&hash, &proof, &chain, set).map(|(by, _)| by.power)
        }
        Claim::Account(view, proof) => {
            verify::account(&view, &proof, &chain, set).map(|by| by.power)
        }
        Claim::Block(answer) => verify::block_certificate(&answer, &chain, set).map(|by| by.power),
    };
    assert!(power.map_or(true, |power| power >= set.quorum()), "believed without a quorum");
});
