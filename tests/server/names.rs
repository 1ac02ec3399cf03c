//! One person, one name: however it is written, and whatever letters look like it.

use andon::domain::Role;
use andon::server::{AccountError, AdminError};
use andon::support::secret::Secret;
use serde_json::json;
use sqlx::Executor;

use crate::world::{PASSWORD, World};

async fn add(world: &World, name: &str) -> Result<(), AdminError> {
    world.admin_tools().add_user(name, Role::Guest, None, &Secret::new(PASSWORD)).await.map(drop)
}

#[tokio::test]
async fn a_name_is_taken_in_every_way_to_write_it_and_its_person_signs_in_with_each() {
    let world = World::new().await;
    add(&world, "Żółw Weiß").await.unwrap();
    for same in ["ŻÓŁW WEISS", "z\u{307}o\u{301}łw weiß", "Ｚ\u{307}ółw Weiss"] {
        assert!(matches!(add(&world, same).await, Err(AdminError::Account(AccountError::NameTaken))), "{same}");
        assert_eq!(world.login(same).await.user.username, "Żółw Weiß");
    }
    // Failures are counted as one name's, too.
    for (password, code) in [("wrong 1", 401), ("wrong 2", 401), ("wrong 3", 401), (PASSWORD, 429)] {
        let name = if code == 401 { "Ｚ\u{307}ółw Weiss" } else { "żółw weiß" };
        world.anonymous().post("/api/auth/login", &json!({ "username": name, "password": password })).await.expect(code);
    }
    for other in ["Zolw Weiss", "Zółw Weiß"] {
        add(&world, other).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_named_so_that_he_looks_like_another() {
    let world = World::new().await;
    add(&world, "coco1").await.unwrap();
    for alike in ["сосо1", "cocol"] {
        let refused = add(&world, alike).await;
        assert!(matches!(refused, Err(AdminError::Account(AccountError::LookTaken))), "{alike}: {refused:?}");
    }
    let admin = world.person("admin").await;
    let new = |name: &str| json!({ "username": name, "role": "GUEST", "password": PASSWORD });
    // Without regard to case a capital I is an i, and no l.
    admin.post("/api/users", &new("cocoI")).await.expect(201);
    let refused = admin.post("/api/users", &new("ореr")).await.expect_refusal(400, "bad_field").json();
    assert!(refused["fields"]["username"].as_str().unwrap().contains("one script"), "{refused}");
    admin.post("/api/users", &new("сосо1")).await.expect_refusal(409, "username_taken");
}

#[tokio::test]
async fn accounts_of_an_earlier_version_are_found_as_before_and_by_their_new_key() {
    let world = World::new().await;
    for name in ["Weiß", "Ａnna", "Jan"] {
        add(&world, name).await.unwrap();
    }
    let mut database = world.connect().await;
    // As the earlier version had them: in lower case, and nothing more. So it took two of one name by now.
    database.execute("update users set look_key = 'none', name_key = 'weiß' where name = 'Weiß'").await.unwrap();
    add(&world, "WEISS").await.unwrap();
    database.execute("update users set look_key = null, name_key = 'ａnna' where name = 'Ａnna'").await.unwrap();
    database.execute("update users set look_key = null where name in ('Weiß', 'WEISS')").await.unwrap();
    drop(database);
    let world = world.restart().await;
    for (typed, name) in [("weiß", "Weiß"), ("weiss", "WEISS"), ("ａNNA", "Ａnna"), ("anna", "Ａnna"), ("jan", "Jan")] {
        assert_eq!(world.login(typed).await.user.username, name, "{typed}");
    }
    assert!(matches!(add(&world, "ANNA").await, Err(AdminError::Account(AccountError::NameTaken))));
}

#[tokio::test]
async fn two_accounts_of_an_earlier_version_whose_names_are_one_have_failures_of_their_own() {
    let world = World::new().await;
    add(&world, "Weiß").await.unwrap();
    let mut database = world.connect().await;
    database.execute("update users set look_key = 'none', name_key = 'weiß' where name = 'Weiß'").await.unwrap();
    add(&world, "weiss").await.unwrap();
    drop(database);
    let sign_in = async |name: &str, password: &str| {
        world.anonymous().post("/api/auth/login", &json!({ "username": name, "password": password })).await.status
    };
    // Whoever is the one guesses at the other, and signs in himself between.
    for (name, password, status) in [("Weiß", "wrong 1", 401), ("Weiß", "wrong 2", 401), ("weiss", PASSWORD, 200), ("WEISS", PASSWORD, 200)]
    {
        assert_eq!(sign_in(name, password).await, status);
    }
    assert_eq!((sign_in("weiß", "wrong 3").await, sign_in("Weiß", PASSWORD).await), (401, 429));
    assert_eq!(sign_in("weiss", PASSWORD).await, 200, "he is not locked out by it");
    let admin = world.person("admin").await;
    let users: Vec<serde_json::Value> = admin.get("/api/users?search=wei").await.expect(200).read();
    let failed = |name: &str| users.iter().find(|user| user["username"] == name).unwrap()["failed_login_attempts"].as_u64();
    assert_eq!((failed("Weiß"), failed("weiss")), (Some(3), Some(0)));
    world.admin_tools().unlock("Weiß").await.unwrap();
    assert_eq!(sign_in("Weiß", PASSWORD).await, 200);
}

#[tokio::test]
async fn names_that_a_server_of_an_earlier_version_adds_meanwhile_are_taken() {
    let world = World::new().await;
    for name in ["Ａnna", "coco1"] {
        add(&world, name).await.unwrap();
    }
    // As a server of the earlier version adds them while this one runs.
    let mut database = world.connect().await;
    database.execute("update users set look_key = null, name_key = 'ａnna' where name = 'Ａnna'").await.unwrap();
    database.execute("update users set look_key = null where name = 'coco1'").await.unwrap();
    drop(database);
    assert!(matches!(add(&world, "ANNA").await, Err(AdminError::Account(AccountError::NameTaken))));
    assert!(matches!(add(&world, "cocol").await, Err(AdminError::Account(AccountError::LookTaken))));
    add(&world, "another").await.unwrap();
    assert_eq!(world.login("anna").await.user.username, "Ａnna");
}
