//! The operating system's keyring, which may be away, locked, or ask a person: no call waits for ever.

use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{KeyBytes, VaultError};

/// Where random keys are kept for this person.
#[derive(Clone, Debug)]
pub(super) enum Keyring {
    System,
    Absent,
    #[cfg(test)]
    Memory(super::tests::Shelf),
}

const SERVICE: &str = "andon";
/// A locked keyring asks the person, who may be away.
const LIMIT: Duration = Duration::from_secs(20);

impl Keyring {
    pub(super) fn get_key(&self, name: &str) -> Result<KeyBytes, VaultError> {
        let bytes = <[u8; 32]>::try_from(self.get(name)?.as_slice()).map_err(|_| VaultError::KeyMissing)?;
        Ok(Zeroizing::new(bytes))
    }

    pub(super) fn get(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match self {
            Keyring::System => {
                let name = name.to_owned();
                within(move || keyring::Entry::new(SERVICE, &name)?.get_secret().map(Zeroizing::new))
            }
            Keyring::Absent => Err(VaultError::KeyMissing),
            #[cfg(test)]
            Keyring::Memory(shelf) => shelf.get(name),
        }
    }

    pub(super) fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        match self {
            Keyring::System => {
                let (name, secret) = (name.to_owned(), Zeroizing::new(secret.to_vec()));
                within(move || keyring::Entry::new(SERVICE, &name)?.set_secret(&secret))
            }
            Keyring::Absent => Err(VaultError::KeyMissing),
            #[cfg(test)]
            Keyring::Memory(shelf) => shelf.set(name, secret),
        }
    }

    pub(super) fn delete(&self, name: &str) -> Result<(), VaultError> {
        match self {
            Keyring::System => {
                let name = name.to_owned();
                within(move || keyring::Entry::new(SERVICE, &name)?.delete_credential())
            }
            Keyring::Absent => Ok(()),
            #[cfg(test)]
            Keyring::Memory(shelf) => shelf.delete(name),
        }
    }
}

/// Runs a keyring call on a thread of its own and waits no longer than the limit. A call that hangs is left behind.
fn within<T: Send + 'static>(call: impl FnOnce() -> keyring::v1::Result<T> + Send + 'static) -> Result<T, VaultError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new().name("andon-keyring".to_owned()).spawn(move || {
        let _ = sender.send(call());
    });
    if spawned.is_err() {
        return Err(VaultError::KeyringUnreachable);
    }
    match receiver.recv_timeout(LIMIT) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(keyring::v1::Error::NoEntry)) => Err(VaultError::KeyMissing),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the keyring refused");
            Err(VaultError::KeyringUnreachable)
        }
        Err(_) => Err(VaultError::KeyringUnreachable),
    }
}
