//! The token of the last time: after a restart, with a keyring that comes late, beside a sign-in.

use super::*;
use crate::client::vault::tests::lock_keyring;

#[tokio::test]
async fn a_station_signs_in_and_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = signed_in(folder.path(), &vault, &peer).await;
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
    let world = signed_in(folder.path(), &vault, &peer).await;
    world.end().await;
    lock_keyring(&vault, true);
    let world = start(folder.path(), &vault);
    world.until_error("keyring_locked").await;
    assert!(world.model.borrow().session.token_waits);
    world.until_state(Connection::NotConnected).await;
    lock_keyring(&vault, false);
    world.until_state(Connection::Connected).await;
    assert_eq!(world.model.borrow().session.sign_in_error, None);
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_that_fails_while_the_token_is_opened_leaves_the_station_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault_on("m1");
    let peer = Peer::start(line_server).await;
    let world = signed_in(folder.path(), &vault, &peer).await;
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

#[tokio::test]
async fn what_a_session_that_failed_has_left_is_not_worked_with() {
    let folder = tempfile::tempdir().unwrap();
    let left = Link { server_id: "s1".to_owned(), state: Connection::Connected, ..Link::default() };
    let world = start_after(folder.path(), &vault_on("m1"), left);
    until("the link is none", || world.link.borrow().state, |state| *state == Connection::NotConnected).await;
    assert_eq!(world.link.borrow().server_id, "");
    world.end().await;
}
