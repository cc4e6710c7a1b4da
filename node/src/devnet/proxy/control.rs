//! The process that holds a devnet's proxies, and how the other commands talk to it: one JSON object
//! a line over a unix socket in the devnet directory.

use std::io::{self, BufRead, BufReader as StdBufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::{Link, Links, Pair, Port};

/// Longest request line.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// How long a client waits for its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What can be asked of the proxies.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Freeze what lies between groups of nodes.
    Partition {
        /// The groups, by index of node.
        groups: Vec<Vec<usize>>,
    },
    /// Change some directions.
    Set {
        /// The directions.
        pairs: Vec<Pair>,
        /// Their new state.
        link: Link,
    },
    /// Open everything.
    Heal,
    /// Only report.
    Show,
}

/// The faults in force after the request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answer {
    /// Whether the request was understood and done.
    pub ok: bool,
    /// Directions that are not plainly open.
    pub faults: Vec<(Pair, Link)>,
}

/// Serves all ports and the control socket; ends only by an error or with the process.
///
/// # Errors
/// A port or the socket cannot be bound.
pub async fn run(nodes: usize, ports: &[Port], socket: &Path) -> io::Result<()> {
    let links = Links::new(nodes);
    let mut tasks = JoinSet::new();
    for port in ports {
        tasks.spawn(super::serve(*port, &links).await?);
    }
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // One at a time: a request takes microseconds, and a silent client only its timeout.
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, converse(stream, &links)).await;
    }
}

/// Asks the process of a devnet's proxies, blocking.
///
/// # Errors
/// It cannot be reached or did not understand.
pub fn ask(socket: &Path, request: &Request) -> io::Result<Answer> {
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let mut line = serde_json::to_string(request).map_err(io::Error::other)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    StdBufReader::new(stream).read_line(&mut answer)?;
    let answer: Answer = serde_json::from_str(&answer).map_err(io::Error::other)?;
    if answer.ok { Ok(answer) } else { Err(io::Error::other("the proxies refused the request")) }
}

async fn converse(stream: UnixStream, links: &Links) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(REQUEST_BYTES_MAX)).read_line(&mut line).await?;
    let ok = match serde_json::from_str(&line) {
        Ok(request) => perform(&request, links),
        Err(_) => false,
    };
    let answer = Answer { ok, faults: links.faults() };
    let mut text = serde_json::to_string(&answer).map_err(io::Error::other)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await
}

fn perform(request: &Request, links: &Links) -> bool {
    match request {
        Request::Partition { groups } => {
            links.partition(groups);
            true
        }
        Request::Set { pairs, link } => pairs.iter().all(|pair| links.set(*pair, *link)),
        Request::Heal => {
            links.heal();
            true
        }
        Request::Show => true,
    }
}
