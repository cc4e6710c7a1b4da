//! axe-core, which finds what keeps people with a screen reader or a keyboard out of a page.
//!
//! It comes from the registry of npm, in the version that `tests/axe/package-lock.json` pins by its hash, into the
//! target directory. The explorer itself never meets it: it is put into a page by the driver of the browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::browser::Browser;

/// What decides which files are installed.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];
/// Runs it and gives what it found, one line for each kind of violation.
const JUDGE: &str = "
    const done = arguments[arguments.length - 1];
    const line = (one) => `${one.impact} ${one.id}: ${one.help}\\n`
        + one.nodes.slice(0, 3).map((node) => `    ${node.target.join(' ')}  ${node.failureSummary}`).join('\\n');
    axe.run(document, { resultTypes: ['violations'] }).then(
        (found) => done({ checked: found.passes.length, violations: found.violations.map(line) }),
        (error) => done({ error: String(error) }));";

/// The judge.
pub struct Axe(String);

impl Axe {
    /// Installs it below a directory.
    ///
    /// # Errors
    /// When npm is missing or cannot install it.
    pub fn install(into: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(into)?;
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("axe");
        for file in FILES {
            fs::copy(from.join(file), into.join(file))?;
        }
        let npm = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"])
            .current_dir(into)
            .output()
            .context("npm is missing: apt-get install npm")?;
        ensure!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        let file = into.join("node_modules/axe-core/axe.min.js");
        Ok(Self(fs::read_to_string(&file).with_context(|| file.display().to_string())?))
    }

    /// What keeps people out of the page that a browser shows; nothing is good.
    ///
    /// # Errors
    /// When it does not run, or looks at nothing.
    pub async fn violations(&self, browser: &Browser) -> anyhow::Result<Vec<String>> {
        browser.run(&self.0).await?;
        let found = browser.run_until_done(JUDGE).await?;
        ensure!(found["error"].is_null(), "axe: {found}");
        ensure!(found["checked"].as_u64() > Some(10), "axe looked at nothing: {found}");
        let violations = found["violations"].as_array().context("axe answers with a list")?;
        Ok(violations.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
