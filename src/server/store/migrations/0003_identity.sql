create table sessions (
    id text primary key,
    user_id text references users (id) on delete cascade,
    station_token_id text references station_tokens (id) on delete cascade,
    created_at bigint not null,
    renewed_at bigint not null,
    expires_at bigint not null,
    ended_at bigint,
    address text not null,
    client text not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_station_token on sessions (station_token_id);
create index sessions_by_end on sessions (expires_at);

create table refresh_tokens (
    hash text primary key,
    session_id text not null references sessions (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index refresh_tokens_by_session on refresh_tokens (session_id);
create index refresh_tokens_by_end on refresh_tokens (expires_at);

create table sign_in_failures (
    subject text primary key,
    failures bigint not null,
    since bigint not null,
    locked_until bigint
);
create index sign_in_failures_by_age on sign_in_failures (since);

create table stations (
    identifier_key text primary key,
    identifier text not null,
    version text,
    last_seen bigint,
    address text,
    queue_depth bigint,
    failed bigint,
    converter_errors bigint,
    clock_offset_ms bigint
);

create table audit (
    id text primary key,
    at bigint not null,
    who text not null,
    who_key text not null,
    action text not null,
    target text not null,
    address text not null,
    result text not null,
    detail text not null,
    search_key text not null
);
create index audit_by_time on audit (at, id);
create index audit_by_who on audit (who_key, id);
create index audit_by_action on audit (action, id);
