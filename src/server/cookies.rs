//! The page's session is kept in cookies that no script can read. What a script can read is the CSRF token: it is derived from the
//! access token, so it belongs to one session, and a page of another origin can neither read nor guess it.

use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use subtle::ConstantTimeEq;

use super::error::Refusal;
use super::random::digest;
use crate::protocol::auth::LoginResponse;
use crate::support::secret::Secret;

/// The header that repeats the CSRF token.
pub(super) const CSRF_HEADER: &str = "x-csrf-token";
/// Longest cookie that is looked at.
const LONGEST: usize = 8192;

/// One cookie. The prefixes of `secure_name` make browsers refuse it over plain HTTP, and from neighbouring hosts.
struct Kind {
    name: &'static str,
    secure_name: &'static str,
    path: &'static str,
    for_scripts: bool,
}

const ACCESS: Kind = Kind { name: "andon_access", secure_name: "__Host-andon_access", path: "/", for_scripts: false };
const REFRESH: Kind = Kind { name: "andon_refresh", secure_name: "__Secure-andon_refresh", path: "/api/page", for_scripts: false };
const CSRF: Kind = Kind { name: "andon_csrf", secure_name: "__Host-andon_csrf", path: "/", for_scripts: true };

impl Kind {
    fn read(&self, headers: &HeaderMap, secure: bool) -> Option<Secret> {
        let wanted = self.name(secure);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.find(|(name, _)| *name == wanted)?.1;
        (!value.is_empty() && value.len() <= LONGEST).then(|| Secret::new(value))
    }

    /// Without a lifetime: a browser that is closed forgets it.
    fn write(&self, headers: &mut HeaderMap, secure: bool, value: &str) {
        let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
        let hidden = if self.for_scripts { "" } else { "; HttpOnly" };
        let by_tls = if secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path={}; SameSite=Strict{hidden}{by_tls}{ends}", self.name(secure), self.path);
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.append(SET_COOKIE, value);
        }
    }

    fn name(&self, secure: bool) -> &'static str {
        if secure { self.secure_name } else { self.name }
    }
}

/// The cookie that holds the access token.
pub(super) fn access_name(secure: bool) -> &'static str {
    ACCESS.name(secure)
}

/// The access token of a request's cookies.
pub(super) fn access(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    ACCESS.read(headers, secure)
}

/// The refresh token of a request's cookies.
pub(super) fn refresh(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    REFRESH.read(headers, secure)
}

/// Gives the browser a session.
pub(super) fn set(headers: &mut HeaderMap, secure: bool, session: &LoginResponse) {
    ACCESS.write(headers, secure, &session.access_token);
    REFRESH.write(headers, secure, &session.refresh_token);
    CSRF.write(headers, secure, &csrf_token(&session.access_token));
}

/// Takes it back.
pub(super) fn clear(headers: &mut HeaderMap, secure: bool) {
    [ACCESS, REFRESH, CSRF].iter().for_each(|kind| kind.write(headers, secure, ""));
}

fn csrf_token(access_token: &str) -> String {
    digest(&format!("csrf {access_token}"))
}

/// Goes on only when a change that cookies vouch for comes from our own page.
pub(super) fn check_change(headers: &HeaderMap, secure: bool, access: &Secret) -> Result<(), Refusal> {
    check_origin(headers, secure)?;
    let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    let same: bool = given.ct_eq(csrf_token(access.expose()).as_bytes()).into();
    if same { Ok(()) } else { Err(foreign("csrf")) }
}

/// Refuses what a page of another origin sends. Browsers tell by `Sec-Fetch-Site` or `Origin`; other programs hold no cookies of people.
pub(super) fn check_origin(headers: &HeaderMap, secure: bool) -> Result<(), Refusal> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let own = match (headers.get("sec-fetch-site").map(text), headers.get(ORIGIN).map(text)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_own(&origin, &headers.get(HOST).map(text).unwrap_or_default(), secure),
        (None, None) => true,
    };
    if own { Ok(()) } else { Err(foreign("foreign_origin")) }
}

fn is_own(origin: &str, host: &str, secure: bool) -> bool {
    let bare = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://").filter(|_| !secure));
    bare.is_some_and(|bare| !bare.is_empty() && bare == host)
}

fn foreign(code: &'static str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, "This did not come from the page of this server. Reload the page and try again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let some = headers(&[("cookie", "xandon_access=no; andon_access=a.b=c; andon_access=late"), ("cookie", "andon_refresh=r")]);
        assert_eq!(access(&some, false), Some(Secret::new("a.b=c")));
        assert_eq!(refresh(&some, false), Some(Secret::new("r")));
        assert_eq!(access(&some, true), None, "by TLS only the prefixed name counts");
        assert_eq!(access(&headers(&[("cookie", "andon_access=")]), false), None);
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let pass = |pairs: &[(&'static str, &str)], secure| check_origin(&headers(pairs), secure).is_ok();
        assert!(pass(&[("host", "line:8440"), ("origin", "http://line:8440")], false));
        assert!(pass(&[("host", "Line:8440"), ("origin", "http://line:8440")], false));
        assert!(pass(&[("host", "line"), ("origin", "https://line")], true));
        assert!(pass(&[("sec-fetch-site", "same-origin"), ("origin", "https://line"), ("host", "inner:8440")], true), "behind a proxy");
        assert!(pass(&[], false));
        for foreign in ["http://line:3000", "http://line", "null", "", "https://line:8440.evil.example", "file://"] {
            assert!(!pass(&[("host", "line:8440"), ("origin", foreign)], false), "{foreign}");
        }
        assert!(!pass(&[("host", "line"), ("origin", "http://line")], true), "the plain twin of a TLS page");
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!pass(&[("sec-fetch-site", site), ("host", "line"), ("origin", "http://line")], false), "{site}");
        }
    }

    #[test]
    fn a_change_repeats_the_csrf_token_of_its_own_session() {
        let mine = Secret::new("mine");
        let check = |token: &str| check_change(&headers(&[(CSRF_HEADER, token)]), false, &mine).is_ok();
        assert!(check(&csrf_token("mine")));
        assert!(!check(&csrf_token("another's")) && !check("") && !check("mine"));
        assert!(check_change(&HeaderMap::new(), false, &mine).is_err());
    }

    proptest! {
        #[test]
        fn no_cookie_is_too_odd_to_be_read(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut odd = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                odd.insert(COOKIE, value.clone());
                odd.insert(ORIGIN, value);
            }
            let _ = (access(&odd, false), refresh(&odd, true), check_origin(&odd, false));
        }
    }
}
