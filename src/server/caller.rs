//! Who asks: a person with an access token, or a station with its token. Every route asks `require` before it does anything.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

use super::client_address::ClientAddress;
use super::cookies;
use super::error::Refusal;
use super::random::digest;
use super::seen::Mark;
use super::state::Line;
use super::store::{sessions, station_tokens, time};
use crate::domain::{Permission, Role};
use crate::protocol::auth;
use crate::support::secret::Secret;

/// How often a station's "last seen" is written.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Somebody whose credential is good now.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Of the user, or of the station's token.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: Role,
    /// A person's session. A station has none.
    pub(super) session_id: Option<String>,
}

impl Caller {
    /// Goes on only when the caller's role has the permission.
    pub(super) fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.role.may(permission) { Ok(()) } else { Err(Refusal::forbidden(permission)) }
    }

    /// As the wire tells it.
    pub(super) fn to_wire(&self) -> auth::Caller {
        auth::Caller {
            id: self.id.clone(),
            username: self.name.clone(),
            role: self.role,
            permissions: self.role.permissions(),
            session_timeout: self.role.idle_limit_secs(),
        }
    }
}

impl FromRequestParts<Arc<Line>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, line: &Arc<Line>) -> Result<Caller, Refusal> {
        // The guard has asked already.
        if let Some(caller) = parts.extensions.get::<Arc<Caller>>() {
            return Ok(Caller::clone(caller));
        }
        of_request(line, parts).await.map(Arc::unwrap_or_clone)
    }
}

/// Whose credential a request carries.
pub(super) async fn of_request(line: &Line, parts: &Parts) -> Result<Arc<Caller>, Refusal> {
    let caller = match credential(&parts.headers) {
        Some(Credential::Bearer(token)) if token.contains('.') => person(line, token).await?,
        Some(Credential::Bearer(token) | Credential::Basic(token)) => station(line, token).await?,
        None => of_page(line, parts).await?,
    };
    caller.ok_or_else(|| Refusal::unauthorized("This token is not known, has ended or was revoked. Sign in again."))
}

/// Whoever is signed in on the page. A change must prove that it comes from our page.
async fn of_page(line: &Line, parts: &Parts) -> Result<Option<Arc<Caller>>, Refusal> {
    let headers = &parts.headers;
    let secure = line.is_secure(ClientAddress::noted(&parts.extensions, headers));
    let token = cookies::access(headers, secure).filter(|_| !headers.contains_key(AUTHORIZATION));
    let token = token.ok_or_else(|| Refusal::unauthorized("Sign in first: this needs a token."))?;
    if !parts.method.is_safe() {
        cookies::check_change(headers, secure, &token)?;
    }
    person(line, token.expose()).await
}

/// Whoever is signed in on the page that opens a socket. What another origin's page opens is a stranger's.
pub(super) async fn of_handshake(line: &Line, parts: &Parts) -> Result<Option<Caller>, Refusal> {
    let secure = line.is_secure(ClientAddress::noted(&parts.extensions, &parts.headers));
    match cookies::check_origin(&parts.headers, secure) {
        Ok(()) => of_cookies(line, &parts.headers, secure).await,
        Err(_) => Ok(None),
    }
}

/// Whose session the cookies hold, for reading only.
pub(super) async fn of_cookies(line: &Line, headers: &HeaderMap, secure: bool) -> Result<Option<Caller>, Refusal> {
    match cookies::access(headers, secure) {
        Some(token) => Ok(person(line, token.expose()).await?.map(Arc::unwrap_or_clone)),
        None => Ok(None),
    }
}

/// What an `Authorization` header holds, where it lies: a copy would only have to be wiped. Not to be printed.
#[derive(Clone, Copy, PartialEq)]
enum Credential<'a> {
    Bearer(&'a str),
    Basic(&'a str),
}

fn credential(headers: &HeaderMap) -> Option<Credential<'_>> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let secret = rest.trim();
    match scheme {
        _ if secret.is_empty() || secret.len() > 8192 => None,
        scheme if scheme.eq_ignore_ascii_case("bearer") => Some(Credential::Bearer(secret)),
        scheme if scheme.eq_ignore_ascii_case("basic") => Some(Credential::Basic(secret)),
        _ => None,
    }
}

