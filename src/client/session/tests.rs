//! The session against a scripted server: signing in, losing it, finding it again.

use std::path::Path;

use super::*;
use crate::client::bridge::{Notice, Publisher};
use crate::client::link::Observer;
use crate::client::model::Model;
use crate::client::offline::{self as service, Cost, Tools};
use crate::client::peer::{Answer, Asked, Peer, from_line, json, until};
use crate::client::vault::tests::{lock_keyring, vault_on};
use crate::domain::access::Role;

struct World {
    ask: mpsc::Sender<Ask>,
    events: mpsc::Sender<Event>,
    link: watch::Receiver<Link>,
    model: watch::Receiver<Model>,
    notices: mpsc::Receiver<Notice>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    offline: JoinHandle<()>,
}

mod offline;

fn settings(folder: &Path) -> Settings {
    let id = InstanceId::parse("eol").unwrap();
    if !folder.join("config.json").exists() {
        let mut config = Config { instance_id: "eol".to_owned(), ..Config::default() };
        config.connection.health_check_interval = 5;
        return Settings::create(folder, config).unwrap();
    }
    Settings::open(folder, &id, &Clock::system()).unwrap().0
}

fn start(folder: &Path, vault: &Vault) -> World {
    start_after(folder, vault, Link::default())
}

/// Starts where a session before has left this link.
fn start_after(folder: &Path, vault: &Vault, left: Link) -> World {
    let (publisher, model) = Publisher::new(Arc::new(|| ()));
    let (notifier, notices) = Notifier::new();
    let (link, link_receiver) = watch::channel(left);
    let (_, built_in) = watch::channel(None);
    let (door, mut jobs) = service::door();
    let parts = Parts {
        id: InstanceId::parse("eol").unwrap(),
        application: Application::Configurator,
        settings: settings(folder),
        vault: vault.clone(),
        clock: Clock::system(),
        notifier,
        link,
        session: publisher.slice(|model| &mut model.session),
        connection: publisher.slice(|model| &mut model.connection),
        roots: Vec::new(),
        built_in,
        way: Way::direct(),
        offline: door,
    };
    let (ask, mut inbox) = mpsc::channel(8);
    let (events, mut event_inbox) = mpsc::channel(8);
    let stop = CancellationToken::new();
    let id = InstanceId::parse("eol").unwrap();
    let tools =
        Tools { id, folder: folder.to_owned(), vault: vault.clone(), clock: Clock::system(), cost: Cost::SMALL, run: uuid::Uuid::now_v7() };
    let parts_of_offline = service::Parts { tools, link: link_receiver.clone(), observer: Observer(events.clone()) };
    let stopped = stop.clone();
    let offline = tokio::spawn(async move { service::run(parts_of_offline, &mut jobs, stopped).await });
    let stopped = stop.clone();
    let task = tokio::spawn(async move { run(parts, &mut inbox, &mut event_inbox, stopped).await });
    World { ask, events, link: link_receiver, model, notices, stop, task, offline }
}

impl World {
    async fn sign_in(&self, url: &str, user: &str, password: &str) {
        self.sign_in_and_keep(url, (user, password), true).await;
    }

    async fn sign_in_and_keep(&self, url: &str, (user, password): (&str, &str), remember: bool) {
        let sign_in = SignIn {
            server_url: url.to_owned(),
            user: user.to_owned(),
            password: Secret::new(password),
            remember,
            application: None,
            allow_plain_http: false,
        };
        self.ask.send(Ask::Session(SessionCommand::SignIn(sign_in))).await.unwrap();
    }

    async fn until_state(&self, expected: Connection) {
        until("the state", || self.model.borrow().connection.state, |state| *state == expected).await;
    }

    async fn until_error(&self, key: &str) -> Explanation {
        let look = || self.model.borrow().session.sign_in_error.clone();
        until(key, look, |error| error.as_ref().is_some_and(|error| error.key == key)).await.unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.offline.await.unwrap();
    }
}

const LOGIN: &str = r#"{"access_token":"acc","refresh_token":"ref","token_type":"Bearer","expires_in":900,
    "user":{"id":"1","username":"ann","role":"ADMIN","permissions":[],"session_timeout":3600}}"#;

