//! The administration listener: who holds the token may ask, nobody else, and the token is told nowhere.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use logothete_client::rpc::method::{
    AdminBackupMethod, AdminBackupVerifiedMethod, AdminPeersMethod, AdminShutdownMethod,
};
use logothete_client::rpc::types::{AdminBackup, AdminBackupVerified, AdminPeers, Empty};
use logothete_client::rpc::{ADMIN_METHODS, ErrorCode};
use logothete_client::{Client, ClientError};
use logothete_ledger::progress::Watch;
use logothete_node::admin::{Actions, Token, listener};
use logothete_node::backup_record::RecordError;
use logothete_node::metrics::Metrics;
use logothete_node::rpc::bind;
use logothete_primitives::{ChainId, Digest, TimestampMs};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the process of a node may take to do what it was asked for.
const SOON: Duration = Duration::from_secs(60);

/// A node that says what it was asked to do.
struct Recorder(CancellationToken);

impl Actions for Recorder {
    fn backup(&self, dir: &Path, _: &mut Watch<'_>) -> Result<Value, String> {
        if dir != Path::new("/good") {
            return Err("the disk is full".to_owned());
        }
        Ok(json!({
            "height": "7", "state_root": "00".repeat(32), "committed": "9",
            "created_ms": "1", "files": 3, "bytes": "4", "blocks_checked": null,
        }))
    }

    fn backup_verified(
        &self,
        found: ChainId,
        created: TimestampMs,
    ) -> Result<TimestampMs, RecordError> {
        let expected = ChainId::new(Digest::ZERO);
        if found == expected {
            Ok(created)
        } else {
            Err(RecordError::ForeignChain { expected, found })
        }
    }

    fn peers(&self) -> AdminPeers {
        AdminPeers { listening: vec!["/x".to_owned()], connected: Vec::new(), banned: Vec::new() }
    }

    fn shutdown(&self) {
        self.0.cancel();
    }
}

/// A running listener.
struct Running {
    url: String,
    token: Token,
    stop: CancellationToken,
    server: JoinHandle<()>,
    http: reqwest::Client,
}

impl Running {
    async fn start() -> Self {
        let (token, stop) = (Token::generate().unwrap(), CancellationToken::new());
        let socket = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let actions = Arc::new(Recorder(stop.clone()));
        let metrics = Metrics::new("test", &[]);
        let server = listener::spawn(socket, token.hash(), actions, metrics, stop.clone());
        Self { url, token, stop, server, http: reqwest::Client::new() }
    }

    fn client(&self, token: &str) -> Client {
        Client::new([self.url.clone()]).unwrap().with_token(token).unwrap()
    }

    fn request(&self, body: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/rpc", self.url));
        request.header("content-type", "application/json").body(body.to_owned())
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }
}

fn call(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string()
}

