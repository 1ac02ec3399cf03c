//! A tunnel for a few questions: opened before the first, gone with the one who asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Entry, Key, Pin, TunnelError, Way, forward, resolved};
use crate::client::explain::Explanation;
use crate::client::settings::{Config, TunnelConfig};
use crate::client::vault::Vault;
use crate::domain::tunnel::Fault;

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
    async fn open(config: &TunnelConfig, folder: &Path, vault: &Vault) -> Result<Passage, Explanation> {
        let mut settings = resolved(&config.settings, folder);
        settings.local_port = 0;
        let settings = Arc::new(settings);
        let told = |error: TunnelError| error.explain(&settings);
        settings.check().map_err(|field| told(Fault::Incomplete(field).into()))?;
        let (sender, mut news) = mpsc::channel(1);
        let key = Key { vault: vault.clone(), typed: None };
        let hold = forward::hold(settings.clone(), key, Pin::of(&config.host_key), sender, CancellationToken::new());
        let mut task = AbortOnDropHandle::new(tokio::spawn(hold));
        tokio::select! {
            Some(news) = news.recv() => Ok(Passage { _task: task, entry: watch::Sender::new(Entry::Open(news.local_end)) }),
            ended = &mut task => Err(told(match ended {
                Ok(Err(error)) => error,
                _ => Fault::Disconnected.into(),
            })),
        }
    }
}

/// How a program comes to a server that it does not own an instance for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approach(Option<(TunnelConfig, PathBuf, Vault)>);

impl Approach {
    /// The instance's own: through its tunnel, if it has one. The server built into a program is never behind it.
    pub(crate) fn of(config: &Config, folder: &Path, vault: &Vault) -> Approach {
        let tunnelled = config.tunnel.settings.enabled && !config.connection.built_in_line;
        Approach(tunnelled.then(|| (config.tunnel.clone(), folder.to_owned(), vault.clone())))
    }

    pub(crate) async fn open(&self) -> Result<Option<Passage>, Explanation> {
        match &self.0 {
            Some((config, folder, vault)) => Passage::open(config, folder, vault).await.map(Some),
            None => Ok(None),
        }
    }
}
