//! The format before: `service_address` and a plain `api_token`. The token is sealed, every plain copy is wiped.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::registry::{Registry, Row};
use super::{InstancesError, OwnerLock};
use crate::client::files;
use crate::client::server_url::ServerUrl;
use crate::client::settings::{Config, FolderConfig, Settings};
use crate::client::vault::Vault;
use crate::domain::InstanceId;
use crate::support::secret::Secret;

/// What an old file says that we need.
struct Old {
    server_url: String,
    token: Secret,
    name: String,
    rest: Map<String, Value>,
}

const NAMES: [&str; 2] = ["config.json", "client_config.json"];

/// Takes over the old format where the instance's folder has it. `true` if there was something to take over.
fn adopt_old_format(folder: &Path, id: &InstanceId, vault: &Vault) -> Result<bool, InstancesError> {
    let Some(old) = find(folder)? else { return Ok(false) };
    let config = convert(&old, id, None, vault)?;
    write(folder, &config)?;
    wipe_copies(folder, &old.token)?;
    Ok(true)
}

impl Registry {
    /// Takes over an instance from a file or folder: an old format becomes a new instance, a folder of ours is registered where it lies.
    pub(crate) fn import(&mut self, from: &Path, vault: &Vault) -> Result<InstanceId, InstancesError> {
        let nothing = || InstancesError::NothingToImport(from.display().to_string());
        let from = std::path::absolute(from)?;
        let folder = if from.is_dir() { from.clone() } else { from.parent().ok_or_else(nothing)?.to_owned() };
        let _changing = self.begin_change()?;
        if let Some(old) = find(&folder)? {
            let suggested = if old.name.is_empty() { folder.file_name().unwrap_or_default().to_string_lossy() } else { (&old.name).into() };
            let id = self.free_id(&InstanceId::from_name(&suggested));
            let config = convert(&old, &id, Some(&suggested), vault)?;
            self.add(&id, config)?;
            wipe_copies(&folder, &old.token)?;
            return Ok(id);
        }
        if folder == self.data() {
            return Err(nothing());
        }
        let bytes = files::read_bounded(&folder.join("config.json"), files::SETTINGS_LIMIT).map_err(|_| nothing())?;
        let config: Config = serde_json::from_slice(&bytes).map_err(|_| nothing())?;
        let id = InstanceId::parse(&config.instance_id).map_err(|_| nothing())?;
        if self.is_taken(&id) {
            return Err(InstancesError::Taken(id));
        }
        drop(OwnerLock::take(&folder).map_err(|error| InstancesError::from_lock(error, &id))?);
        let name = if config.instance_name.is_empty() { id.to_string() } else { config.instance_name };
        let application = config.instance_type;
        self.register(Row { id: id.clone(), name, path: folder, application, last_used: None, rest: Map::new() })?;
        Ok(id)
    }
}

fn find(folder: &Path) -> Result<Option<Old>, InstancesError> {
    for name in NAMES {
        let path = folder.join(name);
        for path in [path.clone(), files::backup_of(&path)] {
            let Ok(bytes) = files::read_bounded(&path, files::SETTINGS_LIMIT).map(zeroize::Zeroizing::new) else { continue };
            if let Some(old) = read(&bytes) {
                return Ok(Some(old));
            }
        }
    }
    Ok(None)
}

fn read(bytes: &[u8]) -> Option<Old> {
    let mut map: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    if !map.contains_key("service_address") && !map.contains_key("api_token") {
        return None;
    }
    let mut take = |key: &str| match map.shift_remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (server_url, token, name) = (take("service_address"), Secret::new(take("api_token")), take("instance_name"));
    for key in ["instance_id", "version", "schema_version", "connection_state"] {
        map.shift_remove(key);
    }
    let mut rest = Value::Object(map);
    scrub(&mut rest, &token);
    let Value::Object(rest) = rest else { return None };
    Some(Old { server_url, token, name, rest })
}

/// Empties every text that holds the token.
fn scrub(value: &mut Value, token: &Secret) {
    match value {
        Value::String(text) if !token.is_empty() && text.contains(token.expose()) => text.clear(),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, token)),
        Value::Object(map) => map.values_mut().for_each(|item| scrub(item, token)),
        _ => {}
    }
}

fn convert(old: &Old, id: &InstanceId, name: Option<&str>, vault: &Vault) -> Result<Config, InstancesError> {
    // Keys that both formats know come along by name; what does not fit stays among the unknown ones.
    let mut config: Config = serde_json::from_value(Value::Object(old.rest.clone()))
        .unwrap_or_else(|_| Config { watched_folders: vec![FolderConfig::default()], ..Config::default() });
    config.instance_id = id.to_string();
    config.instance_name = name.unwrap_or(&old.name).to_owned();
    let address = ServerUrl::parse(&old.server_url);
    if let Err(error) = &address
        && !old.token.is_empty()
    {
        // Sealed for no server it could not be opened, and its plain copies would be wiped.
        return Err(InstancesError::OldAddress(error.clone()));
    }
    config.connection.allow_plain_http = address.as_ref().is_ok_and(ServerUrl::is_plain_http);
    if let Ok(address) = address {
        config.connection.server_url = address.to_string();
        // Whoever answers first is the server: the old format did not tell servers apart.
        config.connection.server_id.clear();
        if !old.token.is_empty() {
            let sealed = vault.seal(&old.token, id, &config.connection.server_url)?;
            config.connection.token_encrypted = sealed.text;
            config.connection.connection_state = "Connected".to_owned();
        }
    }
    Ok(config)
}

fn write(folder: &Path, config: &Config) -> Result<(), InstancesError> {
    let bytes = serde_json::to_vec_pretty(config).map_err(std::io::Error::from)?;
    Ok(files::write_without_trace(&folder.join("config.json"), &bytes)?)
}

/// Wipes every version of the old files that still holds the plain token or the old format.
fn wipe_copies(folder: &Path, token: &Secret) -> Result<(), InstancesError> {
    let mut stale: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !NAMES.iter().any(|known| name.starts_with(known)) {
            continue;
        }
        let Ok(bytes) = files::read_bounded(&entry.path(), files::SETTINGS_LIMIT).map(zeroize::Zeroizing::new) else { continue };
        let holds = !token.is_empty() && bytes.windows(token.expose().len()).any(|window| window == token.expose().as_bytes());
        if holds || read(&bytes).is_some() {
            stale.push(entry.path());
        }
    }
    for path in stale {
        files::wipe(&path)?;
    }
    Ok(())
}

/// Settings are opened through here, so that an old format is taken over first.
pub(crate) fn open_settings(
    folder: &Path,
    id: &InstanceId,
    vault: &Vault,
    clock: &crate::support::clock::Clock,
) -> Result<(Settings, Vec<crate::client::Explanation>), InstancesError> {
    let adopted = adopt_old_format(folder, id, vault)?;
    let (settings, mut problems) = Settings::open(folder, id, clock).map_err(|error| InstancesError::from_settings(error, id))?;
    if adopted {
        problems.push(crate::client::Explanation::new("old_format_adopted").with("instance", id));
    }
    Ok((settings, problems))
}
