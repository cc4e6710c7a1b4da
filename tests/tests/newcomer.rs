//! The way of a newcomer: the commands of the README, a payment whose proof is verified in the browser, a validator that is killed
//! and one that is wiped, and what is said about them.
//!
//! With `LOGOTHETE_TEST_CLONE=1` the way begins with a fresh clone and its build; else the program that was built with this test is used.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use logothete_tests::browser::Browser;
use logothete_tests::documents::{Step, Terminal, read};
use logothete_tests::network::program;
use serde_json::{Value, json};

/// Variable that begins with a fresh clone.
const CLONE: &str = "LOGOTHETE_TEST_CLONE";

/// The README's command that begins so.
fn readme<'a>(steps: &'a [Step], command: &str) -> anyhow::Result<&'a Step> {
    let found = steps.iter().find(|step| step.command.starts_with(command));
    found.with_context(|| format!("the README has no `{command}`"))
}

/// The word after another one.
fn word_after<'a>(text: &'a str, word: &str) -> anyhow::Result<&'a str> {
    let mut words = text.split_whitespace().skip_while(|found| *found != word);
    words.nth(1).with_context(|| format!("no word after {word} in:\n{text}"))
}

/// What the explorer's page on consensus says of a validator, once it is this.
async fn consensus_page_says(browser: &Browser, name: &str, state: &str) -> anyhow::Result<Value> {
    let row = format!(
        "[...document.querySelectorAll('main tr')].find((row) => row.innerText.includes({}) && row.innerText.includes({}))",
        json!(name),
        json!(state)
    );
    browser.wait(&format!("({row})?.innerText")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_pays_breaks_things_and_sees_them_heal() -> anyhow::Result<()> {
    let began = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let steps = read(&fs::read_to_string(root.join("README.md"))?);
    let mut terminal = if std::env::var_os(CLONE).is_some() {
        Terminal::open_clone(&root)?
    } else {
        Terminal::open(&program()?)?
    };
    let devnet = Step {
        shown: vec!["  ✔ ready in 0.9 s".into()],
        ..readme(&steps, "scripts/devnet")?.clone()
    };
    let printed = terminal.run(&devnet)?;
    let built = began.elapsed();
    let base = word_after(&printed, "explorer")?.to_owned();

    let paid = terminal.run(readme(&steps, "logothete tx send")?)?;
    let (height, short) = (word_after(&paid, "block")?, word_after(&paid, "tx")?);
    let begin = short.split('…').next().unwrap_or(short);
    let browser = Browser::start().await?;
    browser.open(&format!("{base}/block/{height}")).await?;
    let link = format!("document.querySelector('a[href^=\"/tx/{begin}\"]')");
    browser.wait(&link).await?;
    browser.run(&format!("{link}.click()")).await?;
    browser.wait("location.pathname.startsWith('/tx/') && document.querySelector('.proof[data-state=verified]')").await?;

    terminal.run(readme(&steps, "logothete devnet kill v3")?)?;
    browser.open(&format!("{base}/consensus")).await?;
    consensus_page_says(&browser, "v3", "missing").await?;
    let why = readme(&steps, "logothete why")?;
    let named = Step { shown: vec!["  missing  v3 with power 1, …".into()], ..why.clone() };
    terminal.run(&named)?;

    terminal.run(readme(&steps, "logothete devnet start v3")?)?;
    terminal.run(readme(&steps, "logothete devnet wipe v2")?)?;
    consensus_page_says(&browser, "v2", "votes").await?;
    terminal.run(why)?;
    println!("{:?} in all, {built:?} of it until the network was ready", began.elapsed());
    Ok(())
}
