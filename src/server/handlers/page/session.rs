//! `/api/page/…`: the same sessions as everybody's, but their tokens stay in cookies that no script can read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::audit::Action;
use crate::protocol::auth::LoginResponse;
use crate::protocol::page;
use crate::server::body::{Answer, Json};
use crate::server::caller::{self, Caller};
use crate::server::client_address::ClientAddress;
use crate::server::config::Signup;
use crate::server::cookies;
use crate::server::error::Refusal;
use crate::server::services::audit::Act;
use crate::server::services::sessions::{self, Origin};
use crate::server::services::sign_in;
use crate::server::state::Line;
use crate::support::secret::Secret;

/// Who looks at the page, and what it offers him.
#[utoipa::path(
    get, path = "/api/page/session", tag = "Page", operation_id = "page_session",
    responses((status = 200, body = page::PageSession)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn look(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    headers: HeaderMap,
) -> Result<Answer<page::PageSession>, Refusal> {
    let caller = caller::of_cookies(&line, &headers, line.is_secure(from)).await?;
    Ok(Answer(page::PageSession {
        user: caller.map(|caller| caller.to_wire()),
        public_board: line.config.public_board,
        signup: if line.mailer.is_set_up() { line.config.signup } else { Signup::Closed }.as_str().to_owned(),
        server_time: line.clock.now(),
    }))
}

/// Sign in on the page: the tokens come as cookies, and the body says who it is.
#[utoipa::path(
    post, path = "/api/page/login", tag = "Page", operation_id = "page_login", request_body = page::PageLogin,
    responses((status = 200, body = crate::protocol::auth::Caller), (status = 401), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn login(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    headers: HeaderMap,
    Json(request): Json<page::PageLogin>,
) -> Result<Response, Refusal> {
    let secure = line.is_secure(from);
    cookies::check_origin(&headers, secure)?;
    let password = Secret::new(request.password);
    let user = sign_in::check(&line, &request.username, &password, None, from).await?;
    // Whoever was signed in here before is not any more.
    end_session(&line, &headers, from).await?;
    let session = sessions::open(&line, &user, &Origin::new(from, &headers)).await?;
    Ok(with_session(secure, session))
}

/// Renew the page's session: the new tokens come as cookies, and the old refresh token is used up.
#[utoipa::path(
    post, path = "/api/page/refresh", tag = "Page", operation_id = "page_refresh",
    responses((status = 200, body = crate::protocol::auth::Caller), (status = 401), (status = 403)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn refresh(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let secure = line.is_secure(from);
    let (Some(access), Some(token)) = (cookies::access(&headers, secure), cookies::refresh(&headers, secure)) else {
        return Err(Refusal::unauthorized("Nobody is signed in on this page."));
    };
    cookies::check_change(&headers, secure, &access)?;
    let refusal = match sessions::refresh(&line, &token, from).await {
        Ok(session) => return Ok(with_session(secure, session)),
        Err(refusal) => refusal,
    };
    let is_over = refusal.status == StatusCode::UNAUTHORIZED;
    let mut response = refusal.into_response();
    if is_over {
        cookies::clear(response.headers_mut(), secure);
    }
    Ok(response)
}

/// Sign out on the page: the session ends on every server, and the browser forgets it.
#[utoipa::path(
    post, path = "/api/page/logout", tag = "Page", operation_id = "page_logout",
    responses((status = 200, body = Object), (status = 403)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn logout(State(line): State<Arc<Line>>, from: ClientAddress, headers: HeaderMap) -> Result<Response, Refusal> {
    let secure = line.is_secure(from);
    // Another site's page sends no cookies of ours, and shall not have them cleared either.
    cookies::check_origin(&headers, secure)?;
    if let Some(token) = cookies::access(&headers, secure) {
        cookies::check_change(&headers, secure, &token)?;
        end_session(&line, &headers, from).await?;
    }
    let mut response = (StatusCode::OK, Answer(json!({ "message": "Logged out successfully" }))).into_response();
    cookies::clear(response.headers_mut(), secure);
    Ok(response)
}

async fn end_session(line: &Line, headers: &HeaderMap, from: ClientAddress) -> Result<(), Refusal> {
    let caller = match caller::of_cookies(line, headers, line.is_secure(from)).await? {
        Some(caller) => Some(caller),
        None => by_refresh_token(line, headers, from).await?,
    };
    if let Some((caller, session_id)) = caller.and_then(|caller| Some((caller.clone(), caller.session_id?))) {
        sessions::end(line, &session_id, Act::of(&caller, &from, Action::Logout)).await?;
    }
    Ok(())
}

/// Whose session it is though its access token has run out: whoever leaves after a pause shall have left.
async fn by_refresh_token(line: &Line, headers: &HeaderMap, from: ClientAddress) -> Result<Option<Caller>, Refusal> {
    let Some(token) = cookies::refresh(headers, line.is_secure(from)) else { return Ok(None) };
    match sessions::refresh(line, &token, from).await {
        Ok(renewed) => Ok(caller::by_access_token(line, &renewed.access_token).await?.map(|(caller, _)| caller)),
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn with_session(secure: bool, session: LoginResponse) -> Response {
    let mut response = Answer(&session.user).into_response();
    cookies::set(response.headers_mut(), secure, &session);
    response
}
