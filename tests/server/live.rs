//! The live socket, version 2: who may open it, what it tells, and every way in which it ends.

use std::time::{Duration, Instant};

use andon::domain::Role;
use andon::server::Admin;
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sqlx::Executor;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::samples::{Sample, at};
use crate::wire::Wire;
use crate::world::{PASSWORD, World};

/// How soon a revocation must be felt.
const SOON: Duration = Duration::from_secs(5);

fn bad(code: &str) -> (String, u16) {
    (code.to_owned(), 1008)
}

/// The same token with other claims, signed by the server's own key.
fn resign(world: &World, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    change(&mut claims);
    let file = std::fs::read_dir(world.folder.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(&std::fs::read(&file).unwrap()).unwrap();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.kid = Some(file.file_stem().unwrap().to_string_lossy().into_owned());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

fn ends_in(world: &World, token: &str, secs: i64) -> String {
    resign(world, token, |claims| claims["exp"] = (world.clock.now().timestamp() + secs).into())
}

#[tokio::test]
async fn the_first_frame_is_auth_and_comes_within_five_seconds() {
    let world = World::new().await;
    let address = world.running.address();
    let mut silent = Wire::open(address, "/api/ws").await;
    let started = Instant::now();
    for (first, code) in [
        (Message::text(r#"{"type":"ping"}"#), "auth_expected"),
        (Message::text(r#"{"token":"old"}"#), "bad_frame"),
        (Message::text("not json"), "bad_frame"),
        (Message::text("[]"), "bad_frame"),
        (Message::binary(vec![1, 2, 3]), "bad_frame"),
        (Message::text(r#"{"type":"auth","payload":{}}"#), "bad_token"),
        (Message::text(r#"{"type":"auth","payload":{"token":7}}"#), "bad_token"),
        (Message::text(r#"{"type":"auth","payload":{"token":""}}"#), "bad_token"),
    ] {
        let mut wire = Wire::open(address, "/api/ws").await;
        wire.send(first.clone()).await;
        assert_eq!(wire.ending().await, bad(code), "{first:?}");
    }
    assert_eq!(silent.ending().await, bad("auth_timeout"));
    let waited = started.elapsed();
    assert!(waited > Duration::from_millis(4500) && waited < Duration::from_secs(8), "{waited:?}");
}

#[tokio::test]
async fn forged_and_ended_tokens_are_refused() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let promoted = URL_SAFE_NO_PAD.encode(claims.replace("OPERATOR", "SUPERUSER"));
    let past = |claims: &mut Value| {
        claims["iat"] = (world.clock.now().timestamp() - 1000).into();
        claims["exp"] = (world.clock.now().timestamp() - 10).into();
    };
    for (forged, code) in [
        (format!("{none}.{}.", parts[1]), "bad_token"),
        (format!("{}.{promoted}.{}", parts[0], parts[2]), "bad_token"),
        (format!("{}.{}.{}", parts[0], parts[1], "AAAA"), "bad_token"),
        (resign(&world, &token, |claims| claims["sid"] = "another".into()), "bad_token"),
        (resign(&world, &token, |claims| claims["aud"] = "another".into()), "bad_token"),
        (resign(&world, &token, past), "token_expired"),
        ("x".repeat(9000), "bad_token"),
    ] {
        let mut wire = Wire::open(world.running.address(), "/api/ws").await;
        wire.say("auth", "a", json!({ "token": forged })).await;
        assert_eq!(wire.ending().await, bad(code), "{forged}");
    }
    let mut later = Wire::signed_in(world.running.address(), &token).await;
    later.say("auth", "b", json!({ "token": "a.b.c" })).await;
    assert_eq!(later.ending().await, bad("bad_token"));
}

#[tokio::test]
async fn what_is_said_is_heard_by_all_once_and_as_it_was_typed() {
    let world = World::new().await;
    let (address, literal) = (world.running.address(), "<b>'; -- ą 🙂 \"\\\n");
    let oper = world.login("oper").await;
    let mut wire = Wire::open(address, "/api/ws").await;
    wire.say("auth", "a", json!({ "token": oper.access_token })).await;
    let welcome = wire.expect("auth_ok").await;
    assert_eq!(
        (welcome["protocol"].as_i64(), welcome["role"].as_str(), welcome["resumed"].as_bool()),
        (Some(2), Some("OPERATOR"), Some(false))
    );
    assert_eq!(welcome["user"]["username"], "oper");
    wire.say("subscribe", "s", json!({ "topics": ["chat"] })).await;
    assert_eq!(wire.expect("ack").await["request_id"], "s");
    let mut other = Wire::following(address, &world.login("tech").await.access_token, &["chat"]).await;
    let id = Uuid::now_v7().to_string();
    wire.say("chat_message", &id, json!({ "room": "line", "content": literal })).await;
    let ack = wire.expect("ack").await;
    let (own, heard) = (wire.expect("chat_message").await, other.expect("chat_message").await);
    assert_eq!((ack["request_id"].as_str(), &ack["message_id"]), (Some(id.as_str()), &heard["id"]));
    assert_eq!(own, heard);
    assert_eq!((heard["content"].as_str(), heard["from"].as_str(), heard["room"].as_str()), (Some(literal), Some("oper"), Some("line")));
    // Again: on this socket, on another, and over HTTP.
    wire.say("chat_message", &id, json!({ "room": "line", "content": literal })).await;
    assert_eq!(wire.expect("ack").await, ack);
    let mut again = Wire::signed_in(address, &oper.access_token).await;
    again.say("chat_message", &id, json!({ "room": "line", "content": literal })).await;
    assert_eq!(again.expect("ack").await, ack);
    let person = world.anonymous().bearer(&oper.access_token);
    let posted = person.post("/api/chat/line/messages", &json!({ "content": literal, "id": id })).await.expect(201).json();
    assert_eq!(posted["id"], heard["id"]);
    person.post("/api/chat/line/messages", &json!({ "content": "the next" })).await.expect(201);
    assert_eq!(other.expect("chat_message").await["content"], "the next");
    // Whoever was away hears what he missed.
    let mut back = Wire::signed_in(address, &oper.access_token).await;
    back.say("subscribe", "s", json!({ "topics": ["chat"], "since": heard["id"] })).await;
    back.expect("ack").await;
    assert_eq!(back.expect("chat_message").await["content"], "the next");
}

#[tokio::test]
async fn a_report_is_told_to_those_who_follow_the_line() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let mut reports = Wire::following(world.running.address(), &token, &["reports", "yield"]).await;
    let mut chat = Wire::following(world.running.address(), &token, &["chat"]).await;
    let sample = Sample::new("SN <b>ą 🙂", at(0), "F");
    world.station().await.post("/api/Report/WSJF", &sample.json()).await.expect(200);
    let head = reports.expect("report_received").await;
    assert_eq!((head["id"].as_str(), head["serial_number"].as_str()), (Some(sample.id.to_string().as_str()), Some("SN <b>ą 🙂")));
    assert_eq!(
        (head["part_number"].as_str(), head["process_code"].as_i64(), head["result"].as_str()),
        (Some("PSU-48V"), Some(100), Some("Failed"))
    );
    assert_eq!(reports.expect("yield_changed").await, json!({ "part_numbers": ["PSU-48V"], "process_codes": [100] }));
    reports.say("unsubscribe", "u", json!({ "topics": ["reports", "yield"] })).await;
    reports.expect("ack").await;
    world.station().await.post("/api/Report/WSJF", &Sample::new("SN-2", at(1), "P").json()).await.expect(200);
    for wire in [&mut reports, &mut chat] {
        wire.say("ping", "p", json!({})).await;
        wire.expect("pong").await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_and_the_socket_stays() {
    let world = World::new().await;
    world.admin_tools().add_user("visitor", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
    let mut wire = Wire::signed_in(world.running.address(), &world.login("visitor").await.access_token).await;
    let asked = [
        ("dance", json!({}), "unknown_type"),
        ("subscribe", json!({ "topics": ["readings"] }), "unknown_topic"),
        ("subscribe", json!({ "topics": ["reports"] }), "forbidden"),
        ("subscribe", json!({ "topics": "chat" }), "bad_payload"),
        ("subscribe", json!([["chat"]]), "bad_payload"),
        ("subscribe", json!({ "topics": ["chat"], "since": "yesterday" }), "bad_since"),
        ("chat_message", json!({ "room": "line" }), "bad_payload"),
        ("chat_message", json!({ "room": "nowhere", "content": "x" }), "not_found"),
        ("chat_message", json!({ "room": "line", "content": " " }), "bad_message"),
        ("chat_message", json!({ "room": "line", "content": "x".repeat(4001) }), "bad_message"),
        ("chat_message", json!({ "room": "line", "content": "a\u{0}b" }), "bad_message"),
    ];
    for (n, (kind, payload, code)) in asked.into_iter().enumerate() {
        wire.say(kind, &format!("r{n}"), payload.clone()).await;
        let error = loop {
            let mut frame = wire.next().await;
            if frame["type"] == "error" {
                break frame["payload"].take();
            }
        };
        assert_eq!((error["code"].as_str(), error["request_id"].as_str()), (Some(code), Some(format!("r{n}").as_str())), "{payload}");
    }
    wire.say("ping", "p", json!({})).await;
    while wire.next().await["type"] != "pong" {}
}

#[tokio::test]
async fn a_token_is_asked_for_again_before_its_end_and_only_of_the_same_person() {
    let world = World::new().await;
    let (oper, tech) = (world.login("oper").await.access_token, world.login("tech").await.access_token);
    let short = ends_in(&world, &oper, 3);
    let mut renewed = Wire::signed_in(world.running.address(), &short).await;
    let asked = renewed.expect("auth_required").await;
    assert_eq!((asked["reason"].as_str(), asked["grace_seconds"].as_i64()), (Some("token_expiring"), Some(30)));
    renewed.say("auth", "b", json!({ "token": oper })).await;
    assert_eq!(renewed.expect("auth_ok").await["resumed"], true);
    let mut stranger = Wire::signed_in(world.running.address(), &oper).await;
    stranger.say("auth", "b", json!({ "token": tech })).await;
    assert_eq!(stranger.ending().await, bad("other_user"));
    let mut late = Wire::signed_in(world.running.address(), &ends_in(&world, &oper, 3)).await;
    assert_eq!(late.ending().await, bad("token_expired"));
    renewed.say("ping", "p", json!({})).await;
    renewed.expect("pong").await;
}

#[tokio::test]
async fn whoever_is_asked_for_a_token_has_thirty_seconds() {
    let world = World::new().await;
    let token = ends_in(&world, &world.login("oper").await.access_token, 61);
    let mut wire = Wire::signed_in(world.running.address(), &token).await;
    wire.expect("auth_required").await;
    let started = Instant::now();
    // Talk goes on in the meantime.
    for n in 0..4 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        wire.say("ping", &n.to_string(), json!({})).await;
        wire.expect("pong").await;
    }
    assert_eq!(wire.ending().await, bad("renewal_timeout"));
    assert!(started.elapsed() > Duration::from_secs(29), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_revocation_reaches_every_open_socket_within_five_seconds() {
    let world = World::new().await;
    let address = world.running.address();
    let (one, two) = (world.login("oper").await.access_token, world.login("oper").await.access_token);
    let (mut ended, mut kept) = (Wire::signed_in(address, &one).await, Wire::following(address, &two, &["chat", "reports"]).await);
    let mut original = original_client(&world, "oper").await;
    let started = Instant::now();
    world.anonymous().bearer(&one).post("/api/auth/logout", &json!({})).await.expect(200);
    assert_eq!(ended.ending().await, bad("revoked"));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    // Past the running server, which hears nothing of it, as the command line does it.
    let past = Admin::open(&world.config, world.clock.clone()).await.unwrap();
    let started = Instant::now();
    past.set_role("oper", Role::Guest).await.unwrap();
    let told = kept.expect("auth_ok").await;
    assert_eq!((told["role"].as_str(), told["permissions"].clone()), (Some("GUEST"), json!(["chat"])));
    kept.say("subscribe", "r", json!({ "topics": ["reports"] })).await;
    assert_eq!(kept.expect("error").await["code"], "forbidden");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let started = Instant::now();
    past.set_active("oper", false).await.unwrap();
    assert_eq!(kept.ending().await, bad("revoked"));
    let told = loop {
        match original.next_text().await {
            Ok(text) if text.starts_with("42[\"auth_error\"") => break text,
            Ok(_) => {}
            Err(end) => panic!("closed without a word: {end:?}"),
        }
    };
    assert!(told.contains("session has ended"), "{told}");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

/// A Socket.IO client, spoken by hand.
async fn original_client(world: &World, name: &str) -> Wire {
    let mut wire = Wire::open(world.running.address(), "/socket.io/?EIO=4&transport=websocket").await;
    wire.text("40").await;
    let event = json!(["authenticate", { "username": name, "password": PASSWORD }]);
    let mut asked = false;
    loop {
        let text = wire.next_text().await.unwrap();
        if text.starts_with("42[\"connected\"") && !asked {
            wire.text(&format!("42{event}")).await;
            asked = true;
        }
        if text.starts_with("42[\"auth_success\"") {
            return wire;
        }
    }
}

#[tokio::test]
async fn too_large_too_many_and_too_fast_each_have_their_close_code() {
    let world = World::with(Clock::system(), |config| (config.sockets_per_user, config.chat_rate) = (2, 3)).await;
    let (address, token) = (world.running.address(), world.login("oper").await.access_token);
    let mut large = Wire::open(address, "/api/ws").await;
    large.text(&format!("{{\"type\":\"auth\",\"payload\":{{\"token\":\"{}\"}}}}", "x".repeat(70_000))).await;
    assert_eq!(large.ending().await, ("too_large".to_owned(), 1009));
    let (mut first, _second) = (Wire::signed_in(address, &token).await, Wire::signed_in(address, &token).await);
    let mut third = Wire::open(address, "/api/ws").await;
    third.say("auth", "a", json!({ "token": token })).await;
    assert_eq!(third.ending().await, ("too_many_connections".to_owned(), 4008));
    for n in 0..4 {
        first.say("chat_message", &n.to_string(), json!({ "room": "line", "content": "x" })).await;
    }
    for _ in 0..3 {
        first.expect("ack").await;
    }
    let error = first.expect("error").await;
    assert!(error["code"] == "rate_limit" && error["retry_after"].as_u64().is_some_and(|secs| (1..=20).contains(&secs)), "{error}");
    assert_eq!(first.ending().await, (String::new(), 4029));
    let person = world.anonymous().bearer(&token);
    let refused = person.post("/api/chat/line/messages", &json!({ "content": "x" })).await.expect_refusal(429, "rate_limit");
    assert!(refused.header("retry-after").is_some());
    let mut fast = Wire::signed_in(address, &world.login("tech").await.access_token).await;
    for n in 0..250 {
        fast.say("ping", &n.to_string(), json!({})).await;
    }
    assert_eq!(fast.ending().await, ("rate_limit".to_owned(), 4029));
}

/// As many messages as were said while nobody was connected.
async fn say_before(world: &World, count: usize, content: &str) {
    let mut connection = world.connect().await;
    connection.execute("begin").await.unwrap();
    for _ in 0..count {
        let id = Uuid::now_v7();
        let text = format!(
            "insert into chat_messages (id, room, room_key, kind, author_id, author, sent_as, content, created_at)
            values ('{id}', 'line', 'line', 'message', 'x', 'x', '{id}', '{content}', 0)"
        );
        connection.execute(sqlx::AssertSqlSafe(text)).await.unwrap();
    }
    connection.execute("commit").await.unwrap();
}

#[tokio::test]
async fn all_that_was_missed_is_told_and_too_much_of_it_is_not_hidden() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let since = json!({ "topics": ["chat"], "since": Uuid::now_v7().to_string() });
    for (more, told, is_all) in [(450, 450, true), (600, 1000, false)] {
        say_before(&world, more, "x").await;
        let mut wire = Wire::signed_in(world.running.address(), &token).await;
        wire.say("subscribe", "s", since.clone()).await;
        wire.expect("ack").await;
        for n in 0..told {
            assert_eq!(wire.expect("chat_message").await["room"], "line", "{n}");
        }
        wire.say("ping", "p", json!({})).await;
        if !is_all {
            let error = wire.expect("error").await;
            assert_eq!((error["code"].as_str(), error["request_id"].as_str()), (Some("missed_more"), Some("s")));
        }
        wire.expect("pong").await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_nobody_waits_for_him() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let old = Uuid::now_v7();
    say_before(&world, 200, &"🙂".repeat(4000)).await;
    let mut slow = Wire::signed_in(world.running.address(), &token).await;
    for n in 0..6 {
        slow.say("subscribe", &n.to_string(), json!({ "topics": ["chat"], "since": old.to_string() })).await;
    }
    let mut other = Wire::following(world.running.address(), &world.login("tech").await.access_token, &["chat"]).await;
    let started = Instant::now();
    other.say("chat_message", "m", json!({ "room": "line", "content": "hello" })).await;
    other.expect("ack").await;
    other.expect("chat_message").await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(slow.ending().await, ("slow_reader".to_owned(), 4010));
}

#[tokio::test]
async fn a_half_open_socket_is_dropped_after_two_heartbeats_and_a_quiet_one_lives() {
    let world = World::with(Clock::system(), |config| config.socket_heartbeat = Duration::from_millis(500)).await;
    let (address, person) = (world.running.address(), world.operator().await);
    let mut quiet = Wire::signed_in(address, &world.login("oper").await.access_token).await;
    // Nobody reads from it any more, so its pings stay unanswered.
    let half_open = Wire::signed_in(address, &world.login("tech").await.access_token).await;
    let present = async || person.get("/api/chat/presence").await.expect(200).json()["present"].as_array().unwrap().len();
    assert_eq!(present().await, 2);
    let started = Instant::now();
    let mut n = 0;
    while present().await == 2 {
        assert!(started.elapsed() < Duration::from_secs(10));
        // Reading answers the pings.
        n += 1;
        quiet.say("ping", &n.to_string(), json!({})).await;
        quiet.expect("pong").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(present().await, 1);
    drop(half_open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_sockets_hear_what_one_says_and_the_servers_goodbye() {
    let world = World::with(Clock::system(), |config| config.sockets_per_user = 200).await;
    let (address, token) = (world.running.address(), world.login("oper").await.access_token);
    let mut wires = Vec::new();
    for _ in 0..100 {
        wires.push(Wire::following(address, &token, &["chat"]).await);
    }
    let started = Instant::now();
    world.anonymous().bearer(&token).post("/api/chat/line/messages", &json!({ "content": "to all" })).await.expect(201);
    for wire in &mut wires {
        assert_eq!(wire.expect("chat_message").await["content"], "to all");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let World { running, .. } = world;
    let stopping = tokio::spawn(running.stop());
    for wire in &mut wires {
        assert_eq!(wire.ending().await, (String::new(), 1001));
    }
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_token_in_the_request_is_refused_with_a_sentence_that_names_version_two() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let by_query = world.anonymous().get(&format!("/api/ws?token={token}")).await.expect_refusal(400, "old_version");
    let by_header = world.anonymous().bearer(&token).get("/api/ws").await.expect_refusal(400, "old_version");
    assert!(by_query.text().contains("version 2") && by_header.text().contains("version 2"));
    world.anonymous().get("/api/ws").await.expect_refusal(426, "upgrade_required");
}
