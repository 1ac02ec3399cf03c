//! Administration by the true client against the true server: what one person does is what another one meets.

use std::time::Duration;

use andon::client::*;
use andon::domain::access::Role;
use andon::domain::connection::Connection;
use andon::support::secret::Secret;
use tempfile::TempDir;

use crate::world::{PASSWORD, Server, http, until};

/// A sign-in is two slow hashes, and many tests may be hashing at once.
const SOON: Duration = Duration::from_secs(90);
const FIRST: &str = "first-day-password";
const SECOND: &str = "second-day-password";

/// A station's services without a window, and somebody who signs in at them.
struct Desk {
    bridge: Bridge,
    _data: TempDir,
}

impl Desk {
    fn open() -> Desk {
        let data = tempfile::tempdir().unwrap();
        let startup = Startup { keyring: false, ..Startup::new(data.path().to_owned()) };
        let mut desk = Desk { bridge: Bridge::start(startup, || ()).unwrap(), _data: data };
        desk.wait("the station is open", |model| model.connection.since.is_some());
        desk
    }

    fn signed_in(server: &Server, user: &str, password: &str) -> Desk {
        let mut desk = Desk::open();
        desk.sign_in(server, user, password);
        desk.wait("signed in", |model| model.session.person.is_some() && model.connection.state == Connection::Connected);
        desk
    }

    fn sign_in(&mut self, server: &Server, user: &str, password: &str) {
        let sign_in = SignIn {
            server_url: server.url(),
            user: user.to_owned(),
            password: Secret::new(password),
            remember: false,
            application: None,
            allow_plain_http: false,
        };
        self.ask(Command::Session(SessionCommand::SignIn(sign_in)));
    }

    fn ask(&self, command: Command) {
        self.bridge.send(command).unwrap();
    }

    fn wait(&mut self, what: &str, good: impl Fn(&Model) -> bool) -> Model {
        self.bridge.wait(SOON, good).unwrap_or_else(|model| panic!("waited in vain until {what}: {model:#?}"))
    }

    fn users(&mut self, command: UsersCommand) -> Option<Explanation> {
        let before = self.bridge.model().users.acts.settled;
        self.ask(Command::Users(command));
        self.wait("the account was changed", |model| model.users.acts.settled > before).users.acts.refused.clone()
    }

    /// The account as the server has it now.
    fn account(&mut self, name: &str) -> Account {
        let before = self.bridge.model().users.list.value().map(|list| list.as_of);
        self.ask(Command::Users(UsersCommand::List { search: String::new() }));
        let fresh = |model: &Model| matches!(&model.users.list, Remote::Ready(list) if Some(list.as_of) != before);
        let model = self.wait("the accounts are read", fresh);
        let list = model.users.list.value().unwrap();
        list.rows.iter().find(|user| user.username == name).unwrap_or_else(|| panic!("{name} is not among {:?}", list.rows)).clone()
    }

    fn change(&mut self, user: &Account, change: AccountChange) -> Option<Explanation> {
        self.users(UsersCommand::Change { id: user.id.clone(), name: user.username.clone(), version: user.version, change })
    }

    /// What was said until `key` was.
    fn hears(&mut self, key: &str) {
        until(key, SOON, || {
            std::iter::from_fn(|| self.bridge.next_notice()).find(|notice| match notice {
                Notice::Done { key: said, .. } => *said == key,
                Notice::Failed(explanation) => explanation.key == key,
            })
        });
    }
}

