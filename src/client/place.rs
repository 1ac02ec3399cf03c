//! For programs that look at instances, or hand them reports, without owning one: the command line above all.
//! These calls wait for the disk, and a [`Caller`]'s for the server.

mod address;
mod caller;
mod chat;
mod checkup;
mod tunnels;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use address::LineAddress;
pub use caller::{CallError, Caller, Contact, YieldAnswer, YieldAsk};
pub use chat::{Chat, Talk};
pub use checkup::{Check, Verdict};

use super::explain::Explanation;
use super::instances::{self, DoorLock, InstancesError, Registry, Unsent, VisitorLock, open_settings};
use super::queue::{Limits, Queue, Submission};
use super::settings::Config;
use super::tunnel::Approach;
use super::vault::Vault;
use super::{offline, pin};
use crate::domain::InstanceId;
use crate::domain::instance::{Application, Instance};
use crate::domain::report::Header;
use crate::protocol::wsjf;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// The instances of a data folder.
pub struct Place {
    data: PathBuf,
    clock: Clock,
    vault: Vault,
    registry: Registry,
    problems: Vec<Explanation>,
}

/// What an instance's settings say of its server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerOnFile {
    pub url: String,
    pub server_id: String,
    pub user: String,
    pub has_token: bool,
    pub last_connected: Option<DateTime<Utc>>,
}

/// The queue of an instance that somebody else may own.
pub struct Visit {
    // Before the lock: it is closed while nobody can delete the instance.
    queue: Queue,
    _lock: VisitorLock,
}

impl Deref for Visit {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

type Result<T> = std::result::Result<T, Explanation>;

impl Place {
    /// Opens the registry of a data folder. What was found wrong and mended is told in [`problems`](Self::problems).
    pub fn open(data: &Path, clock: Clock, keyring: bool) -> Result<Place> {
        let (registry, problems) = Registry::open(data, &clock).map_err(|error| Explanation::new("disk_failed").detail(error))?;
        Ok(Place { data: data.to_owned(), vault: Vault::system(keyring), clock, registry, problems })
    }

    pub fn problems(&self) -> &[Explanation] {
        &self.problems
    }

