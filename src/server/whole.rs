//! What was begun is done to its end. A caller who hangs up takes his handler with him, wherever it stands: what the database has been
//! told by then is kept, and the failure would not be counted, the act not noted, the message told to nobody. So whatever may change
//! something runs in a task of its own, which a caller can stop listening to but not stop. It keeps his connection's place, so that there
//! are no more of them than places, and the server waits for them before it ends.

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::client_address::Peer;
use super::error::Refusal;
use super::state::Line;

/// Goes on to the handler.
pub(super) async fn run(line: &Line, request: Request, next: Next) -> Response {
    if !may_change(&request) {
        return next.run(request).await;
    }
    let place = request.extensions().get::<ConnectInfo<Peer>>().and_then(|info| info.0.place.clone());
    let handler = async move {
        let response = next.run(request).await;
        drop(place);
        response
    };
    match line.begun.spawn(handler.in_current_span()).await {
        Ok(response) => response,
        // Answered, and noted, as every panic is.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Refusal::internal().into_response(),
    }
}

/// A WATS server's clients fetch their token with GET, and it counts wrong passwords.
fn may_change(request: &Request) -> bool {
    const TOKEN: &str = "/api/auth/gettoken";
    !request.method().is_safe() || request.uri().path().get(..TOKEN.len()).is_some_and(|start| start.eq_ignore_ascii_case(TOKEN))
}
