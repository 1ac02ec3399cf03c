//! What was said, room by room, and how far each person has read. Ids are UUIDv7, so their order is that of time.

use chrono::{DateTime, SecondsFormat, Utc};

use super::sql::Sql;
use super::{Store, StoreError, key, micros, time};
use crate::protocol::chat::{Message, MessageKind, RoomRow};

/// A message on its way into history.
pub(in crate::server) struct NewMessage<'a> {
    pub(in crate::server) id: &'a str,
    pub(in crate::server) room: &'a str,
    pub(in crate::server) kind: MessageKind,
    pub(in crate::server) author_id: &'a str,
    pub(in crate::server) author: &'a str,
    pub(in crate::server) sent_as: &'a str,
    pub(in crate::server) content: &'a str,
    pub(in crate::server) now: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    room: String,
    kind: String,
    author_id: String,
    author: String,
    content: String,
    created_at: i64,
}

impl From<Row> for Message {
    fn from(row: Row) -> Message {
        Message {
            id: row.id,
            from: row.author,
            user_id: row.author_id,
            room: row.room,
            kind: if row.kind == MessageKind::Note.as_str() { MessageKind::Note } else { MessageKind::Message },
            content: row.content,
            timestamp: time(row.created_at).to_rfc3339_opts(SecondsFormat::Micros, true),
        }
    }
}

const COLUMNS: &str = "select id, room, kind, author_id, author, content, created_at from chat_messages";

/// Keeps a message. `None` when its author had sent it before.
pub(in crate::server) async fn insert(store: &Store, new: &NewMessage<'_>) -> Result<Option<Message>, StoreError> {
    let text = "insert into chat_messages (id, room, room_key, kind, author_id, author, sent_as, content, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let result = sqlx::query(text)
        .bind(new.id)
        .bind(new.room)
        .bind(key(new.room))
        .bind(new.kind.as_str())
        .bind(new.author_id)
        .bind(new.author)
        .bind(new.sent_as)
        .bind(new.content)
        .bind(micros(new.now))
        .execute(&store.writer)
        .await;
    match result {
        Ok(_) => {}
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let row = Row {
        id: new.id.to_owned(),
        room: new.room.to_owned(),
        kind: new.kind.as_str().to_owned(),
        author_id: new.author_id.to_owned(),
        author: new.author.to_owned(),
        content: new.content.to_owned(),
        created_at: micros(new.now),
    };
    Ok(Some(row.into()))
}

/// What an author sent under this id of his.
pub(in crate::server) async fn find_sent(store: &Store, author_id: &str, sent_as: &str) -> Result<Option<Message>, StoreError> {
    let mut query = Sql::new(COLUMNS);
    query.push(" where author_id = ").push_bind(author_id).push(" and sent_as = ").push_bind(sent_as);
    let rows: Vec<Row> = query.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().next().map(Message::from))
}

/// The newest messages of a room before one, newest first.
pub(in crate::server) async fn history(
    store: &Store,
    room: &str,
    before: Option<&str>,
    kind: Option<MessageKind>,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut query = Sql::new(COLUMNS);
    query.push(" where room_key = ").push_bind(key(room));
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    if let Some(kind) = kind {
        query.push(" and kind = ").push_bind(kind.as_str());
    }
    query.push(" order by id desc limit ").push_bind(limit);
    let rows: Vec<Row> = query.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Messages of all rooms after one, oldest first.
pub(in crate::server) async fn since(store: &Store, after: &str, limit: i64) -> Result<Vec<Message>, StoreError> {
    let mut query = Sql::new(COLUMNS);
    query.push(" where id > ").push_bind(after).push(" order by id limit ").push_bind(limit);
    let rows: Vec<Row> = query.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The name of a station that has, or had, a token; found without regard to case.
pub(in crate::server) async fn find_station(store: &Store, name: &str) -> Result<Option<String>, StoreError> {
    let text = "select min(identifier) from station_tokens where identifier_key = $1";
    Ok(sqlx::query_scalar::<_, Option<String>>(text).bind(key(name)).fetch_one(&store.readers).await?)
}

/// The line's room, one of every station that may act, and those in which something was said; each as the reader stands to it.
/// Unread counts look no further back than `oldest`.
pub(in crate::server) async fn rooms(store: &Store, reader: &str, oldest: &str) -> Result<Vec<RoomRow>, StoreError> {
    let mut rooms = std::collections::BTreeMap::from([(String::from("line"), RoomRow::empty("line"))]);
    let stations: Vec<(String,)> =
        sqlx::query_as("select min(identifier) from station_tokens where revoked_at is null group by identifier_key")
            .fetch_all(&store.readers)
            .await?;
    for (name,) in stations {
        let room = format!("station:{name}");
        rooms.insert(key(&room), RoomRow::empty(&room));
    }
    let newest: Vec<(String, String, String)> =
        sqlx::query_as("select room_key, min(room), max(id) from chat_messages group by room_key").fetch_all(&store.readers).await?;
    // What is said meanwhile is not counted: who asked hears it, and counts it himself.
    let latest = newest.iter().map(|(_, _, last)| last.clone()).max().unwrap_or_default();
    for (name, room, last) in newest {
        rooms.entry(name).or_insert_with(|| RoomRow::empty(&room)).last = Some(last);
    }
    let text = "select m.room_key, count(*) from chat_messages m left join chat_reads r on r.room_key = m.room_key and r.user_id = $1
        where m.id > $2 and m.id <= $3 and m.author_id <> $1 and (r.message_id is null or m.id > r.message_id) group by m.room_key";
    let unread: Vec<(String, i64)> = sqlx::query_as(text).bind(reader).bind(oldest).bind(latest).fetch_all(&store.readers).await?;
    for (name, count) in unread {
        rooms.entry(name).and_modify(|room| room.unread = count);
    }
    let read: Vec<(String, String)> =
        sqlx::query_as("select room_key, message_id from chat_reads where user_id = $1").bind(reader).fetch_all(&store.readers).await?;
    for (name, id) in read {
        rooms.entry(name).and_modify(|room| room.read = Some(id));
    }
    Ok(rooms.into_values().collect())
}

impl RoomRow {
    fn empty(room: &str) -> RoomRow {
        RoomRow { room: room.to_owned(), unread: 0, read: None, last: None }
    }
}

/// Moves a reader's position forward, never back.
pub(in crate::server) async fn mark_read(store: &Store, reader: &str, room: &str, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let text = "insert into chat_reads (user_id, room_key, message_id, read_at) values ($1, $2, $3, $4)
        on conflict (user_id, room_key) do update set message_id = excluded.message_id, read_at = excluded.read_at
        where excluded.message_id > chat_reads.message_id";
    sqlx::query(text).bind(reader).bind(key(room)).bind(id).bind(micros(now)).execute(&store.writer).await?;
    Ok(())
}

/// Whether a room has this message.
pub(in crate::server) async fn has(store: &Store, room: &str, id: &str) -> Result<bool, StoreError> {
    let text = "select count(*) from chat_messages where id = $1 and room_key = $2";
    let count: i64 = sqlx::query_scalar(text).bind(id).bind(key(room)).fetch_one(&store.readers).await?;
    Ok(count > 0)
}
