//! The explorer in a real browser before a node that lies: nothing is ever called verified.

#![allow(clippy::unwrap_used)]

use logothete_client::TxBuilder;
use logothete_client::rpc::method::BlockGetMethod;
use logothete_client::rpc::types::BlockGet;
use logothete_primitives::{Amount, Height, TxHash};
use logothete_tests::browser::Browser;
use logothete_tests::explorer::{address, settle, transfer, verdict};
use logothete_tests::network::{Plan, TestNet, account_key};
use logothete_tests::tamper::{Liar, Lie, flip};
use serde_json::{Value, json};

/// A payment with a memo, signed for a second payer who cannot pay: it is ordered and fails.
async fn failure(net: &TestNet) -> anyhow::Result<(TxHash, Height)> {
    let state = net.client(0)?.account(&address(0)).await?;
    let tx = TxBuilder::new(net.spec.chain_id())
        .nonce(state.next_nonce)
        .transfer(address(2), Amount::new(1))
        .transfer_from(address(1), address(2), Amount::new(u64::MAX / 4))
        .cosigner(address(1))
        .memo(*b"rent")
        .expires_after(state.at.height, 1_000)
        .sign_all(&[&account_key(0), &account_key(1)])?;
    settle(net, &tx).await
}

/// Field changed, page it is seen on, steps that may fail first: a change of a header breaks the
/// chain of headers or its certificate, by how many there are.
type Case = (&'static str, Lie, &'static str, &'static [&'static str]);

fn at<'a>(value: &'a mut Value, pointer: &str) -> &'a mut Value {
    value.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"))
}

/// Bytes of a header before the state root, and before the receipts root.
const STATE_ROOT: isize = 8 * 3 + 32 + 8 + 8 + 2 + 32 + 8;
const RECEIPTS_ROOT: isize = STATE_ROOT + 32;

