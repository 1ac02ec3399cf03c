//! Seals the station's token, so that it can be opened on this machine and for this server alone.
//! AES-256-GCM under a key drawn by HKDF from the machine's id, a random salt, and a random key in the keyring where there is one.

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::InstanceId;
use crate::support::backoff::Backoff;
use crate::support::secret::Secret;

type KeyBytes = Zeroizing<[u8; 32]>;

/// Opens and seals tokens. Its calls block: the keyring may ask a person.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    machine: Secret,
    keyring: Keyring,
}

/// A sealed token: `andon1.k.SALT.NONCE.TEXT`, where `k` stands for keyring and machine, `m` for the machine alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sealed {
    pub(crate) text: String,
    /// A keyring was wanted and could not be used.
    pub(crate) keyring_missing: bool,
}

/// What a key is drawn from, beside the machine: a random salt, and the part in the keyring where there is one.
pub(crate) struct Key {
    salt: [u8; 32],
    kept: Option<KeyBytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VaultError {
    #[error("not a sealed token")]
    Unreadable,
    #[error("sealed by a newer program")]
    Newer,
    /// Another machine, another instance or another server than it was sealed for.
    #[error("sealed on another machine or for another server")]
    Elsewhere,
    /// Its key is not in this person's keyring, or the keyring is locked, which looks the same.
    #[error("the keyring does not hold its key")]
    KeyMissing,
    #[error("the keyring cannot be reached")]
    KeyringUnreachable,
}

const FORMAT: &str = "andon1";
/// Waits between looks for a keyring that is not there yet, or locked: asking may ask a person.
pub(crate) const PATIENCE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));

impl Vault {
    /// The vault of this machine, with the operating system's keyring if `keyring` says so.
    pub(crate) fn system(keyring: bool) -> Vault {
        Vault { machine: machine_id(), keyring: if keyring { Keyring::System } else { Keyring::Absent } }
    }

    /// The same without the keyring: for what has to open while nobody is there to unlock one.
    pub(crate) fn of_machine(&self) -> Vault {
        Vault { keyring: Keyring::Absent, ..self.clone() }
    }

    /// Seals a token. The only way it fails is a machine that has no random numbers.
    pub(crate) fn seal(&self, token: &Secret, id: &InstanceId, server_url: &str) -> io::Result<Sealed> {
        let key = self.draw_key()?;
        let text = self.seal_with(&key, token, &bound_to(id, server_url))?;
        Ok(Sealed { text, keyring_missing: key.kept.is_none() && !matches!(self.keyring, Keyring::Absent) })
    }

    pub(crate) fn open(&self, sealed: &str, id: &InstanceId, server_url: &str) -> Result<Secret, VaultError> {
        self.open_with(&self.find_key(sealed)?, sealed, &bound_to(id, server_url))
    }

    /// A new key, for one token or for one file that is sealed anew with every change.
    pub(crate) fn draw_key(&self) -> io::Result<Key> {
        let mut salt = [0; 32];
        fill(&mut salt)?;
        let mut kept = KeyBytes::default();
        fill(kept.as_mut())?;
        let stored = self.keyring.set(&entry_name(&salt), kept.as_ref());
        Ok(Key { salt, kept: stored.is_ok().then_some(kept) })
    }

    /// The key of something sealed.
    pub(crate) fn find_key(&self, sealed: &str) -> Result<Key, VaultError> {
        let parts = Parts::parse(sealed)?;
        let kept = match parts.in_keyring {
            true => Some(self.keyring.get_key(&entry_name(&parts.salt))?),
            false => None,
        };
        Ok(Key { salt: parts.salt, kept })
    }

    pub(crate) fn is_key_of(&self, key: &Key, sealed: &str) -> bool {
        Parts::parse(sealed).is_ok_and(|parts| parts.salt == key.salt && parts.in_keyring == key.kept.is_some())
    }

