//! A person's conversation for programs without a window: signs in with a password, on a thread of its own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::CallError;
use crate::client::api::{ApiError, Http};
use crate::client::explain::Explanation;
use crate::client::live::{self, Access, LiveEvent, Unsent};
use crate::client::server_url::{BadServerUrl, ServerUrl};
use crate::client::sign_in::{SignInError, of_password};
use crate::protocol::auth::LoginResponse;
use crate::protocol::chat::Message;
use crate::support::secret::Secret;

/// Messages that may wait to be taken over, and events that may wait to be shown.
const WAITING: usize = 64;
/// How long before its end an access token is renewed.
const EARLY: Duration = Duration::from_secs(90);

/// A person who has signed in to a line server for a conversation.
pub struct Chat {
    runtime: tokio::runtime::Runtime,
    http: Http,
    server: ServerUrl,
    roots: Vec<Vec<u8>>,
    session: Arc<Mutex<Session>>,
}

/// His two tokens, in memory alone.
struct Session {
    access: Secret,
    refresh: Secret,
    ends: Instant,
}

impl Session {
    fn of(answer: LoginResponse) -> Session {
        let ends = Instant::now() + Duration::from_secs(answer.expires_in);
        Session { access: Secret::new(answer.access_token), refresh: Secret::new(answer.refresh_token), ends }
    }
}

impl Chat {
    /// `roots` are further certificate authorities in DER.
    pub(super) fn sign_in(url: &str, plain: bool, roots: &[Vec<u8>], user: &str, password: &Secret) -> Result<Chat, CallError> {
        let failed = |error: SignInError| match error {
            SignInError::Unreachable { .. } | SignInError::ServerError { .. } => CallError::Unreachable(error.explain()),
            error => CallError::Refused(error.explain()),
        };
        let server = ServerUrl::parse(url).map_err(|error| CallError::Failed(SignInError::from(error).explain()))?;
        if server.is_plain_http() && !plain {
            return Err(CallError::Failed(SignInError::from(BadServerUrl::PlainHttp).explain()));
        }
        let http = Http::new(&server, roots)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| CallError::Failed(Explanation::new("disk_failed").detail(error)))?;
        let answer = runtime.block_on(http.login(&server, user, password)).map_err(|denied| failed(of_password(denied)))?;
        Ok(Chat { runtime, http, server, roots: roots.to_vec(), session: Arc::new(Mutex::new(Session::of(answer))) })
    }

    /// The newest messages of a room, oldest first.
    pub fn history(&self, room: &str) -> Result<Vec<Message>, CallError> {
        let history = self.runtime.block_on(async {
            let access = self.session.lock().await.access.clone();
            self.http.fetch_history(&self.server, &access, room, None).await
        });
        Ok(history?.messages)
    }

    /// Goes live. `hear` is called with everything that happens beside the messages that are known.
    pub fn talk(self, known: Vec<String>, hear: impl Fn(LiveEvent) + Send + 'static) -> Result<Talk, std::io::Error> {
        let (say, mut inbox) = mpsc::channel(WAITING);
        let (events, mut heard) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let Chat { runtime, http, server, roots, session } = self;
        let (source, way) = (session.clone(), (http.clone(), server.clone()));
        let access = Arc::new(move || access(source.clone(), way.clone()));
        let thread = std::thread::Builder::new().name("andon-chat".to_owned()).spawn(move || {
            runtime.block_on(async {
                let parts = live::Parts { server: server.clone(), roots, access, events, known };
                let show = async {
                    while let Some(event) = heard.recv().await {
                        hear(event);
                    }
                };
                let (left, ()) = tokio::join!(live::run(parts, &mut inbox, asked), show);
                let session = session.lock().await;
                let _ = tokio::time::timeout(Duration::from_secs(2), http.logout(&server, &session.access)).await;
                left
            })
        })?;
        Ok(Talk { say: Some(say), stop, thread: Some(thread) })
    }
}

fn access(session: Arc<Mutex<Session>>, (http, server): (Http, ServerUrl)) -> Access {
    Box::pin(async move {
        let mut session = session.lock().await;
        if Instant::now() + EARLY >= session.ends {
            let answer = http.renew(&server, &session.refresh).await;
            match answer {
                Ok(answer) => *session = Session::of(answer),
                // The old one may do for a while yet.
                Err(ApiError::Unreachable(_) | ApiError::Later { .. }) if Instant::now() < session.ends => {}
                Err(error) => return Err(error),
            }
        }
        Ok(session.access.clone())
    })
}

/// A conversation that goes on. Dropping it cuts it off.
pub struct Talk {
    say: Option<mpsc::Sender<Unsent>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<usize>>,
}

impl Talk {
    /// Says something, now or when the server is reached again. Waits while too much waits. False once the conversation has ended.
    pub fn say(&self, room: &str, content: &str) -> bool {
        let unsent = Unsent { id: Uuid::now_v7(), room: room.to_owned(), content: content.to_owned(), note: false };
        self.say.as_ref().is_some_and(|say| say.blocking_send(unsent).is_ok())
    }

    /// Waits until everything is said, or for `limit`. How much was not.
    pub fn finish(mut self, limit: Duration) -> usize {
        drop(self.say.take());
        let Some(thread) = self.thread.take() else { return 0 };
        let deadline = std::time::Instant::now() + limit;
        while !thread.is_finished() && std::time::Instant::now() < deadline {
            #[expect(clippy::disallowed_methods, reason = "the caller has nothing else to do")]
            std::thread::sleep(Duration::from_millis(10));
        }
        self.stop.cancel();
        thread.join().unwrap_or(0)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
