-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Recurring jobs. A schedule keeps its own copy of the accounts and what else a
-- submission says, or what run-daily is to do (041_run_daily.sql); each of its
-- ticks becomes a job of the tenant, once: the job, the log entry and the time
-- of the next tick are one transaction under the schedule's row lock, and the
-- job's id follows from schedule and tick. Locks: the schedule's row before all
-- others.

create table igjobs.schedules (
    schedule_id   uuid primary key,
    created_at    timestamptz not null default now(),
    next_at       timestamptz not null,
    retry_at      timestamptz,
    last_job      uuid,
    account_count integer not null,
    tenant        text not null,
    platform      text not null,
    kind          text not null,
    name          text not null collate "C",
    cron          text not null,
    time_zone     text not null,
    missed        text not null check (missed in ('once', 'all', 'skip')),
    overlap       text not null check (overlap in ('skip', 'start')),
    state         text not null default 'active'
                  check (state in ('active', 'paused')),
    error         text,
    request       jsonb not null,
    constraint schedules_name unique (tenant, name)
);
comment on constraint schedules_pkey on igjobs.schedules is
    'igjobs.run_schedule, igjobs.find_schedule: one schedule';
comment on constraint schedules_name on igjobs.schedules is
    'igjobs.api_schedules: a tenant''s schedules; one of a name';
comment on column igjobs.schedules.next_at is
    'the first tick that has not been dealt with';
comment on column igjobs.schedules.retry_at is
    'that tick failed: not before';
comment on column igjobs.schedules.request is
    'of kind scrape_followers: as igjobs.submit takes it; of kind operation: '
    '{"run_daily": {...}}';

create index schedules_due on igjobs.schedules (next_at)
    where state = 'active';
comment on index igjobs.schedules_due is
    'igjobs.due_schedules: the schedules whose time has come';


create table igjobs.schedule_accounts (
    schedule_id uuid not null,
    batch_no    integer not null,
    accounts    text not null,
    constraint schedule_accounts_pkey primary key (schedule_id, batch_no)
);
alter table igjobs.schedule_accounts
    alter column accounts set storage external;
comment on constraint schedule_accounts_pkey on igjobs.schedule_accounts is
    'igjobs.start_tick: the accounts of one schedule';


create table igjobs.schedule_ticks (
    schedule_id uuid not null,
    tick        timestamptz not null,
    at          timestamptz not null default now(),
    job_id      uuid,
    outcome     text not null
                check (outcome in ('started', 'missed', 'overlap', 'failed')),
    error       text,
    constraint schedule_ticks_pkey primary key (schedule_id, tick)
);
comment on constraint schedule_ticks_pkey on igjobs.schedule_ticks is
    'igjobs.schedule_log: the last ticks of one schedule; a tick once';

insert into igjobs.settings (name, value, note) values
    ('max_schedules', '100', 'schedules of a tenant'),
    ('schedule_grace_seconds', '300',
     'how late a tick may be before it counts as missed'),
    ('schedule_retry_seconds', '60',
     'pause after a tick whose job could not be submitted'),
    ('schedule_log', '100', 'ticks of a schedule that are kept');


create function igjobs.tick_job_id(p_schedule uuid, p_tick timestamptz)
    returns uuid
    language sql immutable
