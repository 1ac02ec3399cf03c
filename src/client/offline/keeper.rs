//! The book of persons, sealed on disk, and what happens when one of them comes while the server is gone.
//! Everything here blocks: the disk, the keyring, and hashes that are slow on purpose.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::acts::{Acts, Deed};
use super::book::{Book, LIFE};
use super::{Bound, Newcomer};
use crate::client::sign_in::SignInError;
use crate::client::vault::{Key, Vault, VaultError};
use crate::client::verifier::{Tools, Verifier};
use crate::client::{files, sealed_file};
use crate::domain::access::{Role, WITHOUT_SERVER};
use crate::domain::audit::NOBODY;
use crate::domain::lockout::seconds_left;
use crate::support::secret::Secret;

pub(crate) struct Keeper {
    tools: Tools,
    pub(super) acts: Acts,
    /// Of the file on disk, once it is known: the keyring is asked once.
    key: Option<Key>,
    /// Who came from the server while the book could not be opened, and for which it is: taken over as soon as it can.
    newcomers: Option<(Vec<u8>, Book)>,
    /// Fits no password, and takes as long as one that does.
    decoy: Option<Verifier>,
}

/// The book's key is not to be had now: the keyring does not answer.
struct KeyAway;

/// Somebody whom the book knew.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Admitted {
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Keeper {
    /// `run` is of the program, from opening the station to closing it.
    pub(crate) fn open(tools: Tools, run: Uuid) -> Keeper {
        let acts = Acts::open(&tools.folder, run, tools.clock.now());
        Keeper { tools, acts, key: None, newcomers: None, decoy: None }
    }

    /// Takes in who has just signed in at the server.
    pub(crate) fn remember(&mut self, bound: &Bound, person: &Newcomer) {
        let kept = Verifier::of(&person.password, self.tools.cost).and_then(|verifier| {
            let now = self.tools.clock.now();
            let Ok(mut book) = self.read(bound) else {
                self.newcomers(bound).remember(&person.name, person.role, verifier, now);
                return Ok(());
            };
            book.remember(&person.name, person.role, verifier, now);
            self.write(bound, &book)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "a person will not be able to sign in while the server is gone");
            // What the disk has may be an old password.
            self.forget(bound, &person.name);
        }
    }

    fn newcomers(&mut self, bound: &Bound) -> &mut Book {
        let bytes = self.bytes(bound);
        let kept = self.newcomers.take().filter(|(known, _)| *known == bytes);
        &mut self.newcomers.insert(kept.unwrap_or_else(|| (bytes, Book::default()))).1
    }

    /// A person has a new password: the old one is good no more.
    pub(crate) fn renew(&mut self, bound: &Bound, name: &str, password: &Secret) {
        let Ok(mut book) = self.read(bound) else { return self.forget_somehow() };
        let Some(known) = book.find(name) else { return };
        let verifier = Verifier::of(password, self.tools.cost);
        let renewed = verifier.map(|verifier| known.verifier = verifier).and_then(|()| self.write(bound, &book));
        if renewed.is_err() {
            self.forget(bound, name);
        }
    }

    /// The server does not let this person in any more.
    pub(crate) fn forget(&mut self, bound: &Bound, name: &str) {
        // Where nobody can be looked up, nobody is known from now on: rather too many than one who may not.
        let Ok(mut book) = self.read(bound) else { return self.forget_somehow() };
        if book.forget(name) && self.write(bound, &book).is_err() {
            self.forget_somehow();
        }
    }

    /// The server refused this name with this password. A slip of the finger takes nothing away; but where it is the very password that
    /// is known here, it is good no more.
    pub(crate) fn refused(&mut self, bound: &Bound, name: &str, password: &Secret) {
        let Ok(mut book) = self.read(bound) else {
            let newcomers = self.newcomers(bound);
            if newcomers.find(name).is_some_and(|known| known.verifier.fits(password)) {
                newcomers.forget(name);
            }
            return;
        };
        if book.find(name).is_some_and(|known| known.verifier.fits(password)) {
            self.forget(bound, name);
        }
    }

    /// Somebody left who had come without the server.
    pub(crate) fn left(&mut self, bound: &Bound, name: &str) {
        self.acts.leave(&bound.server_id, name, self.tools.clock.now());
    }

    /// Somebody left who had come at the server, which did not hear of it.
    pub(crate) fn left_unheard(&mut self, bound: &Bound, name: &str, at: DateTime<Utc>) {
        self.note_at(bound, Deed::leaves(name), at);
    }

    /// The station is closed: whoever is still there leaves with it.
    pub(crate) fn close(&mut self) {
        self.acts.leave_all(self.tools.clock.now());
    }

    /// Nobody is known any more. Where the disk refuses somebody still may be.
    pub(crate) fn forget_all(&mut self) -> io::Result<()> {
        self.newcomers = None;
        self.key = None;
        forget_file(&self.tools.folder, &self.tools.vault)
    }

    /// As [`forget_all`](Self::forget_all), where nobody waits for it: a refusal is in the log.
    fn forget_somehow(&mut self) {
        let _ = self.forget_all();
    }

    /// Notes how far the clock has come, where there is anybody to note it for.
    pub(crate) fn note_time(&mut self, bound: &Bound) {
        if !file_in(&self.tools.folder).exists() {
            return;
        }
        let (Ok(mut book), now) = (self.read(bound), self.tools.clock.now()) else { return };
        if !book.clock_went_back(now) {
            book.expire(now);
            let _ = self.write(bound, &book);
        }
    }

    /// Lets somebody in whose password is the one of his last sign-in at the server. A try is counted before it is looked at,
    /// so that nobody gains by pulling the plug, and an entry is in the list of acts before he is in.
    pub(crate) fn check(&mut self, bound: &Bound, user: &str, password: &Secret) -> Result<Admitted, SignInError> {
        let now = self.tools.clock.now();
        let mut book = self.read(bound).map_err(|KeyAway| SignInError::KeyringAway)?;
        if book.clock_went_back(now) {
            return Err(SignInError::ClockWentBack);
        }
        book.expire(now);
        let Some(known) = book.find(user) else {
            self.work_for_nothing(password);
            let _ = self.write_if_there(bound, &book);
            self.note(bound, Deed { result: "not_known_here", ..Deed::comes(NOBODY) });
            return Err(SignInError::NotKnownHere);
        };
        if let Some(until) = known.locked_until(now) {
            return Err(SignInError::LockedFor(std::time::Duration::from_secs(seconds_left(until, now))));
        }
        let locks = known.count(now);
        let (admitted, verifier) = (Admitted { name: known.name.clone(), role: known.role }, known.verifier.clone());
        self.write(bound, &book).map_err(not_kept)?;
        if !verifier.fits(password) {
            self.note(bound, Deed { result: "invalid_credentials", ..Deed::comes(&admitted.name) });
            if locks {
                self.note(bound, Deed { user: "system", action: "user.locked", target: &admitted.name, result: "ok" });
            }
            return Err(SignInError::WrongPassword);
        }
        self.admit(bound, book, admitted)
    }

    fn admit(&mut self, bound: &Bound, mut book: Book, admitted: Admitted) -> Result<Admitted, SignInError> {
        if let Some(known) = book.find(&admitted.name) {
            known.forgive();
        }
        self.write(bound, &book).map_err(not_kept)?;
        let comes = Deed::comes(&admitted.name);
        if !WITHOUT_SERVER.into_iter().any(|permission| admitted.role.may(permission)) {
            self.note(bound, Deed { result: "forbidden", ..comes });
            return Err(SignInError::NothingOffline);
        }
        self.acts.enter(&bound.server_id, &admitted.name, self.tools.clock.now()).map_err(not_kept)?;
        Ok(admitted)
    }

    /// Notes what needs no leave to happen. A list that is full or a disk that refuses is in the log.
    fn note(&mut self, bound: &Bound, deed: Deed<'_>) {
        self.note_at(bound, deed, self.tools.clock.now());
    }

    fn note_at(&mut self, bound: &Bound, deed: Deed<'_>, at: DateTime<Utc>) {
        if let Err(error) = self.acts.note(&bound.server_id, deed, at) {
            tracing::error!(%error, action = deed.action, result = deed.result, "an act without the server could not be noted");
        }
    }

    /// As much work as a check of somebody who is known.
    fn work_for_nothing(&mut self, password: &Secret) {
        if self.decoy.is_none() {
            self.decoy = Verifier::of(&Secret::default(), self.tools.cost).ok();
        }
        let _ = self.decoy.as_ref().map(|decoy| decoy.fits(password));
    }

    /// A file that is missing, of another machine, another server or changed by anybody else knows nobody. One whose key is not there
    /// may know somebody: whoever gets that answer must not write over it what he takes for the book.
    fn read(&mut self, bound: &Bound) -> Result<Book, KeyAway> {
        let Ok(sealed) = sealed_file::read(&file_in(&self.tools.folder)) else { return Ok(Book::default()) };
        let key = match self.key.take() {
            Some(key) if self.tools.vault.is_key_of(&key, &sealed) => key,
            _ => match self.tools.vault.find_key(&sealed) {
                Ok(key) => key,
                // Some keyrings answer so while they are locked.
                Err(VaultError::KeyringUnreachable | VaultError::KeyMissing) if self.may_know_somebody() => return Err(KeyAway),
                Err(_) => return Ok(self.with_newcomers(bound, Book::default())),
            },
        };
        let bytes = self.bytes(bound);
        let opened = self.tools.vault.open_with(self.key.insert(key), &sealed, &bytes).ok();
        let book = opened.and_then(|text| serde_json::from_str(text.expose()).ok()).unwrap_or_default();
        Ok(self.with_newcomers(bound, book))
    }

    fn with_newcomers(&mut self, bound: &Bound, mut book: Book) -> Book {
        let bytes = self.bytes(bound);
        let Some((_, newer)) = self.newcomers.take_if(|(known, _)| *known == bytes) else { return book };
        book.take_over(newer);
        if let Err(error) = self.write(bound, &book) {
            tracing::warn!(%error, "persons who signed in lately will not be able to sign in while the server is gone");
        }
        book
    }

    /// Not once the file lies there untouched for longer than anybody in it may come.
    fn may_know_somebody(&self) -> bool {
        let written = std::fs::metadata(file_in(&self.tools.folder)).and_then(|file| file.modified());
        !written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > LIFE.to_std().unwrap_or_default()))
    }

    fn write_if_there(&mut self, bound: &Bound, book: &Book) -> io::Result<()> {
        if file_in(&self.tools.folder).exists() { self.write(bound, book) } else { Ok(()) }
    }

    fn write(&mut self, bound: &Bound, book: &Book) -> io::Result<()> {
        let text = Zeroizing::new(serde_json::to_string(book)?);
        let bytes = self.bytes(bound);
        let key = match self.key.take() {
            Some(key) => key,
            None => {
                forget_key(&self.tools.folder, &self.tools.vault);
                self.tools.vault.draw_key()?
            }
        };
        let sealed = self.tools.vault.seal_with(self.key.insert(key), &Secret::new(text.as_str()), &bytes)?;
        sealed_file::write(&file_in(&self.tools.folder), sealed)
    }

    /// What the file is for: it opens for nothing else, and never as a station's token.
    fn bytes(&self, bound: &Bound) -> Vec<u8> {
        format!("sign-in without the server\n{}\n{}\n{}", self.tools.id, bound.server_url, bound.server_id).into_bytes()
    }
}

fn not_kept(error: io::Error) -> SignInError {
    SignInError::NotKept { detail: error.to_string() }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("offline.json")
}

fn forget_key(folder: &Path, vault: &Vault) {
    if let Ok(sealed) = sealed_file::read(&file_in(folder)) {
        vault.forget(&sealed);
    }
}

/// Takes away who may sign in without the server: the file, and then its key, for the keyring may not answer.
pub(crate) fn forget_file(folder: &Path, vault: &Vault) -> io::Result<()> {
    let sealed = sealed_file::read(&file_in(folder));
    let wiped = files::wipe(&file_in(folder));
    if let Ok(sealed) = sealed {
        vault.forget(&sealed);
    }
    wiped.inspect_err(|error| tracing::error!(%error, "who may sign in without the server is still on the disk"))
}

#[cfg(test)]
mod tests;
