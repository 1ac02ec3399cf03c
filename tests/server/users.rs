//! Accounts, stations and tokens over HTTP: who may change whom, and what is refused.

use andon::protocol::audit::Entry;
use andon::protocol::stations::{IssuedToken, Station, StationToken};
use andon::protocol::users::User;
use serde_json::json;

use crate::world::{Client, PASSWORD, World};

async fn find(client: &Client, name: &str) -> User {
    let users: Vec<User> = client.get(&format!("/api/users?search={name}")).await.expect(200).read();
    users.into_iter().find(|user| user.username == name).unwrap()
}

#[tokio::test]
async fn an_administrator_makes_changes_and_removes_an_account() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let new = json!({ "username": "Żaneta", "email": "z@line.example", "role": "OPERATOR", "password": PASSWORD });
    let user: User = admin.post("/api/users", &new).await.expect(201).read();
    assert_eq!(
        (user.username.as_str(), user.is_active, user.is_verified, user.failed_login_attempts, user.version),
        ("Żaneta", true, true, 0, 1)
    );
    let person = world.person("żaneta").await;
    let path = format!("/api/users/{}", user.id);
    let changed: User = admin.send("PATCH", &path, &json!({ "role": "SERWISANT", "version": 1 })).await.expect(200).read();
    assert_eq!((changed.role.as_str(), changed.version), ("SERWISANT", 2));
    assert_eq!(person.get("/api/auth/me").await.expect(200).json()["role"], "SERWISANT");
    admin.send("PATCH", &path, &json!({ "role": "GUEST", "version": 1 })).await.expect_refusal(409, "changed_meanwhile");
    admin.send("PATCH", &path, &json!({ "is_active": false })).await.expect(200);
    person.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    admin.send("PATCH", &path, &json!({ "is_active": true, "password": "another secret", "email": "" })).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200).read::<User>().email, None);
    let login = json!({ "username": "żaneta", "password": "another secret" });
    let token = world.anonymous().post("/api/auth/login", &login).await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    admin.delete(&path).await.expect(204);
    world.anonymous().bearer(&token).get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    admin.get(&path).await.expect_refusal(404, "not_found");
    admin.delete(&path).await.expect_refusal(404, "not_found");
}

#[tokio::test]
async fn fields_of_an_account_are_checked_and_named() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let cases = [
        (json!({ "username": "ab", "role": "GUEST", "password": PASSWORD }), 400, "bad_field", "username"),
        (json!({ "username": "a\u{7}bc", "role": "GUEST", "password": PASSWORD }), 400, "bad_field", "username"),
        (json!({ "username": "anna", "role": "GUEST", "password": "short" }), 400, "bad_password", "password"),
        (json!({ "username": "anna", "role": "STATION", "password": PASSWORD }), 400, "bad_role", "role"),
        (json!({ "username": "anna", "role": "GUEST", "password": PASSWORD, "email": "nowhere" }), 400, "bad_field", "email"),
        (json!({ "username": "OPER", "role": "GUEST", "password": PASSWORD }), 409, "username_taken", "username"),
    ];
    for (body, status, code, field) in cases {
        let refused = admin.post("/api/users", &body).await.expect_refusal(status, code).json();
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    for body in [json!({ "username": "anna", "role": "BOSS", "password": PASSWORD }), json!({ "username": "anna", "role": "GUEST" })] {
        admin.post("/api/users", &body).await.expect_refusal(400, "bad_body");
    }
    for id in ["nobody", "'; drop table users; --"] {
        admin.get(&format!("/api/users/{}", id.replace(' ', "%20"))).await.expect_refusal(404, "not_found");
    }
    for path in ["/api/users?search=%00", "/api/users/%00", "/api/audit?user=%00", "/api/stations/%00"] {
        admin.get(path).await.expect_refusal(400, "bad_text");
    }
    admin.get("/api/users?limit=x").await.expect_refusal(400, "bad_query");
    assert_eq!(admin.get("/api/users?limit=2&offset=1").await.expect(200).read::<Vec<User>>().len(), 2);
    assert_eq!(admin.get("/api/users?search=%25").await.expect(200).read::<Vec<User>>().len(), 0);
}

