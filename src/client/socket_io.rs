//! A Socket.IO client, as small as it can be: Engine.IO 4 over one web socket, the namespace `/`, events with one argument.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::accounts::check_address;
use super::api::{ApiError, Http, Socket};
use super::explain::Explanation;
use super::place::CallError;
use super::tunnel::{Approach, Passage};

/// Where every Socket.IO server listens, asked for a web socket at once.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";
/// How long the greeting may take.
const GREETING: Duration = Duration::from_secs(10);
/// Events that may wait to be sent.
const WAITING: usize = 32;

/// Something the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event and its first argument.
    Event { name: String, value: Value },
    /// The server has ended the connection, or it broke.
    Closed,
}

/// One connection, on a thread of its own. It ends when this is dropped.
pub struct SocketIo {
    out: mpsc::Sender<String>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SocketIo {
    /// Connects, and tells `hear` everything the server says from then on. `roots` are further certificate authorities in DER.
    pub(crate) fn connect(
        url: &str,
        allow_plain_http: bool,
        (roots, approach): (&[Vec<u8>], &Approach),
        hear: Arc<dyn Fn(Heard) + Send + Sync>,
    ) -> Result<SocketIo, CallError> {
        let server = check_address(url, allow_plain_http)?;
        let failed = |error: std::io::Error| CallError::Failed(Explanation::new("disk_failed").detail(error));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let passage = runtime.block_on(approach.open()).map_err(CallError::Unreachable)?;
        let (socket, early) = runtime.block_on(async {
            let mut socket = Http::open_socket(&server, roots, Passage::way_of(passage.as_ref()), PATH).await?;
            let early = tokio::time::timeout(GREETING, greet(&mut socket)).await;
            early.map_err(|_| ApiError::Unreachable("no greeting".to_owned()))?.map(|early| (socket, early))
        })?;
        let (out, inbox) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("andon-socket".to_owned()).spawn(move || {
            early.into_iter().for_each(&*hear);
            if runtime.block_on(converse(socket, inbox, &*hear)) == End::Theirs {
                hear(Heard::Closed);
            }
            drop(passage);
        });
        Ok(SocketIo { out, thread: Some(thread.map_err(failed)?) })
    }

    /// Sends an event. False when the connection is gone, or takes nothing any more.
    pub fn emit(&self, name: &str, value: &Value) -> bool {
        self.out.try_send(format!("42{}", json!([name, value]))).is_ok()
    }
}

impl Drop for SocketIo {
    fn drop(&mut self) {
        // Without a sender the conversation says goodbye and ends.
        self.out = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One packet, as far as we care.
#[derive(Debug, PartialEq)]
enum Packet {
    /// The transport is open: now the namespace may be asked for.
    Open,
    Ping,
    /// The namespace has let us in, or has not.
    Connected,
    Refused(String),
    Event(Heard),
    Closed,
    Other,
}

fn read(text: &str) -> Packet {
    match text.as_bytes() {
        [b'0', ..] => Packet::Open,
        [b'1', ..] | [b'4', b'1', ..] => Packet::Closed,
        [b'2', ..] => Packet::Ping,
        [b'4', b'0', ..] => Packet::Connected,
        [b'4', b'2', rest @ ..] => event(rest).map_or(Packet::Other, Packet::Event),
        [b'4', b'4', ..] => Packet::Refused(text[2..].chars().take(200).collect()),
        _ => Packet::Other,
    }
}

/// `["name", argument]`, perhaps after the number of an acknowledgement that nobody waits for.
fn event(rest: &[u8]) -> Option<Heard> {
    let start = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let mut parts: Vec<Value> = serde_json::from_slice(&rest[start..]).ok()?;
    let name = parts.first()?.as_str()?.to_owned();
    let value = if parts.len() > 1 { parts.swap_remove(1) } else { Value::Null };
    Some(Heard::Event { name, value })
}

/// Until the namespace has let us in. Events may come before that, and are kept.
async fn greet(socket: &mut Socket) -> Result<Vec<Heard>, ApiError> {
    let broken = |error: &dyn std::fmt::Display| ApiError::Unreachable(error.to_string());
    let mut early = Vec::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(|error| broken(&error))? else { continue };
        match read(&text) {
            Packet::Open => socket.send(Message::text("40")).await.map_err(|error| broken(&error))?,
            Packet::Ping => socket.send(Message::text("3")).await.map_err(|error| broken(&error))?,
            Packet::Event(heard) => early.push(heard),
            Packet::Connected => return Ok(early),
            Packet::Refused(why) => return Err(ApiError::NotOurServer(why)),
            Packet::Closed => break,
            Packet::Other => {}
        }
    }
    Err(ApiError::Unreachable("the server closed the connection".to_owned()))
}

/// Who ended a conversation.
#[derive(PartialEq)]
enum End {
    Ours,
    Theirs,
}

async fn converse(mut socket: Socket, mut inbox: mpsc::Receiver<String>, hear: &(dyn Fn(Heard) + Send + Sync)) -> End {
    loop {
        tokio::select! {
            out = inbox.recv() => {
                let Some(text) = out else { break };
                if socket.send(Message::text(text)).await.is_err() {
                    return End::Theirs;
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => match read(&text) {
                    Packet::Ping if socket.send(Message::text("3")).await.is_err() => return End::Theirs,
                    Packet::Event(heard) => hear(heard),
                    Packet::Closed => return End::Theirs,
                    _ => {}
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Theirs,
                Some(Ok(_)) => {}
            }
        }
    }
    let _ = socket.send(Message::text("41")).await;
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    End::Ours
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_told_apart() {
        assert_eq!(read("0{\"sid\":\"x\"}"), Packet::Open);
        assert_eq!(read("40{\"sid\":\"x\"}"), Packet::Connected);
        assert_eq!(read("2"), Packet::Ping);
        assert_eq!(read("44{\"message\":\"no\"}"), Packet::Refused("{\"message\":\"no\"}".to_owned()));
        let heard = |name: &str, value| Packet::Event(Heard::Event { name: name.to_owned(), value });
        assert_eq!(read("42[\"message\",{\"echo\":\"ą\"}]"), heard("message", json!({ "echo": "ą" })));
        assert_eq!(read("427[\"alone\"]"), heard("alone", Value::Null));
        for odd in ["", "4", "42", "42[", "42[1]", "42{}", "6", "43[]", "9"] {
            assert_eq!(read(odd), Packet::Other, "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_is_too_odd_to_be_read(text in "\\PC{0,60}") {
            let _ = read(&text);
            let _ = read(&format!("4{text}"));
        }
    }
}
