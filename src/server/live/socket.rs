//! One live socket: what comes in is judged by its [`Session`], what happens goes out, and its end is told with a reason.

mod frames;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use chrono::SecondsFormat;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Error as WsError;
use uuid::Uuid;

use super::follow;
use super::session::{Due, Session};
use crate::protocol::live::{Ending, FRAME_LIMIT, Frame, LiveError, Topic};
use crate::server::bus::Happening;
use crate::server::error::Refusal;
use crate::server::services::chat::Replay;
use crate::server::sockets::{Seat, Standing};
use crate::server::state::Line;

/// How long a reader may keep us from writing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side may take to say goodbye, and one that reads slowly to read it.
const GOODBYE: Duration = Duration::from_secs(2);
const SLOW_GOODBYE: Duration = Duration::from_secs(10);

/// Why a socket is not served any more.
enum End {
    Because {
        ending: Ending,
        retry_after: Option<u64>,
    },
    /// The other side left, or the connection broke.
    Gone,
}

impl From<Ending> for End {
    fn from(ending: Ending) -> End {
        End::Because { ending, retry_after: None }
    }
}

type Going<T = ()> = Result<T, End>;

pub(super) struct Socket {
    line: Arc<Line>,
    stream: WebSocket,
    seat: Seat,
    session: Session,
    standing: Option<watch::Receiver<Standing>>,
    /// Names this socket on the bus.
    id: Uuid,
    /// Pings since something was heard.
    unheard: u32,
    /// The newest chat message of this socket's time.
    latest: Uuid,
}

impl Socket {
    /// From the upgrade to the end.
    pub(super) async fn serve(line: Arc<Line>, mut stream: WebSocket) {
        let Ok(seat) = line.sockets.admit() else {
            return goodbye(&line, &mut stream, Ending::TooMany, Some(5)).await;
        };
        let session = Session::new(line.clock.now());
        let mut socket = Socket { line, stream, seat, session, standing: None, id: Uuid::now_v7(), unheard: 0, latest: Uuid::now_v7() };
        let end = socket.run().await;
        let Socket { line, mut stream, seat, .. } = socket;
        if let Err(End::Because { ending, retry_after }) = end {
            tracing::debug!(why = ending.word(), "a live socket is closed");
            goodbye(&line, &mut stream, ending, retry_after).await;
        }
        drop(seat);
    }

