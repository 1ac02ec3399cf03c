//! The server speaks TLS by itself, and takes a renewed certificate without a stop.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use andon::server::{StartError, TlsFiles};
use andon::support::clock::Clock;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::http::{Answer, parse};
use crate::world::World;

/// Writes a new certificate and its key; what a client trusts is returned.
fn write_pair(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["line.example".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificates: folder.join("cert.pem"), key: folder.join("key.pem") }
}

async fn world(folder: &Path) -> World {
    World::with(Clock::system(), |config| config.tls = Some(files(folder))).await
}

/// `GET path` by TLS, trusting this certificate alone.
async fn get(world: &World, trusted: &CertificateDer<'static>, path: &str) -> std::io::Result<Answer> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(world.running.address()).await?;
    let name = ServerName::try_from("line.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: line.example\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(parse(&bytes))
}

#[tokio::test]
async fn https_is_answered_and_told_to_browsers() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_pair(folder.path());
    let world = world(folder.path()).await;
    assert!(world.running.url().starts_with("https://127.0.0.1:"));
    let answer = get(&world, &trusted, "/health").await.unwrap().expect(200);
    assert!(answer.header("strict-transport-security").unwrap().contains("max-age="));
    let stranger = write_pair(tempfile::tempdir().unwrap().path());
    assert!(get(&world, &stranger, "/health").await.is_err());
}

#[tokio::test]
async fn whoever_speaks_no_tls_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_pair(folder.path());
    let world = world(folder.path()).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(world.running.address()).await.unwrap());
    }
    let mut plain = TcpStream::connect(world.running.address()).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "nothing is said without encryption");
    get(&world, &trusted, "/health").await.unwrap().expect(200);
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = write_pair(folder.path());
    let world = world(folder.path()).await;
    std::fs::write(folder.path().join("cert.pem"), "half a certifi").unwrap();
    get(&world, &old, "/health").await.unwrap().expect(200);
    let new = write_pair(folder.path());
    let started = Instant::now();
    while get(&world, &new, "/health").await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "the files are looked at every few seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(get(&world, &old, "/health").await.is_err());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let config = andon::server::Config { tls: Some(files(folder.path())), ..andon::server::Config::in_folder(folder.path()) };
    let start = async || {
        let config = andon::server::Config { listen: "127.0.0.1:0".parse().unwrap(), ..config.clone() };
        match andon::server::start(config, Clock::system()).await {
            Err(StartError::Tls(error)) => error.to_string(),
            other => panic!("{:?}", other.map(|running| running.url())),
        }
    };
    let other = tempfile::tempdir().unwrap();
    write_pair(other.path());
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    assert!(start().await.contains("key.pem"));
    std::fs::write(folder.path().join("cert.pem"), "").unwrap();
    assert!(start().await.contains("cert.pem"));
    std::fs::remove_file(folder.path().join("cert.pem")).unwrap();
    assert!(start().await.contains("cert.pem"));
}
