//! Refusals: what a handler answers instead of what was asked for. The outermost layer writes them as JSON, see `headers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::passwords::PasswordError;
use super::store::StoreError;
use crate::domain::Permission;

/// A status, a stable word for programs, and a sentence for people.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) sentence: String,
    /// Sentences by field of the body.
    pub(super) fields: BTreeMap<String, String>,
    /// Seconds until another try is welcome.
    pub(super) retry_after: Option<u64>,
}

/// The refusal of a response on its way out.
#[derive(Clone)]
pub(super) struct Refused(pub(super) Arc<Refusal>);

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Refusal {
        Refusal { status, code, sentence: sentence.into(), fields: BTreeMap::new(), retry_after: None }
    }

    pub(super) fn bad_request(code: &'static str, sentence: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, sentence)
    }

    pub(super) fn unauthorized(sentence: &str) -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", sentence)
    }

    pub(super) fn invalid_credentials() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "invalid_credentials", "The user name, password or role is wrong.")
    }

    /// The same for everybody, known or not.
    pub(super) fn locked(seconds: u64) -> Refusal {
        let left = match (seconds / 60, seconds % 60) {
            (0, seconds) => format!("{seconds} s"),
            (minutes, 0) => format!("{minutes} min"),
            (minutes, seconds) => format!("{minutes} min {seconds} s"),
        };
        let sentence = format!("Too many failed sign-ins. You can try again in {left}.");
        Refusal { retry_after: Some(seconds), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "locked", sentence) }
    }

    pub(super) fn forbidden(permission: Permission) -> Refusal {
        let name = serde_json::to_value(permission).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default();
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", format!("This needs the permission {name}, which your role does not have."))
    }

    pub(super) fn not_found(what: &str) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    pub(super) fn too_large(limit_bytes: usize) -> Refusal {
        let sentence = format!("The body is too large: at most {} MiB are taken here.", limit_bytes / (1024 * 1024));
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", sentence)
    }

    pub(super) fn internal() -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong inside the server. It has been logged.")
    }

    pub(super) fn busy(sentence: &str) -> Refusal {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
        Refusal { retry_after: Some(1), ..refusal }
    }

    /// PostgreSQL cannot keep the character NUL, and no text of people holds one.
    pub(super) fn nul() -> Refusal {
        Refusal::bad_request("bad_text", "A text holds the character NUL (U+0000), which cannot be kept. Remove it.")
    }

    /// For an answer with this status that nobody gave words to.
    pub(super) fn of_status(status: StatusCode) -> Refusal {
        let (code, sentence) = match status {
            StatusCode::NOT_FOUND => ("not_found", "There is nothing at this address."),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "This address does not take this method."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "Send JSON, with the content type application/json."),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is too large."),
            status if status.is_server_error() => ("internal", "Something went wrong inside the server. It has been logged."),
            _ => ("bad_request", "The request cannot be understood."),
        };
        Refusal::new(status, code, sentence)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert("www-authenticate", axum::http::HeaderValue::from_static("Bearer realm=\"andon\""));
        }
        response.extensions_mut().insert(Refused(Arc::new(self)));
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        // Wherever it slipped in.
        if error.is_nul() {
            return Refusal::nul();
        }
        tracing::error!("{error}");
        let refusal =
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "The server's database cannot be used at the moment.");
        Refusal { retry_after: Some(5), ..refusal }
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Refusal {
        match error {
            PasswordError::Busy => Refusal::busy("Too many people are signing in at once. Try again in a moment."),
            PasswordError::Failed(why) => {
                tracing::error!("bcrypt failed: {why}");
                Refusal::internal()
            }
        }
    }
}

impl From<super::random::NoRandom> for Refusal {
    fn from(error: super::random::NoRandom) -> Refusal {
        tracing::error!("{error}");
        Refusal::internal()
    }
}