fn status(runtime: &tokio::runtime::Runtime, request: reqwest::RequestBuilder) -> u16 {
    runtime.block_on(async { request.send().await.unwrap().status().as_u16() })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn login(server: &Server, user: &str, password: &str) -> u16 {
    let body = serde_json::json!({ "username": user, "password": password });
    status(&runtime(), http().post(format!("{}/api/auth/login", server.url())).json(&body))
}

fn create(admin: &mut Desk, name: &str) -> Account {
    let (username, email) = (name.to_owned(), format!("{name}@line.example"));
    let create = UsersCommand::Create { username, email, role: Role::Operator, password: Secret::new(FIRST) };
    assert_eq!(admin.users(create), None);
    admin.account(name)
}

#[test]
fn a_disabled_person_is_out_at_once_and_his_station_goes_on() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    let ann = create(&mut admin, "ann");
    let mut anns = Desk::signed_in(&server, "ann", FIRST);
    anns.ask(Command::Me(MeCommand::List));
    anns.wait("her sessions are read", |model| model.me.list.value().is_some_and(|list| list.rows.iter().any(|one| one.current)));
    assert_eq!(admin.change(&ann, AccountChange::Active(false)), None);
    anns.ask(Command::Me(MeCommand::List));
    let model = anns.wait("she is out", |model| model.session.person.is_none());
    assert!(model.session.station.is_some() && model.connection.state == Connection::Connected);
    anns.hears("person_session_ended");
    assert_eq!(login(&server, "ann", FIRST), 401);
    let ann = admin.account("ann");
    assert_eq!(admin.change(&ann, AccountChange::Active(true)), None);
    assert_eq!(login(&server, "ann", FIRST), 200);
}

#[test]
fn an_account_is_changed_as_it_was_looked_at_or_not_at_all() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    let looked_at = create(&mut admin, "ann");
    assert_eq!(admin.change(&looked_at, AccountChange::Role(Role::Technician)), None);
    let refused = admin.change(&looked_at, AccountChange::Role(Role::Guest)).unwrap();
    assert_eq!(refused.key, "changed_meanwhile");
    assert_eq!(admin.account("ann").role, Role::Technician);
    let again = UsersCommand::Create { username: "ANN".to_owned(), email: String::new(), role: Role::Guest, password: Secret::new(FIRST) };
    assert_eq!(admin.users(again).unwrap().key, "name_in_use");
    let own = admin.account("admin");
    let refused = admin.change(&own, AccountChange::Active(false)).unwrap();
    assert!(["own_account", "last_superuser"].contains(&refused.key), "{refused:?}");
}

#[test]
fn who_locked_himself_out_is_let_in_again() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    create(&mut admin, "ann");
    for _ in 0..3 {
        assert_eq!(login(&server, "ann", "wrong-password"), 401);
    }
    assert_eq!(login(&server, "ann", FIRST), 429);
    let ann = admin.account("ann");
    assert!(ann.locked_until.is_some(), "{ann:?}");
    assert_eq!(admin.users(UsersCommand::Unlock { id: ann.id, name: ann.username }), None);
    assert_eq!(admin.account("ann").locked_until, None);
    // The address those tries came from may be locked still: the account is what was unlocked.
    let mut anns = Desk::open();
    anns.sign_in(&server, "ann", FIRST);
    anns.wait("an answer", |model| model.session.person.is_some() || model.session.sign_in_error.is_some());
}

#[test]
fn a_token_is_issued_once_and_refused_once_it_is_revoked() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    admin.ask(Command::Stations(StationsCommand::Issue { station: "label printer".to_owned(), reset: false }));
    let model = admin.wait("the token is there", |model| model.stations.issued.is_some() && model.stations.list.value().is_some());
    let token = model.stations.issued.as_ref().unwrap().token.expose().to_owned();
    let asks = |runtime: &tokio::runtime::Runtime| {
        status(runtime, http().get(format!("{}/api/App/Version", server.url())).header("authorization", format!("Basic {token}")))
    };
    let runtime = runtime();
    assert_eq!(asks(&runtime), 200);
    let listed = model.stations.list.value().unwrap();
    let row = listed.tokens.iter().find(|row| row.identifier == "label printer").unwrap();
    assert!(row.mask.ends_with(&token[token.len() - 4..]) && row.issued_by == "admin", "{row:?}");
    admin.ask(Command::Stations(StationsCommand::PutAway));
    admin.ask(Command::Stations(StationsCommand::Revoke { id: row.id.clone(), station: row.identifier.clone() }));
    admin.hears("token_revoked");
    assert_eq!(asks(&runtime), 401);
    let model = admin.wait("it is put away", |model| model.stations.issued.is_none());
    assert!(model.session.person.is_some());
}

