-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
--
-- The tables of the replaced design, for every peer that has a database. Rows
-- of one job lie next to each other under one key, which is also the order of
-- the pages: no second index has to be kept.

create table scrape_jobs (
    job_id                 uuid primary key,
    status                 text not null default 'queued',
    accounts               text[],
    target_gender          text not null,
    max_count_per_account  integer not null,
    progress               double precision not null default 0,
    profiles_scraped       integer not null default 0,
    total_scraped          integer,
    total_filtered         integer,
    total_batches          integer not null,
    current_batch          integer not null default 0,
    error_message          text,
    created_at             timestamptz not null default now(),
    started_at             timestamptz,
    completed_at           timestamptz
) with (fillfactor = 50);

-- Names are short and hardly compress: trying to would cost more than it saves.
alter table scrape_jobs alter column accounts set storage external;

create table scrape_results (
    id              bigint generated always as identity,
    job_id          uuid not null,
    profile_id      text not null,
    username        text not null,
    full_name       text not null,
    source_account  text,
    created_at      timestamptz not null default now(),
    primary key (job_id, id)
);
