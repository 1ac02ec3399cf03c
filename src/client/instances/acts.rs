//! What a person does with instances: make, rename, copy, choose, remove.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Map;

use super::registry::{Registry, Row};
use super::{DoorLock, InstancesError, OwnerLock, templates};
use crate::client::settings::{Config, Settings};
use crate::client::{chat, converters, files, offline, pin, queue};
use crate::domain::InstanceId;
use crate::domain::instance::Application;
use crate::support::clock::Clock;

/// Longest name of an instance, in characters.
const NAME_LIMIT: usize = 80;

/// Called with a part from 0 to 1; `false` means stop.
pub(crate) type Progressed<'a> = &'a mut dyn FnMut(f32) -> bool;

impl Registry {
    /// Makes an instance from a template. Without an id, the name suggests one that is free.
    pub(crate) fn create(
        &mut self,
        id: Option<InstanceId>,
        name: &str,
        application: Option<Application>,
        template: &str,
    ) -> Result<InstanceId, InstancesError> {
        if name.chars().count() > NAME_LIMIT {
            return Err(InstancesError::BadName);
        }
        let _changing = self.begin_change()?;
        let id = match id {
            Some(id) if self.is_taken(&id) => return Err(InstancesError::Taken(id)),
            Some(id) => id,
            None => self.free_id(&InstanceId::from_name(name)),
        };
        let config =
            templates::config_from(template, &id, name, application).ok_or_else(|| InstancesError::UnknownTemplate(template.to_owned()))?;
        self.add(&id, config)?;
        Ok(id)
    }

    /// Writes the settings of a new instance, then its row. The caller has begun a change.
    pub(super) fn add(&mut self, id: &InstanceId, config: Config) -> Result<(), InstancesError> {
        let row = Row {
            id: id.clone(),
            name: config.instance_name.clone(),
            path: self.usual_folder(id),
            application: config.instance_type,
            last_used: None,
            rest: Map::new(),
        };
        let folder = self.folder(&row);
        if folder.join("config.json").exists() {
            return Err(InstancesError::Taken(id.clone()));
        }
        Settings::create(&folder, config)?;
        for name in ["queue", "converters", "logs", "cache"] {
            files::make_private_folder(&folder.join(name))?;
        }
        self.register(row)
    }

    pub(super) fn register(&mut self, row: Row) -> Result<(), InstancesError> {
        self.default.get_or_insert_with(|| row.id.clone());
        self.rows.push(row);
        self.save()
    }

    /// The id, or the first of `id-2`, `id-3` … that is free in the registry and on disk.
    pub(super) fn free_id(&self, wanted: &InstanceId) -> InstanceId {
        let free = |id: &InstanceId| !self.is_taken(id) && !self.usual_folder(id).exists();
        let numbered = (2..).filter_map(|n| InstanceId::parse(&format!("{wanted}-{n}")).ok());
        std::iter::once(wanted.clone()).chain(numbered).find(free).unwrap_or_else(|| wanted.clone())
    }

    pub(crate) fn rename(&mut self, id: &InstanceId, name: &str) -> Result<(), InstancesError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LIMIT {
            return Err(InstancesError::BadName);
        }
        let _changing = self.begin_change()?;
        self.row_mut(id)?.name = name.to_owned();
        self.save()
    }

    pub(crate) fn make_default(&mut self, id: &InstanceId) -> Result<(), InstancesError> {
        let _changing = self.begin_change()?;
        self.row_mut(id)?;
        self.default = Some(id.clone());
        self.save()
    }

    /// Remembers that an instance was opened. A registry that cannot be written does not keep anybody from working.
    pub(crate) fn touch(&mut self, id: &InstanceId, now: DateTime<Utc>) {
        let mut touch = || {
            let _changing = self.begin_change()?;
            self.row_mut(id)?.last_used = Some(now);
            self.save()
        };
        if let Err(error) = touch() {
            tracing::warn!(%error, "the registry could not be written");
        }
    }

    /// Forgets an instance whose folder is gone or was removed.
    pub(crate) fn forget(&mut self, id: &InstanceId) -> Result<(), InstancesError> {
        let _changing = self.begin_change()?;
        self.rows.retain(|row| row.id != *id);
        if self.default.as_ref() == Some(id) {
            self.default = None;
        }
        self.save()
    }

    /// Checks that an instance can be opened, and becomes its owner.
    pub(crate) fn own(&self, id: &InstanceId) -> Result<(PathBuf, OwnerLock), InstancesError> {
        let row = self.row(id).ok_or_else(|| InstancesError::Unknown(id.clone()))?;
        let folder = self.folder(row);
        if !folder.is_dir() {
            return Err(InstancesError::FolderMissing { name: row.name.clone(), folder: folder.display().to_string() });
        }
        let lock = OwnerLock::take(&folder).map_err(|error| InstancesError::from_lock(error, id))?;
        Ok((folder, lock))
    }

    /// The row and settings of a copy: a name of its own, no token, no session; folders elsewhere are not watched twice.
    pub(crate) fn begin_copy(&self, id: &InstanceId, name: &str, clock: &Clock) -> Result<Copy, InstancesError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LIMIT {
            return Err(InstancesError::BadName);
        }
        let from = self.folder_of(id)?;
        let (settings, _) = Settings::open(&from, id, clock).map_err(|error| InstancesError::from_settings(error, id))?;
        let to = self.free_id(&InstanceId::from_name(name));
        let mut config = settings.get();
        config.instance_id = to.to_string();
        config.instance_name = name.to_owned();
        config.connection.token_encrypted.clear();
        config.connection.connection_state = "Not Connected".to_owned();
        config.connection.last_connected = None;
        let watched = config.watched_folders.iter().map(|folder| from.join(&folder.path)).collect();
        for folder in config.watched_folders.iter_mut().filter(|folder| folder.path.is_absolute()) {
            folder.enabled = false;
        }
        Ok(Copy { folder: self.usual_folder(&to), id: to, from, config, watched })
    }

    pub(crate) fn finish_copy(&mut self, copy: Copy) -> Result<InstanceId, InstancesError> {
        let _changing = self.begin_change()?;
        self.add(&copy.id, copy.config)?;
        Ok(copy.id)
    }
}