#[test]
fn a_new_password_ends_the_old_one_and_everywhere_means_everywhere() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    create(&mut admin, "ann");
    let mut anns = Desk::signed_in(&server, "ann", FIRST);
    let mut elsewhere = Desk::signed_in(&server, "ann", FIRST);
    let mut change = |current: &str| {
        let before = anns.bridge.model().me.acts.settled;
        anns.ask(Command::Me(MeCommand::ChangePassword { current: Secret::new(current), new: Secret::new(SECOND) }));
        anns.wait("an answer", |model| model.me.acts.settled > before).me.acts.refused.clone()
    };
    assert_eq!(change("not-her-password").unwrap().key, "current_password_wrong");
    assert_eq!(change(FIRST), None);
    elsewhere.ask(Command::Me(MeCommand::List));
    elsewhere.wait("the other session has ended", |model| model.session.person.is_none());
    assert_eq!((login(&server, "ann", FIRST), login(&server, "ann", SECOND)), (401, 200));
    let mut third = Desk::signed_in(&server, "ann", SECOND);
    anns.ask(Command::Me(MeCommand::EndAllSessions));
    anns.hears("signed_out_everywhere");
    third.ask(Command::Me(MeCommand::List));
    third.wait("out everywhere", |model| model.session.person.is_none());
    assert!(third.bridge.model().session.station.is_some(), "the station stays");
}

#[test]
fn the_audit_log_tells_all_of_it_without_a_secret() {
    let server = Server::start();
    let mut admin = Desk::signed_in(&server, "admin", PASSWORD);
    let ann = create(&mut admin, "ann");
    assert_eq!(admin.change(&ann, AccountChange::Role(Role::Admin)), None);
    assert_eq!(login(&server, "ann", "wrong-password"), 401);
    admin.ask(Command::Stations(StationsCommand::Issue { station: "label printer".to_owned(), reset: false }));
    let issued = admin.wait("the token is there", |model| model.stations.issued.is_some()).stations.issued.clone().unwrap();
    admin.ask(Command::Audit(AuditCommand::List(AuditFilter::default())));
    let model = admin.wait("the log is read", |model| matches!(model.audit.list, Remote::Ready(_)));
    let rows = &model.audit.list.value().unwrap().rows;
    for (action, user, target) in [
        ("user.created", "admin", "ann"),
        ("user.changed", "admin", "ann"),
        ("token.issued", "admin", "label printer"),
        ("login", "ann", ""),
    ] {
        let found = rows.iter().find(|row| row.action == action && row.user == user && (target.is_empty() || row.target == target));
        let found = found.unwrap_or_else(|| panic!("{action} by {user} is not among {rows:#?}"));
        assert_eq!(found.address, "127.0.0.1", "{found:?}");
        assert_eq!(found.result == "ok", action != "login", "{found:?}");
    }
    let search = AuditFilter { search: "label".to_owned(), ..AuditFilter::default() };
    admin.ask(Command::Audit(AuditCommand::List(search.clone())));
    let model = admin.wait("it is searched", |model| model.audit.filter == search && matches!(model.audit.list, Remote::Ready(_)));
    assert!(model.audit.list.value().unwrap().rows.iter().all(|row| row.target == "label printer"));
    admin.ask(Command::Audit(AuditCommand::List(AuditFilter::default())));
    admin.wait("all is read again", |model| model.audit.filter == AuditFilter::default() && matches!(model.audit.list, Remote::Ready(_)));
    let folder = tempfile::tempdir().unwrap();
    admin.ask(Command::Audit(AuditCommand::Export { folder: folder.path().to_owned() }));
    admin.hears("audit_exported");
    let file = std::fs::read_dir(folder.path()).unwrap().flatten().find(|entry| entry.path().extension().is_some_and(|end| end == "csv"));
    let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
    assert!(text.contains("user.created") && text.contains("label printer"), "{text}");
    for secret in [FIRST, PASSWORD, "wrong-password", issued.token.expose()] {
        assert!(!text.contains(secret), "a secret is in the log");
    }
}
