//! The explorer in a real browser: every page, live, verified; and never verified when a node lies.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use logothete_client::TxBuilder;
use logothete_client::rpc::method::{AccountGetMethod, BlockCertificateMethod, TxGetMethod};
use logothete_client::rpc::types::{AccountGet, BlockSelector, TxGet, TxStatus};
use logothete_primitives::{Address, Amount, Height, TxHash};
use logothete_tests::axe::Axe;
use logothete_tests::browser::{Browser, Look};
use logothete_tests::network::{Plan, TestNet, account_key};
use logothete_tests::tamper::{Liar, Lie, flip};
use serde_json::{Value, json};

const WIDE: Look = Look { width: 1280, dark: false };
const LOOKS: [(&str, Look); 4] = [
    ("light", WIDE),
    ("dark", Look { width: 1280, dark: true }),
    ("narrow", Look { width: 360, dark: false }),
    ("narrow-dark", Look { width: 360, dark: true }),
];

fn address(index: usize) -> Address {
    account_key(index).public().into()
}

/// Sends a transfer and waits until its result is attested; gives its hash and block.
async fn transfer(net: &TestNet) -> anyhow::Result<(TxHash, Height)> {
    let client = net.client(0)?;
    let state = client.account(&address(0)).await?;
    let tx = TxBuilder::new(net.spec.chain_id())
        .nonce(state.next_nonce)
        .transfer(address(1), Amount::new(2_500_000))
        .expires_after(state.at.height, 1_000)
        .sign(&account_key(0))?;
    let taken = client.submit(&tx).await?;
    let status = client.wait(taken.hash, Duration::from_secs(30)).await?;
    let TxStatus::Final(place) = status else { anyhow::bail!("{status:?}") };
    net.wait_for(0, "to attest the result", Duration::from_secs(30), |status| {
        status.height.get() > place.height.get() + 1
    })
    .await?;
    Ok((taken.hash, place.height))
}

