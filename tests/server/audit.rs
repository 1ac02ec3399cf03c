//! The audit log: every act is in it once, it can be searched and exported, and it holds no secret.

use andon::protocol::audit::Entry;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn acts_are_kept_with_who_what_from_where_and_how_they_ended() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let user = admin.post("/api/users", &json!({ "username": "anna", "role": "OPERATOR", "password": PASSWORD })).await.expect(201).json();
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    admin.send("PATCH", &path, &json!({ "role": "GUEST", "is_active": false })).await.expect(200);
    world.anonymous().post("/api/auth/login", &json!({ "username": "anna", "password": "typed secret" })).await.expect(401);
    world.anonymous().post("/api/auth/login", &json!({ "username": "typed secret", "password": "" })).await.expect(401);
    admin.delete(&path).await.expect(204);
    let entries: Vec<Entry> = admin.get("/api/audit?limit=6").await.expect(200).read();
    let told: Vec<_> = entries.iter().map(|e| [e.user.as_str(), &e.action, &e.target, &e.address, &e.result, &e.detail]).collect();
    assert_eq!(
        told,
        [
            ["admin", "user.deleted", "anna", "127.0.0.1", "ok", ""],
            ["(unknown name)", "login", "", "127.0.0.1", "invalid_credentials", ""],
            ["anna", "login", "", "127.0.0.1", "invalid_credentials", ""],
            ["admin", "user.changed", "anna", "127.0.0.1", "ok", "role OPERATOR → GUEST, disabled"],
            ["admin", "user.created", "anna", "127.0.0.1", "ok", "role OPERATOR"],
            ["admin", "login", "", "127.0.0.1", "ok", ""],
        ]
    );
    let all = admin.get("/api/audit").await.expect(200);
    assert!(!all.text().contains("typed secret") && !all.text().contains(PASSWORD));
}

#[tokio::test]
async fn the_log_is_searched_and_paged() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    let list = async |query: &str| admin.get(&format!("/api/audit?{query}")).await.expect(200).read::<Vec<Entry>>();
    let all = list("").await;
    assert_eq!(all.len(), 5, "four accounts and a login: {all:?}");
    assert_eq!(list("action=user").await.len(), 4);
    assert_eq!(list("user=ADMIN").await.len(), 1);
    assert_eq!(list("search=ROOT").await[0].target, "root");
    assert_eq!(list("search=%25").await.len(), 0);
    let (first, rest) = (list("limit=2").await, list(&format!("before={}", all[1].id)).await);
    assert_eq!((first.as_slice(), rest.as_slice()), (&all[..2], &all[2..]));
    let time = |entry: &Entry| entry.timestamp.to_rfc3339().replace('+', "%2B");
    assert_eq!(list(&format!("from={}", time(&all[1]))).await, &all[..2]);
    assert_eq!(list(&format!("to={}", time(&all[1]))).await, &all[2..]);
    for bad in ["format=pdf", "from=yesterday", "limit=-1"] {
        admin.get(&format!("/api/audit?{bad}")).await.expect_refusal(400, "bad_query");
    }
}

