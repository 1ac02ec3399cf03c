//! The services as the window sees them: through the bridge alone.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::client::bridge::{Bridge, Notice};
use crate::client::command::{ConnectionCommand, InstancesCommand};
use crate::client::model::Model;
use crate::domain::instance::Application;

const LIMIT: Duration = Duration::from_secs(10);

fn start(data: &Path) -> Bridge {
    Bridge::start(Startup { keyring: false, ..Startup::new(data.to_owned()) }, || ()).unwrap()
}

fn wait(bridge: &mut Bridge, what: &str, good: impl Fn(&Model) -> bool) -> Model {
    bridge.wait(LIMIT, good).unwrap_or_else(|model| panic!("{what} did not come: {:?} {:?}", model.instances, model.session))
}

fn refused(bridge: &mut Bridge, key: &str) {
    let deadline = Instant::now() + LIMIT;
    loop {
        match bridge.next_notice() {
            Some(Notice::Failed(error)) if error.key == key => return,
            Some(_) => {}
            None => assert!(Instant::now() < deadline, "{key} was not said"),
        }
        let _ = bridge.wait(Duration::from_millis(5), |_| false);
    }
}

fn id(text: &str) -> InstanceId {
    InstanceId::parse(text).unwrap()
}

#[test]
fn the_first_start_makes_an_instance_and_closing_is_quick() {
    let data = tempfile::tempdir().unwrap();
    let mut bridge = start(data.path());
    let model = wait(&mut bridge, "an instance", |model| model.instances.current.is_some());
    assert_eq!(model.instances.current, Some(id("default")));
    assert_eq!(model.instances.problems, []);
    assert!(data.path().join("instances/default/queue").is_dir());
    let begun = Instant::now();
    drop(bridge);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn the_same_instance_twice_is_refused_and_two_do_not_touch() {
    let data = tempfile::tempdir().unwrap();
    let mut first = start(data.path());
    wait(&mut first, "an instance", |model| model.instances.current.is_some());
    let create =
        InstancesCommand::Create { name: "Second".to_owned(), application: Application::Configurator, template: "station".to_owned() };
    first.send(Command::Instances(create)).unwrap();
    wait(&mut first, "the second", |model| model.instances.list.len() == 2);

    let mut again = start(data.path());
    refused(&mut again, "instance_in_use");
    again.send(Command::Instances(InstancesCommand::Open(id("second")))).unwrap();
    wait(&mut again, "the second is open", |model| model.instances.current == Some(id("second")));
    for _ in 0..2 {
        first.send(Command::Instances(InstancesCommand::Open(id("second")))).unwrap();
        refused(&mut first, "instance_in_use");
    }
    let model = first.model();
    assert_eq!(model.instances.current, Some(id("default")), "what was open stays open");
    assert_eq!(model.instances.problems.len(), 1, "told once");
    drop(again);
    first.send(Command::Instances(InstancesCommand::Open(id("second")))).unwrap();
    let model = wait(&mut first, "it is open", |model| model.instances.current == Some(id("second")));
    assert_eq!(model.instances.problems, [], "it is over");
}

#[test]
fn what_was_asked_of_the_station_before_is_not_done_to_the_next() {
    let data = tempfile::tempdir().unwrap();
    let mut bridge = wait_for_default(data.path());
    let create =
        InstancesCommand::Create { name: "Second".to_owned(), application: Application::Configurator, template: "station".to_owned() };
    bridge.send(Command::Instances(create)).unwrap();
    wait(&mut bridge, "the second", |model| model.instances.list.len() == 2);
    let look_every = |secs| Command::Connection(ConnectionCommand::SetHealthInterval { secs });
    bridge.send(Command::Instances(InstancesCommand::Open(id("second")))).unwrap();
    bridge.send(look_every(77)).unwrap();
    refused(&mut bridge, "station_changed");
    wait(&mut bridge, "the second", |model| model.instances.current == Some(id("second")) && model.connection.since.is_some());
    bridge.send(look_every(78)).unwrap();
    wait(&mut bridge, "its own", |model| model.connection.health_interval_secs == 78);
    let kept = |name: &str| std::fs::read_to_string(data.path().join("instances").join(name).join("config.json")).unwrap();
    assert!(!kept("second").contains("\"health_check_interval\": 77") && !kept("default").contains("\"health_check_interval\": 77"));
}

#[test]
fn instances_are_switched_copied_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let mut bridge = start(data.path());
    wait(&mut bridge, "an instance", |model| model.instances.current.is_some());
    bridge.send(Command::Instances(InstancesCommand::Duplicate { id: id("default"), name: "Copy".to_owned() })).unwrap();
    wait(&mut bridge, "the copy", |model| model.instances.list.len() == 2 && model.instances.busy.is_none());
    bridge.send(Command::Instances(InstancesCommand::Open(id("copy")))).unwrap();
    wait(&mut bridge, "the switch", |model| model.instances.current == Some(id("copy")));
    bridge.send(Command::Instances(InstancesCommand::Delete { id: id("default"), with_reports: false })).unwrap();
    let model = wait(&mut bridge, "one is left", |model| model.instances.list.len() == 1);
    assert_eq!(model.instances.list[0].id, id("copy"));
    assert!(!data.path().join("instances/default").exists());
}

#[test]
fn nothing_that_no_server_has_goes_with_an_instance_unasked() {
    let data = tempfile::tempdir().unwrap();
    let mut bridge = start(data.path());
    wait(&mut bridge, "an instance", |model| model.instances.current.is_some());
    let folder = data.path().join("instances/default");
    let lie = |place: &str| {
        let path = folder.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "{").unwrap();
        path
    };
    let delete = |with_reports| Command::Instances(InstancesCommand::Delete { id: id("default"), with_reports });
    for place in ["converters/inbox/Error/a.json", "converters/late.WSJF", "queue/queue.db.broken-20261122-000000"] {
        let path = lie(place);
        bridge.send(delete(false)).unwrap();
        refused(&mut bridge, "instance_reports_wait");
        assert!(path.exists(), "{place}");
        assert_eq!(bridge.model().instances.current, Some(id("default")), "it stays open");
        std::fs::remove_file(path).unwrap();
    }
    lie("converters/inbox/Done/a.json");
    lie("converters/inbox/Error/a.json.reason.txt");
    bridge.send(delete(false)).unwrap();
    wait(&mut bridge, "it is gone", |model| model.instances.list.is_empty());
    assert!(!folder.exists());
}

#[test]
fn a_data_folder_that_cannot_be_used_is_said() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let mut bridge = start(&file);
    wait(&mut bridge, "the problem", |model| model.instances.problems.iter().any(|problem| problem.key == "data_folder_unusable"));
}

#[test]
fn closing_is_quick_although_the_line_server_and_an_opening_hang() {
    let data = tempfile::tempdir().unwrap();
    drop(wait_for_default(data.path()));
    let path = data.path().join("instances/default/config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["connection"]["built_in_line"] = true.into();
    std::fs::write(&path, config.to_string()).unwrap();
    let (line, mut requests) = mpsc::channel(8);
    let startup = Startup { keyring: false, line: Some(crate::client::LocalLine(line)), ..Startup::new(data.path().to_owned()) };
    let bridge = Bridge::start(startup, || ()).unwrap();
    let asked = requests.blocking_recv();
    assert!(asked.is_some(), "the line server was asked for");
    let begun = Instant::now();
    drop(bridge);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    drop(asked);
}

fn wait_for_default(data: &Path) -> Bridge {
    let mut bridge = start(data);
    wait(&mut bridge, "an instance", |model| model.instances.current.is_some());
    bridge
}
