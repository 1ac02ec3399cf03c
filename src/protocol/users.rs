//! Accounts, as administrators see and change them: `/api/users…`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::Role;

/// Most rows of one answer to `GET /api/users`, and how many it has where nobody asks for another number.
pub const USERS_MOST: usize = 1000;

/// `GET /api/users?search=&limit=&offset=`, answered by name: a list of [`User`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct UserQuery {
    /// Part of a name or of an e-mail address, without regard to case; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// At most [`USERS_MOST`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
}

/// One account, from `GET /api/users[/{id}]` and after every change of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct User {
    pub id: String,
    pub username: String,
    pub email: Option<String>,
    pub role: Role,
    pub is_active: bool,
    pub is_verified: bool,
    pub created_at: DateTime<Utc>,
    pub last_login: Option<DateTime<Utc>>,
    pub failed_login_attempts: u32,
    /// `null` where the account is not locked now.
    pub locked_until: Option<DateTime<Utc>>,
    /// Grows with every change that an administrator makes; see [`UserChange::version`].
    #[serde(default)]
    pub version: u64,
}

/// `POST /api/users`: a verified account. Answered 201 with the [`User`].
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NewUser {
    pub username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub role: Role,
    pub password: String,
}

/// `PATCH /api/users/{id}`: what is missing stays. Answered with the [`User`].
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct UserChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// False ends the account's sessions at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_verified: Option<bool>,
    /// A new password by an administrator; it ends the account's sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The version that was looked at: another one by now is refused with 409 [`code::CHANGED_MEANWHILE`](super::auth::code).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}
