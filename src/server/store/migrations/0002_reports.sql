create table processes (
    code bigint primary key,
    name text not null,
    name_key text not null unique,
    description text not null,
    is_test bigint not null,
    is_repair bigint not null,
    is_wip bigint not null,
    position bigint not null,
    state bigint not null
);

create table reports (
    id text primary key,
    kind text not null,
    serial_number text not null,
    part_number text not null,
    revision text not null,
    process_code bigint not null,
    process_name text not null,
    result text not null,
    station text not null,
    location text not null,
    purpose text not null,
    operator text not null,
    comment text not null,
    start_at bigint not null,
    execution_secs double precision,
    error_code bigint,
    error_message text,
    failed_step text,
    failed_step_path text,
    failed_step_type text,
    failed_step_group text,
    received_at bigint not null,
    received_by text not null,
    size_bytes bigint not null
);
create unique index reports_by_run on reports (serial_number, part_number, process_code, start_at);
create index reports_by_start on reports (start_at, id);
create index reports_by_part on reports (part_number, start_at);
create index reports_by_station on reports (station, start_at);
create index reports_by_result on reports (result, start_at);

create table report_sources (
    report_id text primary key references reports (id) on delete cascade,
    source text not null
);
