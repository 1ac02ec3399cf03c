//! Signing in beside bare bcrypt of the same cost, and asking who one is beside the smallest axum program there is: each pair in one
//! run, turn by turn, on SQLite and on a PostgreSQL of its own where there is one.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use andon::domain::Role;
use andon::domain::simulator::Line;
use andon::server::{Config, Database, Running, UnknownProcesses};
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use chrono::DateTime;
use memchr::memmem::Finder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../tests/server/plant.rs"]
mod plant;

const ROUNDS: usize = 5;
/// Sign-ins a round.
const SIGN_INS: usize = 5;
const COST: u32 = 12;
const CONNECTIONS: usize = 100;
/// Rounds of requests: many short ones, so that what disturbs the machine for a moment disturbs both sides.
const REQUEST_ROUNDS: usize = 25;
/// How long requests are sent in a round.
const ROUND: Duration = Duration::from_millis(400);
/// How long the database is asked each question.
const QUERY: Duration = Duration::from_secs(2);
const REPORTS: usize = 1000;
const PASSWORD: &str = "correct horse battery";

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the build");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure("SQLite", Config::in_folder(place.path().join("sqlite"))));
    if !Path::new("/usr/lib/postgresql").exists() {
        eprintln!("PostgreSQL is not installed here, and was not measured");
        return;
    }
    let database = plant::PlantDatabase::new();
    let config = Config::in_folder(place.path().join("postgres"));
    runtime.block_on(measure("PostgreSQL", Config { database: Database::Postgres(Secret::new(database.url())), ..config }));
}

async fn measure(database: &str, config: Config) {
    let config = Config {
        listen: "127.0.0.1:0".parse().expect("an address"),
        password_cost: COST,
        unknown_processes: UnknownProcesses::Accept,
        ..config
    };
    let server = andon::server::start(config, Clock::system()).await.expect("a server");
    server.admin().add_user("bench", Role::Superuser, None, &Secret::new(PASSWORD)).await.expect("an account");
    eprintln!("{database}, medians of {ROUNDS} rounds of sign-ins and {REQUEST_ROUNDS} of requests");
    let token = sign_ins(&server).await;
    requests(&server, &token).await;
    queries(&server, &token).await;
    server.stop().await;
}

/// One after another, as a person waits for it. Answers with a token.
async fn sign_ins(server: &Running) -> String {
    let hash = bcrypt::hash(PASSWORD, COST).expect("a hash");
    let login = request("POST", "/api/auth/login", None, &format!("{{\"username\":\"bench\",\"password\":\"{PASSWORD}\"}}"));
    let mut connection = Connection::open(server.address()).await;
    let (mut bare, mut ours, mut answer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..SIGN_INS {
            let hash = hash.clone();
            let verified = tokio::task::spawn_blocking(move || bcrypt::verify(PASSWORD, &hash)).await;
            assert!(verified.expect("a thread").expect("a hash"));
        }
        bare.push(start.elapsed().as_secs_f64() / SIGN_INS as f64);
        let start = Instant::now();
        for _ in 0..SIGN_INS {
            let asked = Instant::now();
            answer = connection.ask(&login).await;
            assert!(asked.elapsed() < Duration::from_secs(30), "a sign-in took {:?}", asked.elapsed());
        }
        ours.push(start.elapsed().as_secs_f64() / SIGN_INS as f64);
    }
    let (bare, ours) = (median(bare), median(ours));
    eprintln!("{:<46} {:>10} {:>10} {:>7} {:>7}", "sign-in, ms", "bcrypt", "login", "ratio", "aim");
    eprintln!("{:<46} {:>10.1} {:>10.1} {:>7.2} {:>7.2}", format!("cost {COST}"), bare * 1e3, ours * 1e3, bare / ours, 0.95);
    let body: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    body["access_token"].as_str().expect("a token").to_owned()
}

