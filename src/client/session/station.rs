//! The station's own sign-in and sign-out: a token comes, is sealed and kept, and goes again.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::probing::server_id_of;
use super::{Done, Held, Session};
use crate::client::api::Identity;
use crate::client::command::SignIn;
use crate::client::explain::Explanation;
use crate::client::model::{LockedAccount, Station};
use crate::client::offline::Bound;
use crate::client::server_url::ServerUrl;
use crate::client::settings::Config;
use crate::client::sign_in::{self, SignInError, SignedIn};
use crate::client::tunnel::Way;
use crate::client::vault::{Sealed, Vault};
use crate::domain::InstanceId;
use crate::domain::connection::{Connection, Event};
use crate::domain::credentials::mask_token;

impl Session {
    pub(super) fn sign_in(&mut self, sign_in: SignIn) {
        self.cancel_person();
        self.cancel_sign_in();
        self.interrupted = self.work.is_some() && self.state == Connection::Authenticating;
        if self.work.is_some() && !self.interrupted {
            self.next_opening = Some(Instant::now());
        }
        self.stop_probing();
        self.enter(Event::SignInStarted, None);
        self.parts.session.update(|slice| {
            slice.signing_in = true;
            slice.sign_in_error = None;
        });
        let (roots, id, vault) = (self.parts.roots.clone(), self.parts.id.clone(), self.parts.vault.clone());
        let way = ServerUrl::parse(&sign_in.server_url).map_or_else(|_| self.parts.way.clone(), |server| self.way_to(&server));
        self.work = Some(tokio::spawn(async move {
            let result = exchange_and_seal(&sign_in, (&roots, way), id, vault).await;
            Done::SignedIn(Box::new(sign_in), Box::new(result))
        }));
    }

    pub(super) fn cancel_sign_in(&mut self) {
        if !self.parts.session.get().signing_in {
            return;
        }
        if let Some(work) = self.work.take() {
            work.abort();
        }
        self.sign_in_failed(SignInError::Cancelled);
    }

    pub(super) async fn work_done(&mut self, done: Option<Done>) {
        match done {
            Some(Done::Restored(Ok(token))) => {
                self.enter(Event::TokenRestored, None);
                self.token_restored(token);
            }
            Some(Done::Restored(Err(error))) => self.not_opened(error),
            Some(Done::SignedIn(sign_in, result)) => match *result {
                Ok((signed_in, sealed)) => self.signed_in(&sign_in, signed_in, sealed).await,
                Err(error) => {
                    self.forget_refused(&sign_in, &error);
                    self.note_lock((&sign_in.server_url, &sign_in.user), error.locked_for());
                    self.sign_in_failed(error);
                }
            },
            None => self.sign_in_failed(SignInError::Cancelled),
        }
    }

    pub(super) async fn signed_in(&mut self, asked: &SignIn, mut done: SignedIn, sealed: Option<Sealed>) {
        let person = done.issued.keep();
        self.stop_probing();
        let url = done.api.server().to_string();
        let server_id = server_id_of(&done.probe.identity, &url);
        let keyring_missing = sealed.as_ref().is_some_and(|sealed| sealed.keyring_missing);
        let remembered = self.keep_sign_in(asked, (&url, &server_id), sealed).await;
        (self.interrupted, self.owes_removal, self.next_opening) = (false, false, None);
        self.note_lock((&asked.server_url, &asked.user), None);
        self.person_goes();
        let api = Arc::new(done.api);
        let bound = Bound { server_url: url.clone(), server_id: server_id.clone() };
        // Where nothing is to stay of the station, nothing stays of its persons.
        if !remembered {
            tokio::spawn(self.forget_persons());
        }
        let person = person.map(|person| {
            if remembered {
                self.parts.offline.remember(bound, person.with_password(asked.password.clone()));
            }
            self.start_person(api.clone(), person)
        });
        self.parts.session.update(|slice| {
            slice.server_url = url.clone();
            slice.last_user = asked.user.trim().to_owned();
            slice.station = Some(Station {
                application: asked.application.unwrap_or(self.parts.application),
                remembered,
                token_mask: mask_token(done.token.expose()),
                has_roles: matches!(done.probe.identity, Identity::Line(_)),
            });
            slice.person = person;
            slice.sign_in_error = None;
            slice.signing_in = false;
            slice.token_waits = false;
            slice.tries += 1;
            slice.keyring_missing = keyring_missing;
            slice.insecure_allowed = asked.allow_plain_http;
        });
        let plain = api.server().is_plain_http();
        self.parts.connection.update(|slice| slice.plain_http = plain);
        self.held = Some(Held { api, server_id });
        self.note_contact(&done.probe);
        self.enter(Event::SignedIn, None);
        self.plan();
        tracing::info!(server = %url, "signed in");
    }

