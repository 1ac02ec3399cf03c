//! One instance's `config.json`: a typed view that keeps every key it does not know.
//! One handle, one writer at a time; each change is on disk before it is seen.

mod config;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use super::explain::Explanation;
use super::files;
use crate::domain::InstanceId;
use crate::support::clock::Clock;

pub(crate) use config::{CONFIG_VERSION, Config, FolderConfig, HEALTH_INTERVAL_SECS, TunnelConfig};

/// Why an instance's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("written by a newer program (version {version}); it is left as it is")]
    FromTheFuture { version: u64 },
    #[error("the settings belong to {found:?}")]
    OtherInstance { found: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads settings from bytes. `Err(None)` means broken.
fn parse(bytes: &[u8]) -> Result<Config, Option<SettingsError>> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| None)?;
    let version = value.get("version").and_then(Value::as_u64).unwrap_or(CONFIG_VERSION);
    if version > CONFIG_VERSION {
        return Err(Some(SettingsError::FromTheFuture { version }));
    }
    let mut config: Config = serde_json::from_value(value).map_err(|_| None)?;
    config.version = CONFIG_VERSION;
    Ok(config)
}

/// The settings of the open instance, shared by its services.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    folder: Arc<Path>,
    config: Arc<Mutex<Config>>,
}

impl Settings {
    /// Reads the settings of an instance. A broken file is set aside, and the backup or the defaults are used;
    /// what was found wrong is told beside the settings.
    pub(crate) fn open(folder: &Path, id: &InstanceId, clock: &Clock) -> Result<(Settings, Vec<Explanation>), SettingsError> {
        let path = folder.join("config.json");
        let mut problems = Vec::new();
        let mut config = match read(&path)? {
            Found::Good(config) => *config,
            found => {
                if matches!(found, Found::Broken) {
                    let aside = files::set_aside(&path, clock.now())?;
                    problems.push(Explanation::new("settings_broken").with("instance", id).with("file", aside.display()));
                }
                match read(&files::backup_of(&path))? {
                    Found::Good(config) => *config,
                    _ => Config::default(),
                }
            }
        };
        if config.instance_id.is_empty() {
            config.instance_id = id.to_string();
        }
        if config.instance_id != id.as_str() {
            return Err(SettingsError::OtherInstance { found: config.instance_id });
        }
        let settings = Settings { folder: folder.into(), config: Arc::new(Mutex::new(config)) };
        Ok((settings, problems))
    }

    /// Writes the first settings of a new instance.
    pub(crate) fn create(folder: &Path, config: Config) -> io::Result<Settings> {
        files::make_private_folder(folder)?;
        files::write_whole(&folder.join("config.json"), &to_bytes(&config))?;
        Ok(Settings { folder: folder.into(), config: Arc::new(Mutex::new(config)) })
    }

    /// The instance's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn get(&self) -> Config {
        self.lock().clone()
    }

    /// Changes the settings on disk, then in memory. On an error neither is changed.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Config)) -> io::Result<()> {
        self.write(change, files::write_whole)
    }

    /// As [`change`](Self::change), and no copy of the settings before it remains: a token was among them.
    pub(crate) fn change_without_trace(&self, change: impl FnOnce(&mut Config)) -> io::Result<()> {
        self.write(change, files::write_without_trace)
    }

    fn write(&self, change: impl FnOnce(&mut Config), write: fn(&Path, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut config = self.lock();
        let mut changed = config.clone();
        change(&mut changed);
        if changed != *config {
            write(&self.folder.join("config.json"), &to_bytes(&changed))?;
            *config = changed;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A watched folder's place on disk.
    pub(crate) fn place(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

enum Found {
    Good(Box<Config>),
    Broken,
    Nothing,
}

fn read(path: &Path) -> Result<Found, SettingsError> {
    let bytes = match files::read_bounded(path, files::SETTINGS_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(Found::Broken),
        Err(error) => return Err(error.into()),
    };
    match parse(&bytes) {
        Ok(config) => Ok(Found::Good(Box::new(config))),
        Err(None) => Ok(Found::Broken),
        Err(Some(error)) => Err(error),
    }
}

fn to_bytes(config: &Config) -> Vec<u8> {
    // A map of plain values cannot fail to be written.
    serde_json::to_vec_pretty(config).unwrap_or_default()
}

/// The sealed token in an instance's folder. Reads only.
pub(crate) fn sealed_token(folder: &Path) -> Option<String> {
    match read(&folder.join("config.json")) {
        Ok(Found::Good(config)) => Some(config.connection.token_encrypted).filter(|sealed| !sealed.is_empty()),
        _ => None,
    }
}

/// The folder for everything of this person: `ANDON_HOME`, else the platform's own place. A choice on the command line comes first.
pub fn data_folder(chosen: Option<PathBuf>) -> PathBuf {
    let home = || std::env::var_os("ANDON_HOME").filter(|text| !text.is_empty()).map(PathBuf::from);
    let roaming = || {
        directories::BaseDirs::new().map(|dirs| if cfg!(windows) { dirs.data_dir().join("Andon") } else { dirs.data_dir().join("andon") })
    };
    let folder = chosen.or_else(home).or_else(roaming).unwrap_or_else(|| PathBuf::from("andon-data"));
    std::path::absolute(&folder).unwrap_or(folder)
}

#[cfg(test)]
mod tests;
