//! The station signs in and out: what it leaves where, and what is said when it fails.

use super::*;
use crate::client::peer::{NEVER, json};

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
    until("the person is gone again", || peer.asked().iter().any(left), |left| *left).await;
    assert_eq!(world.model.borrow().session.tries, 2);
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
        assert_eq!(world.model.borrow().session.locked.is_some(), key == "account_locked");
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
    let world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
    world.ask.send(Ask::Session(SessionCommand::SignOut)).await.unwrap();
    world.until_state(Connection::NotConnected).await;
    until("the farewell", || farewells(&peer), |n| *n == 1).await;
    assert!(world.model.borrow().session.station.is_none() && world.link.borrow().api.is_none());
    world.end().await;
    let text = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    assert!(!text.contains("andon1.") && text.contains("Not Connected"));
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
    let mut world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
async fn an_account_that_is_locked_keeps_no_other_one_waiting_and_is_not_forgotten_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = start(folder.path(), &vault_on("m1"));
    let (url, other) = (peer.url.clone(), "https://line-b".to_owned());
    peer.answer(|_| {
        let mut answer = from_line("s1", 429, r#"{"error":"locked","code":"locked"}"#);
        answer.1.push(("retry-after", "300".to_owned()));
        answer
    });
    world.sign_in(&peer.url, "Bob", "hunter2 hunter2").await;
    world.until_error("account_locked").await;
    let waits = |server: &str, user: &str| world.model.borrow().session.locked.as_ref().is_some_and(|locked| locked.is(server, user));
    assert!(waits(&format!("{url}/ "), " bob"));
    assert!(!waits(&url, "ann") && !waits(&other, "bob"));
    peer.answer(|_| from_line("s1", 401, r#"{"error":"no","code":"invalid_credentials"}"#));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_error("wrong_password").await;
    assert!(waits(&url, "bob"), "he goes on waiting");
    peer.answer(line_server);
    world.sign_in(&peer.url, "bob", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    assert_eq!(world.model.borrow().session.locked, None);
    world.end().await;
}

/// As [`line_server`], and it lets a station end its own token.
fn takes_back(asked: &Asked) -> Answer {
    match asked.line.as_str() {
        "DELETE /api/tokens/own" => from_line("s1", 204, ""),
        _ => line_server(asked),
    }
}

async fn until_given_back(peer: &Peer) {
    let station = |asked: &Asked| asked.line == "DELETE /api/tokens/own" && asked.header("authorization") == "Basic VE9LRU4tVE9LRU4";
    let person = |asked: &Asked| asked.line == "POST /api/auth/logout" && asked.header("authorization") == "Bearer acc";
    let look = || (peer.asked().iter().filter(|asked| station(asked)).count(), peer.asked().iter().filter(|asked| person(asked)).count());
    until("token and person are given back", look, |ended| *ended == (1, 1)).await;
}

#[tokio::test]
async fn a_sign_in_that_fails_after_its_token_came_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(|asked| match asked.line.as_str() {
        "GET /api/App/Version" if !asked.header("authorization").is_empty() => from_line("s1", 200, "\"0.0.9\""),
        _ => takes_back(asked),
    })
    .await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_error("server_too_old").await;
    until_given_back(&peer).await;
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_after_its_token_came_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(|asked| match asked.line.as_str() {
        // The last step does not come to its end.
        "GET /api/App/Version" if !asked.header("authorization").is_empty() => Answer(NEVER, vec![], String::new()),
        _ => takes_back(asked),
    })
    .await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    let last = |asked: &Asked| asked.line == "GET /api/App/Version" && !asked.header("authorization").is_empty();
    until("the last step", || peer.asked().iter().any(last), |there| *there).await;
    world.ask.send(Ask::Session(SessionCommand::CancelSignIn)).await.unwrap();
    until_given_back(&peer).await;
    assert_eq!(world.model.borrow().connection.state, Connection::NotConnected);
    world.end().await;
}

#[tokio::test]
async fn a_token_that_a_person_brought_is_his_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(|asked| match asked.line.as_str() {
        "GET /api/App/Version" => from_line("s1", 200, "\"0.0.9\""),
        _ => takes_back(asked),
    })
    .await;
    let world = start(folder.path(), &vault_on("m1"));
    world.sign_in(&peer.url, "", "VE9LRU4tVE9LRU4").await;
    world.until_error("server_too_old").await;
    peer.answer(takes_back);
    world.sign_in(&peer.url, "ann", "hunter2 hunter2").await;
    world.until_state(Connection::Connected).await;
    assert!(!peer.asked().iter().any(|asked| asked.line.starts_with("DELETE")), "and one that is kept is kept");
    world.end().await;
}
