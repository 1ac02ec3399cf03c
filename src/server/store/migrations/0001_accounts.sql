create table settings (
    name text primary key,
    value text not null
);

create table users (
    id text primary key,
    name text not null,
    name_key text not null unique,
    email text,
    email_key text unique,
    role text not null,
    password_hash text not null,
    active bigint not null,
    verified bigint not null,
    created_at bigint not null,
    last_login bigint,
    version bigint not null default 1
);

create table station_tokens (
    id text primary key,
    identifier text not null,
    identifier_key text not null,
    hash text not null unique,
    mask text not null,
    issued_by text not null,
    created_at bigint not null,
    last_used bigint,
    revoked_at bigint
);
create index station_tokens_by_identifier on station_tokens (identifier_key);