#[tokio::test]
async fn a_long_log_is_exported_whole() {
    let world = World::new().await;
    let admin = world.person("admin").await;
    for n in 0..1200 {
        // A wrong search leaves no entry; an issued token does.
        world.admin_tools().issue_token(&format!("line-{n}")).await.unwrap();
    }
    let export = admin.get("/api/audit?format=csv&action=token").await.expect(200);
    assert_eq!(export.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<&str> = export.text().matches("token.issued").collect();
    assert_eq!(lines.len(), 1200);
    assert!(export.text().contains("id,timestamp,user,action,target,address,result,detail,station,happened_at\r\n"));
}

fn told(n: u32, action: &str) -> Value {
    let id = format!("0190a000-0000-7000-8000-{n:012}");
    json!({ "id": id, "at": "2026-01-31T22:15:00.5+01:00", "user": "anna", "action": action, "target": "", "result": "ok" })
}

fn with(mut act: Value, field: &str, value: &str) -> Value {
    act[field] = value.into();
    act
}

#[tokio::test]
async fn what_a_station_tells_of_later_is_marked_as_its_word_and_kept_once() {
    let world = World::new().await;
    let (admin, station) = (world.person("admin").await, world.station().await);
    let tell = async |entries: Vec<Value>| station.post("/api/audit/offline", &json!({ "entries": entries })).await;
    for _ in 0..2 {
        let answer = tell(vec![told(1, "login"), told(2, "logout")]).await.expect(200).json();
        assert_eq!(answer, json!({ "refused": [] }));
    }
    tell(vec![told(2, "logout"), told(3, "alert.acknowledged")]).await.expect(200);
    let other = world.anonymous().basic_token(world.admin_tools().issue_token("line-b").await.unwrap().expose());
    other.post("/api/audit/offline", &json!({ "entries": [told(1, "login")] })).await.expect(200);
    let entries: Vec<Entry> = admin.get("/api/audit?action=offline.").await.expect(200).read();
    let seen: Vec<_> = entries.iter().map(|e| (e.action.as_str(), e.user.as_str(), e.station.as_deref().unwrap())).collect();
    let expected = [
        ("offline.login", "anna", "line-b"),
        ("offline.alert.acknowledged", "anna", "line-a"),
        ("offline.logout", "anna", "line-a"),
        ("offline.login", "anna", "line-a"),
    ];
    assert_eq!(seen, expected);
    let first = &entries[3];
    assert_eq!(first.happened_at.unwrap().to_rfc3339(), "2026-01-31T21:15:00.500+00:00");
    assert!(first.timestamp > first.happened_at.unwrap() && first.address == "127.0.0.1" && first.result == "ok");
    let by_station: Vec<Entry> = admin.get("/api/audit?search=LINE-B&action=offline").await.expect(200).read();
    assert_eq!(by_station, &entries[..1]);
    let own: Vec<Entry> = admin.get("/api/audit?action=login").await.expect(200).read();
    assert!(own.iter().all(|entry| entry.station.is_none() && entry.happened_at.is_none()), "the server's own word is not marked");
    let csv = admin.get("/api/audit?format=csv&action=offline.alert").await.expect(200);
    assert!(csv.text().contains("anna,offline.alert.acknowledged,,127.0.0.1,ok,,line-a,2026-01-31T21:15:00.500000Z\r\n"));
}

#[tokio::test]
async fn a_station_tells_only_what_the_log_can_hold_and_nobody_else_tells_anything() {
    let world = World::new().await;
    let (admin, station) = (world.person("admin").await, world.station().await);
    let bad = [
        ("at", with(told(1, "login"), "at", "1999-12-31T23:00:00Z")),
        ("at", with(told(2, "login"), "at", "+20000-01-01T00:00:00Z")),
        ("user", with(told(3, "login"), "user", " ")),
        ("user", with(told(4, "login"), "user", &"x".repeat(201))),
        ("user", with(told(5, "login"), "user", "an\u{7}na")),
        ("action", told(6, "User.Deleted")),
        ("action", told(7, "")),
        ("action", told(8, &"a".repeat(41))),
        ("target", with(told(9, "login"), "target", "two\nlines")),
        ("result", with(told(10, "login"), "result", "OK")),
    ];
    let entries: Vec<&Value> = bad.iter().map(|(_, act)| act).collect();
    let good = told(11, "login");
    let all: Vec<&Value> = entries.iter().copied().chain([&good]).collect();
    let answer = station.post("/api/audit/offline", &json!({ "entries": all })).await.expect(200).json();
    let refused: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|r| (r["field"].clone(), r["id"].clone())).collect();
    let expected: Vec<_> = bad.iter().map(|(field, act)| (Value::from(*field), act["id"].clone())).collect();
    assert_eq!(refused, expected);
    let kept: Vec<Entry> = admin.get("/api/audit?action=offline").await.expect(200).read();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let many: Vec<Value> = (0..101).map(|n| told(n, "login")).collect();
    station.post("/api/audit/offline", &json!({ "entries": many })).await.expect_refusal(400, "bad_body");
    for odd in [json!({}), json!({ "entries": [{}] }), json!({ "entries": [with(told(1, "login"), "id", "7")] })] {
        station.post("/api/audit/offline", &odd).await.expect_refusal(400, "bad_body");
    }
    admin.post("/api/audit/offline", &json!({ "entries": [] })).await.expect_refusal(403, "forbidden");
    world.anonymous().post("/api/audit/offline", &json!({ "entries": [] })).await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn nobody_is_signed_out_whose_going_cannot_be_noted() {
    let world = World::new().await;
    let (oper, tech) = (world.login("oper").await, world.person("tech").await);
    let person = world.anonymous().bearer(&oper.access_token);
    let own: Vec<Value> = person.get("/api/auth/sessions").await.expect(200).read();
    let own = format!("/api/auth/sessions/{}", own[0]["id"].as_str().unwrap());
    world
        .while_nothing_is_noted(async {
            person.post("/api/auth/logout", &json!({})).await.expect_refusal(503, "store_unavailable");
            person.delete(&own).await.expect_refusal(503, "store_unavailable");
            tech.delete("/api/auth/sessions").await.expect_refusal(503, "store_unavailable");
        })
        .await;
    let renew = async |token: &str| world.anonymous().post("/api/auth/refresh", &json!({ "refresh_token": token })).await;
    let renewed: Value = renew(&oper.refresh_token).await.expect(200).json();
    tech.get("/api/auth/me").await.expect(200);
    world.while_nothing_is_noted(async { renew(&oper.refresh_token).await.expect_refusal(503, "store_unavailable") }).await;
    let renewed = renew(renewed["refresh_token"].as_str().unwrap()).await.expect(200).json();
    let again = world.anonymous().bearer(renewed["access_token"].as_str().unwrap());
    again.post("/api/auth/logout", &json!({})).await.expect(200);
    tech.delete("/api/auth/sessions").await.expect(204);
    let admin = world.person("admin").await;
    for action in ["logout", "sessions.ended", "session.ended", "session.token_reused"] {
        let entries: Vec<Entry> = admin.get(&format!("/api/audit?action={action}")).await.expect(200).read();
        assert_eq!(entries.len(), usize::from(matches!(action, "logout" | "sessions.ended")), "{action}: {entries:?}");
    }
}