/// A line server that knows ann, and the token it gave her.
fn line_server(asked: &Asked) -> Answer {
    let known = asked.header("authorization") == "Basic VE9LRU4tVE9LRU4";
    match asked.line.as_str() {
        line if line.starts_with("GET /api/Auth/GetToken/eol%40") => from_line("s1", 200, "\"VE9LRU4tVE9LRU4\""),
        "POST /api/auth/login" => from_line("s1", 200, LOGIN),
        _ if known => from_line("s1", 200, "\"0.1.0\""),
        _ => from_line("s1", 401, r#"{"error":"unknown token","code":"unauthorized"}"#),
    }
}

#[tokio::test]
async fn a_station_signs_in_and_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    let session = world.model.borrow().session.clone();
    assert_eq!(session.person.as_ref().map(|person| person.role), Some(Role::Admin));
    assert!(session.station.as_ref().is_some_and(|station| station.has_roles && station.remembered));
    assert!(world.link.borrow().online().is_some() && world.link.borrow().server_id == "s1");
    world.end().await;

    let disk = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    for secret in ["hunter2", "VE9LRU4tVE9LRU4", "acc\""] {
        assert!(!disk.contains(secret), "{secret} is on disk");
    }
    assert!(disk.contains("\"connection_state\": \"Connected\""));

    let world = start(folder.path(), &vault);
    world.until_state(Connection::Connected).await;
    let session = world.model.borrow().session.clone();
    assert!(session.person.is_none() && session.station.is_some());
    world.end().await;

    let elsewhere = start(folder.path(), &vault_on("m2"));
    elsewhere.until_error("keyring_locked").await;
    assert_eq!(elsewhere.model.borrow().connection.state, Connection::NotConnected);
    elsewhere.end().await;
}

#[tokio::test]
async fn a_keyring_that_comes_late_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    world.end().await;
    lock_keyring(&vault, true);
    let world = start(folder.path(), &vault);
    world.until_error("keyring_locked").await;
    world.until_state(Connection::NotConnected).await;
    lock_keyring(&vault, false);
    world.until_state(Connection::Connected).await;
    assert_eq!(world.model.borrow().session.sign_in_error, None);
    world.end().await;
}

#[tokio::test]
async fn what_a_session_that_failed_has_left_is_not_worked_with() {
    let folder = tempfile::tempdir().unwrap();
    let left = Link { server_id: "s1".to_owned(), state: Connection::Connected, ..Link::default() };
    let world = start_after(folder.path(), &vault_on("m1"), left);
    until("the link is none", || world.link.borrow().state, |state| *state == Connection::NotConnected).await;
    assert_eq!(world.link.borrow().server_id, "");
    world.end().await;
}

#[tokio::test]
async fn a_lost_server_is_offline_and_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    let url = peer.stop().await;
    // Another service noticed first.
    world.events.send(Event::Failed(Trouble::Unreachable)).await.unwrap();
    world.until_state(Connection::Offline(Trouble::Unreachable)).await;
    assert!(world.link.borrow().online().is_none() && world.link.borrow().api.is_some());
    let peer = Peer::restart(&url, |_| from_line("s1", 500, "{}")).await;
    world.until_state(Connection::Offline(Trouble::ServerError)).await;
    peer.answer(|_| from_line("s2", 200, "\"0.1.0\""));
    world.until_state(Connection::Offline(Trouble::OtherServer)).await;
    peer.answer(line_server);
    world.until_state(Connection::Connected).await;
    assert_eq!(world.model.borrow().connection.trouble, None);
    world.end().await;
}

