//! GET `/api/ws`: the live socket, version 2. One task a socket owns it, reads and writes it, and holds nothing of the database.

mod follow;
mod session;
mod socket;

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use self::socket::Socket;
use super::error::Refusal;
use super::state::Line;
use crate::protocol::live::FRAME_LIMIT;

/// What is read of a frame at most, so that one that is a little too large is refused in good order and not cut off.
const READ_LIMIT: usize = 4 * FRAME_LIMIT;

/// The live socket: a WebSocket whose first frame is `auth` with an access token.
#[utoipa::path(
    get, path = "/api/ws", tag = "Live", operation_id = "live_socket",
    responses((status = 101, description = "Frames from here on."), (status = 400), (status = 426)),
    extensions(("x-permission" = json!("-"))),
)]
pub(super) async fn open(
    State(line): State<Arc<Line>>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let in_query = uri.query().is_some_and(|query| query.split('&').any(|part| part.starts_with("token=")));
    if in_query || headers.contains_key(AUTHORIZATION) {
        tracing::warn!("a client of an old live socket sends its token in the request: it must speak version 2");
        metrics::counter!("websocket_auth_total", "result" => "old_version").increment(1);
        let sentence = "This is version 2 of the live socket: send the token in the first frame, type auth, and nowhere else.";
        return Err(Refusal::bad_request("old_version", sentence));
    }
    let unusable = |_| Refusal::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "This address is a WebSocket: ask for an upgrade.");
    let upgrade = upgrade.map_err(unusable)?.max_message_size(READ_LIMIT).max_frame_size(READ_LIMIT);
    Ok(upgrade.on_upgrade(async |stream| Socket::serve(line, stream).await))
}
