//! How requests reach the server: straight, or in at the tunnel's local end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;

use crate::client::server_url::ServerUrl;

/// Where a request goes in, as of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entry {
    /// There is no tunnel: straight to the server.
    #[default]
    Direct,
    /// The tunnel is being opened.
    Opening,
    Open(SocketAddr),
    /// There is no way now.
    Closed {
        needs_person: bool,
    },
}

/// Follows the tunnel.
#[derive(Clone)]
pub(crate) struct Way(watch::Receiver<Entry>);

/// The tunnel is down, and requests do not go out in any other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) needs_person: bool,
}

/// How long a request waits for a tunnel that is being opened.
const PATIENCE: Duration = Duration::from_secs(10);

impl Way {
    pub(crate) fn new(entry: watch::Receiver<Entry>) -> Way {
        Way(entry)
    }

    /// Straight to the server, always.
    pub(crate) fn direct() -> Way {
        Way(watch::channel(Entry::Direct).1)
    }

    /// The way to this server: the line server in this very program is never looked for behind a tunnel.
    pub(crate) fn to(&self, server: &ServerUrl, built_in: &watch::Receiver<Option<String>>) -> Way {
        let is_built_in = built_in.borrow().as_deref() == Some(server.to_string().as_str());
        if is_built_in { Way::direct() } else { self.clone() }
    }

    pub(crate) fn entry(&self) -> Entry {
        *self.0.borrow()
    }

    pub(crate) fn is_tunnel(&self) -> bool {
        self.entry() != Entry::Direct
    }

    /// Returns when the tunnel has changed since this was asked last; never once nobody changes it any more.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The tunnel's local end, once it is open; `None` where there is no tunnel.
    pub(crate) async fn local_end(&self) -> Result<Option<SocketAddr>, Blocked> {
        let mut entry = self.0.clone();
        let settled = entry.wait_for(|entry| *entry != Entry::Opening);
        let entry = match tokio::time::timeout(PATIENCE, settled).await {
            Ok(Ok(entry)) => *entry,
            _ => Entry::Closed { needs_person: false },
        };
        match entry {
            Entry::Direct => Ok(None),
            Entry::Open(address) => Ok(Some(address)),
            Entry::Closed { needs_person } => Err(Blocked { needs_person }),
            Entry::Opening => Err(Blocked { needs_person: false }),
        }
    }
}
