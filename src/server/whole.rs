//! What was begun is done to its end. A caller who hangs up takes his handler with him, wherever it stands: what the database has been
//! told by then is kept, and the failure would not be counted, the act not noted, the message told to nobody. So whatever may change
//! something runs in a task of its own, which a caller can stop listening to but not stop.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::error::Refusal;
use super::router::is_wats;

/// Goes on to the handler.
pub(super) async fn run(request: Request, next: Next) -> Response {
    if !may_change(&request) {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        // Answered, and noted, as every panic is.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Refusal::internal().into_response(),
    }
}

/// A WATS server's clients fetch their token with GET, and it counts wrong passwords.
fn may_change(request: &Request) -> bool {
    !request.method().is_safe() || is_wats(request.uri().path())
}
