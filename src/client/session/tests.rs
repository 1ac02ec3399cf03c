//! The session against a scripted server: the station, the server and the persons that its tests are made of.

mod offline;
mod person;
mod probing;
mod restore;
mod station;

use std::path::Path;

use super::*;
use crate::client::bridge::{Notice, Publisher};
use crate::client::link::Observer;
use crate::client::model::Model;
use crate::client::offline as service;
use crate::client::peer::{Answer, Asked, Peer, from_line, until};
use crate::client::vault::tests::vault_on;
use crate::client::verifier::Tools;
use crate::client::verifier::tests::tools_in;
use crate::domain::access::Role;
use crate::domain::connection::Trouble;

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

/// Starts, and ann signs the station in.
async fn signed_in(folder: &Path, vault: &Vault, peer: &Peer) -> World {
    let world = start(folder, vault);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    world
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
    let tools = Tools { vault: vault.clone(), ..tools_in(folder, Clock::system()) };
    let parts_of_offline =
        service::Parts { tools, run: uuid::Uuid::now_v7(), link: link_receiver.clone(), observer: Observer(events.clone()) };
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

    async fn sign_in_person(&self, user: &str) {
        let command = SessionCommand::SignInPerson { user: user.to_owned(), password: Secret::new("his own word") };
        self.ask.send(Ask::Session(command)).await.unwrap();
    }

    fn person(&self) -> Option<(String, Role)> {
        self.model.borrow().session.person.as_ref().map(|person| (person.name.clone(), person.role))
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
        "POST /api/auth/logout" => from_line("s1", 204, ""),
        _ if known => from_line("s1", 200, "\"0.1.0\""),
        _ => from_line("s1", 401, r#"{"error":"unknown token","code":"unauthorized"}"#),
    }
}

/// How often somebody signed out.
fn farewells(peer: &Peer) -> usize {
    peer.asked().iter().filter(|asked| asked.line == "POST /api/auth/logout").count()
}

/// As [`line_server`], and ann may not sign stations in.
fn enrolls_nobody(asked: &Asked) -> Answer {
    match asked.line.contains("GetToken") {
        true => from_line("s1", 403, r#"{"error":"no","code":"forbidden"}"#),
        false => line_server(asked),
    }
}

/// How the far side answers.
type Script = Box<dyn Fn(&Asked) -> Answer + Send>;

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

/// As [`line_server`], where ben is an operator and nobody else comes.
fn changing_over(asked: &Asked) -> Answer {
    let ben = LOGIN.replace("ann", "ben").replace("ADMIN", "OPERATOR").replace("\"acc\"", "\"acc2\"");
    match asked.line.as_str() {
        "POST /api/auth/login" if asked.body.windows(5).any(|part| part == b"\"ben\"") => from_line("s1", 200, &ben),
        "POST /api/auth/login" => from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#),
        _ => line_server(asked),
    }
}
