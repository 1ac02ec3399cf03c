//! Every route on one page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Refusal;
use super::guard::{self, Guard};
use super::handlers::{api, audit, auth, chat, health, page, signup, stations, users, wats};
use super::headers;
use super::live;
use super::socket_io;
use super::state::Line;

/// Every route of the server. What is not here does not exist, and what is here is in the OpenAPI document;
/// `/socket.io/` alone, which is no such interface, is added in [`build`].
pub(super) fn routes() -> OpenApiRouter<Arc<Line>> {
    OpenApiRouter::default()
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::open_station_session))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(auth::change_password))
        .routes(routes!(auth::list_sessions, auth::end_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::change, users::delete))
        .routes(routes!(users::unlock))
        .routes(routes!(stations::list_tokens, stations::issue_token))
        .routes(routes!(stations::end_own_token))
        .routes(routes!(stations::revoke_token))
        .routes(routes!(stations::list))
        .routes(routes!(stations::report_status))
        .routes(routes!(stations::get))
        .routes(routes!(audit::list))
        .routes(routes!(audit::tell_offline))
        .routes(routes!(signup::request_reset))
        .routes(routes!(signup::confirm_reset))
        .routes(routes!(signup::sign_up))
        .routes(routes!(signup::verify_email))
        .routes(routes!(signup::resend_verification))
        .routes(routes!(signup::login))
        .routes(routes!(signup::health))
        .routes(routes!(signup::status))
        .routes(routes!(page::session::look))
        .routes(routes!(page::session::login))
        .routes(routes!(page::session::refresh))
        .routes(routes!(page::session::logout))
        .routes(routes!(page::board::board))
        .merge(page_files())
        .routes(routes!(live::open))
        .routes(routes!(health::overview))
        .routes(routes!(health::detailed))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(api::document))
        .routes(routes!(chat::rooms))
        .routes(routes!(chat::presence))
        .routes(routes!(chat::messages, chat::say))
        .routes(routes!(chat::mark_read))
        .routes(routes!(api::docs))
        .routes(routes!(api::redoc))
        .routes(routes!(api::reader_file))
        .merge(wats_routes())
}

/// The WATS group. Its clients write these addresses in upper and lower case as they like.
fn wats_routes() -> OpenApiRouter<Arc<Line>> {
    OpenApiRouter::default()
        .routes(routes!(wats::token::get_default))
        .routes(routes!(wats::token::get))
        .routes(routes!(wats::app::version))
        .routes(routes!(wats::app::list_processes))
        .routes(routes!(wats::yields::dynamic))
        .routes(routes!(wats::yields::get_top_failed, wats::yields::top_failed))
        .routes(routes!(wats::app::info))
        .routes(routes!(wats::report::submit))
        .routes(routes!(wats::report::source))
        .routes(routes!(wats::report::list))
}

/// All routes and the layers around them.
pub(super) fn build(line: Arc<Line>) -> Router {
    let guard = Arc::new(Guard::new(line.clone()));
    let router: Router<Arc<Line>> = routes().into();
    let router = router.layer(axum::middleware::from_fn_with_state(guard, guard::ask));
    wrap(router.merge(socket_io::routes(line.clone())), line)
}

/// The page and its files: the only answers that are compressed, for they hold nothing secret.
fn page_files() -> OpenApiRouter<Arc<Line>> {
    let files = OpenApiRouter::default().routes(routes!(page::assets::page)).routes(routes!(page::assets::file));
    files.layer(CompressionLayer::new())
}

/// Whatever happens inside is answered in our shape.
fn wrap(router: Router<Arc<Line>>, line: Arc<Line>) -> Router {
    router
        .fallback(async || Refusal::of_status(StatusCode::NOT_FOUND).into_response())
        .method_not_allowed_fallback(async || Refusal::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response())
        .layer(CatchPanicLayer::custom(headers::panicked))
        .layer(tower::util::option_layer(cross_origin(&line.config.cors_origins)))
        .layer(axum::middleware::from_fn_with_state(Arc::new(headers::Server::new(line.clone())), headers::finish))
        .with_state(line)
}

