//! Access tokens: RS256, fifteen minutes, signed with a key pair of this server's own that is made on the first start. The private half
//! stays in a file, the public half goes into the database: every server verifies what any of them signed. A retired key signs no more
//! and verifies until its last token has ended.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{RsaPrivateKey, rand_core};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::files::write_private;
use super::store::access_keys::PublishedKey;
use super::store::make_private_folder;
use crate::domain::{Permission, Role};

/// How long an access token is good for.
pub(super) const ACCESS_LIFE: TimeDelta = TimeDelta::minutes(15);
/// How far the clocks of two servers may be apart.
const SKEW_SECS: i64 = 60;
/// Its issuer and its audience.
const ANDON: &str = "andon";
const KEY_BITS: usize = 2048;
/// How long a server may take to notice that its key was retired, and how far its clock may be off.
pub(super) const RETIRING: TimeDelta = TimeDelta::minutes(1);

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
    /// Ours have none; another's is kept to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
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
            nbf: None,
            jti: Uuid::now_v7().to_string(),
            sid: session_id.to_owned(),
        }
    }
}

/// Signs and verifies access tokens.
pub(super) struct AccessKeys {
    folder: PathBuf,
    signing: RwLock<Signing>,
    verifying: RwLock<HashMap<String, Verifying>>,
    validation: Validation,
}

/// The newest key file.
#[derive(Clone)]
struct Signing {
    id: String,
    key: EncodingKey,
    /// In PEM.
    public: String,
}

struct Verifying {
    key: DecodingKey,
    /// When its last token has ended.
    until: Option<DateTime<Utc>>,
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
    /// Reads the newest key of `folder`, and makes one when there is none.
    pub(super) fn open(folder: &Path) -> Result<AccessKeys, KeyError> {
        let io = |error| KeyError::Folder(folder.display().to_string(), error);
        make_private_folder(folder).map_err(io)?;
        let mut files = key_files(folder).map_err(io)?;
        // Names are UUIDv7: the last is the newest.
        files.sort();
        let newest = match files.pop() {
            Some(file) => file,
            None => make_file(folder)?,
        };
        let (signing, verifying) = read_key(&newest)?;
        let verifying = HashMap::from([(signing.id.clone(), verifying)]);
        let folder = folder.to_owned();
        Ok(AccessKeys { folder, signing: RwLock::new(signing), verifying: RwLock::new(verifying), validation: validation() })
    }

