//! Sessions are renewed, listed and ended, and no token that was forged or used up is taken.

use andon::domain::Role;
use andon::protocol::auth::{LoginResponse, Session};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use serde_json::{Value, json};
use sqlx::Executor;

use crate::http::Answer;
use crate::world::{PASSWORD, World, on_postgres};

async fn refresh(world: &World, token: &str) -> Answer {
    world.anonymous().post("/api/auth/refresh", &json!({ "refresh_token": token })).await
}

async fn me(world: &World, token: &str) -> u16 {
    world.anonymous().bearer(token).get("/api/auth/me").await.status
}

#[tokio::test]
async fn a_session_is_renewed_again_and_again() {
    let world = World::new().await;
    let mut login = world.login("oper").await;
    for _ in 0..3 {
        let next: LoginResponse = refresh(&world, &login.refresh_token).await.expect(200).read();
        assert_ne!(next.refresh_token, login.refresh_token);
        assert_eq!((next.user.username.as_str(), next.expires_in, me(&world, &next.access_token).await), ("oper", 900, 200));
        login = next;
    }
    for nonsense in ["", "abc", &login.access_token] {
        refresh(&world, nonsense).await.expect_refusal(401, "unauthorized");
    }
    world.anonymous().post("/api/auth/refresh", &json!({})).await.expect_refusal(400, "bad_body");
}

#[tokio::test]
async fn a_used_refresh_token_ends_its_whole_family_and_nobody_elses() {
    let world = World::new().await;
    let (first, other) = (world.login("oper").await, world.login("oper").await);
    let second: LoginResponse = refresh(&world, &first.refresh_token).await.expect(200).read();
    refresh(&world, &first.refresh_token).await.expect_refusal(401, "token_reused");
    assert_eq!((me(&world, &first.access_token).await, me(&world, &second.access_token).await), (401, 401));
    refresh(&world, &second.refresh_token).await.expect_refusal(401, "unauthorized");
    assert_eq!(me(&world, &other.access_token).await, 200);
    let entries: Vec<Value> = world.person("root").await.get("/api/audit?action=session.token_reused").await.expect(200).read();
    assert_eq!((entries.len(), entries[0]["user"].as_str()), (1, Some("oper")));
}

#[tokio::test]
async fn made_up_refresh_tokens_wait_for_nobody_and_keep_nobody_waiting() {
    let world = World::new().await;
    let mut other = world.connect().await;
    // A change of somebody else, in the middle of it.
    other.execute(if on_postgres() { "begin; select pg_advisory_xact_lock(418463903598)" } else { "begin immediate" }).await.unwrap();
    let refused = tokio::time::timeout(std::time::Duration::from_secs(5), refresh(&world, "made up")).await;
    refused.expect("it does not wait for the change").expect_refusal(401, "unauthorized");
    other.execute("rollback").await.unwrap();
}

#[tokio::test]
async fn of_two_renewals_at_once_one_wins_and_the_family_ends() {
    let world = World::new().await;
    let login = world.login("oper").await;
    let (one, two) = tokio::join!(refresh(&world, &login.refresh_token), refresh(&world, &login.refresh_token));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(me(&world, &login.access_token).await, 401);
}

