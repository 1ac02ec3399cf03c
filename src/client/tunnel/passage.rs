//! A tunnel for a few questions: opened before the first, gone with the one who asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Entry, Key, Pin, TunnelError, Way, forward, resolved};
use crate::client::explain::Explanation;
use crate::client::instances::{LockError, OwnerLock};
use crate::client::settings::{Config, Settings, TunnelConfig};
use crate::client::vault::Vault;
use crate::domain::InstanceId;
use crate::domain::tunnel::Fault;
use crate::support::clock::Clock;

/// An open tunnel. Runs while its runtime does.
pub(crate) struct Passage {
    _task: AbortOnDropHandle<Result<(), TunnelError>>,
    entry: watch::Sender<Entry>,
}

impl Passage {
    /// Where an instance has no tunnel, or none was asked for, requests go straight.
    pub(crate) fn way_of(passage: Option<&Passage>) -> Way {
        passage.map_or_else(Way::direct, |passage| Way::new(passage.entry.subscribe()))
    }

    /// Opens it on a local port that is free, beside whatever other program holds the instance's own tunnel.
    async fn open(home: &Home) -> Result<Passage, Explanation> {
        let config = &home.config;
        let mut settings = resolved(&config.settings, &home.folder);
        settings.local_port = 0;
        let settings = Arc::new(settings);
        let told = |error: TunnelError| error.explain(&settings);
        settings.check().map_err(|field| told(Fault::Incomplete(field).into()))?;
        let (sender, mut news) = mpsc::channel(1);
        let key = Key { vault: home.vault.clone(), typed: None };
        let hold = forward::hold(settings.clone(), key, Pin::of(&config.host_key), sender, CancellationToken::new());
        let mut task = AbortOnDropHandle::new(tokio::spawn(hold));
        tokio::select! {
            Some(news) = news.recv() => {
                home.keep_pin(news.host_key).await?;
                Ok(Passage { _task: task, entry: watch::Sender::new(Entry::Open(news.local_end)) })
            }
            ended = &mut task => Err(told(match ended {
                Ok(Err(error)) => error,
                _ => Fault::Disconnected.into(),
            })),
        }
    }
}

/// The instance that the tunnel belongs to.
#[derive(Clone, Debug)]
struct Home {
    config: TunnelConfig,
    id: String,
    folder: PathBuf,
    vault: Vault,
}

impl Home {
    /// Keeps the host key of the first meeting: nobody else's is taken from then on.
    async fn keep_pin(&self, host_key: String) -> Result<(), Explanation> {
        if !self.config.host_key.is_empty() {
            return Ok(());
        }
        let (id, folder) = (self.id.clone(), self.folder.clone());
        let kept = spawn_blocking(move || pin(&id, &folder, host_key)).await.unwrap_or_else(|error| Err(error.to_string()));
        kept.map_err(|detail| Explanation::new("disk_failed").detail(detail))
    }
}

/// Where another program owns the instance, that one holds its tunnel and keeps the key itself.
fn pin(id: &str, folder: &Path, host_key: String) -> Result<(), String> {
    let _lock = match OwnerLock::take(folder) {
        Ok(lock) => lock,
        Err(LockError::Owned) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let id = InstanceId::parse(id).map_err(|error| error.to_string())?;
    let (settings, _) = Settings::open(folder, &id, &Clock::system()).map_err(|error| error.to_string())?;
    settings.change(|config| config.tunnel.host_key = host_key).map_err(|error| error.to_string())
}

/// How a program comes to a server that it does not own an instance for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approach(Option<Home>);

impl Approach {
    /// The instance's own: through its tunnel, if it has one. The server built into a program is never behind it.
    pub(crate) fn of(config: &Config, folder: &Path, vault: &Vault) -> Approach {
        let tunnelled = config.tunnel.settings.enabled && !config.connection.built_in_line;
        Approach(tunnelled.then(|| Home {
            config: config.tunnel.clone(),
            id: config.instance_id.clone(),
            folder: folder.to_owned(),
            vault: vault.clone(),
        }))
    }

    pub(crate) async fn open(&self) -> Result<Option<Passage>, Explanation> {
        match &self.0 {
            Some(home) => Passage::open(home).await.map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_key_of_the_first_meeting_is_kept_by_whoever_owns_the_instance() {
        let folder = tempfile::tempdir().unwrap();
        let kept = || Settings::open(folder.path(), &InstanceId::parse("eol").unwrap(), &Clock::system()).unwrap().0.get().tunnel.host_key;
        Settings::create(folder.path(), Config { instance_id: "eol".to_owned(), ..Config::default() }).unwrap();
        let owner = OwnerLock::take(folder.path()).unwrap();
        pin("eol", folder.path(), "ssh-ed25519 A".to_owned()).unwrap();
        assert_eq!(kept(), "", "another program has it, and keeps it itself");
        drop(owner);
        pin("eol", folder.path(), "ssh-ed25519 A".to_owned()).unwrap();
        assert_eq!(kept(), "ssh-ed25519 A");
    }
}
