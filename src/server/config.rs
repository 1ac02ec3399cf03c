//! The server's settings: file, then environment, then flags, each checked by name before anything starts.

mod mail;

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    pub value: String,
    /// What would be allowed, as the end of "use …".
    pub allowed: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the setting {} cannot be {:?}: use {}", self.setting, self.value, self.allowed)
    }
}

/// The address a server listens on unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8440);
/// bcrypt's cost for new passwords.
pub const PASSWORD_COST: u32 = 12;

/// Names of settings, and the environment variables that set them; the first that is set wins.
const NAMES: &[(&str, &[&str])] = &[
    ("listen", &["ANDON_LISTEN"]),
    ("database", &["ANDON_DATABASE_URL", "DATABASE_URL"]),
    ("redis", &["ANDON_REDIS_URL", "REDIS_URL"]),
    ("unknown_processes", &["ANDON_UNKNOWN_PROCESSES"]),
    ("station_enrollment", &["ANDON_STATION_ENROLLMENT"]),
    ("metrics", &["ANDON_METRICS"]),
    ("log_format", &["ANDON_LOG_FORMAT"]),
    ("max_sockets", &["ANDON_MAX_SOCKETS"]),
    ("sockets_per_user", &["ANDON_SOCKETS_PER_USER"]),
    ("socket_heartbeat", &["ANDON_SOCKET_HEARTBEAT"]),
    ("chat_rate", &["ANDON_CHAT_RATE"]),
    ("https_only", &["ANDON_HTTPS_ONLY"]),
    ("public_board", &["ANDON_PUBLIC_BOARD"]),
    ("board_target", &["ANDON_BOARD_TARGET"]),
    ("cors_origins", &["ANDON_CORS_ORIGINS"]),
    ("signup", &["ANDON_SIGNUP"]),
    ("smtp_url", &["ANDON_SMTP_URL"]),
    ("smtp_server", &["SMTP_SERVER"]),
    ("smtp_port", &["SMTP_PORT"]),
    ("smtp_username", &["SMTP_USERNAME"]),
    ("smtp_password", &["SMTP_PASSWORD"]),
    ("smtp_ca", &["ANDON_SMTP_CA"]),
    ("mail_from", &["ANDON_MAIL_FROM", "FROM_EMAIL"]),
    ("development", &["ANDON_DEV"]),
    ("trusted_proxies", &["ANDON_TRUSTED_PROXIES"]),
    ("tls_cert", &["ANDON_TLS_CERT"]),
    ("tls_key", &["ANDON_TLS_KEY"]),
];

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

