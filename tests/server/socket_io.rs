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
