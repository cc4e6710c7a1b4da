//! A real browser, driven over the WebDriver protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(50);
/// How long a page may take to show what it is waited for.
const PATIENCE: Duration = Duration::from_secs(40);
/// A browser that keeps to this machine and to itself.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// Of small pictures, out of a hundred.
const QUALITY: u32 = 80;

/// What a reader of a page has chosen.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the window in pixels.
    pub width: u32,
    /// Whether dark colours are preferred.
    pub dark: bool,
}

/// A browser with one window. It ends with this value.
pub struct Browser {
    http: reqwest::Client,
    port: u16,
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium through its driver, with an empty profile.
    ///
    /// # Errors
    /// When `chromedriver` or `chromium` is not there or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver is missing: apt-get install chromium chromium-driver")?;
        let port = read_port(&mut driver);
        let profile = tempfile::tempdir()?;
        let http = reqwest::Client::new();
        let session = String::new();
        // From here on the driver ends with the value.
        let mut browser = Self { http, port: 0, session, driver, _profile: profile };
        browser.port = port?;
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", browser._profile.path().display()));
        let wish = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": { "args": arguments } } } });
        let url = format!("http://127.0.0.1:{}/session", browser.port);
        let answer: Value = browser.http.post(url).json(&wish).send().await?.json().await?;
        let session = answer["value"]["sessionId"].as_str();
        session.with_context(|| format!("no session: {answer}"))?.clone_into(&mut browser.session);
        Ok(browser)
    }

    async fn post(&self, command: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("http://127.0.0.1:{}/session/{}/{command}", self.port, self.session);
        let mut answer: Value = self.http.post(url).json(body).send().await?.json().await?;
        let value = answer["value"].take();
        ensure!(value.get("error").is_none(), "{command}: {value}");
        Ok(value)
    }

    /// Loads a page.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.post("url", &json!({ "url": url })).await?;
        Ok(())
    }

    /// What a function body of JavaScript returns in the page.
    ///
    /// # Errors
    /// When it throws.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        self.post("execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// What a function body of JavaScript gives to the function that is its last argument.
    ///
    /// # Errors
    /// When it throws or is not done in half a minute.
    pub async fn run_until_done(&self, script: &str) -> anyhow::Result<Value> {
        self.post("execute/async", &json!({ "script": script, "args": [] })).await
    }

    /// Waits until an expression is true-like in the page, and gives it.
    ///
    /// # Errors
    /// When it does not become so; with the text of the page.
    pub async fn wait(&self, expression: &str) -> anyhow::Result<Value> {
        let script = format!("return ({expression}) || null");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.run(&script).await?;
            if !value.is_null() {
                return Ok(value);
            }
            if Instant::now() > deadline {
                let page =
                    self.run("return location.href + '\\n' + document.body.innerText").await?;
                bail!("not within {PATIENCE:?}: {expression}\n{}", page.as_str().unwrap_or(""));
            }
            sleep(POLL).await;
        }
    }

    /// Sets size and colours.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn look(&self, look: Look) -> anyhow::Result<()> {
        let (width, narrow) = (look.width, look.width < 600);
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": narrow });
        let colours = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] });
        self.protocol("Emulation.setDeviceMetricsOverride", &size).await?;
        self.protocol("Emulation.setEmulatedMedia", &media).await?;
        Ok(())
    }

    /// Runs a script in every page from now on, before those of the page.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn before_pages(&self, script: &str) -> anyhow::Result<()> {
        let source = json!({ "source": script });
        self.protocol("Page.addScriptToEvaluateOnNewDocument", &source).await?;
        Ok(())
    }

    /// Presses a key and lets it go: a letter, a digit, a sign, or a key by its name.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn press(&self, key: &str) -> anyhow::Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowLeft" => (37, ""),
            letter => (0, letter),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.protocol("Input.dispatchKeyEvent", &event).await?;
        }
        Ok(())
    }

    /// Forgets every file it was sent.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn forget_files(&self) -> anyhow::Result<()> {
        self.protocol("Network.clearBrowserCache", &json!({})).await?;
        Ok(())
    }

    async fn protocol(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    /// Writes what the window shows to a file: without any loss, or small when its name ends with `.webp`.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub async fn screenshot(&self, file: &Path) -> anyhow::Result<()> {
        let format =
            if file.extension().is_some_and(|kind| kind == "webp") { "webp" } else { "png" };
        let whole = json!({ "format": format, "quality": QUALITY, "captureBeyondViewport": true });
        let taken = self.protocol("Page.captureScreenshot", &whole).await?;
        let text = taken["data"].as_str().context("a screenshot has data")?;
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        Ok(std::fs::write(file, base64(text)?)?)
    }
}

impl Drop for Browser {
    /// The driver ends the browser when its session is deleted, and only then.
    fn drop(&mut self) {
        let ask = |mut stream: TcpStream| {
            let path = format!("/session/{}", self.session);
            let request =
                format!("DELETE {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(request.as_bytes())?;
            BufReader::new(stream).read_line(&mut String::new())
        };
        // What cannot be asked for is ended with the driver.
        let _ = TcpStream::connect(("127.0.0.1", self.port)).and_then(ask);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The driver says on which port it listens.
fn read_port(driver: &mut Child) -> anyhow::Result<u16> {
    let output = driver.stdout.take().context("the output is a pipe")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some((_, rest)) = line.split_once("successfully on port ") {
            return Ok(rest.trim_end_matches('.').parse()?);
        }
    }
    bail!("chromedriver did not start")
}

fn base64(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => bail!("{other} is no digit of base64"),
        };
        held = (held << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff)?);
        }
    }
    Ok(bytes)
}
