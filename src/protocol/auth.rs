//! Signing in to a line server: `/api/auth/…`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{Permission, Role};

/// Names the server in every answer of a line server. A WATS server does not send it.
pub const SERVER_ID_HEADER: &str = "x-andon-server";
/// The server's time in every answer, milliseconds since 1970 UTC; finer than `Date`.
pub const SERVER_TIME_HEADER: &str = "x-andon-time";

/// `POST /api/auth/login`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoginRequest {
    pub username: String,
    pub password: String,
    /// The account's role, if the caller claims one; a wrong claim is refused like a wrong password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Its answer.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoginResponse {
    pub access_token: String,
    pub refresh_token: String,
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    pub user: Caller,
}

/// `POST /api/auth/refresh`, answered as the login is: the token given here is used up, whether the answer arrives or not.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RefreshRequest {
    pub refresh_token: String,
}

/// `POST /api/auth/password`: the caller's own. It ends his other sessions. Answered 204.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PasswordChange {
    pub current_password: String,
    pub new_password: String,
}

/// One of the caller's sessions, from `GET /api/auth/sessions`, newest first. `DELETE /api/auth/sessions/{id}` ends one of his own;
/// `DELETE /api/auth/sessions` ends all of them, the caller's too. Both are answered 204.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Session {
    pub id: String,
    pub created_at: DateTime<Utc>,
    /// When its tokens were renewed last.
    pub last_used: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Where it was opened from; empty where nobody noted it.
    #[serde(default)]
    pub address: String,
    /// The program that opened it, by its own words.
    #[serde(default)]
    pub client: String,
    /// The one that this request came with.
    pub current: bool,
}

/// Stable words for programs, in [`Problem::code`], that a client tells apart.
pub mod code {
    /// 401: a refresh token came a second time; its whole family has ended.
    pub const TOKEN_REUSED: &str = "token_reused";
    /// 403: the current password of a change is wrong. It counts as a failed sign-in.
    pub const WRONG_PASSWORD: &str = "wrong_password";
    /// 400: the new password is too short, too long, or the old one.
    pub const BAD_PASSWORD: &str = "bad_password";
    /// 409: the name or the e-mail address is another account's.
    pub const USERNAME_TAKEN: &str = "username_taken";
    pub const EMAIL_TAKEN: &str = "email_taken";
    /// 409: somebody else changed the row since it was looked at.
    pub const CHANGED_MEANWHILE: &str = "changed_meanwhile";
    /// 409: it would leave nobody who may do everything.
    pub const LAST_SUPERUSER: &str = "last_superuser";
    /// 409: nobody disables, deletes or demotes himself.
    pub const OWN_ACCOUNT: &str = "own_account";
    /// 403: an account or a role that the caller's role does not reach.
    pub const ROLE_TOO_HIGH: &str = "role_too_high";
    /// 403: no mail is set up.
    pub const MAIL_NOT_SET_UP: &str = "mail_not_set_up";
}

/// Who a credential belongs to: in the login's answer and from `GET /api/auth/me`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Caller {
    pub id: String,
    pub username: String,
    pub role: Role,
    pub permissions: Vec<Permission>,
    /// Seconds without input until the session locks; `null` for a station.
    pub session_timeout: Option<u32>,
}

/// Every error body of a line server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A sentence for people.
    pub error: String,
    /// A stable word for programs.
    pub code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Sentences by field of the request's body.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub fields: std::collections::BTreeMap<String, String>,
    /// The sentence again, where clients of a WATS server look for it.
    #[serde(rename = "Message", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
