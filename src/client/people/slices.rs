//! What the window sees of accounts, stations, the audit log and a person's own sessions.

use chrono::{DateTime, TimeDelta, Utc};

use crate::client::explain::Explanation;
use crate::client::remote::Remote;
use crate::protocol::audit::Entry;
use crate::protocol::auth::Session;
use crate::protocol::stations::{Station, StationToken};
use crate::protocol::users::User;
use crate::support::secret::Secret;

/// How a service's acts are doing: the form that asked for one closes, or stays and says why it was refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acts {
    pub running: bool,
    /// Acts that have ended so far.
    pub settled: u64,
    /// Why the last one failed, if it did.
    pub refused: Option<Explanation>,
}

/// Accounts, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsersSlice {
    pub search: String,
    pub list: Remote<UserList>,
    pub acts: Acts,
}

/// Most accounts that are shown at once; a search finds the others.
pub const USER_ROWS: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct UserList {
    pub rows: Vec<User>,
    /// False where there are more than [`USER_ROWS`].
    pub complete: bool,
    pub as_of: DateTime<Utc>,
}

/// Stations of the line, and the tokens they act with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationsSlice {
    pub list: Remote<StationList>,
    /// A token that was just issued, until it is put away: nobody sees it again.
    pub issued: Option<IssuedToken>,
    pub acts: Acts,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StationList {
    pub stations: Vec<Station>,
    /// Newest first.
    pub tokens: Vec<StationToken>,
    pub as_of: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IssuedToken {
    pub station: String,
    pub token: Secret,
}

/// Who did what, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditSlice {
    pub filter: AuditFilter,
    pub list: Remote<AuditList>,
    pub acts: Acts,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFilter {
    /// Part of a name, a target or an address.
    pub search: String,
    /// The first words of an action; empty for all.
    pub action: String,
    pub period: AuditPeriod,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditPeriod {
    Day,
    #[default]
    Week,
    Month,
    All,
}

impl AuditPeriod {
    pub const ALL: [AuditPeriod; 4] = [AuditPeriod::Day, AuditPeriod::Week, AuditPeriod::Month, AuditPeriod::All];

    /// Where it begins, seen from `now`.
    pub fn from(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = match self {
            AuditPeriod::Day => 1,
            AuditPeriod::Week => 7,
            AuditPeriod::Month => 30,
            AuditPeriod::All => return None,
        };
        Some(now - TimeDelta::days(days))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditList {
    pub rows: Vec<Entry>,
    /// False where older entries can be asked for.
    pub complete: bool,
    pub as_of: DateTime<Utc>,
}

/// A person's own sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeSlice {
    pub list: Remote<SessionList>,
    pub acts: Acts,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SessionList {
    /// Newest first.
    pub rows: Vec<Session>,
    pub as_of: DateTime<Utc>,
}
