//! What the registry and the folders must stand.

use std::fs;
use std::path::Path;

use chrono::DateTime;

use super::*;
use crate::client::vault::tests::vault_on;
use crate::domain::instance::Application;
use crate::support::clock::Clock;

fn open(data: &Path) -> (Registry, Vec<Explanation>) {
    Registry::open(data, &Clock::system()).unwrap()
}

fn id(text: &str) -> InstanceId {
    InstanceId::parse(text).unwrap()
}

fn keys(problems: &[Explanation]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.key).collect()
}

#[test]
fn an_instance_is_made_renamed_chosen_and_found_again() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, problems) = open(data.path());
    assert_eq!(problems, []);
    let first = registry.create(None, "Line A - EOL", None, "station").unwrap();
    let second = registry.create(None, "Line A - EOL", Some(Application::YieldMonitor), "yield-monitor").unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("line-a-eol", "line-a-eol-2"));
    registry.rename(&first, "Station 1").unwrap();
    registry.make_default(&second).unwrap();
    let (registry, problems) = open(data.path());
    assert_eq!(problems, []);
    let list = registry.list(None);
    assert_eq!((list[0].name.as_str(), list[0].application, list[0].is_default), ("Station 1", Application::Configurator, false));
    assert!(list[1].is_default && !list[1].in_use && !list[1].signed_in);
    assert!(data.path().join("instances/line-a-eol/queue").is_dir());
}

#[test]
fn bad_rows_are_told_and_kept_and_harm_no_other() {
    let data = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        fs::create_dir_all(data.path().join(name)).unwrap();
        data.path().join(name).display().to_string()
    };
    let rows = serde_json::json!([
        {"id": "a", "name": "A", "path": folder("x/a"), "type": "configurator", "last_used": null, "colour": "red"},
        {"id": "a", "name": "A again", "path": folder("x/a2"), "type": "configurator"},
        {"id": "../evil", "name": "Evil", "path": "", "type": "configurator"},
        {"name": "no id"},
        {"id": "up", "name": "Up", "path": "../../up", "type": "configurator"},
        {"id": "root", "name": "Root", "path": data.path().display().to_string(), "type": "configurator"},
        {"id": "shared", "name": "Shared", "path": folder("x/a"), "type": "configurator"},
        {"id": "gone", "name": "Gone", "path": data.path().join("nowhere"), "type": "yield_monitor"},
        {"id": "future", "name": "F", "path": folder("x/f"), "type": "hologram"},
        {"id": "b", "path": folder("x/b"), "type": "pressure_panel"},
    ]);
    let text = serde_json::json!({"instances": rows, "default_instance": "b", "site": "north"}).to_string();
    fs::write(data.path().join("instances.json"), text).unwrap();
    let (mut registry, problems) = open(data.path());
    let expected = [
        "instance_id_twice",
        "instance_row_unusable",
        "instance_row_unusable",
        "instance_path_unusable",
        "instance_path_unusable",
        "instance_folder_shared",
        "instance_row_unusable",
        "instance_folder_missing",
    ];
    assert_eq!(keys(&problems), expected);
    assert_eq!(registry.list(None).iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "gone", "b"]);
    assert_eq!(registry.default_instance(), Some(id("b")));
    assert!(matches!(registry.create(Some(id("up")), "x", None, "default"), Err(InstancesError::Taken(_))));
    registry.rename(&id("a"), "A1").unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(data.path().join("instances.json")).unwrap()).unwrap();
    assert_eq!(kept["instances"].as_array().unwrap().len(), 10, "nothing is dropped");
    assert_eq!((&kept["site"], &kept["instances"][0]["colour"]), (&"north".into(), &"red".into()));
}

#[test]
fn a_broken_registry_is_set_aside_and_the_backup_used() {
    for broken in ["", "{", "[]", "{\"instances\": 7}", "\u{feff}nonsense"] {
        let data = tempfile::tempdir().unwrap();
        let (mut registry, _) = open(data.path());
        registry.create(Some(id("a")), "A", None, "default").unwrap();
        registry.create(Some(id("b")), "B", None, "default").unwrap();
        fs::write(data.path().join("instances.json"), broken).unwrap();
        let (mut registry, problems) = open(data.path());
        assert_eq!(keys(&problems), ["registry_broken"], "{broken:?}");
        assert_eq!(registry.list(None).len(), 1, "the version before has one");
        registry.rename(&id("a"), "A1").unwrap();
        let names = fs::read_dir(data.path()).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        assert_eq!(names.filter(|name| name.contains(".broken-")).count(), 1);
    }
}

