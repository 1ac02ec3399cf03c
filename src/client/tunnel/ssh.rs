//! One SSH connection: reached, its host key held against the pinned one, the user let in by key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelOpenFailure, Preferred};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::TunnelError;
use crate::domain::tunnel::{Fault, TunnelSettings};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For key exchange and sign-in together.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(20);
/// For one way through the tunnel to be opened.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(15);
/// A server that is silent so long is asked for a sign of life, and given up after three.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: usize = 3;

/// An open SSH connection.
pub(super) struct Session {
    pub(super) handle: Handle<Guard>,
    /// Cancelled when the connection is over, whoever ended it.
    pub(super) over: CancellationToken,
    /// The server's host key, as one line of OpenSSH.
    pub(super) host_key: String,
}

/// A host key's fingerprint, `SHA256:…`, as `ssh-keygen -l` shows it; empty for what is no key.
pub(crate) fn fingerprint(host_key: &str) -> String {
    PublicKey::from_openssh(host_key).map(|key| key.fingerprint(HashAlg::Sha256).to_string()).unwrap_or_default()
}

/// Which host keys are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// None is known yet: whichever is met.
    Any,
    /// This one alone, as a line of OpenSSH.
    Key(String),
    /// The one a person has looked at and trusts, by its fingerprint.
    Print(String),
}

impl Pin {
    pub(crate) fn of(host_key: &str) -> Pin {
        if host_key.is_empty() { Pin::Any } else { Pin::Key(host_key.to_owned()) }
    }

    fn is_good(&self, found: &PublicKey) -> bool {
        match self {
            Pin::Any => true,
            // A line that cannot be read is no reason to trust anybody.
            Pin::Key(line) => PublicKey::from_openssh(line).is_ok_and(|known| known.key_data() == found.key_data()),
            Pin::Print(print) => *print == found.fingerprint(HashAlg::Sha256).to_string(),
        }
    }

    fn print(&self) -> String {
        match self {
            Pin::Any => String::new(),
            Pin::Key(line) => fingerprint(line),
            Pin::Print(print) => print.clone(),
        }
    }
}

