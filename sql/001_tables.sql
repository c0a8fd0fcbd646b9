-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Tables. The contract's tables stand in public under their old names, ours in
-- igjobs. Columns go from wide and fixed to narrow and variable, so that no
-- row is padded. There are no foreign keys: their checks would lock the job
-- row first, and the job row is locked last (sql/README.md).

-- execute is granted by name in the last migration, never to everybody
alter default privileges revoke execute on functions from public;


-- Constraints of the hot tables are functions: an expression would be read and
-- prepared again by every statement, 25 microseconds against 8.
create function igjobs.job_fits(
    p_state text, p_reason text, p_started_at timestamptz,
    p_completed_at timestamptz)
    returns boolean
    language plpgsql immutable
as $$
begin
    return case
        when p_completed_at is not null
            then p_state in ('completed', 'failed', 'canceled')
        when p_state = 'queued' then p_started_at is null
        when p_state = 'running' then p_started_at is not null
        else p_state in ('stopping', 'paused') and p_reason is not null
        end;
end
$$;
comment on function igjobs.job_fits(text, text, timestamptz, timestamptz) is
    'The states of a job, and the times and reasons that go with them.';


create function igjobs.run_fits(
    p_state text, p_token text, p_run_id text, p_closed_at timestamptz)
    returns boolean
    language plpgsql immutable
as $$
begin
    return case
        when p_state = 'stray'
            then p_run_id is not null and p_closed_at is not null
        when p_closed_at is not null
            then p_state in ('succeeded', 'failed', 'timed_out', 'aborted',
                             'absent', 'refused')
        when p_state in ('started', 'reading') then p_run_id is not null
        when p_state = 'intent' then p_token is not null
        else p_state = 'planned'
        end;
end
$$;
comment on function igjobs.run_fits(text, text, text, timestamptz) is
    'The states of a run. Open: planned (accounts set apart, nothing '
    'started), intent (the start call may be under way), started (id known). '
    'reading: the dataset of an earlier job''s run is read. '
    'stray: closed for its batch, but to be ended at the provider and booked.';


-- One row a job. A page commit rewrites it, so half of each page stays free:
-- no index holds what a page changes, and the rewrite stays HOT.
create table public.scrape_jobs (
    job_id                uuid primary key,
    created_at            timestamptz not null default now(),
    started_at            timestamptz,
    completed_at          timestamptz,
    updated_at            timestamptz not null default now(),
    version               bigint not null default 1,
    next_row              bigint not null default 0,
    seen                  bigint not null default 0,
    female_count          bigint not null default 0,
    male_count            bigint not null default 0,
    unknown_count         bigint not null default 0,
    profiles_scraped      bigint not null default 0,
    total_scraped         bigint,
    total_filtered        bigint,
    progress_sum          double precision not null default 0,
    target_count          bigint,
    deadline              timestamptz,
    erased_at             timestamptz,
    total_batches         integer not null,
    batches_done          integer not null default 0,
    batches_dead          integer not null default 0,
    current_batch         integer not null default 0,
    account_count         integer not null,
    accounts_failed       integer not null default 0,
    max_count_per_account integer not null,
    parallelism           integer not null,
    redrives              integer not null default 0,
    max_age_seconds       integer,
    max_failed_ratio      real not null,
    half_width            real,
    keep_unknown          boolean not null,
    progress              numeric(5, 2) not null default 0,
    max_cost_usd          numeric(14, 6),
    reserved_usd          numeric(14, 6) not null default 0,
    cost_usd              numeric(14, 6) not null default 0,
    need_usd              numeric(14, 6),
    tenant                text not null,
    platform              text not null,
    kind                  text not null,
    class                 text not null,
    phase                 text not null,
    state                 text not null default 'queued',
    status                text not null default 'queued',
    reason                text,
    target_gender         text not null,
    error_message         text,
    random_seed           text,
    callback_url          text,
    told                  text,
    accounts              text[],
    doc                   text not null,

    constraint job_state check (
        igjobs.job_fits(state, reason, started_at, completed_at))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_threshold = 200,
        autovacuum_analyze_scale_factor = 0.05);

comment on constraint scrape_jobs_pkey on public.scrape_jobs is
    'igjobs.lock_job, igjobs.job_documents: one job';
comment on column public.scrape_jobs.target_count is
    'kept profiles at which the job stops; null = none';
comment on column public.scrape_jobs.erased_at is
    'since when the job is hidden and its rows are being deleted';
