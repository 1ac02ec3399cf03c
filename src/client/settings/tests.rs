//! Settings on disk: what a change keeps, and what becomes of files that are broken, newer or another's.

use std::fs;

use super::config::ConnectionConfig;
use super::*;
use crate::domain::tunnel::TunnelSettings;

fn id() -> InstanceId {
    InstanceId::parse("eol").unwrap()
}

fn open(folder: &Path) -> Result<(Settings, Vec<Explanation>), SettingsError> {
    Settings::open(folder, &id(), &Clock::system())
}

#[test]
fn unknown_keys_survive_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"instance_id":"eol","shift_plan":[1,2],"connection":{"server_url":"https://x","proxy":{"a":1}},
        "watched_folders":[{"path":"in","enabled":true,"note":"n"}]}"#;
    fs::write(folder.path().join("config.json"), text).unwrap();
    let (settings, problems) = open(folder.path()).unwrap();
    assert_eq!(problems, []);
    settings.change(|config| config.connection.auto_reconnect = false).unwrap();
    let kept: Value = serde_json::from_slice(&fs::read(folder.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(kept["shift_plan"], serde_json::json!([1, 2]));
    assert_eq!(kept["connection"]["proxy"]["a"], 1);
    assert_eq!(kept["connection"]["auto_reconnect"], false);
    assert_eq!(kept["watched_folders"][0]["note"], "n");
}

#[test]
fn a_tunnel_keeps_its_unknown_keys_and_forgets_the_host_key_of_another_host() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"instance_id":"eol","tunnel":{"enabled":true,"host":"gate","user":"ann","host_key":"ssh-ed25519 A","note":"n"}}"#;
    fs::write(folder.path().join("config.json"), text).unwrap();
    let (settings, _) = open(folder.path()).unwrap();
    let tunnel = settings.get().tunnel;
    assert_eq!((tunnel.settings.host.as_str(), tunnel.settings.port, tunnel.settings.enabled), ("gate", 22, true));
    let with = |change: fn(&mut TunnelSettings)| {
        let mut set = settings.get().tunnel.settings;
        change(&mut set);
        settings.change(|config| config.tunnel.set(set)).unwrap();
        serde_json::from_slice::<Value>(&fs::read(folder.path().join("config.json")).unwrap()).unwrap()["tunnel"].take()
    };
    let kept = with(|set| set.local_port = 7000);
    assert_eq!((&kept["note"], &kept["host_key"], &kept["local_port"]), (&"n".into(), &"ssh-ed25519 A".into(), &7000.into()));
    assert_eq!(with(|set| set.host = "other".into())["host_key"], "");
}

#[test]
fn a_broken_file_is_set_aside_and_the_backup_used() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::create(folder.path(), Config { instance_id: "eol".into(), ..Config::default() }).unwrap();
    settings.change(|config| config.connection.username = "ann".into()).unwrap();
    settings.change(|config| config.connection.username = "bob".into()).unwrap();
    for broken in ["", "{", "[1]", "\u{0}\u{0}", r#"{"connection":7}"#] {
        fs::write(folder.path().join("config.json"), broken).unwrap();
        let (settings, problems) = open(folder.path()).unwrap();
        assert_eq!(settings.get().connection.username, "ann", "{broken:?}");
        assert_eq!(problems[0].key, "settings_broken");
    }
    let aside = fs::read_dir(folder.path()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().contains(".broken-"));
    assert_eq!(aside.count(), 5);
}

#[test]
fn settings_from_the_future_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"version":2,"instance_id":"eol"}"#;
    fs::write(folder.path().join("config.json"), text).unwrap();
    assert!(matches!(open(folder.path()), Err(SettingsError::FromTheFuture { version: 2 })));
    assert_eq!(fs::read_to_string(folder.path().join("config.json")).unwrap(), text);
}

#[test]
fn the_settings_of_another_instance_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), r#"{"instance_id":"other"}"#).unwrap();
    assert!(matches!(open(folder.path()), Err(SettingsError::OtherInstance { .. })));
}

#[test]
fn the_health_interval_stays_in_its_bounds() {
    let clamp = |secs| ConnectionConfig { health_check_interval: secs, ..ConnectionConfig::default() }.health_interval_secs();
    assert_eq!([0, 5, 30, 9999].map(clamp), [5, 5, 30, 3600]);
}