#[tokio::test]
async fn a_revoked_token_leads_to_the_login_and_leaves_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let mut world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    peer.answer(|_| from_line("s1", 401, r#"{"error":"revoked","code":"unauthorized"}"#));
    world.events.send(Event::TokenRefused).await.unwrap();
    world.until_error("token_revoked").await;
    world.until_state(Connection::NotConnected).await;
    assert!(world.link.borrow().api.is_none());
    assert!(matches!(world.notices.recv().await, Some(Notice::Failed(error)) if error.key == "token_revoked"));
    world.end().await;
    for name in ["config.json", "config.json.bak"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert!(!text.contains("andon1."), "{name}");
    }
}

#[tokio::test]
async fn without_reconnecting_it_stays_offline_until_a_person_asks() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    world.ask.send(Ask::Connection(ConnectionCommand::SetAutoReconnect(false))).await.unwrap();
    peer.answer(|_| from_line("s1", 503, "{}"));
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    world.until_state(Connection::Offline(Trouble::ServerError)).await;
    peer.answer(line_server);
    let before = peer.asked().len();
    world.events.send(Event::Answered).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(peer.asked().len(), before);
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    world.until_state(Connection::Connected).await;
    world.end().await;
}

/// As [`line_server`], and ann may not sign stations in.
fn enrolls_nobody(asked: &Asked) -> Answer {
    match asked.line.contains("GetToken") {
        true => from_line("s1", 403, r#"{"error":"no","code":"forbidden"}"#),
        false => line_server(asked),
    }
}

#[tokio::test]
async fn a_sign_in_that_is_refused_leaves_neither_a_token_nor_a_person_on_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(|_| from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#)).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_error("wrong_password").await;
    assert!(!peer.asked().iter().any(|asked| asked.line.contains("GetToken")), "a token comes last");
    peer.answer(enrolls_nobody);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_error("may_not_enroll").await;
    let left = |asked: &Asked| asked.line == "POST /api/auth/logout" && asked.header("authorization") == "Bearer acc";
    assert!(peer.asked().iter().any(left), "the person is gone again");
    assert_eq!(world.model.borrow().session.tries, 2);
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_mends_a_saved_one_that_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let (url, sealed) = (peer.url.clone(), "andon1.m.A.B.C".to_owned());
    settings(folder.path()).change(|config| (config.connection.server_url, config.connection.token_encrypted) = (url, sealed)).unwrap();
    let world = start(folder.path(), &vault_on("m1"));
    world.until_error("token_unreadable").await;
    assert_eq!(world.model.borrow().session.tries, 0, "nobody has tried anything");
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    let session = || world.model.borrow().session.clone();
    let session = until("the try's end", session, |session| session.tries == 1).await;
    assert_eq!((session.sign_in_error.clone(), session.station.is_some()), (None, true));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_token_before_that_ends_during_a_sign_in_does_not_end_the_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let old = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&old.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    old.answer(|_| from_line("s1", 401, r#"{"error":"revoked","code":"unauthorized"}"#));
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let new = Peer::start(move |asked| {
        if asked.line.contains("GetToken") {
            let _ = gate.recv_timeout(Duration::from_secs(10));
        }
        line_server(asked)
    })
    .await;
    world.sign_in(&new.url, "ann", "hunter2 hunter2").await;
    until("the sign-in", || world.model.borrow().session.signing_in, |signing_in| *signing_in).await;
    let before = old.asked().len();
    world.events.send(Event::TokenRefused).await.unwrap();
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(old.asked().len(), before, "nobody asks the server before");
    go.send(()).unwrap();
    world.until_state(Connection::Connected).await;
    let session = world.model.borrow().session.clone();
    assert_eq!((session.server_url.as_str(), session.station.is_some(), session.sign_in_error.clone()), (new.url.as_str(), true, None));
    world.end().await;
}

/// How the far side answers.
type Script = Box<dyn Fn(&Asked) -> Answer + Send>;

#[tokio::test]
async fn every_failed_sign_in_has_its_own_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    let locked = || {
        let mut answer = from_line("s1", 429, r#"{"error":"locked","code":"locked"}"#);
        answer.1.push(("retry-after", "300".to_owned()));
        answer
    };
    let no_tokens = |asked: &Asked| if asked.line.contains("GetToken") { json(404, "{}") } else { json(401, "{}") };
    let page = |_: &Asked| Answer(404, vec![("content-type", "text/html".to_owned())], "<html>".to_owned());
    let old = |asked: &Asked| if asked.line.contains("GetToken") { json(200, "\"VE9LRU4tVE9LRU4\"") } else { json(200, "\"20.4\"") };
    let cases: Vec<(&str, Script)> = vec![
        ("wrong_password", Box::new(|_| from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#))),
        ("account_locked", Box::new(move |_| locked())),
        ("may_not_enroll", Box::new(enrolls_nobody)),
        ("email_not_verified", Box::new(|_| from_line("s1", 403, r#"{"error":"no","code":"email_not_verified"}"#))),
        ("tokens_not_handed_out", Box::new(no_tokens)),
        ("not_our_server", Box::new(page)),
        ("server_too_old", Box::new(old)),
        ("server_error", Box::new(|_| json(500, "{}"))),
        ("server_unreachable", Box::new(|_| Answer(0, vec![], String::new()))),
    ];
    for (key, script) in cases {
        peer.answer(script);
        world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
        world.until_error(key).await;
        assert_eq!(world.model.borrow().connection.state, Connection::NotConnected, "{key}");
        assert_eq!(world.model.borrow().session.locked_until.is_some(), key == "account_locked");
    }
    peer.answer(|_| json(401, "{}"));
    world.sign_in(&peer.url, "", "pasted-token-pasted").await;
    world.until_error("token_refused").await;
    for (url, key) in [
        ("", "address_empty"),
        ("http://10.1.2.3", "plain_http_refused"),
        ("https://u:p@line", "address_holds_credentials"),
        ("gopher://line", "address_scheme"),
    ] {
        world.sign_in(url, "ann", "x").await;
        world.until_error(key).await;
    }
    world.end().await;
}

#[tokio::test]
async fn signing_out_forgets_the_token_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    world.ask.send(Ask::Session(SessionCommand::SignOut)).await.unwrap();
    world.until_state(Connection::NotConnected).await;
    until("the farewell", || peer.asked().iter().any(|asked| asked.line == "POST /api/auth/logout"), |told| *told).await;
    assert!(world.model.borrow().session.station.is_none() && world.link.borrow().api.is_none());
    world.end().await;
    let text = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    assert!(!text.contains("andon1.") && text.contains("Not Connected"));
}

/// Makes the next write of the settings fail, as a full disk does: a folder stands where the new file would be written.
fn break_disk(folder: &Path) -> std::path::PathBuf {
    let place = folder.join(format!("config.json.new-{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    place
}

async fn until_told(world: &mut World, key: &str) {
    let heard = async {
        loop {
            match world.notices.recv().await {
                Some(Notice::Failed(error)) if error.key == key => break,
                Some(_) => {}
                None => panic!("{key} was not said"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard).await.unwrap();
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_saved_works_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let mut world = start(folder.path(), &vault_on("m1"));
    break_disk(folder.path());
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    until_told(&mut world, "sign_in_not_kept").await;
    assert!(world.model.borrow().session.station.as_ref().is_some_and(|station| !station.remembered));
    assert!(world.link.borrow().online().is_some());
    world.end().await;
}

#[tokio::test]
async fn a_sign_out_that_the_disk_refuses_is_said_and_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let mut world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    let broken = break_disk(folder.path());
    world.ask.send(Ask::Session(SessionCommand::SignOut)).await.unwrap();
    until_told(&mut world, "sign_out_not_kept").await;
    assert_eq!(world.model.borrow().connection.state, Connection::NotConnected);
    let disk = || std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    assert!(disk().contains("andon1."), "the disk refused");
    std::fs::remove_dir(broken).unwrap();
    world.end().await;
    assert!(!disk().contains("andon1."), "there is room again");
}

#[tokio::test]
async fn a_sign_in_that_fails_while_the_token_is_opened_leaves_the_station_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    world.end().await;
    let world = start(folder.path(), &vault);
    world.sign_in("", "ann", "x").await;
    world.until_error("address_empty").await;
    world.until_state(Connection::Connected).await;
    world.end().await;
}

#[tokio::test]
async fn a_token_is_not_sent_in_the_open_once_that_is_forbidden() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let url = "http://192.0.2.1:9";
    let sealed = vault.seal(&Secret::new("VE9LRU4tVE9LRU4"), &InstanceId::parse("eol").unwrap(), url).unwrap();
    settings(folder.path())
        .change(|config| {
            config.connection.server_url = url.to_owned();
            config.connection.token_encrypted = sealed.text;
        })
        .unwrap();
    let world = start(folder.path(), &vault);
    world.until_error("plain_http_refused").await;
    assert!(world.link.borrow().api.is_none());
    world.end().await;
}

/// As [`line_server`], where ben is an operator and nobody else comes.
fn changing_over(asked: &Asked) -> Answer {
    let ben = LOGIN.replace("ann", "ben").replace("ADMIN", "OPERATOR").replace("\"acc\"", "\"acc2\"");
    match asked.line.as_str() {
        "POST /api/auth/login" if asked.body.windows(5).any(|part| part == b"\"ben\"") => from_line("s1", 200, &ben),
        "POST /api/auth/login" => from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#),
        _ => line_server(asked),
    }
}

impl World {
    async fn sign_in_person(&self, user: &str) {
        let command = SessionCommand::SignInPerson { user: user.to_owned(), password: Secret::new("his own word") };
        self.ask.send(Ask::Session(command)).await.unwrap();
    }

    fn person(&self) -> Option<(String, Role)> {
        self.model.borrow().session.person.as_ref().map(|person| (person.name.clone(), person.role))
    }
}

#[tokio::test]
async fn another_person_comes_and_the_station_signs_in_to_nothing_anew() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    let (before, disk) = (world.model.borrow().session.station.clone(), std::fs::read(folder.path().join("config.json")).unwrap());
    peer.answer(changing_over);
    world.sign_in_person("ben").await;
    until("ben", || world.person(), |person| *person == Some(("ben".to_owned(), Role::Operator))).await;
    let farewell = |asked: &Asked| asked.line == "POST /api/auth/logout" && asked.header("authorization") == "Bearer acc";
    until("ann's farewell", || peer.asked().iter().any(farewell), |told| *told).await;
    let asked = peer.asked();
    assert_eq!(asked.iter().filter(|asked| asked.line.contains("GetToken")).count(), 1, "the station has its token");
    let logins: Vec<&Asked> = asked.iter().filter(|asked| asked.line == "POST /api/auth/login").collect();
    assert_eq!((logins.len(), logins[1].header("authorization")), (2, ""));
    assert!(world.link.borrow().person.is_some());
    assert_eq!(world.model.borrow().session.station, before);
    assert_eq!(std::fs::read(folder.path().join("config.json")).unwrap(), disk);
    world.end().await;
}

#[tokio::test]
async fn a_person_who_is_refused_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    let locked = || {
        let mut answer = from_line("s1", 429, r#"{"error":"locked","code":"locked"}"#);
        answer.1.push(("retry-after", "300".to_owned()));
        answer
    };
    let cases: Vec<(&str, Script)> = vec![
        ("wrong_password", Box::new(changing_over)),
        ("account_locked", Box::new(move |_| locked())),
        ("sign_in_refused", Box::new(|_| from_line("s1", 403, r#"{"error":"no","code":"forbidden"}"#))),
        ("not_our_server", Box::new(|_| from_line("s2", 200, LOGIN))),
        ("offline_not_known", Box::new(|_| Answer(0, vec![], String::new()))),
    ];
    for (key, script) in cases {
        peer.answer(script);
        world.sign_in_person("carl").await;
        world.until_error(key).await;
        let session = world.model.borrow().session.clone();
        assert_eq!(world.person(), Some(("ann".to_owned(), Role::Admin)), "{key}");
        assert_eq!((session.locked_until.is_some(), session.signing_in), (key == "account_locked", false));
    }
    world.ask.send(Ask::Session(SessionCommand::CancelSignIn)).await.unwrap();
    until("nothing said", || world.model.borrow().session.sign_in_error.clone(), Option::is_none).await;
    peer.answer(line_server);
    world.until_state(Connection::Connected).await;
    assert!(world.link.borrow().api.is_some() && world.link.borrow().person.is_some());
    world.end().await;
}
