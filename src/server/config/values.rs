//! What each setting may be: from its text to its value.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layers::NAMES;
use super::{Config, ConfigError, Database, Signup, StationEnrollment, UnknownProcesses, mail, refuse};
use crate::support::logging::LogFormat;
use crate::support::secret::Secret;

/// Takes one setting; `label` names it for people.
pub(super) fn set(config: &mut Config, mail: &mut mail::Parts, name: &str, value: &str, label: &str) -> Result<(), ConfigError> {
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
        "connections_per_address" => config.connections_per_address = number(value, 1..=10_000, label)?,
        "unverified_days" => config.unverified_days = number(value, 1..=3650, label)?,
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
            return Err(ConfigError { setting: label.to_owned(), value: None, allowed: format!("one that exists: {}", known.join(", ")) });
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
