//! A server that goes, comes back, or is another one.

use super::*;

#[tokio::test]
async fn a_lost_server_is_offline_and_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
    let mut world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
    let world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
