//! A person at a station whose server is gone: the true client, and the true server killed and started again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use andon::client::*;
use andon::domain::Permission;
use andon::domain::connection::Connection;
use andon::support::secret::Secret;
use serde_json::Value;

use crate::secrecy::files_with;
use crate::world::{PASSWORD, Server, http, until};

/// A sign-in is slow hashes, and many tests may be hashing at once.
const SOON: Duration = Duration::from_secs(90);
/// Long enough not to be found in anything by chance.
const WRONG: &str = "a-word-that-is-wrong";

struct Station {
    bridge: Bridge,
}

impl Station {
    fn open(data: &Path) -> Station {
        let startup = Startup { keyring: false, ..Startup::new(data.to_owned()) };
        let mut station = Station { bridge: Bridge::start(startup, || ()).unwrap() };
        station.wait("the station is open", |model| model.connection.since.is_some());
        station
    }

    /// A station that was signed in and kept.
    fn open_again(data: &Path) -> Station {
        let mut station = Station::open(data);
        station.wait("its token is opened", |model| model.session.station.is_some());
        station
    }

    fn ask(&self, command: SessionCommand) {
        self.bridge.send(Command::Session(command)).unwrap();
    }

    fn wait(&mut self, what: &str, good: impl Fn(&Model) -> bool) -> Model {
        self.bridge.wait(SOON, good).unwrap_or_else(|model| panic!("waited in vain until {what}: {model:#?}"))
    }

    fn enroll(&mut self, server: &Server) {
        let (user, password) = ("admin".to_owned(), Secret::new(PASSWORD));
        let server_url = server.url();
        self.ask(SessionCommand::SignIn(SignIn { server_url, user, password, remember: true, application: None, allow_plain_http: false }));
        self.wait("the station is signed in", |model| model.session.station.is_some() && model.session.person.is_some());
    }

    fn try_person(&self, user: &str, password: &str) {
        self.ask(SessionCommand::SignInPerson { user: user.to_owned(), password: Secret::new(password) });
    }

    fn comes(&mut self, user: &str, offline: bool) -> Model {
        self.try_person(user, PASSWORD);
        let is = |model: &Model| model.session.person.as_ref().is_some_and(|person| person.name == user && person.offline == offline);
        self.wait("he is there", is)
    }

    fn is_refused(&mut self, user: &str, password: &str, key: &str) {
        self.ask(SessionCommand::CancelSignIn);
        self.wait("nothing is said", |model| model.session.sign_in_error.is_none());
        self.try_person(user, password);
        self.wait(key, |model| model.session.sign_in_error.as_ref().is_some_and(|error| error.key == key));
    }

    fn leaves(&mut self) {
        self.ask(SessionCommand::PersonSignOut);
        self.wait("nobody is there", |model| model.session.person.is_none());
    }

    /// Leaves, and the server hears it, of him and of whoever was there before.
    fn leaves_at(&mut self, server: &Server) {
        self.leaves();
        until("two farewells are heard", SOON, || (audited(server, "logout").len() == 2).then_some(()));
    }

    fn is_connected(&mut self) {
        self.wait("the server is back", |model| model.connection.state == Connection::Connected);
    }
}

fn file(data: &Path, name: &str) -> PathBuf {
    let instances = std::fs::read_dir(data.join("instances")).unwrap().flatten();
    instances.map(|instance| instance.path().join(name)).find(|path| path.exists()).unwrap_or_else(|| panic!("there is no {name}"))
}

/// Who the book is about is hashed in a thread of its own: it is there once its file is.
fn remembers(data: &Path, before: Option<Vec<u8>>) -> Vec<u8> {
    until("the person is remembered", SOON, || {
        let folder = std::fs::read_dir(data.join("instances")).ok()?.flatten().next()?.path();
        std::fs::read(folder.join("offline.json")).ok().filter(|bytes| before.as_ref() != Some(bytes))
    })
}

/// A station at which the operator was, and the book of persons that knows him since.
fn known_here(data: &Path, server: &Server) -> (Station, Vec<u8>) {
    let mut station = Station::open(data);
    station.enroll(server);
    let book = remembers(data, None);
    station.comes("operator", false);
    let book = remembers(data, Some(book));
    station.leaves_at(server);
    (station, book)
}

/// What the audit log has of stations, oldest first: act, user, result.
fn told(server: &Server) -> Vec<(String, String, String)> {
    audited(server, "offline")
}

/// What the audit log has of acts that begin so.
fn audited(server: &Server, acts: &str) -> Vec<(String, String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries: Vec<Value> = runtime.block_on(async {
        let body = serde_json::json!({ "username": "admin", "password": PASSWORD });
        let login: Value = http().post(format!("{}/api/auth/login", server.url())).json(&body).send().await.unwrap().json().await.unwrap();
        let request = http().get(format!("{}/api/audit?action={acts}", server.url()));
        request.bearer_auth(login["access_token"].as_str().unwrap()).send().await.unwrap().json().await.unwrap()
    });
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    entries.iter().rev().map(|entry| (word(entry, "action"), word(entry, "user"), word(entry, "result"))).collect()
}

