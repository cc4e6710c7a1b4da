//! The little of HTTP that reading figures and probes takes, and a loop of reads.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a node may take to answer, and how much it may say.
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The whole answer of the server at a host and port; none if there is none in time.
pub async fn get(address: &str, path: &str) -> Option<String> {
    tokio::time::timeout(PATIENCE, read(address, path)).await.ok()?.ok()
}

/// Whether the server at a host and port answers that all is well.
pub async fn is_well(address: &str, path: &str) -> bool {
    get(address, path).await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

async fn read(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    Ok(answer)
}

/// A request that posts JSON.
pub fn post(address: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A connection that is kept, for one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects to a host and port.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// The body of the good answer to a whole request.
    ///
    /// # Errors
    /// The connection broke, or the answer is not good, or has no length.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let (head, length) = loop {
            self.read_more().await?;
            if let Some(end) = find(&self.answer, b"\r\n\r\n") {
                let head = end + 4;
                break (head, length_of(self.answer.get(..head).unwrap_or_default())?);
            }
        };
        while self.answer.len() < head + length {
            self.read_more().await?;
        }
        Ok(self.answer.get(head..head + length).unwrap_or_default())
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

/// The length of the body that follows a head.
fn length_of(head: &[u8]) -> io::Result<usize> {
    let head = String::from_utf8_lossy(head);
    let refused = || io::Error::other(head.lines().next().unwrap_or_default().to_owned());
    if !head.starts_with("HTTP/1.1 200") {
        return Err(refused());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.filter(|length| *length <= ANSWER_BYTES_MAX).map_or_else(
        || Err(refused()),
        |length: u64| usize::try_from(length).map_err(io::Error::other),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::net::TcpListener;

    use super::*;

    async fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn a_kept_connection_reads_whole_answers_and_no_bad_ones() {
        let good = answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole").await;
        let mut connection = Connection::open(&good).await.unwrap();
        assert_eq!(connection.ask(&post(&good, "/rpc", "{}")).await.unwrap(), b"whole");
        for bad in [
            "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        ] {
            let address = answering(bad).await;
            let mut connection = Connection::open(&address).await.unwrap();
            assert!(connection.ask(b"GET / HTTP/1.1\r\n\r\n").await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_good_answer_is_well() {
        let good = answering("HTTP/1.1 200 OK\r\n\r\nok\n").await;
        assert!(is_well(&good, "/readyz").await);
        let bad = answering("HTTP/1.1 503 Service Unavailable\r\n\r\n200\n").await;
        assert!(!is_well(&bad, "/readyz").await);
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(!is_well(&nobody.to_string(), "/readyz").await);
    }
}
