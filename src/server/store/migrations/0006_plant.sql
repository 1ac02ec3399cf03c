-- Which reports changed, in the order of their commits: every server follows the others by it. Numbers have no gaps.
create table report_changes (
    number bigint primary key,
    report_id text not null
);

-- Public halves of the keys that access tokens are signed with. A retired one is good until its last token has ended.
create table access_keys (
    id text primary key,
    pem text not null,
    created_at bigint not null,
    retired_at bigint
);
