//! Mail: asked for together with what it belongs to, sent by a worker that does not give up, and never a reason for a request to fail.
//!
//! The outbox holds no code. One is drawn when a mail is sent, its hash kept, and the mail forgotten when a mail server has taken it.
//! So no code lies anywhere in clear, and of two mails (a server may die between sending and noting it) the later one counts.

mod delivery;
mod mailer;
mod message;

use std::time::Duration;

use tokio::sync::Notify;

pub(in crate::server) use delivery::run;
pub(in crate::server) use mailer::Mailer;
pub use mailer::MailerError;

/// Sends of one server at a time: a mail server that hangs does not hold up all.
const SENDERS: usize = 3;
/// How long one try may take, and how long a try keeps other servers away.
const SEND_LIMIT: Duration = Duration::from_secs(45);
const LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(90);
/// How often the outbox is looked into when nobody says that something is in it: another server may have died.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Wakes the senders.
#[derive(Default)]
pub(in crate::server) struct Bell(Notify);

impl Bell {
    /// There is mail to be sent.
    pub(in crate::server) fn ring(&self) {
        self.0.notify_one();
    }
}
