//! Saying something in a room: checked, bounded, kept once, told to everybody; and reading what was said.

use std::time::Instant;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::chat::{Room, check_content};
use crate::domain::{Permission, Role};
use crate::protocol::chat::{History, Message, MessageKind, RoomRow};
use crate::server::bus::Happening;
use crate::server::error::Refusal;
use crate::server::state::Line;
use crate::server::store::chat as store;

/// The code of what no room takes: nothing, too much, or no text.
pub(in crate::server) const UNFIT: &str = "bad_message";
/// Longest id that a sender may give his message.
const SENT_AS_MAX: usize = 64;
/// How far back unread messages are counted.
const UNREAD_DAYS: i64 = 31;
/// Messages that are sent again at a time to a socket that was away, and how often: whoever missed more is told to read the history.
const REPLAY: i64 = 200;
const REPLAY_PAGES: u32 = 5;
/// Messages that one search looks at, and that it reads at once.
const SEARCHED: i64 = 2000;
const SEARCHED_AT_ONCE: i64 = 200;
/// How far before the last known message a replay begins: servers' clocks differ, and a message may be stored after a later one.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// Who says something.
pub(in crate::server) struct Speaker<'a> {
    pub(in crate::server) user_id: &'a str,
    pub(in crate::server) name: &'a str,
    pub(in crate::server) role: Role,
    /// The socket it is said on, which need not be told.
    pub(in crate::server) socket: Option<Uuid>,
}

/// What is said.
pub(in crate::server) struct Words<'a> {
    pub(in crate::server) room: &'a str,
    pub(in crate::server) content: &'a str,
    pub(in crate::server) kind: MessageKind,
    /// The sender's own id. The same twice is one message.
    pub(in crate::server) sent_as: Option<&'a str>,
}

/// Keeps a message and tells everybody. What was sent before is answered as it was, and told to nobody again.
pub(in crate::server) async fn say(line: &Line, speaker: &Speaker<'_>, words: &Words<'_>) -> Result<Message, Refusal> {
    require(speaker.role)?;
    check_content(words.content).map_err(|error| field("content", error.to_string()))?;
    let id = Uuid::now_v7().to_string();
    let sent_as = match words.sent_as {
        Some(given) if given.is_empty() || given.len() > SENT_AS_MAX || given.contains('\0') => {
            return Err(field("id", format!("An id has 1 to {SENT_AS_MAX} characters.")));
        }
        Some(given) => given,
        None => &id,
    };
    if words.sent_as.is_some()
        && let Some(kept) = store::find_sent(&line.store, speaker.user_id, sent_as).await?
    {
        return Ok(kept);
    }
    let room = find_room(line, words.room).await?.to_string();
    take_turn(line, speaker.user_id).await?;
    let new = store::NewMessage {
        id: &id,
        room: &room,
        kind: words.kind,
        author_id: speaker.user_id,
        author: speaker.name,
        sent_as,
        content: words.content,
        now: line.clock.now(),
    };
    match store::insert(&line.store, &new).await? {
        Some(message) => {
            line.bus.publish(Happening::ChatMessage { message: message.clone(), socket: speaker.socket });
            Ok(message)
        }
        // The same message came over two sockets at once: the other one was first.
        None => store::find_sent(&line.store, speaker.user_id, sent_as).await?.ok_or_else(Refusal::internal),
    }
}

/// Counts something that a person says.
pub(in crate::server) async fn take_turn(line: &Line, user_id: &str) -> Result<(), Refusal> {
    line.chat_rate.take(user_id, Instant::now()).await.map_err(too_often)
}

/// The room of this name, with the station's name as it is written elsewhere.
pub(in crate::server) async fn find_room(line: &Line, name: &str) -> Result<Room, Refusal> {
    let none = || Refusal::not_found("room");
    match Room::parse(name).ok_or_else(none)? {
        Room::Line => Ok(Room::Line),
        Room::Station(station) => Ok(Room::Station(store::find_station(&line.store, &station).await?.ok_or_else(none)?)),
    }
}

pub(in crate::server) async fn rooms(line: &Line, reader: &str) -> Result<Vec<RoomRow>, Refusal> {
    let oldest = id_at(line.clock.now() - TimeDelta::days(UNREAD_DAYS));
    Ok(store::rooms(&line.store, reader, &oldest).await?)
}

