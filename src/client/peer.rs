//! A scripted HTTP server for tests: it answers what it is told to, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::api::{Api, Http, Identity, PersonSession};
use super::server_url::ServerUrl;
use super::tunnel::Way;
use crate::protocol::auth::LoginResponse;
use crate::support::secret::Secret;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET /api/App/Version`
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The status of an answer that does not come as long as somebody waits for it.
pub(crate) const NEVER: u16 = 1;

/// What it answers: status, headers and body. `Status 0` closes the connection without a word.
#[derive(Clone, Debug)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) Vec<(&'static str, String)>, pub(crate) String);

pub(crate) fn json(status: u16, body: &str) -> Answer {
    Answer(status, vec![("content-type", "application/json".to_owned())], body.to_owned())
}

pub(crate) fn from_line(id: &str, status: u16, body: &str) -> Answer {
    let mut answer = json(status, body);
    answer.1.push(("x-andon-server", id.to_owned()));
    answer
}

/// What a sign-in or a renewal of `user` is answered with: the tokens `aN` and `rN`.
pub(crate) fn pair(user: &str, n: u32) -> String {
    format!(
        r#"{{"access_token":"a{n}","refresh_token":"r{n}","token_type":"Bearer","expires_in":900,
        "user":{{"id":"{user}","username":"{user}","role":"ADMIN","permissions":[],"session_timeout":3600}}}}"#
    )
}

/// `user` as he is after signing in at `url` with [`pair`] 0.
pub(crate) fn person(url: &str, user: &str) -> Arc<PersonSession> {
    let server = ServerUrl::parse(url).unwrap();
    let http = Http::new(&server, &[], Way::direct()).unwrap();
    let api = Api::new(http, server, Secret::new("station"), Identity::Nameless);
    let answer: LoginResponse = serde_json::from_str(&pair(user, 0)).unwrap();
    PersonSession::start(Arc::new(api), user, answer.into())
}

pub(crate) type Script = Arc<Mutex<Box<dyn Fn(&Asked) -> Answer + Send>>>;

pub(crate) struct Peer {
    pub(crate) url: String,
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Answer + Send + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Peer::on(listener, Arc::new(Mutex::new(Box::new(script))))
    }

    fn on(listener: TcpListener, script: Script) -> Peer {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (shared, seen) = (script.clone(), asked.clone());
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, shared.clone(), seen.clone()));
            }
        });
        Peer { url, script, asked, accepting }
    }

    pub(crate) fn answer(&self, script: impl Fn(&Asked) -> Answer + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Goes away, with its port free for another.
    pub(crate) async fn stop(self) -> String {
        self.accepting.abort();
        let _ = self.accepting.await;
        self.url
    }

    /// Comes back at an address that was left.
    pub(crate) async fn restart(url: &str, script: impl Fn(&Asked) -> Answer + Send + 'static) -> Peer {
        let listener = TcpListener::bind(url.trim_start_matches("http://")).await.unwrap();
        Peer::on(listener, Arc::new(Mutex::new(Box::new(script))))
    }
}

/// Answers the requests of one connection.
pub(crate) async fn serve(mut stream: TcpStream, script: Script, seen: Arc<Mutex<Vec<Asked>>>) {
    while let Some(asked) = read(&mut stream).await {
        let Answer(status, headers, body) = (script.lock().unwrap())(&asked);
        seen.lock().unwrap().push(asked);
        if status == NEVER {
            let _ = read(&mut stream).await;
        }
        if status <= NEVER {
            return;
        }
        let mut text = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        text += &body;
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let line = lines.next()?.rsplit_once(' ')?.0.to_owned();
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { line, headers, body })
}

/// Waits until `good` holds, for ten seconds at most.
pub(crate) async fn until<T: std::fmt::Debug>(what: &str, look: impl Fn() -> T, good: impl Fn(&T) -> bool) -> T {
    for _ in 0..1000 {
        let seen = look();
        if good(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come: {:?}", look());
}
