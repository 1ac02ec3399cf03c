//! A person on top of the station: coming, changing over to another, leaving. The station's own token stays as it is.

use std::sync::Arc;

use super::Session;
use crate::client::api::{Api, End, PersonSession};
use crate::client::explain::Explanation;
use crate::client::model::Person;
use crate::client::sign_in::{self, SignInError, SignedInPerson};
use crate::domain::connection::{Event, Trouble};
use crate::support::secret::Secret;

impl Session {
    /// Asks the server who the person is. Whoever was there before stays until it has said yes.
    pub(super) fn sign_in_person(&mut self, user: String, password: Secret) {
        self.cancel_person();
        self.cancel_sign_in();
        let Some(api) = self.held.as_ref().map(|held| held.api.clone()) else { return };
        self.unlock = None;
        self.parts.session.update(|slice| {
            slice.signing_in = true;
            slice.locked_until = None;
            slice.last_user.clone_from(&user);
        });
        self.person_work = Some(tokio::spawn(async move { sign_in::fetch_person(&api, &user, &password).await }));
    }

    /// Gives up a person's sign-in that is on its way, and forgets why the last one failed.
    pub(super) fn cancel_person(&mut self) {
        if self.held.is_none() {
            return;
        }
        let work = self.person_work.take().inspect(|work| work.abort());
        self.parts.session.update(|slice| {
            slice.signing_in &= work.is_none();
            slice.sign_in_error = None;
        });
    }

    pub(super) fn person_answered(&mut self, answer: Option<Result<SignedInPerson, SignInError>>) {
        let api = self.held.as_ref().map(|held| held.api.clone());
        match (answer.unwrap_or(Err(SignInError::Cancelled)), api) {
            (Ok(person), Some(api)) => self.person_came(api, person),
            (Ok(_), None) => {}
            (Err(error), _) => {
                if matches!(error, SignInError::Unreachable { .. }) {
                    self.observe(Event::Failed(Trouble::Unreachable));
                }
                self.tell_refusal(&error);
            }
        }
    }

    fn person_came(&mut self, api: Arc<Api>, person: SignedInPerson) {
        self.tell_server_person_left();
        let person = self.start_person(api, person);
        tracing::info!(role = person.role.as_str(), "a person signed in");
        self.unlock = None;
        self.parts.session.update(|slice| {
            slice.person = Some(person);
            slice.signing_in = false;
            slice.sign_in_error = None;
            slice.locked_until = None;
        });
        self.publish_link();
    }

    pub(super) fn start_person(&mut self, api: Arc<Api>, person: SignedInPerson) -> Person {
        self.person = Some(PersonSession::start(api, person.tokens));
        Person { name: person.name, role: person.role, since: self.parts.clock.now() }
    }

    pub(super) fn person_leaves(&mut self) {
        self.tell_server_person_left();
        self.parts.session.update(|slice| slice.person = None);
        self.publish_link();
    }

    pub(super) fn tell_server_person_left(&mut self) {
        if let Some(person) = self.person.take() {
            tokio::spawn(async move { person.log_out().await });
        }
    }

    /// The server ended the person's session: the station goes on, and the person is told why he is gone.
    pub(super) fn person_ended(&mut self, end: End) {
        tracing::info!(?end, "the person's session has ended");
        self.person = None;
        self.parts.session.update(|slice| slice.person = None);
        self.publish_link();
        match end {
            End::ByServer => self.parts.notifier.failed(Explanation::new("person_session_ended")),
            End::AnswerLost => self.parts.notifier.failed(Explanation::new("person_session_lost")),
            End::ByPerson => self.parts.notifier.done("signed_out_everywhere", Vec::new()),
        }
    }
}
