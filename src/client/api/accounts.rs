//! The endpoints of people who make their own account, and the way in for sockets. None needs a token.

use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::*;

/// Longest frame of a socket, in bytes.
const FRAME: usize = 1024 * 1024;

/// An open web socket, over the same trust and proxies as every other request.
pub(crate) type Socket = WebSocketStream<reqwest::Upgraded>;

impl Http {
    /// Asks one of these endpoints, and answers with the server's own sentence.
    pub(crate) async fn ask_account(&self, server: &ServerUrl, path: &str, fields: &[(&str, &Secret)]) -> Result<String, Denied> {
        let fields: serde_json::Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value.expose()))).collect();
        let mut fields = Value::Object(fields);
        let body = Zeroizing::new(serde_json::to_vec(&fields).unwrap_or_default());
        wipe(&mut fields);
        // Passwords and codes are hashed in turn, and slowly on purpose.
        let answer = Request::post(path, body.to_vec()).limit(LONG).send(self, server).await?;
        let answer: Value = answer.good()?.json()?;
        let sentence = answer["message"].as_str().ok_or_else(|| not_ours("a sentence was expected"))?;
        Ok(excerpt(sentence.as_bytes()))
    }

    /// Opens a web socket at `path`, which may hold a query.
    pub(crate) async fn open_socket(server: &ServerUrl, roots: &[Vec<u8>], way: Way, path: &str) -> Result<Socket, ApiError> {
        // A web socket is an upgrade of HTTP/1.1.
        let http = Http::build(server, roots, way, true)?;
        let request = http.begin(Method::GET, server, path).await?.headers(Request::get(path).headers).timeout(SHORT);
        let request = request.header("connection", "Upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13").header("sec-websocket-key", generate_key());
        let response = request.send().await.map_err(|error| http.blame(no_answer(error)))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            return Err(match status.as_u16() {
                429 | 500..=599 => ApiError::Later { status: status.as_u16(), sentence: status.to_string(), retry_after: None },
                _ => ApiError::NotOurServer(format!("no web socket here: {status}")),
            });
        }
        let upgraded = response.upgrade().await.map_err(no_answer)?;
        let config = WebSocketConfig::default().max_message_size(Some(FRAME)).max_frame_size(Some(FRAME));
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
    }
}

fn wipe(value: &mut Value) {
    for (_, value) in value.as_object_mut().into_iter().flatten() {
        if let Value::String(text) = value {
            zeroize::Zeroize::zeroize(text);
        }
    }
}
