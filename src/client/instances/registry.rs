//! `instances.json`: which instances there are. What cannot be used is kept as it is and told, never dropped.

use std::collections::HashSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::InstancesError;
use super::lock::{self, LockError, RegistryLock};
use crate::client::explain::Explanation;
use crate::client::{files, settings};
use crate::domain::InstanceId;
use crate::domain::instance::{Application, Instance};
use crate::support::clock::Clock;

/// The newest layout of the registry that this program writes.
const REGISTRY_VERSION: u64 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: InstanceId,
    #[serde(default)]
    pub(super) name: String,
    /// As written; [`Registry::folder`] makes it absolute.
    #[serde(default)]
    pub(super) path: PathBuf,
    #[serde(rename = "type", default)]
    pub(super) application: Application,
    #[serde(default)]
    pub(super) last_used: Option<DateTime<Utc>>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// The registry of one data folder.
#[derive(Debug)]
pub(crate) struct Registry {
    data: PathBuf,
    pub(super) rows: Vec<Row>,
    pub(super) default: Option<InstanceId>,
    /// Rows that cannot be used; written back as they came.
    strays: Vec<Value>,
    rest: Map<String, Value>,
    /// Set where the file is newer than this program: then it is not written.
    newer: Option<u64>,
}

impl Registry {
    /// Reads the registry of a data folder, and says what was found wrong with it.
    pub(crate) fn open(data: &Path, clock: &Clock) -> io::Result<(Registry, Vec<Explanation>)> {
        files::make_private_folder(data)?;
        let path = data.join("instances.json");
        let mut problems = Vec::new();
        let map = match read(&path)? {
            Some(Ok(map)) => map,
            found => {
                if found.is_some() {
                    let aside = files::set_aside(&path, clock.now())?;
                    problems.push(Explanation::new("registry_broken").with("file", aside.display()));
                }
                match read(&files::backup_of(&path))? {
                    Some(Ok(map)) => map,
                    _ => Map::new(),
                }
            }
        };
        let registry = Registry::parse(data, map, &mut problems);
        Ok((registry, problems))
    }

    fn parse(data: &Path, mut map: Map<String, Value>, problems: &mut Vec<Explanation>) -> Registry {
        let newer = map.get("version").and_then(Value::as_u64).filter(|version| *version > REGISTRY_VERSION);
        if let Some(version) = newer {
            problems.push(Explanation::new("registry_newer").with("version", version));
        }
        let rows = map.shift_remove("instances");
        let default = map.shift_remove("default_instance");
        let mut registry = Registry { data: data.to_owned(), rows: Vec::new(), default: None, strays: Vec::new(), rest: map, newer };
        let rows = match rows {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        let (mut ids, mut folders) = (HashSet::new(), HashSet::new());
        for value in rows {
            match registry.check(&value, &mut ids, &mut folders) {
                Ok(row) => registry.rows.push(row),
                Err(problem) => {
                    problems.push(problem);
                    registry.strays.push(value);
                }
            }
        }
        registry.default = default.and_then(|value| serde_json::from_value(value).ok()).filter(|id| registry.row(id).is_some());
        for row in &registry.rows {
            if !registry.folder(row).is_dir() {
                problems.push(super::missing(&row.name, &registry.folder(row)));
            }
        }
        registry
    }

    fn check(&self, value: &Value, ids: &mut HashSet<InstanceId>, folders: &mut HashSet<PathBuf>) -> Result<Row, Explanation> {
        let said = value.get("id").and_then(Value::as_str).unwrap_or("?").chars().take(80).collect::<String>();
        let mut row: Row = serde_json::from_value(value.clone())
            .map_err(|error| Explanation::new("instance_row_unusable").with("instance", &said).detail(error))?;
        if row.name.trim().is_empty() {
            row.name = row.id.to_string();
        }
        let folder = self.folder(&row);
        let outside = row.path.is_relative() && row.path.components().any(|part| part == Component::ParentDir);
        if outside || folder == self.data || self.data.starts_with(&folder) {
            return Err(Explanation::new("instance_path_unusable").with("instance", &said).with("folder", row.path.display()));
        }
        if ids.contains(&row.id) {
            return Err(Explanation::new("instance_id_twice").with("instance", &said));
        }
        if !folders.insert(folder.clone()) {
            return Err(Explanation::new("instance_folder_shared").with("instance", &said).with("folder", folder.display()));
        }
        ids.insert(row.id.clone());
        Ok(row)
    }

    /// Takes over what other programs wrote meanwhile.
    pub(crate) fn refresh(&mut self) {
        if let Ok(Some(Ok(map))) = read(&self.data.join("instances.json")) {
            *self = Registry::parse(&self.data, map, &mut Vec::new());
        }
    }

    /// The registry as it is on disk, for as long as nobody else may change it. Ends with [`save`](Self::save).
    pub(super) fn begin_change(&mut self) -> Result<RegistryLock, InstancesError> {
        let lock = RegistryLock::take(&self.data).map_err(|error| match error {
            LockError::Owned | LockError::Gone => InstancesError::Busy,
            LockError::Io(error) => error.into(),
        })?;
        self.refresh();
        Ok(lock)
    }

    /// Writes the registry as a whole.
    pub(super) fn save(&self) -> Result<(), InstancesError> {
        if let Some(version) = self.newer {
            return Err(InstancesError::FromTheFuture { version });
        }
        let mut map = Map::new();
        let rows = self.rows.iter().filter_map(|row| serde_json::to_value(row).ok());
        map.insert("instances".to_owned(), rows.chain(self.strays.iter().cloned()).collect());
        map.insert("default_instance".to_owned(), self.default.as_ref().map_or(Value::Null, |id| id.as_str().into()));
        map.extend(self.rest.clone());
        let bytes = serde_json::to_vec_pretty(&map).map_err(io::Error::from)?;
        Ok(files::write_whole(&self.data.join("instances.json"), &bytes)?)
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// The folder of an instance; an empty path means the usual place.
    pub(super) fn folder(&self, row: &Row) -> PathBuf {
        if row.path.as_os_str().is_empty() { self.usual_folder(&row.id) } else { self.data.join(&row.path) }
    }

    pub(super) fn usual_folder(&self, id: &InstanceId) -> PathBuf {
        self.data.join("instances").join(id.as_str())
    }

    pub(super) fn row(&self, id: &InstanceId) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == *id)
    }

