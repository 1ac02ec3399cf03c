//! A person on top of the station: coming, changing over to another, leaving. The station's own token stays as it is.
//! Where the server is gone, whoever signed in here lately comes without it, and may do little.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::client::api::{Api, End, PersonSession};
use crate::client::command::SignIn;
use crate::client::explain::Explanation;
use crate::client::model::Person;
use crate::client::offline::{Admitted, Bound, Offline};
use crate::client::sign_in::{self, SignInError, SignedInPerson};
use crate::domain::connection::{Event, Trouble};
use crate::support::secret::Secret;

/// How long the server is given to hear that somebody left, while nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who let a person in.
pub(super) enum Came {
    /// The server.
    Online(SignedInPerson),
    /// This PC, for the server is gone.
    Offline(Admitted),
}

/// How a person's sign-in ended, and what it taught about the server.
pub(super) struct PersonAnswer {
    result: Result<Came, SignInError>,
    gone: Option<Trouble>,
}

/// What a person's sign-in is done with.
struct Door {
    api: Arc<Api>,
    /// Without it the server knows no persons that this PC could know.
    bound: Option<Bound>,
    offline: Offline,
    /// Whether the station is kept on this PC, and so are its persons.
    keeps: bool,
}

impl Door {
    async fn knock(self, user: String, password: Secret) -> PersonAnswer {
        let Door { api, bound, offline, keeps } = self;
        let answer = sign_in::fetch_person(&api, &user, &password).await;
        let gone = answer.as_ref().err().and_then(SignInError::server_gone);
        let result = match (answer, bound) {
            (Ok(person), bound) => {
                if let Some(bound) = bound.filter(|_| keeps) {
                    offline.remember(bound, person.with_password(password));
                }
                Ok(Came::Online(person))
            }
            (Err(_), Some(bound)) if gone.is_some() => offline.check(bound, user, password).await.map(Came::Offline),
            (Err(error), Some(bound)) => {
                tell_refused(&offline, bound, &user, (password, &error));
                Err(error)
            }
            (Err(error), _) => Err(error),
        };
        PersonAnswer { result, gone }
    }
}

/// Whom the server refused is not let in without it either. A wrong password may be a mistyped one: then only the very password that
/// is known here is.
fn tell_refused(offline: &Offline, bound: Bound, user: &str, (password, error): (Secret, &SignInError)) {
    match error {
        SignInError::WrongPassword => offline.refused(bound, user, password),
        error if error.refuses_person() => offline.forget(bound, user),
        _ => {}
    }
}

impl Session {
    /// Asks the server who the person is, or this PC where the server is gone. Whoever was there before stays until somebody came.
    pub(super) fn sign_in_person(&mut self, user: String, password: Secret) {
        self.cancel_person();
        self.cancel_sign_in();
        let Some(api) = self.held.as_ref().map(|held| held.api.clone()) else { return };
        self.parts.session.update(|slice| {
            slice.signing_in = true;
            slice.last_user.clone_from(&user);
        });
        let keeps = self.parts.session.get().station.as_ref().is_some_and(|station| station.remembered);
        let door = Door { api, bound: self.bound(), offline: self.parts.offline.clone(), keeps };
        self.person_work = Some(tokio::spawn(door.knock(user, password)));
    }