#[tokio::test]
async fn a_refresh_token_ends_after_seven_days_and_with_its_user() {
    let clock = andon::support::clock::Clock::held(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let world = World::with(clock.clone(), |_| ()).await;
    let (late, disabled) = (world.login("oper").await, world.login("tech").await);
    clock.push(chrono::TimeDelta::days(6));
    let late: LoginResponse = refresh(&world, &late.refresh_token).await.expect(200).read();
    world.admin_tools().set_active("tech", false).await.unwrap();
    refresh(&world, &disabled.refresh_token).await.expect_refusal(401, "unauthorized");
    clock.push(chrono::TimeDelta::days(7));
    refresh(&world, &late.refresh_token).await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn signing_out_ends_access_and_refresh_at_once() {
    let world = World::new().await;
    let login = world.login("oper").await;
    assert_eq!(me(&world, &login.access_token).await, 200);
    world.anonymous().bearer(&login.access_token).request("POST", "/api/auth/logout", &[], None).await.expect(200);
    assert_eq!(me(&world, &login.access_token).await, 401);
    refresh(&world, &login.refresh_token).await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn a_stations_token_has_twenty_sessions_and_the_one_renewed_longest_ago_ends_for_the_next() {
    let clock = andon::support::clock::Clock::held(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let world = World::with(clock.clone(), |_| ()).await;
    let station = world.station().await;
    let open = async || -> LoginResponse {
        clock.push(chrono::TimeDelta::seconds(1));
        station.post("/api/auth/session", &json!({})).await.expect(200).read()
    };
    let (mut first, second) = (open().await, open().await);
    let mut others = Vec::new();
    for _ in 0..18 {
        others.push(open().await);
    }
    clock.push(chrono::TimeDelta::seconds(1));
    first = refresh(&world, &first.refresh_token).await.expect(200).read();
    assert_eq!(me(&world, &second.access_token).await, 200);
    others.push(open().await);
    assert_eq!(me(&world, &second.access_token).await, 401);
    for session in others.iter().chain([&first]) {
        assert_eq!(me(&world, &session.access_token).await, 200);
    }
    refresh(&world, &second.refresh_token).await.expect_refusal(401, "unauthorized");
    // Another token of the station has its own.
    world.station().await.post("/api/auth/session", &json!({})).await.expect(200);
    assert_eq!(me(&world, &first.access_token).await, 200);
}

#[tokio::test]
async fn a_person_sees_his_sessions_and_ends_one_or_all() {
    let world = World::new().await;
    let (here, there, stranger) = (world.operator().await, world.operator().await, world.person("admin").await);
    let sessions: Vec<Session> = here.get("/api/auth/sessions").await.expect(200).read();
    assert_eq!(
        sessions.iter().map(|session| (session.current, session.address.as_str())).collect::<Vec<_>>(),
        [(false, "127.0.0.1"), (true, "127.0.0.1")]
    );
    let other = format!("/api/auth/sessions/{}", sessions[0].id);
    stranger.delete(&other).await.expect_refusal(404, "not_found");
    here.delete(&other).await.expect(204);
    there.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    here.delete(&other).await.expect_refusal(404, "not_found");
    let third = world.operator().await;
    here.delete("/api/auth/sessions").await.expect(204);
    for client in [here, third] {
        client.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    }
    stranger.get("/api/auth/me").await.expect(200);
    world.station().await.get("/api/auth/sessions").await.expect_refusal(403, "forbidden");
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let world = World::new().await;
    let (here, there) = (world.operator().await, world.operator().await);
    let station: String = world.anonymous().basic("oper", PASSWORD).get("/api/Auth/GetToken/line-7").await.expect(200).read();
    let change = async |current: &str, new: &str| {
        here.post("/api/auth/password", &json!({ "current_password": current, "new_password": new })).await
    };
    let wrong = change("wrong wrong", "a better one").await.expect_refusal(403, "wrong_password").json();
    assert!(wrong["fields"]["current_password"].is_string(), "{wrong}");
    for bad in ["short", PASSWORD, &"x".repeat(73)] {
        let refused = change(PASSWORD, bad).await.expect_refusal(400, "bad_password").json();
        assert!(refused["fields"]["new_password"].is_string(), "{refused}");
    }
    change(PASSWORD, "a better one").await.expect(204);
    here.get("/api/auth/me").await.expect(200);
    there.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    world.anonymous().basic_token(&station).get("/api/App/Version").await.expect(200);
    for _ in 0..3 {
        change("wrong wrong", "a better two").await.expect_refusal(403, "wrong_password");
    }
    change("a better one", "a better two").await.expect_refusal(429, "locked");
}

#[tokio::test]
async fn a_stations_token_opens_a_session_that_ends_with_it() {
    let world = World::new().await;
    let station = world.station().await;
    let session: LoginResponse = station.request("POST", "/api/auth/session", &[], None).await.expect(200).read();
    assert_eq!((session.user.username.as_str(), session.user.role, session.user.session_timeout), ("line-a", Role::Station, None));
    let renewed: LoginResponse = refresh(&world, &session.refresh_token).await.expect(200).read();
    assert_eq!(me(&world, &renewed.access_token).await, 200);
    world.operator().await.request("POST", "/api/auth/session", &[], None).await.expect_refusal(403, "forbidden");
    world.admin_tools().revoke_tokens("line-a").await.unwrap();
    assert_eq!(me(&world, &renewed.access_token).await, 401);
    refresh(&world, &renewed.refresh_token).await.expect_refusal(401, "unauthorized");
    station.get("/api/App/Version").await.expect_refusal(401, "unauthorized");
}

/// The key that the tests' servers share.
fn key(world: &World) -> (String, rsa::RsaPrivateKey) {
    let file = std::fs::read_dir(world.folder.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&std::fs::read_to_string(&file).unwrap()).unwrap();
    (file.file_stem().unwrap().to_str().unwrap().to_owned(), key)
}

fn encode(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

fn signer(key: &rsa::RsaPrivateKey) -> EncodingKey {
    EncodingKey::from_rsa_pem(key.to_pkcs8_pem(Default::default()).unwrap().as_bytes()).unwrap()
}

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn forged_tokens_are_all_refused() {
    let world = World::new().await;
    let login = world.login("oper").await;
    let (kid, key) = key(&world);
    let claims = claims_of(&login.access_token);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let header = |algorithm: Algorithm, kid: Option<&str>| Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    let ours = header(Algorithm::RS256, Some(&kid));
    let sign = |claims: &Value| encode(&ours, claims, &signer(&key));
    assert_eq!(me(&world, &sign(&claims)).await, 200, "what the others differ from is good");

    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, body) = (json!({ "alg": "none", "typ": "JWT", "kid": kid }), part(&claims));
    let public = key.to_public_key().to_public_key_pem(Default::default()).unwrap();
    let stranger = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pieces: Vec<&str> = login.access_token.split('.').collect();
    let edited = part(&with("role", json!("SUPERUSER")));
    let now = claims["iat"].as_i64().unwrap();
    let forged = [
        ("no signature", format!("{}.{body}.", part(&head))),
        ("no signature, but one", format!("{}.{body}.{}", part(&head), pieces[2])),
        ("HS256 with the public key", encode(&header(Algorithm::HS256, Some(&kid)), &claims, &EncodingKey::from_secret(public.as_bytes()))),
        ("RS512 with our key", encode(&header(Algorithm::RS512, Some(&kid)), &claims, &signer(&key))),
        ("another key under our id", encode(&ours, &claims, &signer(&stranger))),
        ("another key id", encode(&header(Algorithm::RS256, Some("other")), &claims, &signer(&key))),
        ("a path for a key id", encode(&header(Algorithm::RS256, Some("../../keys/x")), &claims, &signer(&key))),
        ("no key id", encode(&header(Algorithm::RS256, None), &claims, &signer(&key))),
        ("expired", sign(&with("exp", json!(now - 1)))),
        ("made in the future", sign(&with("iat", json!(now + 3600)))),
        ("not good before an hour from now", sign(&with("nbf", json!(now + 3600)))),
        ("another audience", sign(&with("aud", json!("other")))),
        ("another issuer", sign(&with("iss", json!("other")))),
        ("a refresh token's kind", sign(&with("type", json!("refresh")))),
        ("another user's id", sign(&with("sub", json!("0190")))),
        ("no such session", sign(&with("sid", json!("0190")))),
        ("an edited role", format!("{}.{edited}.{}", pieces[0], pieces[2])),
        ("one part too many", format!("{}.x", login.access_token)),
        ("a NUL in the session", sign(&with("sid", json!("a\u{0}b")))),
    ];
    for (how, token) in forged {
        world.anonymous().bearer(&token).get("/api/auth/me").await.expect_refusal(401, "unauthorized");
        assert_eq!(me(&world, &token).await, 401, "{how}");
    }
    assert_eq!(me(&world, &login.access_token).await, 200);
}

#[tokio::test]
async fn the_role_of_now_decides_and_not_the_tokens() {
    let world = World::new().await;
    let root = world.login("root").await;
    let client = world.anonymous().bearer(&root.access_token);
    client.get("/api/users").await.expect(200);
    world.admin_tools().set_role("root", Role::Operator).await.unwrap();
    assert_eq!(claims_of(&root.access_token)["role"], "SUPERUSER");
    client.get("/api/users").await.expect_refusal(403, "forbidden");
    assert_eq!(client.get("/api/auth/me").await.expect(200).json()["role"], "OPERATOR");
}
