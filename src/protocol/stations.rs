//! Stations and the tokens they act with: `/api/stations…` and `/api/tokens…`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One station, from `GET /api/stations[/{id}]`. What it never told is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Station {
    /// Its identifier: the one its tokens were issued for.
    pub id: String,
    /// Of the program, as it named itself last.
    pub version: Option<String>,
    pub last_seen: Option<DateTime<Utc>>,
    /// Where it called from last.
    #[serde(default)]
    pub address: Option<String>,
    /// Reports that wait there.
    pub queue_depth: Option<u64>,
    /// Reports that were refused and wait for a person there.
    pub failed: Option<u64>,
    pub converter_errors: Option<u64>,
    /// The server's clock minus the station's, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Tokens that it may act with now.
    #[serde(default)]
    pub tokens: u32,
}

/// One token, from `GET /api/tokens`, newest first. The token itself is never told again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StationToken {
    pub id: String,
    /// The station it was issued for.
    pub identifier: String,
    /// Its last four characters.
    pub mask: String,
    /// Who enrolled the station, by name.
    pub issued_by: String,
    pub created_at: DateTime<Utc>,
    pub last_used: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// `POST /api/tokens`: a token for a station that nobody signs in by name.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NewToken {
    pub identifier: String,
    /// Ends the station's earlier tokens.
    #[serde(default)]
    pub reset: bool,
}

/// Its answer, 201: the only time the token is told.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    pub token: String,
    #[serde(flatten)]
    pub row: StationToken,
}

/// `PUT /api/stations/status`, with a station's token: how it is doing. Answered 204.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StationStatus {
    pub version: String,
    pub queue_depth: u64,
    pub failed: u64,
    pub converter_errors: u64,
    pub clock_offset_ms: Option<i64>,
}
