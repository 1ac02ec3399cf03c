//! What stands in `config.json`: every key that this program knows, and what holds where it is missing.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::explain::Explanation;
use crate::client::queue::Limits;
use crate::client::roots;
use crate::domain::instance::Application;
use crate::domain::tunnel::TunnelSettings;

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
