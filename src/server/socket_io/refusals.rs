//! What is refused before there is a connection: with the status and in the sentences of the original's library, each a JSON string,
//! because its clients show them. The library under us has words of its own, or none.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const OTHER_VERSION: &str = "The client is using an unsupported version of the Socket.IO or Engine.IO protocols";
const NO_TRANSPORT: &str = "Invalid transport";
const ANYTHING_ELSE: &str = "Bad Request";
/// How the library under us begins its answer to a session that it does not have.
const NO_SESSION: &[u8] = b"{\"code\":\"1\"";
/// Longest body of a refusal of the library, in bytes.
const REFUSAL_MAX: usize = 1024;

/// What a client asks for in the query.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    version: Option<String>,
    transport: Option<String>,
    session: Option<String>,
}

impl Asked {
    fn of(uri: &Uri) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let field = match &*name {
                "EIO" => &mut asked.version,
                "transport" => &mut asked.transport,
                "sid" => &mut asked.session,
                _ => continue,
            };
            field.get_or_insert_with(|| value.into_owned());
        }
        asked
    }

    /// Why this cannot be a client of ours, in the order in which the original looks.
    fn wrong(&self) -> Option<&'static str> {
        if self.transport.as_deref().is_some_and(|transport| !["polling", "websocket"].contains(&transport)) {
            return Some(NO_TRANSPORT);
        }
        (self.session.is_none() && self.version.as_deref() != Some("4")).then_some(OTHER_VERSION)
    }
}

/// Wraps every request under `/socket.io/`.
pub(super) async fn in_words(request: Request, next: Next) -> Response {
    let asked = Asked::of(request.uri());
    if let Some(wrong) = asked.wrong() {
        return refuse(wrong);
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::BAD_REQUEST {
        return response;
    }
    let theirs = to_bytes(response.into_body(), REFUSAL_MAX).await.unwrap_or_default();
    match asked.session {
        Some(session) if theirs.starts_with(NO_SESSION) => refuse(&format!("Invalid session {session}")),
        _ => refuse(ANYTHING_ELSE),
    }
}

fn refuse(sentence: &str) -> Response {
    let body = Body::from(serde_json::Value::from(sentence).to_string());
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(query: &str) -> Option<&'static str> {
        Asked::of(&format!("/socket.io/{query}").parse().unwrap()).wrong()
    }

    #[test]
    fn version_and_transport_are_looked_at_as_the_original_does() {
        for other in ["", "?transport=polling", "?EIO=3&transport=polling", "?EIO=&transport=websocket", "?EIO=44&transport=polling"] {
            assert_eq!(wrong(other), Some(OTHER_VERSION), "{other}");
        }
        for other in ["?EIO=4&transport=carrier-pigeon", "?EIO=3&transport=x", "?EIO=4&transport="] {
            assert_eq!(wrong(other), Some(NO_TRANSPORT), "{other}");
        }
        for good in
            ["?EIO=4&transport=polling", "?transport=websocket&EIO=4", "?EIO=4&transport=polling&sid=nope", "?t%72ansport=polling&EIO=4"]
        {
            assert_eq!(wrong(good), None, "{good}");
        }
    }
}
