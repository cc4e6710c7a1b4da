//! The little of HTTP that reading figures and probes takes.

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
    async fn only_the_good_answer_is_well() {
        let good = answering("HTTP/1.1 200 OK\r\n\r\nok\n").await;
        assert!(is_well(&good, "/readyz").await);
        let bad = answering("HTTP/1.1 503 Service Unavailable\r\n\r\n200\n").await;
        assert!(!is_well(&bad, "/readyz").await);
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(!is_well(&nobody.to_string(), "/readyz").await);
    }
}
