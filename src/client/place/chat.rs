//! A person's conversation for programs without a window: signs in with a password, on a thread of its own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::CallError;
use crate::client::api::{Api, HistoryQuery, Http, Identity, PersonSession};
use crate::client::explain::Explanation;
use crate::client::live::{self, LiveEvent, Order, Unsent};
use crate::client::server_url::{BadServerUrl, ServerUrl};
use crate::client::sign_in::{SignInError, of_password};
use crate::client::tunnel::{Approach, Passage};
use crate::protocol::chat::Message;
use crate::support::secret::Secret;

/// Messages that may wait to be taken over, and events that may wait to be shown.
const WAITING: usize = 64;
/// How long leaving waits for the server to hear of it.
const FAREWELL: Duration = Duration::from_secs(2);

/// A person who has signed in to a line server for a conversation.
pub struct Chat {
    /// Left before the runtime that carries it.
    passage: Option<Passage>,
    runtime: tokio::runtime::Runtime,
    roots: Vec<Vec<u8>>,
    person: Arc<PersonSession>,
}

impl Chat {
    /// `roots` are further certificate authorities in DER.
    pub(super) fn sign_in(
        url: &str,
        plain: bool,
        (roots, approach): (&[Vec<u8>], &Approach),
        user: &str,
        password: &Secret,
    ) -> Result<Chat, CallError> {
        let server = ServerUrl::parse(url).map_err(SignInError::from)?;
        if server.is_plain_http() && !plain {
            return Err(SignInError::from(BadServerUrl::PlainHttp).into());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| CallError::Failed(Explanation::new("disk_failed").detail(error)))?;
        let passage = runtime.block_on(approach.open()).map_err(CallError::Unreachable)?;
        let http = Http::new(&server, roots, Passage::way_of(passage.as_ref()))?;
        let person = runtime.block_on(async {
            let answer = http.login(&server, user, password).await.map_err(of_password)?;
            // The person's requests alone go this way: no station's token is sent.
            let api = Api::new(http, server, Secret::default(), Identity::Unknown);
            Ok::<_, CallError>(PersonSession::start(Arc::new(api), &answer.user.username.clone(), answer.into()))
        })?;
        Ok(Chat { passage, runtime, roots: roots.to_vec(), person })
    }

    /// The newest messages of a room, oldest first.
    pub fn history(&self, room: &str) -> Result<Vec<Message>, CallError> {
        Ok(self.runtime.block_on(self.person.fetch_history(room, &HistoryQuery::default()))?.messages)
    }

    /// Goes live. `hear` is called with everything that happens beside the messages that are known.
    pub fn talk(self, known: Vec<String>, hear: impl Fn(LiveEvent) + Send + 'static) -> Result<Talk, std::io::Error> {
        let (say, mut inbox) = mpsc::channel(WAITING);
        let (events, mut heard) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let Chat { passage, runtime, roots, person } = self;
        let way = Passage::way_of(passage.as_ref());
        let thread = std::thread::Builder::new().name("andon-chat".to_owned()).spawn(move || {
            let _passage = passage;
            runtime.block_on(async {
                let parts = live::Parts { person: person.clone(), roots, way, events, known };
                let show = async {
                    while let Some(event) = heard.recv().await {
                        hear(event);
                    }
                };
                let (left, ()) = tokio::join!(live::run(parts, &mut inbox, asked), show);
                let _ = tokio::time::timeout(FAREWELL, person.log_out()).await;
                left
            })
        })?;
        Ok(Talk { say: Some(say), stop, thread: Some(thread) })
    }
}

/// A conversation that goes on. Dropping it cuts it off.
pub struct Talk {
    say: Option<mpsc::Sender<Order>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<usize>>,
}

impl Talk {
    /// Says something, now or when the server is reached again. Waits while too much waits. False once the conversation has ended.
    /// A note is for the next shift.
    pub fn say(&self, room: &str, content: &str, note: bool) -> bool {
        let unsent = Unsent { id: Uuid::now_v7(), room: room.to_owned(), content: content.to_owned(), note };
        self.say.as_ref().is_some_and(|say| say.blocking_send(Order::Say(unsent)).is_ok())
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