    async fn run(&mut self) -> Going {
        let line = self.line.clone();
        let mut heard = line.bus.follow();
        let mut beat = tokio::time::interval(line.config.socket_heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.reset();
        loop {
            let due = (self.session.next_due() - line.clock.now()).to_std().unwrap_or_default();
            let changed = async {
                match &mut self.standing {
                    Some(standing) => standing.changed().await.map_or(Standing::Ended, |()| standing.borrow_and_update().clone()),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = line.closing.cancelled() => return Err(Ending::GoingAway.into()),
                () = self.seat.given_up() => return Err(Ending::TooMany.into()),
                () = tokio::time::sleep(due) => self.due().await?,
                standing = changed => self.stand(standing).await?,
                _ = beat.tick() => self.beat().await?,
                message = self.stream.recv() => {
                    let started = Instant::now();
                    self.hear(message).await?;
                    metrics::histogram!("websocket_message_duration_seconds").record(started.elapsed().as_secs_f64());
                }
                happening = heard.recv() => self.pass_on(happening).await?,
            }
        }
    }

    async fn due(&mut self) -> Going {
        match self.session.due(self.line.clock.now()) {
            Due::Nothing => Ok(()),
            Due::Renew(asked) => self.say("auth_required", &asked).await,
            Due::End(ending) => {
                if ending == Ending::AuthTimeout {
                    metrics::counter!("websocket_auth_timeouts_total").increment(1);
                }
                Err(ending.into())
            }
        }
    }

    /// Role, name or session are others than they were.
    async fn stand(&mut self, standing: Standing) -> Going {
        let Standing::Good { name, role } = standing else { return Err(Ending::Revoked.into()) };
        match self.session.change(name, role, self.line.clock.now()) {
            Some(told) => self.say("auth_ok", &told).await,
            None => Ok(()),
        }
    }

    async fn beat(&mut self) -> Going {
        if self.unheard >= 2 {
            tracing::debug!("a live socket is silent and is dropped");
            return Err(End::Gone);
        }
        self.unheard += 1;
        self.send(Message::Ping(Vec::new().into())).await
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Going {
        self.unheard = 0;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(bytes))) if bytes.len() > FRAME_LIMIT => return Err(Ending::TooLarge.into()),
            Some(Ok(Message::Binary(_))) => return Err(Ending::BadFrame.into()),
            Some(Err(error)) if is_too_large(&error) => return Err(Ending::TooLarge.into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        if text.len() > FRAME_LIMIT {
            return Err(Ending::TooLarge.into());
        }
        let frame = self.session.read(text.as_str(), self.line.clock.now(), Instant::now())?;
        self.answer(frame).await
    }

    /// Sends again what was said after a message. False when that is too much.
    async fn tell_since(&mut self, known: Uuid) -> Going<Result<bool, Refusal>> {
        let mut replay = Replay::after(known);
        while replay.goes_on && !replay.is_long() {
            let messages = match replay.page(&self.line).await {
                Ok(messages) => messages,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for message in messages {
                self.latest = Uuid::parse_str(&message.id).unwrap_or(self.latest).max(self.latest);
                self.say("chat_message", &message).await?;
            }
        }
        Ok(Ok(!replay.is_long()))
    }

    async fn pass_on(&mut self, happening: Result<Happening, RecvError>) -> Going {
        match happening {
            Ok(Happening::Missed) if self.session.topics.contains(&Topic::Chat) => self.catch_up().await,
            Ok(happening) => {
                if let Happening::ChatMessage { message, .. } = &happening {
                    self.latest = Uuid::parse_str(&message.id).unwrap_or(self.latest).max(self.latest);
                }
                for (kind, payload) in follow::frames(&happening, &self.session.topics) {
                    self.say(kind, &payload).await?;
                }
                Ok(())
            }
            Err(RecvError::Lagged(_)) => Err(Ending::SlowReader.into()),
            Err(RecvError::Closed) => Err(Ending::GoingAway.into()),
        }
    }

    /// Other servers could not be heard for a while: what was said there is in the database.
    async fn catch_up(&mut self) -> Going {
        match self.tell_since(self.latest).await? {
            Ok(true) => Ok(()),
            // It comes back, says what it knows, and is told to read the history.
            Ok(false) => Err(Ending::SlowReader.into()),
            Err(refusal) => {
                tracing::warn!("a live socket could not be told what it missed: {}", refusal.sentence);
                Ok(())
            }
        }
    }

    async fn say(&mut self, kind: &str, payload: &impl Serialize) -> Going {
        let message = envelope(&self.line, kind, payload);
        self.send(message).await
    }

    async fn send(&mut self, message: Message) -> Going {
        match tokio::time::timeout(PATIENCE, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(Ending::SlowReader.into()),
        }
    }
}

fn envelope(line: &Line, kind: &str, payload: &impl Serialize) -> Message {
    let frame = Frame {
        kind: kind.to_owned(),
        id: Some(Uuid::now_v7().to_string()),
        timestamp: Some(line.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true)),
        payload: serde_json::to_value(payload).unwrap_or_default(),
    };
    Message::Text(serde_json::to_string(&frame).unwrap_or_default().into())
}

/// Says why, closes, and waits a moment for the other side, so that it gets to read both.
async fn goodbye(line: &Line, stream: &mut WebSocket, ending: Ending, retry_after: Option<u64>) {
    let (code, message) = (ending.word().to_owned(), ending.sentence().to_owned());
    let error = LiveError { code, message, retry_after, request_id: None };
    let close = CloseFrame { code: ending.close_code(), reason: ending.sentence().into() };
    let limit = if ending == Ending::SlowReader { SLOW_GOODBYE } else { GOODBYE };
    let _ = tokio::time::timeout(limit, async {
        if ending != Ending::GoingAway {
            stream.send(envelope(line, "error", &error)).await?;
        }
        stream.send(Message::Close(Some(close))).await?;
        while let Some(Ok(_)) = stream.recv().await {}
        Ok::<(), axum::Error>(())
    })
    .await;
}

fn is_too_large(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<WsError>());
    matches!(source, Some(WsError::Capacity(_)))
}
