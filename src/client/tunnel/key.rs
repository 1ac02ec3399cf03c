//! The private key that opens the tunnel: Ed25519, ECDSA or RSA, in OpenSSH's format or PEM, with or without a passphrase.

use std::io;
use std::path::Path;

use russh::keys::{Error, PrivateKey, decode_secret_key, ssh_key};
use zeroize::Zeroizing;

use super::error::TunnelError;
use super::short_scalar;
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
        Err(error) if !asks_for_passphrase(text, &error) => {
            let whole = short_scalar::lengthen(text).and_then(|whole| decode_secret_key(&whole, None).ok());
            return whole.ok_or_else(|| TunnelError::new(Fault::NotAKey, error));
        }
        Err(_) => {}
    }
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty()).ok_or(Fault::PassphraseMissing)?;
    decode_secret_key(text, Some(passphrase.expose())).map_err(|error| match error {
        // The passphrase opened it, and what lies behind cannot be read.
        Error::SshKey(ssh_key::Error::Encoding(_)) => TunnelError::new(Fault::NotAKey, error),
        _ => Fault::PassphraseWrong.into(),
    })
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

    /// Made for this test by `ssh-keygen -t ecdsa -b 256`, one of 512: its secret number has 31 bytes.
    const SHORT: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n\
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQQAqa2GVcs9ZQdj8fhlG32ZPNi6kN0X\n\
eSeWUxUBx8AqTniMa5yxwB/9kC0NdVHNAm0owdoPw3TjqEfZAPYbBkrgAAAAoOqE95zqhP\n\
ecAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBACprYZVyz1lB2Px\n\
+GUbfZk82LqQ3Rd5J5ZTFQHHwCpOeIxrnLHAH/2QLQ11Uc0CbSjB2g/DdOOoR9kA9hsGSu\n\
AAAAAfORQ8ApMqhp9+ByWgWw3H/gX6965b5a939BygwUflPwAAAAdyb290QHZtAQI=\n\
-----END OPENSSH PRIVATE KEY-----\n";

    #[test]
    fn a_key_whose_secret_number_begins_with_zeros_is_as_good_as_any() {
        assert!(decode_secret_key(SHORT, None).is_err(), "the library reads it by now: short_scalar.rs can go");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        std::fs::write(&path, SHORT).unwrap();
        let key = load(&path, None).unwrap();
        assert_eq!(key.algorithm().as_str(), "ecdsa-sha2-nistp256");
        let signed = key.sign("test", ssh_key::HashAlg::Sha256, b"text").unwrap();
        key.public_key().verify("test", b"text", &signed).unwrap();
        assert!(short_scalar::lengthen(&key.to_openssh(ssh_key::LineEnding::LF).unwrap()).is_none(), "nothing is missing any more");
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
