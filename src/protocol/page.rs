//! What the web page and its server say to each other, beyond what every client says: `/api/page/…`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::auth::Caller;

/// Who looks at the page, and what the page offers. Tokens are never in it: they live in cookies that scripts cannot read.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PageSession {
    /// `null` for who is not signed in.
    pub user: Option<Caller>,
    /// Whether the board is shown without signing in.
    pub public_board: bool,
    /// `closed`, `approval` or `open`; closed as well where no mail can be sent.
    pub signup: String,
    pub server_time: DateTime<Utc>,
}

/// Signing in on the page.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PageLogin {
    pub username: String,
    pub password: String,
}

/// The line at a glance.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Board {
    pub since: DateTime<Utc>,
    pub as_of: DateTime<Utc>,
    /// First pass yield to reach, 0 to 1.
    pub target: Option<f64>,
    /// Fewest units that are judged.
    pub min_units: u64,
    pub processes: Vec<BoardProcess>,
    /// The newest first.
    pub reports: Vec<BoardReport>,
}

/// How a process has done since then. Ratios are 0 to 1.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BoardProcess {
    pub code: i64,
    pub name: String,
    pub units: u64,
    pub first_pass: u64,
    pub fpy: Option<f64>,
    /// The first pass yield lies between these with 95 % certainty.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub last_pass_yield: Option<f64>,
    pub verdict: BoardVerdict,
    pub last_report: Option<DateTime<Utc>>,
}

/// What may be said of a yield beside its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BoardVerdict {
    OnTarget,
    BelowTarget,
    TooFewUnits,
    NoTarget,
}

/// One of the last test reports.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BoardReport {
    pub start: Option<DateTime<Utc>>,
    pub serial_number: String,
    pub part_number: String,
    pub process: Option<String>,
    pub station: Option<String>,
    /// `Passed`, `Failed`, `Error`, `Terminated`.
    pub result: String,
}