/// The newest `limit` messages before one, oldest first.
pub(in crate::server) async fn history(
    line: &Line,
    room: &str,
    before: Option<Uuid>,
    kind: Option<MessageKind>,
    limit: u16,
) -> Result<History, Refusal> {
    let room = find_room(line, room).await?.to_string();
    let before = before.map(|id| id.to_string());
    let mut messages = store::history(&line.store, &room, before.as_deref(), kind, i64::from(limit) + 1).await?;
    let more = messages.len() > usize::from(limit);
    messages.truncate(usize::from(limit));
    messages.reverse();
    Ok(History { messages, more, searched_to: None })
}

/// As [`history`], and only messages that hold these words, in whatever case. It looks at so many messages at most and says how far
/// it came. The comparison is made here: databases do not agree on small and capital letters beyond a to z.
pub(in crate::server) async fn search(
    line: &Line,
    room: &str,
    (before, kind): (Option<Uuid>, Option<MessageKind>),
    words: &str,
    limit: u16,
) -> Result<History, Refusal> {
    let room = find_room(line, room).await?.to_string();
    let words = words.to_lowercase();
    let mut searched_to = before.map(|id| id.to_string());
    let (mut messages, mut more) = (Vec::new(), true);
    'pages: for _ in 0..SEARCHED / SEARCHED_AT_ONCE {
        let page = store::history(&line.store, &room, searched_to.as_deref(), kind, SEARCHED_AT_ONCE).await?;
        more = i64::try_from(page.len()).is_ok_and(|n| n == SEARCHED_AT_ONCE);
        for message in page {
            searched_to = Some(message.id.clone());
            if message.content.to_lowercase().contains(&words) {
                messages.push(message);
            }
            if messages.len() >= usize::from(limit) {
                more = true;
                break 'pages;
            }
        }
        if !more {
            break;
        }
    }
    messages.reverse();
    Ok(History { messages, more, searched_to })
}

/// Everything up to this message has been seen.
pub(in crate::server) async fn mark_read(line: &Line, reader: &str, room: &str, message: Uuid) -> Result<(), Refusal> {
    let (room, id) = (find_room(line, room).await?.to_string(), message.to_string());
    if !store::has(&line.store, &room, &id).await? {
        return Err(Refusal::not_found("message in this room"));
    }
    Ok(store::mark_read(&line.store, reader, &room, &id, line.clock.now()).await?)
}

/// Tells a socket what was said while it did not hear, oldest first and a page at a time.
pub(in crate::server) struct Replay {
    known: String,
    after: String,
    pages: u32,
    /// Whether there may be more.
    pub(in crate::server) goes_on: bool,
}

impl Replay {
    /// Of what was said after a message that the socket knows. Some that it knows come again: ids tell.
    pub(in crate::server) fn after(known: Uuid) -> Replay {
        let time = known.get_timestamp().map(|time| time.to_unix());
        let begin = time.and_then(|(secs, nanos)| Some(DateTime::from_timestamp(i64::try_from(secs).ok()?, nanos)? - OVERLAP));
        Replay { known: known.to_string(), after: begin.map_or_else(|| known.to_string(), id_at), pages: 0, goes_on: true }
    }

    /// Whether so much was missed that the history tells it better.
    pub(in crate::server) fn is_long(&self) -> bool {
        self.goes_on && self.pages >= REPLAY_PAGES
    }

    pub(in crate::server) async fn page(&mut self, line: &Line) -> Result<Vec<Message>, Refusal> {
        let mut messages = store::since(&line.store, &self.after, REPLAY).await?;
        self.pages += 1;
        self.goes_on = messages.len() as i64 == REPLAY;
        if let Some(last) = messages.last() {
            self.after.clone_from(&last.id);
        }
        messages.retain(|message| message.id != self.known);
        Ok(messages)
    }
}

fn require(role: Role) -> Result<(), Refusal> {
    if role.may(Permission::Chat) { Ok(()) } else { Err(Refusal::forbidden(Permission::Chat)) }
}

/// The smallest id of a moment.
fn id_at(time: DateTime<Utc>) -> String {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(millis << 80 | 0x7 << 76).to_string()
}

fn field(name: &str, sentence: String) -> Refusal {
    let mut refusal = Refusal::bad_request(UNFIT, sentence.clone());
    refusal.fields.insert(name.to_owned(), sentence);
    refusal
}

fn too_often(wait: std::time::Duration) -> Refusal {
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", "You are writing faster than people read. Wait a moment.");
    Refusal { retry_after: Some(wait.as_secs_f64().ceil() as u64), ..refusal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moments_smallest_id_is_before_every_id_of_that_moment_and_after_those_before() {
        let time = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let made = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_800_000_000, 123_000_000)).to_string();
        assert!(id_at(time) < made, "{} {made}", id_at(time));
        assert!(id_at(time + TimeDelta::milliseconds(1)) > made);
    }
}
