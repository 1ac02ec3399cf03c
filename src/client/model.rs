//! What the window may see: one snapshot of the station's background life.
//! Each service writes its own slice and no other; big parts are shared, not copied.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::chat::ChatSlice;
use super::explain::Explanation;
use super::people::{AuditSlice, MeSlice, StationsSlice, UsersSlice};
use super::pin::PinSlice;
use super::remote::Remote;
use super::server_url::ServerUrl;
use crate::domain::access::{Permission, Role};
use crate::domain::connection::Connection;
use crate::domain::instance::{Application, Instance, InstanceId};
use crate::domain::report::{Header, Report};
use crate::domain::tunnel::{Tunnel, TunnelSettings};
use crate::domain::yields::{Bucket, Kpis, ParetoRow};

/// The latest state of everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub instances: Arc<InstancesSlice>,
    pub session: Arc<SessionSlice>,
    pub connection: Arc<ConnectionSlice>,
    pub queue: Arc<QueueSlice>,
    pub converters: Arc<ConvertersSlice>,
    pub yields: Arc<YieldSlice>,
    pub reports: Arc<ReportsSlice>,
    pub tunnel: Arc<TunnelSlice>,
    pub line: Arc<LineSlice>,
    pub account: Arc<AccountSlice>,
    pub users: Arc<UsersSlice>,
    pub stations: Arc<StationsSlice>,
    pub audit: Arc<AuditSlice>,
    pub me: Arc<MeSlice>,
    pub chat: Arc<ChatSlice>,
    pub pin: Arc<PinSlice>,
}

/// How far somebody is who makes an account, or has forgotten his password.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountSlice {
    /// A question is on its way.
    pub asking: bool,
    /// The last question was answered well.
    pub done: Option<AccountStep>,
    /// Filled after a refusal until the next question.
    pub error: Option<Explanation>,
}

/// What was asked for and done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStep {
    SignedUp,
    Verified,
    /// A code is on its way, for the address or for a new password.
    CodeSent,
    PasswordSet,
}

impl Model {
    /// Whether the station's PIN has to be typed first. Where the server knows persons, their roles guard instead.
    pub fn is_guarded(&self) -> bool {
        let by_roles = self.session.station.as_ref().is_some_and(|station| station.has_roles);
        self.pin.is_set && !self.pin.is_open && !by_roles
    }

    /// Why the last sign-in failed. Where the tunnel was to blame, its own trouble says most.
    pub fn sign_in_error(&self) -> Option<&Explanation> {
        let told = self.session.sign_in_error.as_ref()?;
        let tunnel = self.tunnel.trouble.as_ref().filter(|_| told.key == "tunnel_down");
        Some(tunnel.unwrap_or(told))
    }
}

/// The registry, and which instance this process owns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstancesSlice {
    pub list: Vec<Instance>,
    /// The instance this process owns, once one is open.
    pub current: Option<InstanceId>,
    /// Set while a long act (duplicate, export, delete) runs: what, and how far from 0 to 1.
    pub busy: Option<Progress>,
    /// What was found wrong at start: a broken file set aside, an old format taken over.
    pub problems: Vec<Explanation>,
    pub data_folder: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// A key into the language file.
    pub what: String,
    /// 0 to 1.
    pub done: f32,
    pub can_cancel: bool,
}

/// Who the station is and who has signed in on top of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionSlice {
    /// The address as it was typed and normalised; empty before the first sign-in.
    pub server_url: String,
    /// The user name of the last sign-in, to offer it again.
    pub last_user: String,
    pub station: Option<Station>,
    pub person: Option<Person>,
    /// Filled after a failed sign-in until the next try.
    pub sign_in_error: Option<Explanation>,
    pub signing_in: bool,
    /// Sign-ins that have ended since the instance was opened, well or not.
    pub tries: u64,
    /// The account that the last sign-in found locked, while it is.
    pub locked: Option<LockedAccount>,
    /// No keyring on this machine: the token is sealed by the machine alone. Said once.
    pub keyring_missing: bool,
    /// Plain http to another machine is allowed for this instance. The badge says so.
    pub insecure_allowed: bool,
}

/// An account that nobody shall try for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedAccount {
    /// As it was typed.
    pub server_url: String,
    pub user: String,
    /// When another try is welcome.
    pub until: DateTime<Utc>,
}