return (
    select (lpad(to_hex((1000 * extract(epoch from p_tick))::bigint), 12, '0')
            || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
    from md5(p_schedule::text || extract(epoch from p_tick)::text) h);
comment on function igjobs.tick_job_id(uuid, timestamptz) is
    'The id of a tick''s job: a UUID version 7 of that time which only this '
    'tick of this schedule has.';


create function igjobs.start_tick(s igjobs.schedules, p_tick timestamptz)
    returns uuid
    language plpgsql volatile
as $$
declare
    new_job uuid := igjobs.tick_job_id(s.schedule_id, p_tick);
    refusal text;
begin
    if s.kind = 'operation' then
        perform igjobs.start_daily_tick(s, p_tick, new_job);
        return new_job;
    end if;

    refusal := (igjobs.submit(
        s.tenant, s.platform, new_job, s.kind, s.request, s.account_count,
        igjobs.batches_of(s.account_count), null)).refusal;
    if refusal is not null then
        raise exception 'submissions are refused: %', refusal;
    end if;
    insert into igjobs.batch_accounts (
        tenant, platform, job_id, batch_no, accounts)
    select s.tenant, s.platform, new_job, a.batch_no, a.accounts
    from igjobs.schedule_accounts a
    where a.schedule_id = s.schedule_id;
    perform igjobs.submit_copied(s.tenant, new_job);
    return new_job;
end
$$;
comment on function igjobs.start_tick(igjobs.schedules, timestamptz) is
    'Submits the job of a tick; returns its id. Its turns are issued by the '
    'next sweep.';


create function igjobs.tick_outcome(s igjobs.schedules)
    returns text
    language plpgsql stable
as $$
begin
    return case
        when s.missed = 'skip' and igjobs.is_late(s.next_at) then 'missed'
        when s.overlap = 'skip' and exists (
            select from public.scrape_jobs j
            where j.tenant = s.tenant and j.job_id = s.last_job
                and not igjobs.is_final(j.state)) then 'overlap'
        else 'started'
        end;
end
$$;
comment on function igjobs.tick_outcome(igjobs.schedules) is
    'What is to become of the tick that is due.';


create function igjobs.is_late(p_tick timestamptz)
    returns boolean
    language sql stable
return p_tick < now() - igjobs.setting('schedule_grace_seconds')::integer
                        * interval '1 second';
comment on function igjobs.is_late(timestamptz) is
    'Is it too late for this tick, except for one that makes up for it?';


create function igjobs.tick_after(s igjobs.schedules)
    returns timestamptz
    language plpgsql stable
as $$
begin
    return igjobs.cron_next(s.cron, s.time_zone, case
        when not igjobs.is_late(s.next_at) or s.missed = 'all' then s.next_at
        when s.missed = 'once' then now()
        else now() - igjobs.setting('schedule_grace_seconds')::integer
                     * interval '1 second'
        end);
end
$$;
comment on function igjobs.tick_after(igjobs.schedules) is
    'The tick to come after the one that is due. Where several were missed, '
    '`all` takes them one by one, `once` makes up for all with one job, '
    '`skip` goes on with those that are not late.';


create function igjobs.note_tick(
    s igjobs.schedules, p_outcome text, p_job uuid, p_error text)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.schedule_ticks (
        schedule_id, tick, job_id, outcome, error)
    values (s.schedule_id, s.next_at, p_job, p_outcome, p_error)
    on conflict (schedule_id, tick) do nothing;
    delete from igjobs.schedule_ticks t
    where t.schedule_id = s.schedule_id and t.tick < (
        select k.tick from igjobs.schedule_ticks k
        where k.schedule_id = s.schedule_id
        order by k.tick desc
        offset igjobs.setting('schedule_log')::integer - 1 limit 1);
    update igjobs.schedules t
    set next_at = igjobs.tick_after(s), retry_at = null, error = p_error,
        last_job = coalesce(p_job, t.last_job)
    where t.schedule_id = s.schedule_id;
end
$$;
comment on function igjobs.note_tick(igjobs.schedules, text, uuid, text) is
    'The tick that was due is dealt with: the log, and the next one.';


create function igjobs.tick_failed(s igjobs.schedules, p_error text)
    returns text
    language plpgsql volatile
as $$
begin
    if igjobs.cron_next(s.cron, s.time_zone, s.next_at) <= now() then
        perform igjobs.note_tick(s, 'failed', null, p_error);
        return 'failed';
    end if;
    update igjobs.schedules t
    set error = p_error,
        retry_at = now() + igjobs.setting('schedule_retry_seconds')::integer
                           * interval '1 second'
    where t.schedule_id = s.schedule_id;
    return 'retry';
end
$$;
comment on function igjobs.tick_failed(igjobs.schedules, text) is
    'The job of a tick could not be submitted: again after a pause, until the '
    'tick after it is due.';


create type igjobs.ticked as (outcome text, job_id uuid, error text);

create function igjobs.run_schedule(p_tenant text, p_schedule uuid)
    returns igjobs.ticked
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    s igjobs.schedules;
    t igjobs.ticked;
begin
    select k.* into s from igjobs.schedules k
    where k.tenant = p_tenant and k.schedule_id = p_schedule
        and k.state = 'active' and k.next_at <= now()
        and (k.retry_at is null or k.retry_at <= now())
    for no key update skip locked;
    t.outcome := 'none';
    if not found then
        return t;
    end if;

    t.outcome := igjobs.tick_outcome(s);
    begin
        if t.outcome = 'started' then
            t.job_id := igjobs.start_tick(s, s.next_at);
        end if;
        perform igjobs.note_tick(s, t.outcome, t.job_id, null);
    exception when others then
        t.job_id := null;
        t.error := left(sqlerrm, 1000);
        t.outcome := igjobs.tick_failed(s, t.error);
    end;
    return t;
end
$$;
comment on function igjobs.run_schedule(text, uuid) is
    'Deals with the first due tick of a schedule. Outcomes: started (job_id), '
    'overlap (the job before still runs), missed (too late), failed or retry '
    '(error), none (nothing is due, or somebody else is at it).';


create function igjobs.due_schedules(p_limit integer)
    returns table (tenant text, schedule_id uuid)
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.tenant, s.schedule_id from igjobs.schedules s
    where s.state = 'active' and s.next_at <= now()
        and (s.retry_at is null or s.retry_at <= now())
    order by s.next_at
    limit p_limit;
end
$$;
comment on function igjobs.due_schedules(integer) is
    'Schedules for igjobs.run_schedule, the longest due first.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.due_schedules(integer),
    igjobs.run_schedule(text, uuid)
to igjobs_worker;
