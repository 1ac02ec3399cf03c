//! `/api/stations…` and `/api/tokens…`: the stations of a plant, and what they act with.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::wats::token::check_identifier;
use crate::domain::audit::Action;
use crate::domain::{Permission, Role};
use crate::protocol::stations as wire;
use crate::server::body::{Answer, Json, PathParts};
use crate::server::bus::Happening;
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::services::audit::{self, Act};
use crate::server::services::sessions;
use crate::server::state::Line;
use crate::server::store::{StoreError, station_tokens, stations};

/// Longest name of a version, in characters.
const VERSION_MAX: usize = 100;

/// Every station that ever had a token, and how it is doing.
#[utoipa::path(
    get, path = "/api/stations", tag = "Administration", operation_id = "list_stations",
    responses((status = 200, body = [wire::Station])),
    extensions(("x-permission" = json!("view_stations"))),
)]
pub(in crate::server) async fn list(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Vec<wire::Station>>, Refusal> {
    caller.require(Permission::ViewStations)?;
    Ok(Answer(stations::list(&line.store).await?))
}

/// One station, and how it is doing.
#[utoipa::path(
    get, path = "/api/stations/{id}", tag = "Administration", operation_id = "get_station", params(("id" = String, Path)),
    responses((status = 200, body = wire::Station), (status = 404)),
    extensions(("x-permission" = json!("view_stations"))),
)]
pub(in crate::server) async fn get(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
) -> Result<Answer<wire::Station>, Refusal> {
    caller.require(Permission::ViewStations)?;
    stations::find(&line.store, &id).await?.map(Answer).ok_or_else(|| Refusal::not_found("station"))
}

/// A station tells how it is doing.
#[utoipa::path(
    put, path = "/api/stations/status", tag = "Administration", operation_id = "report_station_status", request_body = wire::StationStatus,
    responses((status = 204)),
    extensions(("x-permission" = json!("station"))),
)]
pub(in crate::server) async fn report_status(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    Json(status): Json<wire::StationStatus>,
) -> Result<StatusCode, Refusal> {
    if caller.role != Role::Station {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", "Only a station tells how it is doing."));
    }
    if status.version.chars().count() > VERSION_MAX || status.version.chars().any(char::is_control) {
        return Err(Refusal::bad_request("bad_field", "A version has at most 100 characters, none of them a control character."));
    }
    stations::note(&line.store, &caller.name, &status, &from.ip.to_string(), line.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tokens of stations, newest first, without their secret part.
#[utoipa::path(
    get, path = "/api/tokens", tag = "Administration", operation_id = "list_tokens",
    responses((status = 200, body = [wire::StationToken])),
    extensions(("x-permission" = json!("manage_tokens"))),
)]
pub(in crate::server) async fn list_tokens(
    State(line): State<Arc<Line>>,
    caller: Caller,
) -> Result<Answer<Vec<wire::StationToken>>, Refusal> {
    caller.require(Permission::ManageTokens)?;
    Ok(Answer(station_tokens::list(&line.store).await?.into_iter().map(to_wire).collect()))
}

/// Make a token for a station. It is told this once.
#[utoipa::path(
    post, path = "/api/tokens", tag = "Administration", operation_id = "issue_token", request_body = wire::NewToken,
    responses((status = 201, body = wire::IssuedToken)),
    extensions(("x-permission" = json!("manage_tokens"))),
)]
pub(in crate::server) async fn issue_token(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    Json(new): Json<wire::NewToken>,
) -> Result<Response, Refusal> {
    caller.require(Permission::ManageTokens)?;
    let identifier = check_identifier(&new.identifier)?;
    let (id, token) = sessions::enroll_station(&line, identifier, &caller.name, new.reset, from).await?;
    let row = station_tokens::list(&line.store).await?.into_iter().find(|row| row.id == id).ok_or_else(Refusal::internal)?;
    let issued = wire::IssuedToken { token: token.expose().to_owned(), row: to_wire(row) };
    let mut response = (StatusCode::CREATED, Answer(issued)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// End a token: it is refused from now on, everywhere.
#[utoipa::path(
    delete, path = "/api/tokens/{id}", tag = "Administration", operation_id = "revoke_token", params(("id" = String, Path)),
    responses((status = 204), (status = 404)),
    extensions(("x-permission" = json!("manage_tokens"))),
)]
pub(in crate::server) async fn revoke_token(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    PathParts(id): PathParts<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ManageTokens)?;
    end_token(&line, &caller, &from, &id).await
}

/// End the token that a station asks with: it signs itself out.
#[utoipa::path(
    delete, path = "/api/tokens/own", tag = "Administration", operation_id = "end_own_token",
    responses((status = 204), (status = 404)),
    extensions(("x-permission" = json!("station"))),
)]
pub(in crate::server) async fn end_own_token(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
) -> Result<StatusCode, Refusal> {
    if caller.role != Role::Station {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", "Only a station ends its own token."));
    }
    end_token(&line, &caller, &from, &caller.id).await
}

async fn end_token(line: &Line, caller: &Caller, from: &ClientAddress, id: &str) -> Result<StatusCode, Refusal> {
    let station = station_tokens::find_good(&line.store, id).await?.ok_or_else(|| Refusal::not_found("token"))?;
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    let ended = station_tokens::revoke(&mut transaction, id, now).await?;
    audit::write_in(&mut transaction, now, Act::of(caller, from, Action::TokenRevoked).to(&station)).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    for token_id in ended {
        line.bus.publish(Happening::TokenRevoked { token_id });
    }
    Ok(StatusCode::NO_CONTENT)
}

fn to_wire(row: station_tokens::StationToken) -> wire::StationToken {
    wire::StationToken {
        id: row.id,
        identifier: row.identifier,
        mask: row.mask,
        issued_by: row.issued_by,
        created_at: row.created_at,
        last_used: row.last_used,
        revoked_at: row.revoked_at,
    }
}
