//! What answers of every kind are taken for.

use super::*;
use crate::client::peer::{Answer as Scripted, Peer, from_line, json};

const TOKEN: &str = "dG9rZW4tb2YtdGhlLXN0YXRpb24";

fn api(peer: &Peer, identity: Identity) -> Api {
    let server = ServerUrl::parse(&peer.url).unwrap();
    Api::new(Http::new(&server, &[], Way::direct()).unwrap(), server, Secret::new(TOKEN), identity)
}

fn page(status: u16) -> Scripted {
    Scripted(status, vec![("content-type", "text/html; charset=utf-8".to_owned())], "<html><h1>Welcome</h1></html>".to_owned())
}

#[tokio::test]
async fn a_probe_carries_the_token_and_no_cache_may_answer_it() {
    let peer = Peer::start(|_| {
        let mut answer = from_line("s1", 200, "\"0.1.0\"");
        answer.1.push(("x-andon-time", "1700000000500".to_owned()));
        answer
    })
    .await;
    let probe = api(&peer, Identity::Line("s1".to_owned())).probe().await.unwrap();
    assert_eq!((probe.version.as_str(), probe.identity), ("0.1.0", Identity::Line("s1".to_owned())));
    assert_eq!(probe.server_time.unwrap().timestamp_millis(), 1_700_000_000_500);
    let asked = &peer.asked()[0];
    assert_eq!(asked.line, "GET /api/App/Version");
    assert_eq!(asked.header("authorization"), format!("Basic {TOKEN}"));
    assert!(asked.header("cache-control").contains("no-cache") && asked.header("user-agent").starts_with("andon/"));
    assert_eq!(asked.header("cookie"), "");
}

