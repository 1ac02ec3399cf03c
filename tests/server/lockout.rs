//! Wrong passwords: three lock a name, many lock an address, and nobody else notices.

use std::net::{IpAddr, Ipv4Addr};

use andon::domain::Role;
use andon::server::Config;
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{Answer, send_from};
use crate::socket_io::next_packet;
use crate::wire::Wire;
use crate::world::{Client, PASSWORD, World};

fn held() -> Clock {
    Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
}

async fn sign_in(world: &World, name: &str, password: &str) -> Answer {
    world.anonymous().post("/api/auth/login", &json!({ "username": name, "password": password })).await
}

async fn fail(world: &World, name: &str, times: usize) {
    for _ in 0..times {
        sign_in(world, name, "wrong wrong").await.expect_refusal(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn the_third_wrong_try_is_still_told_so_and_then_nobody_gets_in_for_five_minutes() {
    let clock = held();
    let world = World::with(clock.clone(), |_| ()).await;
    fail(&world, "oper", 3).await;
    let locked = sign_in(&world, "oper", PASSWORD).await.expect_refusal(429, "locked");
    assert_eq!(locked.header("retry-after"), Some("300"));
    assert!(locked.json()["error"].as_str().unwrap().contains("5 min"), "{}", locked.text());
    clock.push(TimeDelta::seconds(83));
    assert_eq!(sign_in(&world, " OPER ", PASSWORD).await.expect_refusal(429, "locked").header("retry-after"), Some("217"));
    clock.push(TimeDelta::seconds(217));
    sign_in(&world, "oper", PASSWORD).await.expect(200);
    fail(&world, "oper", 2).await;
    sign_in(&world, "oper", PASSWORD).await.expect(200);
    fail(&world, "oper", 2).await;
    sign_in(&world, "oper", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_name_that_nobody_has_is_locked_alike() {
    let world = World::with(held(), |_| ()).await;
    let without_id = |answer: Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, answer.header("retry-after").map(str::to_owned), body)
    };
    for n in 0..4 {
        let known: (u16, Option<String>, Value) = without_id(sign_in(&world, "oper", "wrong wrong").await);
        let unknown = without_id(sign_in(&world, "nobody", "wrong wrong").await);
        assert_eq!(known, unknown, "try {n}");
    }
}

#[tokio::test]
async fn every_way_in_counts_into_the_same() {
    let world = World::with(held(), |_| ()).await;
    fail(&world, "oper", 1).await;
    world.anonymous().basic("oper", "wrong").get("/api/Auth/GetToken").await.expect_refusal(401, "invalid_credentials");
    let wrong_role = json!({ "username": "oper", "password": PASSWORD, "role": "ADMIN" });
    world.anonymous().post("/api/auth/login", &wrong_role).await.expect_refusal(401, "invalid_credentials");
    let locked = world.anonymous().basic("oper", PASSWORD).get("/api/Auth/GetToken").await.expect_refusal(429, "locked");
    assert_eq!((locked.header("retry-after"), &locked.json()["Message"]), (Some("300"), &locked.json()["error"]));
}

#[tokio::test]
async fn a_lock_outlives_a_restart_and_an_administrator_ends_it() {
    let world = World::with(held(), |_| ()).await;
    fail(&world, "oper", 3).await;
    let world = world.restart().await;
    sign_in(&world, "oper", PASSWORD).await.expect_refusal(429, "locked");
    let admin = world.person("admin").await;
    let users: Vec<Value> = admin.get("/api/users?search=OPE").await.expect(200).read();
    assert_eq!((users.len(), users[0]["failed_login_attempts"].as_u64()), (1, Some(3)));
    assert!(users[0]["locked_until"].is_string());
    let path = format!("/api/users/{}/unlock", users[0]["id"].as_str().unwrap());
    let user = admin.request("POST", &path, &[], None).await.expect(200).json();
    assert_eq!((user["failed_login_attempts"].as_u64(), user["locked_until"].is_null()), (Some(0), true));
    sign_in(&world, "oper", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_wrong_try_counts_though_its_caller_hangs_up() {
    let world = World::with(held(), |config| config.password_cost = 10).await;
    let admin = world.person("admin").await;
    for n in 1..=3 {
        hang_up(&world).await;
        until_counted(&admin, n).await;
    }
    sign_in(&world, "oper", PASSWORD).await.expect_refusal(429, "locked");
}

#[tokio::test]
async fn a_wrong_try_over_socket_io_counts_though_its_caller_hangs_up() {
    let world = World::with(held(), |config| config.password_cost = 10).await;
    let admin = world.person("admin").await;
    for n in 1..=3 {
        let mut socket = Wire::open(world.running.address(), "/socket.io/?EIO=4&transport=websocket").await;
        socket.text("40").await;
        while !next_packet(&mut socket).await.starts_with("42[\"connected\"") {}
        socket.text(&format!("42{}", json!(["authenticate", { "username": "oper", "password": "wrong wrong" }]))).await;
        drop(socket);
        until_counted(&admin, n).await;
    }
    sign_in(&world, "oper", PASSWORD).await.expect_refusal(429, "locked");
}

#[tokio::test]
async fn a_wrong_try_counts_though_the_server_is_told_to_stop() {
    let world = World::with(held(), |config| config.password_cost = 12).await;
    hang_up(&world).await;
    let world = world.restart().await;
    until_counted(&world.person("admin").await, 1).await;
}

/// Waits until so many wrong tries of the operator have been counted.
async fn until_counted(admin: &Client, wrong: u64) {
    let tries = async || {
        let users: Vec<Value> = admin.get("/api/users?search=oper").await.expect(200).read();
        users[0]["failed_login_attempts"].as_u64().unwrap()
    };
    let counted = async {
        while tries().await < wrong {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), counted).await.unwrap_or_else(|_| panic!("try {wrong} was never counted"));
}

/// Begins to sign in with a wrong password, and does not wait for the answer.
async fn hang_up(world: &World) {
    let mut stream = TcpStream::connect(world.running.address()).await.unwrap();
    let body = r#"{"username":"oper","password":"wrong wrong"}"#;
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: line\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
    // Said when somebody wants to read the body.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn the_command_line_frees_a_locked_name_past_the_running_server() {
    let world = World::with(held(), |_| ()).await;
    fail(&world, "oper", 3).await;
    sign_in(&world, "oper", PASSWORD).await.expect_refusal(429, "locked");
    let other = andon::server::Admin::open(&world.config, world.clock.clone()).await.unwrap();
    other.unlock("oper").await.unwrap();
    sign_in(&world, "oper", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn forty_tries_at_once_are_three_tries() {
    let world = std::sync::Arc::new(World::with(held(), |_| ()).await);
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { sign_in(&world, "oper", "wrong wrong").await.status })
        })
        .collect();
    let mut answers = Vec::new();
    for one in tries {
        answers.push(one.await.unwrap());
    }
    let count = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(401), count(429)), (3, 37), "{answers:?}");
}

#[tokio::test]
async fn right_passwords_at_once_are_all_right() {
    let world = std::sync::Arc::new(World::new().await);
    let tries: Vec<_> = (0..30)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { sign_in(&world, "oper", PASSWORD).await.status })
        })
        .collect();
    for one in tries {
        assert_eq!(one.await.unwrap(), 200);
    }
}

