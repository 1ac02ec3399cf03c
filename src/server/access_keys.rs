//! Access tokens: RS256, fifteen minutes, signed with a key pair that is made on the first start.
//! Every key file verifies, the newest signs, so that a key can be changed while its tokens still run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{RsaPrivateKey, rand_core};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::files::write_private;
use super::store::make_private_folder;
use crate::domain::{Permission, Role};

/// How long an access token is good for.
pub(super) const ACCESS_LIFE: TimeDelta = TimeDelta::minutes(15);
/// Its issuer and its audience.
const ANDON: &str = "andon";
const KEY_BITS: usize = 2048;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The user's id.
    pub(super) sub: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) permissions: Vec<Permission>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) iss: String,
    pub(super) aud: String,
    /// Seconds since 1970.
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    /// The session's id.
    pub(super) sid: String,
}

impl Claims {
    pub(super) fn new(user_id: &str, name: &str, role: Role, session_id: &str, now: DateTime<Utc>) -> Claims {
        Claims {
            sub: user_id.to_owned(),
            name: name.to_owned(),
            role,
            permissions: role.permissions(),
            kind: "access".to_owned(),
            iss: ANDON.to_owned(),
            aud: ANDON.to_owned(),
            iat: now.timestamp(),
            exp: (now + ACCESS_LIFE).timestamp(),
            jti: Uuid::now_v7().to_string(),
            sid: session_id.to_owned(),
        }
    }
}

/// Signs and verifies access tokens.
pub(super) struct AccessKeys {
    signing_id: String,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
}

/// The keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the folder of keys {0} cannot be used: {1}")]
    Folder(String, std::io::Error),
    #[error("the key file {0} cannot be read as a private RSA key")]
    Broken(String),
    #[error("no key could be made: {0}")]
    NotMade(String),
}

impl AccessKeys {
    /// Reads all keys of `folder`, and makes one when there is none.
    pub(super) fn open(folder: &Path) -> Result<AccessKeys, KeyError> {
        let io = |error| KeyError::Folder(folder.display().to_string(), error);
        make_private_folder(folder).map_err(io)?;
        let mut files = key_files(folder).map_err(io)?;
        if files.is_empty() {
            let path = folder.join(format!("{}.pem", Uuid::now_v7()));
            write_private(&path, make_key()?.as_bytes()).map_err(io)?;
            files.push(path);
        }
        // Names are UUIDv7: the last is the newest.
        files.sort();
        let mut verifying = HashMap::new();
        let mut signing = None;
        for path in &files {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let (private, public) = read_key(path)?;
            verifying.insert(id.clone(), public);
            signing = Some((id, private));
        }
        let (signing_id, signing) = signing.ok_or_else(|| KeyError::NotMade("no key file".to_owned()))?;
        Ok(AccessKeys { signing_id, signing, verifying, validation: validation() })
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.signing_id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
    }

    /// What a token says, if one of our keys signed it for us and it has not ended at `now`.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.verifying.get(header.kid.as_deref()?)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation).ok()?.claims;
        let good = claims.kind == "access" && claims.exp > now.timestamp() && claims.iat <= now.timestamp() + 60;
        good.then_some(claims)
    }
}

/// Time is judged by our own clock, the rest by the library.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[ANDON]);
    validation.set_issuer(&[ANDON]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation
}

fn key_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "pem")).collect())
}

fn make_key() -> Result<Zeroizing<String>, KeyError> {
    let not_made = |error: String| KeyError::NotMade(error);
    let key = RsaPrivateKey::new(&mut rand_core::OsRng, KEY_BITS).map_err(|error| not_made(error.to_string()))?;
    key.to_pkcs8_pem(LineEnding::LF).map_err(|error| not_made(error.to_string()))
}

fn read_key(path: &Path) -> Result<(EncodingKey, DecodingKey), KeyError> {
    let broken = || KeyError::Broken(path.display().to_string());
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|_| broken())?;
    let key = RsaPrivateKey::from_pkcs8_pem(&text).map_err(|_| broken())?;
    let public = key.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| broken())?;
    let signing = EncodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| broken())?;
    let verifying = DecodingKey::from_rsa_pem(public.as_bytes()).map_err(|_| broken())?;
    Ok((signing, verifying))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::Clock;

    fn claims(now: DateTime<Utc>) -> Claims {
        Claims::new("u1", "anna", Role::Operator, "s1", now)
    }

    #[test]
    fn a_token_is_good_for_fifteen_minutes_and_for_keys_that_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let keys = AccessKeys::open(folder.path()).unwrap();
        let token = keys.sign(&claims(now)).unwrap();
        assert_eq!(keys.verify(&token, now).unwrap().sub, "u1");
        assert!(keys.verify(&token, now + TimeDelta::minutes(16)).is_none());
        assert!(keys.verify(&token, now - TimeDelta::minutes(5)).is_none());
        let again = AccessKeys::open(folder.path()).unwrap();
        assert!(again.verify(&token, now).is_some(), "the key outlives a restart");
        let stranger = AccessKeys::open(tempfile::tempdir().unwrap().path()).unwrap();
        assert!(stranger.verify(&token, now).is_none());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let keys = AccessKeys::open(folder.path()).unwrap();
        let sign_as = |change: fn(&mut Claims)| {
            let mut claims = claims(now);
            change(&mut claims);
            keys.sign(&claims).unwrap()
        };
        assert!(keys.verify(&sign_as(|_| ()), now).is_some());
        assert!(keys.verify(&sign_as(|c| c.aud = "other".to_owned()), now).is_none());
        assert!(keys.verify(&sign_as(|c| c.iss = "other".to_owned()), now).is_none());
        assert!(keys.verify(&sign_as(|c| c.kind = "refresh".to_owned()), now).is_none());
        let public = std::fs::read(&key_files(folder.path()).unwrap()[0]).unwrap();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(keys.signing_id.clone());
        let hmac = jsonwebtoken::encode(&header, &claims(now), &EncodingKey::from_secret(&public)).unwrap();
        assert!(keys.verify(&hmac, now).is_none());
        header = Header::new(Algorithm::RS256);
        let keyless = jsonwebtoken::encode(&header, &claims(now), &keys.signing).unwrap();
        assert!(keys.verify(&keyless, now).is_none());
        for junk in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert!(keys.verify(junk, now).is_none(), "{junk}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_for_this_account_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        AccessKeys::open(folder.path()).unwrap();
        let files = key_files(folder.path()).unwrap();
        assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
