//! The operating system's keyring, which may be away, locked, or ask a person: no call waits for ever.

use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

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

/// One call at a time: behind one that hangs others would only hang as well.
#[derive(Default)]
struct Turn {
    taken: Mutex<bool>,
    free: Condvar,
}

/// Gives the turn back, however the call ended.
struct Taken(Arc<Turn>);

impl Turn {
    /// Waits for the turn no longer than `limit`.
    fn take(turn: &Arc<Turn>, limit: Duration) -> Option<Taken> {
        let taken = turn.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = turn.free.wait_timeout_while(taken, limit, |taken| *taken).unwrap_or_else(PoisonError::into_inner);
        (!std::mem::replace(&mut *taken, true)).then(|| Taken(turn.clone()))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}

fn within<T: Send + 'static>(call: impl FnOnce() -> keyring::v1::Result<T> + Send + 'static) -> Result<T, VaultError> {
    static TURN: LazyLock<Arc<Turn>> = LazyLock::new(Arc::default);
    in_turn(&TURN, LIMIT, call)
}

/// Runs a keyring call on a thread of its own and waits no longer than the limit. A call that hangs is left behind, with its turn.
fn in_turn<T: Send + 'static>(
    turn: &Arc<Turn>,
    limit: Duration,
    call: impl FnOnce() -> keyring::v1::Result<T> + Send + 'static,
) -> Result<T, VaultError> {
    let started = Instant::now();
    let taken = Turn::take(turn, limit).ok_or(VaultError::KeyringUnreachable)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new().name("andon-keyring".to_owned()).spawn(move || {
        let answer = call();
        drop(taken);
        let _ = sender.send(answer);
    });
    if spawned.is_err() {
        return Err(VaultError::KeyringUnreachable);
    }
    match receiver.recv_timeout(limit.saturating_sub(started.elapsed())) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(keyring::v1::Error::NoEntry)) => Err(VaultError::KeyMissing),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the keyring refused");
            Err(VaultError::KeyringUnreachable)
        }
        Err(_) => Err(VaultError::KeyringUnreachable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_call_that_hangs_no_other_begins_and_after_it_all_goes_on() {
        let (turn, limit) = (Arc::default(), Duration::from_millis(50));
        let (hang, hanging) = mpsc::channel::<()>();
        let hung = in_turn(&turn, limit, move || {
            let _ = hanging.recv();
            Ok(())
        });
        let next = in_turn(&turn, limit, || -> keyring::v1::Result<()> { panic!("it began") });
        assert_eq!((hung, next), (Err(VaultError::KeyringUnreachable), Err(VaultError::KeyringUnreachable)));
        drop(hang);
        assert_eq!(in_turn(&turn, Duration::from_secs(10), || Ok(7)), Ok(7));
    }
}