comment on column public.scrape_jobs.half_width is
    'of the interval of the gender share, at which the job stops; null = none';
comment on column public.scrape_jobs.random_seed is
    'what the accounts were drawn with, at random, and in that order; null: '
    'the submitter did not say so';
comment on column public.scrape_jobs.max_cost_usd is
    'budget: cost_usd + reserved_usd never exceed it; null = none';
comment on column public.scrape_jobs.reserved_usd is
    'set aside for runs that have not been settled';
comment on column public.scrape_jobs.need_usd is
    'what the smallest run costs that the budget or the tenant''s day did not '
    'cover when one was asked for last; null = it did';
comment on column public.scrape_jobs.max_age_seconds is
    'how old what was bought for an earlier job may be to be taken again';

comment on column public.scrape_jobs.told is
    'the state that the newest webhook tells; null = queued or none';

create index scrape_jobs_active on public.scrape_jobs
    (tenant, job_id) include (kind, class, parallelism)
    where state in ('queued', 'running');
comment on index public.scrape_jobs_active is
    'igjobs.runnable: active jobs in pages by key; igjobs.claim_any';

create index scrape_jobs_of_platforms on public.scrape_jobs (kind, job_id)
    where state in ('queued', 'running') and platform <> 'instagram';
comment on index public.scrape_jobs_of_platforms is
    'igjobs.unserved_jobs: active jobs of a kind that no worker takes';

create index scrape_jobs_stopping on public.scrape_jobs (job_id)
    where state = 'stopping';
comment on index public.scrape_jobs_stopping is
    'igjobs.expired_jobs: stopping jobs with nothing leased';


create index scrape_jobs_deadline on public.scrape_jobs (deadline)
    where deadline is not null and state in ('queued', 'running');
comment on index public.scrape_jobs_deadline is
    'igjobs.overdue_jobs: those whose time is over';


-- The queue. One row a batch; lease_until stands in no index, so that a
-- renewal is HOT. not_before is null unless the batch waits for a time: those
-- have an index of their own, and nobody reads past them.
create table igjobs.batches (
    job_id          uuid not null,
    lease_until     timestamptz,
    not_before      timestamptz,
    finished_at     timestamptz,
    expected        bigint not null,
    progress        double precision not null default 0,
    batch_no        integer not null,
    attempt         integer not null default 0,
    account_count   integer not null,
    failures        smallint not null default 0,
    reruns          smallint not null default 0,
    losses          smallint not null default 0,
    slots           smallint not null default 0,
    place           smallint,
    run_slots       smallint not null default 0,
    state           text not null default 'queued',
    tenant          text not null,
    platform        text not null,
    kind            text not null,
    phase           text not null,
    worker          text,
    error           text,
    error_class     text,
    payload         jsonb,

    constraint batches_pkey primary key (job_id, batch_no),
    -- no function here: 10,000 rows are inserted at once
    constraint batch_state check (
        (lease_until is null) <> (state = 'leased')
        and (finished_at is null) <> (state = 'done' or state = 'dead'))
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05);
comment on constraint batches_pkey on igjobs.batches is
    'igjobs.lock_batch and every function that names a batch';
comment on column igjobs.batches.attempt is
    'the fence: raised by every claim, compared by every write';
comment on column igjobs.batches.failures is
    'provider errors that were retried; a page sets it back to reruns';
comment on column igjobs.batches.reruns is
    'those of them that cost a new provider run';
comment on column igjobs.batches.losses is
    'leases that ran out since the last stored page';
comment on column igjobs.batches.expected is
    'items that would be all of the batch; progress moves by items / expected';
comment on column igjobs.batches.progress is
    'how far the batch is, 0 to 1';
comment on column igjobs.batches.error_class is
    'what kind of error the last one was, for igjobs.reopen_job';
comment on column igjobs.batches.place is
    'which of the job''s parallel places the lease has, from 0';
comment on column igjobs.batches.slots is
    'how many fleet-wide slots the lease holds';
comment on column igjobs.batches.run_slots is
    'how many its provider run holds: kept by a batch that lost its lease';

create index batches_queued on igjobs.batches (job_id, batch_no)
    where state = 'queued' and not_before is null;
comment on index igjobs.batches_queued is
    'igjobs.pick_batch: the first batch of a job; igjobs.runnable';

create index batches_waiting on igjobs.batches (job_id, not_before)
    where state = 'queued' and not_before is not null;
comment on index igjobs.batches_waiting is
    'igjobs.pick_waiting: a batch whose time has come; igjobs.wait_ms: the '
    'next that will be due';

