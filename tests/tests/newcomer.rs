//! The way of a newcomer: the commands of the README, a payment whose proof is verified in the browser, a validator that is killed
//! and one that is wiped, and what is said about them.
//!
//! With `LOGOTHETE_TEST_CLONE=1` the way begins with a fresh clone and its build; else the program that was built with this test is used.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use logothete_tests::browser::Browser;
use logothete_tests::documents::{Step, Terminal, read};
use logothete_tests::network::program;
use serde_json::{Value, json};

/// Variable that begins with a fresh clone.
const CLONE: &str = "LOGOTHETE_TEST_CLONE";
/// Bound for what must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);
/// How often `why` is asked again.
const POLL: Duration = Duration::from_millis(200);

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

/// Views on the page on consensus that are looked at.
const VIEWS: usize = 5;

/// The cells of a validator in the lanes of the page on consensus, the newest last: whether it is in the certificate of that view.
fn lane(name: &str) -> String {
    let name = json!(name);
    format!(
        "[...document.querySelectorAll('.lanes tbody tr')].filter((row) => row.cells[0].textContent === {name}) \
         .flatMap((row) => [...row.cells].slice(1).map((cell) => cell.classList.contains('signed')))"
    )
}

/// Waits until the page on consensus shows that a validator signs none of the newest views that are over, and another signs all. The
/// last column is the present view, whose votes are yet to come.
async fn seen_missing(browser: &Browser, name: &str, other: &str) -> anyhow::Result<Value> {
    let (missing, there) = (lane(name), lane(other));
    let newest = format!(".slice(-{VIEWS} - 1, -1)");
    browser
        .wait(&format!(
            "{there}.length > {VIEWS} && !{missing}{newest}.includes(true) && !{there}{newest}.includes(false)"
        ))
        .await
}

/// Waits until the page on consensus, opened anew, shows that a validator signed a view that it did not show yet.
async fn seen_signing(browser: &Browser, page: &str, name: &str) -> anyhow::Result<Value> {
    browser.open(page).await?;
    browser.wait(&format!("{}.length", lane(name))).await?;
    let newest = "[...document.querySelectorAll('.lanes thead th')].at(-1)?.textContent";
    let shown = browser.wait(newest).await?;
    let later = format!(
        "[...document.querySelectorAll('.lanes thead th')].slice(1).map((head) => head.textContent).indexOf({shown}) + 1"
    );
    browser.wait(&format!("{}.slice({later}).includes(true)", lane(name))).await
}

/// Asks why again until a validator is named.
fn explained(terminal: &mut Terminal, why: &Step, name: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + SOON;
    loop {
        let printed = terminal.run(why)?;
        if printed.contains(name) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "`why` does not name {name}:\n{printed}");
        std::thread::sleep(POLL);
    }
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
    let printed = terminal.run(readme(&steps, "scripts/devnet")?)?;
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
    let page = format!("{base}/consensus");
    browser.open(&page).await?;
    seen_missing(&browser, "v3", "v0").await?;
    let why = readme(&steps, "logothete why")?;
    explained(&mut terminal, why, "v3")?;

    terminal.run(readme(&steps, "logothete devnet start v3")?)?;
    terminal.run(readme(&steps, "logothete devnet wipe v2")?)?;
    seen_signing(&browser, &page, "v2").await?;
    terminal.run(why)?;
    println!("{:?} in all, {built:?} of it until the network was ready", began.elapsed());
    Ok(())
}
