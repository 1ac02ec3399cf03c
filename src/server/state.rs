//! What every request may use.

use super::access_keys::AccessKeys;
use super::config::Config;
use super::passwords::Passwords;
use super::store::Store;
use crate::support::clock::Clock;

/// One running line server.
pub(super) struct Line {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) store: Store,
    /// Stable for the life of the database.
    pub(super) server_id: String,
    pub(super) keys: AccessKeys,
    pub(super) passwords: Passwords,
}
