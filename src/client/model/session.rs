//! Who is signed in, and how the server is doing: what the session tells the window.

use chrono::{DateTime, Utc};

use crate::client::explain::Explanation;
use crate::client::server_url::ServerUrl;
use crate::domain::access::{Permission, Role};
use crate::domain::connection::Connection;
use crate::domain::instance::Application;

/// Who the station is and who has signed in on top of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionSlice {
    /// The address as it was typed and normalised; empty before the first sign-in.
    pub server_url: String,
    /// The user name of the last sign-in, to offer it again.
    pub last_user: String,
    pub station: Option<Station>,
    pub person: Option<Person>,
    /// Filled after a failed sign-in until the next try.
    pub sign_in_error: Option<Explanation>,
    pub signing_in: bool,
    /// Sign-ins that have ended since the instance was opened, well or not.
    pub tries: u64,
    /// The account that the last sign-in found locked, while it is.
    pub locked: Option<LockedAccount>,
    /// No keyring on this machine: the token is sealed by the machine alone. Said once.
    pub keyring_missing: bool,
    /// A station was signed in before, and its token waits to be opened: the keyring may still come.
    pub token_waits: bool,
    /// Plain http to another machine is allowed for this instance. The badge says so.
    pub insecure_allowed: bool,
}

/// An account that nobody shall try for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedAccount {
    /// As it was typed.
    pub server_url: String,
    pub user: String,
    /// When another try is welcome.
    pub until: DateTime<Utc>,
}

impl LockedAccount {
    /// Whether it is this one, by any spelling of the server's address and of the name.
    pub fn is(&self, server_url: &str, user: &str) -> bool {
        let address = |text: &str| ServerUrl::parse(text).map_or_else(|_| text.trim().to_owned(), |url| url.to_string());
        let name = |text: &str| text.trim().to_lowercase();
        address(server_url) == address(&self.server_url) && name(user) == name(&self.user)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// The application that the login chose; the registry's own where nobody chose.
    pub application: Application,
    /// False where "remember" was off: the token lives in memory alone.
    pub remembered: bool,
    /// Last four characters of the token, for telling tokens apart.
    pub token_mask: String,
    /// Whether the server is an Andon line server, or a WATS server without roles.
    pub has_roles: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub name: String,
    pub role: Role,
    pub since: DateTime<Utc>,
    /// He came while the server was gone, and may do little until he signs in at the server.
    pub offline: bool,
}

impl SessionSlice {
    /// Whether this is to be seen here: what the role at hand may, and of a person without the server what the station shows anyway.
    pub fn may(&self, permission: Permission) -> bool {
        match &self.person {
            Some(person) if person.offline => person.role.may_without_server(permission) || Role::Station.may(permission),
            _ => self.role().is_some_and(|role| role.may(permission)),
        }
    }

    /// Whether this may be done. A station alone only looks: a person has to sign in to act.
    pub fn may_act(&self, permission: Permission) -> bool {
        match &self.person {
            Some(person) if person.offline => person.role.may_without_server(permission),
            _ => self.role().is_some_and(|role| role != Role::Station && role.may(permission)),
        }
    }

    /// Whether the person came while the server was gone.
    pub fn is_offline(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.offline)
    }

    /// Whose role it is: the person's, else the station's, else nobody's.
    /// A server without roles leaves it to the application: the configurator sees all, displays only look.
    pub fn role(&self) -> Option<Role> {
        match (&self.person, &self.station) {
            (Some(person), _) => Some(person.role),
            (None, Some(station)) if station.has_roles => Some(Role::Station),
            (None, Some(station)) => Some(if station.application == Application::Configurator { Role::Superuser } else { Role::Station }),
            (None, None) => None,
        }
    }
}

/// How the server is doing, as far as this station can tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionSlice {
    pub state: Connection,
    /// When the state was entered; `None` until an instance is open, when nothing can be said yet.
    pub since: Option<DateTime<Utc>>,
    pub last_contact: Option<DateTime<Utc>>,
    /// Milliseconds from request to answer of the last health probe.
    pub latency_ms: Option<u32>,
    /// The server's clock minus ours, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    pub server_version: String,
    /// Which server this is: an id for a line server, the address for another.
    pub server_id: String,
    /// What is wrong, while something is.
    pub trouble: Option<Explanation>,
    /// While offline: tries so far, and when the next comes.
    pub attempt: u32,
    pub next_attempt: Option<DateTime<Utc>>,
    /// Seconds between health probes, 5 to 3600.
    pub health_interval_secs: u32,
    pub auto_reconnect: bool,
    /// Plain http to a machine other than this one.
    pub plain_http: bool,
}
