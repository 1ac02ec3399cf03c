//! What should never come, comes: each gets one clear sentence and harms nothing.

use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use andon::client::{Bridge, Command as Ask, SessionCommand, SignIn, Startup};
use andon::domain::connection::Connection;
use andon::domain::simulator::Line;
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use chrono::{TimeDelta, TimeZone, Utc};

use crate::delivery::{assert_all_arrived, line_of_reports, wait_until_empty};
use crate::world::{PASSWORD, Pc, Server, drop_report, feed, until};

/// The one sentence that a refused command says, on standard error.
fn sentence(output: &Output) -> String {
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert!(!text.is_empty() && !text.contains("panicked") && text.lines().count() <= 2, "{text}");
    text
}

#[test]
fn an_address_with_a_user_in_it_is_refused_before_anything_is_sent() {
    let pc = Pc::new();
    let mut command = pc.andonctl();
    command.args(["login", "https://admin:hunter2-hunter2@line.example", "--user", "admin", "--password-stdin", "--instance", "eol"]);
    let output = feed(command, PASSWORD);
    let text = sentence(&output);
    assert!(text.contains("address") && !text.contains("hunter2"), "{text}");
}

/// Drops a bad file and a good report behind it; returns the reason beside the bad one.
async fn reason_for(write_bad: impl FnOnce(&Path)) -> String {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let inbox = pc.inbox("eol");
    write_bad(&inbox.join("bad.json"));
    let sources = line_of_reports(60, 3);
    let _station = pc.station("eol");
    for (n, source) in sources.iter().enumerate() {
        drop_report(&inbox, &format!("good-{n}"), source);
    }
    let reason = until("the reason stands beside the file", Duration::from_secs(60), || {
        std::fs::read_to_string(inbox.join("Error/bad.json.reason.txt")).ok()
    });
    // The reason is there first, so that no file ever lies there without.
    until("the file itself follows", Duration::from_secs(20), || inbox.join("Error/bad.json").exists().then_some(()));
    wait_until_empty(&pc, "eol", Duration::from_secs(60));
    assert_all_arrived(&server, &sources).await;
    reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_200_megabytes_is_set_aside_with_its_reason() {
    let reason = reason_for(|file| {
        let mut out = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
        out.write_all(b"{\"id\":\"").unwrap();
        for _ in 0..200 {
            out.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
    })
    .await;
    assert!(reason.contains("16 MiB"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_a_hundred_thousand_steps_is_set_aside_with_its_reason() {
    let report = Line::new(61).report_of(Utc.with_ymd_and_hms(2026, 3, 4, 5, 0, 0).unwrap(), 100_000);
    let reason = reason_for(|file| std::fs::write(file, &report).unwrap()).await;
    assert!(reason.contains("steps") || reason.contains("16 MiB"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_utf8_is_set_aside_with_its_reason() {
    let reason = reason_for(|file| std::fs::write(file, b"{\"id\":\"caf\xe9\"}").unwrap()).await;
    assert!(reason.contains("UTF-8"), "{reason}");
}

#[test]
fn a_registry_with_two_equal_ids_is_set_right_in_words() {
    let pc = Pc::new();
    pc.run(&["instance", "create", "one"]);
    let registry = pc.data.path().join("instances.json");
    let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(&registry).unwrap()).unwrap();
    let list = value["instances"].as_array_mut().unwrap();
    let twin = list[0].clone();
    list.push(twin);
    std::fs::write(&registry, value.to_string()).unwrap();
    let mut command = pc.andonctl();
    command.args(["instance", "list"]);
    let output = feed(command, "");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("two stations with the id one"), "{said}");
    assert_eq!(
        said.lines().filter(|line| line.starts_with("one")).count() + said.lines().filter(|line| line.starts_with("* one")).count(),
        1,
        "{said}"
    );
}

#[test]
fn a_config_from_the_future_is_left_alone_in_words() {
    let pc = Pc::new();
    pc.run(&["instance", "create", "one"]);
    let config = pc.instance("one").join("config.json");
    let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    value["version"] = serde_json::json!(999);
    value["hologram"] = serde_json::json!({"kept": true});
    std::fs::write(&config, value.to_string()).unwrap();
    let mut command = pc.andonctl();
    command.args(["login", "http://127.0.0.1:9", "--user", "admin", "--password-stdin", "--instance", "one"]);
    let text = sentence(&feed(command, PASSWORD));
    assert!(text.contains("newer"), "{text}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), value.to_string(), "the file is untouched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_a_day_back_stops_and_doubles_nothing() {
    let server = Server::start();
    let pc = Pc::new();
    let clock = Clock::held(Utc.with_ymd_and_hms(2026, 3, 4, 5, 0, 0).unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let startup = Startup { keyring: false, clock: clock.clone(), ..Startup::new(pc.data.path().to_owned()) };
    let mut bridge = Bridge::start(startup, || ()).unwrap();
    let form = SignIn {
        server_url: server.url(),
        user: "admin".to_owned(),
        password: Secret::new(PASSWORD),
        remember: true,
        application: None,
        allow_plain_http: false,
    };
    bridge.send(Ask::Session(SessionCommand::SignIn(form))).unwrap();
    let model = bridge.wait(Duration::from_secs(20), |model| model.connection.state == Connection::Connected).expect("signed in");
    let inbox = pc.inbox(model.instances.current.as_ref().unwrap().as_str());
    let sources = line_of_reports(62, 20);
    for (n, source) in sources.iter().enumerate() {
        if n == 10 {
            clock.push(TimeDelta::days(-1));
        }
        drop_report(&inbox, &n.to_string(), source);
    }
    bridge.wait(Duration::from_secs(30), |model| model.queue.delivered == 20 && model.queue.pending() == 0).expect("all are delivered");
    drop(bridge);
    assert_all_arrived(&server, &sources).await;
}
