//! The original's clients talk: python-socketio and Socket.IO's own JavaScript client, over polling and websocket.

use std::path::{Path, PathBuf};
use std::process::Command;

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
