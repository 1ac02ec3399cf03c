//! `GET /api/Auth/GetToken[/{identifier}]`: a user's name and password become a station's token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::domain::Permission;
use crate::server::body::{Answer, PathParts, QueryParts};
use crate::server::caller::basic_password;
use crate::server::client_address::ClientAddress;
use crate::server::config::StationEnrollment;
use crate::server::error::Refusal;
use crate::server::services::{sessions, sign_in};
use crate::server::state::Line;

/// Longest name of a station, in characters.
const IDENTIFIER_MAX_CHARS: usize = 100;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::server) struct Options {
    /// End the tokens that the station has.
    #[serde(default)]
    reset: bool,
}

/// A token for a station named after the user.
#[utoipa::path(
    get, path = "/api/Auth/GetToken", tag = "WATS", params(Options),
    responses((status = 200, body = String), (status = 429)),
    security(("password" = [])),
    extensions(("x-permission" = json!("enroll_stations"))),
)]
pub(in crate::server) async fn get_default(
    line: State<Arc<Line>>,
    query: QueryParts<Options>,
    from: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    issue(&line, None, query.0.reset, from, &headers).await
}

/// A token for a station with a name of its own.
#[utoipa::path(
    get, path = "/api/Auth/GetToken/{identifier}", tag = "WATS", params(("identifier" = String, Path), Options),
    responses((status = 200, body = String), (status = 429)),
    security(("password" = [])),
    extensions(("x-permission" = json!("enroll_stations"))),
)]
pub(in crate::server) async fn get(
    line: State<Arc<Line>>,
    PathParts(identifier): PathParts<String>,
    query: QueryParts<Options>,
    from: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    issue(&line, Some(identifier), query.0.reset, from, &headers).await
}

async fn issue(
    line: &Line,
    identifier: Option<String>,
    reset: bool,
    from: ClientAddress,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (name, password) = basic_password(headers).ok_or_else(Refusal::invalid_credentials)?;
    let user = sign_in::check(line, &name, &password, None, from).await?;
    for permission in needed(line.config.station_enrollment) {
        if !user.role.may(*permission) {
            return Err(Refusal::forbidden(*permission));
        }
    }
    let identifier = identifier.unwrap_or_else(|| user.name.clone());
    let (_, token) = sessions::enroll_station(line, check_identifier(&identifier)?, &user.name, reset, from).await?;
    let mut response = Answer(token.expose()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A station's name without the space around it.
pub(in crate::server) fn check_identifier(identifier: &str) -> Result<&str, Refusal> {
    let identifier = identifier.trim();
    if identifier.is_empty() || identifier.chars().count() > IDENTIFIER_MAX_CHARS || identifier.chars().any(char::is_control) {
        return Err(Refusal::bad_request("bad_identifier", "A station's name has 1 to 100 characters, none of them a control character."));
    }
    Ok(identifier)
}

fn needed(enrollment: StationEnrollment) -> &'static [Permission] {
    match enrollment {
        StationEnrollment::AnyUser => &[Permission::EnrollStations],
        StationEnrollment::Admins => &[Permission::EnrollStations, Permission::ManageTokens],
    }
}
