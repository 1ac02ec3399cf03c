//! Persons who come while the server is gone, and what it hears of them once it is back.

use super::*;
use crate::protocol::audit::OfflineActs;

const WORD: &str = "his own word";

fn gone(_: &Asked) -> Answer {
    Answer(0, vec![], String::new())
}

/// As [`changing_over`], and it takes what was done without it.
fn back(asked: &Asked) -> Answer {
    match asked.line.as_str() {
        "POST /api/audit/offline" => from_line("s1", 200, r#"{"refused":[]}"#),
        _ => changing_over(asked),
    }
}

/// A station with ben, who signed in at the server and left, and then the server went.
async fn without_server(folder: &Path, vault: &Vault, peer: &Peer) -> World {
    let world = signed_in(folder, vault, peer).await;
    peer.answer(back);
    world.sign_in_person("ben").await;
    until("ben", || world.person(), |person| person.as_ref().is_some_and(|(name, _)| name == "ben")).await;
    world.ask.send(Ask::Session(SessionCommand::PersonSignOut)).await.unwrap();
    until("nobody", || world.person(), Option::is_none).await;
    until("ann's farewell and his", || farewells(peer), |n| *n == 2).await;
    peer.answer(gone);
    world
}

impl World {
    async fn until_offline_person(&self) {
        let look = || self.model.borrow().session.person.clone();
        until("ben without the server", look, |person| person.as_ref().is_some_and(|person| person.offline)).await;
    }

    async fn try_person(&self, user: &str, password: &str) {
        let command = SessionCommand::SignInPerson { user: user.to_owned(), password: Secret::new(password) };
        self.ask.send(Ask::Session(command)).await.unwrap();
    }
}

/// What was told so far, by id and in the order it came.
fn told(peer: &Peer) -> Vec<(uuid::Uuid, String)> {
    let tellings = peer.asked().into_iter().filter(|asked| asked.line == "POST /api/audit/offline");
    let acts = tellings.flat_map(|asked| serde_json::from_slice::<OfflineActs>(&asked.body).unwrap().entries);
    acts.map(|act| (act.id, format!("{} {} {}", act.user, act.action, act.result))).collect()
}

/// The same, each once.
fn heard(peer: &Peer) -> Vec<String> {
    let mut told = told(peer);
    let mut known = std::collections::HashSet::new();
    told.retain(|(id, _)| known.insert(*id));
    told.into_iter().map(|(_, words)| words).collect()
}

#[tokio::test]
async fn a_person_comes_without_the_server_and_does_not_become_more_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let world = without_server(folder.path(), &vault, &peer).await;
    world.try_person("ben", "another word").await;
    world.until_error("wrong_password").await;
    world.try_person("carl", WORD).await;
    world.until_error("offline_not_known").await;
    world.try_person("ben", WORD).await;
    world.until_offline_person().await;
    world.until_state(Connection::Offline(Trouble::Unreachable)).await;
    let session = world.model.borrow().session.clone();
    assert!(session.may_act(crate::domain::Permission::AckAlerts) && !session.may_act(crate::domain::Permission::SubmitReports));
    assert!(world.link.borrow().person.is_none(), "nothing is asked of a server in his name");
    peer.answer(back);
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    world.until_state(Connection::Connected).await;
    until("the acts", || heard(&peer).len(), |heard| *heard == 3).await;
    assert!(world.model.borrow().session.is_offline(), "he has to sign in again for the rest");
    world.try_person("ben", WORD).await;
    until("ben at the server", || world.model.borrow().session.is_offline(), |offline| !offline).await;
    until("his leaving", || heard(&peer).len(), |heard| *heard == 4).await;
    let expected = ["ben login invalid_credentials", "(unknown name) login not_known_here", "ben login ok", "ben logout ok"];
    assert_eq!(heard(&peer), expected);
    world.end().await;
}

#[tokio::test]
async fn what_was_told_into_a_broken_line_is_told_again_under_the_same_id_and_then_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let world = without_server(folder.path(), &vault, &peer).await;
    world.try_person("ben", WORD).await;
    world.until_offline_person().await;
    // It hears of it, and its answer is lost.
    peer.answer(|asked| if asked.line == "POST /api/audit/offline" { gone(asked) } else { back(asked) });
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    until("a first telling", || told(&peer).len(), |told| *told >= 1).await;
    // As a power cut: nothing is flushed.
    world.task.abort();
    world.offline.abort();
    peer.answer(back);
    let before = told(&peer).len();
    let again = start(folder.path(), &vault);
    again.until_state(Connection::Connected).await;
    let waiting = || std::fs::read_to_string(folder.path().join("offline_acts.json")).unwrap();
    until("nothing waits", waiting, |text| text == r#"{"acts":[]}"#).await;
    again.end().await;
    let last = start(folder.path(), &vault);
    last.until_state(Connection::Connected).await;
    last.end().await;
    assert_eq!(heard(&peer), ["ben login ok", "ben session.left_open ok"], "nobody saw him leave");
    let told = told(&peer);
    assert_eq!((told.len(), told.iter().filter(|act| **act == told[0]).count()), (before + 2, before + 1), "{told:?}");
}