    /// Writes a sign-in down, or that there is none to keep; says where it could not be. True where it is kept.
    async fn keep_sign_in(&self, asked: &SignIn, (url, server_id): (&str, &str), sealed: Option<Sealed>) -> bool {
        let (now, before) = (self.parts.clock.now(), self.parts.settings.get().connection.token_encrypted);
        let keyring_missing = sealed.as_ref().is_some_and(|sealed| sealed.keyring_missing);
        let say_keyring = keyring_missing && !self.parts.settings.get().keyring_notice_shown;
        let text = sealed.map(|sealed| sealed.text).unwrap_or_default();
        let sealed_now = text.clone();
        let built_in = self.parts.built_in.borrow().as_deref() == Some(url);
        let (user, allow, kept_url, kept_id) = (asked.user.trim().to_owned(), asked.allow_plain_http, url.to_owned(), server_id.to_owned());
        let change = move |config: &mut Config| {
            config.connection.server_url = kept_url;
            config.connection.server_id = kept_id;
            config.connection.connection_state = (if text.is_empty() { "Not Connected" } else { "Connected" }).to_owned();
            config.connection.token_encrypted = text;
            config.connection.last_connected = Some(now);
            config.connection.username = user;
            config.connection.allow_plain_http = allow;
            config.connection.built_in_line = built_in;
            config.keyring_notice_shown |= keyring_missing;
        };
        let written = self.write(change).await;
        let remembered = written.is_ok() && !sealed_now.is_empty();
        // Of the two keys, the one whose token is not on disk has no use any more.
        let (vault, useless) = (self.parts.vault.clone(), if written.is_ok() { before } else { sealed_now });
        spawn_blocking(move || vault.forget(&useless));
        match written {
            Err(error) => self.parts.notifier.failed(Explanation::new("sign_in_not_kept").detail(error)),
            Ok(()) if asked.remember && !remembered => self.parts.notifier.failed(Explanation::new("sign_in_not_kept")),
            Ok(()) if say_keyring => self.parts.notifier.failed(Explanation::new("keyring_missing")),
            Ok(()) => {}
        }
        remembered
    }

    pub(super) fn tell_refusal(&mut self, error: &SignInError) {
        tracing::info!(%error, "sign-in failed");
        self.parts.session.update(|slice| {
            slice.signing_in = false;
            slice.tries += 1;
            slice.sign_in_error = (*error != SignInError::Cancelled).then(|| error.explain());
        });
    }

    pub(super) fn sign_in_failed(&mut self, error: SignInError) {
        self.tell_refusal(&error);
        self.enter(Event::SignInFailed, None);
        if self.held.is_some() {
            // The token from before is still good, as far as anybody knows.
            self.enter(Event::TokenRestored, None);
            self.probe();
        } else if std::mem::take(&mut self.interrupted) {
            self.restore();
        }
    }

    /// Notes how long an account is locked, or that it is not. What holds for one account says nothing of another.
    pub(super) fn note_lock(&mut self, (server_url, user): (&str, &str), wait: Option<Duration>) {
        let until = wait.and_then(|wait| TimeDelta::from_std(wait).ok()).map(|wait| self.parts.clock.now() + wait);
        if let Some(until) = until {
            self.unlock = wait.map(|wait| Instant::now() + wait);
            let locked = LockedAccount { server_url: server_url.to_owned(), user: user.to_owned(), until };
            self.parts.session.update(|slice| slice.locked = Some(locked));
        } else if self.parts.session.get().locked.as_ref().is_some_and(|locked| locked.is(server_url, user)) {
            self.unlocked();
        }
    }

    pub(super) fn unlocked(&mut self) {
        self.unlock = None;
        self.parts.session.update(|slice| slice.locked = None);
    }

    /// Forgets the token and the person. With a reason it was not the person's wish. `false` where the disk still has it.
    pub(super) async fn leave(&mut self, reason: Option<Explanation>) -> bool {
        (self.interrupted, self.next_opening) = (false, None);
        self.cancel_person();
        self.cancel_sign_in();
        if let Some(restoring) = self.work.take() {
            restoring.abort();
        }
        self.stop_probing();
        self.person_leaves();
        tokio::spawn(self.forget_persons());
        self.held = None;
        let sealed = self.parts.settings.get().connection.token_encrypted;
        let written = self.write(forget_token).await;
        let vault = self.parts.vault.clone();
        spawn_blocking(move || vault.forget(&sealed));
        self.parts.session.update(|slice| {
            slice.station = None;
            slice.token_waits = false;
            slice.sign_in_error = reason.clone();
        });
        self.enter(if reason.is_some() { Event::TokenRefused } else { Event::SignedOut }, None);
        self.next_probe = None;
        self.owes_removal = written.is_err();
        if let Err(error) = written {
            self.parts.notifier.failed(Explanation::new("sign_out_not_kept").detail(error));
        }
        !self.owes_removal
    }
}

pub(super) fn forget_token(config: &mut Config) {
    config.connection.token_encrypted.clear();
    config.connection.connection_state = "Not Connected".to_owned();
}

async fn exchange_and_seal(
    asked: &SignIn,
    (roots, way): (&[Vec<u8>], Way),
    id: InstanceId,
    vault: Vault,
) -> Result<(SignedIn, Option<Sealed>), SignInError> {
    let done = sign_in::exchange(asked, &sign_in::identifier(&id), roots, way).await?;
    if !asked.remember {
        return Ok((done, None));
    }
    let (token, url) = (done.token.clone(), done.api.server().to_string());
    let sealed = spawn_blocking(move || vault.seal(&token, &id, &url)).await;
    let sealed = sealed.ok().and_then(Result::ok);
    if sealed.is_none() {
        tracing::error!("the token could not be sealed; it stays in memory");
    }
    Ok((done, sealed))
}
