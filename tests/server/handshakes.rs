//! Connections of Engine.IO before anybody is known on them, and after nobody is any more.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use andon::support::clock::Clock;
use serde_json::{Value, json};

use crate::socket_io::{next_packet, signed_in};
use crate::wire::Wire;
use crate::world::{Client, World};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Opens a polling connection. Its address from here on.
async fn open(client: &Client) -> String {
    let opened = client.get(POLLING).await.expect(200).text().to_owned();
    let open: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
    format!("{POLLING}&sid={}", open["sid"].as_str().unwrap())
}

async fn post(client: &Client, session: &str, packet: &str) -> u16 {
    client.request("POST", session, &[("content-type", "text/plain")], Some(packet.as_bytes())).await.status
}

/// Asks until this comes; pings are answered.
async fn poll_until(client: &Client, session: &str, wanted: &str) {
    loop {
        let text = client.get(session).await.expect(200).text().to_owned();
        if text.split('\u{1e}').any(|packet| packet == "2") {
            post(client, session, "3").await;
        }
        if text.split('\u{1e}').any(|packet| packet.starts_with(wanted)) {
            return;
        }
    }
}

fn authenticate(token: &str) -> String {
    format!("42{}", json!(["authenticate", { "token": token }]))
}

/// Hears that it is cut off, and stays: then it is ended.
async fn is_ended(wire: &mut Wire) {
    while next_packet(wire).await != "41" {}
    while let Ok(packet) = wire.next_text().await {
        assert!(packet == "2" || packet == "6", "{packet}");
        wire.text("3").await;
    }
}

#[tokio::test]
async fn whoever_is_cut_off_may_go_by_himself_and_is_then_ended_over_polling() {
    let world = World::new().await;
    let (client, token) = (world.anonymous(), world.login("oper").await.access_token);
    let session = open(&client).await;
    assert_eq!(post(&client, &session, "40").await, 200);
    poll_until(&client, &session, "42[\"connected\"").await;
    assert_eq!(post(&client, &session, &authenticate(&token)).await, 200);
    poll_until(&client, &session, "42[\"auth_success\"").await;
    client.bearer(&token).post("/api/auth/logout", &json!({})).await.expect(200);
    poll_until(&client, &session, "41").await;
    let started = Instant::now();
    // Its pongs alone would keep it for ever.
    while post(&client, &session, "3").await == 200 {
        assert!(started.elapsed() < Duration::from_secs(10), "it is still there");
    }
}

#[tokio::test]
async fn whoever_is_cut_off_may_go_by_himself_and_is_then_ended_over_websocket() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let mut wire = signed_in(world.running.address(), &token).await;
    let mut upgraded = upgraded(world.running.address(), &token).await;
    world.anonymous().bearer(&token).post("/api/auth/logout", &json!({})).await.expect(200);
    tokio::join!(is_ended(&mut wire), is_ended(&mut upgraded));
}

/// One that began with polling.
async fn upgraded(address: SocketAddr, token: &str) -> Wire {
    let session = open(&Client::at(address)).await;
    let mut wire = Wire::open(address, &session.replace("polling", "websocket")).await;
    wire.text("2probe").await;
    assert_eq!(wire.next_text().await.unwrap(), "3probe");
    wire.text("5").await;
    wire.text("40").await;
    while !next_packet(&mut wire).await.starts_with("42[\"connected\"") {}
    wire.text(&authenticate(token)).await;
    while !next_packet(&mut wire).await.starts_with("42[\"auth_success\"") {}
    wire
}

#[tokio::test]
async fn a_conversation_that_is_begun_anew_on_the_same_connection_goes_on() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let mut wire = signed_in(world.running.address(), &token).await;
    wire.text("41").await;
    wire.text("40").await;
    while !next_packet(&mut wire).await.starts_with("42[\"connected\"") {}
    tokio::time::sleep(Duration::from_secs(3)).await;
    wire.text(&authenticate(&token)).await;
    while !next_packet(&mut wire).await.starts_with("42[\"auth_success\"") {}
}

#[tokio::test]
async fn handshakes_that_lead_nowhere_are_bounded() {
    let world = World::with(Clock::system(), |config| config.max_sockets = 16).await;
    let client = world.anonymous();
    for _ in 0..20 {
        open(&client).await;
    }
    let refused = client.get(POLLING).await.expect_refusal(429, "too_many_connections");
    assert!(refused.header("retry-after").is_some());
    client.get("/health").await.expect(200);
    // Who names no room in ten seconds has no place any more.
    let started = Instant::now();
    while client.get(POLLING).await.status != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing is given back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
