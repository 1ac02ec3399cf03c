//! The true binary: what it prints, takes and refuses, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::send;
use crate::samples::{Sample, at};
use crate::socket_io::{next_packet, signed_in};
use crate::wire::Wire;

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon-server"));
    command.args(arguments).arg("--data-dir").arg(folder);
    for name in ["ANDON_HOME", "ANDON_LISTEN", "ANDON_DATABASE_URL", "DATABASE_URL", "ANDON_REDIS_URL", "REDIS_URL", "ANDON_LOG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = program(folder, arguments).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn run_well(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(folder, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server that is killed when the test ends, however it ends.
pub struct Served {
    pub child: Child,
    pub address: std::net::SocketAddr,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path) -> Served {
    serve_with(folder, &[])
}

pub fn serve_with(folder: &Path, settings: &[&str]) -> Served {
    start(&mut program(folder, &[&["serve", "--listen", "127.0.0.1:0"], settings].concat()))
}

fn start(program: &mut Command) -> Served {
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").and_then(|url| url.split_once("://")).unwrap_or_else(|| panic!("{line:?}")).1;
    let address = address.parse().unwrap();
    Served { child, address }
}

#[tokio::test]
async fn accounts_made_by_command_line_sign_in_to_the_running_server() {
    let folder = tempfile::tempdir().unwrap();
    run_well(folder.path(), &["migrate"], "");
    let served = serve(folder.path());
    let made = run_well(folder.path(), &["user", "add", "Anna", "--role", "OPERATOR", "--password-stdin"], "blue sky 17\n");
    assert_eq!(made, "Anna is OPERATOR\n");
    let login = async |password: &str| {
        let body = json!({ "username": "anna", "password": password }).to_string();
        send(served.address, "POST", "/api/auth/login", &[("content-type", "application/json")], Some(body.as_bytes())).await.status
    };
    assert_eq!(login("blue sky 17").await, 200);
    run_well(folder.path(), &["user", "set-password", "anna", "--password-stdin"], "red earth 18\r\n");
    assert_eq!((login("blue sky 17").await, login("red earth 18").await), (401, 200));
    run_well(folder.path(), &["user", "disable", "ANNA"], "");
    assert_eq!(login("red earth 18").await, 401);
    run_well(folder.path(), &["user", "enable", "anna"], "");
    run_well(folder.path(), &["user", "set-role", "anna", "--role", "ADMIN"], "");
    run_well(folder.path(), &["user", "unlock", "anna"], "");
    let list = run_well(folder.path(), &["user", "list"], "");
    assert!(list.contains("Anna\tADMIN\tactive"), "{list}");
}

#[test]
fn programs_that_start_at_once_bring_a_new_database_to_its_version_in_turn() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let started: Vec<Child> = (0..4).map(|_| program(folder.path(), &["migrate"]).spawn().unwrap()).collect();
        for child in started {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// The limit that most systems give a program at first is 1024, and 100 here; a program may raise it itself.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_gives_itself_the_files_that_its_connections_need() {
    let folder = tempfile::tempdir().unwrap();
    let serve = program(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -S -n 100 && exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    let served = start(&mut limited);
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(tokio::net::TcpStream::connect(served.address).await.unwrap());
    }
    let answer = tokio::time::timeout(Duration::from_secs(10), send(served.address, "GET", "/health", &[], None)).await;
    assert_eq!(answer.expect("there is a place beside them").status, 200);
}

#[tokio::test]
async fn tokens_and_processes_made_by_command_line_hold_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    let token = run_well(folder.path(), &["token", "issue", "line-a"], "").trim().to_owned();
    run_well(folder.path(), &["process", "add", "210", "Hi-pot"], "");
    let authorization = format!("Basic {token}");
    let headers = [("authorization", authorization.as_str())];
    let processes = send(served.address, "GET", "/api/App/Processes", &headers, None).await.expect(200).json();
    assert!(processes.as_array().unwrap().iter().any(|process| process["name"] == "Hi-pot"), "{processes}");
    let list = run_well(folder.path(), &["token", "list"], "");
    assert!(list.contains("line-a") && list.contains(&token[60..]) && !list.contains(&token), "{list}");
    run_well(folder.path(), &["token", "revoke", "line-a"], "");
    let revoked = Instant::now();
    while send(served.address, "GET", "/api/App/Version", &headers, None).await.status != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(1), "what another program revoked holds within a second");
    }
    assert!(!run(folder.path(), &["token", "revoke", "line-a"], "").status.success());
}