/// Where settings come from. Later ones win: file, environment, flags.
#[derive(Default)]
pub struct Layers {
    pub data_dir: Option<PathBuf>,
    /// Must exist when it is given; `server.toml` in the data folder is read when it does.
    pub file: Option<PathBuf>,
    /// Name and value of each environment variable that matters.
    pub environment: Vec<(String, String)>,
    /// Setting and value.
    pub flags: Vec<(&'static str, String)>,
}

impl Layers {
    /// With the environment of this process.
    pub fn of_process() -> Layers {
        let names = NAMES.iter().flat_map(|(_, variables)| variables.iter()).chain(&["ANDON_HOME", "ANDON_LOG"]);
        #[expect(clippy::disallowed_methods, reason = "the one place where the server reads its environment")]
        let environment = names.filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
        Layers { environment, ..Layers::default() }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(n, value)| n == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// What to log, from `ANDON_LOG`: `debug`, `andon=trace`.
    pub fn log_directives(&self) -> Option<&str> {
        self.variable("ANDON_LOG")
    }

    fn folder(&self) -> Result<PathBuf, ConfigError> {
        if let Some(folder) = self.data_dir.clone().or_else(|| self.variable("ANDON_HOME").map(PathBuf::from)) {
            return Ok(folder);
        }
        let dirs = directories::BaseDirs::new().ok_or_else(|| refuse("data-dir", "", "--data-dir: this account has no home folder"))?;
        Ok(dirs.data_dir().join(if cfg!(windows) { "Andon" } else { "andon" }))
    }

    /// The settings of all layers, checked.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let mut config = Config::in_folder(self.folder()?);
        let mut mail = mail::Parts::default();
        let file = self.file.clone().or_else(|| Some(config.data_dir.join("server.toml")).filter(|path| path.exists()));
        if let Some(path) = file {
            for (name, value) in read_file(&path)? {
                set(&mut config, &mut mail, &name, &value, &format!("{name} (in {})", path.display()))?;
            }
        }
        for (name, variables) in NAMES {
            let found = variables.iter().find_map(|variable| Some((variable, self.variable(variable)?)));
            if let Some((variable, value)) = found {
                set(&mut config, &mut mail, name, value, &format!("{name} (from {variable})"))?;
            }
        }
        for (name, value) in &self.flags {
            set(&mut config, &mut mail, name, value, &format!("--{name}"))?;
        }
        config.mail = mail.finish()?;
        whole(&config)?;
        Ok(config)
    }
}

/// Settings that are nothing without each other.
fn whole(config: &Config) -> Result<(), ConfigError> {
    let Some(tls) = &config.tls else { return Ok(()) };
    match (tls.certificates.as_os_str().is_empty(), tls.key.as_os_str().is_empty()) {
        (true, _) => Err(refuse("tls_cert", "", "a file with the certificate that tls_key is the key of")),
        (_, true) => Err(refuse("tls_key", "", "a file with the private key of tls_cert")),
        _ => Ok(()),
    }
}

fn read_file(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable = |why: String| refuse("config", &path.display().to_string(), &format!("a readable TOML file ({why})"));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let table = text.parse::<toml::Table>().map_err(|error| unreadable(error.message().to_owned()))?;
    let mut settings = Vec::new();
    for (name, value) in table {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            toml::Value::Array(items) if items.iter().all(toml::Value::is_str) => {
                items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            _ => return Err(refuse(&name, "a table or list", "one value, or a list of texts")),
        };
        settings.push((name, text));
    }
    Ok(settings)
}

fn set(config: &mut Config, mail: &mut mail::Parts, name: &str, value: &str, label: &str) -> Result<(), ConfigError> {
    match name {
        _ if mail.set(name, value, label)? => {}
        "signup" => config.signup = Signup::parse(value, label)?,
        "listen" => {
            let allowed = "an IP address with a port, such as 127.0.0.1:8440 or [::]:8440";
            config.listen = value.parse().map_err(|_| refuse(label, value, allowed))?;
        }
        "database" => config.database = database(&config.data_dir, value, label)?,
        "redis" => config.redis = Some(redis(value, label)?),
        "unknown_processes" => {
            config.unknown_processes = match value {
                "refuse" => UnknownProcesses::Refuse,
                "accept" => UnknownProcesses::Accept,
                _ => return Err(refuse(label, value, "refuse or accept")),
            }
        }
        "station_enrollment" => {
            config.station_enrollment = match value {
                "any_user" => StationEnrollment::AnyUser,
                "admins" => StationEnrollment::Admins,
                _ => return Err(refuse(label, value, "any_user or admins")),
            }
        }
        "metrics" => {
            let allowed = "off, or an IP address with a port, such as 127.0.0.1:9464";
            let address = value.parse().map_err(|_| refuse(label, value, allowed));
            config.metrics = if value == "off" { None } else { Some(address?) };
        }
        "log_format" => {
            config.log_format = match value {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(refuse(label, value, "text or json")),
            }
        }
        "max_sockets" => config.max_sockets = number(value, 1..=100_000, label)?,
        "sockets_per_user" => config.sockets_per_user = number(value, 1..=1000, label)?,
        "socket_heartbeat" => config.socket_heartbeat = Duration::from_secs(number(value.trim_end_matches([' ', 's']), 1..=60, label)?),
        "chat_rate" => config.chat_rate = number(value, 1..=10_000, label)?,
        "https_only" => config.https_only = flag(value, label)?,
        "public_board" => config.public_board = flag(value, label)?,
        "board_target" => config.board_target = percent(value, label)?,
        "cors_origins" => config.cors_origins = origins(value, label)?,
        "trusted_proxies" => {
            let allowed = "a list of addresses and networks, such as 10.0.0.5, 192.168.0.0/16, ::1";
            let parts = value.split([',', ' ']).filter(|part| !part.is_empty());
            config.trusted_proxies =
                parts.map(|part| part.parse().map_err(|_| refuse(label, value, allowed))).collect::<Result<_, ConfigError>>()?;
        }
        "tls_cert" => config.tls.get_or_insert_default().certificates = PathBuf::from(value),
        "tls_key" => config.tls.get_or_insert_default().key = PathBuf::from(value),
        _ => {
            let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            return Err(refuse(label, value, &format!("a setting that exists: {}", known.join(", "))));
        }
    }
    Ok(())
}

fn number<T: std::str::FromStr + PartialOrd + fmt::Display>(
    value: &str,
    allowed: RangeInclusive<T>,
    label: &str,
) -> Result<T, ConfigError> {
    let within = value.trim().parse().ok().filter(|number| allowed.contains(number));
    within.ok_or_else(|| refuse(label, value, &format!("a whole number from {} to {}", allowed.start(), allowed.end())))
}

fn flag(value: &str, label: &str) -> Result<bool, ConfigError> {
    value.parse().map_err(|_| refuse(label, value, "true or false"))
}

/// A ratio, written in percent.
fn percent(value: &str, label: &str) -> Result<Option<f64>, ConfigError> {
    if value == "none" {
        return Ok(None);
    }
    let number = value.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 100.0);
    number.map(|number| Some(number / 100.0)).ok_or_else(|| refuse(label, value, "a percentage above 0 and at most 100, or none"))
}

