//! One instance's `config.json`: a typed view that keeps every key it does not know.
//! One handle, one writer at a time; each change is on disk before it is seen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::explain::Explanation;
use super::queue::Limits;
use super::{files, roots};
use crate::domain::InstanceId;
use crate::domain::instance::Application;
use crate::domain::tunnel::TunnelSettings;
use crate::support::clock::Clock;

/// The newest layout of `config.json` that this program writes.
pub(crate) const CONFIG_VERSION: u64 = 1;
/// Seconds between health probes.
pub(crate) const HEALTH_INTERVAL_SECS: std::ops::RangeInclusive<u32> = 5..=3600;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) version: u64,
    pub(crate) instance_id: String,
    pub(crate) instance_name: String,
    pub(crate) instance_type: Application,
    pub(crate) connection: ConnectionConfig,
    pub(crate) watched_folders: Vec<FolderConfig>,
    #[serde(rename = "yield")]
    pub(crate) yields: YieldConfig,
    pub(crate) queue: QueueConfig,
    pub(crate) tunnel: TunnelConfig,
    /// Whether the person was told that there is no keyring.
    pub(crate) keyring_notice_shown: bool,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConnectionConfig {
    pub(crate) server_url: String,
    /// The line server's own id; the address where a server has none.
    pub(crate) server_id: String,
    /// Sealed by the vault; empty without a token.
    pub(crate) token_encrypted: String,
    pub(crate) connection_state: String,
    pub(crate) last_connected: Option<DateTime<Utc>>,
    pub(crate) username: String,
    /// Seconds, 5 to 3600.
    pub(crate) health_check_interval: u32,
    pub(crate) auto_reconnect: bool,
    pub(crate) allow_plain_http: bool,
    /// PEM file with the plant's own certificate authorities, trusted beside the machine's. Relative paths start at the
    /// instance's folder; empty for none.
    #[serde(skip_serializing_if = "path_is_empty")]
    pub(crate) ca_file: PathBuf,
    /// The server is the one built into this program: it is started along.
    pub(crate) built_in_line: bool,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FolderConfig {
    /// Relative paths start at the instance's folder.
    pub(crate) path: PathBuf,
    pub(crate) enabled: bool,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct YieldConfig {
    /// Ratio, 0 to 1; `null` for no target.
    pub(crate) target: Option<f64>,
    pub(crate) part_number: String,
    pub(crate) process: String,
    /// `last_eight_hours`, `today` or `last_seven_days`.
    pub(crate) period: String,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct QueueConfig {
    pub(crate) limit_reports: u64,
    pub(crate) limit_bytes: u64,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// The SSH tunnel to the server. The key's passphrase is in the keyring alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TunnelConfig {
    #[serde(flatten)]
    pub(crate) settings: TunnelSettings,
    /// The SSH server's host key as one line of OpenSSH, since the first use; empty before.
    pub(crate) host_key: String,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl TunnelConfig {
    /// Changes the settings. A host key is known of its own host only.
    pub(crate) fn set(&mut self, settings: TunnelSettings) {
        if settings.server() != self.settings.server() {
            self.host_key.clear();
        }
        self.settings = settings;
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            version: CONFIG_VERSION,
            instance_id: String::new(),
            instance_name: String::new(),
            instance_type: Application::default(),
            connection: ConnectionConfig::default(),
            watched_folders: vec![FolderConfig::default()],
            yields: YieldConfig::default(),
            queue: QueueConfig::default(),
            tunnel: TunnelConfig::default(),
            keyring_notice_shown: false,
            rest: Map::new(),
        }
    }
}

impl Default for ConnectionConfig {
    fn default() -> ConnectionConfig {
        ConnectionConfig {
            server_url: String::new(),
            server_id: String::new(),
            token_encrypted: String::new(),
            connection_state: "Not Connected".to_owned(),
            last_connected: None,
            username: String::new(),
            health_check_interval: 30,
            auto_reconnect: true,
            allow_plain_http: false,
            ca_file: PathBuf::new(),
            built_in_line: false,
            rest: Map::new(),
        }
    }
}

fn path_is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl ConnectionConfig {
    /// The further certificate authorities, in DER; none where none are named.
    pub(crate) fn roots(&self, folder: &Path) -> Result<Vec<Vec<u8>>, Explanation> {
        if path_is_empty(&self.ca_file) {
            return Ok(Vec::new());
        }
        let path = folder.join(&self.ca_file);
        roots::read(&path).map_err(|error| Explanation::new("ca_file_unusable").with("file", path.display()).detail(error))
    }

    pub(crate) fn health_interval_secs(&self) -> u32 {
        self.health_check_interval.clamp(*HEALTH_INTERVAL_SECS.start(), *HEALTH_INTERVAL_SECS.end())
    }
}

impl Default for FolderConfig {
    fn default() -> FolderConfig {
        FolderConfig { path: PathBuf::from("converters/inbox"), enabled: true, rest: Map::new() }
    }
}

impl Default for YieldConfig {
    fn default() -> YieldConfig {
        YieldConfig {
            target: Some(0.95),
            part_number: String::new(),
            process: String::new(),
            period: "last_eight_hours".to_owned(),
            rest: Map::new(),
        }
    }
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        let Limits { reports, bytes, .. } = Limits::default();
        QueueConfig { limit_reports: reports, limit_bytes: bytes, rest: Map::new() }
    }
}

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
mod tests {
    use std::fs;

    use super::*;

    fn id() -> InstanceId {
        InstanceId::parse("eol").unwrap()
    }

    fn open(folder: &Path) -> Result<(Settings, Vec<Explanation>), SettingsError> {
        Settings::open(folder, &id(), &Clock::system())
    }

    #[test]
    fn unknown_keys_survive_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"instance_id":"eol","shift_plan":[1,2],"connection":{"server_url":"https://x","proxy":{"a":1}},
            "watched_folders":[{"path":"in","enabled":true,"note":"n"}]}"#;
        fs::write(folder.path().join("config.json"), text).unwrap();
        let (settings, problems) = open(folder.path()).unwrap();
        assert_eq!(problems, []);
        settings.change(|config| config.connection.auto_reconnect = false).unwrap();
        let kept: Value = serde_json::from_slice(&fs::read(folder.path().join("config.json")).unwrap()).unwrap();
        assert_eq!(kept["shift_plan"], serde_json::json!([1, 2]));
        assert_eq!(kept["connection"]["proxy"]["a"], 1);
        assert_eq!(kept["connection"]["auto_reconnect"], false);
        assert_eq!(kept["watched_folders"][0]["note"], "n");
    }

    #[test]
    fn a_tunnel_keeps_its_unknown_keys_and_forgets_the_host_key_of_another_host() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"instance_id":"eol","tunnel":{"enabled":true,"host":"gate","user":"ann","host_key":"ssh-ed25519 A","note":"n"}}"#;
        fs::write(folder.path().join("config.json"), text).unwrap();
        let (settings, _) = open(folder.path()).unwrap();
        let tunnel = settings.get().tunnel;
        assert_eq!((tunnel.settings.host.as_str(), tunnel.settings.port, tunnel.settings.enabled), ("gate", 22, true));
        let with = |change: fn(&mut TunnelSettings)| {
            let mut set = settings.get().tunnel.settings;
            change(&mut set);
            settings.change(|config| config.tunnel.set(set)).unwrap();
            serde_json::from_slice::<Value>(&fs::read(folder.path().join("config.json")).unwrap()).unwrap()["tunnel"].take()
        };
        let kept = with(|set| set.local_port = 7000);
        assert_eq!((&kept["note"], &kept["host_key"], &kept["local_port"]), (&"n".into(), &"ssh-ed25519 A".into(), &7000.into()));
        assert_eq!(with(|set| set.host = "other".into())["host_key"], "");
    }

    #[test]
    fn a_broken_file_is_set_aside_and_the_backup_used() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::create(folder.path(), Config { instance_id: "eol".into(), ..Config::default() }).unwrap();
        settings.change(|config| config.connection.username = "ann".into()).unwrap();
        settings.change(|config| config.connection.username = "bob".into()).unwrap();
        for broken in ["", "{", "[1]", "\u{0}\u{0}", r#"{"connection":7}"#] {
            fs::write(folder.path().join("config.json"), broken).unwrap();
            let (settings, problems) = open(folder.path()).unwrap();
            assert_eq!(settings.get().connection.username, "ann", "{broken:?}");
            assert_eq!(problems[0].key, "settings_broken");
        }
        let aside = fs::read_dir(folder.path()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().contains(".broken-"));
        assert_eq!(aside.count(), 5);
    }

    #[test]
    fn settings_from_the_future_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"version":2,"instance_id":"eol"}"#;
        fs::write(folder.path().join("config.json"), text).unwrap();
        assert!(matches!(open(folder.path()), Err(SettingsError::FromTheFuture { version: 2 })));
        assert_eq!(fs::read_to_string(folder.path().join("config.json")).unwrap(), text);
    }

    #[test]
    fn the_settings_of_another_instance_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), r#"{"instance_id":"other"}"#).unwrap();
        assert!(matches!(open(folder.path()), Err(SettingsError::OtherInstance { .. })));
    }

    #[test]
    fn the_health_interval_stays_in_its_bounds() {
        let clamp = |secs| ConnectionConfig { health_check_interval: secs, ..ConnectionConfig::default() }.health_interval_secs();
        assert_eq!([0, 5, 30, 9999].map(clamp), [5, 5, 30, 3600]);
    }
}