    /// Seals under a key that is at hand. `bound` must be the same when it is opened.
    pub(crate) fn seal_with(&self, key: &Key, plain: &Secret, bound: &[u8]) -> io::Result<String> {
        let mut nonce = [0; 12];
        fill(&mut nonce)?;
        let payload = Payload { msg: plain.expose().as_bytes(), aad: bound };
        let text = self.cipher(key).encrypt(&Nonce::from(nonce), payload).map_err(|_| io::Error::other("it could not be sealed"))?;
        let mode = if key.kept.is_some() { "k" } else { "m" };
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(format!("{FORMAT}.{mode}.{}.{}.{}", encode(&key.salt), encode(&nonce), encode(&text)))
    }

    pub(crate) fn open_with(&self, key: &Key, sealed: &str, bound: &[u8]) -> Result<Secret, VaultError> {
        let parts = Parts::parse(sealed)?;
        let payload = Payload { msg: &parts.text, aad: bound };
        let plain = self.cipher(key).decrypt(&Nonce::from(parts.nonce), payload).map_err(|_| VaultError::Elsewhere)?;
        let plain = Zeroizing::new(plain);
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| VaultError::Unreadable)
    }

    /// Takes the key of a sealed token out of the keyring: nothing opens it any more.
    pub(crate) fn forget(&self, sealed: &str) {
        if let Ok(parts) = Parts::parse(sealed)
            && parts.in_keyring
            && let Err(error) = self.keyring.delete(&entry_name(&parts.salt))
        {
            tracing::warn!(%error, "a key was left in the keyring");
        }
    }

    /// Puts the passphrase of an SSH key into the operating system's keyring, and nowhere else.
    pub(crate) fn keep_passphrase(&self, key_file: &Path, passphrase: &Secret) -> Result<(), VaultError> {
        self.keyring.set(&passphrase_name(key_file), passphrase.expose().as_bytes())
    }

    /// The passphrase of an SSH key; none where the keyring answers and has none.
    pub(crate) fn passphrase(&self, key_file: &Path) -> Result<Option<Secret>, VaultError> {
        match self.keyring.get(&passphrase_name(key_file)) {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().map(Secret::new)),
            Err(VaultError::KeyMissing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the operating system's keyring answers. It is asked for an entry that nobody made.
    pub(crate) fn reaches_keyring(&self) -> bool {
        !matches!(self.keyring, Keyring::Absent) && matches!(self.keyring.get("nothing"), Ok(_) | Err(VaultError::KeyMissing))
    }

    fn cipher(&self, key: &Key) -> Aes256Gcm {
        let machine = self.machine.expose().as_bytes();
        let mut material = Zeroizing::new(Vec::with_capacity(machine.len() + 33));
        material.extend_from_slice(machine);
        if let Some(kept) = &key.kept {
            material.push(0);
            material.extend_from_slice(kept.as_ref());
        }
        let mut bytes = KeyBytes::default();
        // 32 bytes are far below what HKDF can draw, so this cannot fail.
        let _ = Hkdf::<Sha256>::new(Some(&key.salt), &material).expand(b"andon station token", bytes.as_mut());
        Aes256Gcm::new(&(*bytes).into())
    }
}

/// The pieces of a sealed token.
struct Parts {
    in_keyring: bool,
    salt: [u8; 32],
    nonce: [u8; 12],
    text: Vec<u8>,
}

impl Parts {
    fn parse(sealed: &str) -> Result<Parts, VaultError> {
        let parts: Vec<&str> = sealed.split('.').collect();
        let [format, mode, salt, nonce, text] = parts[..] else { return Err(VaultError::Unreadable) };
        if format != FORMAT {
            return Err(if format.starts_with("andon") { VaultError::Newer } else { VaultError::Unreadable });
        }
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| VaultError::Unreadable);
        Ok(Parts {
            in_keyring: match mode {
                "k" => true,
                "m" => false,
                _ => return Err(VaultError::Newer),
            },
            salt: decode(salt)?.try_into().map_err(|_| VaultError::Unreadable)?,
            nonce: decode(nonce)?.try_into().map_err(|_| VaultError::Unreadable)?,
            text: decode(text)?,
        })
    }
}

