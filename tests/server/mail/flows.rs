//! What the recorded server had no answer for: limits, who may sign up, and forgotten passwords.

use andon::domain::Role;
use andon::server::{Mail, Signup};
use andon::support::clock::Clock;
use chrono::{DateTime, TimeDelta};
use serde_json::json;

use super::{other_than, sign_up, verify, with_sink};
use crate::world::{PASSWORD, World};

#[tokio::test]
async fn five_tries_end_a_code_even_for_the_right_one_and_a_new_code_begins_anew() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    let wrong = other_than(&code);
    // At once, so that none can slip by while the others are compared.
    let answers = futures_util::future::join_all((0..12).map(|_| verify(&world, "anna@x.example", wrong))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429, 429, 429, 429, 429, 429]);
    verify(&world, "anna@x.example", &code).await.expect_refusal(429, "too_many_tries");
    world.anonymous().post("/api/resend-verification", &json!({ "email": "anna@x.example" })).await.expect(200);
    let code = sink.mail_to("anna@x.example", 2).await.code();
    verify(&world, "anna@x.example", &code).await.expect(200);
}

#[tokio::test]
async fn a_code_is_used_once_however_many_come_with_it() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    let answers = futures_util::future::join_all((0..4).map(|_| verify(&world, "anna@x.example", &code))).await;
    let fresh = answers.iter().filter(|answer| answer.json()["message"] == "Email verified successfully").count();
    assert_eq!(fresh, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

#[tokio::test]
async fn nobodys_letter_box_is_filled() {
    let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let (world, _sink) = with_sink(clock.clone(), |_| ()).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let again = async || world.anonymous().post("/api/resend-verification", &json!({ "email": "ANNA@x.example" })).await;
    for _ in 0..4 {
        again().await.expect(200);
    }
    let refused = again().await.expect_refusal(429, "too_many_mails");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    clock.push(TimeDelta::minutes(61));
    again().await.expect(200);
}

#[tokio::test]
async fn whoever_signs_up_is_a_guest_until_an_administrator_gives_a_role() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    verify(&world, "anna@x.example", &code).await.expect(200);
    assert_eq!(world.login("anna").await.user.role, Role::Guest);
    world.admin_tools().set_role("anna", Role::Operator).await.unwrap();
    assert_eq!(world.login("anna").await.user.role, Role::Operator);
}

#[tokio::test]
async fn open_signup_makes_operators_and_closed_signup_makes_nobody() {
    let (world, sink) = with_sink(Clock::system(), |config| config.signup = Signup::Open).await;
    sign_up(&world, "<b>Zoë</b> 🔧", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    verify(&world, "anna@x.example", &code).await.expect(200);
    let login = world.login("<b>zoë</b> 🔧").await;
    assert_eq!((login.user.role, login.user.username.as_str()), (Role::Operator, "<b>Zoë</b> 🔧"));
    let (world, sink) = with_sink(Clock::system(), |config| config.signup = Signup::Closed).await;
    sign_up(&world, "anna", "anna@x.example").await.expect_refusal(403, "signup_closed");
    assert_eq!((world.admin_tools().list_users().await.unwrap().len(), sink.named().len()), (4, 0));
}

#[tokio::test]
async fn without_mail_signing_up_says_so_and_makes_nobody() {
    let world = World::with(Clock::system(), |config| config.mail = Mail::None).await;
    let refused = sign_up(&world, "anna", "anna@x.example").await.expect_refusal(403, "mail_not_set_up").json();
    assert!(refused["error"].as_str().unwrap().contains("Mail is not set up"), "{refused}");
    assert_eq!(world.admin_tools().list_users().await.unwrap().len(), 4);
    let ask = json!({ "email": "anna@x.example" });
    world.anonymous().post("/api/auth/password-reset", &ask).await.expect_refusal(403, "mail_not_set_up");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail_and_ends_the_sessions() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let admin = world.admin_tools();
    admin.add_user("anna", Role::Operator, Some("Anna@x.example"), &andon::support::secret::Secret::new(PASSWORD)).await.unwrap();
    let session = world.person("anna").await;
    let nobody = world.anonymous();
    nobody.post("/api/auth/password-reset", &json!({ "email": "anna@x.example" })).await.expect(200);
    let code = sink.mail_to("Anna@x.example", 1).await.code();
    let confirm = async |code: &str, password: &str| {
        let body = json!({ "email": "anna@x.example", "code": code, "password": password });
        nobody.post("/api/auth/password-reset/confirm", &body).await
    };
    confirm(&code, "short").await.expect_refusal(400, "bad_password");
    confirm(other_than(&code), "another secret").await.expect_refusal(400, "invalid_code");
    session.get("/api/auth/me").await.expect(200);
    confirm(&code, "another secret").await.expect(200);
    session.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    let login = async |password: &str| nobody.post("/api/auth/login", &json!({ "username": "anna", "password": password })).await.status;
    assert_eq!((login(PASSWORD).await, login("another secret").await), (401, 200));
    confirm(&code, "a third secret").await.expect_refusal(400, "invalid_code");
}

#[tokio::test]
async fn no_answer_about_a_new_password_tells_whether_there_is_an_account() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let admin = world.admin_tools();
    admin.add_user("anna", Role::Operator, Some("anna@x.example"), &andon::support::secret::Secret::new(PASSWORD)).await.unwrap();
    let mut all = Vec::new();
    for email in ["anna@x.example", "nobody@x.example"] {
        let mut answers = Vec::new();
        let mut keep = |answer: crate::http::Answer| {
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("request_id");
            answers.push((answer.status, body));
        };
        keep(world.anonymous().post("/api/auth/password-reset", &json!({ "email": email })).await);
        if email.starts_with("anna") {
            sink.mail_to(email, 1).await;
        }
        let wrong = json!({ "email": email, "code": "no code", "password": "another secret" });
        for _ in 0..8 {
            keep(world.anonymous().post("/api/auth/password-reset/confirm", &wrong).await);
        }
        for _ in 0..6 {
            keep(world.anonymous().post("/api/auth/password-reset", &json!({ "email": email })).await);
        }
        all.push(answers);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0].iter().map(|answer| answer.0).collect::<Vec<_>>()[..2], [200, 400]);
    assert_eq!(all[0].last().unwrap().0, 429);
    assert!(sink.named().iter().all(|to| to == "anna@x.example"), "{:?}", sink.named());
}