impl LockedAccount {
    /// Whether it is this one, by any spelling of the server's address and of the name.
    pub fn is(&self, server_url: &str, user: &str) -> bool {
        let address = |text: &str| ServerUrl::parse(text).map_or_else(|_| text.trim().to_owned(), |url| url.to_string());
        let name = |text: &str| text.trim().to_lowercase();
        address(server_url) == address(&self.server_url) && name(user) == name(&self.user)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// The application that the login chose; the registry's own where nobody chose.
    pub application: Application,
    /// False where "remember" was off: the token lives in memory alone.
    pub remembered: bool,
    /// Last four characters of the token, for telling tokens apart.
    pub token_mask: String,
    /// Whether the server is an Andon line server, or a WATS server without roles.
    pub has_roles: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub name: String,
    pub role: Role,
    pub since: DateTime<Utc>,
    /// He came while the server was gone, and may do little until he signs in at the server.
    pub offline: bool,
}

impl SessionSlice {
    /// Whether this is to be seen here: what the role at hand may, and of a person without the server what the station shows anyway.
    pub fn may(&self, permission: Permission) -> bool {
        match &self.person {
            Some(person) if person.offline => person.role.may_without_server(permission) || Role::Station.may(permission),
            _ => self.role().is_some_and(|role| role.may(permission)),
        }
    }

    /// Whether this may be done. A station alone only looks: a person has to sign in to act.
    pub fn may_act(&self, permission: Permission) -> bool {
        match &self.person {
            Some(person) if person.offline => person.role.may_without_server(permission),
            _ => self.role().is_some_and(|role| role != Role::Station && role.may(permission)),
        }
    }

    /// Whether the person came while the server was gone.
    pub fn is_offline(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.offline)
    }

    /// Whose role it is: the person's, else the station's, else nobody's.
    /// A server without roles leaves it to the application: the configurator sees all, displays only look.
    pub fn role(&self) -> Option<Role> {
        match (&self.person, &self.station) {
            (Some(person), _) => Some(person.role),
            (None, Some(station)) if station.has_roles => Some(Role::Station),
            (None, Some(station)) => Some(if station.application == Application::Configurator { Role::Superuser } else { Role::Station }),
            (None, None) => None,
        }
    }
}

/// How the server is doing, as far as this station can tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionSlice {
    pub state: Connection,
    /// When the state was entered; `None` until an instance is open, when nothing can be said yet.
    pub since: Option<DateTime<Utc>>,
    pub last_contact: Option<DateTime<Utc>>,
    /// Milliseconds from request to answer of the last health probe.
    pub latency_ms: Option<u32>,
    /// The server's clock minus ours, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    pub server_version: String,
    /// Which server this is: an id for a line server, the address for another.
    pub server_id: String,
    /// What is wrong, while something is.
    pub trouble: Option<Explanation>,
    /// While offline: tries so far, and when the next comes.
    pub attempt: u32,
    pub next_attempt: Option<DateTime<Utc>>,
    /// Seconds between health probes, 5 to 3600.
    pub health_interval_secs: u32,
    pub auto_reconnect: bool,
    /// Plain http to a machine other than this one.
    pub plain_http: bool,
}

/// The queue: counts always, rows for the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSlice {
    pub waiting: u64,
    pub sending: u64,
    pub quarantined: u64,
    /// Delivered, as long as the history remembers.
    pub delivered: u64,
    /// Waiting for another server than the one signed in to.
    pub for_other_server: u64,
    pub oldest_waiting: Option<DateTime<Utc>>,
    pub last_delivery: Option<DateTime<Utc>>,
    pub bytes: u64,
    pub limit_reports: u64,
    pub limit_bytes: u64,
    /// Newest first, at most [`QUEUE_ROWS`] of the kind asked for.
    pub rows: Arc<Vec<QueueRow>>,
    pub filter: QueueFilter,
    /// What happened to the report that the screen has opened, oldest first.
    pub history: Option<(Uuid, Arc<Vec<QueueEvent>>)>,
    /// Set when the queue refuses or cannot be written: disk full, bound reached.
    pub trouble: Option<Explanation>,
    pub busy: Option<Progress>,
}

/// Most rows the queue screen is handed.
pub const QUEUE_ROWS: usize = 500;

impl QueueSlice {
    /// How full the queue is, 0 to 1, by the nearer of its two bounds.
    pub fn fullness(&self) -> f32 {
        let part = |used: u64, limit: u64| if limit == 0 { 0.0 } else { used as f32 / limit as f32 };
        part(self.waiting + self.sending + self.quarantined, self.limit_reports).max(part(self.bytes, self.limit_bytes))
    }

