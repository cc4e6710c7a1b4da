//! What people write and programs read: files, JSON, text forms.

use logothete_client::rpc::method::METHODS;
use logothete_fuzz::{CONTEXT, chain, secret};
use logothete_genesis::{Builder, KeyFile};
use logothete_primitives::codec::encode;
use logothete_primitives::{Address, Amount, TimestampMs, ValidatorIndex};
use serde_json::{Value, json};

use crate::consensus::{block, commit_cert, three};
use crate::{mixed, seed, tagged};

pub(crate) fn write() {
    tagged("codec", "signer-set", &[0], &encode(&three()));
    let validator = CONTEXT.validators.get(ValidatorIndex::new(0)).expect("a member");
    tagged("codec", "validator", &[2], &encode(validator));
    let digests = [CONTEXT.genesis.digest(), chain().digest()];
    tagged("codec", "digests", &[6], &encode(&(digests, digests, [0_u8; 32])));
    seed("text", "amount", b"1,000.25");
    seed("text", "address", Address::from(secret(0).public()).to_string().as_bytes());
    seed("text", "key", secret(0).public().to_string().as_bytes());
    seed("text", "digest", CONTEXT.genesis.to_string().as_bytes());
    files();
    requests();
    methods();
    proofs();
    seed("canary", "short", b"l");
}

fn files() {
    let path = std::env::temp_dir().join(format!("logothete-seeds-{}", std::process::id()));
    KeyFile::create_plain_dev(&path, &secret(0)).expect("a file can be made");
    tagged("keystore", "plain", &[0], &std::fs::read(&path).expect("it was written"));
    std::fs::remove_file(&path).expect("it is there");
    KeyFile::create_encrypted(&path, &secret(0), "correct horse").expect("a file can be made");
    tagged("keystore", "sealed", &[0], &std::fs::read(&path).expect("it was written"));
    std::fs::remove_file(&path).expect("it is there");
    tagged("keystore", "forged", &[1], &mixed(90, 41));

    let holder = Address::from(secret(9).public());
    let mut builder = Builder::new("fuzz", TimestampMs::new(1_800_000_000_000))
        .fee_account(holder)
        .account(holder, Amount::COIN);
    for number in 0..2 {
        builder = builder.validator(format!("v{number}"), secret(number).public(), 1);
    }
    let spec = builder.build().expect("a valid chain");
    seed("genesis", "two-validators", spec.to_toml().as_bytes());

    let config = "role = \"follower\"\n[paths]\ndata = \"d\"\n[p2p]\nlisten = [\"/ip4/0.0.0.0/tcp/1\"]\n\
         discover = false\n[rpc]\nlisten = \"127.0.0.1:8080\"\n[log]\nformat = \"json\"\n\0RPC_LISTEN=[::1]:9";
    seed("config", "most-keys", config.as_bytes());
    seed("config", "misspelt", b"[p2p]\nlisen = \"x\"\n[log]\nlevel = 3\n\0log.level=info");
}

fn requests() {
    let single = r#"{"jsonrpc":"2.0","method":"tx_get","params":{"hash":"00"},"id":7}"#;
    seed("rpc_request", "single", single.as_bytes());
    let batch = format!("[{single},{{\"jsonrpc\":\"2.0\",\"method\":\"a\"}},17]");
    seed("rpc_request", "batch", batch.as_bytes());
}

/// The examples of the documentation.
fn methods() {
    let document = include_str!("../../../docs/rpc.md");
    for (number, method) in (0_u8..).zip(METHODS) {
        let section = document.split(&format!("\n### {}\n", method.name)).nth(1);
        let section = section.and_then(|rest| rest.split("\n### ").next());
        let mut blocks = section.expect("every method is documented").split("```json\n").skip(1);
        for target in ["rpc_params", "rpc_answers"] {
            let text = blocks.next().and_then(|rest| rest.split("```").next());
            let text = text.expect("every method has two examples");
            let value: Value = serde_json::from_str(text).expect("examples are JSON");
            tagged(target, method.name, &[number], value.to_string().as_bytes());
        }
    }
    let refused = json!({
        "jsonrpc": "2.0", "id": 1,
        "error": { "code": -32602, "message": "no", "data": { "code": "INVALID_PARAMS", "hint": "h" } },
    });
    tagged("rpc_answers", "error", &[0], refused.to_string().as_bytes());
}

/// The documented examples as claims, and one that holds.
fn proofs() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let block = block(b"payload");
    let signer = |index: u16| {
        let name = format!("v{index}");
        json!({ "validator": { "index": index, "name": name }, "power": "1", "signed": index < 3 })
    };
    let claim = json!({ "block": {
        "block": block.hash(), "height": "1", "view": "1",
        "power": "3", "quorum": "3", "signers": [signer(0), signer(1), signer(2), signer(3)],
        "headers": [hex(&encode(&block.header))],
        "certificate": hex(&encode(&commit_cert(&block))),
    }});
    seed("client_proofs", "block", claim.to_string().as_bytes());
}