async fn from(source: u8, world: &World, name: &str, headers: &[(&str, &str)]) -> Answer {
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, source));
    let body = json!({ "username": name, "password": "wrong wrong" });
    send_from(source, world.running.address(), "/api/auth/login", headers, &body).await
}

#[tokio::test]
async fn an_address_that_tries_many_names_is_locked_and_a_forged_header_does_not_help_it() {
    let world = World::with(held(), |_| ()).await;
    for n in 0..50 {
        let forged = format!("10.1.{n}.7");
        from(9, &world, &format!("name{n}"), &[("x-forwarded-for", &forged)]).await.expect_refusal(401, "invalid_credentials");
    }
    from(9, &world, "another", &[("x-forwarded-for", "10.2.0.1"), ("forwarded", "for=10.2.0.1")]).await.expect_refusal(429, "locked");
    from(10, &world, "another", &[("x-forwarded-for", "127.0.0.9")]).await.expect_refusal(401, "invalid_credentials");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_callers_own_address_counts() {
    let world = World::with(held(), |config: &mut Config| config.trusted_proxies = vec!["127.0.0.9".parse().unwrap()]).await;
    for n in 0..50 {
        from(9, &world, &format!("name{n}"), &[("x-forwarded-for", "10.1.0.7")]).await.expect_refusal(401, "invalid_credentials");
    }
    from(9, &world, "another", &[("x-forwarded-for", "10.1.0.7")]).await.expect_refusal(429, "locked");
    from(9, &world, "another", &[("x-forwarded-for", "10.1.0.8")]).await.expect_refusal(401, "invalid_credentials");
    let entries: Vec<Value> = world.person("root").await.get("/api/audit?limit=3&search=10.1.0.8").await.expect(200).read();
    assert_eq!((entries[0]["address"].as_str(), entries[0]["result"].as_str()), (Some("10.1.0.8"), Some("invalid_credentials")));
}

#[tokio::test]
async fn a_hash_of_another_cost_is_made_anew_when_its_owner_signs_in() {
    let mut world = World::new().await;
    world.config.password_cost = 5;
    let world = world.restart().await;
    world.login("oper").await;
    let hash = async |name: &str| {
        let query = sqlx::query_scalar("select password_hash from users where name_key = $1").bind(name.to_owned());
        let hash: String = query.fetch_one(&mut world.connect().await).await.unwrap();
        hash
    };
    assert!(hash("oper").await.starts_with("$2b$05$") && hash("admin").await.starts_with("$2b$04$"));
    world.login("oper").await;
}

#[tokio::test]
async fn an_unverified_user_with_the_right_password_is_told_so_and_not_counted() {
    let world = World::with(held(), |_| ()).await;
    let user = world.admin_tools().add_user("fresh", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
    let root = world.person("root").await;
    let unverified = json!({ "is_verified": false });
    root.send("PATCH", &format!("/api/users/{}", user.id), &unverified).await.expect(200);
    for _ in 0..4 {
        sign_in(&world, "fresh", PASSWORD).await.expect_refusal(403, "email_not_verified");
    }
}