const CASES: &[Case] = &[
    ("key of a validator", Lie::Genesis(40), "block", &["genesis"]),
    (
        "signature",
        Lie::Result("block_certificate", |v| flip(at(v, "/certificate"), -1)),
        "block",
        &["signatures"],
    ),
    (
        "signer",
        Lie::Result("block_certificate", |v| flip(at(v, "/certificate"), 50)),
        "block",
        &["power", "signatures"],
    ),
    (
        "certified block",
        Lie::Result("block_certificate", |v| flip(at(v, "/certificate"), 20)),
        "block",
        &["certificate"],
    ),
    (
        "state root",
        Lie::Result("block_certificate", |v| flip(at(v, "/headers/0"), STATE_ROOT)),
        "block",
        &["headers", "certificate"],
    ),
    ("power", Lie::Result("block_certificate", |v| v["power"] = "9".into()), "block", &["claims"]),
    (
        "signers shown",
        Lie::Result("block_certificate", |v| v["signers"][0]["power"] = "7".into()),
        "block",
        &["claims"],
    ),
    (
        "time shown",
        Lie::Result("block_get", |v| v["header"]["timestamp"] = "1700000000000".into()),
        "block",
        &["shown"],
    ),
    (
        "count of a batch",
        Lie::Result("block_get", |v| v["batches"][0]["count"] = 7.into()),
        "block",
        &["payload"],
    ),
    (
        "evidence",
        Lie::Result("block_get", |v| {
            v["evidence_count"] = 1.into();
            v["batches"] = json!([]);
        }),
        "block",
        &["payload"],
    ),
    (
        "no payload",
        Lie::Result("block_get", |v| drop(v.as_object_mut().unwrap().remove("payload"))),
        "block",
        &["payload"],
    ),
    (
        "amount shown",
        Lie::Result("tx_get", |v| v["tx"]["body"]["operations"][0]["amount"] = "9".into()),
        "tx",
        &["shown"],
    ),
    (
        "receiver shown",
        Lie::Result("tx_get", |v| {
            v["tx"]["body"]["operations"][0]["to"] = v["tx"]["body"]["sender"].clone();
        }),
        "tx",
        &["shown"],
    ),
    ("bytes", Lie::Result("tx_get", |v| flip(at(v, "/bytes"), 60)), "tx", &["bytes"]),
    (
        "certificate of the order",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/certificate"), -1)),
        "tx",
        &["signatures"],
    ),
    (
        "path to the batch",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/inclusion"), 20)),
        "tx",
        &["inclusion"],
    ),
    ("block shown", Lie::Result("tx_get", |v| flip(at(v, "/receipt/block"), 0)), "tx", &["place"]),
    (
        "receipts root",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/receipt/headers/0"), RECEIPTS_ROOT)),
        "tx",
        &["receipt-headers", "receipt-certificate"],
    ),
    (
        "certificate of the result",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/receipt/certificate"), -1)),
        "tx",
        &["receipt-signatures"],
    ),
    (
        "receipt",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/receipt/receipt"), 40)),
        "tx",
        &["receipt"],
    ),
    (
        "path of the receipt",
        Lie::Result("tx_get", |v| flip(at(v, "/proof/receipt/path"), -10)),
        "tx",
        &["receipt"],
    ),
    ("fee shown", Lie::Result("tx_get", |v| v["receipt"]["fee"] = "1".into()), "tx", &["outcome"]),
    (
        "outcome shown",
        Lie::Result("tx_get", |v| v["receipt"]["success"] = false.into()),
        "tx",
        &["outcome"],
    ),
    ("balance", Lie::Result("account_get", |v| v["balance"] = "1".into()), "account", &["state"]),
    ("nonce", Lie::Result("account_get", |v| v["nonce"] = "70".into()), "account", &["state"]),
    (
        "path in the state",
        Lie::Result("account_get", |v| flip(at(v, "/proof/path"), 5)),
        "account",
        &["state"],
    ),
    (
        "height shown",
        Lie::Result("account_get", |v| v["at"]["height"] = "1".into()),
        "account",
        &["height"],
    ),
    (
        "certificate of the state",
        Lie::Result("account_get", |v| flip(at(v, "/proof/certificate"), -1)),
        "account",
        &["signatures"],
    ),
    ("no proof", Lie::Result("account_get", |v| v["proof"] = Value::Null), "account", &["headers"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changed_on_the_way_is_ever_shown_as_verified() -> anyhow::Result<()> {
    let net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let (tx, height) = transfer(&net).await?;
    let liar = Liar::before(net.nodes[0].rpc).await?;
    let browser = Browser::start().await?;
    let base = format!("http://{}", liar.address);
    let path = |page: &str| match page {
        "block" => format!("{base}/block/{height}"),
        "tx" => format!("{base}/tx/{tx}"),
        _ => format!("{base}/account/{}", address(0)),
    };
    for page in ["block", "tx", "account"] {
        browser.open(&path(page)).await?;
        assert_eq!(verdict(&browser).await?, "verified", "the honest {page}");
    }
    for (field, lie, page, steps) in CASES {
        liar.tell(*lie);
        browser.open(&path(page)).await?;
        assert_eq!(verdict(&browser).await?, "failed", "{field}");
        let failed =
            browser.run("return document.querySelector('.steps .failed').dataset.step").await?;
        assert!(steps.contains(&failed.as_str().unwrap()), "{field}: {failed}");
        let said = browser.run("return document.querySelector('.verdict').textContent").await?;
        assert!(said.as_str().unwrap().contains("Not verified. Failed: "), "{field}: {said}");
        let shown = browser.run("return document.querySelectorAll('[data-verdict=verified], [data-state=verified]').length").await?;
        assert_eq!(shown, 0, "{field}");
    }
    Ok(())
}

/// What may be changed with a page still called verified: the page says that it is not part of the
/// proof, or does not show it.
const UNPROVEN: &[&str] = &[
    // "Not part of the proof: which transactions were executed".
    "block_get.transactions",
    // "As this node computed them".
    "block_get.results",
    // Not shown: the page has those of the certificate.
    "block_get.signers",
    // "Why somebody is missing is what this node saw".
    "block_certificate.signers.*.missed",
    // "Counting what waits in this node's mempool".
    "account_get.next_nonce",
    // Not shown.
    "account_get.at.hash",
];

fn is_unproven(leaf: &str) -> bool {
    let inside = |rest: &str| rest.is_empty() || rest.starts_with('.');
    UNPROVEN.iter().any(|one| leaf.strip_prefix(one).is_some_and(inside))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_leaf_of_an_answer_can_be_changed_unseen() -> anyhow::Result<()> {
    let net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let (good, height) = transfer(&net).await?;
    let (bad, _) = failure(&net).await?;
    let latest = net.client(0)?.call::<BlockGetMethod>(BlockGet::default()).await?.hash;
    let nobody = address(1_000);
    let browser = Browser::start().await?;
    browser.open(&format!("http://{}", net.nodes[0].rpc)).await?;
    browser.wait("document.querySelector('tbody tr a')").await?;
    let subjects = [
        json!({ "block": height }),
        json!({ "block": latest }),
        json!({ "block": "0" }),
        json!({ "transaction": good }),
        json!({ "transaction": bad }),
        json!({ "account": address(0) }),
        json!({ "account": nobody }),
        json!({ "specification": nobody }),
    ];
    let mut unseen = Vec::new();
    for subject in subjects {
        let begin = format!("const subject = {subject}, done = arguments[0];\n");
        let told = browser.run_until_done(&(begin + include_str!("tampering/leaves.js"))).await?;
        assert_eq!(told.get("broken"), None, "{subject}");
        let accepted = told["accepted"].as_array().unwrap().iter();
        let leaves: Vec<&str> = accepted.map(|leaf| leaf.as_str().unwrap()).collect();
        println!("{subject}: {} changes, unseen {leaves:?}", told["changes"]);
        assert!(told["changes"].as_u64().unwrap() > 20, "{subject}");
        unseen.extend(leaves.into_iter().filter(|leaf| !is_unproven(leaf)).map(str::to_owned));
    }
    assert!(unseen.is_empty(), "changed and called verified: {unseen:#?}");
    Ok(())
}
