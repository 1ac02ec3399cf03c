//! What the original of specification 002 was seen to answer over Engine.IO, replayed byte by byte.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{Answer, send};
use crate::socket_io::next_packet;
use crate::wire::Wire;
use crate::world::{Client, PASSWORD, World};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const OTHER_VERSION: &str = "The client is using an unsupported version of the Socket.IO or Engine.IO protocols";

/// A polling session, request by request.
struct Polling {
    client: Client,
    session: String,
    /// Packets that came in one answer and were not asked for yet.
    waiting: Vec<String>,
}

impl Polling {
    async fn open(address: SocketAddr) -> (Polling, Value) {
        let client = Client::at(address);
        let opened = client.get(POLLING).await.expect(200);
        let open: Value = serde_json::from_str(opened.text().strip_prefix('0').unwrap()).unwrap();
        let session = format!("{POLLING}&sid={}", open["sid"].as_str().unwrap());
        (Polling { client, session, waiting: Vec::new() }, open)
    }

    async fn post(&self, packet: &str) -> Answer {
        self.client.request("POST", &self.session, &[("content-type", "text/plain;charset=UTF-8")], Some(packet.as_bytes())).await
    }

    /// The next packet that is not a ping; those are answered.
    async fn next(&mut self) -> String {
        loop {
            while self.waiting.is_empty() {
                let text = self.client.get(&self.session).await.expect(200).text().to_owned();
                self.waiting = text.split('\u{1e}').map(str::to_owned).collect();
            }
            match self.waiting.remove(0) {
                ping if ping == "2" => drop(self.post("3").await.expect(200)),
                packet => return packet,
            }
        }
    }
}

