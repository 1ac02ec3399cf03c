//! Credentials in, a station's token and a person out. Every way it can fail has its own name.

mod error;
mod issued;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::api::{Api, ApiError, Denied, Http, Identity, Probe, Tokens};
use super::command::SignIn;
use super::offline::Newcomer;
use super::server_url::{BadServerUrl, ServerUrl};
use super::tunnel::Way;
use crate::domain::InstanceId;
use crate::domain::access::Role;
use crate::support::secret::Secret;

pub(crate) use error::SignInError;
use issued::Issued;

/// A station that is signed in, and the person where the server knows persons.
pub(crate) struct SignedIn {
    pub(crate) api: Api,
    pub(crate) token: Secret,
    pub(crate) probe: Probe,
    pub(crate) issued: Issued,
}

pub(crate) struct SignedInPerson {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) tokens: Tokens,
}

impl SignedInPerson {
    /// The same for those who come again while the server is gone.
    pub(crate) fn with_password(&self, password: Secret) -> Newcomer {
        Newcomer { name: self.name.clone(), role: self.role, password }
    }
}

const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Exchanges credentials. `identifier` names this station towards the server.
pub(crate) async fn exchange(sign_in: &SignIn, identifier: &str, roots: &[Vec<u8>], way: Way) -> Result<SignedIn, SignInError> {
    let server = ServerUrl::parse(&sign_in.server_url)?;
    if server.is_plain_http() && !sign_in.allow_plain_http {
        return Err(BadServerUrl::PlainHttp.into());
    }
    if sign_in.password.is_empty() {
        return Err(SignInError::NoPassword);
    }
    if way.is_tunnel() && server.entered_at(ANYWHERE).is_none() {
        return Err(SignInError::NeedsName);
    }
    let http = Http::new(&server, roots, way)?;
    match sign_in.user.trim() {
        "" => enter(http, server, Secret::new(sign_in.password.expose().trim())).await,
        user => enroll((http, server), (user, &sign_in.password), identifier).await,
    }
}

/// The person first, the token last: who is refused leaves no token behind.
async fn enroll((http, server): (Http, ServerUrl), (user, password): (&str, &Secret), identifier: &str) -> Result<SignedIn, SignInError> {
    let identity = http.who_answers(&server).await?;
    let mut issued = Issued::default();
    if matches!(identity, Identity::Line(_)) {
        let door = Arc::new(Api::new(http.clone(), server.clone(), Secret::default(), identity.clone()));
        issued.person = Some((door.clone(), fetch_person(&door, user, password).await?));
    }
    let token = fetch_token(&http, &server, user, password, identifier).await?;
    if issued.person.is_some() {
        issued.station = Some(Api::new(http.clone(), server.clone(), token.clone(), identity));
    }
    Ok(SignedIn { issued, ..enter(http, server, token).await? })
}

/// The server with a token, if it takes it.
async fn enter(http: Http, server: ServerUrl, token: Secret) -> Result<SignedIn, SignInError> {
    let api = Api::new(http, server, token.clone(), Identity::Unknown);
    let probe = api.probe().await?;
    if is_too_old(&probe) {
        return Err(SignInError::ServerTooOld { version: probe.version });
    }
    Ok(SignedIn { api: api.bound_to(probe.identity.clone()), token, probe, issued: Issued::default() })
}

async fn fetch_token(http: &Http, server: &ServerUrl, user: &str, password: &Secret, identifier: &str) -> Result<Secret, SignInError> {
    match http.fetch_token(server, user, password, identifier).await {
        Ok(token) => Ok(token),
        // A server without this call, or no server of ours at all: what else it answers tells.
        Err(Denied { error: ApiError::Refused { status: 404 | 405 | 410, .. } | ApiError::NotOurServer(_), .. })
            if http.looks_like_ours(server).await =>
        {
            Err(SignInError::TokensNotHandedOut)
        }
        Err(Denied { error: ApiError::Refused { status: 404 | 405, sentence, .. }, .. }) => {
            Err(SignInError::NotOurServer { detail: sentence })
        }
        Err(denied) => Err(of_password(denied)),
    }
}

/// A person on top of a station, which signs in to nothing anew.
pub(crate) async fn fetch_person(api: &Api, user: &str, password: &Secret) -> Result<SignedInPerson, SignInError> {
    if password.is_empty() {
        return Err(SignInError::NoPassword);
    }
    let answer = api.login(user, password).await.map_err(|denied| match of_password(denied) {
        // A person enrolls nothing here: it is he himself who is refused.
        SignInError::MayNotEnroll { detail } => SignInError::Refused { detail },
        error => error,
    })?;
    let (name, role) = (answer.user.username.clone(), answer.user.role);
    Ok(SignedInPerson { name, role, tokens: answer.into() })
}

/// What a refusal means where a password was sent.
pub(crate) fn of_password(denied: Denied) -> SignInError {
    match (denied.locked, denied.error) {
        (Some(wait), _) => SignInError::LockedFor(wait),
        (None, ApiError::TokenRefused { .. }) => SignInError::WrongPassword,
        (None, ApiError::Refused { code, .. }) if code == "email_not_verified" => SignInError::NotVerified,
        (None, ApiError::Refused { status: 403, sentence, .. }) => SignInError::MayNotEnroll { detail: sentence },
        (None, error) => error.into(),
    }
}

/// Oldest servers that are worked with. A line server tells its own version, from 0.1. A WATS server tells its year and
/// release, "21.2" or "2021.2", and is too old before 2021.2. A version that cannot be read is not taken for old.
pub(crate) fn is_too_old(probe: &Probe) -> bool {
    let mut numbers = probe.version.trim_start_matches(['v', 'V']).split(['.', '-', ' ']).map(str::parse::<u64>);
    let (Some(Ok(major)), minor) = (numbers.next(), numbers.next()) else { return false };
    let minor = minor.and_then(Result::ok).unwrap_or(0);
    match probe.identity {
        Identity::Line(_) => (major, minor) < (0, 1),
        _ => (if major >= 2000 { major - 2000 } else { major }, minor) < (21, 2),
    }
}

/// How the server tells this station from others: the instance and the machine.
pub(crate) fn identifier(id: &InstanceId) -> String {
    format!("{id}@{}", host_name()).chars().take(100).collect()
}

fn host_name() -> String {
    let from_file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let from_system =
        || std::env::var_os("COMPUTERNAME").or_else(|| std::env::var_os("HOSTNAME")).map(|name| name.to_string_lossy().into_owned());
    let name = from_file().or_else(from_system).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    if name.is_empty() { "station".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn versions_are_judged_by_the_kind_of_server() {
        let old = |version: &str, identity| {
            is_too_old(&Probe { version: version.to_owned(), latency: Duration::ZERO, server_time: None, identity })
        };
        for (version, expected) in
            [("26.1.0", false), ("21.2", false), ("21.1.9", true), ("2020.4", true), ("2021.2", false), ("dev", false)]
        {
            assert_eq!(old(version, Identity::Nameless), expected, "{version}");
        }
        assert!(!old("0.1.0", Identity::Line("x".to_owned())));
    }

    #[test]
    fn a_station_is_named_by_instance_and_machine() {
        let name = identifier(&InstanceId::parse("eol").unwrap());
        assert!(name.starts_with("eol@") && name.len() > 4, "{name}");
    }
}
