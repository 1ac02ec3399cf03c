//! The original's clients talk: python-socketio and Socket.IO's own JavaScript client, over polling and websocket.

use std::path::{Path, PathBuf};
use std::process::Command;

use andon::protocol::auth::LoginResponse;
use serde_json::json;

use crate::wire::Wire;
use crate::world::{PASSWORD, World};

/// The folder of the clients; got when they are missing, as `./check` does.
fn clients() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let got = Command::new("bash").args(["-c", ". deploy/packages.sh && need_socket_clients"]).current_dir(root).output().unwrap();
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    root.join("target/socket-clients")
}

fn python(clients: &Path) -> Command {
    let mut command = Command::new(clients.join("python/bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/peers/socket_io.py"));
    command
}

fn node(clients: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/peers/socket_io.js"));
    command.env("NODE_PATH", clients.join("node_modules"));
    command
}

async fn talk(peer: fn(&Path) -> Command, transport: &str) {
    let world = World::new().await;
    world.station().await;
    let mut command = peer(&clients());
    command.args([&world.running.url(), transport, "oper", "tech", PASSWORD, "line-a"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && output.stdout.ends_with(b"done\n"), "{told}");
    let history = world.operator().await.get("/api/chat/line/messages").await.expect(200).json();
    let said: Vec<&str> = history["messages"].as_array().unwrap().iter().filter_map(|message| message["content"].as_str()).collect();
    let literal = "<b>bold</b> '; drop table users; -- ąćę 🙂 \"quoted\" \\ end";
    assert!(said.contains(&literal) && said.ends_with(&["still here"]), "{said:?}");
    // Nobody is here any more, and nobody's session stays open.
    let present = async || world.operator().await.get("/api/chat/presence").await.expect(200).json()["present"].clone();
    let started = std::time::Instant::now();
    while present().await != serde_json::json!([]) {
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{}", present().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_goes_through_all_events_over_polling() {
    talk(python, "polling").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_goes_through_all_events_over_websocket() {
    talk(python, "websocket").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_javascript_client_goes_through_all_events_over_polling() {
    talk(node, "polling").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_javascript_client_goes_through_all_events_over_websocket() {
    talk(node, "websocket").await;
}

/// The next packet that is not a ping; those are answered.
pub async fn next_packet(socket: &mut Wire) -> String {
    loop {
        let packet = socket.next_text().await.unwrap();
        if packet != "2" {
            return packet;
        }
        socket.text("3").await;
    }
}

/// A connection that has signed in.
pub async fn signed_in(address: std::net::SocketAddr, token: &str) -> Wire {
    let mut wire = Wire::open(address, "/socket.io/?EIO=4&transport=websocket").await;
    wire.text("40").await;
    let event = json!(["authenticate", { "token": token }]);
    loop {
        let packet = next_packet(&mut wire).await;
        if packet.starts_with("42[\"connected\"") {
            wire.text(&format!("42{event}")).await;
        }
        if packet.starts_with("42[\"auth_success\"") {
            return wire;
        }
    }
}

#[tokio::test]
async fn a_stations_token_opens_no_chat() {
    let world = World::new().await;
    let session: LoginResponse = world.station().await.post("/api/auth/session", &json!({})).await.expect(200).read();
    let mut socket = Wire::open(world.running.address(), "/socket.io/?EIO=4&transport=websocket").await;
    let authenticate = json!(["authenticate", { "token": session.access_token }]);
    assert!(next_packet(&mut socket).await.starts_with("0{"));
    socket.text("40").await;
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(next_packet(&mut socket).await);
    }
    assert!(told.iter().any(|packet| packet.starts_with("40{")) && told.iter().any(|packet| packet.contains("\"connected\"")), "{told:?}");
    socket.text(&format!("42{authenticate}")).await;
    let refused = next_packet(&mut socket).await;
    assert!(refused.starts_with("42[\"auth_error\"") && refused.contains("permission chat"), "{refused}");
    // What others say is not for its ears: the next packet it gets is the answer to its own question.
    world.operator().await.post("/api/chat/line/messages", &json!({ "content": "among people" })).await.expect(201);
    socket.text("42[\"message\",\"let me\"]").await;
    assert!(next_packet(&mut socket).await.starts_with("42[\"auth_error\""));
}

#[tokio::test]
async fn a_page_of_a_plant_of_sixty_stations_stays_connected_and_hears_every_room() {
    let world = World::new().await;
    for n in 0..60 {
        world.admin_tools().issue_token(&format!("line-{n}")).await.unwrap();
    }
    let mut page = Wire::of_page(&world, "oper").await;
    let mut told = Vec::new();
    while told.len() < 4 {
        told.push(next_packet(&mut page).await);
        if told.len() == 1 {
            page.text("40").await;
        }
    }
    assert!(told.iter().any(|packet| packet.starts_with("42[\"auth_success\"")), "{told:?}");
    let other = world.person("tech").await;
    for room in ["line", "station:line-0", "station:line-59"] {
        other.post(&format!("/api/chat/{room}/messages"), &json!({ "content": "hello" })).await.expect(201);
        let heard = next_packet(&mut page).await;
        assert!(heard.starts_with("42[\"message\"") && heard.contains(room), "{heard}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_for_good() {
    let world = World::with(andon::support::clock::Clock::system(), |config| config.chat_rate = 100_000).await;
    let mut slow = Wire::of_page(&world, "oper").await;
    slow.text("40").await;
    let talker = world.person("tech").await;
    let present = async || talker.get("/api/chat/presence").await.expect(200).json()["present"].as_array().unwrap().len();
    let started = std::time::Instant::now();
    while present().await < 1 {
        assert!(started.elapsed() < std::time::Duration::from_secs(10));
    }
    // More than the way to it takes, and than waits for it.
    let content = "🙂".repeat(4000);
    let mut n = 0;
    while present().await > 0 {
        talker.post("/api/chat/line/messages", &json!({ "content": content })).await.expect(201);
        n += 1;
        assert!(n < 2000, "it is never cut off");
    }
    // Now it reads, and is told so after what still came; it is no ghost that hears nothing and gets no answer.
    let told = async {
        while let Ok(packet) = slow.next_text().await {
            match packet.as_str() {
                "41" => break,
                "2" => slow.text("3").await,
                _ => {}
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), told).await.expect("it is no ghost");
}

#[tokio::test]
async fn whoever_says_something_and_leaves_is_heard() {
    let world = World::new().await;
    let (token, other) = (world.login("oper").await.access_token, world.login("tech").await.access_token);
    let mut listener = signed_in(world.running.address(), &other).await;
    for n in 0..5 {
        let mut speaker = signed_in(world.running.address(), &token).await;
        let said = format!("goodbye {n}");
        speaker.text(&format!("42{}", json!(["message", said]))).await;
        speaker.text("41").await;
        drop(speaker);
        let heard = next_packet(&mut listener).await;
        assert!(heard.starts_with("42[\"message\"") && heard.contains(&said), "{heard}");
    }
}