/// A JSON string and nothing else, and the marks that all our answers have.
fn expect_sentence(answer: Answer, sentence: &str) {
    let answer = answer.expect(400);
    assert_eq!(answer.json(), sentence);
    assert!(answer.header("x-request-id").is_some() && answer.header("content-type") == Some("application/json"), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_client_of_this_version_is_refused_in_the_originals_sentences() {
    let world = World::new().await;
    let get = async |query: &str| world.anonymous().get(&format!("/socket.io/{query}")).await;
    for query in ["", "?transport=polling", "?EIO=3&transport=polling", "?EIO=3&transport=websocket", "?EIO=5&transport=polling"] {
        expect_sentence(get(query).await, OTHER_VERSION);
    }
    expect_sentence(get("?EIO=4&transport=pigeon").await, "Invalid transport");
    for sid in ["nope", "AAAAAAAAAAAAAAHs", "%3Cb%3E"] {
        let sentence = format!("Invalid session {}", sid.replace("%3C", "<").replace("%3E", ">"));
        expect_sentence(get(&format!("?EIO=4&transport=polling&sid={sid}")).await, &sentence);
        let posted = world.anonymous().request("POST", &format!("{POLLING}&sid={sid}"), &[], Some(b"40")).await;
        expect_sentence(posted, &sentence);
    }
    let (mut polling, _) = Polling::open(world.running.address()).await;
    expect_sentence(polling.post("no packet").await, "Bad Request");
    polling = Polling::open(world.running.address()).await.0;
    let delete = send(world.running.address(), "DELETE", &polling.session, &[], None).await;
    expect_sentence(delete, "Bad Request");
}

#[tokio::test]
async fn a_client_is_opened_with_the_originals_numbers() {
    let world = World::new().await;
    let (_, mut open) = Polling::open(world.running.address()).await;
    open["sid"].take();
    let numbers = json!({ "sid": null, "upgrades": ["websocket"], "pingTimeout": 20000, "pingInterval": 25000, "maxPayload": 1_000_000 });
    assert_eq!(open, numbers);
    let mut socket = Wire::open(world.running.address(), WEBSOCKET).await;
    let open: Value = serde_json::from_str(next_packet(&mut socket).await.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(open["upgrades"], json!([]));
}

#[tokio::test]
async fn another_namespace_is_refused_and_the_usual_one_goes_on() {
    let world = World::new().await;
    let refused = |path: &str| format!("44{path},{{\"message\":\"Unable to connect\"}}");
    let (mut polling, _) = Polling::open(world.running.address()).await;
    let mut socket = Wire::open(world.running.address(), WEBSOCKET).await;
    next_packet(&mut socket).await;
    // More than once, for nothing of it may stay.
    for path in ["/nope", "/nope", "/a/b"] {
        polling.post(&format!("40{path},")).await.expect(200);
        assert_eq!(polling.next().await, refused(path));
        socket.text(&format!("40{path},{{}}")).await;
        assert_eq!(next_packet(&mut socket).await, refused(path));
    }
    polling.post("40").await.expect(200);
    assert!(polling.next().await.starts_with("40{\"sid\":"));
    socket.text("40").await;
    assert!(next_packet(&mut socket).await.starts_with("40{\"sid\":"));
}

fn authenticate() -> String {
    format!("42{}", json!(["authenticate", { "username": "oper", "password": PASSWORD }]))
}

/// A WebSocket on which the operator has said who he is.
async fn authenticated(world: &World) -> Wire {
    let mut socket = Wire::open(world.running.address(), WEBSOCKET).await;
    next_packet(&mut socket).await;
    socket.text("40").await;
    for _ in 0..2 {
        next_packet(&mut socket).await;
    }
    socket.text(&authenticate()).await;
    assert!(next_packet(&mut socket).await.starts_with("42[\"auth_success\""));
    socket
}

/// A message of 900 000 bytes, and its echo. What is in it is not touched: neither numbers nor the order of names.
fn large() -> (String, String) {
    let said = format!("{{\"z\":1.50,\"a\":\"{}\"}}", "x".repeat(900_000));
    (format!("42[\"message\",{said}]"), format!("42[\"message\",{{\"echo\":{said}}}]"))
}

async fn history(world: &World) -> Value {
    world.operator().await.get("/api/chat/line/messages").await.expect(200).json()["messages"].clone()
}

#[tokio::test]
async fn nine_hundred_thousand_bytes_come_back_over_polling_and_are_not_kept() {
    let world = World::new().await;
    let (mut polling, _) = Polling::open(world.running.address()).await;
    let (message, echo) = large();
    polling.post("40").await.expect(200);
    let mut greeting = [polling.next().await, polling.next().await];
    greeting.sort();
    assert!(
        greeting[0].starts_with("40{") && greeting[1].starts_with("42[\"connected\",{\"message\":\"Connected to server\""),
        "{greeting:?}"
    );
    polling.post(&message).await.expect(200);
    assert!(polling.next().await.starts_with("42[\"auth_error\""), "nobody is echoed who is not known");
    polling.post(&authenticate()).await.expect(200);
    assert!(polling.next().await.starts_with("42[\"auth_success\",{\"message\":\"Authentication successful\""));
    for _ in 0..2 {
        polling.post(&message).await.expect(200);
        let heard = polling.next().await;
        assert!(heard == echo, "{}", &heard[..heard.len().min(200)]);
        assert!(polling.next().await.contains("\"code\":\"too_large\""));
    }
    polling.post("42[\"message\",\"\"]").await.expect(200);
    assert_eq!(polling.next().await, "42[\"message\",{\"echo\":\"\"}]");
    assert!(polling.next().await.contains("\"code\":\"bad_message\""));
    assert_eq!(history(&world).await, json!([]));
    // More than a payload may have: the connection is cut.
    polling.post(&format!("42[\"message\",\"{}\"]", "x".repeat(1_000_000))).await.expect(413);
    expect_sentence(polling.post("3").await, &format!("Invalid session {}", polling.session.rsplit_once('=').unwrap().1));
}

#[tokio::test]
async fn nine_hundred_thousand_bytes_come_back_over_websocket_in_bounded_number() {
    let world = World::with(andon::support::clock::Clock::system(), |config| config.chat_rate = 1000).await;
    let mut socket = authenticated(&world).await;
    let (message, echo) = large();
    for _ in 0..16 {
        socket.text(&message).await;
        assert!(next_packet(&mut socket).await == echo);
        assert!(next_packet(&mut socket).await.contains("\"code\":\"too_large\""));
    }
    // No connection has us keep any number of them.
    socket.text(&message).await;
    assert!(next_packet(&mut socket).await.contains("\"code\":\"too_large\""));
    socket.text("42[\"message\",\"short\"]").await;
    assert_eq!(next_packet(&mut socket).await, "42[\"message\",{\"echo\":\"short\"}]");
    assert_eq!(history(&world).await[0]["content"], "short");
    socket.text(&format!("42[\"message\",\"{}\"]", "x".repeat(1_000_000))).await;
    assert!(socket.next_text().await.is_err(), "more than a payload may have: the connection is cut");
}

#[tokio::test]
async fn a_large_message_counts_as_every_other() {
    let world = World::with(andon::support::clock::Clock::system(), |config| config.chat_rate = 1).await;
    let mut socket = authenticated(&world).await;
    let (message, echo) = large();
    socket.text(&message).await;
    assert!(next_packet(&mut socket).await == echo);
    next_packet(&mut socket).await;
    socket.text(&message).await;
    assert!(next_packet(&mut socket).await.contains("\"code\":\"rate_limit\""));
}
