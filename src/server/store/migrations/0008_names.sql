-- What names that look alike have in common. It is worked out by the server, also for the accounts that are there already.
alter table users add column look_key text;
create index users_by_look on users (look_key);
create index users_unverified on users (verified, created_at);
