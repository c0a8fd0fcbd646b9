-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Campaigns: the pool of profiles, campaigns and what assistants work through.
-- The tables stand in public under the original's names, since front-ends read
-- them through the database's REST layer as role anon. Every row has a tenant
-- and a base (an Airtable base, or default_instagram); there are no foreign
-- keys, as elsewhere. Locks: pool rows (skip locked), then the campaign, then
-- its assignments; a job row only after them.

create table public.global_usernames (
    created_at timestamptz not null default now(),
    used_at    timestamptz,
    used       boolean not null default false,
    tenant     text not null default 'default',
    base_id    text not null default 'default_instagram',
    id         text collate "C" not null,
    username   text collate "C" not null,
    full_name  text not null default '',
    constraint global_usernames_pkey primary key (tenant, base_id, id),
    constraint global_usernames_username_key
        unique (tenant, base_id, username)
) with (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_analyze_scale_factor = 0.02);
comment on table public.global_usernames is
    'the pool: every profile that was ever taken in, once for each base';
comment on constraint global_usernames_pkey on public.global_usernames is
    'ingest: which of these ids are known; selection: marking them used';
comment on constraint global_usernames_username_key
    on public.global_usernames is
    'ingest: which of these user names are known under another id';

create index global_usernames_unused on public.global_usernames
    (tenant, base_id, created_at, id) where not used;
comment on index public.global_usernames_unused is
    'selection: the oldest profiles that nobody has used';


create table public.raw_scraped_profiles (
    row_no     bigint generated always as identity,
    scraped_at timestamptz not null default now(),
    tenant     text not null default 'default',
    base_id    text not null default 'default_instagram',
    id         text collate "C" not null,
    username   text collate "C" not null,
    full_name  text not null default '',
    constraint raw_scraped_profiles_pkey primary key (row_no)
);
comment on table public.raw_scraped_profiles is
    'what was taken in, as often as it came; kept for some days';
comment on constraint raw_scraped_profiles_pkey
    on public.raw_scraped_profiles is 'retention: the rows of one step';

create index raw_scraped_profiles_age on public.raw_scraped_profiles
    (scraped_at);
comment on index public.raw_scraped_profiles_age is
    'retention: the oldest rows';


create table public.campaigns (
    campaign_id        uuid not null default gen_random_uuid(),
    created_at         timestamptz not null default now(),
    campaign_date      date not null,
    total_assigned     integer not null default 0,
    profiles_per_table integer,
    status             boolean not null default false,
    tenant             text not null default 'default',
    base_id            text not null default 'default_instagram',
    airtable_base_id   text,
    constraint campaigns_pkey primary key (campaign_id)
);
comment on column public.campaigns.status is
    'true: every table with assignments stands in Airtable';
comment on column public.campaigns.profiles_per_table is
    'what selection was asked for; distribution takes it unless told else';
comment on constraint campaigns_pkey on public.campaigns is
    'distribution, Airtable sync: one campaign';

create index campaigns_list on public.campaigns
    (tenant, base_id, created_at, campaign_id);
comment on index public.campaigns_list is
    'GET /api/campaigns: newest first; retention: the oldest';