fn waiting(data: &Path) -> usize {
    let text = std::fs::read_to_string(file(data, "offline_acts.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["acts"].as_array().unwrap().len()
}

#[test]
fn whoever_signed_in_here_comes_while_the_server_is_gone_and_the_server_hears_of_it_once() {
    let (mut server, data) = (Server::start(), tempfile::tempdir().unwrap());
    let (mut station, _) = known_here(data.path(), &server);
    server.kill();
    station.is_refused("operator", WRONG, "wrong_password");
    station.is_refused("nobody-here", PASSWORD, "offline_not_known");
    drop(station);
    let mut station = Station::open_again(data.path());
    station.wait("the server is missed", |model| matches!(model.connection.state, Connection::Offline(_)));
    let model = station.comes("operator", true);
    let may: Vec<_> = Permission::all().filter(|permission| model.session.may_act(*permission)).collect();
    assert_eq!(may, [Permission::AckAlerts, Permission::RunTests]);
    let kept = std::fs::read(file(data.path(), "offline_acts.json")).unwrap();
    let secrets = [PASSWORD, WRONG, "nobody-here"].map(str::to_owned);
    assert!(files_with(data.path(), &secrets).is_empty(), "what was typed is nowhere");
    server.resume();
    station.is_connected();
    until("nothing waits any more", SOON, || (waiting(data.path()) == 0).then_some(()));
    assert!(station.bridge.model().session.is_offline(), "he has not become more meanwhile");
    let entry = |action: &str, user: &str, result: &str| (action.to_owned(), user.to_owned(), result.to_owned());
    let tries = [
        entry("offline.login", "operator", "invalid_credentials"),
        entry("offline.login", "(unknown name)", "not_known_here"),
        entry("offline.login", "operator", "ok"),
    ];
    assert_eq!(told(&server), tries);
    let model = station.comes("operator", false);
    assert!(model.session.may_act(Permission::SubmitReports));
    until("his leaving is told", SOON, || (told(&server).len() == 4).then_some(()));
    drop(station);
    // A disk that lost the last write, and a station that starts from it.
    std::fs::write(file(data.path(), "offline_acts.json"), kept).unwrap();
    let mut station = Station::open_again(data.path());
    station.is_connected();
    until("nothing waits any more", SOON, || (waiting(data.path()) == 0).then_some(()));
    let heard = told(&server);
    assert_eq!(heard[..3], tries);
    let again = [entry("offline.logout", "operator", "ok"), entry("offline.session.left_open", "operator", "ok")];
    assert_eq!(heard[3..], again, "each act once, and what the disk lost nobody saw");
}

#[test]
fn who_is_there_when_the_program_closes_or_dies_is_not_there_any_more_in_the_audit_log() {
    let (mut server, data) = (Server::start(), tempfile::tempdir().unwrap());
    let (mut station, _) = known_here(data.path(), &server);
    // Mistyped while the server is there: it takes nothing away.
    station.is_refused("operator", WRONG, "wrong_password");
    server.kill();
    station.comes("operator", true);
    drop(station);
    let mut station = Station::open_again(data.path());
    station.comes("operator", true);
    let acts = file(data.path(), "offline_acts.json");
    let as_after_a_crash = std::fs::read(&acts).unwrap();
    drop(station);
    std::fs::write(&acts, as_after_a_crash).unwrap();
    server.resume();
    let mut station = Station::open_again(data.path());
    station.is_connected();
    until("nothing waits any more", SOON, || (waiting(data.path()) == 0).then_some(()));
    let words: Vec<String> = told(&server).into_iter().map(|(action, _, result)| format!("{action} {result}")).collect();
    assert_eq!(words, ["offline.login ok", "offline.logout ok", "offline.login ok", "offline.session.left_open ok"]);
}

#[test]
fn who_is_refused_at_the_server_or_forgotten_here_does_not_come_without_it() {
    let (mut server, data) = (Server::start(), tempfile::tempdir().unwrap());
    let (mut station, book) = known_here(data.path(), &server);
    // His password was changed elsewhere, and he tries the old one.
    server.command(&["user", "set-password", "operator", "--password-stdin"], "another password");
    station.is_refused("operator", PASSWORD, "wrong_password");
    remembers(data.path(), Some(book));
    server.kill();
    station.is_refused("operator", PASSWORD, "offline_not_known");
    station.comes("admin", true);
    station.leaves();
    for _ in 0..3 {
        station.is_refused("admin", WRONG, "wrong_password");
    }
    drop(station);
    let mut station = Station::open_again(data.path());
    station.is_refused("admin", PASSWORD, "account_locked");
    station.ask(SessionCommand::ForgetPersons);
    until("the file is gone", SOON, || (!file(data.path(), "config.json").with_file_name("offline.json").exists()).then_some(()));
    station.is_refused("admin", PASSWORD, "offline_not_known");
}
