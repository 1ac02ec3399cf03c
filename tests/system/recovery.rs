//! The station without a window, in this process: what its displays would show while servers come and go.

use std::path::Path;
use std::time::Duration;

use andon::client::{Bridge, Command, ConnectionCommand, Model, SessionCommand, SignIn, Startup};
use andon::domain::connection::{Connection, Trouble};
use andon::support::secret::Secret;

use crate::chaos::{Chaos, Weather};
use crate::delivery::{assert_all_arrived, line_of_reports};
use crate::world::{PASSWORD, Pc, Server, drop_report, feed};

/// A station on this data folder, with health probes as often as allowed.
fn station(data: &Path) -> Bridge {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let startup = Startup { keyring: false, ..Startup::new(data.to_owned()) };
    Bridge::start(startup, || ()).unwrap()
}

fn sign_in(bridge: &mut Bridge, url: &str) {
    let form = SignIn {
        server_url: url.to_owned(),
        user: "admin".to_owned(),
        password: Secret::new(PASSWORD),
        remember: true,
        application: None,
        allow_plain_http: false,
    };
    bridge.send(Command::Session(SessionCommand::SignIn(form))).unwrap();
    wait(bridge, "signed in", 20, |model| model.connection.state == Connection::Connected && model.session.person.is_some());
    bridge.send(Command::Connection(ConnectionCommand::SetHealthInterval { secs: 5 })).unwrap();
}

fn wait(bridge: &mut Bridge, what: &str, secs: u64, good: impl Fn(&Model) -> bool) -> Model {
    bridge.wait(Duration::from_secs(secs), good).unwrap_or_else(|model| panic!("waited {secs} s in vain until {what}: {model:#?}"))
}

#[test]
fn a_saved_sign_in_that_does_not_open_is_mended_by_signing_in() {
    let (server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let file = pc.instance("eol").join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    config["connection"]["token_encrypted"] = "andon1.m.A.B.C".into();
    std::fs::write(&file, config.to_string()).unwrap();
    let mut command = pc.andonctl();
    command.args(["status", "--instance", "eol"]);
    assert_eq!(feed(command, "").status.code(), Some(3));
    pc.login("eol", &server.url());
    assert_eq!(pc.json(&["status", "--instance", "eol"])["state"], "connected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_written_offline_arrives_once_after_the_server_is_back() {
    let mut server = Server::start();
    let pc = Pc::new();
    let mut bridge = station(pc.data.path());
    sign_in(&mut bridge, &server.url());
    let instance = bridge.model().instances.current.clone().unwrap();
    let inbox = pc.inbox(instance.as_str());
    assert!(server.stop().success(), "a server ends cleanly when asked");
    wait(&mut bridge, "the badge says Offline within one health interval", 6, |model| {
        model.connection.state == Connection::Offline(Trouble::Unreachable)
    });
    let sources = line_of_reports(20, 25);
    for (n, source) in sources.iter().enumerate() {
        drop_report(&inbox, &n.to_string(), source);
    }
    wait(&mut bridge, "work goes on", 20, |model| model.queue.waiting == 25);
    server.resume();
    wait(&mut bridge, "connected again, nobody pressed anything", 60, |model| model.connection.state == Connection::Connected);
    wait(&mut bridge, "the queue is empty", 60, |model| model.queue.pending() == 0 && model.queue.delivered == 25);
    drop(bridge);
    assert_all_arrived(&server, &sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_500_to_everything_is_not_connected() {
    let server = Server::start();
    let chaos = Chaos::before(server.address).await;
    let pc = Pc::new();
    let mut bridge = station(pc.data.path());
    sign_in(&mut bridge, &chaos.url);
    chaos.set(Weather::Answer(500));
    let model =
        wait(&mut bridge, "the server's errors show", 8, |model| model.connection.state == Connection::Offline(Trouble::ServerError));
    assert!(model.connection.trouble.is_some(), "with words for it");
    chaos.set(Weather::Fair);
    wait(&mut bridge, "connected again", 60, |model| model.connection.state == Connection::Connected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_leads_to_the_login_with_the_queue_intact() {
    let server = Server::start();
    let chaos = Chaos::before(server.address).await;
    let pc = Pc::new();
    let mut bridge = station(pc.data.path());
    sign_in(&mut bridge, &chaos.url);
    let instance = bridge.model().instances.current.clone().unwrap();
    chaos.set(Weather::Cut);
    let sources = line_of_reports(21, 7);
    for (n, source) in sources.iter().enumerate() {
        drop_report(&pc.inbox(instance.as_str()), &n.to_string(), source);
    }
    // One may be on its way until its minute is over: a connection that closes in the very moment a request is handed to it can leave
    // the HTTP library waiting.
    wait(&mut bridge, "the queue holds them", 20, |model| model.queue.pending() == 7 && model.queue.sending <= 1);
    let tokens = server.command(&["token", "list"], "");
    let ids: Vec<&str> = tokens.split_whitespace().filter(|word| uuid::Uuid::parse_str(word).is_ok()).collect();
    assert!(!ids.is_empty(), "{tokens}");
    for id in ids {
        server.command(&["token", "revoke", id], "");
    }
    chaos.set(Weather::Fair);
    let model = wait(&mut bridge, "the login is asked for", 70, |model| model.connection.state == Connection::NotConnected);
    assert!(model.session.station.is_none());
    wait(&mut bridge, "the queue holds them still", 70, |model| model.queue.waiting == 7);
    sign_in(&mut bridge, &chaos.url);
    wait(&mut bridge, "the queue is empty", 60, |model| model.queue.pending() == 0);
    drop(bridge);
    assert_all_arrived(&server, &sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_signs_in_once_and_is_there_again_after_a_restart() {
    let server = Server::start();
    let pc = Pc::new();
    let mut bridge = station(pc.data.path());
    sign_in(&mut bridge, &server.url());
    drop(bridge);
    let mut bridge = station(pc.data.path());
    let model = wait(&mut bridge, "connected by itself", 20, |model| model.connection.state == Connection::Connected);
    assert!(model.session.station.is_some());
    assert!(model.session.person.is_none(), "a person's session does not outlive the program");
    bridge.send(Command::Session(SessionCommand::SignOut)).unwrap();
    wait(&mut bridge, "signed out", 20, |model| model.connection.state == Connection::NotConnected);
    drop(bridge);
    let mut bridge = station(pc.data.path());
    wait(&mut bridge, "an instance is open", 20, |model| model.instances.current.is_some());
    assert_eq!(bridge.model().connection.state, Connection::NotConnected);
}