create table public.daily_assignments (
    assignment_id      uuid not null default gen_random_uuid(),
    campaign_id        uuid not null,
    assigned_at        timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    va_table_number    integer not null default 0,
    position           integer not null default 0,
    tenant             text not null default 'default',
    base_id            text not null default 'default_instagram',
    id                 text collate "C" not null,
    username           text collate "C" not null,
    full_name          text not null default '',
    status             text not null default 'pending',
    airtable_record_id text,
    synced_status      text,
    constraint daily_assignments_pkey primary key (assignment_id),
    constraint daily_assignments_profile unique (campaign_id, id)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
comment on column public.daily_assignments.va_table_number is
    '0: not distributed yet';
comment on column public.daily_assignments.position is
    'in its table, from 1; 0: not distributed yet';
comment on column public.daily_assignments.updated_at is
    'newest change of status, table or position; not of what is noted about '
    'Airtable';
comment on column public.daily_assignments.airtable_record_id is
    'its record in Airtable; null: none is known';
comment on column public.daily_assignments.synced_status is
    'the status that its record has; null: none is known';
comment on constraint daily_assignments_pkey on public.daily_assignments is
    'Airtable sync: noting the record of one assignment';
comment on constraint daily_assignments_profile on public.daily_assignments is
    'a profile once in a campaign; distribution: all of a campaign';

create unique index daily_assignments_place on public.daily_assignments
    (campaign_id, va_table_number, position) where va_table_number > 0;
comment on index public.daily_assignments_place is
    'Airtable sync: the tables of a campaign in order; a place is taken once';

create index daily_assignments_status on public.daily_assignments
    (tenant, status, assigned_at);
comment on index public.daily_assignments_status is
    'followed ones that are due; retention by state';

create index daily_assignments_completed on public.daily_assignments
    (tenant, updated_at) where status = 'completed';
comment on index public.daily_assignments_completed is
    'completed ones whose delay is over';

create index daily_assignments_record on public.daily_assignments
    (airtable_record_id) where airtable_record_id is not null;
comment on index public.daily_assignments_record is
    'statuses from Airtable: the assignment of a record';

create index daily_assignments_person on public.daily_assignments
    (tenant, base_id, id, assigned_at);
comment on index public.daily_assignments_person is
    'statuses from Airtable: the newest assignment of a profile whose record '
    'is not known';


create table public.source_profiles (
    created_at timestamptz not null default now(),
    tenant     text not null default 'default',
    base_id    text not null default 'default_instagram',
    id         text not null default gen_random_uuid()::text,
    username   text collate "C" not null,
    constraint source_profiles_pkey primary key (id),
    constraint source_profiles_username_key unique (tenant, base_id, username)
);
comment on table public.source_profiles is
    'accounts whose followers are wanted; front-ends write them';
comment on constraint source_profiles_pkey on public.source_profiles is
    'DELETE /api/source-profiles: one of them';
comment on constraint source_profiles_username_key
    on public.source_profiles is
    'GET /api/source-profiles: those of a base by name; each once';


create table public.scraping_jobs (
    job_id           uuid not null default gen_random_uuid(),
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    num_vas          integer check (num_vas > 0),
    tenant           text not null default 'default',
    base_id          text not null default 'default_instagram',
    influencer_name  text,
    platform         text not null default 'instagram',
    airtable_base_id text,
    status           text not null default 'active',
    constraint scraping_jobs_pkey primary key (job_id)
);
comment on table public.scraping_jobs is
    'a team''s setup: its Airtable base and number of tables; no scrape run';
comment on constraint scraping_jobs_pkey on public.scraping_jobs is
    'one setup';

create index scraping_jobs_base on public.scraping_jobs
    (tenant, airtable_base_id);
comment on index public.scraping_jobs_base is
    'how many tables a base has; is it set up already';


create function igjobs.touch()
    returns trigger
    language plpgsql
as $$
begin
    new.updated_at := now();
    return new;
end
$$;
comment on function igjobs.touch() is
    'Trigger: updated_at becomes the time of the change.';

-- who sets updated_at keeps what was set
create trigger touch before update on public.daily_assignments
    for each row
    when (old.updated_at = new.updated_at
          and (old.status, old.va_table_number, old.position)
              is distinct from
              (new.status, new.va_table_number, new.position))
    execute function igjobs.touch();

create trigger touch before update on public.scraping_jobs
    for each row
    when (old.updated_at = new.updated_at and old is distinct from new)
    execute function igjobs.touch();


-- The base of a request

insert into igjobs.settings (name, value, note) values
    ('num_va_tables', '80', 'tables that a campaign is distributed over'),
    ('airtable_base_id', '',
     'the Airtable base of requests and campaigns that name none'),
    ('airtable_requests_per_second', '4',
     'requests to one Airtable base, of all workers together'),
    ('base_id_required', 'off',
     'on: a request that names no base is refused');


create function igjobs.base_given(caller jsonb, params jsonb)
    returns text
    language sql immutable
return coalesce(
    nullif(btrim(caller ->> 'base_id', E' \t\r\n'), ''),
    nullif(btrim(params #>> '{body,base_id}', E' \t\r\n'), ''),
    nullif(btrim(params ->> 'base_id', E' \t\r\n'), ''));
comment on function igjobs.base_given(jsonb, jsonb) is
    'The base that a request names: its header X-Base-Id, the member base_id '
    'of its body, the parameter of its query string; null when it names none. '
    'Answers have it as base_id, then only.';


create function igjobs.base_of(caller jsonb, params jsonb)
    returns text
    language sql immutable
return coalesce(igjobs.base_given(caller, params), 'default_instagram');
comment on function igjobs.base_of(jsonb, jsonb) is
    'The base whose rows a request is about. Ask base_problem first.';


create function igjobs.base_problem(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    base text := igjobs.base_given(caller, params);
begin
    if base is null and igjobs.setting('base_id_required') = 'on' then
        return igjobs.api_problem(
            400, 'base-id-required', null, 'base_id is required. Please '
            'provide it via ''X-Base-Id'' header or ''base_id'' in request '
            'body.', '#/base_id');
    elsif base !~ '^app[A-Za-z0-9_]+$' and base <> 'default_instagram'
        or length(base) > 100
    then
        return igjobs.api_problem(
            400, 'invalid-base-id', null,
            'Invalid base_id format: ' || left(base, 100), '#/base_id');
    end if;
    return null;
end
$$;
comment on function igjobs.base_problem(jsonb, jsonb) is
    'The answer when a request names a wrong base, or none where one is '
    'required; null when all is well.';


-- Front-ends

alter table public.global_usernames enable row level security;
alter table public.raw_scraped_profiles enable row level security;
alter table public.campaigns enable row level security;
alter table public.daily_assignments enable row level security;
alter table public.source_profiles enable row level security;
alter table public.scraping_jobs enable row level security;


create function igjobs.grant_front_end(p_role text default 'anon')
    returns void
    language plpgsql volatile
as $$
declare
    name text;
begin
    foreach name in array '{campaigns,global_usernames,source_profiles}'::text[]
    loop
        execute format('grant select on public.%I to %I', name, p_role);
        execute format('drop policy if exists %I on public.%I',
                       'front_end_' || p_role, name);
        execute format(
            'create policy %I on public.%I to %I using (tenant = ''default'') '
            'with check (tenant = ''default'')',
            'front_end_' || p_role, name, p_role);
    end loop;
    execute format('grant insert, update, delete on public.source_profiles '
                   'to %I', p_role);
end
$$;
comment on function igjobs.grant_front_end(text) is
    'Lets a role of the database''s REST layer do what front-ends do: read '
    'campaigns, the pool and source profiles, and write the last; rows of '
    'tenant default only. May be repeated.';

do $$
begin
    if to_regrole('anon') is not null then
        perform igjobs.grant_front_end();
    end if;
end
$$;
