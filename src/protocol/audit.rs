//! Who did what: `GET /api/audit`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Most entries of one answer in JSON, and how many it has where nobody asks for another number. CSV is not bounded.
pub const AUDIT_MOST: usize = 1000;

/// `GET /api/audit?from&to&user&action&search&limit&before&format=json|csv`, answered newest first: a list of [`Entry`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct AuditQuery {
    /// From here on, and until before there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Whoever did it, by name without regard to case.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// An action, or the first words of several: `user` finds `user.created`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Part of a name, a target or an address, without regard to case.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// At most [`AUDIT_MOST`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only entries older than the one with this id: the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// `json` or `csv`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
}

/// One entry. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Ids grow with time.
    pub id: String,
    pub timestamp: DateTime<Utc>,
    /// The name of whoever did it; of a failed sign-in the account's, or `(unknown name)`, for what was
    /// typed may be a password; `system` for the server itself.
    pub user: String,
    /// A stable word: `login`, `logout`, `session.ended`, `password.changed`, `user.created`, `user.changed`, `user.deleted`,
    /// `user.unlocked`, `token.issued`, `token.revoked`, …
    pub action: String,
    /// The name of what it was done to; empty where that is nobody else.
    pub target: String,
    /// The address it came from; empty for a command at the server itself.
    pub address: String,
    /// `ok`, or the code of the refusal.
    pub result: String,
    /// What changed: `role OPERATOR → ADMIN`.
    #[serde(default)]
    pub detail: String,
}
