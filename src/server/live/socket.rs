//! One live socket: what comes in is judged by its [`Session`], what happens goes out, and its end is told with a reason.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Error as WsError;
use uuid::Uuid;

use super::follow;
use super::session::{Due, Session, Who};
use crate::protocol::live::{Ack, Auth, Ending, FRAME_LIMIT, Frame, LiveError, Say, Subscribe, Topic};
use crate::server::bus::Happening;
use crate::server::caller;
use crate::server::error::Refusal;
use crate::server::services::chat::{self, Speaker, Words};
use crate::server::sockets::{Full, Seat, Standing};
use crate::server::state::Line;
use crate::support::secret::Secret;

/// How long a reader may keep us from writing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side may take to say goodbye, and one that reads slowly to read it.
const GOODBYE: Duration = Duration::from_secs(2);
const SLOW_GOODBYE: Duration = Duration::from_secs(10);
/// What sending missed messages again costs, in frames.
const REPLAY_COSTS: u32 = 20;
/// Topics of one frame that are looked at.
const TOPICS: usize = 16;

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

    async fn answer(&mut self, frame: Frame) -> Going {
        match frame.kind.as_str() {
            "auth" => self.sign_in(&frame).await,
            "ping" => self.say("pong", &json!({ "request_id": frame.id })).await,
            "subscribe" => self.subscribe(&frame).await,
            "unsubscribe" => self.unsubscribe(&frame).await,
            "chat_message" => self.chat(&frame).await,
            _ => self.fault(&frame, "unknown_type", "There is no frame of this type.").await,
        }
    }

    async fn sign_in(&mut self, frame: &Frame) -> Going {
        let again = self.session.who().is_some();
        let result = self.check(frame).await;
        let told = if result.is_ok() { "ok" } else { "refused" };
        let counter = if again { "websocket_reauth_total" } else { "websocket_auth_total" };
        metrics::counter!(counter, "result" => told).increment(1);
        result
    }

    async fn check(&mut self, frame: &Frame) -> Going {
        let auth = read::<Auth>(&frame.payload).filter(|auth| auth.token.len() <= 8192).ok_or(Ending::BadToken)?;
        let (token, now) = (Secret::new(auth.token), self.line.clock.now());
        let (caller, expires_at) = match caller::by_access_token(&self.line, token.expose()).await {
            Ok(Some(known)) => known,
            Ok(None) if has_ended(token.expose(), now) => return Err(Ending::TokenExpired.into()),
            Ok(None) => return Err(Ending::BadToken.into()),
            Err(refusal) => return self.refuse(frame, &refusal).await,
        };
        let who = Who { id: caller.id.clone(), name: caller.name.clone(), role: caller.role, expires_at };
        let welcome = self.session.sign_in(who, now)?;
        let too_many = |_: Full| End::Because { ending: Ending::TooMany, retry_after: Some(5) };
        self.standing = Some(self.seat.take(&caller).map_err(too_many)?);
        self.say("auth_ok", &welcome).await
    }

    async fn subscribe(&mut self, frame: &Frame) -> Going {
        let Some(asked) = read::<Subscribe>(&frame.payload) else {
            return self.fault(frame, "bad_payload", "The payload of subscribe is {topics: [...], since?}.").await;
        };
        let Some(role) = self.session.who().map(|who| who.role) else { return Ok(()) };
        for name in asked.topics.iter().take(TOPICS) {
            match Topic::of(name) {
                None => {
                    self.fault(frame, "unknown_topic", "There is no topic of this name: the topics are chat, reports, stations and yield.")
                        .await?
                }
                Some(topic) if !role.may(topic.permission()) => {
                    let refusal = Refusal::forbidden(topic.permission());
                    self.fault(frame, refusal.code, &refusal.sentence).await?;
                }
                Some(topic) => {
                    self.session.topics.insert(topic);
                }
            }
        }
        self.acknowledge(frame, None).await?;
        match asked.since {
            Some(since) if self.session.topics.contains(&Topic::Chat) => self.replay(frame, &since).await,
            _ => Ok(()),
        }
    }

    async fn replay(&mut self, frame: &Frame, since: &str) -> Going {
        let Ok(known) = Uuid::parse_str(since) else {
            return self.fault(frame, "bad_since", "since is the id of a chat message.").await;
        };
        self.session.charge(REPLAY_COSTS, Instant::now())?;
        match chat::replay(&self.line, known).await {
            Ok(messages) => {
                for message in messages {
                    self.say("chat_message", &message).await?;
                }
                Ok(())
            }
            Err(refusal) => self.refuse(frame, &refusal).await,
        }
    }

    async fn unsubscribe(&mut self, frame: &Frame) -> Going {
        let Some(asked) = read::<Subscribe>(&frame.payload) else {
            return self.fault(frame, "bad_payload", "The payload of unsubscribe is {topics: [...]}.").await;
        };
        asked.topics.iter().filter_map(|name| Topic::of(name)).for_each(|topic| {
            self.session.topics.remove(&topic);
        });
        self.acknowledge(frame, None).await
    }

    async fn chat(&mut self, frame: &Frame) -> Going {
        if let Some(message_id) = self.session.made_before(frame.id.as_deref()) {
            return self.acknowledge(frame, message_id).await;
        }
        let Some(said) = read::<Say>(&frame.payload) else {
            return self.fault(frame, "bad_payload", "The payload of chat_message is {room, content, kind?}.").await;
        };
        let Some(who) = self.session.who() else { return Ok(()) };
        let speaker = Speaker { user_id: &who.id, name: &who.name, role: who.role, socket: Some(self.id) };
        // An id that cannot be somebody else's is known for good, so that a message can be sent again on another socket.
        let sent_as = frame.id.as_deref().filter(|id| Uuid::parse_str(id).is_ok());
        let words = Words { room: &said.room, content: &said.content, kind: said.kind, sent_as };
        match chat::say(&self.line, &speaker, &words).await {
            Ok(message) => {
                self.session.remember(frame.id.as_deref(), Some(message.id.clone()));
                self.acknowledge(frame, Some(message.id)).await
            }
            Err(refusal) if refusal.code == "rate_limit" => {
                Err(End::Because { ending: Ending::RateLimit, retry_after: refusal.retry_after })
            }
            Err(refusal) => self.refuse(frame, &refusal).await,
        }
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
        match chat::replay(&self.line, self.latest).await {
            Ok(messages) => {
                for message in messages {
                    self.latest = Uuid::parse_str(&message.id).unwrap_or(self.latest).max(self.latest);
                    self.say("chat_message", &message).await?;
                }
                Ok(())
            }
            Err(refusal) => {
                tracing::warn!("a live socket could not be told what it missed: {}", refusal.sentence);
                Ok(())
            }
        }
    }

    async fn acknowledge(&mut self, frame: &Frame, message_id: Option<String>) -> Going {
        self.say("ack", &Ack { request_id: frame.id.clone(), message_id }).await
    }

    async fn refuse(&mut self, frame: &Frame, refusal: &Refusal) -> Going {
        let (code, message) = (refusal.code.to_owned(), refusal.sentence.clone());
        self.say("error", &LiveError { code, message, retry_after: refusal.retry_after, request_id: frame.id.clone() }).await
    }

    async fn fault(&mut self, frame: &Frame, code: &str, sentence: &str) -> Going {
        let request_id = frame.id.clone();
        self.say("error", &LiveError { code: code.to_owned(), message: sentence.to_owned(), retry_after: None, request_id }).await
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

/// A payload read as what it should be.
fn read<T: DeserializeOwned>(payload: &Value) -> Option<T> {
    payload.is_object().then(|| T::deserialize(payload).ok()).flatten()
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

/// Whether a token that is not good says of itself that it has ended. Only the words of the refusal depend on it.
fn has_ended(token: &str, now: DateTime<Utc>) -> bool {
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    claims.and_then(|claims| claims["exp"].as_i64()).is_some_and(|end| end <= now.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_has_ended_is_told_from_one_that_never_was() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token = |claims: &str| format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims));
        assert!(has_ended(&token(r#"{"exp":1799999999}"#), now));
        for bad in ["", "a", "a.b.c", &token("{}"), &token(r#"{"exp":1800000001}"#), &token("[]")] {
            assert!(!has_ended(bad, now), "{bad}");
        }
    }
}