    pub fn data_folder(&self) -> &Path {
        &self.data
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn instances(&self) -> Vec<Instance> {
        self.registry.list(None)
    }

    /// The instance asked for; else the registry's default.
    pub fn choose(&self, wanted: Option<&InstanceId>) -> Result<Instance> {
        let id = match wanted {
            Some(id) => id.clone(),
            None => self.registry.default_instance().ok_or_else(|| Explanation::new("no_instance"))?,
        };
        self.instances().into_iter().find(|instance| instance.id == id).ok_or_else(|| InstancesError::Unknown(id).explain())
    }

    /// Makes an instance from a template. An application of `None` is the template's own.
    pub fn create(&mut self, id: InstanceId, name: &str, application: Option<Application>, template: &str) -> Result<InstanceId> {
        self.registry.create(Some(id), name, application, template).map_err(explain)
    }

    pub fn rename(&mut self, id: &InstanceId, name: &str) -> Result<()> {
        self.registry.rename(id, name).map_err(explain)
    }

    pub fn make_default(&mut self, id: &InstanceId) -> Result<()> {
        self.registry.make_default(id).map_err(explain)
    }

    /// Copies an instance's settings and converters under a new name. Token, queue and logs stay behind.
    pub fn duplicate(&mut self, id: &InstanceId, name: &str) -> Result<InstanceId> {
        let (_, lock) = self.registry.own(id).map_err(explain)?;
        let copy = self.registry.begin_copy(id, name, &self.clock).map_err(explain)?;
        instances::copy(&copy, &mut |_| true).map_err(explain)?;
        drop(lock);
        self.registry.finish_copy(copy).map_err(explain)
    }

    /// Deletes an instance and its folder. Reports that are not delivered are lost only if `with_reports` says so.
    pub fn delete(&mut self, id: &InstanceId, with_reports: bool) -> Result<()> {
        let (folder, lock) = self.registry.own(id).map_err(explain)?;
        let door = DoorLock::take(&folder).map_err(|error| explain(InstancesError::from_lock(error, id)))?;
        let unsent = instances::unsent_in(&folder);
        if unsent != Unsent::default() && !with_reports {
            return Err(InstancesError::ReportsWait { id: id.clone(), unsent }.explain());
        }
        self.vault.forget(&self.config(id)?.connection.token_encrypted);
        // What stays of the folder is told below.
        let _ = offline::forget_file(&folder, &self.vault);
        self.registry.forget(id).map_err(explain)?;
        instances::remove(&folder, (lock, door), &mut |_| true).map_err(explain)
    }

    /// Takes the local PIN of an instance away, for whoever looks after this PC. True where there was one.
    pub fn remove_pin(&self, id: &InstanceId) -> Result<bool> {
        pin::forget(&self.folder(id)?).map_err(|error| Explanation::new("disk_failed").detail(error))
    }

    /// Takes over an instance of this program or of the older one, from its file or folder.
    pub fn import(&mut self, from: &Path) -> Result<InstanceId> {
        self.registry.import(from, &self.vault).map_err(explain)
    }

    pub fn folder(&self, id: &InstanceId) -> Result<PathBuf> {
        self.registry.folder_of(id).map_err(explain)
    }

    /// The instance's queue; its owner may have it open at the same time. While it is held, nobody deletes the instance.
    pub fn queue(&self, id: &InstanceId) -> Result<Visit> {
        let lock = VisitorLock::take(&self.folder(id)?).map_err(|error| explain(InstancesError::from_lock(error, id)))?;
        let config = self.config(id)?.queue;
        let limits = Limits { reports: config.limit_reports, bytes: config.limit_bytes, ..Limits::default() };
        let queue = Queue::open(&self.folder(id)?.join("queue"), self.clock.clone(), limits).map_err(|error| error.explain())?;
        Ok(Visit { queue, _lock: lock })
    }

    pub fn server(&self, id: &InstanceId) -> Result<ServerOnFile> {
        let connection = self.config(id)?.connection;
        Ok(ServerOnFile {
            has_token: !connection.token_encrypted.is_empty(),
            url: connection.server_url,
            server_id: connection.server_id,
            user: connection.username,
            last_connected: connection.last_connected,
        })
    }

    /// The way to the instance's server, with its token.
    pub fn caller(&self, id: &InstanceId) -> std::result::Result<Caller, CallError> {
        let config = self.config(id).map_err(CallError::Failed)?;
        let folder = self.folder(id).map_err(CallError::Failed)?;
        Caller::new(&config, &folder, id, &self.vault, self.clock.clone())
    }

    /// Signs a person in to the instance's server for a conversation. Nothing of it is kept.
    pub fn chat(&self, id: &InstanceId, user: &str, password: &Secret) -> std::result::Result<Chat, CallError> {
        let config = self.config(id).map_err(CallError::Failed)?;
        let (connection, folder) = (&config.connection, self.folder(id).map_err(CallError::Failed)?);
        if connection.server_url.is_empty() {
            return Err(CallError::NotSignedIn(Explanation::new("not_signed_in").with("instance", id)));
        }
        let roots = connection.roots(&folder).map_err(CallError::Failed)?;
        let approach = Approach::of(&config, &folder, &self.vault);
        Chat::sign_in(&connection.server_url, connection.allow_plain_http, (&roots, &approach), user, password)
    }

    /// Looks at everything a station stands on. Never tells a secret.
    pub fn check(&self, id: &InstanceId) -> Vec<Check> {
        checkup::run(self, id)
    }

    fn config(&self, id: &InstanceId) -> Result<Config> {
        let folder = self.folder(id)?;
        let (settings, _) = open_settings(&folder, id, &self.vault, &self.clock).map_err(explain)?;
        Ok(settings.get())
    }
}

fn explain(error: InstancesError) -> Explanation {
    error.explain()
}

/// Reads a report to be submitted. `source` tells where it came from.
pub fn read_submission(bytes: &[u8], source: &str) -> Result<Submission> {
    let document = wsjf::read(bytes).map_err(|error| Explanation::new("not_a_report").detail(error))?;
    Ok(Submission::new(&document.report.header, document.text, source))
}

/// Reads the head of a report that the queue or a server keeps.
pub fn read_head(text: &str) -> Result<Header> {
    wsjf::read_header(text).map_err(|error| Explanation::new("not_a_report").detail(error))
}

/// An id as people type it.
pub fn parse_id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text.trim()).map_err(|_| Explanation::new("report_id_malformed").with("id", text.chars().take(80).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::simulator::Line;

    fn place(folder: &Path) -> Place {
        Place::open(folder, Clock::system(), false).unwrap()
    }

    #[test]
    fn a_report_handed_over_keeps_its_instance_from_being_deleted_by_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place(folder.path());
        assert_eq!(place.choose(None).unwrap_err().key, "no_instance");
        let id = place.create(InstanceId::parse("eol").unwrap(), "", None, "default").unwrap();
        assert_eq!(place.choose(None).unwrap().id, id);
        let text = Line::new(1).next(DateTime::UNIX_EPOCH);
        let submission = read_submission(text.as_bytes(), "a test").unwrap();
        assert_eq!(read_head(&text).unwrap().id, submission.id);
        place.queue(&id).unwrap().enqueue_blocking(submission).unwrap();
        assert_eq!(place.delete(&id, false).unwrap_err().key, "instance_reports_wait");
        assert_eq!(place.queue(&id).unwrap().count_blocking().unwrap().waiting, 1);
        place.delete(&id, true).unwrap();
        assert!(place.instances().is_empty());
    }

    #[test]
    fn an_instance_without_a_token_is_not_signed_in() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place(folder.path());
        let id = place.create(InstanceId::parse("eol").unwrap(), "", None, "station").unwrap();
        assert!(matches!(place.caller(&id), Err(CallError::NotSignedIn(_))));
        let checks = place.check(&id);
        let verdict = |name: &str| checks.iter().find(|check| check.name == name).map(|check| check.verdict);
        assert_eq!((verdict("token"), verdict("queue"), verdict("address")), (Some(Verdict::Bad), Some(Verdict::Good), Some(Verdict::Bad)));
        assert!(checks.iter().filter(|check| check.name == "files").all(|check| check.verdict != Verdict::Bad), "{checks:?}");
    }

