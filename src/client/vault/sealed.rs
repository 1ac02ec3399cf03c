//! What a sealed token looks like as text, and reading it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::VaultError;

pub(super) const FORMAT: &str = "andon1";

/// The pieces of a sealed token.
pub(super) struct Parts {
    pub(super) in_keyring: bool,
    pub(super) salt: [u8; 32],
    pub(super) nonce: [u8; 12],
    pub(super) text: Vec<u8>,
}

impl Parts {
    pub(super) fn parse(sealed: &str) -> Result<Parts, VaultError> {
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