/// A copy on its way.
pub(crate) struct Copy {
    pub(crate) id: InstanceId,
    folder: PathBuf,
    from: PathBuf,
    config: Config,
    /// Test reports lie there: they belong to the original.
    watched: Vec<PathBuf>,
}

/// What belongs to one instance alone and is never copied.
const OWN: [&str; 10] = [
    "queue",
    "logs",
    "cache",
    "lock",
    "door",
    "pin.json",
    "offline.json",
    "offline_acts.json",
    "offline_acts.json.bak",
    "chat_unsent.json",
];

/// Copies the files that a copy shares with its original. Cancelled or failed, nothing of it remains.
pub(crate) fn copy(copy: &Copy, progressed: Progressed) -> Result<(), InstancesError> {
    claim(copy)?;
    let result = copy_files(copy, progressed);
    // Somebody may have made an instance of that very name meanwhile; then the folder is his.
    if result.is_err() && !copy.folder.join("config.json").exists() {
        let _ = fs::remove_dir_all(&copy.folder);
    }
    result
}

/// Makes the folder of a copy, which nobody else can make then.
fn claim(copy: &Copy) -> Result<(), InstancesError> {
    copy.folder.parent().map_or(Ok(()), files::make_private_folder)?;
    files::make_new_private_folder(&copy.folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => InstancesError::Taken(copy.id.clone()),
        _ => error.into(),
    })
}

fn copy_files(copy: &Copy, progressed: Progressed) -> Result<(), InstancesError> {
    let skip = |path: &Path| {
        let own = path.parent() == Some(&copy.from) && path.file_name().is_some_and(|name| OWN.iter().any(|own| name == *own));
        let settings = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("config.json"));
        own || settings || copy.watched.iter().any(|watched| path == watched)
    };
    let mut sources = Vec::new();
    collect(&copy.from, &skip, &mut sources)?;
    let total: u64 = sources.iter().map(|(_, bytes)| bytes + 1).sum();
    let mut done = 0;
    for (source, bytes) in sources {
        if !progressed(done as f32 / total as f32) {
            return Err(InstancesError::Cancelled);
        }
        let target = copy.folder.join(source.strip_prefix(&copy.from).unwrap_or(&source));
        if let Some(parent) = target.parent() {
            files::make_private_folder(parent)?;
        }
        fs::copy(&source, &target)?;
        done += bytes + 1;
    }
    progressed(1.0);
    Ok(())
}

/// Plain files below a folder with their sizes; links are not followed.
fn collect(folder: &Path, skip: &dyn Fn(&Path) -> bool, found: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if skip(&path) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, skip, found)?;
        } else if kind.is_file() {
            found.push((path, entry.metadata()?.len()));
        }
    }
    Ok(())
}

/// What [`remove`] would take with it and no server is known to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// In the queue and in watched folders.
    pub(crate) reports: u64,
    /// What people did while the server was gone.
    pub(crate) acts: u64,
    /// What people said while it was.
    pub(crate) messages: u64,
}

pub(crate) fn unsent_in(folder: &Path) -> Unsent {
    Unsent {
        reports: queue::undelivered_in(&folder.join("queue")) + converters::reports_below(&folder.join("converters")),
        acts: offline::untold_in(folder),
        messages: chat::unsent_in(folder),
    }
}

/// Removes what an instance made in its folder, and the folder if nothing else is in it.
/// The caller owns it, has closed its door and then counted what is in it.
pub(crate) fn remove(folder: &Path, (lock, door): (OwnerLock, DoorLock), progressed: Progressed) -> Result<(), InstancesError> {
    // From here on nobody who waits before the door finds an instance behind it.
    for name in ["config.json", "config.json.bak", "offline_acts.json", "offline_acts.json.bak", "chat_unsent.json"] {
        files::wipe(&folder.join(name))?;
    }
    pin::forget(folder)?;
    let names = ["queue", "converters", "cache", "logs"];
    for (index, name) in names.into_iter().enumerate() {
        progressed(index as f32 / names.len() as f32);
        match fs::remove_dir_all(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    drop((lock, door));
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("config.json.") {
            let _ = files::wipe(&entry.path());
        }
    }
    // Who came to the door in this very moment may have made its file anew.
    for _ in 0..3 {
        let _ = fs::remove_file(folder.join("lock"));
        let _ = fs::remove_file(folder.join("door"));
        // A folder that holds something of somebody else stays.
        if fs::remove_dir(folder).is_ok() {
            break;
        }
    }
    progressed(1.0);
    Ok(())
}
