//! Where settings come from, and which of them wins.

use std::path::{Path, PathBuf};

use super::values::set;
use super::{Config, ConfigError, mail, refuse};

/// Names of settings, and the environment variables that set them; the first that is set wins.
pub(super) const NAMES: &[(&str, &[&str])] = &[
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
    ("connections_per_address", &["ANDON_CONNECTIONS_PER_ADDRESS"]),
    ("unverified_days", &["ANDON_UNVERIFIED_DAYS"]),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::{Database, UnknownProcesses};

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
        let (_folder, misspelt) = layers("smtp_pasword = \"hunter2\"", &[], &[]);
        let error = misspelt.read().unwrap_err().to_string();
        assert!(error.contains("smtp_pasword") && !error.contains("hunter2"), "{error}");
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
