//! What is shipped for a plant: nginx in front of two servers, and the compose file around them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use andon::support::clock::Clock;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cluster::{Plant, eventually};
use crate::http::{parse, send_from};
use crate::plant::{Tied, private_folder, tied};
use crate::samples::{Sample, at};
use crate::tls::{ask_at, write_pair};
use crate::wire::Wire;
use crate::world::{Client, PASSWORD, World};

/// The true nginx, with the file that is shipped. Only where it listens, its folders and the two names are replaced: by the addresses of
/// the test's servers; and it listens in plain as well. That those names keep their addresses in the compose file, and that nothing is
/// published in plain, is shown by tests of their own.
struct Nginx {
    address: SocketAddr,
    by_tls: SocketAddr,
    certificate: CertificateDer<'static>,
    _process: Tied,
}

impl Nginx {
    async fn before(plant: &Plant) -> Nginx {
        Nginx::start([plant.a.address(), plant.b.address()]).await
    }

    async fn start(servers: [SocketAddr; 2]) -> Nginx {
        let [address, by_tls] = [0; 2].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).map(|free| free.local_addr().unwrap());
        let folder = private_folder("andon-nginx");
        let certificate = write_pair(&folder);
        let own = shipped("nginx.conf")
            .replace("/tmp/andon-nginx", &format!("{}/nginx", folder.display()))
            .replace("server-a:8440", &servers[0].to_string())
            .replace("server-b:8440", &servers[1].to_string())
            .replace("listen 8440 ssl;", &format!("listen {by_tls} ssl; listen {address};"))
            .replace("/etc/nginx/tls/line.crt", &format!("{}/cert.pem", folder.display()))
            .replace("/etc/nginx/tls/line.key", &format!("{}/key.pem", folder.display()));
        assert_eq!((own.matches("127.0.0.1:").count(), own.matches(".pem;").count()), (6, 2), "{own}");
        let file = folder.join("nginx.conf");
        std::fs::write(&file, own).unwrap();
        let arguments = ["-g", "daemon off;", "-c", file.to_str().unwrap()];
        let process = tied("TERM", &folder, Path::new("/usr/sbin/nginx"), &arguments);
        let listens = async || TcpStream::connect(address).await.is_ok();
        eventually("nginx listens (./check packages installs it)", Duration::from_secs(10), listens).await;
        Nginx { address, by_tls, certificate, _process: process }
    }
}

