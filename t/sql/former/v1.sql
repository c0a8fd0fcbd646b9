-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- A database of the system that igjobs replaces, as its first asynchronous
-- version had it: no base_id, no max_count_per_account, no totals; with what
-- its users have beside the tables, and with its faults in the rows.

create extension if not exists pgcrypto;
create role anon nologin;
create role reporting nologin;

create table public.scrape_jobs (
    job_id uuid primary key default gen_random_uuid(),
    status text not null default 'queued'
        check (status in ('queued', 'processing', 'completed', 'failed')),
    accounts text[],
    target_gender text,
    progress decimal default 0,
    profiles_scraped integer default 0,
    total_batches integer,
    current_batch integer default 0,
    error_message text,
    created_at timestamptz default now(),
    started_at timestamptz,
    completed_at timestamptz
);

create table public.scrape_results (
    id serial primary key,
    job_id uuid references public.scrape_jobs (job_id) on delete cascade,
    profile_id text,
    username text,
    full_name text,
    source_account text,
    created_at timestamptz default now()
);
create index idx_scrape_results_job_id on public.scrape_results (job_id);

create table public.global_usernames (
    id text primary key,
    username text not null unique,
    full_name text,
    used boolean default false,
    created_at timestamptz default now(),
    used_at timestamptz
);
create index idx_global_usernames_used_false
    on public.global_usernames (used) where used = false;

create table public.raw_scraped_profiles (
    id text,
    username text,
    full_name text,
    scraped_at timestamptz default now()
);

create table public.campaigns (
    campaign_id uuid primary key default gen_random_uuid(),
    campaign_date date,
    total_assigned integer default 0,
    status boolean default false,
    created_at timestamptz default now()
);

create table public.daily_assignments (
    assignment_id uuid primary key default gen_random_uuid(),
    campaign_id uuid references public.campaigns (campaign_id),
    va_table_number integer default 0,
    position integer default 0,
    id text,
    username text,
    full_name text,
    status text default 'pending',
    assigned_at timestamptz default now(),
    updated_at timestamptz
);

create table public.source_profiles (
    id text primary key,
    username text not null,
    constraint source_profiles_username_key unique (username)
);

create function public.set_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end
$$;
create trigger set_updated_at before update on public.daily_assignments
    for each row execute function public.set_updated_at();
create function public.cleanup_old_jobs() returns void language sql as $$
    delete from public.scrape_jobs
    where completed_at < now() - interval '30 days'
$$;
create view public.campaign_overview as
    select campaign_date, total_assigned from public.campaigns;
create table public.notes (
    campaign_id uuid references public.campaigns (campaign_id), note text);
alter table public.campaigns enable row level security;
create policy everybody_reads on public.campaigns for select to anon
    using (true);
create publication changes for table public.campaigns;
grant select on public.campaigns, public.global_usernames to anon;
grant select, insert, update, delete on public.source_profiles to anon;
grant select on public.campaigns, public.daily_assignments to reporting;

-- jobs: completed, completed after an error, failed, processing, queued,
-- completed without accounts
insert into public.scrape_jobs (
    job_id, status, accounts, target_gender, progress, profiles_scraped,
    total_batches, error_message, created_at, started_at, completed_at)
select ('11111111-1111-4111-8111-00000000000' || n)::uuid, status,
    case n when 1 then array(
        select 'account_' || i from generate_series(1, 120) i)
        when 6 then null else '{@Anna.B,https://www.instagram.com/carl/?hl=en,anna.b,"not one"}'
    end, gender, case status when 'completed' then 100 else 0 end,
    case n when 1 then 2500 when 2 then 3 when 4 then 7 else 0 end,
    case n when 1 then 3 else 1 end, error,
    timestamptz '2025-10-14 09:05:11.123456+00' + n * interval '1 hour',
    case when status <> 'queued' then
        timestamptz '2025-10-14 09:05:12+00' + n * interval '1 hour' end,
    case status when 'completed' then
        timestamptz '2025-10-14 09:35:11.5+00' + n * interval '1 hour' end
from (values (1, 'completed', 'Male', null),
             (2, 'completed', 'female', 'Failed to scrape followers: 502'),
             (3, 'failed', 'male', 'Aggregation failed: 503'),
             (4, 'processing', 'other', null), (5, 'queued', null, null),
             (6, 'completed', 'male', null))
    t (n, status, gender, error);

-- 1,000 rows a statement; the last profile of each is the next one's first
insert into public.scrape_results (
    job_id, profile_id, username, full_name, created_at)
select '11111111-1111-4111-8111-000000000001', i - (i - 1) / 1000,
    'user_' || i - (i - 1) / 1000,
    case when i % 3 > 0 then 'José ' || i - (i - 1) / 1000 end,
    timestamptz '2025-10-14 10:35:01+00' + (i - 1) / 1000 * interval '1 second'
from generate_series(1, 2500) i;
insert into public.scrape_results (job_id, profile_id, username, full_name)
select ('11111111-1111-4111-8111-00000000000' || job)::uuid, id, name, 'Ä'
from (values (2, 'a', 'anna'), (3, 'b', 'bert'), (2, 'c', 'carl'),
             (2, null, 'dora'), (2, null, null)) t (job, id, name);

insert into public.global_usernames (
    id, username, full_name, used, created_at, used_at)
select 'id' || i, 'user_' || i, nullif('Name ' || i, 'Name 7'),
    case when i <> 9 then i % 3 = 0 end,
    timestamptz '2025-10-01 00:00:00+00' + i * interval '1 second',
    case i % 3 when 0 then timestamptz '2025-10-10 00:00:00+00' end
from generate_series(1, 5000) i;
insert into public.raw_scraped_profiles (id, username, full_name, scraped_at)
select case i when 5 then null else 'id' || i % 1000 end, 'user_' || i % 1000,
    'Name', timestamptz '2025-10-13 00:00:00+00' + i * interval '1 second'
from generate_series(1, 3000) i;
insert into public.source_profiles (id, username)
select gen_random_uuid()::text, 'source_' || i from generate_series(1, 5) i;

-- distributed twice: positions of table 1 are there twice
insert into public.campaigns (
    campaign_id, campaign_date, total_assigned, status, created_at)
select ('22222222-2222-4222-8222-00000000000' || n)::uuid,
    date '2025-10-13' + n, total, status,
    timestamptz '2025-10-14 01:00:00+00' + n * interval '1 day'
from (values (1, 200, true), (2, 50, false), (3, 0, null))
    t (n, total, status);
insert into public.daily_assignments (
    campaign_id, va_table_number, position, id, username, full_name, status,
    assigned_at, updated_at)
select '22222222-2222-4222-8222-000000000001',
    case when i <= 150 then (i - 1) / 50 + 1 when i <= 170 then 1 else 0 end,
    case when i <= 150 then (i - 1) % 50 + 1 when i <= 170 then i - 150
        else 0 end,
    'id' || i, 'user_' || i, 'Name ' || i,
    (array['pending', 'followed', 'unfollow', 'completed', 'to_unfollow'])
        [i % 5 + 1],
    timestamptz '2025-10-15 01:00:00+00',
    case when i % 2 = 0 then timestamptz '2025-10-16 02:00:00+00' end
from generate_series(1, 200) i;
insert into public.daily_assignments (campaign_id, id, username, assigned_at)
select '22222222-2222-4222-8222-000000000002', 'id' || i % 49, 'user_' || i,
    timestamptz '2025-10-16 01:00:00+00'
from generate_series(1, 50) i;
