//! What a frame asks for, and the answer to it.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{End, Going, Socket};
use crate::protocol::live::{Ack, Auth, Ending, Frame, LiveError, Say, Subscribe, Topic};
use crate::server::caller;
use crate::server::error::Refusal;
use crate::server::live::session::Who;
use crate::server::services::chat::{self, Speaker, Words};
use crate::server::sockets::Full;
use crate::support::secret::Secret;

/// What sending missed messages again costs, in frames.
const REPLAY_COSTS: u32 = 20;
/// Topics of one frame that are looked at.
const TOPICS: usize = 16;

impl Socket {
    pub(super) async fn answer(&mut self, frame: Frame) -> Going {
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
        match self.tell_since(known).await? {
            Ok(true) => Ok(()),
            Ok(false) => self.fault(frame, "missed_more", "More was said than is sent again: read the history of each room.").await,
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
}

/// A payload read as what it should be.
fn read<T: DeserializeOwned>(payload: &Value) -> Option<T> {
    payload.is_object().then(|| T::deserialize(payload).ok()).flatten()
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
