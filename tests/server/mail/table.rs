//! Specification 002's answers, row by row as they were recorded, with the defects of the recorded server mended.

use andon::server::Signup;
use andon::support::clock::Clock;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::{other_than, sign_up, verify, with_sink};
use crate::http::Answer;
use crate::world::{PASSWORD, World};

const CREATED: &str = "User created successfully. Please check your email for verification code.";

/// Status and the one sentence of an answer.
fn said(answer: Answer) -> (u16, String) {
    let body = answer.json();
    let sentence = body["error"].as_str().or(body["message"].as_str()).unwrap_or_default().to_owned();
    (answer.status, sentence)
}

async fn post(world: &World, path: &str, body: Value) -> (u16, String) {
    said(world.anonymous().post(path, &body).await)
}

fn row(status: u16, sentence: &str) -> (u16, String) {
    (status, sentence.to_owned())
}

#[tokio::test]
async fn signing_up_is_answered_as_recorded() {
    let (world, _sink) = with_sink(Clock::system(), |_| ()).await;
    let missing = row(400, "Missing required fields");
    for body in [
        json!({}),
        json!(null),
        json!({ "username": "op1", "email": "op1@x.example" }),
        json!({ "username": "", "email": "op1@x.example", "password": PASSWORD }),
        json!({ "username": null, "email": "op1@x.example", "password": PASSWORD }),
    ] {
        assert_eq!(post(&world, "/api/signup", body.clone()).await, missing, "{body}");
    }
    let made = sign_up(&world, "op1", "op1@x.example").await.expect(201).json();
    assert_eq!(made["message"], CREATED);
    assert_eq!(made["user_id"].as_str().map(str::len), Some(36), "{made}");
    assert_eq!(said(sign_up(&world, "op1", "other@x.example").await), row(400, "Username already exists"));
    assert_eq!(said(sign_up(&world, "op1", "op1@x.example").await), row(400, "Username already exists"), "before the address");
    assert_eq!(said(sign_up(&world, "other", "op1@x.example").await), row(400, "Email already registered"));
    // The recorded server let these two in.
    assert_eq!(said(sign_up(&world, "OP1", "other@x.example").await), row(400, "Username already exists"));
    assert_eq!(said(sign_up(&world, "other", "OP1@X.example").await), row(400, "Email already registered"));
}

#[tokio::test]
async fn what_the_recorded_server_took_or_broke_on_is_refused_with_a_sentence() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let with = |name: Value, email: Value, password: Value| json!({ "username": name, "email": email, "password": password });
    let long = "x".repeat(200);
    for (body, field) in [
        (with(json!("anna"), json!("notmail"), json!(PASSWORD)), "email"),
        (with(json!("anna"), json!("a\"b@x.example\r\nBcc: c"), json!(PASSWORD)), "email"),
        (with(json!("anna"), json!("an na@x.example"), json!(PASSWORD)), "email"),
        (with(json!(long), json!("anna@x.example"), json!(PASSWORD)), "username"),
        (with(json!(" "), json!(" "), json!(" ")), "username"),
        (with(json!("anna"), json!("anna@x.example"), json!("p")), "password"),
        (with(json!("anna"), json!("anna@x.example"), json!(long)), "password"),
        (with(json!("anna"), json!("anna@x.example"), json!("12345678\u{7}")), "password"),
    ] {
        let refused = world.anonymous().post("/api/signup", &body).await.expect_refusal(400, &format!("bad_{field}")).json();
        assert!(refused["fields"][field].as_str().is_some_and(|sentence| sentence.ends_with('.')), "{refused}");
    }
    let nul = with(json!("an\u{0}na"), json!("anna@x.example"), json!(PASSWORD));
    world.anonymous().post("/api/signup", &nul).await.expect_refusal(400, "bad_text");
    for path in ["/api/signup", "/api/verify-email", "/api/resend-verification", "/api/login"] {
        for body in ["", "{", "[1]", "7", "{\"email\":7,\"username\":7}"] {
            world.anonymous().post_text(path, body).await.expect_refusal(400, "bad_body");
        }
    }
    world.anonymous().post_text("/api/login", "{\"password\": 5}").await.expect_refusal(400, "bad_body");
    for path in ["/api/signup", "/api/login"] {
        world.anonymous().request("POST", path, &[], Some(b"{}")).await.expect_refusal(415, "unsupported_media_type");
        let html = [("content-type", "text/html")];
        world.anonymous().request("POST", path, &html, Some(b"{}")).await.expect_refusal(415, "unsupported_media_type");
        world.anonymous().get(path).await.expect_refusal(405, "method_not_allowed");
    }
    assert_eq!(world.admin_tools().list_users().await.unwrap().len(), 4, "nobody was made");
    assert!(sink.named().is_empty());
}

