//! The server's settings: file, then environment, then flags, each checked by name before anything starts.

mod layers;
mod mail;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use self::layers::Layers;
pub use self::mail::{Encryption, Mail, Signup, Smtp};
use super::client_address::Network;
use crate::support::logging::LogFormat;
use crate::support::secret::Secret;

/// What a server is started with. Every field is already valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Holds the database, the keys and the lock; made when missing.
    pub data_dir: PathBuf,
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub database: Database,
    /// What servers of one PostgreSQL tell each other news over: `redis://user:password@host:port/0`.
    pub redis: Option<Secret>,
    pub unknown_processes: UnknownProcesses,
    pub station_enrollment: StationEnrollment,
    pub signup: Signup,
    pub mail: Mail,
    /// Proxies whose word on a caller's address and encryption counts.
    pub trusted_proxies: Vec<Network>,
    /// The server's own certificate and key; without them it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// bcrypt's cost, a power of two; 12 unless a test needs speed.
    pub password_cost: u32,
    /// Where the figures for Prometheus are served, if anywhere; only for a network that is trusted.
    pub metrics: Option<SocketAddr>,
    pub log_format: LogFormat,
    /// Open sockets of this server, signed in or not.
    pub max_sockets: usize,
    pub sockets_per_user: usize,
    /// How often a socket is asked whether it is there; after two without a word it is dropped.
    pub socket_heartbeat: Duration,
    /// Messages a minute of one person.
    pub chat_rate: u32,
    /// Connections at a time from one address that is no trusted proxy; for IPv6 from one /64.
    pub connections_per_address: usize,
    /// After so many days an account is removed that never confirmed its address and never signed in.
    pub unverified_days: u32,
    /// Every caller comes by TLS, here or at a trusted proxy: others but this machine's own are refused, cookies are sent by it alone, and
    /// browsers are told to keep to it.
    pub https_only: bool,
    /// Whether the page shows the line's yield to people who are not signed in.
    pub public_board: bool,
    /// First pass yield the board judges by, 0 to 1.
    pub board_target: Option<f64>,
    /// Web origins whose pages may call this server with a token of their own; none unless set.
    pub cors_origins: Vec<String>,
}

/// Files in PEM: the certificate with those that vouch for it, and its private key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsFiles {
    pub certificates: PathBuf,
    pub key: PathBuf,
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Database {
    /// A file, for one server.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/name`, for many.
    Postgres(Secret),
}

impl Database {
    /// As it may be shown: without a password.
    pub fn shown(&self) -> String {
        match self {
            Database::Sqlite(file) => format!("sqlite:{}", file.display()),
            Database::Postgres(url) => masked(url).unwrap_or_else(|| "postgres:…".to_owned()),
        }
    }
}

/// An address without its password, if it has the shape of one.
fn masked(url: &Secret) -> Option<String> {
    let mut url = url::Url::parse(url.expose()).ok()?;
    if url.password().is_some() {
        url.set_password(Some("…")).ok()?;
    }
    Some(url.to_string())
}

/// What happens to a report of a process that the server does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownProcesses {
    #[default]
    Refuse,
    Accept,
}

/// Who may sign in a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StationEnrollment {
    #[default]
    AnyUser,
    Admins,
}

/// One setting that cannot be used. Values that may hold a secret are not repeated.
#[derive(Debug, PartialEq, thiserror::Error)]
pub struct ConfigError {
    pub setting: String,
    /// Nothing for a setting that nobody knows: it may be a misspelt password.
    pub value: Option<String>,
    /// What would be allowed, as the end of "use …".
    pub allowed: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "the setting {} cannot be {value:?}: use {}", self.setting, self.allowed),
            None => write!(f, "there is no setting {}: use {}", self.setting, self.allowed),
        }
    }
}

/// The address a server listens on unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8440);
/// bcrypt's cost for new passwords.
pub const PASSWORD_COST: u32 = 12;

impl Config {
    /// Everything as it is without any setting, in this folder.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Config {
        let data_dir = data_dir.into();
        Config {
            listen: DEFAULT_LISTEN,
            database: Database::Sqlite(data_dir.join("line.db")),
            redis: None,
            unknown_processes: UnknownProcesses::default(),
            station_enrollment: StationEnrollment::default(),
            signup: Signup::default(),
            mail: Mail::default(),
            trusted_proxies: Vec::new(),
            tls: None,
            password_cost: PASSWORD_COST,
            metrics: None,
            log_format: LogFormat::default(),
            max_sockets: 1000,
            sockets_per_user: 20,
            socket_heartbeat: Duration::from_secs(30),
            chat_rate: 30,
            connections_per_address: 512,
            unverified_days: 7,
            https_only: false,
            public_board: false,
            board_target: None,
            cors_origins: Vec::new(),
            data_dir,
        }
    }

    /// Whether a server ever ran with this database, as far as the disk can tell.
    pub fn is_made(&self) -> bool {
        match &self.database {
            Database::Sqlite(file) => file.exists(),
            Database::Postgres(_) => true,
        }
    }

    /// Whether every caller comes by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.https_only || self.tls.is_some()
    }

    /// Names and values, for people. None is secret.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let processes = match self.unknown_processes {
            UnknownProcesses::Refuse => "refuse",
            UnknownProcesses::Accept => "accept",
        };
        let enrollment = match self.station_enrollment {
            StationEnrollment::AnyUser => "any_user",
            StationEnrollment::Admins => "admins",
        };
        vec![
            ("data-dir", self.data_dir.display().to_string()),
            ("listen", self.listen.to_string()),
            ("database", self.database.shown()),
            ("redis", self.redis.as_ref().map(|url| masked(url).unwrap_or_else(|| "redis:…".to_owned())).unwrap_or_default()),
            ("unknown_processes", processes.to_owned()),
            ("station_enrollment", enrollment.to_owned()),
            ("metrics", self.metrics.map_or("off".to_owned(), |address| address.to_string())),
            ("log_format", if self.log_format == LogFormat::Json { "json" } else { "text" }.to_owned()),
            ("max_sockets", self.max_sockets.to_string()),
            ("sockets_per_user", self.sockets_per_user.to_string()),
            ("socket_heartbeat", self.socket_heartbeat.as_secs().to_string()),
            ("chat_rate", self.chat_rate.to_string()),
            ("connections_per_address", self.connections_per_address.to_string()),
            ("unverified_days", self.unverified_days.to_string()),
            ("https_only", self.https_only.to_string()),
            ("public_board", self.public_board.to_string()),
            ("board_target", self.board_target.map_or_else(|| "none".to_owned(), |ratio| format!("{} %", ratio * 100.0))),
            ("cors_origins", if self.cors_origins.is_empty() { "none".to_owned() } else { self.cors_origins.join(", ") }),
            ("signup", self.signup.as_str().to_owned()),
            ("mail", self.mail.shown()),
            ("trusted_proxies", self.trusted_proxies.iter().map(Network::to_string).collect::<Vec<_>>().join(", ")),
            ("tls_cert", self.tls.as_ref().map(|tls| tls.certificates.display().to_string()).unwrap_or_default()),
            ("tls_key", self.tls.as_ref().map(|tls| tls.key.display().to_string()).unwrap_or_default()),
        ]
    }
}

fn refuse(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.to_owned(), value: Some(value.chars().take(200).collect()), allowed: allowed.to_owned() }
}
