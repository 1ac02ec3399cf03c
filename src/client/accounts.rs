//! Accounts that people make by themselves, and passwords they have forgotten: one question, one answer, and nothing is kept.

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::{ApiError, Denied, Http};
use super::bridge::Slice;
use super::command::AccountCommand;
use super::explain::Explanation;
use super::model::{AccountSlice, AccountStep};
use super::place::CallError;
use super::server_url::{BadServerUrl, ServerUrl};
use super::sign_in::SignInError;
use super::tunnel::{Approach, Passage, Way};
use crate::support::secret::Secret;

/// What somebody asks of a line server before he can sign in.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountAsk {
    SignUp {
        name: String,
        email: String,
        password: Secret,
    },
    /// Confirms an address with the code that was sent there.
    Verify {
        email: String,
        code: Secret,
    },
    /// A new code; the one before ends.
    Resend {
        email: String,
    },
    /// Whether name and password are right. Opens no session.
    Check {
        name: String,
        password: Secret,
    },
    /// A code for a new password.
    Forgot {
        email: String,
    },
    NewPassword {
        email: String,
        code: Secret,
        password: Secret,
    },
}

/// The way to one server.
#[derive(Clone)]
pub(crate) struct Desk {
    http: Http,
    server: ServerUrl,
}

impl Desk {
    /// `roots` are further certificate authorities in DER.
    pub(crate) fn new(server: ServerUrl, roots: &[Vec<u8>], way: Way) -> Result<Desk, CallError> {
        Ok(Desk { http: Http::new(&server, roots, way)?, server })
    }

    /// Answers with the server's own sentence.
    pub(crate) async fn ask(&self, ask: &AccountAsk) -> Result<String, CallError> {
        let text = |text: &str| Secret::new(text.trim());
        let (path, fields): (&str, Vec<(&str, Secret)>) = match ask {
            AccountAsk::SignUp { name, email, password } => {
                ("/api/signup", vec![("username", text(name)), ("email", text(email)), ("password", password.clone())])
            }
            AccountAsk::Verify { email, code } => ("/api/verify-email", vec![("email", text(email)), ("code", text(code.expose()))]),
            AccountAsk::Resend { email } => ("/api/resend-verification", vec![("email", text(email))]),
            AccountAsk::Check { name, password } => ("/api/login", vec![("username", text(name)), ("password", password.clone())]),
            AccountAsk::Forgot { email } => ("/api/auth/password-reset", vec![("email", text(email))]),
            AccountAsk::NewPassword { email, code, password } => (
                "/api/auth/password-reset/confirm",
                vec![("email", text(email)), ("code", text(code.expose())), ("password", password.clone())],
            ),
        };
        let fields: Vec<(&str, &Secret)> = fields.iter().map(|(name, value)| (*name, value)).collect();
        self.http.ask_account(&self.server, path, &fields).await.map_err(explain)
    }
}

/// An address that a password may be sent to.
pub(crate) fn check_address(url: &str, allow_plain_http: bool) -> Result<ServerUrl, CallError> {
    let unusable = |error: BadServerUrl| CallError::Failed(SignInError::BadAddress(error).explain());
    let server = ServerUrl::parse(url).map_err(unusable)?;
    if server.is_plain_http() && !allow_plain_http { Err(unusable(BadServerUrl::PlainHttp)) } else { Ok(server) }
}

/// Refusals by what can be done about them; the server's own sentence is the detail.
fn explain(denied: Denied) -> CallError {
    let detail = denied.error.detail();
    let told = |key| Explanation::new(key).detail(&detail);
    if let Some(wait) = denied.locked {
        return CallError::Refused(SignInError::LockedFor(wait).explain().detail(detail));
    }
    let key = match &denied.error {
        ApiError::TokenRefused { .. } => "wrong_password",
        ApiError::Later { status: 429, .. } => "too_many_tries",
        ApiError::Refused { status, code, .. } => match (status, code.as_str()) {
            (_, "username_taken") => "username_taken",
            (_, "email_taken") => "email_taken",
            (_, "bad_username" | "bad_email" | "bad_password" | "missing_fields") => "account_unacceptable",
            (_, "invalid_code") => "code_wrong",
            (_, "code_expired") => "code_expired",
            (_, "user_not_found") => "address_unknown",
            (_, "email_not_verified") => "email_not_verified",
            (_, "signup_closed") => "signup_closed",
            (_, "mail_not_set_up") => "mail_not_set_up",
            (404 | 405, _) => "no_accounts_here",
            _ => "server_refused",
        },
        _ => return denied.error.into(),
    };
    CallError::Refused(told(key))
}

/// As [`AccountAsk`] is asked by programs that wait for the answer.
pub struct Accounts {
    /// Left before the runtime that carries it.
    _passage: Option<Passage>,
    runtime: tokio::runtime::Runtime,
    desk: Desk,
}

impl Accounts {
    /// Opens the tunnel where there is one, and does not connect to the server yet.
    pub(crate) fn open(url: &str, allow_plain_http: bool, roots: &[Vec<u8>], approach: &Approach) -> Result<Accounts, CallError> {
        let server = check_address(url, allow_plain_http)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CallError::Failed(Explanation::new("disk_failed").detail(error)))?;
        let passage = runtime.block_on(approach.open()).map_err(CallError::Unreachable)?;
        let desk = Desk::new(server, roots, Passage::way_of(passage.as_ref()))?;
        Ok(Accounts { _passage: passage, runtime, desk })
    }

    /// Answers with the server's own sentence.
    pub fn ask(&self, ask: &AccountAsk) -> Result<String, CallError> {
        self.runtime.block_on(self.desk.ask(ask))
    }
}

