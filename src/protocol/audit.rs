//! Who did what: `GET /api/audit`, and what stations tell of it: `POST /api/audit/offline`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// `user.unlocked`, `token.issued`, `token.revoked`, … What a station told of later begins with `offline.`.
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
    /// The station that told of it later, because this server was gone when it happened; else absent, as is the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// When it happened, by the station's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened_at: Option<DateTime<Utc>>,
}

/// Most entries of one [`OfflineActs`].
pub const OFFLINE_MOST: usize = 100;

/// `POST /api/audit/offline`, with a station's token: what people did there while the server was gone. Answered [`OfflineActsTaken`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OfflineActs {
    /// At most [`OFFLINE_MOST`], in the order they happened.
    pub entries: Vec<OfflineAct>,
}

/// One act. What is told twice under one id is kept once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OfflineAct {
    #[cfg_attr(feature = "server", schema(value_type = String, format = "uuid"))]
    pub id: Uuid,
    /// When, by the station's clock.
    pub at: DateTime<Utc>,
    /// The name of whoever did it, or `(unknown name)`.
    pub user: String,
    /// Small letters, `_` and dots, 40 at most: `login`. The log has it as `offline.login`.
    pub action: String,
    /// What it was done to; empty where that is nothing else.
    #[serde(default)]
    pub target: String,
    /// `ok`, or the code of the refusal.
    pub result: String,
}

/// All entries but the refused ones are in the log now, or were before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OfflineActsTaken {
    /// Entries that can never be taken as they are.
    pub refused: Vec<RefusedAct>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RefusedAct {
    #[cfg_attr(feature = "server", schema(value_type = String, format = "uuid"))]
    pub id: Uuid,
    /// The field that is not as it must be: `at`, `user`, `action`, `target` or `result`.
    pub field: String,
}
