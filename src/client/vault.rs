//! Seals the station's token, so that it can be opened on this machine and for this server alone.
//! AES-256-GCM under a key drawn by HKDF from the machine's id, a random salt, and a random key in the keyring where there is one.

mod keyring;
mod sealed;

use std::io;
use std::path::Path;
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

use keyring::Keyring;
use sealed::{FORMAT, Parts};

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

#[cfg(test)]
pub(crate) mod tests;
