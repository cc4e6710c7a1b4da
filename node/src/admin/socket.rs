//! Administration over a unix socket in the data directory of the node.
//!
//! One JSON object a line, one answer a line; before it, for who wishes that, lines that say how far a backup is. The socket has mode 0600 in a directory of the node's
//! user, so whoever can open it may already read the node's files: no token is needed.

use std::io::{self, BufRead, BufReader as StdBufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use logothete_ledger::backup::WORK;
use logothete_ledger::progress::{Step, Unit, Watch};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Actions, Request};

/// Longest request line: a path and a little around it.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;
/// Connections served at one time; administration is one person or one script.
const CONNECTIONS_MAX: usize = 4;
/// Most steps that wait for a client to read them.
const STEPS_MAX: usize = 16;
/// Longest path the kernel takes for a unix socket, with room for the final zero.
const SOCKET_PATH_BYTES_MAX: usize = 100;
/// How long a client waits; a backup of a large database takes its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3600);

/// What is answered: at the end exactly one of the first two.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Ok(serde_json::Value),
    /// It is not, and why.
    Error(String),
    /// It goes on.
    Progress(Copied),
}

/// How far a backup is, in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Copied {
    /// Bytes that are copied.
    #[serde(with = "decimal")]
    done: u64,
    /// Bytes of the whole backup.
    #[serde(with = "decimal")]
    total: u64,
}

impl Copied {
    fn of(step: Step) -> Self {
        Self { done: step.done, total: step.total.unwrap_or(step.done) }
    }

    fn step(&self) -> Step {
        Step { work: WORK, unit: Unit::Bytes, done: self.done, total: Some(self.total) }
    }
}

/// 64-bit integers as decimal strings, like everywhere in our JSON.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Why a question got no good answer.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Nobody listens: the node does not run, or another user's.
    #[error("cannot reach the node at {socket}: {source}")]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection broke or the answer is not ours.
    #[error("the node's answer is broken: {0}")]
    Broken(String),
    /// The node refused or failed.
    #[error("{0}")]
    Refused(String),
}

/// Listens until `stop`. An old socket file is replaced: the lock on the data directory, taken before,
/// says that nobody else uses it.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(
    socket: &Path,
    actions: Arc<dyn Actions>,
    stop: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = with_short_path(socket, |path| UnixListener::bind(path))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    let socket = socket.to_path_buf();
    Ok(tokio::spawn(async move {
        let slots = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
        loop {
            let slot =
                Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            if let Ok((stream, _)) = accepted {
                let actions = Arc::clone(&actions);
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, actions).await {
                        tracing::debug!(event = "admin.connection.broken", %error);
                    }
                    drop(slot);
                });
            }
        }
        // Best effort: the next start removes a file that stays.
        let _ = std::fs::remove_file(&socket);
    }))
}

/// Asks a running node, blocking.
///
/// # Errors
/// The node cannot be reached, or it refuses.
pub fn ask(socket: &Path, request: &Request) -> Result<serde_json::Value, AdminError> {
    ask_watching(socket, request, &mut |_| ())
}

/// [`ask`], with what the node tells before its answer.
///
/// # Errors
/// The node cannot be reached, or it refuses.
pub fn ask_watching(
    socket: &Path,
    request: &Request,
    watch: &mut Watch<'_>,
) -> Result<serde_json::Value, AdminError> {
    let unreachable = |source| AdminError::Unreachable { socket: socket.to_path_buf(), source };
    let mut stream = with_short_path(socket, |path| std::os::unix::net::UnixStream::connect(path))
        .map_err(unreachable)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(unreachable)?;
    let broken = |error: io::Error| AdminError::Broken(error.to_string());
    let mut line =
        serde_json::to_string(request).map_err(|error| AdminError::Broken(error.to_string()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(broken)?;
    let mut answers = StdBufReader::new(stream);
    loop {
        let mut answer = String::new();
        answers.read_line(&mut answer).map_err(broken)?;
        match serde_json::from_str(&answer) {
            Ok(Answer::Progress(copied)) => watch(copied.step()),
            Ok(Answer::Ok(value)) => return Ok(value),
            Ok(Answer::Error(message)) => return Err(AdminError::Refused(message)),
            Err(error) => return Err(AdminError::Broken(error.to_string())),
        }
    }
}

async fn converse(stream: UnixStream, actions: Arc<dyn Actions>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        let taken = (&mut read).take(REQUEST_BYTES_MAX).read_line(&mut line).await?;
        if taken == 0 {
            return Ok(());
        }
        let answer = if line.ends_with('\n') {
            perform_telling(&line, Arc::clone(&actions), &mut write).await?
        } else {
            Answer::Error(format!("a request is one line of at most {REQUEST_BYTES_MAX} bytes"))
        };
        send(&mut write, &answer).await?;
        if !line.ends_with('\n') {
            return Ok(());
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let mut text = serde_json::to_string(answer).map_err(io::Error::other)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await
}

/// Performs a request, and writes meanwhile how far it is.
async fn perform_telling(
    line: &str,
    actions: Arc<dyn Actions>,
    write: &mut OwnedWriteHalf,
) -> io::Result<Answer> {
    let (tell, mut told) = mpsc::channel(STEPS_MAX);
    let work = perform(line, actions, tell);
    tokio::pin!(work);
    let mut sent = Ok(());
    // Whoever hangs up keeps their place until the work is done: so many backups at one time, and no more.
    let answer = loop {
        tokio::select! {
            Some(step) = told.recv(), if sent.is_ok() => {
                sent = send(write, &Answer::Progress(Copied::of(step))).await;
            }
            answer = &mut work => break answer,
        }
    };
    sent?;
    while let Ok(step) = told.try_recv() {
        send(write, &Answer::Progress(Copied::of(step))).await?;
    }
    Ok(answer)
}

async fn perform(line: &str, actions: Arc<dyn Actions>, tell: mpsc::Sender<Step>) -> Answer {
    let request: Request = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return Answer::Error(format!("not a request: {error}")),
    };
    let is_wished = matches!(request, Request::Backup { progress: true, .. });
    let watch = move |step| {
        if is_wished {
            // Who reads slowly misses some: a backup waits for nobody.
            let _ = tell.try_send(step);
        }
    };
    match request.perform(actions, watch).await {
        Ok(value) => Answer::Ok(value),
        Err(refusal) => Answer::Error(refusal.to_string()),
    }
}

/// Calls with a path that fits the kernel's limit: a long one goes by way of its open directory.
fn with_short_path<T>(socket: &Path, call: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return call(socket);
    }
    let (Some(parent), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a socket path has a directory and a name",
        ));
    };
    let directory = std::fs::File::open(parent)?;
    call(&Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}

#[cfg(test)]
mod tests;
