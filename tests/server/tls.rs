//! The server speaks TLS by itself, and takes a renewed certificate without a stop.

use std::net::SocketAddr;
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
use crate::program::{run, serve_with};
use crate::world::{PASSWORD, World};

/// Writes a new certificate and its key; what a client trusts is returned.
pub fn write_pair(folder: &Path) -> CertificateDer<'static> {
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
    get_at(world.running.address(), trusted, path).await
}

async fn get_at(address: SocketAddr, trusted: &CertificateDer<'static>, path: &str) -> std::io::Result<Answer> {
    ask_at(address, trusted, &format!("GET {path} HTTP/1.1\r\nhost: line.example\r\nconnection: close\r\n\r\n")).await
}

/// Sends a request as it is by TLS, trusting this certificate alone.
pub async fn ask_at(address: SocketAddr, trusted: &CertificateDer<'static>, request: &str) -> std::io::Result<Answer> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("line.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(request.as_bytes()).await?;
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
async fn a_probe_tells_whether_the_server_of_these_settings_is_ready_with_tls_and_without() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (place("cert.pem"), place("key.pem"));
    let with_tls = ["--tls-cert", &certificate, "--tls-key", &key];
    for settings in [&[][..], &with_tls] {
        let served = serve_with(folder.path(), settings);
        let address = served.address.to_string();
        let probe = |settings: &[&str]| run(folder.path(), &[&["probe", "--listen", &address], settings].concat(), "");
        let told = probe(settings);
        assert!(told.status.success() && told.stdout == b"ready\n", "{}", String::from_utf8_lossy(&told.stderr));
        // Whoever asks for something else than what runs there is not told that it is well.
        let other = if settings.is_empty() { &with_tls[..] } else { &[] };
        assert_eq!(probe(other).status.code(), Some(1));
        drop(served);
        let told = probe(settings);
        assert_eq!(told.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&told.stderr).contains("nothing listens"), "{told:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_well_is_told_to_be_while_a_renewal_of_its_certificate_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (place("cert.pem"), place("key.pem"));
    let served = serve_with(folder.path(), &["--tls-cert", &certificate, "--tls-key", &key]);
    let address = served.address.to_string();
    let other = rcgen::generate_simple_self_signed(vec!["line.example".to_owned()]).unwrap();
    for renewed in [&other.cert.pem(), "half a certifi", ""] {
        std::fs::write(&certificate, renewed).unwrap();
        let told = run(folder.path(), &["probe", "--listen", &address, "--tls-cert", &certificate, "--tls-key", &key], "");
        assert!(told.status.success() && told.stdout == b"ready\n", "{renewed}: {}", String::from_utf8_lossy(&told.stderr));
    }
    std::fs::remove_file(&certificate).unwrap();
    let told = run(folder.path(), &["probe", "--listen", &address, "--tls-cert", &certificate, "--tls-key", &key], "");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
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

/// The files are written so that they look untouched: it is the signal that makes them be read.
#[cfg(unix)]
#[tokio::test]
async fn a_hang_up_signal_has_the_certificate_read_again_and_the_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let old = write_pair(folder.path());
    let marks = || [&cert, &key].map(|file| std::fs::metadata(file).map(|data| (data.len(), data.modified().unwrap())).unwrap());
    let before = marks();
    let mut served = serve_with(folder.path(), &["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
    get_at(served.address, &old, "/health").await.unwrap().expect(200);
    let new = loop {
        let elsewhere = tempfile::tempdir().unwrap();
        let made = write_pair(elsewhere.path());
        let files = ["cert.pem", "key.pem"].map(|name| elsewhere.path().join(name));
        if std::iter::zip(&files, before).all(|(file, (length, _))| std::fs::metadata(file).unwrap().len() == length) {
            for (file, (_, time)) in std::iter::zip(&files, before) {
                std::fs::File::open(file).unwrap().set_modified(time).unwrap();
                std::fs::rename(file, folder.path().join(file.file_name().unwrap())).unwrap();
            }
            break made;
        }
    };
    assert_eq!(marks(), before);
    assert!(get_at(served.address, &new, "/health").await.is_err());
    assert!(std::process::Command::new("kill").args(["-HUP", &served.child.id().to_string()]).status().unwrap().success());
    let started = Instant::now();
    while get_at(served.address, &new, "/health").await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(10) && served.child.try_wait().unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_comes_without_encryption_is_refused_unless_he_is_on_this_machine() {
    let world = World::with(Clock::system(), |config| {
        config.https_only = true;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let body = serde_json::json!({ "username": "oper", "password": PASSWORD }).to_string();
    let from = |headers: &[(&'static str, &'static str)]| {
        let headers: Vec<_> = [&[("content-type", "application/json")], headers].concat();
        let (nobody, body) = (world.anonymous(), body.clone());
        async move { nobody.request("POST", "/api/auth/login", &headers, Some(body.as_bytes())).await }
    };
    let remote = ("x-forwarded-for", "192.0.2.7");
    for plain in [vec![remote], vec![remote, ("x-forwarded-proto", "http")], vec![remote, ("x-forwarded-proto", "https, http")]] {
        from(&plain).await.expect_refusal(403, "https_required");
    }
    from(&[remote, ("x-forwarded-proto", "https")]).await.expect(200);
    from(&[]).await.expect(200);
    let nobody = world.anonymous();
    for path in ["/", "/api/docs", "/api/ws", "/socket.io/?EIO=4&transport=polling", "/nowhere"] {
        nobody.request("GET", path, &[remote], None).await.expect_refusal(403, "https_required");
    }
    nobody.request("GET", "/health/ready", &[remote], None).await.expect(200);
    // What the caller himself says does not count.
    let world = world.restart_with(|config| config.trusted_proxies = Vec::new()).await;
    world.anonymous().request("GET", "/", &[("x-forwarded-proto", "http"), remote], None).await.expect(200);
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
