//! Administration over a unix socket in the data directory of the node.
//!
//! One JSON object a line, one answer a line. The socket has mode 0600 in a directory of the node's
//! user, so whoever can open it may already read the node's files: no token is needed.

use std::io::{self, BufRead, BufReader as StdBufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Actions, Request};

/// Longest request line: a path and a little around it.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;
/// Connections served at one time; administration is one person or one script.
const CONNECTIONS_MAX: usize = 4;
/// Longest path the kernel takes for a unix socket, with room for the final zero.
const SOCKET_PATH_BYTES_MAX: usize = 100;
/// How long a client waits; a backup of a large database takes its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3600);

/// What is answered: exactly one of the two.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Ok(serde_json::Value),
    /// It is not, and why.
    Error(String),
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
                        tracing::debug!(%error, "admin.connection.broken");
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
    let unreachable = |source| AdminError::Unreachable { socket: socket.to_path_buf(), source };
    let mut stream = with_short_path(socket, |path| std::os::unix::net::UnixStream::connect(path))
        .map_err(unreachable)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(unreachable)?;
    let broken = |error: io::Error| AdminError::Broken(error.to_string());
    let mut line =
        serde_json::to_string(request).map_err(|error| AdminError::Broken(error.to_string()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(broken)?;
    let mut answer = String::new();
    StdBufReader::new(stream).read_line(&mut answer).map_err(broken)?;
    match serde_json::from_str(&answer) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Error(message)) => Err(AdminError::Refused(message)),
        Err(error) => Err(AdminError::Broken(error.to_string())),
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
            perform(&line, Arc::clone(&actions)).await
        } else {
            Answer::Error(format!("a request is one line of at most {REQUEST_BYTES_MAX} bytes"))
        };
        let mut text = serde_json::to_string(&answer).map_err(io::Error::other)?;
        text.push('\n');
        write.write_all(text.as_bytes()).await?;
        if !line.ends_with('\n') {
            return Ok(());
        }
    }
}

async fn perform(line: &str, actions: Arc<dyn Actions>) -> Answer {
    let request: Request = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return Answer::Error(format!("not a request: {error}")),
    };
    match request.perform(actions).await {
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
