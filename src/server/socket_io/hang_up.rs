//! The end of a connection on which nobody talks any more. The library ends a conversation and leaves its connection to the client,
//! who could keep it for ever: it has a moment to go by itself.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use socketioxide::TransportType;
use socketioxide::extract::SocketRef;
use tower::ServiceExt;

use super::handshakes::Connection;

/// How long a client may take to leave.
const GOODBYE: Duration = Duration::from_secs(2);
/// "I close", as a client writes it.
const CLOSE: &str = "1";

/// Ends the connection of a conversation, unless another has begun on it. `number` is the conversation's.
pub(super) async fn hang_up(service: Router, socket: SocketRef, number: u64) {
    tokio::time::sleep(GOODBYE).await;
    let Some(connection) = Connection::of(&socket.req_parts().extensions).filter(|connection| connection.is_last(number)) else { return };
    match socket.transport_type() {
        TransportType::Websocket => connection.cut(socket.id.as_str()),
        TransportType::Polling => {
            let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", socket.id);
            let Ok(request) = Request::post(path).header(CONTENT_TYPE, "text/plain;charset=UTF-8").body(Body::from(CLOSE)) else { return };
            // It may have gone in the meantime.
            let _ = service.oneshot(request).await;
        }
    }
}
