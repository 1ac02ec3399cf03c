//! A person's session on the server: two tokens in memory alone. The short one is renewed before it ends, by one renewal at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Answer, Api, ApiError, Request, ServerUrl};
use crate::protocol::auth::{LoginResponse, RefreshRequest};
use crate::support::secret::Secret;

/// An access token, and the refresh token that gets the next pair, once.
pub(crate) struct Tokens {
    /// Whose they are: the account's id on the server.
    user_id: String,
    access: Secret,
    refresh: Secret,
    /// How long the access token is good for.
    life: Duration,
}

impl From<LoginResponse> for Tokens {
    fn from(answer: LoginResponse) -> Tokens {
        let life = Duration::from_secs(answer.expires_in);
        let (access, refresh) = (Secret::new(answer.access_token), Secret::new(answer.refresh_token));
        Tokens { user_id: answer.user.id, access, refresh, life }
    }
}

/// Why a session ended otherwise than by signing out here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was revoked, the account was disabled, or it was not renewed for days.
    ByServer,
    /// The answer to a renewal was lost. The server has to take the second use of the token for a theft.
    AnswerLost,
    /// The person ended all his sessions.
    ByPerson,
}

struct Current {
    tokens: Tokens,
    renew_at: Instant,
    ends_at: Instant,
    /// A renewal was sent and not answered: whether the server has used the token up nobody knows.
    unanswered: bool,
}

impl Current {
    fn of(tokens: Tokens) -> Current {
        let now = Instant::now();
        Current { renew_at: now + tokens.life * 2 / 3, ends_at: now + tokens.life, tokens, unanswered: false }
    }

    /// While it is not known whether the refresh token is used up, the access token is used to its end.
    fn due(&self) -> Instant {
        if self.unanswered { self.ends_at } else { self.renew_at }
    }
}

/// How long a renewal that failed is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a person's requests go out with.
pub(crate) struct PersonSession {
    name: String,
    api: Arc<Api>,
    user_id: String,
    current: Arc<Mutex<Current>>,
    end: watch::Sender<Option<End>>,
}

impl PersonSession {
    pub(crate) fn start(api: Arc<Api>, name: &str, tokens: Tokens) -> Arc<PersonSession> {
        let (user_id, current) = (tokens.user_id.clone(), Arc::new(Mutex::new(Current::of(tokens))));
        let session = Arc::new(PersonSession { name: name.to_owned(), api, user_id, current, end: watch::Sender::new(None) });
        tokio::spawn(keep_fresh(Arc::downgrade(&session), session.end.subscribe()));
        session
    }

    /// Whose it is.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The account's id on the server.
    pub(crate) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The server it was opened at.
    pub(crate) fn server(&self) -> &ServerUrl {
        self.api.server()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        loop {
            if let Some(end) = *end.borrow_and_update() {
                return end;
            }
            // The sender is ours: it outlives this.
            let _ = end.changed().await;
        }
    }

    /// The first reason stays.
    pub(crate) fn end(&self, reason: End) {
        self.end.send_if_modified(|end| end.is_none() && end.replace(reason).is_none());
    }

    fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// An access token that is good now.
    pub(crate) async fn access(&self) -> Result<Secret, ApiError> {
        self.check()?;
        let current = self.current.clone().lock_owned().await;
        if Instant::now() < current.due() {
            return Ok(current.tokens.access.clone());
        }
        self.renew(current).await
    }

    /// As [`access`](Self::access), after `refused` was refused. Somebody else may have renewed it meanwhile.
    pub(crate) async fn access_after(&self, refused: &Secret) -> Result<Secret, ApiError> {
        self.check()?;
        let current = self.current.clone().lock_owned().await;
        if current.tokens.access != *refused { Ok(current.tokens.access.clone()) } else { self.renew(current).await }
    }

    fn check(&self) -> Result<(), ApiError> {
        if self.has_ended() { Err(ApiError::TokenRefused { sentence: String::new() }) } else { Ok(()) }
    }