#[tokio::test]
async fn nobody_lifts_himself_or_locks_himself_out() {
    let world = World::new().await;
    let (admin, root) = (world.person("admin").await, world.person("root").await);
    let path = async |name: &str| format!("/api/users/{}", find(&root, name).await.id);
    let superuser = json!({ "username": "another", "role": "SUPERUSER", "password": PASSWORD });
    admin.post("/api/users", &superuser).await.expect_refusal(403, "role_too_high");
    for change in [json!({ "is_active": false }), json!({ "role": "GUEST" }), json!({ "password": "another secret" })] {
        admin.send("PATCH", &path("root").await, &change).await.expect_refusal(403, "role_too_high");
    }
    admin.delete(&path("root").await).await.expect_refusal(403, "role_too_high");
    admin.send("PATCH", &path("oper").await, &json!({ "role": "SUPERUSER" })).await.expect_refusal(403, "role_too_high");
    for change in [json!({ "is_active": false }), json!({ "role": "GUEST" }), json!({ "password": "another secret" })] {
        root.send("PATCH", &path("root").await, &change).await.expect_refusal(409, "own_account");
    }
    root.delete(&path("root").await).await.expect_refusal(409, "own_account");
    root.post("/api/users", &superuser).await.expect(201);
    let other = world.person("another").await;
    root.delete(&path("another").await).await.expect(204);
    other.delete(&path("root").await).await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn of_two_superusers_who_remove_each_other_one_stays() {
    let world = World::new().await;
    let root = world.person("root").await;
    root.post("/api/users", &json!({ "username": "second", "role": "SUPERUSER", "password": PASSWORD })).await.expect(201);
    let second = world.person("second").await;
    let (a, b) = (find(&root, "root").await.id, find(&root, "second").await.id);
    let (one, two) = (format!("/api/users/{b}"), format!("/api/users/{a}"));
    let demote = json!({ "role": "GUEST" });
    let (one, two) = tokio::join!(root.send("PATCH", &one, &demote), second.send("PATCH", &two, &demote));
    assert_eq!([one.status, two.status].iter().filter(|status| **status == 200).count(), 1, "{} {}", one.text(), two.text());
}

#[tokio::test]
async fn only_those_who_may_see_users_tokens_stations_and_the_audit_log() {
    let world = World::new().await;
    let denied = [world.operator().await, world.person("tech").await, world.station().await];
    for path in ["/api/users", "/api/users/x", "/api/tokens", "/api/stations", "/api/stations/line-a", "/api/audit"] {
        for client in &denied {
            client.get(path).await.expect_refusal(403, "forbidden");
        }
        world.anonymous().get(path).await.expect_refusal(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_token_is_issued_listed_and_revoked() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let issued = admin.post("/api/tokens", &json!({ "identifier": " Line-9 " })).await.expect(201);
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let issued: IssuedToken = issued.read();
    let station = world.anonymous().basic_token(&issued.token);
    station.get("/api/App/Version").await.expect(200);
    let listed: Vec<StationToken> = admin.get("/api/tokens").await.expect(200).read();
    assert_eq!((listed[0].identifier.as_str(), listed[0].issued_by.as_str(), listed[0].revoked_at), ("Line-9", "admin", None));
    let path = format!("/api/tokens/{}", listed[0].id);
    admin.delete(&path).await.expect(204);
    station.get("/api/App/Version").await.expect_refusal(401, "unauthorized");
    admin.delete(&path).await.expect_refusal(404, "not_found");
    admin.delete("/api/tokens/Line-9").await.expect_refusal(404, "not_found");
    for bad in ["", " ", "a\u{7}b", &"x".repeat(101)] {
        admin.post("/api/tokens", &json!({ "identifier": bad })).await.expect_refusal(400, "bad_identifier");
    }
}

#[tokio::test]
async fn a_station_ends_its_own_token_and_no_other() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let issue = async |name: &str| admin.post("/api/tokens", &json!({ "identifier": name })).await.expect(201).read::<IssuedToken>();
    let (own, other) = (issue("Line-9").await, issue("Line-9").await);
    let station = world.anonymous().basic_token(&own.token);
    let path = |token: &IssuedToken| format!("/api/tokens/{}", token.row.id);
    station.delete(&path(&other)).await.expect_refusal(403, "forbidden");
    station.delete(&path(&own)).await.expect_refusal(403, "forbidden");
    admin.delete("/api/tokens/own").await.expect_refusal(403, "forbidden");
    station.delete("/api/tokens/own").await.expect(204);
    station.get("/api/App/Version").await.expect_refusal(401, "unauthorized");
    world.anonymous().basic_token(&other.token).get("/api/App/Version").await.expect(200);
    let log: Vec<Entry> = admin.get("/api/audit?action=token.revoked").await.expect(200).read();
    assert_eq!((log.len(), log[0].user.as_str(), log[0].target.as_str()), (1, "Line-9", "Line-9"));
}

#[tokio::test]
async fn a_station_tells_how_it_is_doing() {
    let world = World::new().await;
    let (station, admin) = (world.station().await, world.person("admin").await);
    let status = json!({ "version": "0.1.0", "queue_depth": 7, "failed": 1, "converter_errors": 2, "clock_offset_ms": -1500 });
    station.send("PUT", "/api/stations/status", &status).await.expect(204);
    let listed: Vec<Station> = admin.get("/api/stations").await.expect(200).read();
    let told: Station = admin.get("/api/stations/LINE-A").await.expect(200).read();
    assert_eq!((listed.len(), &listed[0]), (1, &told));
    assert_eq!((told.id.as_str(), told.version.as_deref(), told.queue_depth, told.failed), ("line-a", Some("0.1.0"), Some(7), Some(1)));
    assert_eq!(
        (told.converter_errors, told.clock_offset_ms, told.tokens, told.address.as_deref()),
        (Some(2), Some(-1500), 1, Some("127.0.0.1"))
    );
    assert!(told.last_seen.is_some());
    admin.send("PUT", "/api/stations/status", &status).await.expect_refusal(403, "forbidden");
    let long = json!({ "version": "x".repeat(101), "queue_depth": 7, "failed": 1, "converter_errors": 2, "clock_offset_ms": null });
    station.send("PUT", "/api/stations/status", &long).await.expect_refusal(400, "bad_field");
    admin.get("/api/stations/nothing").await.expect_refusal(404, "not_found");
    world.admin_tools().issue_token("silent").await.unwrap();
    let silent: Station = admin.get("/api/stations/silent").await.expect(200).read();
    assert_eq!((silent.version, silent.queue_depth, silent.tokens), (None, None, 1));
}

#[tokio::test]
async fn no_superuser_shuts_the_last_one_out() {
    let world = World::new().await;
    let root = world.person("root").await;
    let path = async |name: &str| format!("/api/users/{}", find(&root, name).await.id);
    let unverified = json!({ "is_verified": false });
    root.send("PATCH", &path("root").await, &unverified).await.expect_refusal(409, "own_account");
    root.post("/api/users", &json!({ "username": "second", "role": "SUPERUSER", "password": PASSWORD })).await.expect(201);
    let second = world.person("second").await;
    root.send("PATCH", &path("second").await, &unverified).await.expect(200);
    second.send("PATCH", &path("root").await, &json!({ "is_active": false })).await.expect_refusal(409, "last_superuser");
    world.admin_tools().set_password("second", &andon::support::secret::Secret::new(PASSWORD)).await.unwrap();
    world.login("second").await;
}
