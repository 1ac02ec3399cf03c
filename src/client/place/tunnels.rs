//! Tunnels of instances as they are on file, and tunnels that the command line holds by itself.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Place, Result, explain};
use crate::client::ending::Ending;
use crate::client::explain::Explanation;
use crate::client::files;
use crate::client::instances::open_settings;
use crate::client::settings::Config;
use crate::client::tunnel::{Key, Lone, Pin, TunnelAsk, TunnelError, TunnelHappening, resolved, run_alone};
use crate::domain::InstanceId;
use crate::domain::tunnel::{Fault, TunnelSettings};

/// Host keys of tunnels that belong to no instance: `host:port` and the key as one line of OpenSSH.
const HOSTS: &str = "tunnel_hosts.json";

impl Place {
    pub fn tunnel(&self, id: &InstanceId) -> Result<TunnelSettings> {
        Ok(self.config(id)?.tunnel.settings)
    }

    /// Keeps the settings in an instance that nobody owns now; from its next start on it goes through the tunnel.
    pub fn set_tunnel(&self, id: &InstanceId, settings: TunnelSettings) -> Result<()> {
        settings.check().map_err(|field| TunnelError::from(Fault::Incomplete(field)).explain(&settings))?;
        self.change(id, move |config| config.tunnel.set(settings))
    }

    /// Whether somebody has to type the passphrase of the tunnel's key before it can open.
    pub fn tunnel_lacks_passphrase(&self, id: Option<&InstanceId>, settings: &TunnelSettings) -> Result<bool> {
        let key_file = resolved(settings, &self.tunnel_folder(id)?).key_file;
        Ok(Key { vault: self.vault.clone(), typed: None }.lacks_passphrase(&key_file))
    }

    /// Where the relative path of a key file starts.
    fn tunnel_folder(&self, id: Option<&InstanceId>) -> Result<PathBuf> {
        match id {
            Some(id) => self.folder(id),
            None => std::env::current_dir().map_err(disk),
        }
    }

    /// Holds a tunnel until `ending`: an instance's own, or one of nobody's where `id` is `None`.
    pub fn run_tunnel(&self, id: Option<&InstanceId>, ask: TunnelAsk, ending: Ending, tell: &mut dyn FnMut(TunnelHappening)) -> Result<()> {
        let settings = resolved(&ask.settings, &self.tunnel_folder(id)?);
        settings.check().map_err(|field| TunnelError::from(Fault::Incomplete(field)).explain(&settings))?;
        let known = match id {
            Some(id) => self.config(id)?.tunnel.host_key,
            None => read_hosts(&self.data.join(HOSTS))?.remove(&settings.server()).unwrap_or_default(),
        };
        let pin = if ask.accept_new_host_key { Pin::Any } else { Pin::of(&known) };
        let lone = Lone {
            key: Key { vault: self.vault.clone(), typed: ask.passphrase },
            keep_passphrase: ask.keep_passphrase,
            pin,
            keep_pin: Box::new(|host_key| self.keep_pin(id, &settings, host_key)),
            settings: settings.clone(),
        };
        run_alone(lone, ending, tell)
    }

    fn keep_pin(&self, id: Option<&InstanceId>, settings: &TunnelSettings, host_key: &str) -> Result<()> {
        let host_key = host_key.to_owned();
        if let Some(id) = id {
            return self.change(id, move |config| config.tunnel.host_key = host_key);
        }
        let path = self.data.join(HOSTS);
        let mut hosts = read_hosts(&path)?;
        hosts.insert(settings.server(), host_key);
        files::make_private_folder(&self.data).map_err(disk)?;
        files::write_whole(&path, &serde_json::to_vec_pretty(&hosts).unwrap_or_default()).map_err(disk)
    }

    fn change(&self, id: &InstanceId, change: impl FnOnce(&mut Config)) -> Result<()> {
        let (folder, _lock) = self.registry.own(id).map_err(explain)?;
        let (settings, _) = open_settings(&folder, id, &self.vault, &self.clock).map_err(explain)?;
        settings.change(change).map_err(disk)
    }
}

fn disk(error: io::Error) -> Explanation {
    Explanation::new("disk_failed").detail(error)
}

/// A list that cannot be read is told, never taken for an empty one: every host would be trusted anew.
fn read_hosts(path: &Path) -> Result<BTreeMap<String, String>> {
    let told = |detail: String| Explanation::new("tunnel_hosts_unreadable").with("file", path.display()).detail(detail);
    match files::read_bounded(path, files::SETTINGS_LIMIT) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| told(error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(told(error.to_string())),
    }
}
