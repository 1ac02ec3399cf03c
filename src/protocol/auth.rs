//! Signing in to a line server: `/api/auth/…`.

use serde::{Deserialize, Serialize};

use crate::domain::{Permission, Role};

/// Names the server in every answer of a line server. A WATS server does not send it.
pub const SERVER_ID_HEADER: &str = "x-andon-server";
/// The server's time in every answer, milliseconds since 1970 UTC; finer than `Date`.
pub const SERVER_TIME_HEADER: &str = "x-andon-time";

/// `POST /api/auth/login`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoginRequest {
    pub username: String,
    pub password: String,
    /// The account's role, if the caller claims one; a wrong claim is refused like a wrong password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoginResponse {
    pub access_token: String,
    pub refresh_token: String,
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    pub user: Caller,
}

/// Who a credential belongs to: in the login's answer and from `GET /api/auth/me`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
