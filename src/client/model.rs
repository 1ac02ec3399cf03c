//! What the window may see: one snapshot of the station's background life.
//! Each service writes its own slice and no other; big parts are shared, not copied.

mod queue;
mod results;
mod session;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::chat::ChatSlice;
use super::explain::Explanation;
use super::people::{AuditSlice, MeSlice, StationsSlice, UsersSlice};
use super::pin::PinSlice;
use crate::domain::instance::{Instance, InstanceId};
use crate::domain::tunnel::{Tunnel, TunnelSettings};

pub use queue::{QUEUE_ROWS, QueueEvent, QueueFilter, QueueHappening, QueueRow, QueueSlice, QueueState};
pub use results::{OpenReport, Period, REPORT_PAGE, ReportPage, ReportQuery, ReportsSlice, YieldPicture, YieldQuery, YieldSlice};
pub use session::{ConnectionSlice, LockedAccount, Person, SessionSlice, Station};

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