/// What the window's service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) slice: Slice<AccountSlice>,
    /// Further certificate authorities, in DER.
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) way: Way,
    /// Address of the line server built into this program, while it runs.
    pub(crate) built_in: watch::Receiver<Option<String>>,
}

/// Asks what the window wants to know, one question at a time: a newer one takes the place of the older.
pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<AccountCommand>, stop: CancellationToken) {
    let mut asking: Option<JoinHandle<()>> = None;
    loop {
        let command = tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => command,
        };
        if let Some(before) = asking.take() {
            before.abort();
            // An aborted task may still be telling its answer.
            let _ = before.await;
        }
        match command {
            Some(AccountCommand::Ask { server_url, allow_plain_http, ask }) => {
                parts.slice.update(|slice| *slice = AccountSlice { asking: true, ..AccountSlice::default() });
                asking = Some(tokio::spawn(answer(parts.clone(), server_url, allow_plain_http, ask)));
            }
            Some(AccountCommand::Forget) => parts.slice.update(|slice| *slice = AccountSlice::default()),
            None => break,
        }
    }
    if let Some(before) = asking {
        before.abort();
    }
}

async fn answer(parts: Parts, server_url: String, allow_plain_http: bool, ask: AccountAsk) {
    let desk = check_address(&server_url, allow_plain_http).and_then(|server| {
        let way = parts.way.to(&server, &parts.built_in);
        Desk::new(server, &parts.roots, way)
    });
    let result = match desk {
        Ok(desk) => desk.ask(&ask).await,
        Err(error) => Err(error),
    };
    let (done, error) = match result {
        Ok(_) => (Some(ask.step()), None),
        Err(error) => (None, Some(error.explanation().clone())),
    };
    parts.slice.update(|slice| *slice = AccountSlice { asking: false, done, error });
}

impl AccountAsk {
    /// What is done when it is answered well.
    fn step(&self) -> AccountStep {
        match self {
            AccountAsk::SignUp { .. } => AccountStep::SignedUp,
            AccountAsk::Verify { .. } | AccountAsk::Check { .. } => AccountStep::Verified,
            AccountAsk::Resend { .. } | AccountAsk::Forgot { .. } => AccountStep::CodeSent,
            AccountAsk::NewPassword { .. } => AccountStep::PasswordSet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::peer::{Peer, from_line};
    use crate::support::language::Language;

    fn desk(url: &str) -> Desk {
        Desk::new(check_address(url, false).unwrap(), &[], Way::direct()).unwrap()
    }

    #[tokio::test]
    async fn what_is_asked_arrives_and_the_servers_sentence_comes_back() {
        let peer = Peer::start(|_| from_line("a", 201, "{\"message\":\"User created.\",\"user_id\":\"1\"}")).await;
        let ask = AccountAsk::SignUp { name: " anna ".to_owned(), email: "a@x.example".to_owned(), password: Secret::new(" p w ") };
        assert_eq!(desk(&peer.url).ask(&ask).await, Ok("User created.".to_owned()));
        let asked = &peer.asked()[0];
        assert_eq!(asked.line, "POST /api/signup");
        let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(body, serde_json::json!({ "username": "anna", "email": "a@x.example", "password": " p w " }));
    }

    #[tokio::test]
    async fn every_refusal_has_words_and_keeps_the_servers() {
        let language = Language::english();
        for (status, code, key) in [
            (400, "username_taken", "username_taken"),
            (400, "email_taken", "email_taken"),
            (400, "bad_email", "account_unacceptable"),
            (400, "invalid_code", "code_wrong"),
            (400, "code_expired", "code_expired"),
            (404, "user_not_found", "address_unknown"),
            (404, "not_found", "no_accounts_here"),
            (403, "signup_closed", "signup_closed"),
            (403, "mail_not_set_up", "mail_not_set_up"),
            (403, "email_not_verified", "email_not_verified"),
            (401, "invalid_credentials", "wrong_password"),
            (429, "too_many_tries", "too_many_tries"),
            (429, "locked", "account_locked"),
            (422, "odd", "server_refused"),
        ] {
            let peer = Peer::start(move |_| from_line("a", status, &format!("{{\"error\":\"Their words\",\"code\":\"{code}\"}}"))).await;
            let refused = desk(&peer.url).ask(&AccountAsk::Resend { email: "a@x.example".to_owned() }).await.unwrap_err();
            assert!(matches!(refused, CallError::Refused(_)), "{refused:?}");
            let told = refused.explanation();
            assert_eq!((told.key, told.detail.as_str()), (key, "Their words"));
            for text in [told.what(&language), told.remedy(&language)] {
                assert!(text.ends_with('.') && !text.starts_with("explain.") && !text.contains('{'), "{key}: {text}");
            }
        }
    }

    #[test]
    fn no_password_goes_to_another_machine_in_the_open() {
        assert!(check_address("http://10.0.0.1:8440", false).is_err());
        assert!(check_address("http://10.0.0.1:8440", true).is_ok());
        assert!(check_address("http://127.0.0.1:8440", false).is_ok());
    }
}