    /// Renews in a task of its own: who asked may be cut off, and the answer with the only good token must not be lost with him.
    async fn renew(&self, current: OwnedMutexGuard<Current>) -> Result<Secret, ApiError> {
        let (api, end) = (self.api.clone(), self.end.clone());
        let renewal = tokio::spawn(renew(api, current, end));
        renewal.await.unwrap_or_else(|error| Err(ApiError::Unreachable(error.to_string())))
    }

    /// Sends a request of this person. A token that is refused is renewed once.
    pub(super) async fn call(&self, request: Request) -> Result<Answer, ApiError> {
        let access = self.access().await?;
        let ask = async |access: &Secret| self.api.send(request.clone().authorize("Bearer", access)).await;
        match ask(&access).await {
            Err(ApiError::TokenRefused { .. }) => {
                let access = self.access_after(&access).await?;
                ask(&access).await.inspect_err(|error| {
                    if matches!(error, ApiError::TokenRefused { .. }) {
                        self.end(End::ByServer);
                    }
                })
            }
            other => other,
        }
    }

    /// `POST /api/auth/logout`. Whether it arrives or not, the person is gone from here. True where the server knows it:
    /// it heard of it, or had ended the session before.
    pub(crate) async fn log_out(&self) -> bool {
        let result = self.call(Request::post("/api/auth/logout", Vec::new())).await;
        if let Err(error) = &result {
            tracing::debug!(%error, "the server was not told of the sign-out");
        }
        matches!(result, Ok(_) | Err(ApiError::TokenRefused { .. }))
    }
}

async fn renew(api: Arc<Api>, mut current: OwnedMutexGuard<Current>, end: watch::Sender<Option<End>>) -> Result<Secret, ApiError> {
    let lost = std::mem::replace(&mut current.unanswered, true);
    match api.renew(&current.tokens.refresh).await {
        Ok(answer) => {
            *current = Current::of(answer.into());
            Ok(current.tokens.access.clone())
        }
        Err(error @ ApiError::TokenRefused { .. }) => {
            let reason = if lost { End::AnswerLost } else { End::ByServer };
            end.send_if_modified(|end| end.is_none() && end.replace(reason).is_none());
            Err(error)
        }
        Err(error) => {
            tracing::debug!(%error, "the person's session could not be renewed");
            let usable = Instant::now() < current.ends_at;
            if usable { Ok(current.tokens.access.clone()) } else { Err(error) }
        }
    }
}

/// Renews in time as long as anybody holds the session.
async fn keep_fresh(session: std::sync::Weak<PersonSession>, mut end: watch::Receiver<Option<End>>) {
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = end.changed() => return,
        }
        let Some(session) = session.upgrade() else { return };
        let failed = session.access().await.is_err();
        let due = session.current.lock().await.due();
        wait = due.saturating_duration_since(Instant::now()).max(if failed { PATIENCE } else { Duration::from_millis(200) });
    }
}