async fn verdict(browser: &Browser) -> anyhow::Result<String> {
    let settled =
        "[...document.querySelectorAll('.proof')].map((one) => one.dataset.state).find(Boolean)";
    Ok(browser.wait(settled).await?.as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_the_chain_live_and_verify_it() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let (tx, height) = transfer(&net).await?;
    let browser = Browser::start().await?;
    let base = format!("http://{}", net.nodes[0].rpc);

    let account = address(0);
    let pages = [
        ("home", "/".to_owned(), "tbody tr"),
        ("blocks", "/blocks".to_owned(), "tbody tr"),
        ("block", format!("/block/{height}"), ".proof[data-state]"),
        ("transaction", format!("/tx/{tx}"), ".proof[data-state]"),
        ("account", format!("/account/{account}"), ".proof[data-state]"),
        ("validators", "/validators".to_owned(), ".uptime td.signed"),
        ("consensus", "/consensus".to_owned(), ".lanes td.signed"),
        ("evidence", "/evidence".to_owned(), ".none"),
        ("mempool", "/mempool".to_owned(), "meter"),
        ("network", "/network".to_owned(), "tbody tr"),
        ("verify", "/verify".to_owned(), "#trust .mark.ok"),
        ("send", "/send".to_owned(), "#from"),
    ];
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explorer");
    let axe = Axe::install(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe"))?;
    let mut violations = Vec::new();
    for (name, path, sign) in &pages {
        for (look_name, look) in LOOKS {
            browser.look(look).await?;
            browser.open(&format!("{base}{path}")).await?;
            browser.wait(&format!("document.querySelector({})", json!(sign))).await?;
            let wide =
                browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await?;
            assert_eq!(wide, 0, "{name} {look_name} scrolls sideways");
            let problems =
                browser.run("return document.querySelectorAll('.problem').length").await?;
            assert_eq!(problems, 0, "{name} {look_name}");
            browser.screenshot(&shots.join(format!("{name}-{look_name}.png"))).await?;
            let found = axe.violations(&browser).await?;
            violations.extend(found.iter().map(|one| format!("{name} {look_name}: {one}")));
        }
        if sign.starts_with(".proof") {
            assert_eq!(verdict(&browser).await?, "verified", "{name}");
            let steps = browser.run("return [...document.querySelectorAll('.steps li')].every((step) => step.dataset.state === 'ok')").await?;
            assert_eq!(steps, true, "{name}");
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    browser.look(WIDE).await?;
    lives(&browser, &base).await?;
    finds(&browser, &base, tx, height).await?;
    scrubs(&browser, &base).await?;
    names_who_is_missing(&mut net, &browser, &base).await?;
    pins(&browser, &base, height).await?;
    sends(&browser, &base).await?;
    checks_what_is_pasted(&net, &browser, &base, tx, height).await?;
    says_when_it_cannot_verify(&browser, &base, height).await?;
    says_when_the_node_is_silent(&mut net, &browser, &base).await
}

/// New blocks appear while the page stays.
async fn lives(browser: &Browser, base: &str) -> anyhow::Result<()> {
    browser.open(base).await?;
    browser.run("window.stayed = true").await?;
    let first = browser.wait("document.querySelector('tbody tr a')?.textContent").await?;
    let newer = format!("stayed && document.querySelector('tbody tr a')?.textContent !== {first}");
    browser.wait(&newer).await?;
    Ok(())
}

/// Heights, hashes and addresses lead to their pages, and back.
async fn finds(browser: &Browser, base: &str, tx: TxHash, height: Height) -> anyhow::Result<()> {
    let account = address(0);
    for (text, path) in [
        (height.to_string(), format!("/block/{height}")),
        (tx.to_string(), format!("/tx/{tx}")),
        (account.to_string(), format!("/account/{account}")),
    ] {
        browser.open(base).await?;
        browser.wait("document.querySelector('tbody tr a')").await?;
        let ask = format!(
            "document.getElementById('query').value = {}; document.querySelector('#search button').click()",
            json!(text)
        );
        browser.run(&ask).await?;
        browser
            .wait(&format!(
                "location.pathname === {} && document.activeElement.tagName === 'H1'",
                json!(path)
            ))
            .await?;
        browser.run("history.back()").await?;
        browser.wait("location.pathname === '/' && document.querySelector('.figures')").await?;
    }
    Ok(())
}

/// The lanes go back to earlier views, each with its votes and how long they took.
async fn scrubs(browser: &Browser, base: &str) -> anyhow::Result<()> {
    browser.open(&format!("{base}/consensus")).await?;
    browser.wait("Number(document.getElementById('scrub')?.max) >= 10").await?;
    let back = "const slider = document.getElementById('scrub'); slider.value = String(Number(slider.max) - 5); slider.dispatchEvent(new Event('input')); return slider.getAttribute('aria-valuetext')";
    let view = browser.run(back).await?.as_str().unwrap().to_owned();
    let shown = format!(
        "document.querySelector('.delays caption')?.textContent.includes({} + ' ')",
        json!(view)
    );
    browser.wait(&shown).await?;
    let table = browser.run("return document.querySelector('.delays').innerText").await?;
    let table = table.as_str().unwrap();
    assert!(table.matches(" ms").count() >= 6, "a quorum prepared and committed: {table}");
    let lanes = browser.run("return document.querySelectorAll('.lanes tbody tr').length").await?;
    assert_eq!(lanes, 4);
    Ok(())
}

/// The home page says who is missing and what to do, a block why somebody did not sign it.
async fn names_who_is_missing(
    net: &mut TestNet,
    browser: &Browser,
    base: &str,
) -> anyhow::Result<()> {
    net.kill(3);
    browser.open(base).await?;
    browser.wait("[...document.querySelectorAll('.troubles dt')].some((one) => one.textContent === 'v3')").await?;
    let said = browser.run("return document.querySelector('.troubles').innerText").await?;
    assert!(said.as_str().unwrap().contains("What to do: bring them back"), "{said}");
    let height = net.status(0).await?.height.next();
    net.wait_height(0, height, Duration::from_secs(30)).await?;
    browser.open(&format!("{base}/block/{height}")).await?;
    browser.wait("[...document.querySelectorAll('.signers tr.missed')].some((one) => one.innerText.includes('v3') && one.innerText.includes('not heard'))").await?;
    net.start_node(3)?;
    net.wait_active(3, Duration::from_secs(30)).await.map(drop)
}

/// Under another pinned chain nothing is verified, and the page says so.
async fn pins(browser: &Browser, base: &str, height: Height) -> anyhow::Result<()> {
    browser.open(&format!("{base}/verify")).await?;
    browser.run("localStorage.setItem('logothete.chain', '00'.repeat(32))").await?;
    browser.open(&format!("{base}/block/{height}")).await?;
    assert_eq!(verdict(browser).await?, "failed");
    let failed =
        browser.run("return document.querySelector('.steps .failed').dataset.step").await?;
    assert_eq!(failed, "genesis");
    browser.wait("document.querySelector('#banner button')").await?;
    browser.run("document.querySelector('#banner button').click()").await?;
    browser.wait("document.querySelector('.proof[data-state=verified]')").await?;
    Ok(())
}

/// A transaction is built, shown and signed in the page.
async fn sends(browser: &Browser, base: &str) -> anyhow::Result<()> {
    let mut seed = [0x5a_u8; 32];
    seed[..8].copy_from_slice(&2_u64.to_le_bytes());
    let seed: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    browser.open(&format!("{base}/send")).await?;
    browser.wait("document.getElementById('from')").await?;
    let fill = format!(
        "const set = (id, value) => {{ const field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event('change')); }};
         set('from', ''); set('seed', {}); set('to', {}); set('amount', '1.25'); set('memo', 'rent');
         document.querySelector('.stack button.main').click()",
        json!(seed),
        json!(address(3).to_string())
    );
    browser.run(&fill).await?;
    browser.wait("document.getElementById('sign')").await?;
    let bytes = browser.run("return document.querySelector('.bytes caption').textContent").await?;
    assert_eq!(bytes, "The 169 bytes that the signature covers");
    browser.run("document.getElementById('sign').click()").await?;
    browser.wait("location.pathname.startsWith('/tx/') && document.querySelector('.proof[data-state=verified]')").await?;
    let text = browser.run("return document.querySelector('main').innerText").await?;
    assert!(text.as_str().unwrap().contains("rent"), "{text}");
    Ok(())
}

/// The page that takes a proof and the command line agree about it.
async fn checks_what_is_pasted(
    net: &TestNet,
    browser: &Browser,
    base: &str,
    tx: TxHash,
    height: Height,
) -> anyhow::Result<()> {
    let client = net.client(0)?;
    let which = BlockSelector { height: Some(height), hash: None };
    let account = AccountGet { address: address(0), at: None, min_height: None, prove: true };
    let proofs = [
        serde_json::to_value(client.call_once::<BlockCertificateMethod>(which).await?)?,
        serde_json::to_value(
            client.call_once::<TxGetMethod>(TxGet { hash: tx, prove: true }).await?,
        )?,
        serde_json::to_value(client.call_once::<AccountGetMethod>(account).await?)?,
    ];
    let file = net.scratch("proof.json");
    for proof in proofs {
        for honest in [true, false] {
            let mut proof = proof.clone();
            if !honest {
                let place =
                    if proof["headers"].is_array() { "/certificate" } else { "/proof/certificate" };
                flip(proof.pointer_mut(place).unwrap(), -1);
            }
            std::fs::write(&file, proof.to_string())?;
            let told = net.command(&["verify", "proof", file.to_str().unwrap()]);
            assert_eq!(told.is_ok(), honest, "{told:?}");
            browser.open(&format!("{base}/verify")).await?;
            browser.wait("document.getElementById('proof')").await?;
            let paste = format!(
                "document.getElementById('proof').value = {}; document.querySelector('.stack button.main').click()",
                json!(proof.to_string())
            );
            browser.run(&paste).await?;
            let said = browser
                .wait("document.querySelector('.verdict:not([hidden])')?.dataset.verdict")
                .await?;
            assert_eq!(said, if honest { "verified" } else { "failed" });
        }
    }
    Ok(())
}

/// Without the cryptography of the browser nothing is called verified, and the proof can be taken along.
async fn says_when_it_cannot_verify(
    browser: &Browser,
    base: &str,
    height: Height,
) -> anyhow::Result<()> {
    browser.before_pages("Object.defineProperty(crypto, 'subtle', { value: undefined })").await?;
    browser.open(&format!("{base}/block/{height}")).await?;
    assert_eq!(verdict(browser).await?, "unable");
    let offered = browser.run("return [...document.querySelectorAll('.proof button')].some((one) => !one.hidden && one.textContent === 'Download the proof')").await?;
    assert_eq!(offered, true);
    let steps = browser.run("return document.querySelectorAll('.steps li').length").await?;
    assert_eq!(steps, 0, "nothing was checked");
    Ok(())
}

/// A banner tells old from new, and goes when the node is back.
async fn says_when_the_node_is_silent(
    net: &mut TestNet,
    browser: &Browser,
    base: &str,
) -> anyhow::Result<()> {
    browser.open(base).await?;
    browser.wait("document.querySelector('tbody tr a')").await?;
    net.kill(0);
    browser.wait("document.getElementById('banner').innerText.includes('does not answer')").await?;
    browser.wait("document.querySelector('.lead').innerText.includes('Unknown')").await?;
    net.start_node(0)?;
    browser.wait("document.getElementById('banner').hidden").await?;
    browser.wait("document.querySelector('.lead').innerText.includes('healthy')").await?;
    Ok(())
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