    fn signing(&self) -> Signing {
        self.signing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Id and public half, in PEM, of the key that signs.
    pub(super) fn public(&self) -> (String, String) {
        let signing = self.signing();
        (signing.id, signing.public)
    }

    /// Whether tokens with this key id can be verified.
    fn knows(&self, id: &str) -> bool {
        self.verifying.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Whether a token names a key that may have been published since.
    pub(super) fn is_by_stranger(&self, token: &str) -> bool {
        let id = jsonwebtoken::decode_header(token).ok().filter(|header| header.alg == Algorithm::RS256).and_then(|header| header.kid);
        id.is_some_and(|id| Uuid::parse_str(&id).is_ok() && !self.knows(&id))
    }

    /// Verifies by these keys from now on, and by no other. Answers whether one's own is retired or not among them.
    pub(super) fn trust(&self, published: &[PublishedKey]) -> bool {
        let verifying = |key: &PublishedKey| {
            let decoding = DecodingKey::from_rsa_pem(key.pem.as_bytes()).ok()?;
            let until = key.retired_at.map(|retired| retired + ACCESS_LIFE + RETIRING);
            Some((key.id.clone(), Verifying { key: decoding, until }))
        };
        let trusted = published.iter().filter_map(verifying).collect();
        *self.verifying.write().unwrap_or_else(PoisonError::into_inner) = trusted;
        let own = self.signing().id;
        published.iter().all(|key| key.id != own || key.retired_at.is_some())
    }

    /// Makes a new key that signs from now on, and forgets the private half of the old one. Takes a second of work.
    pub(super) fn renew(&self) -> Result<(), KeyError> {
        let io = |error| KeyError::Folder(self.folder.display().to_string(), error);
        let new = make_file(&self.folder)?;
        let (signing, verifying) = read_key(&new)?;
        self.verifying.write().unwrap_or_else(PoisonError::into_inner).insert(signing.id.clone(), verifying);
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = signing;
        let mut old = key_files(&self.folder).map_err(io)?.into_iter().filter(|file| *file != new);
        old.try_for_each(std::fs::remove_file).map_err(io)
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let signing = self.signing();
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(signing.id);
        jsonwebtoken::encode(&header, claims, &signing.key)
    }

    /// What a token says, if one of our keys signed it for us and it has not ended at `now`.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let keys = self.verifying.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(header.kid.as_deref()?).filter(|key| key.until.is_none_or(|until| now < until))?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &self.validation).ok()?.claims;
        let latest = now.timestamp() + SKEW_SECS;
        let begun = claims.iat <= latest && claims.nbf.is_none_or(|begin| begin <= latest);
        (claims.kind == "access" && claims.exp > now.timestamp() && begun).then_some(claims)
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

fn make_file(folder: &Path) -> Result<PathBuf, KeyError> {
    let path = folder.join(format!("{}.pem", Uuid::now_v7()));
    write_private(&path, make_key()?.as_bytes()).map_err(|error| KeyError::Folder(folder.display().to_string(), error))?;
    Ok(path)
}

fn read_key(path: &Path) -> Result<(Signing, Verifying), KeyError> {
    let broken = || KeyError::Broken(path.display().to_string());
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|_| broken())?;
    let private = RsaPrivateKey::from_pkcs8_pem(&text).map_err(|_| broken())?;
    let public = private.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| broken())?;
    let key = EncodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| broken())?;
    let verifying = Verifying { key: DecodingKey::from_rsa_pem(public.as_bytes()).map_err(|_| broken())?, until: None };
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((Signing { id, key, public }, verifying))
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
        header.kid = Some(keys.signing().id);
        let hmac = jsonwebtoken::encode(&header, &claims(now), &EncodingKey::from_secret(&public)).unwrap();
        assert!(keys.verify(&hmac, now).is_none());
        header = Header::new(Algorithm::RS256);
        let keyless = jsonwebtoken::encode(&header, &claims(now), &keys.signing().key).unwrap();
        assert!(keys.verify(&keyless, now).is_none());
        for junk in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert!(keys.verify(junk, now).is_none(), "{junk}");
        }
    }

    #[test]
    fn a_key_verifies_on_every_server_until_its_last_token_has_ended() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let now = Clock::system().now();
        let (mine, other) = (AccessKeys::open(here.path()).unwrap(), AccessKeys::open(there.path()).unwrap());
        let token = other.sign(&claims(now)).unwrap();
        assert!(mine.is_by_stranger(&token) && mine.verify(&token, now).is_none());
        let published = |keys: &AccessKeys, retired_at| {
            let (id, pem) = keys.public();
            PublishedKey { id, pem, retired_at }
        };
        let both = [published(&mine, None), published(&other, None)];
        assert!(!mine.trust(&both) && !other.trust(&both));
        assert!(!mine.is_by_stranger(&token) && mine.verify(&token, now).is_some());
        let retired = [published(&mine, None), published(&other, Some(now))];
        assert!(!mine.trust(&retired) && other.trust(&retired), "its owner learns that it is retired");
        assert!(mine.verify(&token, now + TimeDelta::minutes(14)).is_some());
        let later = now + TimeDelta::minutes(17);
        let stolen = other.sign(&claims(later)).unwrap();
        other.renew().unwrap();
        assert!(mine.verify(&stolen, later).is_none(), "a retired key is of no use to a thief");
        let renewed = other.sign(&claims(now)).unwrap();
        assert!(other.verify(&renewed, now).is_some() && other.verify(&token, now).is_some());
        assert_eq!(key_files(there.path()).unwrap().len(), 1, "the old private half is gone");
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
