//! The page's files. Their address holds a hash of all of them, so a browser keeps them for ever and never mixes two versions.

use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::body::PathParts;
use crate::server::error::Refusal;
use crate::server::handlers::wats::freshness;
use crate::server::random::digest;

/// What the page may load and do: its own files, its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

struct Asset {
    name: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { name: $name, text: include_str!(concat!("../../../../assets/web/", $name)) }),*]
    };
}

const PAGE: &str = include_str!("../../../../assets/web/index.html");
const ASSETS: &[Asset] = assets![
    "api.js",
    "board.js",
    "chat.js",
    "dom.js",
    "forms.js",
    "icon.svg",
    "page.css",
    "page.js",
    "session.js",
    "socket.io.LICENSE",
    "socket.io.esm.min.js",
    "tabs.js",
];

impl Asset {
    fn kind(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// The web page for people.
#[utoipa::path(
    get, path = "/", tag = "Page", operation_id = "page",
    responses((status = 200, body = String, content_type = "text/html"), (status = 304, description = "Unchanged.")),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn page(headers: HeaderMap) -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| PAGE.replace("{version}", version()));
    let tag = format!("\"{}\"", version());
    let mut response = freshness::unchanged(&headers, &tag).unwrap_or_else(|| {
        let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        freshness::with_tag((kind, text.as_str()).into_response(), &tag)
    });
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// A file of the page.
#[utoipa::path(
    get, path = "/web/{version}/{name}", tag = "Page", operation_id = "page_file",
    params(("version" = String, Path), ("name" = String, Path)),
    responses(
        (status = 200, content(("text/javascript"), ("text/css"), ("image/svg+xml"), ("text/plain"))),
        (status = 304, description = "Unchanged."),
        (status = 404),
    ),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn file(
    PathParts((asked, name)): PathParts<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Refusal::of_status(StatusCode::NOT_FOUND))?;
    let tag = format!("\"{}\"", version());
    let mut response = freshness::unchanged(&headers, &tag)
        .unwrap_or_else(|| freshness::with_tag(([(header::CONTENT_TYPE, asset.kind())], asset.text).into_response(), &tag));
    // A page of another version asks only while the server is being exchanged.
    if asked == version() {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    Ok(response)
}

/// A hash of all files.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let all: String = ASSETS.iter().map(|asset| asset.text).chain([PAGE]).collect();
        digest(&all)[..16].to_owned()
    })
}