    pub(super) fn row_mut(&mut self, id: &InstanceId) -> Result<&mut Row, InstancesError> {
        self.rows.iter_mut().find(|row| row.id == *id).ok_or_else(|| InstancesError::Unknown(id.clone()))
    }

    /// Where an instance lies.
    pub(crate) fn folder_of(&self, id: &InstanceId) -> Result<PathBuf, InstancesError> {
        self.row(id).map(|row| self.folder(row)).ok_or_else(|| InstancesError::Unknown(id.clone()))
    }

    pub(crate) fn name_of(&self, id: &InstanceId) -> Option<String> {
        self.row(id).map(|row| row.name.clone())
    }

    pub(crate) fn application_of(&self, id: &InstanceId) -> Application {
        self.row(id).map(|row| row.application).unwrap_or_default()
    }

    /// Ids that are taken, by usable rows or others.
    pub(super) fn is_taken(&self, id: &InstanceId) -> bool {
        let stray = |value: &Value| value.get("id").and_then(Value::as_str) == Some(id.as_str());
        self.row(id).is_some() || self.strays.iter().any(stray)
    }

    /// The instance that opens where nobody chose: the default, else the one used last, else the first.
    pub(crate) fn default_instance(&self) -> Option<InstanceId> {
        let latest = || self.rows.iter().max_by_key(|row| row.last_used).map(|row| row.id.clone());
        self.default.clone().or_else(latest)
    }

    /// The registry as the window shows it. `current` is owned by this process.
    pub(crate) fn list(&self, current: Option<&InstanceId>) -> Vec<Instance> {
        let default = self.default_instance();
        let show = |row: &Row| {
            let folder = self.folder(row);
            Instance {
                id: row.id.clone(),
                name: row.name.clone(),
                application: row.application,
                path: folder.display().to_string(),
                last_used: row.last_used,
                is_default: default.as_ref() == Some(&row.id),
                signed_in: settings::sealed_token(&folder).is_some(),
                in_use: current != Some(&row.id) && lock::is_owned(&folder),
            }
        };
        self.rows.iter().map(show).collect()
    }
}

type Parsed = Result<Map<String, Value>, ()>;

/// `None` where there is no file; `Some(Err)` where it is broken.
fn read(path: &Path) -> io::Result<Option<Parsed>> {
    match files::read_bounded(path, files::SETTINGS_LIMIT) {
        Ok(bytes) => {
            let map = serde_json::from_slice::<Map<String, Value>>(&bytes).map_err(|_| ());
            Ok(Some(map.and_then(|map| if map.get("instances").is_none_or(Value::is_array) { Ok(map) } else { Err(()) })))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Some(Err(()))),
        Err(error) => Err(error),
    }
}
