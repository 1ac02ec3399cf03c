//! What every request may use.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bus::Bus;
use super::client_address::ClientAddress;
use super::config::Config;
use super::passwords::Passwords;
use super::room::Room;
use super::seen::Seen;
use super::services::accounts::{Desk, Who};
use super::services::intake::Intake;
use super::services::key_ring::KeyRing;
use super::services::mail::{Bell, Mailer};
use super::services::rate::Rate;
use super::services::runs::Runs;
use super::services::turns::Turns;
use super::sockets::Sockets;
use super::store::Store;
use crate::support::clock::Clock;

/// One running line server.
pub(super) struct Line {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) store: Store,
    /// Stable for the life of the database.
    pub(super) server_id: String,
    pub(super) ring: KeyRing,
    pub(super) passwords: Passwords,
    pub(super) turns: Turns,
    pub(super) seen: Seen,
    /// What tells the answers of this run of the server from those of the last.
    pub(super) started_at: DateTime<Utc>,
    pub(super) runs: Arc<Runs>,
    pub(super) intake: Intake,
    pub(super) room: Room,
    pub(super) mailer: Mailer,
    /// Wakes the senders of mail.
    pub(super) bell: Bell,
    pub(super) bus: Bus,
    pub(super) sockets: Arc<Sockets>,
    pub(super) chat_rate: Rate,
    /// What goes on though its caller may have hung up.
    pub(super) begun: TaskTracker,
    /// Sockets say goodbye when this is cancelled.
    pub(super) closing: CancellationToken,
}

impl Line {
    /// Whether what is told to this caller travels by TLS all the way, as far as the settings and the proxies they trust know.
    pub(super) fn is_secure(&self, from: ClientAddress) -> bool {
        self.config.is_secure() || from.secure
    }

    /// Where `who` looks after accounts.
    pub(super) fn accounts<'a>(&'a self, who: Who<'a>) -> Desk<'a> {
        Desk { store: &self.store, passwords: &self.passwords, bus: &self.bus, now: self.clock.now(), who }
    }
}