#[tokio::test]
async fn six_identical_signups_at_once_make_one_account_and_one_mail() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let answers = futures_util::future::join_all((0..6).map(|_| sign_up(&world, "twin", "twin@x.example"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400, 400, 400, 400, 400], "{answers:?}");
    let same_address = (0..6).map(|n| {
        let world = &world;
        async move { sign_up(world, &format!("twin{n}"), "Twin2@x.example").await.status }
    });
    let mut statuses = futures_util::future::join_all(same_address).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400, 400, 400, 400, 400]);
    sink.mail_to("Twin2@x.example", 1).await;
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn confirming_an_address_is_answered_as_recorded() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let path = "/api/verify-email";
    assert_eq!(post(&world, path, json!({ "email": "a@x.example" })).await, row(400, "Missing required fields"));
    assert_eq!(post(&world, path, json!({ "email": "a@x.example", "code": "" })).await, row(400, "Missing required fields"));
    assert_eq!(post(&world, path, json!({ "email": "a@x.example", "code": "123456" })).await, row(404, "User not found"));
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let code = sink.mail_to("anna@x.example", 1).await.code();
    let invalid = row(400, "Invalid verification code");
    assert_eq!(said(verify(&world, "anna@x.example", other_than(&code)).await), invalid);
    assert_eq!(said(verify(&world, "anna@x.example", &format!("{code} ")).await), invalid);
    let number: u32 = code.parse().unwrap();
    assert_eq!(post(&world, path, json!({ "email": "anna@x.example", "code": number })).await, invalid);
    assert_eq!(said(verify(&world, "ANNA@x.example", &code).await), row(200, "Email verified successfully"));
    assert_eq!(said(verify(&world, "anna@x.example", &code).await), row(200, "Email already verified"));
    assert_eq!(said(verify(&world, "anna@x.example", "any").await), row(200, "Email already verified"));
}

#[tokio::test]
async fn asking_again_is_answered_as_recorded_and_ends_the_code_before() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    let path = "/api/resend-verification";
    let again = async || post(&world, path, json!({ "email": "anna@x.example" })).await;
    assert_eq!(post(&world, path, json!({})).await, row(400, "Email is required"));
    assert_eq!(again().await, row(404, "User not found"));
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let first = sink.mail_to("anna@x.example", 1).await.code();
    assert_eq!(again().await, row(200, "Verification code sent"));
    let second = sink.mail_to("anna@x.example", 2).await.code();
    if first != second {
        assert_eq!(said(verify(&world, "anna@x.example", &first).await), row(400, "Invalid verification code"));
    }
    assert_eq!(said(verify(&world, "anna@x.example", &second).await), row(200, "Email verified successfully"));
    assert_eq!(again().await, row(200, "Email already verified"));
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn a_code_is_good_for_24_hours() {
    let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let (world, sink) = with_sink(clock.clone(), |_| ()).await;
    for (name, hours, answer) in
        [("berta", 24, row(200, "Email verified successfully")), ("anna", 25, row(400, "Verification code expired"))]
    {
        let email = format!("{name}@x.example");
        sign_up(&world, name, &email).await.expect(201);
        let code = sink.mail_to(&email, 1).await.code();
        clock.push(TimeDelta::hours(hours));
        assert_eq!(
            said(verify(&world, &email, other_than(&code)).await),
            row(400, "Invalid verification code"),
            "equal comes before expired"
        );
        assert_eq!(said(verify(&world, &email, &code).await), answer);
    }
}

#[tokio::test]
async fn signing_in_is_answered_as_recorded_and_needs_a_confirmed_address() {
    let (world, sink) = with_sink(Clock::system(), |config| config.signup = Signup::Open).await;
    let path = "/api/login";
    let login = async |name: &str, password: &str| post(&world, path, json!({ "username": name, "password": password })).await;
    assert_eq!(post(&world, path, json!({ "username": "anna" })).await, row(400, "Missing required fields"));
    let wrong = row(401, "Invalid username or password");
    assert_eq!(login("nobody", PASSWORD).await, wrong);
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    assert_eq!(login("anna", "wrong wrong").await, wrong);
    assert_eq!(login("anna", PASSWORD).await, row(403, "Email not verified. Please verify your email first."));
    let code = sink.mail_to("anna@x.example", 1).await.code();
    verify(&world, "anna@x.example", &code).await.expect(200);
    assert_eq!(login("anna@x.example", PASSWORD).await, wrong, "an address is not a name");
    let answer = world.anonymous().post(path, &json!({ "username": "anna", "password": PASSWORD })).await.expect(200);
    assert_eq!(answer.header("set-cookie"), None);
    let body = answer.json();
    assert_eq!((body["message"].as_str(), &body["characters"]), (Some("Login successful"), &json!([])));
    assert_eq!(body["user"]["username"], "anna");
    assert_eq!(body["user"]["email"], "anna@x.example");
    assert_eq!(body["user"].as_object().unwrap().len(), 3, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 4, "no token: {body}");
    is_server_status(&body["server_status"], 5);
}

fn is_server_status(status: &Value, users: u64) {
    assert_eq!((status["status"].as_str(), status["total_users"].as_u64()), (Some("online"), Some(users)), "{status}");
    assert!(status["connected_users"].is_u64() && status["uptime_seconds"].is_u64(), "{status}");
    assert_eq!(status["uptime"].as_str().map(str::len), Some(8), "{status}");
}

#[tokio::test]
async fn health_and_status_need_no_sign_in() {
    let world = World::new().await;
    let health = world.anonymous().get("/api/health").await.expect(200).json();
    assert_eq!(health, json!({ "message": "Server is running", "status": "healthy" }));
    is_server_status(&world.anonymous().get("/api/server-status").await.expect(200).json(), 4);
    world.anonymous().post("/api/health", &json!({})).await.expect_refusal(405, "method_not_allowed");
    world.anonymous().get("/api/none").await.expect_refusal(404, "not_found");
}
