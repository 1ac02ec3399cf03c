//! One connection: greeted at once, a stranger until it authenticates, then heard and told.

mod hearing;
mod saying;
mod signing_in;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::hearing::Rooms;
use super::{Event, Said};
use crate::domain::Permission;
use crate::protocol::chat::{AuthError, Connected};
use crate::server::services::socket_sign_in::{Admitted, PROLONG};
use crate::server::services::{server_status, socket_sign_in};
use crate::server::sockets::{Seat, Standing};
use crate::server::state::Line;

/// Messages that a connection is known to have, so that none is told twice.
const TOLD: usize = 256;
/// How long a client that is cut off may take to read so, and how often it is tried.
const LAST_WORD: Duration = Duration::from_secs(60);
const LAST_WORD_AGAIN: Duration = Duration::from_millis(100);
const SESSION_ENDED: &str = "Your session has ended. Sign in again.";

pub(super) struct Conversation {
    line: Arc<Line>,
    socket: SocketRef,
    seat: Seat,
    /// Names this connection on the bus.
    id: Uuid,
    known: Option<Admitted>,
    rooms: Rooms,
    /// The newest message of this connection's time, and those it knows, the newest last.
    latest: Uuid,
    told: VecDeque<String>,
    failures: u32,
    large_echoes: u32,
}

/// The client is to be cut off.
struct CutOff;

type Going = Result<(), CutOff>;

impl Conversation {
    pub(super) fn new(line: Arc<Line>, socket: SocketRef, seat: Seat) -> Conversation {
        let (rooms, told, latest) = (Rooms::Some(HashSet::new()), VecDeque::with_capacity(TOLD), Uuid::now_v7());
        Conversation { line, socket, seat, id: Uuid::now_v7(), known: None, rooms, latest, told, failures: 0, large_echoes: 0 }
    }

    /// Until either side has gone. What the client said before it went is still heard: it may have said it and gone at once.
    pub(super) async fn run(mut self, said: mpsc::Receiver<Said>, gone: CancellationToken) {
        let ended = self.talk(said, gone).await;
        if let Some(known) = self.known.take() {
            socket_sign_in::leave(&self.line, known).await;
        }
        if ended.is_err() || self.socket.connected() {
            drop(self.seat);
            part(&self.socket).await;
        }
    }

    async fn talk(&mut self, mut said: mpsc::Receiver<Said>, gone: CancellationToken) -> Going {
        // Before anybody may authenticate, so that nothing is missed.
        let mut heard = self.line.bus.follow();
        self.greet().await?;
        self.recognise().await?;
        let mut prolong = tokio::time::interval_at(tokio::time::Instant::now() + PROLONG, PROLONG);
        loop {
            let expires_at = self.known.as_ref().and_then(|known| known.expires_at);
            let changed = async {
                match &mut self.known {
                    Some(known) => known.changed().await,
                    None => std::future::pending().await,
                }
            };
            let over = time_left(&self.line, expires_at);
            tokio::select! {
                biased;
                () = over => self.stand(Standing::Ended)?,
                standing = changed => self.stand(standing)?,
                () = self.seat.given_up() => return Err(CutOff),
                said = next(&mut said, &gone) => match said {
                    Some(said) => self.hear(said).await?,
                    None => return Ok(()),
                },
                happening = heard.recv() => self.pass_on(happening, &mut heard).await?,
                _ = prolong.tick() => if let Some(known) = &self.known {
                    socket_sign_in::prolong(&self.line, known).await;
                },
            }
        }
    }

    fn emit(&self, event: &str, data: &impl Serialize) -> Going {
        match self.socket.emit(event, data) {
            // Nobody is there to read it any more: what he began goes on all the same.
            Ok(()) | Err(SendError::Socket(SocketError::Closed)) => Ok(()),
            // Too slow.
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Err(CutOff),
            Err(SendError::Serialize(error)) => {
                tracing::error!("an event could not be written: {error}");
                Ok(())
            }
        }
    }

    async fn greet(&self) -> Going {
        let server_status = server_status::read(&self.line).await;
        self.emit("connected", &Connected { message: "Connected to server", sid: self.socket.id.as_str(), server_status })
    }

    async fn hear(&mut self, said: Said) -> Going {
        let content = said.payload.read();
        match said.event {
            Event::Authenticate => self.authenticate(content).await?,
            Event::Message => self.message(content).await?,
            Event::Join => self.join(content).await?,
        }
        let _ = said.ack.send::<[(); 0]>(&[]);
        Ok(())
    }

    /// The person's session, role or name is another than it was.
    fn stand(&mut self, standing: Standing) -> Going {
        match standing {
            Standing::Good { role, .. } if role.may(Permission::Chat) => Ok(()),
            _ => {
                self.emit("auth_error", &AuthError { error: SESSION_ENDED, retry_after: None })?;
                Err(CutOff)
            }
        }
    }
}

/// What the client said next; of one that has gone what still waits, and then nothing.
async fn next(said: &mut mpsc::Receiver<Said>, gone: &CancellationToken) -> Option<Said> {
    tokio::select! {
        biased;
        () = gone.cancelled() => {
            said.close();
            said.recv().await
        }
        said = said.recv() => said,
    }
}

/// Cuts a client off. One that is too slow has no room for that word either, and would otherwise stay, served by nobody.
async fn part(socket: &SocketRef) {
    let parting = async {
        while let Err(SocketError::InternalChannelFull) = socket.clone().disconnect() {
            tokio::time::sleep(LAST_WORD_AGAIN).await;
        }
    };
    let _ = tokio::time::timeout(LAST_WORD, parting).await;
}

/// Waits until a token ends; for ever where there is none.
async fn time_left(line: &Line, expires_at: Option<DateTime<Utc>>) {
    match expires_at {
        Some(end) => tokio::time::sleep((end - line.clock.now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}
