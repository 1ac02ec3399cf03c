create table chat_messages (
    id text primary key,
    room text not null,
    room_key text not null,
    kind text not null,
    author_id text not null,
    author text not null,
    -- The author's own id of the message: what is sent again is kept once.
    sent_as text not null,
    content text not null,
    created_at bigint not null
);
create unique index chat_messages_once on chat_messages (author_id, sent_as);
create index chat_messages_by_room on chat_messages (room_key, id);

create table chat_reads (
    user_id text not null references users (id) on delete cascade,
    room_key text not null,
    message_id text not null,
    read_at bigint not null,
    primary key (user_id, room_key)
);