/// Many at once, each asking again as soon as it is answered. Every answer of ours needed a check of the token.
async fn requests(server: &Running, token: &str) {
    let hello = hello().await;
    let (plain, me) = (request("GET", "/", None, ""), request("GET", "/api/auth/me", Some(token), ""));
    let (mut base, mut ours, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REQUEST_ROUNDS {
        base.push(load(hello, &plain, CONNECTIONS, ROUND).await.len() as f64 / ROUND.as_secs_f64());
        let times = load(server.address(), &me, CONNECTIONS, ROUND).await;
        ours.push(times.len() as f64 / ROUND.as_secs_f64());
        all.extend(times);
    }
    let (base, ours) = (median(base), median(ours));
    eprintln!("{:<46} {:>10} {:>10} {:>7} {:>7}", "requests/s", "hello", "me", "ratio", "aim");
    let name = format!("{CONNECTIONS} connections; as many token checks/s");
    eprintln!("{name:<46} {base:>10.0} {ours:>10.0} {:>7.2} {:>7.2}", ours / base, 0.6);
    shares(&format!("GET /api/auth/me, {CONNECTIONS} connections, ms"), all, 200);
}

/// Lists that the database answers, one at a time.
async fn queries(server: &Running, token: &str) {
    let mut line = Line::new(7);
    let mut connection = Connection::open(server.address()).await;
    for _ in 0..REPORTS {
        let report = request("POST", "/api/Report/WSJF", Some(token), &line.next(DateTime::UNIX_EPOCH));
        connection.ask(&report).await;
    }
    for path in ["/api/Report/Query/Header?$top=100", "/api/Report/Query/Header?$top=100&$filter=result%20eq%20'Failed'"] {
        shares(
            &format!("{}, ms", &path[..path.len().min(42)]),
            load(server.address(), &request("GET", path, Some(token), ""), 1, QUERY).await,
            100,
        );
    }
}

/// A line with the middle, the slow and the slowest answers, beside what specification 001 allows the slow ones.
fn shares(name: &str, mut times: Vec<Duration>, floor_ms: u64) {
    times.sort();
    let share = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let (p50, p95, p99) = (share(0.5), share(0.95), share(0.99));
    eprintln!("{name:<46} p50 {p50:.2}  p95 {p95:.2} (allowed {floor_ms})  p99 {p99:.2}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn hello() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Sends one request over and over on so many connections, and tells how long each answer took.
async fn load(address: SocketAddr, request: &[u8], connections: usize, time: Duration) -> Vec<Duration> {
    let mut asking = tokio::task::JoinSet::new();
    let end = Instant::now() + time;
    for _ in 0..connections {
        let request = request.to_vec();
        asking.spawn(async move {
            let (mut connection, mut times) = (Connection::open(address).await, Vec::new());
            while Instant::now() < end {
                let asked = Instant::now();
                connection.ask(&request).await;
                times.push(asked.elapsed());
            }
            times
        });
    }
    asking.join_all().await.concat()
}

fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n{authorization}{kind}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// One kept-alive connection; the client that costs the least.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    end_of_head: Finder<'static>,
    length: Finder<'static>,
}

/// As hyper writes it.
const CONTENT_LENGTH: &[u8] = b"\r\ncontent-length: ";

impl Connection {
    async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (end_of_head, length) = (Finder::new(b"\r\n\r\n"), Finder::new(CONTENT_LENGTH));
        Connection { stream, buffer: Vec::with_capacity(64 * 1024), end_of_head, length }
    }

    /// Sends the request and gives back the answer's body.
    async fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.stream.write_all(request).await.expect("a server that listens");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(read > 0, "the server hung up");
            // What this client costs is taken from both sides, and more from the one whose head is longer.
            let Some(head) = self.end_of_head.find(&self.buffer) else { continue };
            let length = self.content_length(head).expect("an answer of known length");
            if self.buffer.len() >= head + 4 + length {
                assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer));
                return self.buffer[head + 4..].to_vec();
            }
        }
    }

    fn content_length(&self, head: usize) -> Option<usize> {
        let value = &self.buffer[self.length.find(&self.buffer[..head])? + CONTENT_LENGTH.len()..];
        std::str::from_utf8(&value[..value.iter().position(|byte| *byte == b'\r')?]).ok()?.parse().ok()
    }
}
