//! A person on top of the station: another one comes, or is refused.

use super::*;

#[tokio::test]
async fn another_person_comes_and_the_station_signs_in_to_nothing_anew() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(line_server).await;
    let world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
    let world = signed_in(folder.path(), &vault_on("m1"), &peer).await;
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
        assert_eq!((session.locked.is_some(), session.signing_in), (key == "account_locked", false));
    }
    world.ask.send(Ask::Session(SessionCommand::CancelSignIn)).await.unwrap();
    until("nothing said", || world.model.borrow().session.sign_in_error.clone(), Option::is_none).await;
    peer.answer(line_server);
    world.until_state(Connection::Connected).await;
    assert!(world.link.borrow().api.is_some() && world.link.borrow().person.is_some());
    world.end().await;
}
