//! A small mail server: STARTTLS with a certificate of its own authority, a password where one is wanted, and what it is told to do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use andon::server::{Encryption, Smtp};
use andon::support::backoff::Backoff;
use andon::support::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const USER: &str = "line";
pub const SMTP_PASSWORD: &str = "smtp secret 7351";

/// What it does with mail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Takes,
    /// Answers the recipient with this.
    Refuses(&'static str),
    /// Has the whole mail and never says so.
    Stalls,
    /// Offers no STARTTLS.
    Plain,
}

/// A mail that was handed over whole.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Vec<String>,
    pub text: String,
    pub encrypted: bool,
    pub user: Option<String>,
    /// Whether its sender was told that it is taken.
    pub taken: bool,
}

impl Mail {
    /// The code of its HTML part.
    pub fn code(&self) -> String {
        let start = self.text.find("<strong>").unwrap_or_else(|| panic!("no code in {}", self.text)) + "<strong>".len();
        let code: String = self.text[start..].chars().take(6).collect();
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
        code
    }
}

struct Shared {
    mails: Mutex<Vec<Mail>>,
    mood: Mutex<Mood>,
    /// Recipients that were named, taken or not.
    named: Mutex<Vec<String>>,
}

/// The mail server. It is gone when this is dropped.
pub struct Sink {
    address: SocketAddr,
    authority: String,
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    accepting: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Sink {
    pub async fn start() -> Sink {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        });
        let (authority, acceptor) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared { mails: Mutex::default(), mood: Mutex::new(Mood::Takes), named: Mutex::default() };
        let address = listener.local_addr().unwrap();
        let mut sink = Sink { address, authority, shared: Arc::new(shared), acceptor, accepting: None };
        sink.accept(listener);
        sink
    }

    fn accept(&mut self, listener: TcpListener) {
        let (shared, acceptor) = (self.shared.clone(), self.acceptor.clone());
        self.accepting = Some(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        }));
    }

    /// From now on nobody answers.
    pub fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }

    /// At the same address again.
    pub async fn restart(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return self.accept(listener),
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// How a line server reaches it: STARTTLS, its own authority, a password, and little patience.
    pub fn settings(&self) -> Smtp {
        Smtp {
            host: "127.0.0.1".to_owned(),
            port: self.address.port(),
            encryption: Encryption::StartTls,
            user: Some((USER.to_owned(), Secret::new(SMTP_PASSWORD))),
            from: "andon@plant.example".to_owned(),
            authorities: Some(self.authority.clone().into_bytes()),
            retry: Backoff::new(Duration::from_millis(20), Duration::from_millis(100)),
        }
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub fn url(&self) -> String {
        format!("smtp://{USER}:{}@{}", SMTP_PASSWORD.replace(' ', "%20"), self.address)
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// Recipients that were named, in order.
    pub fn named(&self) -> Vec<String> {
        self.shared.named.lock().unwrap().clone()
    }

    /// Waits for mail number `count` (from 1) to this address.
    pub async fn mail_to(&self, email: &str, count: usize) -> Mail {
        let found = || self.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == email)).nth(count - 1);
        until(&format!("mail {count} to {email}"), found).await
    }
}

/// Waits until there is one.
pub async fn until<T>(what: &str, find: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An authority's certificate, and a server's that it vouches for.
fn certificates() -> (String, TlsAcceptor) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.der().clone()], private).unwrap();
    (issuer.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// One conversation, in clear and then encrypted.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    let _ = stream.write_all(b"220 sink ready\r\n").await;
    if converse(&mut stream, false, &shared).await == Some(Next::Encrypt)
        && let Ok(encrypted) = acceptor.accept(stream.into_inner()).await
    {
        converse(&mut BufReader::new(encrypted), true, &shared).await;
    }
}

#[derive(PartialEq)]
enum Next {
    Encrypt,
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, encrypted: bool, shared: &Shared) -> Option<Next> {
    let mut mail = Mail { to: Vec::new(), text: String::new(), encrypted, user: None, taken: false };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mood = *shared.mood.lock().unwrap();
        let verb = line.split([' ', '\r', '\n']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" if encrypted => "250-sink\r\n250 AUTH PLAIN\r\n".to_owned(),
            "EHLO" if mood == Mood::Plain => "250 sink\r\n".to_owned(),
            "EHLO" => "250-sink\r\n250 STARTTLS\r\n".to_owned(),
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                return Some(Next::Encrypt);
            }
            "AUTH" => authenticate(&line, &mut mail),
            "MAIL" if !encrypted => "530 encrypt first\r\n".to_owned(),
            "MAIL" if mail.user.is_none() => "530 who are you\r\n".to_owned(),
            "RCPT" => name(&line, mood, &mut mail, shared),
            "DATA" => {
                stream.write_all(b"354 speak\r\n").await.ok()?;
                mail.text = read_text(stream).await?;
                mail.taken = mood != Mood::Stalls;
                shared.mails.lock().unwrap().push(mail.clone());
                mail.to.clear();
                if mood == Mood::Stalls {
                    std::future::pending::<()>().await;
                }
                "250 taken\r\n".to_owned()
            }
            "QUIT" => return None,
            _ => "250 fine\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

fn authenticate(line: &str, mail: &mut Mail) -> String {
    let given = line.trim().rsplit(' ').next().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    if given == format!("\0{USER}\0{SMTP_PASSWORD}").into_bytes() {
        mail.user = Some(USER.to_owned());
        "235 welcome\r\n".to_owned()
    } else {
        "535 no\r\n".to_owned()
    }
}

fn name(line: &str, mood: Mood, mail: &mut Mail, shared: &Shared) -> String {
    let to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
    shared.named.lock().unwrap().push(to.clone());
    match mood {
        Mood::Refuses(answer) => format!("{answer}\r\n"),
        _ => {
            mail.to.push(to);
            "250 fine\r\n".to_owned()
        }
    }
}

/// Until the line that is a dot, with soft line ends of quoted-printable undone.
async fn read_text<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(text.replace("=\r\n", ""));
        }
        text.push_str(&line);
    }
}
