//! An instance: a station's profile on this PC, and the application that opens on it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The name of an instance in files and on command lines: 1 to 64 of `a-z 0-9 - _ .`, not starting with a dot.
/// Upper case is refused, because Windows cannot keep two folders that differ only by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(String);

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{0:?} cannot name an instance: use 1 to 64 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit")]
pub struct BadInstanceId(pub String);

/// Names that Windows reserves for devices.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul"];

impl InstanceId {
    pub fn parse(text: &str) -> Result<Self, BadInstanceId> {
        let refuse = || BadInstanceId(text.chars().take(80).collect());
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let first = text.chars().next().ok_or_else(refuse)?;
        let stem = text.split('.').next().unwrap_or_default();
        let device = RESERVED.contains(&stem)
            || (stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem.ends_with(|c: char| c.is_ascii_digit()));
        let good = text.len() <= 64 && text.chars().all(allowed) && first.is_ascii_alphanumeric() && !text.ends_with('.') && !device;
        if good { Ok(InstanceId(text.to_owned())) } else { Err(refuse()) }
    }

    /// The id that a person's words for a station suggest: "Line A - EOL" gives `line-a-eol`.
    pub fn from_name(name: &str) -> InstanceId {
        let mut id = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            match c {
                'a'..='z' | '0'..='9' => id.push(c),
                _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
                _ => {}
            }
        }
        id.truncate(48);
        InstanceId::parse(id.trim_end_matches('-')).unwrap_or_else(|_| InstanceId("station".to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for InstanceId {
    type Error = BadInstanceId;

    fn try_from(text: String) -> Result<Self, BadInstanceId> {
        InstanceId::parse(&text)
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> String {
        id.0
    }
}

/// The application that an instance opens. The login window lets a person choose another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Application {
    #[default]
    Configurator,
    YieldMonitor,
    PressurePanel,
}

impl Application {
    pub const ALL: [Application; 3] = [Application::Configurator, Application::YieldMonitor, Application::PressurePanel];
}

/// One line of the registry, as the window shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    /// What people call it: "Line A - End of line".
    pub name: String,
    pub application: Application,
    /// The instance's folder, for reading; it may lie anywhere.
    pub path: String,
    pub last_used: Option<DateTime<Utc>>,
    pub is_default: bool,
    /// Whether a sealed station token lies in its folder.
    pub signed_in: bool,
    /// Whether another process owns it now.
    pub in_use: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_folder() {
        for bad in ["", "..", "../x", "a/b", "a\\b", ".hidden", "A", "x.", "con", "com1", "nul.txt", &"x".repeat(65)] {
            assert!(InstanceId::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["station1", "line-a-eol", "default", "2", "a_b.c"] {
            assert!(InstanceId::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_name_suggests_an_id() {
        assert_eq!(InstanceId::from_name("Line A - EOL").as_str(), "line-a-eol");
        assert_eq!(InstanceId::from_name("Łódź").as_str(), "d");
        assert_eq!(InstanceId::from_name("***").as_str(), "station");
    }
}