    #[test]
    fn whoever_looks_after_this_pc_takes_a_forgotten_pin_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place(folder.path());
        let id = place.create(InstanceId::parse("eol").unwrap(), "", None, "default").unwrap();
        assert_eq!(place.remove_pin(&id), Ok(false));
        std::fs::write(place.folder(&id).unwrap().join("pin.json"), b"{}").unwrap();
        assert_eq!((place.remove_pin(&id), place.remove_pin(&id)), (Ok(true), Ok(false)));
    }

    #[test]
    fn what_is_no_report_is_refused_in_words() {
        assert_eq!(read_submission(b"{}", "a test").unwrap_err().key, "not_a_report");
        assert_eq!(parse_id("7").unwrap_err().key, "report_id_malformed");
    }

    /// Both begin at once, again and again, with a moment's lead for one or the other.
    #[test]
    fn a_report_is_taken_or_its_station_deleted_and_never_both() {
        let folder = tempfile::tempdir().unwrap();
        let id = InstanceId::parse("eol").unwrap();
        let (mut kept, mut refused) = (0, 0);
        for round in 0..60_u64 {
            let _ = place(folder.path()).create(id.clone(), "", None, "station");
            let barrier = std::sync::Barrier::new(2);
            let lead = |mine: bool| {
                barrier.wait();
                let until = std::time::Instant::now() + std::time::Duration::from_micros(if mine { round * 150 } else { 0 });
                while std::time::Instant::now() < until {}
            };
            let (taken, deleted) = std::thread::scope(|scope| {
                let submitter = scope.spawn(|| {
                    let place = place(folder.path());
                    let submission = read_submission(Line::new(round).next(DateTime::UNIX_EPOCH).as_bytes(), "a test").unwrap();
                    lead(round % 2 == 0);
                    place.queue(&id).and_then(|queue| queue.enqueue_blocking(submission).map_err(|error| error.explain()))
                });
                let mut place = place(folder.path());
                lead(round % 2 == 1);
                let deleted = place.delete(&id, false);
                (submitter.join().unwrap(), deleted)
            });
            match (taken, deleted) {
                (Ok(_), Err(_)) => {
                    assert_eq!(place(folder.path()).queue(&id).unwrap().count_blocking().unwrap().waiting, 1);
                    place(folder.path()).delete(&id, true).unwrap();
                    kept += 1;
                }
                (Err(told), Ok(())) => {
                    assert!(["instance_unknown", "instance_folder_missing"].contains(&told.key), "{told:?}");
                    refused += 1;
                }
                (Err(told), Err(_)) => panic!("neither came to its end: {told:?}"),
                (Ok(_), Ok(())) => panic!("a report that was taken is gone in round {round}"),
            }
        }
        assert!(kept > 0 && refused > 0, "{kept} {refused}");
    }

    #[test]
    fn whatever_no_server_has_is_counted_before_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place(folder.path());
        let id = place.create(InstanceId::parse("eol").unwrap(), "", None, "station").unwrap();
        let home = place.folder(&id).unwrap();
        std::fs::write(home.join("offline_acts.json"), "{").unwrap();
        std::fs::write(home.join("chat_unsent.json"), "{").unwrap();
        let told = place.delete(&id, false).unwrap_err();
        let value = |name: &str| told.values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!((told.key, value("n"), value("acts"), value("messages")), ("instance_holds_unsent", Some("0"), Some("1"), Some("1")));
        place.delete(&id, true).unwrap();
        assert!(!home.exists());
    }
}