#[tokio::test]
async fn behind_the_shipped_nginx_requests_sockets_and_polling_work_and_outlive_a_server() {
    let mut plant = Plant::start();
    let nginx = Nginx::before(&plant).await;
    let token = plant.a.token().await;
    let client = Client::at(nginx.address).bearer(&token);
    for n in 0..6 {
        client.post("/api/Report/WSJF", &Sample::new(&format!("SN-{n}"), at(n), "P").json()).await.expect(200);
    }
    let mut socket = Wire::following(nginx.address, &token, &["chat"]).await;
    client.post("/api/chat/line/messages", &json!({ "content": "hello" })).await.expect(201);
    assert_eq!(socket.expect("chat_message").await["content"], "hello");
    // A polling session of Socket.IO is known to one server alone: every request of it must get there.
    let polling = "/socket.io/?EIO=4&transport=polling";
    let opened = client.get(polling).await.expect(200).text().to_owned();
    let sid = serde_json::from_str::<Value>(&opened[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
    let session = format!("{polling}&sid={sid}");
    assert_eq!(client.request("POST", &session, &[("content-type", "text/plain")], Some(b"40")).await.expect(200).text(), "ok");
    // On a busy machine a ping comes before the welcome: it is answered, as every client does.
    let welcome = loop {
        let said = client.get(&session).await.expect(200).text().to_owned();
        if said != "2" {
            break said;
        }
        client.request("POST", &session, &[("content-type", "text/plain")], Some(b"3")).await.expect(200);
    };
    assert!(welcome.contains("40{\"sid\""), "{welcome}");
    plant.a.served.child.kill().unwrap();
    plant.a.served.child.wait().unwrap();
    let answers = async || client.get("/api/auth/me").await.status == 200;
    eventually("requests are answered by the other", Duration::from_secs(5), answers).await;
    let _socket = Wire::following(nginx.address, &token, &["chat"]).await;
    client.get(polling).await.expect(200);
    // What nginx itself has to say is JSON as well, and how much is too much the servers say.
    client.request("POST", "/api/chat/line/messages", &[("content-length", "40000000")], None).await.expect_refusal(413, "too_large");
    let odd = "x".repeat(40_000);
    client.request("GET", "/api/auth/me", &[("x-odd", &odd)], None).await.expect_refusal(400, "bad_request");
    client.get(&format!("/api/{odd}")).await.expect_refusal(400, "bad_request");
    plant.b.served.child.kill().unwrap();
    plant.b.served.child.wait().unwrap();
    let away = client.get("/api/auth/me").await.expect_refusal(503, "unavailable");
    assert!(away.header("retry-after").is_some() && away.json()["Message"].is_string(), "{away:?}");
}

#[tokio::test]
async fn polling_without_the_last_slash_stays_with_its_server_too() {
    let plant = Plant::start();
    let nginx = Nginx::before(&plant).await;
    let client = Client::at(nginx.address);
    for _ in 0..8 {
        let opened = client.get("/socket.io?EIO=4&transport=polling").await.expect(200).text().to_owned();
        let sid = serde_json::from_str::<Value>(&opened[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
        let session = format!("/socket.io?EIO=4&transport=polling&sid={sid}");
        client.request("POST", &session, &[("content-type", "text/plain")], Some(b"40")).await.expect(200);
    }
}

/// Connections of one address that the shipped nginx has open to the servers, at most.
const OF_ONE: usize = 512;

#[tokio::test]
async fn one_machine_takes_no_more_than_its_share_of_nginxs_places() {
    let plant = Plant::start();
    let nginx = Nginx::before(&plant).await;
    // A body that never comes.
    let hold = async || {
        let mut stream = TcpStream::connect(nginx.address).await.unwrap();
        stream.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: line\r\ncontent-length: 9\r\n\r\n").await.unwrap();
        stream
    };
    let mut held = Vec::new();
    for _ in 0..OF_ONE {
        held.push(hold().await);
    }
    let one = Client::at(nginx.address);
    let ask = async || one.get("/health/live").await;
    let mut refused = None;
    let full = async || {
        // On a busy machine a server that is slow to take a connection loses some of them.
        held.push(hold().await);
        refused = Some(ask().await).filter(|answer| answer.text().contains(r#""code":"busy""#));
        refused.is_some()
    };
    eventually("no more of one address are let in", Duration::from_secs(20), full).await;
    let refused = refused.unwrap().expect_refusal(503, "busy");
    assert!(refused.header("retry-after").is_some() && refused.json()["Message"].is_string(), "{refused:?}");
    let (other, body) = (IpAddr::from([127, 0, 0, 2]), json!({ "username": "anna", "password": PASSWORD }));
    let kind = [("content-type", "application/json")];
    let login = async || send_from(other, nginx.address, "/api/auth/login", &kind, &body).await.status == 200;
    eventually("another machine is let in", Duration::from_secs(20), login).await;
    drop(held);
    eventually("its places are free again", Duration::from_secs(20), async || ask().await.status == 200).await;
}

#[tokio::test]
async fn the_shipped_nginx_speaks_tls_and_the_servers_know() {
    let world = World::with(Clock::system(), |config| {
        config.https_only = true;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let nginx = Nginx::start([world.running.address(); 2]).await;
    let body = json!({ "username": "oper", "password": PASSWORD }).to_string();
    let head = format!("host: line.example\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    let login = format!("POST /api/page/login HTTP/1.1\r\n{head}\r\n\r\n{body}");
    let answer = ask_at(nginx.by_tls, &nginx.certificate, &login).await.unwrap().expect(200);
    let cookies: Vec<&str> = answer.headers("set-cookie").collect();
    assert!(!cookies.is_empty() && cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    let mut old = TcpStream::connect(nginx.by_tls).await.unwrap();
    old.write_all(login.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    old.read_to_end(&mut told).await.unwrap();
    parse(&told).expect_refusal(403, "https_required");
}

fn shipped(file: &str) -> String {
    std::fs::read_to_string(format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What the compose file says of one service.
fn service<'a>(compose: &'a str, name: &str) -> &'a str {
    let (_, rest) = compose.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("there is no service {name}"));
    let end = rest.match_indices('\n').find(|(at, _)| !rest[at + 1..].starts_with("   ") && !rest[at + 1..].starts_with('\n'));
    end.map_or(rest, |(at, _)| &rest[..at])
}

fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let (_, rest) = text.split_once(key).unwrap_or_else(|| panic!("no {key:?} in {text}"));
    rest.split([' ', ',', '}', '\n']).next().unwrap()
}

/// What is wrong with the addresses that must stay what they are.
fn faults(nginx: &str, compose: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let upstreams: Vec<&str> = nginx.lines().filter_map(|line| Some(line.trim().strip_prefix("server ")?.split_once(':')?.0)).collect();
    let names: BTreeSet<&str> = upstreams.iter().copied().collect();
    if names.len() != 2 || names.iter().any(|name| upstreams.iter().filter(|upstream| *upstream == name).count() != 2) {
        faults.push(format!("both upstreams have both servers: {upstreams:?}"));
    }
    let of_nginx = value(service(compose, "nginx"), "ipv4_address: ");
    if value(compose, "ANDON_TRUSTED_PROXIES: ") != of_nginx {
        faults.push(format!("the servers take the word of another than nginx, which has {of_nginx}"));
    }
    let mut fixed = BTreeSet::from([of_nginx]);
    for name in names {
        let address = value(service(compose, name), "ipv4_address: ");
        if !fixed.insert(address) {
            faults.push(format!("{address} is given twice"));
        }
    }
    for address in fixed {
        let last: Option<u8> = address.strip_prefix("172.28.44.").and_then(|last| last.parse().ok());
        if !compose.contains("ip_range: 172.28.44.128/25") || last.is_none_or(|last| last >= 128) {
            faults.push(format!("{address} may be given to somebody else"));
        }
    }
    faults
}

#[test]
fn names_that_nginx_looks_up_once_keep_their_addresses_and_nobody_else_gets_nginxs() {
    let (nginx, compose) = (shipped("nginx.conf"), shipped("compose.yaml"));
    assert_eq!(faults(&nginx, &compose), Vec::<String>::new());
    for (old, new) in [
        ("ipv4_address: 172.28.44.12", "ipv4_address: 172.28.44.11"),
        ("ipv4_address: 172.28.44.12", "ipv4_address: 172.28.44.10"),
        ("ipv4_address: 172.28.44.10", "ipv4_address: 172.28.44.13"),
        ("ANDON_TRUSTED_PROXIES: 172.28.44.10", "ANDON_TRUSTED_PROXIES: 172.28.44.13"),
        ("ipv4_address: 172.28.44.11", "ipv4_address: 172.28.44.200"),
        ("ip_range: 172.28.44.128/25", "ip_range: 172.28.44.0/24"),
    ] {
        assert!(!faults(&nginx, &compose.replacen(old, new, 1)).is_empty(), "{new} goes unnoticed");
    }
    let second = nginx.rfind("server server-b:").unwrap();
    let doubled = format!("{}server server-a:{}", &nginx[..second], &nginx[second + "server server-b:".len()..]);
    assert!(!faults(&doubled, &compose).is_empty(), "an upstream with one server twice goes unnoticed");
}

#[test]
fn nothing_that_is_published_is_in_clear() {
    let (nginx, compose) = (shipped("nginx.conf"), shipped("compose.yaml"));
    let published: Vec<&str> = compose.lines().filter_map(|line| line.trim().strip_prefix("ports: ")).collect();
    assert_eq!(published, [r#"["8440:8440"]"#, r#"["127.0.0.1:3000:3000"]"#]);
    assert!(service(&compose, "nginx").contains(published[0]), "the rest stays on this machine");
    let listens: Vec<&str> = nginx.lines().map(str::trim).filter(|line| line.starts_with("listen ")).collect();
    assert_eq!(listens, ["listen 8440 ssl;"]);
    assert_eq!(value(&compose, "ANDON_HTTPS_ONLY: "), r#""true""#);
    let tls = value(service(&compose, "nginx"), "target: ");
    for line in nginx.lines().filter(|line| line.trim().starts_with("ssl_certificate")) {
        assert!(line.contains(&format!(" {tls}/line.")), "{line} is not where compose puts it: {tls}");
    }
}

#[test]
fn images_are_told_their_version_for_they_have_no_git() {
    let (compose, container) = (shipped("compose.yaml"), shipped("Containerfile"));
    let (before, _) = container.split_once("RUN cargo build").unwrap();
    for name in ["ANDON_COMMIT", "ANDON_COMMIT_DATE"] {
        let is_word = |text: &str| text.split([' ', ',', '[', ']']).any(|word| word == name);
        assert!(before.lines().any(|line| line.starts_with("ARG ") && is_word(line)), "{name}");
        assert!(compose.lines().any(|line| line.trim().starts_with("args: ") && is_word(line)), "{name}");
        assert!(include_str!("../../build.rs").contains(&format!("told(\"{name}\")")), "{name}");
    }
}

#[test]
fn servers_wait_for_the_database_itself_not_for_the_one_that_sets_it_up() {
    // The image's first, temporary server has a unix socket only.
    let compose = shipped("compose.yaml");
    let asked = service(&compose, "postgres").lines().find(|line| line.contains("pg_isready")).unwrap();
    assert!(asked.contains(r#""-h", "127.0.0.1""#), "{asked}");
}
