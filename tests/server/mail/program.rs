//! The true binary: codes on standard error for developers, mail that outlives a kill, and no secret in the log.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::sink::{Mood, SMTP_PASSWORD, Sink, until};
use crate::http::{Answer, send};
use crate::world::PASSWORD;

struct Served {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(folder: &Path, settings: &[(&str, &str)]) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon-server"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder);
        let names = ["ANDON_HOME", "ANDON_LISTEN", "ANDON_DATABASE_URL", "DATABASE_URL", "ANDON_LOG", "ANDON_DEV", "ANDON_SMTP_URL"];
        for name in names {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| *kept.lock().unwrap() += &(line + "\n")));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("{line:?} {}", said.lock().unwrap())).parse().unwrap();
        Served { child, address, said }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.address, "POST", path, &[("content-type", "application/json")], Some(body.to_string().as_bytes())).await
    }

    async fn sign_up(&self, name: &str) -> Answer {
        let email = format!("{name}@x.example");
        self.post("/api/signup", &json!({ "username": name, "email": email, "password": PASSWORD })).await
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_developer_reads_the_code_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &[("ANDON_DEV", "1"), ("ANDON_SIGNUP", "open")]);
    served.sign_up("anna").await.expect(201);
    let code = until("the code", || {
        let said = served.said();
        let line = said.lines().find_map(|line| line.strip_prefix("verification code for anna@x.example: "))?;
        Some(line.to_owned())
    })
    .await;
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
    served.post("/api/verify-email", &json!({ "email": "anna@x.example", "code": code })).await.expect(200);
    served.post("/api/login", &json!({ "username": "anna", "password": PASSWORD })).await.expect(200);
}

#[tokio::test]
async fn without_mail_and_not_a_developers_machine_signing_up_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &[]);
    served.sign_up("anna").await.expect_refusal(403, "mail_not_set_up");
    assert!(!served.said().contains("verification code"), "{}", served.said());
}

#[tokio::test]
async fn mail_outlives_a_server_that_is_killed_before_or_while_it_is_sent() {
    let (folder, mut sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, sink.authority()).unwrap();
    let url = sink.url();
    let settings = [
        ("ANDON_SMTP_URL", url.as_str()),
        ("ANDON_MAIL_FROM", "andon@plant.example"),
        ("ANDON_SMTP_CA", authority.to_str().unwrap()),
        ("ANDON_LOG", "trace"),
    ];
    sink.set(Mood::Stalls);
    let served = Served::start(folder.path(), &settings);
    served.sign_up("anna").await.expect(201);
    sink.mail_to("anna@x.example", 1).await;
    let mut said = served.said();
    drop(served);
    sink.stop();
    let served = Served::start(folder.path(), &settings);
    served.sign_up("berta").await.expect(201);
    drop(served);
    sink.restart().await;
    sink.set(Mood::Takes);
    let served = Served::start(folder.path(), &settings);
    let code = sink.mail_to("anna@x.example", 2).await.code();
    let other = sink.mail_to("berta@x.example", 1).await.code();
    served.post("/api/verify-email", &json!({ "email": "anna@x.example", "code": code })).await.expect(200);
    let taken: Vec<_> = sink.mails().into_iter().filter(|mail| mail.taken).flat_map(|mail| mail.to).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    said += &served.said();
    for secret in [code.as_str(), &other, PASSWORD, SMTP_PASSWORD, &SMTP_PASSWORD.replace(' ', "%20")] {
        let places: Vec<&str> = said.lines().filter(|line| line.contains(secret)).collect();
        assert!(places.is_empty(), "a secret is in the log: {places:?}");
    }
}
