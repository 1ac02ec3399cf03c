//! What a person does in his own name: accounts, stations and tokens, the audit log, his own sessions.
//! Four services of one kind. What was asked last is what is fetched; when the person changes, everything is forgotten.

mod audit;
mod me;
mod slices;
mod stations;
mod users;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::api::{ApiError, PersonSession};
use super::bridge::{Notifier, Slice};
use super::explain::Explanation;
use super::link::{LinkReceiver, Observer};
use super::offline::Offline;
use super::reports;
use crate::domain::connection::Connection;
use crate::protocol::auth::code;
use crate::support::clock::Clock;

pub use slices::{
    Acts, AuditFilter, AuditList, AuditPeriod, AuditSlice, IssuedToken, MeSlice, SessionList, StationList, StationsSlice, USER_ROWS,
    UserList, UsersSlice,
};

/// One of the four: what it shows and what it is asked.
pub(crate) trait Desk: Clone + Default + PartialEq + Send + Sync + 'static {
    type Command: Send + 'static;

    /// Whether this only fetches, so that the next such command takes its place.
    fn fetches(command: &Self::Command) -> bool;

    fn acts(&mut self) -> &mut Acts;

    fn serve(parts: Parts<Self>, command: Self::Command) -> impl Future<Output = ()> + Send;
}

/// What a service works with.
pub(crate) struct Parts<D> {
    pub(crate) slice: Slice<D>,
    pub(crate) link: LinkReceiver,
    pub(crate) observer: Observer,
    pub(crate) notifier: Notifier,
    pub(crate) clock: Clock,
    pub(crate) offline: Offline,
}

impl<D> Clone for Parts<D> {
    fn clone(&self) -> Self {
        let (slice, link, observer) = (self.slice.clone(), self.link.clone(), self.observer.clone());
        Parts { slice, link, observer, notifier: self.notifier.clone(), clock: self.clock.clone(), offline: self.offline.clone() }
    }
}

pub(crate) async fn run<D: Desk>(parts: Parts<D>, inbox: &mut mpsc::Receiver<D::Command>, stop: CancellationToken) {
    let mut link = parts.link.clone();
    let mut person = link.borrow_and_update().person.clone();
    let mut fetching: Option<AbortOnDropHandle<()>> = None;
    let mut acting = JoinSet::new();
    loop {
        tokio::select! {
            // Whoever has just signed in is known before his first command is looked at.
            biased;
            () = stop.cancelled() => break,
            Ok(()) = link.changed() => {
                let now = link.borrow_and_update().person.clone();
                if !is_same(person.as_ref(), now.as_ref()) {
                    person = now;
                    // One that is past its last wait would else put its answer before the next person.
                    if let Some(fetch) = fetching.take() {
                        fetch.abort();
                        let _ = fetch.await;
                    }
                    acting.shutdown().await;
                    parts.slice.set(D::default());
                }
            }
            command = inbox.recv() => match command {
                Some(command) if D::fetches(&command) => {
                    drop(fetching.take());
                    fetching = Some(AbortOnDropHandle::new(tokio::spawn(D::serve(parts.clone(), command))));
                }
                Some(command) => {
                    acting.spawn(D::serve(parts.clone(), command));
                }
                None => break,
            },
            Some(_) = acting.join_next() => {}
        }
    }
}

/// Whether it is one session of one person, or nobody's.
pub(super) fn is_same(a: Option<&Arc<PersonSession>>, b: Option<&Arc<PersonSession>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Where a failed act is told: the form that asked shows it itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    InTheForm,
    AsNotice,
}

impl<D: Desk> Parts<D> {
    /// The person who asks, while the server can be reached.
    fn person(&self) -> Result<Arc<PersonSession>, Explanation> {
        let link = self.link.borrow();
        match &link.person {
            Some(person) if link.state == Connection::Connected => Ok(person.clone()),
            Some(_) => Err(Explanation::new("not_while_offline")),
            None => Err(Explanation::new("sign_in_first")),
        }
    }

    /// Puts a failure into words, and tells the session what it says about the connection.
    fn learn<T>(&self, result: Result<T, ApiError>) -> Result<T, Explanation> {
        self.observer.saw_of_person(&result);
        result.map_err(|error| explain(&error))
    }

    /// Runs one act, and shows that it runs and how it ended.
    async fn act<T>(&self, told: Told, work: impl Future<Output = Result<T, Explanation>>) -> Result<T, Explanation> {
        self.slice.update(|slice| slice.acts().running = true);
        let result = work.await;
        let refused = result.as_ref().err().cloned();
        if let Some(refused) = refused.clone().filter(|_| told == Told::AsNotice) {
            self.notifier.failed(refused);
        }
        self.slice.update(|slice| {
            let acts = slice.acts();
            *acts = Acts { running: false, settled: acts.settled + 1, refused };
        });
        result
    }
}

/// What a refused request of a person means.
pub(super) fn explain(error: &ApiError) -> Explanation {
    let key = match error {
        ApiError::TokenRefused { .. } => "person_session_ended",
        ApiError::Refused { status, code, .. } => match (code.as_str(), status) {
            (code::WRONG_PASSWORD, _) => "current_password_wrong",
            (code::BAD_PASSWORD, _) => "new_password_refused",
            (code::USERNAME_TAKEN, _) => "name_in_use",
            (code::EMAIL_TAKEN, _) => "address_in_use",
            (code::CHANGED_MEANWHILE, _) => "changed_meanwhile",
            (code::LAST_SUPERUSER, _) => "last_superuser",
            (code::OWN_ACCOUNT, _) => "own_account",
            (code::ROLE_TOO_HIGH, _) => "role_too_high",
            (code::MAIL_NOT_SET_UP, _) => "no_mail_there",
            ("forbidden", _) => "not_allowed",
            (_, 404) => "gone_meanwhile",
            _ => "request_refused",
        },
        ApiError::Later { status: 429, retry_after: Some(wait), .. } => {
            return Explanation::new("asked_too_often").with("minutes", wait.as_secs().div_ceil(60).max(1));
        }
        other => return reports::explain(other),
    };
    Explanation::new(key).detail(error.detail())
}
