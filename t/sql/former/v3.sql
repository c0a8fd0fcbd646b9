-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- A database of the system that igjobs replaces, as its later version had it:
-- base_id everywhere, set-ups, no constraint on user names, and some tables
-- only.

create table public.scrape_jobs (
    job_id uuid primary key,
    status text,
    accounts jsonb,
    target_gender text,
    max_count_per_account integer,
    progress double precision,
    profiles_scraped bigint,
    total_scraped bigint,
    total_filtered bigint,
    total_batches integer,
    current_batch integer,
    error_message text,
    created_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz,
    base_id text,
    platform text
);
insert into public.scrape_jobs values (
    '33333333-3333-4333-8333-000000000001', 'completed', '["carl","dora"]',
    'male', 50, 100, 2, 90, 2, 1, 0, null, '2025-11-01 10:00:00+00',
    '2025-11-01 10:00:01+00', '2025-11-01 10:10:00+00',
    '2025-11-01 10:10:00+00', 'appOne', 'tiktok');

create table public.scrape_results (
    id bigserial primary key,
    job_id uuid,
    profile_id bigint,
    username text,
    full_name text,
    base_id text,
    created_at timestamptz
);
insert into public.scrape_results (
    job_id, profile_id, username, created_at)
values ('33333333-3333-4333-8333-000000000001', 1, 'x', now()),
       ('33333333-3333-4333-8333-000000000001', 2, 'y', now()),
       (gen_random_uuid(), 3, 'z', now());

create table public.global_usernames (
    id text,
    username text,
    full_name text,
    used boolean,
    created_at text,
    used_at timestamptz,
    base_id text
);
insert into public.global_usernames
select i, 'user_' || i, null, false, now()::text, null,
    (array['appOne', 'appTwo', null, ' '])[i % 4 + 1]
from generate_series(1, 40000) i;
insert into public.global_usernames values
    -- the same account, with a number and with its name as the id, used
    ('user_4', 'user_4', null, true, null, '2025-10-10', 'appOne'),
    -- the same id under another name
    ('8', 'user_8_new', null, false, null, null, 'appOne'),
    -- twice; once more in another base
    ('12', 'user_12', null, false, null, null, 'appOne'),
    ('12', 'user_12', null, true, null, null, 'appTwo'),
    (null, 'nobody', null, false, null, null, 'appOne'),
    ('13', '', null, false, null, null, 'appOne');

create table public.campaigns (
    campaign_id uuid,
    campaign_date text,
    status text,
    base_id text,
    airtable_base_id text
);
insert into public.campaigns values
    ('44444444-4444-4444-8444-000000000001', '2025-11-01', 'success',
     'appOne', 'appAir'),
    ('44444444-4444-4444-8444-000000000002', '2025-11-02', 'pending',
     'appOne', ''),
    ('44444444-4444-4444-8444-000000000002', '2025-11-02', 'pending',
     'appOne', ''),
    (null, '2025-11-03', 'failed', 'appOne', null);

create table public.daily_assignments (
    campaign_id uuid,
    va_table_number smallint,
    position smallint,
    id bigint,
    username text,
    status text
);
insert into public.daily_assignments values
    ('44444444-4444-4444-8444-000000000001', 1, 1, 12, 'user_12', 'pending'),
    ('44444444-4444-4444-8444-000000000001', 1, 1, 16, 'user_16', null),
    ('44444444-4444-4444-8444-000000000009', 2, 1, 20, 'user_20', 'completed'),
    ('44444444-4444-4444-8444-000000000001', 0, 0, null, 'nobody', 'pending');

create table public.source_profiles (
    id uuid primary key,
    username text,
    base_id text
);
insert into public.source_profiles
select gen_random_uuid(), name, base
from (values ('anna', 'appOne'), ('anna', 'appTwo'), ('anna', 'appOne'),
             (null, 'appOne')) t (name, base);

create table public.scraping_jobs (
    job_id uuid primary key,
    influencer_name text,
    platform text,
    airtable_base_id text,
    num_vas integer,
    status text default 'active',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
insert into public.scraping_jobs (
    job_id, influencer_name, platform, airtable_base_id, num_vas)
values (gen_random_uuid(), 'Anna', 'instagram', 'appAir', 40),
       (gen_random_uuid(), 'Bert', null, null, 0);