#[tokio::test]
async fn who_is_refused_or_signed_out_is_not_let_in_without_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let world = without_server(folder.path(), &vault, &peer).await;
    world.try_person("ben", WORD).await;
    world.until_offline_person().await;
    // The server is back for a moment, and says no: to a slip of the finger, and then to the password that is known here.
    peer.answer(|asked| match asked.line.as_str() {
        "POST /api/auth/login" => from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#),
        _ => back(asked),
    });
    let no = |asked: &Asked| match asked.line.as_str() {
        "POST /api/auth/login" => from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#),
        _ => back(asked),
    };
    world.try_person("ben", "his own wird").await;
    world.until_error("wrong_password").await;
    peer.answer(gone);
    world.ask.send(Ask::Session(SessionCommand::PersonSignOut)).await.unwrap();
    until("nobody", || world.person(), Option::is_none).await;
    world.try_person("ben", WORD).await;
    world.until_offline_person().await;
    peer.answer(no);
    world.try_person("ben", WORD).await;
    world.until_error("wrong_password").await;
    peer.answer(gone);
    world.try_person("ben", WORD).await;
    world.until_error("offline_not_known").await;
    world.try_person("ann", "hunter2 hunter2").await;
    until("ann", || world.person(), |person| person.as_ref().is_some_and(|(name, _)| name == "ann")).await;
    world.ask.send(Ask::Session(SessionCommand::SignOut)).await.unwrap();
    until("signed out", || world.model.borrow().session.station.is_some(), |station| !station).await;
    world.end().await;
    assert!(!folder.path().join("offline.json").exists(), "a station that is signed out knows nobody");
}

#[tokio::test]
async fn of_a_station_that_is_not_kept_no_person_is_either() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault);
    let book = folder.path().join("offline.json");
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    until("she is kept", || book.exists(), |there| *there).await;
    world.sign_in_and_keep(&peer.url, ("ann", "hunter2 hunter2"), false).await;
    until("she is forgotten", || book.exists(), |there| !*there).await;
    world.until_state(Connection::Connected).await;
    world.end().await;
    assert!(!book.exists(), "and stays so");
}

/// A station with ann, who signed in at the server, and then the server goes.
async fn left_alone(folder: &Path, vault: &Vault, peer: &Peer) -> World {
    let world = signed_in(folder, vault, peer).await;
    peer.answer(gone);
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    world.until_state(Connection::Offline(Trouble::Unreachable)).await;
    world
}

#[tokio::test]
async fn whoever_came_at_the_server_and_leaves_without_it_is_in_its_log_later() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let world = left_alone(folder.path(), &vault, &peer).await;
    world.ask.send(Ask::Session(SessionCommand::PersonSignOut)).await.unwrap();
    let waiting = || std::fs::read_to_string(folder.path().join("offline_acts.json")).unwrap_or_default();
    until("it waits", waiting, |text| text.contains("logout")).await;
    assert_eq!(heard(&peer), Vec::<String>::new());
    peer.answer(back);
    world.ask.send(Ask::Connection(ConnectionCommand::CheckNow)).await.unwrap();
    until("it is told", || heard(&peer), |heard| !heard.is_empty()).await;
    assert_eq!(heard(&peer), ["ann logout ok"]);
    world.end().await;
}

#[tokio::test]
async fn whoever_is_there_when_the_station_closes_without_the_server_is_in_its_log_later() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    left_alone(folder.path(), &vault, &peer).await.end().await;
    peer.answer(back);
    let world = start(folder.path(), &vault);
    until("it is told", || heard(&peer), |heard| !heard.is_empty()).await;
    assert_eq!(heard(&peer), ["ann logout ok"]);
    world.end().await;
}

#[tokio::test]
async fn a_sign_out_that_the_server_hears_is_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let world = left_alone(folder.path(), &vault, &peer).await;
    let before = farewells(&peer);
    peer.answer(back);
    world.ask.send(Ask::Session(SessionCommand::PersonSignOut)).await.unwrap();
    until("the farewell", || farewells(&peer), |n| *n == before + 1).await;
    world.end().await;
    assert_eq!(heard(&peer), Vec::<String>::new());
    assert!(!folder.path().join("offline_acts.json").exists());
}

#[tokio::test]
async fn that_people_are_forgotten_is_said_once_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
    let mut world = signed_in(folder.path(), &vault, &peer).await;
    let book = folder.path().join("offline.json");
    until("she is kept", || book.exists(), |there| *there).await;
    world.ask.send(Ask::Session(SessionCommand::ForgetPersons)).await.unwrap();
    let said = async { while !matches!(world.notices.recv().await, Some(Notice::Done { key: "persons_forgotten", .. })) {} };
    tokio::time::timeout(Duration::from_secs(10), said).await.unwrap();
    assert!(!book.exists(), "no sooner");
    world.end().await;
}

#[tokio::test]
async fn that_people_could_not_be_forgotten_is_said_to_whoever_asked_and_at_a_sign_out() {
    for command in [SessionCommand::ForgetPersons, SessionCommand::SignOut] {
        let folder = tempfile::tempdir().unwrap();
        let (peer, vault) = (Peer::start(line_server).await, vault_on("m1"));
        let mut world = signed_in(folder.path(), &vault, &peer).await;
        let book = folder.path().join("offline.json");
        until("she is kept", || book.exists(), |there| *there).await;
        // What cannot be taken away as a file: somebody else's folder, with something in it.
        std::fs::remove_file(&book).unwrap();
        std::fs::create_dir_all(book.join("inside")).unwrap();
        world.ask.send(Ask::Session(command)).await.unwrap();
        until_told(&mut world, "persons_not_forgotten").await;
        world.end().await;
    }
}
