//! Codes are no easier to guess than passwords, a storm of guesses keeps nobody out, and a code dies with what it was sent for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use andon::domain::Role;
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use chrono::DateTime;
use serde_json::{Value, json};

use super::with_sink;
use crate::http::{Answer, send_from};
use crate::world::{PASSWORD, World};

async fn from(source: u8, address: SocketAddr, path: &str, body: Value) -> Answer {
    send_from(IpAddr::V4(Ipv4Addr::new(127, 0, 0, source)), address, path, &[("content-type", "application/json")], &body).await
}

fn guess(email: &str) -> Value {
    json!({ "email": email, "code": "000000", "password": "another secret" })
}

const CONFIRM: &str = "/api/auth/password-reset/confirm";

#[tokio::test]
async fn an_address_that_guesses_codes_is_locked_as_one_that_guesses_passwords() {
    let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let (world, sink) = with_sink(clock, |_| ()).await;
    super::sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    let at = world.running.address();
    for n in 0..24 {
        from(9, at, CONFIRM, guess(&format!("nobody{n}@x.example"))).await.expect_refusal(400, "invalid_code");
    }
    for n in 0..12 {
        let unknown = json!({ "email": format!("nobody{n}@x.example"), "code": "000000" });
        from(9, at, "/api/verify-email", unknown.clone()).await.expect_refusal(404, "user_not_found");
        from(9, at, "/api/resend-verification", unknown).await.expect_refusal(404, "user_not_found");
    }
    let wrong = json!({ "email": "anna@x.example", "code": super::other_than(&code) });
    for _ in 0..2 {
        from(9, at, "/api/verify-email", wrong.clone()).await.expect_refusal(400, "invalid_code");
    }
    let login = json!({ "username": "oper", "password": PASSWORD });
    let right = json!({ "email": "anna@x.example", "code": code });
    for (path, body) in [
        (CONFIRM, guess("nobody@x.example")),
        ("/api/verify-email", right.clone()),
        ("/api/resend-verification", right.clone()),
        ("/api/auth/password-reset", right.clone()),
        ("/api/signup", json!({ "username": "berta", "email": "berta@x.example", "password": PASSWORD })),
        ("/api/auth/login", login.clone()),
    ] {
        let locked = from(9, at, path, body).await.expect_refusal(429, "locked");
        assert_eq!(locked.header("retry-after"), Some("300"), "{path}");
    }
    // Nobody else notices.
    from(10, at, "/api/verify-email", right).await.expect(200);
    from(10, at, "/api/auth/login", login).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_guesses_from_one_address_keeps_nobody_else_from_signing_in() {
    let world = World::with(Clock::system(), |config| config.password_cost = 8).await;
    let at = world.running.address();
    let storm: Vec<_> = (0..400).map(|n| tokio::spawn(from(9, at, CONFIRM, guess(&format!("nobody{n}@x.example"))))).collect();
    for _ in 0..5 {
        from(10, at, "/api/auth/login", json!({ "username": "oper", "password": PASSWORD })).await.expect(200);
    }
    for one in storm {
        let answer = one.await.unwrap();
        assert!(matches!(answer.status, 400 | 429 | 503), "{answer:?}");
    }
}

#[tokio::test]
async fn a_code_ends_when_the_address_or_the_password_is_changed_or_the_account_disabled() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let admin = world.person("admin").await;
    let changes: [(&str, Value); 3] = [
        ("anna", json!({ "email": "anna.new@x.example" })),
        ("berta", json!({ "password": "set by an administrator" })),
        ("carla", json!({ "is_active": false })),
    ];
    for (name, change) in changes {
        let email = format!("{name}@x.example");
        let user = world.admin_tools().add_user(name, Role::Operator, Some(&email), &Secret::new(PASSWORD)).await.unwrap();
        world.anonymous().post("/api/auth/password-reset", &json!({ "email": email })).await.expect(200);
        let code = sink.mail_to(&email, 1).await.code();
        let path = format!("/api/users/{}", user.id);
        let email = change["email"].as_str().unwrap_or(&email).to_owned();
        admin.send("PATCH", &path, &change).await.expect(200);
        admin.send("PATCH", &path, &json!({ "is_active": true })).await.expect(200);
        let stolen = json!({ "email": email, "code": code, "password": "the thief's own" });
        world.anonymous().post(CONFIRM, &stolen).await.expect_refusal(400, "invalid_code");
    }
}
