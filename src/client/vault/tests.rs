//! The vault on machines and keyrings in memory, and one on a real secret service.

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
    lost: Arc<AtomicBool>,
}

impl Shelf {
    pub(super) fn get(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if self.locked.load(Ordering::SeqCst) {
            return Err(VaultError::KeyringUnreachable);
        }
        if self.lost.load(Ordering::SeqCst) {
            return Err(VaultError::KeyMissing);
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

/// Has the keyring in memory of a vault answer as if it held nothing, as some do while they are locked.
pub(crate) fn lose_keys(vault: &Vault, lost: bool) {
    if let Keyring::Memory(shelf) = &vault.keyring {
        shelf.lost.store(lost, Ordering::SeqCst);
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