#[test]
fn a_registry_from_the_future_is_read_and_never_written() {
    let data = tempfile::tempdir().unwrap();
    let text = r#"{"version":9,"instances":[],"default_instance":null}"#;
    fs::write(data.path().join("instances.json"), text).unwrap();
    let (mut registry, problems) = open(data.path());
    assert_eq!(keys(&problems), ["registry_newer"]);
    assert!(matches!(registry.create(None, "A", None, "default"), Err(InstancesError::FromTheFuture { version: 9 })));
    assert_eq!(fs::read_to_string(data.path().join("instances.json")).unwrap(), text);
}

#[test]
fn an_instance_has_one_owner() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, _) = open(data.path());
    registry.create(Some(id("a")), "A", None, "default").unwrap();
    let (_, lock) = registry.own(&id("a")).unwrap();
    assert!(matches!(registry.own(&id("a")), Err(InstancesError::InUse(_))));
    assert!(registry.list(None)[0].in_use && !registry.list(Some(&id("a")))[0].in_use);
    drop(lock);
    registry.own(&id("a")).unwrap();
}

#[test]
fn a_copy_takes_neither_token_nor_queue_nor_reports() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, _) = open(data.path());
    let from = registry.create(Some(id("a")), "A", None, "station").unwrap();
    let folder = registry.folder_of(&from).unwrap();
    let (settings, _) = open_settings(&folder, &from, &vault_on("m"), &Clock::system()).unwrap();
    settings.change(|config| config.connection.token_encrypted = "sealed".into()).unwrap();
    for name in ["queue/q.db", "converters/inbox/r.json", "converters/plan.toml", "logs/andon.log"] {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "x").unwrap();
    }
    let begun = registry.begin_copy(&from, "B", &Clock::system()).unwrap();
    let mut seen = Vec::new();
    copy(&begun, &mut |part| {
        seen.push(part);
        true
    })
    .unwrap();
    let to = registry.finish_copy(begun).unwrap();
    let copied = registry.folder_of(&to).unwrap();
    assert!(copied.join("converters/plan.toml").exists() && !copied.join("converters/inbox/r.json").exists());
    assert!(!copied.join("queue/q.db").exists() && !copied.join("logs/andon.log").exists());
    assert!(!fs::read_to_string(copied.join("config.json")).unwrap().contains("sealed"));
    assert_eq!(seen.last(), Some(&1.0));
}

#[test]
fn a_cancelled_copy_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, _) = open(data.path());
    let from = registry.create(Some(id("a")), "A", None, "station").unwrap();
    fs::write(registry.folder_of(&from).unwrap().join("note.txt"), "x").unwrap();
    let begun = registry.begin_copy(&from, "B", &Clock::system()).unwrap();
    assert!(matches!(copy(&begun, &mut |_| false), Err(InstancesError::Cancelled)));
    assert!(!data.path().join("instances/b").exists());
}

#[test]
fn a_copy_never_touches_a_folder_that_somebody_made_meanwhile() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, _) = open(data.path());
    let from = registry.create(Some(id("a")), "A", None, "station").unwrap();
    fs::write(registry.folder_of(&from).unwrap().join("note.txt"), "x").unwrap();
    let (slow, quick) =
        (registry.begin_copy(&from, "B", &Clock::system()).unwrap(), registry.begin_copy(&from, "B", &Clock::system()).unwrap());
    copy(&quick, &mut |_| true).unwrap();
    let other = registry.finish_copy(quick).unwrap();
    assert!(matches!(copy(&slow, &mut |_| false), Err(InstancesError::Taken(_))));
    assert!(registry.folder_of(&other).unwrap().join("config.json").exists());
}

#[test]
fn removing_takes_what_is_ours_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let (mut registry, _) = open(data.path());
    registry.create(Some(id("a")), "A", None, "station").unwrap();
    let (folder, lock) = registry.own(&id("a")).unwrap();
    fs::write(folder.join("holiday.jpg"), "x").unwrap();
    let door = DoorLock::take(&folder).unwrap();
    remove(&folder, (lock, door), &mut |_| true).unwrap();
    registry.forget(&id("a")).unwrap();
    let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["holiday.jpg"]);
    assert_eq!(open(data.path()).0.list(None), []);
}

const OLD: &str = r#"{"service_address":"https://company.wats.com/","api_token":"c2VjcmV0OnRva2Vu","instance_name":"Old station",
    "instance_id":"default","sync_interval":300,"note":"token is c2VjcmV0OnRva2Vu","version":"2.0"}"#;

fn nothing_plain_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            nothing_plain_below(&entry.path());
        } else {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
            assert!(!text.contains("c2VjcmV0OnRva2Vu"), "{}", entry.path().display());
        }
    }
}