/// Connects and signs in.
pub(super) async fn open(settings: &TunnelSettings, key: PrivateKey, pin: &Pin) -> Result<Session, TunnelError> {
    let unreachable = |detail: String| TunnelError::new(Fault::Unreachable, detail);
    let connecting = TcpStream::connect((settings.host.as_str(), settings.port));
    let stream = tokio::time::timeout(CONNECT_LIMIT, connecting).await.map_err(|_| unreachable("no answer in time".to_owned()))?;
    let stream = stream.map_err(|error| unreachable(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    let signing_in = sign_in(settings, key, pin, stream);
    tokio::time::timeout(SIGN_IN_LIMIT, signing_in).await.map_err(|_| TunnelError::new(Fault::NotSsh, "no answer in time"))?
}

async fn sign_in(settings: &TunnelSettings, key: PrivateKey, pin: &Pin, stream: TcpStream) -> Result<Session, TunnelError> {
    let over = CancellationToken::new();
    let met = Arc::new(Mutex::new(None));
    let guard = Guard { pin: pin.clone(), met: met.clone(), _over: over.clone().drop_guard() };
    let connected = client::connect_stream(Arc::new(config(pin)), stream, guard).await;
    let found = met.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(found) = found.as_ref().filter(|found| !pin.is_good(found)) {
        let found = found.fingerprint(HashAlg::Sha256).to_string();
        return Err(Fault::HostKeyChanged { known: pin.print(), found }.into());
    }
    let mut handle = connected.map_err(|error| TunnelError::new(Fault::NotSsh, error))?;
    let host_key = found.and_then(|key| key.to_openssh().ok()).ok_or(Fault::NotSsh)?;
    let broke = |error: russh::Error| TunnelError::new(Fault::Disconnected, error);
    let hash = match key.algorithm().is_rsa() {
        // SHA-1 is never used, whatever an old server wishes.
        true => handle.best_supported_rsa_hash().await.map_err(broke)?.flatten().or(Some(HashAlg::Sha256)),
        false => None,
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    // A server that hangs up at this point has had enough of wrong keys.
    let answer = handle.authenticate_publickey(settings.user.as_str(), key).await;
    match answer {
        Ok(client::AuthResult::Success) => Ok(Session { handle, over, host_key }),
        Ok(client::AuthResult::Failure { partial_success: true, .. }) => {
            Err(TunnelError::new(Fault::KeyRefused, "the server wants more than a key"))
        }
        Ok(client::AuthResult::Failure { .. }) => Err(Fault::KeyRefused.into()),
        Err(error) => Err(broke(error)),
    }
}

fn config(pin: &Pin) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    if let Pin::Key(line) = pin
        && let Ok(known) = PublicKey::from_openssh(line)
    {
        // A server with several host keys shows the one that is known, not the one that is newest.
        let kind = |algorithm: &Algorithm| match (algorithm, known.algorithm()) {
            (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
            (one, other) => *one == other,
        };
        let mut keys = preferred.key.to_vec();
        keys.sort_by_key(|algorithm| !kind(algorithm));
        preferred.key = keys.into();
    }
    client::Config {
        preferred,
        keepalive_interval: Some(KEEP_ALIVE),
        keepalive_max: KEEP_ALIVES,
        nodelay: true,
        ..client::Config::default()
    }
}

impl Session {
    /// Asks whether the server forwards to where the tunnel goes. That nothing answers there yet is no fault of the tunnel.
    pub(super) async fn try_forwarding(&self, settings: &TunnelSettings) -> Result<(), TunnelError> {
        let opening = self.handle.channel_open_direct_tcpip(&settings.remote_host, settings.remote_port.into(), "127.0.0.1", 0);
        match tokio::time::timeout(OPEN_LIMIT, opening).await {
            Ok(Ok(channel)) => {
                let _ = channel.close().await;
                Ok(())
            }
            Ok(Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited))) => {
                Err(Fault::ForwardingRefused.into())
            }
            Ok(Err(russh::Error::ChannelOpenFailure(_))) | Err(_) => Ok(()),
            Ok(Err(error)) => Err(TunnelError::new(Fault::Disconnected, error)),
        }
    }
}

/// Meets the server's host key.
pub(super) struct Guard {
    pin: Pin,
    met: Arc<Mutex<Option<PublicKey>>>,
    /// Falls when the connection's task ends.
    _over: DropGuard,
}

impl client::Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let found = key.public_key();
        let good = self.pin.is_good(&found);
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2pr+Bfus1hvPof4Wb/plZCzSbqadHH0u+/f4ODtKnE";

    #[test]
    fn a_pin_is_met_by_its_own_key_alone() {
        let key = |line| PublicKey::from_openssh(line).unwrap();
        assert!(Pin::of("").is_good(&key(ONE)));
        assert!(Pin::of(ONE).is_good(&key(ONE)) && !Pin::of(ONE).is_good(&key(OTHER)));
        assert!(Pin::of(&format!("{ONE} a comment")).is_good(&key(ONE)));
        assert!(Pin::Print(fingerprint(ONE)).is_good(&key(ONE)) && !Pin::Print(fingerprint(ONE)).is_good(&key(OTHER)));
    }

    #[test]
    fn a_pin_that_cannot_be_read_trusts_nobody() {
        assert!(!Pin::of("ssh-ed25519 nonsense").is_good(&PublicKey::from_openssh(ONE).unwrap()));
        assert_eq!(fingerprint("nonsense"), "");
    }

    #[test]
    fn the_kind_of_the_pinned_key_is_asked_for_first() {
        let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";
        assert_eq!(config(&Pin::of(ONE)).preferred.key[0], Algorithm::Ed25519);
        assert!(matches!(config(&Pin::of(ecdsa)).preferred.key[0], Algorithm::Ecdsa { .. }));
    }
}