#[test]
fn what_cannot_be_done_is_one_sentence_and_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], input: &str, words: &str| {
        let output = run(folder.path(), arguments, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.starts_with("andon-server: ") && said.contains(words) && said.lines().count() == 1, "{said}");
    };
    refused(&["user", "add", "anna", "--role", "OPERATOR", "--password-stdin"], "short\n", "at least 8");
    refused(&["user", "add", "a:bc", "--role", "OPERATOR", "--password-stdin"], "long enough\n", "user name");
    refused(&["user", "add", "anna", "--role", "STATION", "--password-stdin"], "long enough\n", "STATION");
    refused(&["user", "disable", "nobody"], "", "nobody");
    refused(&["check-config", "--listen", "here"], "", "--listen");
    refused(&["serve", "--config", "/nowhere/at/all.toml"], "", "all.toml");
    refused(&["migrate", "--database", "mysql://u:hunter2@h/d"], "", "sqlite:FILE");
    let shown = run_well(folder.path(), &["check-config"], "");
    assert!(shown.contains("listen = 127.0.0.1:8440") && shown.contains("unknown_processes = refuse"), "{shown}");
}

#[test]
fn a_second_server_says_who_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let _first = serve(folder.path());
    let second = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"], "");
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another line server"), "{second:?}");
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_well_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path());
    // A caller who never finishes must not hold it up.
    let mut silent = std::net::TcpStream::connect(served.address).unwrap();
    silent.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
    let killed = Command::new("kill").args(["-TERM", &served.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let started = Instant::now();
    let status = served.child.wait().unwrap();
    assert!(status.success() && started.elapsed() < Duration::from_secs(10), "{status:?} after {:?}", started.elapsed());
}

#[tokio::test]
async fn every_acknowledged_report_outlives_kills_and_is_there_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let mut token = String::new();
    for round in 0..6 {
        let mut served = serve(folder.path());
        if token.is_empty() {
            token = run_well(folder.path(), &["token", "issue", "line-a"], "").trim().to_owned();
        }
        let count = Arc::new(AtomicUsize::new(0));
        let mut sending = Vec::new();
        for lane in 0..4 {
            let (address, token, count) = (served.address, token.clone(), count.clone());
            sending.push(tokio::spawn(async move {
                let mut stored = Vec::new();
                for n in 0.. {
                    let sample = Sample::new(&format!("{round}-{lane}-{n}"), at(n), "P");
                    match post_report(address, &token, &sample).await {
                        Some(200) => stored.push((sample.serial.clone(), sample.id.to_string())),
                        _ => break,
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                }
                stored
            }));
        }
        while count.load(Ordering::SeqCst) < 10 + round * 7 {
            tokio::task::yield_now().await;
        }
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        for lane in sending {
            acknowledged.extend(lane.await.unwrap());
        }
    }
    let served = serve(folder.path());
    let authorization = format!("Basic {token}");
    let path = "/api/Report/Query/Header?$top=10000";
    let rows: Vec<serde_json::Value> =
        send(served.address, "GET", path, &[("authorization", &authorization)], None).await.expect(200).read();
    let mut stored = std::collections::HashMap::new();
    for row in &rows {
        let serial = row["serialNumber"].as_str().unwrap().to_owned();
        assert!(stored.insert(serial, row["uuid"].as_str().unwrap().to_owned()).is_none(), "{row} is there twice");
    }
    assert!(acknowledged.len() >= 150, "{}", acknowledged.len());
    for (serial, id) in &acknowledged {
        assert_eq!(stored.get(serial), Some(id));
    }
}

/// The answer's status; none where the server died over it.
async fn post_report(address: std::net::SocketAddr, token: &str, sample: &Sample) -> Option<u16> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let body = sample.json().to_string();
    let head = format!(
        "POST /api/Report/WSJF HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    std::str::from_utf8(&answer).ok()?.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn logs_at_their_most_talkative_hold_no_secret() {
    use base64::Engine;
    let folder = tempfile::tempdir().unwrap();
    run_well(folder.path(), &["user", "add", "Anna", "--role", "OPERATOR", "--password-stdin"], "blue sky 17\n");
    let log = folder.path().join("stderr.txt");
    let mut command = program(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command
        .env("ANDON_LOG", "trace")
        .env("ANDON_REDIS_URL", "redis://:tall%20tree%2019@127.0.0.1:1/0")
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let served = Served { child, address: line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap() };
    let ask = async |method: &str, path: &str, authorization: &str, body: Option<&str>| {
        let headers = [("authorization", authorization), ("content-type", "application/json")];
        send(served.address, method, path, &headers, body.map(str::as_bytes)).await
    };
    let body = json!({ "username": "anna", "password": "blue sky 17" }).to_string();
    let login: andon::protocol::auth::LoginResponse = ask("POST", "/api/auth/login", "", Some(&body)).await.expect(200).read();
    let pair = base64::engine::general_purpose::STANDARD.encode("anna:blue sky 17");
    let token: String = ask("GET", "/api/Auth/GetToken", &format!("Basic {pair}"), None).await.expect(200).read();
    ask("GET", "/api/App/Version", &format!("Bearer {token}"), None).await.expect(200);
    ask("GET", "/api/auth/me", &format!("Bearer {}", login.access_token), None).await.expect(200);
    ask("GET", "/api/auth/me", &format!("Bearer {}x", login.access_token), None).await.expect(401);
    ask("POST", "/api/auth/login", "", Some("{\"username\":\"anna\",\"password\":\"blue sky 17\",}")).await.expect(400);
    let refresh = json!({ "refresh_token": login.refresh_token }).to_string();
    let renewed: andon::protocol::auth::LoginResponse = ask("POST", "/api/auth/refresh", "", Some(&refresh)).await.expect(200).read();
    ask("POST", "/api/auth/refresh", "", Some(&json!({ "refresh_token": "made up 20" }).to_string())).await.expect(401);
    let page = ask("POST", "/api/page/login", "", Some(&body)).await.expect(200);
    let cookies: Vec<&str> = page.headers("set-cookie").filter_map(|cookie| cookie.split(['=', ';']).nth(1)).collect();
    send(served.address, "GET", "/api/page/session", &[("cookie", &format!("andon_access={}", cookies[0]))], None).await.expect(200);
    let mut live = Wire::signed_in(served.address, &renewed.access_token).await;
    live.say("auth", "a", json!({ "token": "made.up.21" })).await;
    live.ending().await;
    drop(signed_in(served.address, &renewed.access_token).await);
    let mut original = Wire::open(served.address, "/socket.io/?EIO=4&transport=websocket").await;
    original.text("40").await;
    while !next_packet(&mut original).await.starts_with("42[\"connected\"") {}
    original.text(&format!("42{}", json!(["authenticate", { "username": "anna", "password": "green sea 22" }]))).await;
    assert!(next_packet(&mut original).await.contains("Invalid credentials"));
    original.text(&format!("42{}", json!(["authenticate", { "username": "anna", "password": "blue sky 17" }]))).await;
    assert!(next_packet(&mut original).await.contains("auth_success"));
    drop(served);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("TRACE") && log.contains("/api/auth/login"), "the log was written");
    assert!(log.contains("redis cannot be reached"), "what is said of Redis was looked at");
    let tokens = [&pair, &token, &login.access_token, &login.refresh_token, &renewed.access_token, &renewed.refresh_token];
    let typed = ["blue sky 17", "green sea 22", "made up 20", "made.up.21", "tall tree 19", "tall%20tree%2019"];
    for secret in tokens.into_iter().map(String::as_str).chain(typed).chain(cookies) {
        let places: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(places.is_empty(), "a secret is in the log: {places:?}");
    }
}

#[tokio::test]
async fn figures_name_routes_and_logs_name_requests_and_neither_tells_what_callers_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let mut child = program(folder.path(), &arguments).env("ANDON_LOG_FORMAT", "json").spawn().unwrap();
    let (mut line, mut log) = (String::new(), BufReader::new(child.stderr.take().unwrap()).lines());
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let served = Served { child, address: line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap() };
    let mut entry = || serde_json::from_str::<serde_json::Value>(&log.next().unwrap().unwrap()).unwrap();
    let metrics = std::iter::repeat_with(&mut entry).find(|entry| entry["message"] == "metrics are served").unwrap();
    let metrics = metrics["address"].as_str().unwrap().parse().unwrap();
    let asked = [("x-request-id", "mine-7")];
    assert_eq!(send(served.address, "GET", "/api/Report/Wsjf/hunter2?token=hunter3", &asked, None).await.status, 401);
    send(served.address, "GET", "/hunter4", &[], None).await.expect_refusal(404, "not_found");
    let refused = std::iter::repeat_with(&mut entry).find(|entry| entry["message"] == "refused").unwrap();
    assert_eq!((&refused["span"]["request_id"], &refused["status"]), (&json!("mine-7"), &json!(401)), "{refused}");
    assert!(!refused.to_string().contains("hunter3"), "{refused}");
    let figures = send(metrics, "GET", "/metrics", &[], None).await.expect(200);
    let route = "request_duration_seconds_count{method=\"GET\",endpoint=\"/api/Report/Wsjf/{id}\"} 1";
    assert!(figures.text().lines().any(|line| line == route), "{}", figures.text());
    assert!(!figures.text().contains("hunter"), "{}", figures.text());
    // Nowhere but there.
    assert_eq!(send(served.address, "GET", "/metrics", &[], None).await.status, 404);
}