/// User name and password of a Basic header.
pub(super) fn basic_password(headers: &HeaderMap) -> Option<(String, Secret)> {
    let Credential::Basic(text) = credential(headers)? else { return None };
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(text).ok()?);
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    // No user has such a name, and a database could not even look for it.
    (!name.contains('\0')).then(|| (name.to_owned(), Secret::new(password)))
}

async fn person(line: &Line, token: &str) -> Result<Option<Arc<Caller>>, Refusal> {
    Ok(look_up(line, token).await?.map(|(caller, _)| caller))
}

/// Who an access token belongs to, and when it ends. The role and the name are those of now, not those of when the token was made.
pub(super) async fn by_access_token(line: &Line, token: &str) -> Result<Option<(Caller, DateTime<Utc>)>, Refusal> {
    Ok(look_up(line, token).await?.map(|(caller, until)| (Arc::unwrap_or_clone(caller), until)))
}

async fn look_up(line: &Line, token: &str) -> Result<Option<(Arc<Caller>, DateTime<Utc>)>, Refusal> {
    let mark = Mark::of_person(token);
    let now = line.clock.now();
    let age = match line.seen.find(mark, now) {
        Ok(known) => return Ok(Some(known)),
        Err(age) => age,
    };
    line.ring.learn(&line.store, &line.clock, token).await?;
    let Some(claims) = line.ring.keys.verify(token, now) else { return Ok(None) };
    let Some(actor) = sessions::find_actor(&line.store, &claims.sid, now).await?.filter(|actor| actor.id == claims.sub) else {
        return Ok(None);
    };
    let expires_at = DateTime::from_timestamp(claims.exp, 0).unwrap_or(now);
    let caller = Arc::new(Caller { id: actor.id, name: actor.name, role: actor.role, session_id: Some(claims.sid) });
    line.seen.keep(mark, &caller, expires_at, age);
    Ok(Some((caller, expires_at)))
}

async fn station(line: &Line, token: &str) -> Result<Option<Arc<Caller>>, Refusal> {
    let mark = Mark::of_station(token);
    let now = line.clock.now();
    let age = match line.seen.find(mark, now) {
        Ok((caller, _)) => return Ok(Some(caller)),
        Err(age) => age,
    };
    let Some((id, name, last_used)) = station_tokens::find(&line.store, &digest(token)).await? else { return Ok(None) };
    if last_used.is_none_or(|seen| now - time(seen) > SEEN_EVERY) {
        // A full disk must not keep a station from reading, nor from hearing why its report is not taken.
        if let Err(error) = station_tokens::note_use(&line.store, &id, now).await {
            tracing::warn!("the use of a station's token could not be noted: {error}");
        }
    }
    let caller = Arc::new(Caller { id, name, role: Role::Station, session_id: None });
    line.seen.keep(mark, &caller, DateTime::<Utc>::MAX_UTC, age);
    Ok(Some(caller))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = axum::http::HeaderValue::from_bytes(value) {
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    #[test]
    fn schemes_are_read_without_regard_to_case() {
        assert!(credential(&headers(b"bearer abc")) == Some(Credential::Bearer("abc")));
        assert!(credential(&headers(b"BASIC  abc ")) == Some(Credential::Basic("abc")));
        for bad in [&b"abc"[..], b"Bearer ", b"Digest abc", b"", b"Bearer\xff x"] {
            assert!(credential(&headers(bad)).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_may_hold_colons_and_letters_of_every_script() {
        let header = format!("Basic {}", STANDARD.encode("żaneta:a:b:ę"));
        assert_eq!(basic_password(&headers(header.as_bytes())), Some(("żaneta".to_owned(), Secret::new("a:b:ę"))));
        assert_eq!(basic_password(&headers(format!("Basic {}", STANDARD.encode("nocolon")).as_bytes())), None);
        assert_eq!(basic_password(&headers(b"Basic ***")), None);
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd_to_be_read(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let headers = headers(&value);
            let _ = (credential(&headers).is_some(), basic_password(&headers));
        }
    }
}
