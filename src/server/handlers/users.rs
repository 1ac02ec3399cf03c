//! `/api/users…`: accounts, for those who may manage them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::Permission;
use crate::domain::lockout::{ACCOUNT, Verdict};
use crate::protocol::users as wire;
use crate::server::body::{Answer, Json, PathParts, QueryParts};
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::services::accounts::{Change, Draft, Who};
use crate::server::state::Line;
use crate::server::store::users::{self, User};
use crate::server::store::{StoreError, sign_in_failures};
use crate::support::secret::Secret;

/// Longest text that is looked for, in characters.
const WORD_MAX: usize = 200;

/// Accounts by name.
#[utoipa::path(
    get, path = "/api/users", tag = "Administration", operation_id = "list_users", params(wire::UserQuery),
    responses((status = 200, body = [wire::User])),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn list(
    State(line): State<Arc<Line>>,
    caller: Caller,
    QueryParts(query): QueryParts<wire::UserQuery>,
) -> Result<Answer<Vec<wire::User>>, Refusal> {
    caller.require(Permission::ManageUsers)?;
    if query.search.chars().count() > WORD_MAX {
        return Err(Refusal::bad_request("bad_query", "The text to search for is too long."));
    }
    let limit = query.limit.unwrap_or(wire::USERS_MOST).clamp(1, wire::USERS_MOST) as i64;
    let offset = i64::try_from(query.offset.unwrap_or(0)).unwrap_or(i64::MAX);
    let found = users::list(&line.store, &query.search, limit, offset).await?;
    Ok(Answer(to_wire(&line, found).await?))
}

/// One account.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "Administration", operation_id = "get_user", params(("id" = String, Path)),
    responses((status = 200, body = wire::User), (status = 404)),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn get(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(id): PathParts<String>,
) -> Result<Answer<wire::User>, Refusal> {
    caller.require(Permission::ManageUsers)?;
    let user = {
        let mut reader = line.store.readers.acquire().await.map_err(StoreError::from)?;
        users::find_by_id(&mut reader, &id).await?.ok_or_else(|| Refusal::not_found("user"))?
    };
    one(&line, user).await
}

/// Make an account, whose address counts as verified.
#[utoipa::path(
    post, path = "/api/users", tag = "Administration", operation_id = "create_user", request_body = wire::NewUser,
    responses((status = 201, body = wire::User), (status = 409)),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn create(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    Json(new): Json<wire::NewUser>,
) -> Result<(StatusCode, Answer<wire::User>), Refusal> {
    caller.require(Permission::ManageUsers)?;
    let password = Secret::new(new.password);
    let email = new.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    let draft = Draft { name: new.username.trim(), email, role: new.role, password: &password };
    let user = line.accounts(Who::Person(&caller, from)).create(&draft).await?;
    Ok((StatusCode::CREATED, one(&line, user).await?))
}

/// Change an account: what is missing stays.
#[utoipa::path(
    patch, path = "/api/users/{id}", tag = "Administration", operation_id = "change_user", params(("id" = String, Path)),
    request_body = wire::UserChange,
    responses((status = 200, body = wire::User), (status = 404), (status = 409)),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn change(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    PathParts(id): PathParts<String>,
    Json(change): Json<wire::UserChange>,
) -> Result<Answer<wire::User>, Refusal> {
    caller.require(Permission::ManageUsers)?;
    let change = Change {
        email: change.email.map(|email| email.trim().to_owned()),
        role: change.role,
        active: change.is_active,
        verified: change.is_verified,
        password: change.password.map(Secret::new),
        version: change.version.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
    };
    let user = line.accounts(Who::Person(&caller, from)).change(&id, &change).await?;
    one(&line, user).await
}

/// Remove an account and its sessions. The stations it enrolled stay.
#[utoipa::path(
    delete, path = "/api/users/{id}", tag = "Administration", operation_id = "delete_user", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409)),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn delete(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    PathParts(id): PathParts<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ManageUsers)?;
    line.accounts(Who::Person(&caller, from)).delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget an account's failed sign-ins, and a lock that came of them.
#[utoipa::path(
    post, path = "/api/users/{id}/unlock", tag = "Administration", operation_id = "unlock_user", params(("id" = String, Path)),
    responses((status = 200, body = wire::User), (status = 404)),
    extensions(("x-permission" = json!("manage_users"))),
)]
pub(in crate::server) async fn unlock(
    State(line): State<Arc<Line>>,
    caller: Caller,
    from: ClientAddress,
    PathParts(id): PathParts<String>,
) -> Result<Answer<wire::User>, Refusal> {
    caller.require(Permission::ManageUsers)?;
    let user = line.accounts(Who::Person(&caller, from)).unlock(&id).await?;
    one(&line, user).await
}

async fn one(line: &Line, user: User) -> Result<Answer<wire::User>, Refusal> {
    to_wire(line, vec![user]).await?.pop().map(Answer).ok_or_else(Refusal::internal)
}

async fn to_wire(line: &Line, users: Vec<User>) -> Result<Vec<wire::User>, StoreError> {
    let failures = sign_in_failures::of_accounts(&line.store, users.iter().map(|user| user.id.as_str())).await?;
    let now = line.clock.now();
    let user = |user: User| {
        let history = failures.get(&sign_in_failures::account(&user.id));
        wire::User {
            id: user.id,
            username: user.name,
            email: user.email,
            role: user.role,
            is_active: user.active,
            is_verified: user.verified,
            created_at: user.created_at,
            last_login: user.last_login,
            failed_login_attempts: ACCOUNT.failures(history, now),
            locked_until: if let Verdict::LockedUntil(until) = ACCOUNT.judge(history, now) { Some(until) } else { None },
            version: user.version.unsigned_abs(),
        }
    };
    Ok(users.into_iter().map(user).collect())
}
