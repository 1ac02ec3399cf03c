//! `/api/openapi.json` and the two pages that people read it with. Everything they load comes from this server, and no script
//! stands in a page.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

use crate::server::body::PathParts;
use crate::server::error::Refusal;
use crate::server::openapi;

/// What the pages may do. Both write styles into themselves; Redoc searches in a worker of its own making.
const RULES: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                     connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Files of the pages: name, type, and the bytes, compressed where the name ends so.
const FILES: &[(&str, &str, &[u8])] = &[
    ("docs.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/readers/docs.js")),
    ("redoc-start.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/readers/redoc-start.js")),
];
/// The same, compressed.
const COMPRESSED: &[(&str, &str, &[u8])] = &[
    ("swagger-ui.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/readers/swagger-ui.js.gz")),
    ("swagger-ui.css", "text/css; charset=utf-8", include_bytes!("../../../assets/readers/swagger-ui.css.gz")),
    ("redoc.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/readers/redoc.js.gz")),
    ("licences.txt", "text/plain; charset=utf-8", include_bytes!("../../../assets/readers/licences.txt.gz")),
];

/// This document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "Interface",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::text()).into_response()
}

/// A page to read this document and to try what it says.
#[utoipa::path(
    get, path = "/api/docs", tag = "Interface",
    responses((status = 200, body = String, content_type = "text/html")),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn docs() -> Response {
    page(include_str!("../../../assets/readers/docs.html"))
}

/// A page to read this document.
#[utoipa::path(
    get, path = "/api/redoc", tag = "Interface",
    responses((status = 200, body = String, content_type = "text/html")),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn redoc() -> Response {
    page(include_str!("../../../assets/readers/redoc.html"))
}

/// What the two pages load; `licences.txt` says whose work it is.
#[utoipa::path(
    get, path = "/api/readers/{file}", tag = "Interface", params(("file" = String, Path)),
    responses(
        (status = 200, content(("text/javascript"), ("text/css"), ("text/plain"))),
        (status = 404),
    ),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn reader_file(PathParts(file): PathParts<String>) -> Result<Response, Refusal> {
    let find = |files: &[(&'static str, &'static str, &'static [u8])]| files.iter().find(|(name, ..)| *name == file).copied();
    if let Some((_, kind, bytes)) = find(COMPRESSED) {
        return Ok((headers(kind), [(header::CONTENT_ENCODING, "gzip")], bytes).into_response());
    }
    let (_, kind, bytes) = find(FILES).ok_or_else(|| Refusal::not_found("file"))?;
    Ok((headers(kind), bytes).into_response())
}

/// A browser may keep a file for an hour: the next version of the server may bring another.
fn headers(kind: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")]
}

fn page(html: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, RULES),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, html).into_response()
}
