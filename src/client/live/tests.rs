//! The conversation against a scripted server: sockets that it opens and ends.

use std::sync::Mutex;

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;
use crate::client::peer::{Answer, Asked, Script, json, pair, person, serve, until};

/// A server whose sockets take one token alone, with the requests it was asked beside them.
struct Line {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Line {
    /// Sockets take `good` and refuse others with `ending`; requests are answered by `script`.
    async fn start((good, ending): (&'static str, Ending), script: impl Fn(&Asked) -> Answer + Send + 'static) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Line { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
        let (script, asked): (Script, _) = (Arc::new(Mutex::new(Box::new(script))), line.asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut start = [0; 11];
                while stream.peek(&mut start).await.is_ok_and(|n| n > 0 && n < start.len()) {}
                match &start == b"GET /api/ws" {
                    true => drop(tokio::spawn(talk(stream, good, ending))),
                    false => drop(tokio::spawn(serve(stream, script.clone(), asked.clone()))),
                }
            }
        });
        line
    }

    fn renewals(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.line == "POST /api/auth/refresh").count()
    }

    /// What ann's conversation tells until it is live or has ended.
    async fn states(&self) -> Vec<LiveState> {
        let (events, mut heard) = mpsc::channel(16);
        let (_orders, mut inbox) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let parts = Parts { person: person(&self.url, "ann"), roots: Vec::new(), way: Way::direct(), events, known: Vec::new() };
        let live = run(parts, &mut inbox, stop.clone());
        let listen = async {
            let mut states = Vec::new();
            while let Some(LiveEvent::State(state)) = heard.recv().await {
                states.push(state);
                if matches!(states.last(), Some(LiveState::Live | LiveState::Ended(_))) {
                    break;
                }
            }
            stop.cancel();
            states
        };
        timeout(Duration::from_secs(20), async { tokio::join!(live, listen).1 }).await.unwrap()
    }
}

async fn talk(stream: TcpStream, good: &'static str, ending: Ending) {
    let mut socket = accept_async(stream).await.unwrap();
    while let Some(Ok(Packet::Text(text))) = socket.next().await {
        let frame: Frame = serde_json::from_str(text.as_str()).unwrap();
        match frame.kind.as_str() {
            "auth" if frame.payload["token"] == good => tell(&mut socket, "auth_ok", json!({ "resumed": false })).await,
            "auth" => return tell(&mut socket, "error", json!({ "code": ending.word(), "message": ending.sentence() })).await,
            _ => tell(&mut socket, "ack", json!({ "request_id": frame.id })).await,
        }
    }
}

async fn tell(socket: &mut WebSocketStream<TcpStream>, kind: &str, payload: Value) {
    let frame = Frame { kind: kind.to_owned(), id: None, timestamp: None, payload };
    socket.send(Packet::text(serde_json::to_string(&frame).unwrap())).await.unwrap();
}

#[tokio::test]
async fn a_token_that_the_socket_refuses_is_renewed_and_the_conversation_goes_on() {
    for ending in [Ending::BadToken, Ending::Revoked, Ending::TokenExpired] {
        let line = Line::start(("a1", ending), |_| json(200, &pair("ann", 1))).await;
        let states = line.states().await;
        assert_eq!(states.last(), Some(&LiveState::Live), "{ending:?}: {states:?}");
        assert_eq!(line.renewals(), 1);
    }
}

#[tokio::test]
async fn a_person_who_is_refused_with_a_new_token_as_well_is_sent_away() {
    let line = Line::start(("none", Ending::BadToken), |_| json(200, &pair("ann", 1))).await;
    let states = line.states().await;
    assert!(matches!(states.last(), Some(LiveState::Ended(_))), "{states:?}");
    assert_eq!(line.renewals(), 1, "asked once, not again and again");
}

#[tokio::test]
async fn a_session_that_has_ended_ends_the_conversation_and_the_person() {
    let line = Line::start(("none", Ending::BadToken), |_| json(401, "{}")).await;
    let states = line.states().await;
    assert!(matches!(states.last(), Some(LiveState::Ended(_))), "{states:?}");
    until("the renewal that was refused", || line.renewals(), |n| *n == 1).await;
}