#[tokio::test]
async fn every_answer_to_a_report_has_its_meaning() {
    let is = |kind: &'static str, error: &ApiError| match error {
        ApiError::Unreachable(_) => kind == "unreachable",
        ApiError::TokenRefused { .. } => kind == "token",
        ApiError::Later { .. } => kind == "later",
        ApiError::Refused { .. } => kind == "refused",
        ApiError::NotOurServer(_) => kind == "stranger",
        ApiError::OtherServer => kind == "other",
        ApiError::Certificate(_) | ApiError::TunnelDown { .. } => false,
    };
    for (answer, kind) in [
        (json(400, r#"{"Message":"serial number is missing"}"#), "refused"),
        (json(401, ""), "token"),
        (json(403, r#"{"error":"no","code":"forbidden"}"#), "refused"),
        (json(408, ""), "later"),
        (json(413, ""), "refused"),
        (json(425, ""), "later"),
        (json(429, ""), "later"),
        (json(500, ""), "later"),
        (json(503, ""), "later"),
        (page(502), "later"),
        (page(413), "refused"),
        (page(404), "stranger"),
        (page(200), "stranger"),
        (json(404, "{}"), "refused"),
        (Scripted(302, vec![("location", "https://elsewhere/".to_owned())], String::new()), "stranger"),
        (Scripted(0, vec![], String::new()), "unreachable"),
        (from_line("s2", 200, "[]"), "other"),
        (from_line("s2", 401, ""), "other"),
    ] {
        let scripted = answer.clone();
        let peer = Peer::start(move |_| scripted.clone()).await;
        let error = api(&peer, Identity::Nameless).submit_report("{}").await.unwrap_err();
        assert!(is(kind, &error), "{answer:?} was taken for {error:?}, not {kind}");
    }
}

#[tokio::test]
async fn a_servers_sentence_is_one_bounded_line() {
    let body = serde_json::json!({ "error": "word\n".repeat(5000), "code": "c".repeat(5000), "fields": { "pn": "x".repeat(5000) } });
    let peer = Peer::start(move |_| json(400, &body.to_string())).await;
    let error = api(&peer, Identity::Nameless).submit_report("{}").await.unwrap_err();
    let ApiError::Refused { code, sentence, .. } = &error else { panic!("{error:?}") };
    assert_eq!((code.len(), sentence.len()), (300, 300));
    assert!(sentence.starts_with("word word "), "{sentence}");
}

#[tokio::test]
async fn what_stands_in_between_cannot_speak_for_the_line_server() {
    for (answer, expected) in [
        (json(401, ""), Trouble::NotOurServer),
        (page(200), Trouble::NotOurServer),
        (json(400, "{}"), Trouble::NotOurServer),
        (page(502), Trouble::ServerError),
        (json(200, "\"26.1\""), Trouble::OtherServer),
        (from_line("s2", 200, "\"0.1\""), Trouble::OtherServer),
    ] {
        let scripted = answer.clone();
        let peer = Peer::start(move |_| scripted.clone()).await;
        let error = api(&peer, Identity::Line("s1".to_owned())).probe().await.unwrap_err();
        assert_eq!(error.trouble(), Some(expected), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn the_servers_wish_to_wait_is_heard() {
    let peer = Peer::start(|_| {
        let mut answer = json(429, r#"{"error":"slowly","code":"rate"}"#);
        answer.1.push(("retry-after", "7".to_owned()));
        answer
    })
    .await;
    let error = api(&peer, Identity::Nameless).submit_report("{}").await.unwrap_err();
    let expected = ApiError::Later { status: 429, sentence: "slowly".to_owned(), retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(error, expected);
}

#[tokio::test]
async fn an_acknowledged_report_is_sent_to_the_letter() {
    let peer = Peer::start(|_| json(200, r#"[{"ID":"5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10"}]"#)).await;
    let text = "{\"a\": 1.50,  \"ü\": \"\\u00fc\"}";
    api(&peer, Identity::Nameless).submit_report(text).await.unwrap();
    let asked = &peer.asked()[0];
    assert_eq!((asked.line.as_str(), asked.body.as_slice()), ("POST /api/Report/WSJF", text.as_bytes()));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let peer = Peer::start(|_| json(200, &"1".repeat(SMALL_BODY + 1))).await;
    let error = api(&peer, Identity::Nameless).probe().await.unwrap_err();
    assert!(matches!(error, ApiError::NotOurServer(_)), "{error:?}");
}

#[tokio::test]
async fn a_query_is_escaped_whole() {
    let peer = Peer::start(|_| json(200, "[]")).await;
    api(&peer, Identity::Nameless).fetch_headers("serialNumber eq 'O''Brien & Søn'", 20, 40).await.unwrap();
    let line = peer.asked()[0].line.clone();
    assert!(line.contains("filter=serialNumber+eq+%27O%27%27Brien+%26+S%C3%B8n%27") && line.contains("skip=40"), "{line}");
}

/// A line server behind a certificate of the plant's own authority, on a thread of its own. Answers its address and the authority.
fn encrypted_line(names: &[&str]) -> (u16, Vec<u8>) {
    use std::io::{Read, Write};
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, authority).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = std::sync::Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut head = [0; 4096];
            // Whoever does not trust the certificate hangs up here, before a word is said.
            if stream.read(&mut head).is_ok_and(|bytes| bytes > 0) {
                let body = "\"0.1.0\"";
                let answer =
                    format!("HTTP/1.1 200 OK\r\nx-andon-server: s1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (port, issuer.der().to_vec())
}

async fn probe_encrypted(port: u16, roots: &[Vec<u8>]) -> Result<Probe, ApiError> {
    let server = ServerUrl::parse(&format!("https://localhost:{port}")).unwrap();
    let http = Http::new(&server, roots, Way::direct()).unwrap();
    Api::new(http, server, Secret::new("token"), Identity::Unknown).probe().await
}

#[tokio::test]
async fn a_certificate_is_trusted_only_by_the_plants_own_authority_and_for_its_name() {
    let (port, authority) = encrypted_line(&["localhost"]);
    let refused = probe_encrypted(port, &[]).await.unwrap_err();
    assert!(matches!(&refused, ApiError::Certificate(why) if why.contains("UnknownIssuer") || why.contains("issuer")), "{refused:?}");
    let (_, other) = encrypted_line(&["localhost"]);
    assert!(matches!(probe_encrypted(port, &[other]).await, Err(ApiError::Certificate(_))));
    assert_eq!(probe_encrypted(port, &[authority]).await.unwrap().identity, Identity::Line("s1".to_owned()));
    let (port, authority) = encrypted_line(&["another-line"]);
    assert!(matches!(probe_encrypted(port, &[authority]).await, Err(ApiError::Certificate(_))), "a certificate for another name");
}

/// A way that is entered at `entry`, and who moves it.
fn way(entry: Entry) -> (tokio::sync::watch::Sender<Entry>, Way) {
    let (sender, follower) = tokio::sync::watch::channel(entry);
    (sender, Way::new(follower))
}

#[tokio::test]
async fn through_a_tunnel_the_server_keeps_its_name_for_certificate_and_host() {
    let (port, authority) = encrypted_line(&["line-a.plant"]);
    let local = format!("127.0.0.1:{port}").parse().unwrap();
    let probe = async |url: &str| {
        let server = ServerUrl::parse(url).unwrap();
        let http = Http::new(&server, std::slice::from_ref(&authority), way(Entry::Open(local)).1).unwrap();
        Api::new(http, server, Secret::new("token"), Identity::Unknown).probe().await
    };
    assert_eq!(probe("https://line-a.plant:8443").await.unwrap().identity, Identity::Line("s1".to_owned()));
    assert!(matches!(probe("https://line-b.plant").await, Err(ApiError::Certificate(_))), "the tunnel's end is no excuse");
    let peer = Peer::start(|_| from_line("s1", 200, "\"0.1.0\"")).await;
    let local = peer.url.trim_start_matches("http://").parse().unwrap();
    for (url, host) in [("http://line-a.plant:8440", "line-a.plant:8440"), ("http://10.0.0.9", "10.0.0.9")] {
        let server = ServerUrl::parse(url).unwrap();
        let http = Http::new(&server, &[], way(Entry::Open(local)).1).unwrap();
        Api::new(http, server, Secret::new("token"), Identity::Unknown).probe().await.unwrap();
        assert_eq!(peer.asked().last().unwrap().header("host"), host);
    }
}

#[tokio::test]
async fn nothing_goes_past_a_tunnel_that_is_down_and_a_request_waits_for_one_that_opens() {
    let peer = Peer::start(|_| from_line("s1", 200, "\"0.1.0\"")).await;
    let server = ServerUrl::parse(&peer.url).unwrap();
    let (entry, way) = way(Entry::Closed { needs_person: true });
    let api = Api::new(Http::new(&server, &[], way).unwrap(), server, Secret::new("token"), Identity::Unknown);
    assert_eq!(api.probe().await.unwrap_err(), ApiError::TunnelDown { needs_person: true });
    entry.send_replace(Entry::Opening);
    let local = peer.url.trim_start_matches("http://").parse().unwrap();
    let (probe, ()) = tokio::join!(api.probe(), async {
        entry.send_replace(Entry::Open(local));
    });
    assert!(probe.is_ok() && peer.asked().len() == 1, "{probe:?}");
    entry.send_replace(Entry::Direct);
    assert!(api.probe().await.is_ok(), "switched off, it goes straight");
}