/// Origins as browsers send them, between commas.
fn origins(value: &str, label: &str) -> Result<Vec<String>, ConfigError> {
    let allowed = "web origins such as https://board.example:8443, between commas";
    let read = |text: &str| {
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let origin = url.origin().ascii_serialization();
        (origin == text.trim_end_matches('/').to_ascii_lowercase()).then_some(origin)
    };
    let texts = value.split(',').map(str::trim).filter(|text| !text.is_empty());
    texts.map(|text| read(text).ok_or_else(|| refuse(label, text, allowed))).collect()
}

/// `sqlite:line.db`, `sqlite:///var/lib/andon/line.db` (a relative path starts in the data folder), `postgres://andon@db/line`.
fn database(data_dir: &Path, value: &str, label: &str) -> Result<Database, ConfigError> {
    if value.starts_with("postgres://") || value.starts_with("postgresql://") {
        let whole = url::Url::parse(value).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()) || url.query().is_some());
        if whole {
            return Ok(Database::Postgres(Secret::new(value)));
        }
    }
    let path = value.strip_prefix("sqlite://").or_else(|| value.strip_prefix("sqlite:")).unwrap_or_default();
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        // Everything after the scheme may hold a password.
        let shown = value.split_once(':').map_or("…".to_owned(), |(scheme, _)| format!("{scheme}:…"));
        return Err(refuse(label, &shown, "sqlite:FILE, such as sqlite:line.db, or postgres://USER:PASSWORD@HOST/DATABASE"));
    }
    Ok(Database::Sqlite(data_dir.join(path)))
}

/// What the library can connect to, without repeating what may be a password.
fn redis(value: &str, label: &str) -> Result<Secret, ConfigError> {
    let plain = ["redis://", "redis+unix://", "unix://"].iter().any(|scheme| value.starts_with(scheme));
    if plain && ::redis::Client::open(value).is_ok() {
        return Ok(Secret::new(value));
    }
    let shown = value.split_once(':').map_or("…".to_owned(), |(scheme, _)| format!("{scheme}:…"));
    Err(refuse(label, &shown, "redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/0 or unix:///PATH"))
}

