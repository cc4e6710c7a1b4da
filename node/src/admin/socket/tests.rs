#![allow(clippy::unwrap_used)]

use logothete_client::rpc::types::AdminPeers;

use super::*;

struct Recorder(CancellationToken);

impl Actions for Recorder {
    fn backup(&self, dir: &Path) -> Result<serde_json::Value, String> {
        match dir.to_str() {
            Some("/x") => Ok(serde_json::json!({ "height": "7" })),
            _ => Err("no such disk".into()),
        }
    }
    fn peers(&self) -> AdminPeers {
        let listening = vec!["/ip4/127.0.0.1/tcp/7".to_owned()];
        AdminPeers { listening, connected: Vec::new(), banned: Vec::new() }
    }
    fn shutdown(&self) {
        self.0.cancel();
    }
}

async fn ask_async(socket: PathBuf, request: Request) -> Result<serde_json::Value, AdminError> {
    tokio::task::spawn_blocking(move || ask(&socket, &request)).await.unwrap()
}

#[tokio::test]
async fn answers_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    // Longer than a socket path may be.
    let deep = dir.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let socket = deep.join("admin.sock");
    let stop = CancellationToken::new();
    let task = serve(&socket, Arc::new(Recorder(stop.clone())), stop.clone()).unwrap();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    let done = ask_async(socket.clone(), Request::Backup { dir: "/x".into() }).await.unwrap();
    assert_eq!(done["height"], "7");
    let refused = ask_async(socket.clone(), Request::Backup { dir: "x".into() }).await.unwrap_err();
    assert!(refused.to_string().starts_with("x is not an absolute path"), "{refused}");
    let failed = ask_async(socket.clone(), Request::Backup { dir: "/y".into() }).await.unwrap_err();
    assert_eq!(failed.to_string(), "no such disk");
    let peers = ask_async(socket.clone(), Request::Peers {}).await.unwrap();
    assert_eq!(peers["listening"][0], "/ip4/127.0.0.1/tcp/7");
    let bad =
        ask_async(socket.clone(), Request::LogLevel { level: "a=b=c".into() }).await.unwrap_err();
    assert!(matches!(bad, AdminError::Refused(_)));

    ask_async(socket.clone(), Request::Shutdown {}).await.unwrap();
    task.await.unwrap();
    assert!(matches!(
        ask_async(socket, Request::Shutdown {}).await,
        Err(AdminError::Unreachable { .. })
    ));
}

#[tokio::test]
async fn refuses_what_is_not_a_request() {
    let actions = Arc::new(Recorder(CancellationToken::new()));
    for line in
        ["", "{}", "[1]", "{\"action\":\"format_disk\"}", "{\"action\":\"shutdown\",\"x\":1}"]
    {
        assert!(matches!(perform(line, actions.clone()).await, Answer::Error(_)), "{line}");
    }
}
