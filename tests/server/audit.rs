//! The audit log: every act is in it once, it can be searched and exported, and it holds no secret.

use andon::protocol::audit::Entry;
use serde_json::json;

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
    assert!(
        export.text().starts_with("id,timestamp,user,action,target,address,result,detail\r\n")
            || export.text().contains("id,timestamp,user,action")
    );
}