#[tokio::test]
async fn what_becomes_of_accounts_and_codes_is_in_the_audit_log_without_the_codes() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    verify(&world, "anna@x.example", other_than(&code)).await.expect(400);
    verify(&world, "anna@x.example", &code).await.expect(200);
    let log = world.person("admin").await.get("/api/audit").await.expect(200);
    let entries = log.json();
    let found = |user: &str, action: &str, result: &str| {
        entries.as_array().unwrap().iter().any(|entry| entry["user"] == user && entry["action"] == action && entry["result"] == result)
    };
    assert!(found("anna", "user.signed_up", "ok") && found("system", "user.code_sent", "ok"), "{entries}");
    assert!(found("anna", "user.email_verified", "invalid_code") && found("anna", "user.email_verified", "ok"), "{entries}");
    assert!(!log.text().contains(&format!("\"{code}\"")) && !log.text().contains(PASSWORD), "{entries}");
}

#[tokio::test]
async fn no_account_address_or_password_changes_unless_it_can_be_noted() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let away = "store_unavailable";
    let login =
        async |password: &str| world.anonymous().post("/api/auth/login", &json!({ "username": "anna", "password": password })).await.status;
    world.while_nothing_is_noted(async { sign_up(&world, "anna", "anna@x.example").await.expect_refusal(503, away) }).await;
    assert_eq!((login(PASSWORD).await, world.admin_tools().list_users().await.unwrap().len()), (401, 4));
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    world.while_nothing_is_noted(async { verify(&world, "anna@x.example", &code).await.expect_refusal(503, away) }).await;
    assert_eq!(login(PASSWORD).await, 403);
    verify(&world, "anna@x.example", &code).await.expect(200);
    world.anonymous().post("/api/auth/password-reset", &json!({ "email": "anna@x.example" })).await.expect(200);
    let code = sink.mail_to("anna@x.example", 2).await.code();
    let new = json!({ "email": "anna@x.example", "code": code, "password": "another secret" });
    let confirm = async || world.anonymous().post("/api/auth/password-reset/confirm", &new).await;
    world.while_nothing_is_noted(async { confirm().await.expect_refusal(503, away) }).await;
    assert_eq!((login(PASSWORD).await, login("another secret").await), (200, 401));
    confirm().await.expect(200);
    assert_eq!((login(PASSWORD).await, login("another secret").await), (401, 200));
    let log: Vec<serde_json::Value> = world.person("admin").await.get("/api/audit?user=anna").await.expect(200).read();
    for action in ["user.signed_up", "user.email_verified", "password.reset"] {
        let found = log.iter().filter(|entry| entry["action"] == action && entry["result"] == "ok").count();
        assert_eq!(found, 1, "{action}: {log:?}");
    }
}

#[tokio::test]
async fn an_account_that_nobody_confirms_gives_its_name_and_address_free_after_a_week() {
    let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let (world, sink) = with_sink(clock.clone(), |_| ()).await;
    for name in ["anna", "jan", "late", "kept"] {
        sign_up(&world, name, &format!("{name}@x.example")).await.expect(201);
    }
    let jans = sink.mail_to("jan@x.example", 1).await.code();
    verify(&world, "jan@x.example", &jans).await.expect(200);
    // What an administrator saw to is not for the sweep, nor is whoever still has a code.
    world.admin_tools().set_role("kept", Role::Operator).await.unwrap();
    let wrong = json!({ "username": "anna", "password": PASSWORD });
    world.anonymous().post("/api/auth/login", &wrong).await.expect_refusal(403, "email_not_verified");
    for email in ["anna@x.example", "late@x.example", "kept@x.example"] {
        sink.mail_to(email, 1).await;
    }
    clock.push(TimeDelta::days(6) + TimeDelta::hours(23));
    world.anonymous().post("/api/resend-verification", &json!({ "email": "late@x.example" })).await.expect(200);
    sink.mail_to("late@x.example", 2).await;
    let world = world.restart().await;
    let names = async |world: &World| {
        let users: Vec<serde_json::Value> = world.person("root").await.get("/api/users").await.expect(200).read();
        ["anna", "jan", "late", "kept"].map(|name| users.iter().any(|user| user["username"] == name))
    };
    assert_eq!(names(&world).await, [true; 4], "not before its time");
    clock.push(TimeDelta::hours(2));
    let world = world.restart().await;
    let started = std::time::Instant::now();
    while names(&world).await != [false, true, true, true] {
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", names(&world).await);
    }
    let log: Vec<serde_json::Value> = world.person("root").await.get("/api/audit?action=user.deleted").await.expect(200).read();
    assert_eq!((log.len(), &log[0]["user"], &log[0]["target"]), (1, &json!("system"), &json!("anna")), "{log:?}");
    sign_up(&world, "Anna", "anna@x.example").await.expect(201);
}
