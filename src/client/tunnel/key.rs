//! The private key that opens the tunnel: Ed25519, ECDSA or RSA, in OpenSSH's format or PEM, with or without a passphrase.

use std::io;
use std::path::Path;

use russh::keys::{Error, PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

use super::error::TunnelError;
use crate::client::files;
use crate::domain::tunnel::Fault;
use crate::support::secret::Secret;

/// Largest key file that is read, in bytes. One of 16384 bits has a fifth of this.
const LIMIT: u64 = 64 * 1024;

/// Reads the key. Takes a second where a passphrase opens it, so never on the async threads.
pub(super) fn load(path: &Path, passphrase: Option<&Secret>) -> Result<PrivateKey, TunnelError> {
    let bytes = files::read_bounded(path, LIMIT).map(Zeroizing::new).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => TunnelError::from(Fault::KeyMissing),
        io::ErrorKind::FileTooLarge => TunnelError::from(Fault::NotAKey),
        _ => TunnelError::new(Fault::KeyUnreadable, error),
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::NotAKey)?;
    match decode_secret_key(text, None) {
        Ok(key) => return Ok(key),
        Err(error) if !asks_for_passphrase(text, &error) => return Err(TunnelError::new(Fault::NotAKey, error)),
        Err(_) => {}
    }
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty()).ok_or(Fault::PassphraseMissing)?;
    decode_secret_key(text, Some(passphrase.expose())).map_err(|_| Fault::PassphraseWrong.into())
}

fn asks_for_passphrase(text: &str, error: &Error) -> bool {
    matches!(error, Error::KeyIsEncrypted) || text.contains("ENCRYPTED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_private_key_is_told_apart_from_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        let load = |passphrase: Option<&str>| load(&path, passphrase.map(Secret::new).as_ref()).map(drop).unwrap_err().fault;
        assert_eq!(load(None), Fault::KeyMissing);
        let texts = [
            "",
            "hello",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0 ann@pc",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        ];
        for text in texts {
            std::fs::write(&path, text).unwrap();
            assert_eq!(load(Some("x")), Fault::NotAKey, "{text}");
        }
        std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
        assert_eq!(load(None), Fault::NotAKey);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(load(None), Fault::KeyUnreadable);
    }

    proptest::proptest! {
        #[test]
        fn garbage_opens_nothing_and_harms_nothing(text in "(-----BEGIN (OPENSSH|RSA|EC|ENCRYPTED)? ?PRIVATE KEY-----\n)?[A-Za-z0-9+/=\n]{0,200}(\n-----END X-----)?") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("id");
            std::fs::write(&path, text).unwrap();
            proptest::prop_assert!(load(&path, None).is_err());
        }
    }
}