fn bound_to(id: &InstanceId, server_url: &str) -> Vec<u8> {
    format!("{id}\n{server_url}").into_bytes()
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// Each sealed token has a key of its own in the keyring, so that two folders never take each other's.
fn entry_name(salt: &[u8; 32]) -> String {
    let digest = Sha256::digest(salt);
    format!("station token {}", URL_SAFE_NO_PAD.encode(&digest[..12]))
}

/// A passphrase belongs to its key, whichever instance uses it.
fn passphrase_name(key_file: &Path) -> String {
    let digest = Sha256::digest(key_file.as_os_str().as_encoded_bytes());
    format!("ssh key {}", URL_SAFE_NO_PAD.encode(&digest[..12]))
}

/// What tells this machine from others. Not a secret in itself, and kept like one.
fn machine_id() -> Secret {
    let read = |path| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let first = if cfg!(target_os = "linux") { read("/etc/machine-id") } else { None };
    let other = || machine_uid::get().ok().filter(|id| !id.is_empty());
    let last = || read("/sys/class/dmi/id/product_uuid").or_else(|| read("/proc/sys/kernel/hostname"));
    Secret::new(first.or_else(other).or_else(last).unwrap_or_default())
}

/// Where random keys are kept for this person.
#[derive(Clone, Debug)]
enum Keyring {
    System,
    Absent,
    #[cfg(test)]
    Memory(tests::Shelf),
}

const SERVICE: &str = "andon";
/// A locked keyring asks the person, who may be away.
const LIMIT: Duration = Duration::from_secs(20);

impl Keyring {
    fn get_key(&self, name: &str) -> Result<KeyBytes, VaultError> {
        let bytes = <[u8; 32]>::try_from(self.get(name)?.as_slice()).map_err(|_| VaultError::KeyMissing)?;
        Ok(Zeroizing::new(bytes))
    }

    fn get(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
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

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
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

    fn delete(&self, name: &str) -> Result<(), VaultError> {
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

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    /// A keyring in memory, which can be locked.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Shelf {
        entries: Arc<Mutex<HashMap<String, Vec<u8>>>>,
        locked: Arc<AtomicBool>,
    }

    impl Shelf {
        pub(super) fn get(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
            if self.locked.load(Ordering::SeqCst) {
                return Err(VaultError::KeyringUnreachable);
            }
            self.entries.lock().unwrap().get(name).cloned().map(Zeroizing::new).ok_or(VaultError::KeyMissing)
        }

        pub(super) fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
            if self.locked.load(Ordering::SeqCst) {
                return Err(VaultError::KeyringUnreachable);
            }
            self.entries.lock().unwrap().insert(name.to_owned(), secret.to_vec());
            Ok(())
        }

        pub(super) fn delete(&self, name: &str) -> Result<(), VaultError> {
            self.entries.lock().unwrap().remove(name).map(drop).ok_or(VaultError::KeyMissing)
        }
    }

    /// A vault on a machine of this name, with a keyring in memory.
    pub(crate) fn vault_on(machine: &str) -> Vault {
        Vault { machine: Secret::new(machine), keyring: Keyring::Memory(Shelf::default()) }
    }

    /// Locks or unlocks the keyring in memory of a vault.
    pub(crate) fn lock_keyring(vault: &Vault, locked: bool) {
        if let Keyring::Memory(shelf) = &vault.keyring {
            shelf.locked.store(locked, Ordering::SeqCst);
        }
    }

    fn id() -> InstanceId {
        InstanceId::parse("eol").unwrap()
    }

    const URL: &str = "https://line-a";

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(token in "\\PC{0,300}", url in "[a-z:/.0-9]{1,40}") {
            let vault = vault_on("m1");
            let sealed = vault.seal(&Secret::new(token.clone()), &id(), &url).unwrap();
            prop_assert!(token.len() < 8 || !sealed.text.contains(&token));
            let opened = vault.open(&sealed.text, &id(), &url).unwrap();
            prop_assert_eq!(opened.expose(), token.as_str());
        }

        #[test]
        fn one_changed_character_opens_nothing(at in any::<prop::sample::Index>()) {
            let vault = vault_on("m1");
            let sealed = vault.seal(&Secret::new("token"), &id(), URL).unwrap().text;
            let at = at.index(sealed.len());
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            prop_assert!(vault.open(std::str::from_utf8(&changed).unwrap(), &id(), URL).is_err());
        }

        #[test]
        fn garbage_opens_nothing_and_harms_nothing(text in "\\PC{0,100}") {
            prop_assert!(vault_on("m1").open(&text, &id(), URL).is_err());
        }
    }

    #[test]
    fn a_copied_folder_does_not_open_on_another_machine() {
        let here = vault_on("m1");
        let sealed = here.seal(&Secret::new("token"), &id(), URL).unwrap().text;
        let there = Vault { machine: Secret::new("m2"), ..here.clone() };
        assert_eq!(there.open(&sealed, &id(), URL), Err(VaultError::Elsewhere));
        assert_eq!(vault_on("m1").open(&sealed, &id(), URL), Err(VaultError::KeyMissing));
        assert_eq!(here.open(&sealed, &id(), "https://line-b"), Err(VaultError::Elsewhere));
        assert_eq!(here.open(&sealed, &InstanceId::parse("b").unwrap(), URL), Err(VaultError::Elsewhere));
    }

    #[test]
    fn without_a_keyring_the_machine_alone_seals_and_says_so() {
        let shelf = Shelf { locked: Arc::new(true.into()), ..Shelf::default() };
        let vault = Vault { machine: Secret::new("m1"), keyring: Keyring::Memory(shelf) };
        let sealed = vault.seal(&Secret::new("token"), &id(), URL).unwrap();
        assert!(sealed.keyring_missing && sealed.text.starts_with("andon1.m."));
        assert_eq!(vault.open(&sealed.text, &id(), URL).unwrap().expose(), "token");
        let there = Vault { machine: Secret::new("m2"), ..vault };
        assert_eq!(there.open(&sealed.text, &id(), URL), Err(VaultError::Elsewhere));
    }

    #[test]
    fn a_forgotten_token_opens_no_more() {
        let vault = vault_on("m1");
        let sealed = vault.seal(&Secret::new("token"), &id(), URL).unwrap().text;
        vault.forget(&sealed);
        assert_eq!(vault.open(&sealed, &id(), URL), Err(VaultError::KeyMissing));
    }

    #[test]
    fn the_same_token_is_never_sealed_the_same_way() {
        let vault = vault_on("m1");
        let seal = || vault.seal(&Secret::new("token"), &id(), URL).unwrap().text;
        assert_ne!(seal(), seal());
    }

    /// Runs itself again on a private bus with a secret service of its own.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_real_secret_service_keeps_the_key() {
        const INNER: &str = "ANDON_TEST_SECRET_SERVICE";
        if std::env::var_os(INNER).is_some() {
            let vault = Vault { machine: Secret::new("m1"), keyring: Keyring::System };
            let sealed = vault.seal(&Secret::new("token"), &id(), URL).unwrap();
            assert!(!sealed.keyring_missing, "the secret service took no key");
            assert_eq!(vault.open(&sealed.text, &id(), URL).unwrap().expose(), "token");
            vault.forget(&sealed.text);
            assert_eq!(vault.open(&sealed.text, &id(), URL), Err(VaultError::KeyMissing));
            return;
        }
        let found = ["gnome-keyring-daemon", "dbus-run-session"]
            .iter()
            .all(|name| std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(name).exists()));
        if !found {
            assert!(std::env::var_os("CI").is_none(), "gnome-keyring or dbus is missing: the secret service was not tested");
            eprintln!("NOT RUN: gnome-keyring or dbus is missing, the secret service was not tested");
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let script = "printf 'test' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec \"$@\"";
        let status = std::process::Command::new("dbus-run-session")
            .args(["--", "sh", "-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["a_real_secret_service_keeps_the_key", "--nocapture"])
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("data"))
            .env("XDG_RUNTIME_DIR", home.path())
            .env(INNER, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&status.stdout);
        assert!(status.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&status.stderr));
    }
}