create index batches_leased on igjobs.batches (job_id, batch_no)
    where state = 'leased';
comment on index igjobs.batches_leased is
    'igjobs.expired_jobs: all leases; igjobs.leased: those of one job';


-- What a batch is about, apart from the lease, which is rewritten often.
create table igjobs.batch_accounts (
    job_id   uuid not null,
    batch_no integer not null,
    tenant   text not null,
    platform text not null,
    accounts text not null,
    outcomes jsonb,
    constraint batch_accounts_pkey primary key (job_id, batch_no)
);
alter table igjobs.batch_accounts alter column accounts set storage external;
comment on constraint batch_accounts_pkey on igjobs.batch_accounts is
    'igjobs.claim: the names of one batch; igjobs.note_outcomes';
comment on column igjobs.batch_accounts.accounts is
    'user names joined by newlines';
comment on column igjobs.batch_accounts.outcomes is
    'object: user name to outcome; partial = profiles were seen, more may '
    'come; absent = not looked at yet; everything else is final. full and '
    'whole are ok with more said, where the items name their account: as many '
    'profiles as were asked for, or all that the account has';


-- Every provider run of a batch: splits, reruns, and later phases' too.
create table igjobs.runs (
    job_id       uuid not null,
    intent_at    timestamptz,
    absent_at    timestamptz,
    look_at      timestamptz,
    closed_at    timestamptz,
    settle_at    timestamptz,
    cursor       bigint not null default 0,
    items        bigint not null default 0,
    max_items    bigint,
    batch_no     integer not null,
    run_no       integer not null,
    attempt      integer not null,
    reserved_day date,
    unread       boolean not null default false,
    state        text not null,
    tenant       text not null,
    platform     text not null,
    cost_usd     numeric(12, 6),
    reserved_usd numeric(14, 6),
    token        text,
    provider     text,
    actor        text,
    run_id       text,
    dataset_id   text,
    accounts     text,
    origin       text,
    account_max  integer,
    constraint runs_pkey primary key (job_id, batch_no, run_no),
    constraint run_state check (
        igjobs.run_fits(state, token, run_id, closed_at))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on constraint runs_pkey on igjobs.runs is
    'igjobs.lock_run; igjobs.claim: the runs of one batch';
comment on column igjobs.runs.accounts is
    'user names joined by newlines; null = all of the batch; empty = none: '
    'nobody collects this run';
comment on column igjobs.runs.look_at is
    'when the reaper looks for a run of this token again, though it was taken '
    'for absent';
comment on column igjobs.runs.absent_at is
    'when the provider''s list was first seen without the run of this intent';
comment on column igjobs.runs.origin is
    'reused: an earlier job bought it; null: bought for this one';
comment on column igjobs.runs.account_max is
    'of a run that is read again: items to take of each account, if it has '
    'more than are wanted now';
comment on column igjobs.runs.unread is
    'ended and booked when its job was stopped: a redrive reads what it had '
    'brought, from the cursor on';
comment on column igjobs.runs.cursor is
    'items of the dataset that are stored; only pages move it';

create index runs_open on igjobs.runs (job_id, batch_no)
    where state in ('intent', 'started', 'stray');
comment on index igjobs.runs_open is
    'igjobs.orphan_runs: every run that the provider may be working on';

create index runs_unsettled on igjobs.runs (settle_at)
    where settle_at is not null;
comment on index igjobs.runs_unsettled is
    'igjobs.unsettled_runs: closed runs whose cost is to be read again';
comment on column igjobs.runs.max_items is
    'items that the provider was told to sell at most; null = no budget';
comment on column igjobs.runs.reserved_usd is
    'part of the job''s reserved_usd: what the run may cost at most, until '
    'its cost is final';
comment on column igjobs.runs.reserved_day is
    'the day of igjobs.spending that this run counts for; null = none';
comment on column igjobs.runs.settle_at is
    'when the cost of a closed run is read again; null = it is final';

create index runs_looked_for on igjobs.runs (look_at)
    where look_at is not null;
comment on index igjobs.runs_looked_for is
    'igjobs.orphan_runs: tokens that are looked for again';


-- Results. The rows of a committed page are chunks of at most
-- igjobs.chunk_size() rows, a column an array: to store rows so costs a third
-- of what rows of their own cost. chunk_no comes from a sequence and means no
-- order, igjobs.chunks gives each chunk its place.
create table igjobs.chunk_rows (
    job_id          uuid not null,
    chunk_no        bigint not null,
    created_at      timestamptz not null default now(),
    tenant          text not null,
    platform        text not null,
    profile_ids     text[] collate "C" not null,
    usernames       text[] collate "C" not null,
    full_names      text[] not null,
    genders         text[] not null,
    confidences     real[] not null,
    evidences       text[] not null,
    source_accounts text[] collate "C" not null,
    constraint chunk_rows_pkey primary key (job_id, chunk_no)
) partition by range (job_id);
do $$
begin
    alter table igjobs.chunk_rows
        alter profile_ids set compression lz4,
        alter usernames set compression lz4,
        alter full_names set compression lz4,
        alter genders set compression lz4,
        alter confidences set compression lz4,
        alter evidences set compression lz4,
        alter source_accounts set compression lz4;
exception when feature_not_supported then
    null;       -- a server built without it: slower
end
$$;
comment on constraint chunk_rows_pkey on igjobs.chunk_rows is
    'igjobs.result_rows and the like: the rows of a chunk';

create table igjobs.chunk_rows_other
    partition of igjobs.chunk_rows default;
comment on table igjobs.chunk_rows_other is
    'jobs whose month has no partition';

create sequence igjobs.chunk_no cache 1;


-- Which profiles a job has, so that it has each once. Pages are noted in the
-- order of the key, which keeps neighbours on one page of the index.
create table igjobs.job_profiles (
    job_id     uuid not null,
    profile_id text collate "C" not null,
    constraint job_profiles_pkey primary key (job_id, profile_id)
) partition by range (job_id);
comment on constraint job_profiles_pkey on igjobs.job_profiles is
    'igjobs.new_rows: a profile once a job';

create table igjobs.job_profiles_other
    partition of igjobs.job_profiles default;
comment on table igjobs.job_profiles_other is
    'jobs whose month has no partition';


create view public.scrape_results as
    select c.job_id, c.chunk_no, (r.n - 1)::integer as idx, c.created_at,
        c.tenant, c.platform, r.profile_id, r.username, r.full_name,
        r.gender, r.confidence, r.evidence, r.source_account
    from igjobs.chunk_rows c,
        unnest(c.profile_ids, c.usernames, c.full_names, c.genders,
               c.confidences, c.evidences, c.source_accounts)
            with ordinality r (
                profile_id, username, full_name, gender, confidence,
                evidence, source_account, n);
comment on view public.scrape_results is
    'A row for each profile of each job, for people and for clients that read '
    'the database; idx: its place in its chunk, from 0';

create table igjobs.chunks (
    job_id    uuid not null,
    first_row bigint not null,
    chunk_no  bigint not null,
    n         integer not null check (n > 0),
    tenant    text not null,
    platform  text not null,
    origin    text,
    constraint chunks_pkey primary key (job_id, first_row)
);
comment on constraint chunks_pkey on igjobs.chunks is
    'igjobs.result_rows: the chunks that hold a range of ordinals';
comment on column igjobs.chunks.n is
    'rows of the chunk: it holds the ordinals first_row to first_row + n - 1';


-- Fleet-wide caps: a scope with a row in caps has that many slots.
create table igjobs.caps (
    scope text primary key,
    slots integer not null check (slots >= 0)
);
comment on constraint caps_pkey on igjobs.caps is
    'igjobs.lock_slots: the caps of a batch''s scopes';
comment on table igjobs.caps is
    'scope tenant:<tenant>, kind:<kind>, actor:<provider>/<actor> or '
    'memory:<provider>; set by igjobs.set_cap';

create table igjobs.slots (
    job_id   uuid,
    until    timestamptz,
    n        integer not null,
    batch_no integer,
    attempt  integer,
    scope    text not null,
    constraint slots_pkey primary key (scope, n)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
comment on constraint slots_pkey on igjobs.slots is
    'igjobs.lock_slots: the first free slots of a scope';
comment on column igjobs.slots.attempt is
    'the lease that holds it; null = the batch''s provider run holds it, '
    'until infinity';

create index slots_holder on igjobs.slots (job_id, batch_no)
    where job_id is not null;
comment on index igjobs.slots_holder is
    'igjobs.release_slots, igjobs.release_run_slots, igjobs.renew: the slots '
    'of one batch';


-- Whether an actor (or a kind without one) can be asked now, see 020_limits.
create table igjobs.breakers (
    scope        text primary key,
    state        text not null default 'closed',
    told         text not null default 'closed',
    since        timestamptz,
    until        timestamptz,
    probes_until timestamptz,
    failed_at    timestamptz,
    full_at      timestamptz,
    probing      integer not null default 0,
    failures     integer not null default 0,
    opened       integer not null default 0,
    most_runs    integer,
    cause        text,
    reason       text,
    probes       text[] not null default '{}',
    constraint breaker_state check (
        case state when 'open' then until is not null
            else state = 'closed' end)
) with (fillfactor = 10);
comment on constraint breakers_pkey on igjobs.breakers is
    'igjobs.look_at_job, igjobs.breaker_failed: the breaker of a scope';
comment on table igjobs.breakers is
    'for people: igjobs.breaker_states';
comment on column igjobs.breakers.until is
    'of an open one: nothing is asked before; then probes are';
comment on column igjobs.breakers.probes is
    'leases that tried since it was half open: <job>/<batch>/<attempt>';
comment on column igjobs.breakers.probing is
    'how many of them are expected to tell something until probes_until';
comment on column igjobs.breakers.probes_until is
    'probes that have told nothing by then are replaced';
comment on column igjobs.breakers.failures is
    'in a row, each within the window of the one before';
comment on column igjobs.breakers.opened is
    'times in a row without an answer in between';
comment on column igjobs.breakers.most_runs is
    'that the provider let work when it was full last, at full_at';
comment on column igjobs.breakers.told is
    'the state that stands in a log';


create table igjobs.kinds (
    kind     text primary key,
    phase    text not null,
    hook     regprocedure,
    platform text
);
comment on constraint kinds_pkey on igjobs.kinds is
    'igjobs.insert_jobs, igjobs.next_phase: one kind';
comment on table igjobs.kinds is
    'phase: the first one; hook(scrape_jobs) returns scrape_jobs: called '
    'under the job row''s lock when a phase''s last batch has ended, may add '
    'the next phase''s batches; null = one phase only; platform: whose '
    'accounts are scraped, each platform is a kind (igjobs.platform_kind)';

create table igjobs.settings (
    name  text primary key,
    value text not null,
    note  text not null
);
comment on constraint settings_pkey on igjobs.settings is
    'igjobs.setting: one setting';

-- What an operator has decided for a tenant; one without a row has the
-- defaults.
create table igjobs.tenants (
    tenant               text primary key,
    weight               real not null default 1 check (weight > 0),
    max_cost_usd_per_day numeric(14, 6),
    max_queued_batches   bigint,
    max_queued_jobs      integer,
    callback_url         text
);
comment on column igjobs.tenants.max_queued_jobs is
    'of this tenant instead of the setting max_queued_jobs_per_tenant; 0 = no '
    'limit; max_queued_batches likewise';
comment on constraint tenants_pkey on igjobs.tenants is
    'what runs for a tenant, one row';

-- Limits on waiting work, see sql/029_backlog.sql.
create table igjobs.backlog (
    counted_at   timestamptz not null default '-infinity',
    took         interval not null default '0',
    jobs         bigint not null default 0,
    batches      bigint not null default 0,
    one          boolean primary key default true check (one),
    is_full      boolean not null default false,
    full_tenants text[] not null default '{}',
    platforms    text[]
) with (fillfactor = 10);
insert into igjobs.backlog default values;
comment on table igjobs.backlog is
    'One row: what waited when it was counted, and for whom that is enough.';
comment on column igjobs.backlog.platforms is
    'that workers have an actor for; null = no worker is alive';
comment on constraint backlog_pkey on igjobs.backlog is
    'igjobs.recent_backlog: the row';

-- What runs cost, actor * being any other: a run reserves its price at most.
create table igjobs.prices (
    provider           text not null,
    actor              text not null,
    usd_per_run        numeric(14, 6) not null default 0,
    usd_per_1000_items numeric(14, 6) not null default 0,
    usd_per_gb_hour    numeric(14, 6) not null default 0,
    memory_mb          integer,
    run_timeout_s      integer,
    constraint prices_pkey primary key (provider, actor),
    constraint price_bounded check (
        usd_per_run >= 0 and usd_per_1000_items >= 0 and usd_per_gb_hour >= 0
        and (usd_per_gb_hour = 0
             or memory_mb is not null and run_timeout_s is not null))
);
comment on constraint prices_pkey on igjobs.prices is
    'igjobs.price_of: one actor';
comment on constraint price_bounded on igjobs.prices is
    'what is paid by the hour has a bound only with memory and time-out';

-- What tenants with a limit a day have spent, by the UTC day on which a run
-- was reserved.
create table igjobs.spending (
    tenant       text not null,
    day          date not null,
    cost_usd     numeric(14, 6) not null default 0,
    reserved_usd numeric(14, 6) not null default 0,
    constraint spending_pkey primary key (tenant, day)
) with (fillfactor = 50);
comment on constraint spending_pkey on igjobs.spending is
    'igjobs.lock_day: one day of a tenant';

create type igjobs.allowance as (
    answer text, max_items bigint, usd numeric, day date, memory_mb integer,
    timeout_s integer, job_reserved numeric);
comment on type igjobs.allowance is
    'What a run may cost. answer: ok, wait (nothing fits now), stop (nothing '
    'fits, and nothing will come back). usd: reserved, in day for the tenant '
    '(null: it has no limit). max_items, usd, memory_mb and timeout_s are '
    'told to the provider. job_reserved: of the job, with this.';

-- Who stopped, resumed, redrove or erased what, and why.
create table igjobs.audit_log (
    job_id   uuid not null,
    audit_id bigint generated always as identity,
    at       timestamptz not null default now(),
    tenant   text not null,
    action   text not null,
    reason   text,
    detail   jsonb,
    constraint audit_log_pkey primary key (job_id, audit_id)
);
comment on constraint audit_log_pkey on igjobs.audit_log is
    'igjobs.api_job: what was done to one job, in order';

create table igjobs.leaders (
    name   text primary key,
    worker text not null,
    fence  bigint not null,
    until  timestamptz not null
) with (fillfactor = 10);
comment on constraint leaders_pkey on igjobs.leaders is
    'igjobs.lead: one leadership';


create function igjobs.platform_kind(p_kind text, p_platform text)
    returns text
    language sql immutable
return case when p_platform = 'instagram' then p_kind
           else p_kind || '.' || p_platform end;
comment on function igjobs.platform_kind(text, text) is
    'The kind of the jobs that do p_kind for a platform: its workers are '
    'those that have an actor for it.';

insert into igjobs.kinds (kind, phase, platform)
select igjobs.platform_kind('scrape_followers', p), 'collect', p
from unnest('{instagram, tiktok, threads, x}'::text[]) p;

insert into igjobs.settings (name, value, note) values
    ('parallelism', '8', 'batches of one job that may be leased at once'),
    ('max_parallelism', '32', 'what a job may ask for as its parallelism'),
    ('max_failed_ratio', '0.10',
     'share of accounts that may fail in a completed job'),
    ('max_failures', '3', 'retries of a batch after provider errors'),
    ('max_losses', '5', 'leases that may run out before a batch is dead'),
    ('retry_base_ms', '2000', 'delay before the first retry, then doubled'),
    ('retry_max_ms', '600000', 'longest delay before a retry'),
    ('run_memory_mb', '4096',
     'what a run counts under a cap of memory when no memory is asked for'),
    ('absent_again_ms', '5000',
     'from the first list without a run to the one that proves its absence'),
    ('absent_look_ms', '600000',
     'after an intent, how long a run with its token is still looked for'),
    ('unserved_grace_seconds', '60',
     'age from which a job fails for whose platform no worker has an actor'),
    ('park_ms', '60000', 'delay of a parked batch when the worker names none'),
    ('breaker_failures', '5',
     'refused or unanswered calls in a row that open an actor''s breaker'),
    ('breaker_window_ms', '30000',
     'failures that are further apart are not in a row'),
    ('breaker_open_ms', '2000',
     'how long a breaker is open at first, then doubled'),
    ('breaker_open_max_ms', '15000', 'longest time of that'),
    ('breaker_refused_ms', '15000',
     'the same when the account or the actor is refused'),
    ('breaker_refused_max_ms', '600000', 'longest time of that'),
    ('breaker_probes', '2', 'batches that try when a breaker was open'),
    ('breaker_probe_ms', '10000',
     'after which a probe that has told nothing is replaced'),
    ('breaker_full_ms', '10000',
     'how long the number of runs stays when the provider was full'),
    ('min_run_share', '0.10',
     'share of the wanted items for which a run is still worth its start'),
    ('usage_settles_ms', '10000',
     'after a run''s end, until what the provider charged is final'),
    ('usage_again_ms', '30000', 'between tries to read what a run cost'),
    ('usage_lost_ms', '86400000',
     'after a run''s end, until what it may have cost at most is booked');

insert into igjobs.prices (provider, actor, usd_per_run, usd_per_1000_items)
values ('apify', '*', 0.01, 2.5);
