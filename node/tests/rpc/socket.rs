//! A WebSocket as a stranger has it: nothing is resumed, nothing is hidden.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long anything may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// An open WebSocket.
pub(crate) struct Socket {
    /// The socket itself.
    pub(crate) stream: WebSocketStream<TcpStream>,
    ids: u64,
}

impl Socket {
    /// Opens one.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.unwrap()
    }

    /// Opens one, if the server has room.
    pub(crate) async fn try_open(address: SocketAddr) -> Result<Self, Error> {
        let tcp = TcpStream::connect(address).await.unwrap();
        // Many may be open in one test.
        let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
        let url = format!("ws://{address}/ws");
        let (stream, _) = client_async_with_config(url, tcp, Some(config)).await?;
        Ok(Self { stream, ids: 0 })
    }

    /// Sends text.
    pub(crate) async fn send(&mut self, text: String) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends a call and reads up to its answer; events before it are lost.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.ids += 1;
        let id = self.ids;
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(call.to_string()).await;
        loop {
            let answer = self.json().await;
            if answer["id"] == id {
                return answer;
            }
        }
    }

    /// Subscribes, and answers the name of the subscription.
    pub(crate) async fn subscribe(&mut self, params: Value) -> String {
        let answer = self.call("subscribe", params).await;
        let name = answer["result"]["subscription"].as_str();
        name.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Value {
        let mut told = self.json().await;
        assert_eq!((&told["jsonrpc"], &told["method"]), (&json!("2.0"), &json!("event")));
        assert!(told["params"]["subscription"].is_string(), "{told}");
        told["params"]["event"].take()
    }

    /// The next message that is JSON.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            match tokio::time::timeout(SOON, self.stream.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("text was expected, not {other:?}"),
            }
        }
    }

    /// Reads on until the server closes, and answers why it did.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            match tokio::time::timeout(SOON, self.stream.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}