impl Api {
    /// `POST /api/auth/refresh`.
    async fn renew(&self, refresh: &Secret) -> Result<LoginResponse, ApiError> {
        let body = RefreshRequest { refresh_token: refresh.expose().to_owned() };
        let text = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
        zeroize::Zeroize::zeroize(&mut { body.refresh_token });
        self.send(Request::post("/api/auth/refresh", text.to_vec())).await?.json()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::{Http, Identity, Way};
    use super::*;
    use crate::client::peer::{Asked, Peer, json, pair};
    use crate::client::server_url::ServerUrl;

    fn tokens(access: &str, refresh: &str, life_secs: u64) -> Tokens {
        let (access, refresh) = (Secret::new(access), Secret::new(refresh));
        Tokens { user_id: "1".to_owned(), access, refresh, life: Duration::from_secs(life_secs) }
    }

    fn session(peer: &Peer, tokens: Tokens) -> Arc<PersonSession> {
        let server = ServerUrl::parse(&peer.url).unwrap();
        let http = Http::new(&server, &[], Way::direct()).unwrap();
        PersonSession::start(Arc::new(Api::new(http, server, Secret::new("station"), Identity::Nameless)), "ann", tokens)
    }

    fn is_renewal(asked: &Asked) -> bool {
        asked.line == "POST /api/auth/refresh"
    }

    fn bearer(asked: &Asked) -> String {
        asked.header("authorization").trim_start_matches("Bearer ").to_owned()
    }

    #[tokio::test]
    async fn many_requests_at_once_renew_once() {
        let renewals = AtomicU32::new(0);
        let peer = Peer::start(move |asked| match is_renewal(asked) {
            true => json(200, &pair("ann", renewals.fetch_add(1, Ordering::SeqCst) + 1)),
            false if bearer(asked) == "a1" => json(200, "[]"),
            false => json(401, "{}"),
        })
        .await;
        let session = session(&peer, tokens("a0", "r0", 0));
        let asks: Vec<_> = (0..8).map(|_| session.clone()).map(|one| tokio::spawn(async move { one.fetch_sessions().await })).collect();
        for ask in asks {
            assert_eq!(ask.await.unwrap(), Ok(Vec::new()));
        }
        let renewals: Vec<Asked> = peer.asked().into_iter().filter(is_renewal).collect();
        assert_eq!(renewals.len(), 1);
        assert!(String::from_utf8_lossy(&renewals[0].body).contains("r0"));
    }

    #[tokio::test]
    async fn a_renewal_goes_on_when_the_one_who_asked_is_cut_off() {
        let peer = Peer::start(|asked| {
            if is_renewal(asked) {
                // The caller below is gone by then.
                #[expect(clippy::disallowed_methods, reason = "the scripted server is slow on purpose")]
                std::thread::sleep(Duration::from_millis(200));
                return json(200, &pair("ann", 1));
            }
            if bearer(asked) == "a1" { json(200, "[]") } else { json(401, "{}") }
        })
        .await;
        let session = session(&peer, tokens("a0", "r0", 900));
        let cut = tokio::time::timeout(Duration::from_millis(50), session.access_after(&Secret::new("a0"))).await;
        assert!(cut.is_err());
        assert_eq!(session.fetch_sessions().await, Ok(Vec::new()));
        assert_eq!(peer.asked().iter().filter(|asked| is_renewal(asked)).count(), 1);
    }

    #[tokio::test]
    async fn a_lost_answer_is_told_from_a_session_that_the_server_ended() {
        let peer = Peer::start(|asked| if is_renewal(asked) { json(200, "") } else { json(200, "[]") }).await;
        peer.answer(|_| crate::client::peer::Answer(0, Vec::new(), String::new()));
        let lost = session(&peer, tokens("a0", "r0", 0));
        assert!(matches!(lost.access().await, Err(ApiError::Unreachable(_))));
        peer.answer(|_| json(401, r#"{"error":"used","code":"token_reused"}"#));
        assert!(matches!(lost.access().await, Err(ApiError::TokenRefused { .. })));
        assert_eq!(lost.ended().await, End::AnswerLost);
        let refused = session(&peer, tokens("a0", "r0", 0));
        assert!(matches!(refused.access().await, Err(ApiError::TokenRefused { .. })));
        assert_eq!(refused.ended().await, End::ByServer);
    }

    #[tokio::test]
    async fn while_a_renewal_is_in_doubt_the_token_at_hand_is_used_to_its_end() {
        let peer = Peer::start(|asked| match is_renewal(asked) {
            true => crate::client::peer::Answer(0, Vec::new(), String::new()),
            false => json(200, "[]"),
        })
        .await;
        let session = session(&peer, tokens("a0", "r0", 900));
        session.current.lock().await.renew_at = Instant::now();
        for _ in 0..3 {
            assert_eq!(session.fetch_sessions().await, Ok(Vec::new()));
        }
        assert_eq!(peer.asked().iter().filter(|asked| is_renewal(asked)).count(), 1, "asked once, then left in peace");
    }
}