/// Pages of the origins set may call with a token of their own; cookies are for our own page alone.
fn cross_origin(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().filter_map(|origin| origin.parse().ok());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
            .max_age(Duration::from_secs(600)),
    )
}

/// The addresses of the WATS group, as they are routed.
pub(super) fn wats_paths() -> Vec<String> {
    wats_routes().into_openapi().paths.paths.into_keys().collect()
}

/// Whether a path belongs to the WATS group, known or not.
pub(super) fn is_wats(path: &str) -> bool {
    const GROUPS: &[&str] =
        &["/api/app/", "/api/report/", "/api/production/", "/api/software/", "/api/product/", "/api/asset/", "/api/auth/gettoken"];
    GROUPS.iter().any(|group| path.get(..group.len()).is_some_and(|start| start.eq_ignore_ascii_case(group)))
}

/// Gives an address of the WATS group the letters it is routed by; what a caller fills in stays as it is.
pub(super) fn normalise(paths: &[String], mut request: Request) -> Request {
    if !is_wats(request.uri().path()) {
        return request;
    }
    if let Some(path) = paths.iter().find_map(|known| matching(known, request.uri().path())) {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("{path}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

fn matching(known: &str, path: &str) -> Option<String> {
    let (expected, given): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), path.split('/').collect());
    if expected.len() != given.len() {
        return None;
    }
    let pairs = expected.into_iter().zip(given);
    let segments = pairs.map(|(expected, given)| match expected {
        _ if expected.starts_with('{') => Some(given),
        _ if expected.eq_ignore_ascii_case(given) => Some(expected),
        _ => None,
    });
    Some(segments.collect::<Option<Vec<&str>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_an_address_do_not_matter_and_those_of_a_name_do() {
        assert_eq!(matching("/api/Auth/GetToken/{identifier}", "/API/auth/gettoken/Line-A").as_deref(), Some("/api/Auth/GetToken/Line-A"));
        assert_eq!(matching("/api/App/Version", "/api/app/versions"), None);
        assert_eq!(matching("/api/App/Version", "/api/app"), None);
    }

    #[test]
    fn no_route_is_added_past_the_document() {
        let sources = [include_str!("router.rs"), include_str!("running.rs")];
        for past in [[".rou", "te(\""].concat(), [".nest", "_service("].concat(), [".route", "_service("].concat()] {
            let found: Vec<&str> = sources.iter().flat_map(|text| text.lines()).filter(|line| line.contains(&past)).collect();
            // The one in the test below.
            assert!(
                found.iter().all(|line| line.contains("/api/App/Broken")),
                "add it with routes!(…), so that it is documented: {found:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_json_and_the_next_request_is_served() {
        use crate::server::{Config, running};
        use axum::routing::get;
        use tower::ServiceExt;
        let folder = tempfile::tempdir().unwrap();
        let config = Config { password_cost: 4, ..Config::in_folder(folder.path()) };
        let stop = tokio_util::sync::CancellationToken::new();
        let (line, _writing) = running::open_line(config, crate::support::clock::Clock::system(), stop).await.unwrap();
        let broken = async || -> &'static str { panic!("on purpose") };
        let router = wrap(Router::new().route("/api/App/Broken", get(broken)).route("/good", get(async || "good")), Arc::new(line));
        let ask = async |path: &str| router.clone().oneshot(Request::get(path).body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let answer = ask("/api/App/Broken").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((body["code"].as_str(), body["request_id"].as_str()), (Some("internal"), Some(id.as_str())));
        assert!(body["Message"].is_string() && !body.to_string().contains("on purpose"), "{body}");
        assert_eq!(ask("/good").await.status(), StatusCode::OK);
    }
}