    /// Reports that are not on the server yet and will get there by themselves.
    pub fn pending(&self) -> u64 {
        self.waiting + self.sending
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueFilter {
    #[default]
    Pending,
    Quarantined,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    Waiting,
    Sending,
    Delivered,
    Quarantined,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    pub id: Uuid,
    pub state: QueueState,
    pub part_number: String,
    pub serial_number: String,
    /// The file it came from, or the program that submitted it.
    pub source: String,
    pub accepted_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub bytes: u64,
    pub tries: u32,
    pub next_try: Option<DateTime<Utc>>,
    /// The server's sentence of the last refusal, or why the last try failed.
    pub last_error: String,
    /// The server it was accepted for.
    pub server_id: String,
    /// It waits for another server than the one signed in to.
    pub foreign: bool,
}

/// One line of a report's history.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEvent {
    pub at: DateTime<Utc>,
    pub what: QueueHappening,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueHappening {
    Accepted,
    Replaced,
    Tried,
    Delivered,
    Quarantined,
    Retried,
    Released,
}

/// The watched folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConvertersSlice {
    pub folders: Vec<WatchedFolder>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WatchedFolder {
    pub path: String,
    pub enabled: bool,
    pub waiting_files: u64,
    pub converted: u64,
    pub rejected: u64,
    pub last_file: String,
    pub last_at: Option<DateTime<Utc>>,
    /// The folder cannot be read, or the last file was refused.
    pub trouble: Option<Explanation>,
}

/// What the yield screens show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldSlice {
    pub query: YieldQuery,
    pub picture: Remote<YieldPicture>,
}

/// Which yield is asked for. Empty texts mean all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldQuery {
    pub part_number: String,
    pub process: String,
    pub period: Period,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    #[default]
    LastEightHours,
    Today,
    LastSevenDays,
}

/// One picture of a line's yield as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct YieldPicture {
    pub as_of: DateTime<Utc>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub total: Kpis,
    /// One bucket an hour (a day for seven days), oldest first; the last one is still open.
    pub buckets: Vec<Bucket>,
    pub pareto: Vec<ParetoRow>,
    /// Units that failed their last run known.
    pub failing_now: u64,
    /// Newest first.
    pub recent: Vec<Header>,
    /// Ratio 0 to 1.
    pub target: Option<f64>,
    pub last_report: Option<DateTime<Utc>>,
    /// What can be chosen: part numbers, and processes by code.
    pub part_numbers: Vec<String>,
    pub processes: BTreeMap<i64, String>,
}

/// The list of reports on the server, and the one that is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportsSlice {
    pub query: ReportQuery,
    pub list: Remote<ReportPage>,
    pub open: Option<(Uuid, Remote<OpenReport>)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportQuery {
    /// Matches serial number, part number or station.
    pub text: String,
    pub only_failed: bool,
    pub page: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReportPage {
    pub rows: Vec<Header>,
    pub page: usize,
    pub has_more: bool,
}

/// Rows of one page of reports.
pub const REPORT_PAGE: usize = 100;

/// A report read from the server, with its source for those who want to see it.
#[derive(Clone, Debug)]
pub struct OpenReport {
    pub report: Report,
    pub source: Arc<str>,
}

impl PartialEq for OpenReport {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// The SSH tunnel to the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TunnelSlice {
    /// As they are kept.
    pub settings: TunnelSettings,
    pub state: Tunnel,
    /// What is wrong, while something is; while it is tried again, what was wrong before.
    pub trouble: Option<Explanation>,
    /// Tries that failed since it was last up.
    pub attempt: u32,
    /// Where it is entered on this PC, `127.0.0.1:PORT`, while it is up.
    pub local_end: String,
    /// Of the SSH server's pinned host key, `SHA256:…`; empty before the first use.
    pub fingerprint: String,
    pub testing: bool,
    /// What the last test found: the host key's fingerprint, or what is wrong.
    pub tested: Option<Result<String, Explanation>>,
}

/// The line server built into this program ("this PC").
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineSlice {
    pub state: LineState,
    /// Whether it was ever set up on this PC, so that login asks for an administrator only once.
    pub is_set_up: bool,
    /// The line is simulated: every screen says so.
    pub simulated: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum LineState {
    /// This build or this start has no line server.
    #[default]
    Absent,
    Stopped,
    Starting,
    /// Listening at this address.
    Running(String),
    Failed(Explanation),
}