fn refuse(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.to_owned(), value: value.chars().take(200).collect(), allowed: allowed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> (tempfile::TempDir, Layers) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("server.toml"), file).unwrap();
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let flags = flags.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        let layers = Layers { data_dir: Some(folder.path().to_owned()), file: None, environment, flags };
        (folder, layers)
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\nunknown_processes = \"accept\"";
        let (_folder, all) = layers(file, &[("ANDON_LISTEN", "127.0.0.1:2")], &[("listen", "127.0.0.1:3")]);
        let config = all.read().unwrap();
        assert_eq!((config.listen.port(), config.unknown_processes), (3, UnknownProcesses::Accept));
        let (_folder, two) = layers(file, &[("ANDON_LISTEN", "127.0.0.1:2")], &[]);
        assert_eq!(two.read().unwrap().listen.port(), 2);
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_value_and_what_is_allowed() {
        let (_folder, wrong) = layers("", &[("ANDON_LISTEN", "nonsense")], &[]);
        let error = wrong.read().unwrap_err().to_string();
        assert!(
            error.contains("listen (from ANDON_LISTEN)") && error.contains("\"nonsense\"") && error.contains("127.0.0.1:8440"),
            "{error}"
        );
        let (_folder, unknown) = layers("lisen = \"127.0.0.1:1\"", &[], &[]);
        let error = unknown.read().unwrap_err().to_string();
        assert!(error.contains("lisen") && error.contains("unknown_processes"), "{error}");
    }

    #[test]
    fn a_refused_database_address_does_not_repeat_its_password() {
        let (_folder, wrong) = layers("", &[("DATABASE_URL", "mysql://andon:hunter2@db/line")], &[]);
        let error = wrong.read().unwrap_err().to_string();
        assert!(error.contains("mysql:…") && error.contains("sqlite:FILE") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn redis_is_named_by_either_variable_and_shown_without_its_password() {
        let (_folder, plant) = layers("", &[("REDIS_URL", "redis://andon:hunter2@cache:6379/1")], &[]);
        let config = plant.read().unwrap();
        let shown = format!("{:?}{config:?}", config.shown());
        assert!(shown.contains("cache:6379/1") && !shown.contains("hunter2"), "{shown}");
        let (_folder, wrong) = layers("", &[("ANDON_REDIS_URL", "http://andon:hunter2@cache")], &[]);
        let error = wrong.read().unwrap_err().to_string();
        assert!(error.contains("ANDON_REDIS_URL") && error.contains("redis://HOST") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_relative_database_lies_in_the_data_folder() {
        let (folder, relative) = layers("database = \"sqlite:other.db\"", &[], &[]);
        assert_eq!(relative.read().unwrap().database, Database::Sqlite(folder.path().join("other.db")));
    }

    #[test]
    fn settings_of_the_page_are_read_and_checked() {
        let file = "public_board = true\nboard_target = 97.5\ncors_origins = \"https://a.example, http://b.example:81/\"";
        let (_folder, good) = layers(file, &[], &[]);
        let config = good.read().unwrap();
        assert_eq!((config.public_board, config.https_only, config.board_target), (true, false, Some(0.975)));
        assert_eq!(config.cors_origins, ["https://a.example", "http://b.example:81"]);
        for bad in ["public_board = \"yes\"", "board_target = 0", "board_target = 101", "board_target = nan", "cors_origins = \"*\""] {
            let (_folder, wrong) = layers(bad, &[], &[]);
            assert!(wrong.read().is_err(), "{bad}");
        }
        let (_folder, wrong) = layers("cors_origins = \"https://a.example/path\"", &[], &[]);
        assert!(wrong.read().unwrap_err().to_string().contains("web origins"));
    }

    #[test]
    fn a_plants_database_is_shown_without_its_password() {
        let (_folder, plant) = layers("", &[("DATABASE_URL", "postgres://andon:hunter2@db:5433/line")], &[]);
        let shown = plant.read().unwrap().database.shown();
        assert!(shown.contains("andon") && shown.contains("db:5433/line") && !shown.contains("hunter2"), "{shown}");
    }
}
