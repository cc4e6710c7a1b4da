#![allow(clippy::unwrap_used)]

use logothete_client::rpc::types::AdminPeers;
use logothete_primitives::{ChainId, Digest, TimestampMs};

use super::*;
use crate::backup_record::RecordError;

/// More than wait for a client.
const STEPS: u64 = 10 * STEPS_MAX as u64;

struct Recorder(CancellationToken);

fn chain(number: u8) -> ChainId {
    ChainId::new(Digest::new([number; 32]))
}

impl Actions for Recorder {
    fn backup(&self, dir: &Path, watch: &mut Watch<'_>) -> Result<serde_json::Value, String> {
        for done in 1..=STEPS {
            watch(Step { work: WORK, unit: Unit::Bytes, done, total: Some(STEPS) });
        }
        match dir.to_str() {
            Some("/x") => Ok(serde_json::json!({ "height": "7" })),
            _ => Err("no such disk".into()),
        }
    }
    fn backup_verified(
        &self,
        found: ChainId,
        created: TimestampMs,
    ) -> Result<TimestampMs, RecordError> {
        let expected = chain(1);
        if found == expected {
            Ok(created.next())
        } else {
            Err(RecordError::ForeignChain { expected, found })
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

fn backup_into(dir: &str, progress: bool) -> Request {
    Request::Backup { dir: dir.into(), progress }
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

    let done = ask_async(socket.clone(), backup_into("/x", false)).await.unwrap();
    assert_eq!(done["height"], "7");
    let refused = ask_async(socket.clone(), backup_into("x", false)).await.unwrap_err();
    assert!(refused.to_string().starts_with("x is not an absolute path"), "{refused}");
    let failed = ask_async(socket.clone(), backup_into("/y", false)).await.unwrap_err();
    assert_eq!(failed.to_string(), "no such disk");
    let verified =
        |number| Request::BackupVerified { chain: chain(number), created_ms: TimestampMs::new(6) };
    let known = ask_async(socket.clone(), verified(1)).await.unwrap();
    assert_eq!(known["newest_ms"], "7");
    let foreign = ask_async(socket.clone(), verified(2)).await.unwrap_err().to_string();
    assert!(foreign.contains(&chain(1).to_string()) && foreign.contains(&chain(2).to_string()));
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
        let (tell, _told) = mpsc::channel(1);
        assert!(matches!(perform(line, actions.clone(), tell).await, Answer::Error(_)), "{line}");
    }
}

#[tokio::test]
async fn who_wishes_it_is_told_how_far_a_backup_is() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let stop = CancellationToken::new();
    let task = serve(&socket, Arc::new(Recorder(stop.clone())), stop.clone()).unwrap();
    for progress in [true, false] {
        let (socket, request) = (socket.clone(), backup_into("/x", progress));
        let asked = tokio::task::spawn_blocking(move || {
            let mut steps = Vec::new();
            let answer = ask_watching(&socket, &request, &mut |step| steps.push(step)).unwrap();
            (steps, answer)
        });
        let (steps, answer) = asked.await.unwrap();
        assert_eq!(answer["height"], "7");
        assert_eq!(steps.is_empty(), !progress);
        assert!(steps.is_sorted_by_key(|step| step.done));
        assert!(steps.iter().all(|step| step.total == Some(STEPS)));
    }
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_backup_does_not_wait_for_who_hung_up() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let stop = CancellationToken::new();
    let task = serve(&socket, Arc::new(Recorder(stop.clone())), stop.clone()).unwrap();
    // More of them than there are places.
    for _ in 0..2 * CONNECTIONS_MAX {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let line = serde_json::to_string(&backup_into("/x", true)).unwrap() + "\n";
        stream.write_all(line.as_bytes()).await.unwrap();
    }
    let done = ask_async(socket, backup_into("/x", true)).await.unwrap();
    assert_eq!(done["height"], "7");
    stop.cancel();
    task.await.unwrap();
}
