//! Where new instances start from: the files in `instances/`, built into the program.

use std::path::PathBuf;

use serde::Deserialize;

use crate::client::settings::{Config, FolderConfig};
use crate::domain::InstanceId;
use crate::domain::instance::Application;

const TEMPLATES: [(&str, &str); 4] = [
    ("default", include_str!("../../../instances/default.toml")),
    ("station", include_str!("../../../instances/station.toml")),
    ("yield-monitor", include_str!("../../../instances/yield-monitor.toml")),
    ("pressure-panel", include_str!("../../../instances/pressure-panel.toml")),
];

/// The names a person can choose from.
pub fn template_names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, _)| *name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    name: String,
    #[serde(rename = "type")]
    application: Application,
    watched_folders: Option<Vec<PathBuf>>,
    yield_target: Option<f64>,
}

/// The settings of a new instance. An unknown template is refused with `None`.
pub(super) fn config_from(template: &str, id: &InstanceId, name: &str, application: Option<Application>) -> Option<Config> {
    let (_, source) = TEMPLATES.iter().find(|(known, _)| *known == template)?;
    let template: Template = toml::from_str(source).ok()?;
    let mut config = Config {
        instance_id: id.to_string(),
        instance_name: if name.trim().is_empty() { template.name } else { name.trim().to_owned() },
        instance_type: application.unwrap_or(template.application),
        ..Config::default()
    };
    if let Some(folders) = template.watched_folders {
        config.watched_folders = folders.into_iter().map(|path| FolderConfig { path, ..FolderConfig::default() }).collect();
    }
    if let Some(target) = template.yield_target {
        config.yields.target = Some(target);
    }
    Some(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_makes_an_instance() {
        let id = InstanceId::parse("a").unwrap();
        for name in template_names() {
            let config = config_from(name, &id, "", None).unwrap_or_else(|| panic!("{name}"));
            assert!(!config.instance_name.is_empty(), "{name}");
        }
        assert_eq!(config_from("nothing", &id, "", None), None);
        assert_eq!(config_from("yield-monitor", &id, " Line A ", None).unwrap().instance_name, "Line A");
    }
}