/// The JSON of an answer with a status.
async fn answered(request: reqwest::RequestBuilder, status: StatusCode) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), status);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn who_shows_no_token_is_told_how() {
    let running = Running::start().await;
    let answer = running.request(&call("admin_shutdown")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer");
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["error"]["code"], ErrorCode::Unauthorized.number());
    assert_eq!(answer["error"]["data"]["code"], "UNAUTHORIZED");
    assert!(answer["error"]["data"]["hint"].as_str().unwrap().contains("Authorization: Bearer"));
    let large = running.request(&" ".repeat(1 << 20));
    answered(large, StatusCode::UNAUTHORIZED).await;
    assert!(!running.stop.is_cancelled());
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_keep_nobody_out() {
    let running = Running::start().await;
    let (wrong, hash) = (Token::generate().unwrap(), running.token.hash().to_string());
    for shown in [wrong.reveal(), hash.as_str(), ""] {
        let refused = running.client(shown).call_once::<AdminPeersMethod>(Empty {}).await;
        let Err(ClientError::Rpc(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.code, ErrorCode::Unauthorized);
    }
    let not_bearer = format!("Basic {}", running.token.reveal());
    let basic = running.request(&call("admin_peers")).header(AUTHORIZATION, not_bearer);
    answered(basic, StatusCode::UNAUTHORIZED).await;

    let deadline = Instant::now() + SOON;
    loop {
        let guess = running.request(&call("admin_peers")).header(AUTHORIZATION, "Bearer guess");
        let answer = guess.send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers().contains_key(RETRY_AFTER));
            break;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(Instant::now() < deadline, "wrong tokens are not bounded");
    }
    let client = running.client(running.token.reveal());
    let peers = client.call_once::<AdminPeersMethod>(Empty {}).await.unwrap();
    assert_eq!(peers.listening, ["/x"]);
}

#[tokio::test]
async fn who_holds_the_token_is_served() {
    let running = Running::start().await;
    let client = running.client(running.token.reveal());
    let dir = |dir: &str| AdminBackup { dir: PathBuf::from(dir) };
    let made = client.call_once::<AdminBackupMethod>(dir("/good")).await.unwrap();
    assert_eq!((made.height.get(), made.files), (7, 3));
    for (path, code, why) in [
        ("relative", ErrorCode::InvalidParams, "not an absolute path"),
        ("/full", ErrorCode::Internal, "the disk is full"),
    ] {
        let refused = client.call_once::<AdminBackupMethod>(dir(path)).await;
        let Err(ClientError::Rpc(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.code, code);
        assert!(error.message.contains(why) && !error.data.hint.is_empty(), "{error:?}");
    }
    let created_ms = TimestampMs::new(8);
    let verified = |byte: u8| {
        let chain = ChainId::new(Digest::new([byte; 32]));
        client.call_once::<AdminBackupVerifiedMethod>(AdminBackupVerified { chain, created_ms })
    };
    assert_eq!(verified(0).await.unwrap().newest_ms, created_ms);
    let refused = verified(1).await;
    let Err(ClientError::Rpc(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code, ErrorCode::InvalidParams);
    assert!(client.call_once::<AdminShutdownMethod>(Empty {}).await.unwrap().stopping);
    tokio::time::timeout(SOON, running.server).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_listener_describes_itself_and_serves_nothing_else() {
    let running = Running::start().await;
    let described = running.request(&call("rpc.discover")).header(AUTHORIZATION, running.bearer());
    let described = answered(described, StatusCode::OK).await;
    let listed = described["result"]["methods"].as_array().unwrap();
    let listed: Vec<&str> = listed.iter().map(|method| method["name"].as_str().unwrap()).collect();
    let known: Vec<&str> = ADMIN_METHODS.iter().map(|method| method.name).collect();
    assert_eq!(listed, known);
    assert_eq!(described["result"]["info"]["title"], "Logothete administration");

    let public = running.request(&call("chain_info")).header(AUTHORIZATION, running.bearer());
    let public = answered(public, StatusCode::OK).await;
    assert_eq!(public["error"]["data"]["code"], "METHOD_NOT_FOUND");
    for path in ["/", "/metrics", "/ws", "/openrpc.json", "/rpc"] {
        let url = format!("{}{path}", running.url);
        let with = running.http.get(&url).header(AUTHORIZATION, running.bearer()).send().await;
        assert_eq!(with.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
        let without = running.http.get(&url).send().await.unwrap();
        assert_eq!(without.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let long = running.request(&" ".repeat(100_000)).header(AUTHORIZATION, running.bearer());
    let long = answered(long, StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(long["error"]["data"]["code"], "TOO_LARGE");
}

#[tokio::test]
async fn pages_of_strangers_do_not_even_reach_the_token() {
    let running = Running::start().await;
    for (name, value) in [(HOST.as_str(), "evil.example"), ("origin", "http://evil.example")] {
        let request = running.request(&call("admin_peers")).header(AUTHORIZATION, running.bearer());
        answered(request.header(name, value), StatusCode::FORBIDDEN).await;
    }
}

#[tokio::test]
async fn the_public_listener_has_no_such_methods() {
    let running = rpc::fake::start().await;
    for method in ADMIN_METHODS.iter().filter(|method| method.name != "rpc.discover") {
        let request = running.http.post(running.url("/rpc")).body(call(method.name));
        let answer = answered(request, StatusCode::OK).await;
        assert_eq!(answer["error"]["data"]["code"], "METHOD_NOT_FOUND", "{answer}");
    }
    let description =
        answered(running.http.get(running.url("/openrpc.json")), StatusCode::OK).await;
    assert!(!description.to_string().contains("admin_"));
}

/// The home of a chain of one validator, and a token of its administrator.
struct Home {
    directory: tempfile::TempDir,
    token: String,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut home = Self { directory, token: String::new() };
        let generate = ["testnet", "generate", "--out", "net", "--hosts", "127.0.0.1", "--dev"];
        assert!(home.logothete(&generate, None).status.success());
        let made = home.logothete(&["admin", "token", "--json"], None);
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        made["data"]["token"].as_str().unwrap().clone_into(&mut home.token);
        let hash = made["data"]["token_hash"].as_str().unwrap();
        let path = home.path().join("config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let admin = format!("\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken_hash = \"{hash}\"\n");
        std::fs::write(path, text + &admin).unwrap();
        home
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("net/node0")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logothete"));
        command.args(arguments).current_dir(self.directory.path());
        command.env_clear().env("HOME", self.directory.path());
        command
    }

    fn logothete(&self, arguments: &[&str], token: Option<&str>) -> Output {
        let mut command = self.command(arguments);
        command.envs(token.map(|token| ("LOGOTHETE_ADMIN_TOKEN", token))).output().unwrap()
    }

    /// Runs the node, and logs all there is to log.
    fn run(&self) -> Child {
        let log = File::create(self.path().join("node.log")).unwrap();
        let listen = ["--rpc-listen", "127.0.0.1:0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0"];
        let home = ["run", "--home", "net/node0", "--log-level", "trace"];
        let mut command = self.command(&[&home[..], &listen[..]].concat());
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.path().join("node.log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where the node listens for administration, once it says so.
    fn url(&self, node: &mut Child) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let log = self.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut started = lines.filter(|line| line["event"] == "node.started");
            if let Some(address) =
                started.find_map(|line| line["admin"].as_str().map(str::to_owned))
            {
                return format!("http://{address}");
            }
            assert_eq!(node.try_wait().unwrap(), None, "{log}");
            assert!(Instant::now() < deadline, "{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What a command said, all of it.
fn said(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(all).unwrap()
}

#[test]
fn a_node_is_administered_with_its_token_and_tells_it_nowhere() {
    let home = Home::new();
    let mut node = home.run();
    let url = home.url(&mut node);
    let token = Some(home.token.as_str());
    let peers = ["admin", "peers", "--url", &url];

    let without = home.logothete(&peers, None);
    assert_eq!(without.status.code(), Some(2), "{}", said(&without));
    let wrong = Token::generate().unwrap();
    let refused = home.logothete(&peers, Some(wrong.reveal()));
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("Authorization: Bearer TOKEN"), "{}", said(&refused));
    let backup = ["backup", "create", "--to", "backup", "--url", &url];
    let verify =
        ["backup", "verify", "backup", "--url", &url, "--genesis", "net/genesis.toml", "--json"];
    for good in [&peers[..], &["admin", "log-level", "trace", "--url", &url], &backup] {
        let done = home.logothete(good, token);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    }
    for (token, told) in [(token, Value::Bool(true)), (None, Value::Null)] {
        let verified = home.logothete(&verify, token);
        let envelope: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!((&envelope["success"], &envelope["data"]["told"]), (&true.into(), &told));
    }
    let refused = home.logothete(&["admin", "log-level", "a=b=c", "--url", &url], token);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));

    let shown = home.logothete(&["config", "show", "--home", "net/node0"], token);
    assert!(said(&shown).contains("admin.token_hash"), "{}", said(&shown));
    let doctor = ["doctor", "--home", "net/node0", "--wait", "1", "--bundle", "report.tar"];
    let examined = home.logothete(&doctor, token);
    let report = std::fs::read(home.directory.path().join("report.tar")).unwrap();
    let report = String::from_utf8_lossy(&report).into_owned();
    assert!(report.contains("node.started"), "the bundle has the log");

    let stopped = home.logothete(&["admin", "shutdown", "--url", &url], token);
    assert_eq!(stopped.status.code(), Some(0), "{}", said(&stopped));
    assert!(node.wait().unwrap().success(), "{}", home.log());
    let log = home.log();
    assert!(log.contains("admin.token.wrong"), "a wrong token is logged");
    let told = [log, report, said(&shown), said(&examined), said(&stopped)];
    for text in told {
        for secret in [home.token.as_str(), wrong.reveal()] {
            assert!(!text.contains(secret), "a token is told");
        }
    }
}
