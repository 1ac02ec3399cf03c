-- The code an account was sent last, one a purpose: "verify" or "reset". Only its hash is kept.
create table mail_codes (
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    hash text not null,
    expires_at bigint not null,
    tries bigint not null,
    primary key (user_id, purpose)
);

-- Mail that was asked for. It holds no code: that is drawn when the mail is sent.
-- due_at is when to try next, or until when a server that is sending it has it for itself.
create table outbox (
    id text primary key,
    purpose text not null,
    email text not null,
    email_key text not null,
    asked_from text not null,
    asked_at bigint not null,
    due_at bigint not null,
    attempts bigint not null,
    ended_at bigint,
    outcome text
);
create index outbox_by_due on outbox (ended_at, due_at);
create index outbox_by_email on outbox (email_key, asked_at);
create index outbox_by_origin on outbox (asked_from, asked_at);