    /// The server that persons are known at.
    fn bound(&self) -> Option<Bound> {
        Bound::of(&self.parts.link.borrow())
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

    pub(super) fn person_answered(&mut self, answer: Option<PersonAnswer>) {
        let api = self.held.as_ref().map(|held| held.api.clone());
        let PersonAnswer { result, gone } = answer.unwrap_or(PersonAnswer { result: Err(SignInError::Cancelled), gone: None });
        if let Some(trouble) = gone {
            self.observe(Event::Failed(trouble));
        }
        // Whoever asked is the last user until somebody else asks, and then there is no answer for him.
        let before = self.parts.session.get();
        self.note_lock((&before.server_url, &before.last_user), result.as_ref().err().and_then(SignInError::locked_for));
        match (result, api) {
            (Ok(Came::Online(person)), Some(api)) => {
                self.person_goes();
                let person = self.start_person(api, person);
                self.person_came(person);
            }
            (Ok(Came::Offline(Admitted { name, role })), Some(_)) => {
                self.person_goes();
                self.person_came(Person { name, role, since: self.parts.clock.now(), offline: true });
            }
            (Ok(_), None) => {}
            (Err(error), _) => self.tell_refusal(&error),
        }
    }

    fn person_came(&mut self, person: Person) {
        tracing::info!(role = person.role.as_str(), offline = person.offline, "a person signed in");
        self.parts.session.update(|slice| {
            slice.person = Some(person);
            slice.signing_in = false;
            slice.tries += 1;
            slice.sign_in_error = None;
        });
        self.publish_link();
    }

    pub(super) fn start_person(&mut self, api: Arc<Api>, person: SignedInPerson) -> Person {
        self.person = Some(PersonSession::start(api, &person.name, person.tokens));
        Person { name: person.name, role: person.role, since: self.parts.clock.now(), offline: false }
    }

    pub(super) fn person_leaves(&mut self) {
        self.person_goes();
        self.parts.session.update(|slice| slice.person = None);
        self.publish_link();
    }

    /// The person who is there goes: the server hears it, now or from the list of what was done without it.
    pub(super) fn person_goes(&mut self) {
        tokio::spawn(self.farewell(PATIENCE));
        let slice = self.parts.session.get();
        if let (Some(person), Some(bound)) = (slice.person.as_ref().filter(|person| person.offline), self.bound()) {
            self.parts.offline.note_left(bound, &person.name);
        }
    }

    /// Tells the server that the person who came there leaves. Where it cannot hear it now, it is told later.
    pub(super) fn farewell(&mut self, limit: Duration) -> impl Future<Output = ()> + use<> {
        let (person, bound) = (self.person.take(), self.bound());
        let (offline, at) = (self.parts.offline.clone(), self.parts.clock.now());
        async move {
            let Some(person) = person else { return };
            let heard = tokio::time::timeout(limit, person.log_out()).await;
            if let (Ok(false) | Err(_), Some(bound)) = (heard, bound) {
                offline.note_left_unheard(bound, person.name(), at);
            }
        }
    }

    /// Nobody may come without the server any more. What is handed back tells whether that is so, and says where it is not.
    pub(super) fn forget_persons(&self) -> impl Future<Output = bool> + Send + use<> {
        let (forgotten, notifier) = (self.parts.offline.forget_all(), self.parts.notifier.clone());
        async move {
            let result = forgotten.await;
            if let Err(error) = &result {
                notifier.failed(Explanation::new("persons_not_forgotten").detail(error));
            }
            result.is_ok()
        }
    }

    /// The server refused somebody who signed in as a whole: he is not let in without it either.
    pub(super) fn forget_refused(&self, asked: &SignIn, error: &SignInError) {
        if let Some(bound) = self.bound() {
            tell_refused(&self.parts.offline, bound, &asked.user, (asked.password.clone(), error));
        }
    }

    /// The server ended the person's session: the station goes on, and the person is told why he is gone.
    pub(super) fn person_ended(&mut self, end: End) {
        tracing::info!(?end, "the person's session has ended");
        let person = self.person.take();
        if let (Some(person), Some(bound)) = (person.filter(|_| end != End::AnswerLost), self.bound()) {
            self.parts.offline.forget(bound, person.name());
        }
        self.parts.session.update(|slice| slice.person = None);
        self.publish_link();
        match end {
            End::ByServer => self.parts.notifier.failed(Explanation::new("person_session_ended")),
            End::AnswerLost => self.parts.notifier.failed(Explanation::new("person_session_lost")),
            End::ByPerson => self.parts.notifier.done("signed_out_everywhere", Vec::new()),
        }
    }
}
