//! A live socket's other end, frame by frame.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::world::{PASSWORD, World};

/// How long a test waits for a frame that must come.
const LIMIT: Duration = Duration::from_secs(15);

pub struct Wire(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Wire {
    pub async fn open(address: SocketAddr, path: &str) -> Wire {
        Wire(connect_async(format!("ws://{address}{path}")).await.unwrap().0)
    }

    /// The Socket.IO connection of a page that is signed in: its cookies come with the handshake.
    pub async fn of_page(world: &World, name: &str) -> Wire {
        let session = json!({ "username": name, "password": PASSWORD });
        let login = world.anonymous().post("/api/page/login", &session).await.expect(200);
        let cookies: Vec<&str> = login.headers("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", world.running.address());
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookies.join("; ").parse().unwrap());
        Wire(connect_async(request).await.unwrap().0)
    }

    /// A live socket that has signed in.
    pub async fn signed_in(address: SocketAddr, token: &str) -> Wire {
        let mut wire = Wire::open(address, "/api/ws").await;
        wire.say("auth", "a", json!({ "token": token })).await;
        wire.expect("auth_ok").await;
        wire
    }

    /// One that follows these topics, too.
    pub async fn following(address: SocketAddr, token: &str, topics: &[&str]) -> Wire {
        let mut wire = Wire::signed_in(address, token).await;
        wire.say("subscribe", "s", json!({ "topics": topics })).await;
        wire.expect("ack").await;
        wire
    }

    pub async fn say(&mut self, kind: &str, id: &str, payload: Value) {
        self.text(&json!({ "type": kind, "id": id, "payload": payload }).to_string()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    pub async fn send(&mut self, message: Message) {
        // The server may have closed in the meantime: what it said is still to be read.
        let _ = self.0.send(message).await;
    }

    /// The next text; none once it is closed.
    pub async fn next_text(&mut self) -> Result<String, (u16, String)> {
        loop {
            let message = tokio::time::timeout(LIMIT, self.0.next()).await.expect("a frame comes in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                    return Err(frame.unwrap_or((u16::from(CloseCode::Status), String::new())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err((1006, String::new())),
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await.expect("the socket is open")).unwrap()
    }

    /// The next frame, which is of this type: its payload.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> impl Future<Output = Value> {
        let kind = kind.to_owned();
        async move {
            let mut frame = self.next().await;
            assert_eq!(frame["type"], kind.as_str(), "{frame}");
            assert!(frame["id"].is_string() && frame["timestamp"].is_string(), "{frame}");
            frame["payload"].take()
        }
    }

    /// The end: the code of the error before it, the close code.
    pub async fn ending(&mut self) -> (String, u16) {
        let mut error = String::new();
        loop {
            match self.next_text().await {
                Ok(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] == "error" {
                        error = frame["payload"]["code"].as_str().unwrap().to_owned();
                        assert!(frame["payload"]["message"].as_str().is_some_and(|sentence| sentence.len() > 10), "{frame}");
                    }
                }
                Err((code, _)) => return (error, code),
            }
        }
    }
}