#[test]
fn an_old_file_in_the_instance_is_taken_over_and_its_token_sealed() {
    for name in ["config.json", "client_config.json"] {
        let data = tempfile::tempdir().unwrap();
        let (mut registry, _) = open(data.path());
        registry.create(Some(id("a")), "A", None, "default").unwrap();
        let folder = registry.folder_of(&id("a")).unwrap();
        fs::write(folder.join(name), OLD).unwrap();
        fs::write(folder.join(format!("{name}.bak")), OLD).unwrap();
        let vault = vault_on("m");
        let (settings, problems) = open_settings(&folder, &id("a"), &vault, &Clock::system()).unwrap();
        assert_eq!(keys(&problems), ["old_format_adopted"], "{name}");
        let connection = settings.get().connection;
        assert_eq!((connection.server_url.as_str(), connection.connection_state.as_str()), ("https://company.wats.com", "Connected"));
        assert_eq!(vault.open(&connection.token_encrypted, &id("a"), &connection.server_url).unwrap().expose(), "c2VjcmV0OnRva2Vu");
        assert_eq!(settings.get().rest["sync_interval"], 300);
        nothing_plain_below(data.path());
        assert!(!folder.join("client_config.json").exists());
        assert_eq!(open_settings(&folder, &id("a"), &vault, &Clock::system()).unwrap().1, []);
    }
}

#[test]
fn an_old_token_without_a_usable_address_is_left_where_it_is() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut registry, _) = open(data.path());
    registry.create(Some(id("a")), "A", None, "default").unwrap();
    let folder = registry.folder_of(&id("a")).unwrap();
    for address in ["", "https://ann:secret@company.wats.com", "ftp://company"] {
        let old = OLD.replace("https://company.wats.com/", address);
        let files = [folder.join("client_config.json"), elsewhere.path().join("client_config.json")];
        files.iter().for_each(|file| fs::write(file, &old).unwrap());
        assert!(matches!(open_settings(&folder, &id("a"), &vault_on("m"), &Clock::system()), Err(InstancesError::OldAddress(_))));
        assert!(matches!(registry.import(elsewhere.path(), &vault_on("m")), Err(InstancesError::OldAddress(_))));
        assert!(files.iter().all(|file| fs::read_to_string(file).unwrap() == old), "{address}");
        assert_eq!(registry.list(None).len(), 1);
    }
}

#[test]
fn an_old_folder_elsewhere_is_imported_and_not_kept() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = elsewhere.path().join("client_config.json");
    fs::write(&file, OLD).unwrap();
    let (mut registry, _) = open(data.path());
    let imported = registry.import(&file, &vault_on("m")).unwrap();
    assert_eq!(imported.as_str(), "old-station");
    assert!(!file.exists());
    nothing_plain_below(elsewhere.path());
    nothing_plain_below(data.path());
    assert!(registry.list(None)[0].signed_in);
}

#[test]
fn a_folder_of_ours_is_registered_where_it_lies() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(elsewhere.path().join("config.json"), r#"{"instance_id":"eol","instance_name":"EOL"}"#).unwrap();
    let (mut registry, _) = open(data.path());
    assert_eq!(registry.import(elsewhere.path(), &vault_on("m")).unwrap(), id("eol"));
    assert_eq!(registry.folder_of(&id("eol")).unwrap(), elsewhere.path());
    assert!(matches!(registry.import(elsewhere.path(), &vault_on("m")), Err(InstancesError::Taken(_))));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(registry.import(empty.path(), &vault_on("m")), Err(InstancesError::NothingToImport(_))));
}

#[test]
fn two_programs_that_change_the_registry_at_once_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (mut window, _) = open(data.path());
    let (mut command_line, _) = open(data.path());
    window.create(Some(id("first")), "First", None, "default").unwrap();
    command_line.create(Some(id("second")), "Second", None, "default").unwrap();
    window.touch(&id("first"), DateTime::UNIX_EPOCH);
    command_line.rename(&id("first"), "Renamed").unwrap();
    window.make_default(&id("second")).unwrap();
    command_line.forget(&id("first")).unwrap();
    assert!(matches!(window.rename(&id("first"), "Gone"), Err(InstancesError::Unknown(_))));
    let crowd = |name: &'static str| {
        let data = data.path().to_owned();
        std::thread::spawn(move || {
            let mut registry = open(&data).0;
            for _ in 0..8 {
                registry.create(None, name, None, "default").unwrap();
            }
        })
    };
    for thread in [crowd("Same"), crowd("Same"), crowd("Other")] {
        thread.join().unwrap();
    }
    window.refresh();
    let list = window.list(None);
    assert_eq!(list.len(), 25);
    assert!(list.iter().any(|row| row.id == id("second") && row.is_default));
}
