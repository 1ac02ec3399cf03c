//! `/api/chat/…`: rooms, what was said in them, and how far the caller has read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::Permission;
use crate::protocol::chat::{History, Message, MessageKind, NewMessage, Presence, ReadUpTo, Rooms, SEARCH_MAX_CHARS};
use crate::server::body::{Answer, Json, PathParts, QueryParts};
use crate::server::caller::Caller;
use crate::server::error::Refusal;
use crate::server::services::chat::{self, Speaker, Words};
use crate::server::state::Line;

/// Messages of a page, unless asked otherwise, and at most.
const PAGE: u16 = 50;
const PAGE_MAX: u16 = 200;

/// The rooms, and how far the caller has read in each.
#[utoipa::path(
    get, path = "/api/chat/rooms", tag = "Chat",
    responses((status = 200, body = Rooms)),
    extensions(("x-permission" = json!("chat"))),
)]
pub(in crate::server) async fn rooms(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Rooms>, Refusal> {
    caller.require(Permission::Chat)?;
    Ok(Answer(Rooms { rooms: chat::rooms(&line, &caller.id).await? }))
}

/// Who has an open socket.
#[utoipa::path(
    get, path = "/api/chat/presence", tag = "Chat",
    responses((status = 200, body = Presence)),
    extensions(("x-permission" = json!("chat"))),
)]
pub(in crate::server) async fn presence(State(line): State<Arc<Line>>, caller: Caller) -> Result<Answer<Presence>, Refusal> {
    caller.require(Permission::Chat)?;
    Ok(Answer(Presence { present: line.sockets.present() }))
}

/// Which messages are wanted: the newest, or those before one; all, or those found.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::server) struct Page {
    #[param(value_type = Option<String>, format = "uuid")]
    before: Option<Uuid>,
    /// 1 to 200; 50 unless given.
    limit: Option<u16>,
    kind: Option<MessageKind>,
    /// Only messages that hold these words, without regard to case; 1 to 200 characters.
    search: Option<String>,
}

/// What was said in a room, oldest first.
#[utoipa::path(
    get, path = "/api/chat/{room}/messages", tag = "Chat", operation_id = "list_messages", params(("room" = String, Path), Page),
    responses((status = 200, body = History), (status = 404)),
    extensions(("x-permission" = json!("chat"))),
)]
pub(in crate::server) async fn messages(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(room): PathParts<String>,
    QueryParts(page): QueryParts<Page>,
) -> Result<Answer<History>, Refusal> {
    caller.require(Permission::Chat)?;
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::bad_request("bad_query", format!("The query cannot be used: limit is a number from 1 to {PAGE_MAX}.")));
    }
    let Some(words) = page.search else { return Ok(Answer(chat::history(&line, &room, page.before, page.kind, limit).await?)) };
    if words.trim().is_empty() || words.chars().count() > SEARCH_MAX_CHARS {
        let sentence = format!("The query cannot be used: search is 1 to {SEARCH_MAX_CHARS} characters.");
        return Err(Refusal::bad_request("bad_query", sentence));
    }
    Ok(Answer(chat::search(&line, &room, (page.before, page.kind), words.trim(), limit).await?))
}

/// Say something: it is kept before it is answered. The same `id` again is answered with what was kept.
#[utoipa::path(
    post, path = "/api/chat/{room}/messages", tag = "Chat", params(("room" = String, Path)), request_body = NewMessage,
    responses((status = 201, body = Message), (status = 404), (status = 429)),
    extensions(("x-permission" = json!("chat"))),
)]
pub(in crate::server) async fn say(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(room): PathParts<String>,
    Json(new): Json<NewMessage>,
) -> Result<(StatusCode, Answer<Message>), Refusal> {
    caller.require(Permission::Chat)?;
    let speaker = Speaker { user_id: &caller.id, name: &caller.name, role: caller.role, socket: None };
    let words = Words { room: &room, content: &new.content, kind: new.kind, sent_as: new.id.as_deref() };
    Ok((StatusCode::CREATED, Answer(chat::say(&line, &speaker, &words).await?)))
}

/// Everything up to this message has been seen. The position never goes back.
#[utoipa::path(
    put, path = "/api/chat/{room}/read", tag = "Chat", params(("room" = String, Path)), request_body = ReadUpTo,
    responses((status = 204), (status = 404)),
    extensions(("x-permission" = json!("chat"))),
)]
pub(in crate::server) async fn mark_read(
    State(line): State<Arc<Line>>,
    caller: Caller,
    PathParts(room): PathParts<String>,
    Json(read): Json<ReadUpTo>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::Chat)?;
    let unknown = |_| Refusal::bad_request("bad_body", "The body cannot be used: message_id is the id of a message.");
    let id = Uuid::parse_str(&read.message_id).map_err(unknown)?;
    chat::mark_read(&line, &caller.id, &room, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
