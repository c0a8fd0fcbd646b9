-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Limits on work that waits: where there is too much of it, submissions are
-- refused before anything is written. What waits is not counted by each
-- submission, but by the leading worker in each of its rounds, or by a
-- submission when nobody has for some seconds. So the limits are as exact as
-- the counts are young; work that comes in between is let in.

insert into igjobs.settings (name, value, note) values
    ('max_queued_jobs', '500000',
     'jobs that may wait for their first batch, of all tenants; 0 = no limit'),
    ('max_queued_batches', '5000000',
     'batches that may wait or be at work, of all tenants; 0 = no limit'),
    ('max_queued_jobs_per_tenant', '0',
     'the same of a tenant for which nothing else is set; 0 = no limit'),
    ('max_queued_batches_per_tenant', '0',
     'the same of a tenant for which nothing else is set; 0 = no limit');


create function igjobs.refusal(
    b igjobs.backlog, p_tenant text, p_platform text)
    returns text
    language sql immutable
return case
    when p_platform <> all (b.platforms) then 'platform-not-served'
    when b.is_full then 'queue-full'
    when p_tenant = any (b.full_tenants) then 'tenant-queue-full'
end;
comment on function igjobs.refusal(igjobs.backlog, text, text) is
    'The problem of a submission that would be too much, or that nobody could '
    'work on; null: there is none.';


create function igjobs.served_kinds()
    returns text[]
    language plpgsql volatile
as $$
begin
    if not exists (
        select from igjobs.workers w where w.until > clock_timestamp())
    then
        return null;
    end if;
    return array(
        select distinct k from igjobs.workers w, unnest(w.kinds) k);
end
$$;
comment on function igjobs.served_kinds() is
    'Kinds of jobs that a worker takes, or one that was heard of within a day '
    'took; null when none is alive, and it is not known who will come.';


create function igjobs.served_platforms()
    returns text[]
    language plpgsql volatile
as $$
declare
    served text[] := igjobs.served_kinds();
begin
    return case when served is not null then array(
        select k.platform from igjobs.kinds k
        where k.platform is not null and k.kind = any (served)) end;
end
$$;
comment on function igjobs.served_platforms() is
    'Platforms that workers have an actor for; null when none is alive.';


create type igjobs.waiting as (tenant text, jobs bigint, batches bigint);

create function igjobs.waiting_work()
    returns setof igjobs.waiting
    language plpgsql stable
as $$
begin
    return query
    select j.tenant, count(*) filter (where j.state = 'queued'),
        sum(j.total_batches - j.batches_done - j.batches_dead)::bigint
    from public.scrape_jobs j
    where j.state in ('queued', 'running')
    group by j.tenant;
end
$$;
comment on function igjobs.waiting_work() is
    'For each tenant, jobs that have not begun and batches that have not '
    'ended. Reads every active job.';


create function igjobs.is_over(p_count bigint, p_limit text)
    returns boolean
    language sql immutable
return p_limit::bigint > 0 and p_count >= p_limit::bigint;
comment on function igjobs.is_over(bigint, text) is
    'Is that as much as may wait? 0 is no limit.';


create function igjobs.full_tenants(p_waiting igjobs.waiting[])
    returns text[]
    language plpgsql stable
as $$
declare
    most_jobs text := igjobs.setting('max_queued_jobs_per_tenant');
    most_batches text := igjobs.setting('max_queued_batches_per_tenant');
begin
    return array(
        select w.tenant
        from unnest(p_waiting) w
        left join igjobs.tenants t on t.tenant = w.tenant
        where igjobs.is_over(
                w.jobs, coalesce(t.max_queued_jobs::text, most_jobs))
            or igjobs.is_over(
                w.batches, coalesce(t.max_queued_batches::text, most_batches))
        order by w.tenant);
end
$$;
comment on function igjobs.full_tenants(igjobs.waiting[]) is
    'The tenants that have as much waiting as they may.';


create function igjobs.count_backlog(p_age interval)
    returns igjobs.backlog
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.backlog;
    began timestamptz := clock_timestamp();
    all_waiting igjobs.waiting[];
begin
    select t.* into b from igjobs.backlog t
    where t.one
        and t.counted_at + greatest(p_age, least(20 * t.took, 10 * p_age))
            <= began
    for update skip locked;
    if not found then
        select t.* into b from igjobs.backlog t where t.one;
        return b;
    end if;

    all_waiting := array(select w from igjobs.waiting_work() w);
    select coalesce(sum(w.jobs), 0), coalesce(sum(w.batches), 0)
        into b.jobs, b.batches from unnest(all_waiting) w;
    b.is_full := igjobs.is_over(b.jobs, igjobs.setting('max_queued_jobs'))
        or igjobs.is_over(b.batches, igjobs.setting('max_queued_batches'));
    b.full_tenants := igjobs.full_tenants(all_waiting);
    b.platforms := igjobs.served_platforms();
    b.counted_at := began;
    b.took := clock_timestamp() - began;
    update igjobs.backlog t
    set counted_at = b.counted_at, took = b.took, jobs = b.jobs,
        batches = b.batches, is_full = b.is_full,
        full_tenants = b.full_tenants, platforms = b.platforms
    where t.one;
    return b;
end
$$;
comment on function igjobs.count_backlog(interval) is
    'Counts what waits unless that was done less than p_age ago, or is being '
    'done, and returns what is known then. Where it takes long it is done '
    'less often, but never less than each ten p_age.';


create function igjobs.recent_backlog()
    returns igjobs.backlog
    language plpgsql volatile
as $$
declare
    b igjobs.backlog;
begin
    select t.* into b from igjobs.backlog t where t.one;
    if b.counted_at < now() - interval '5 s' then
        b := igjobs.count_backlog('5 s');
    end if;
    return b;
end
$$;
comment on function igjobs.recent_backlog() is
    'What waited some seconds ago at most. The leading worker keeps it '
    'younger; without one it is counted here.';


create function igjobs.picked(p_from anyarray, p_places integer[])
    returns anyarray
    language plpgsql immutable
as $$
begin
    return array(
        select p_from[i.place]
        from unnest(p_places) with ordinality i (place, n)
        order by i.n);
end
$$;
comment on function igjobs.picked(anyarray, integer[]) is
    'The elements in these places, in their order.';


create function igjobs.submit_unless_full(
    p_kind text, p_tenants text[], p_platforms text[], p_jobs uuid[],
    p_genders text[], p_max_counts integer[], p_keep_unknown boolean[],
    p_account_counts integer[], p_accounts text[], p_options text[])
    returns setof igjobs.submitted
    language plpgsql volatile
    set enable_seqscan = off
as $$
declare
    b igjobs.backlog := igjobs.recent_backlog();
    places integer[] := array(
        select i.n::integer
        from unnest(p_tenants, p_platforms, p_jobs) with ordinality
            i (tenant, platform, job_id, n)
        where igjobs.refusal(b, i.tenant, i.platform) is null
            or exists (select from public.scrape_jobs j
                       where j.tenant = i.tenant and j.job_id = i.job_id)
        order by i.n);
    stored igjobs.submitted[];
    place integer;
begin
    if places <> '{}' then
        stored := array(
            select s from igjobs.submit_all(
                p_kind, igjobs.picked(p_tenants, places),
                igjobs.picked(p_platforms, places),
                igjobs.picked(p_jobs, places),
                igjobs.picked(p_genders, places),
                igjobs.picked(p_max_counts, places),
                igjobs.picked(p_keep_unknown, places),
                igjobs.picked(p_account_counts, places),
                igjobs.picked(p_accounts, places),
                igjobs.picked(p_options, places), p_even_if_full => true) s);
    end if;
    for n in 1 .. cardinality(p_jobs) loop
        place := array_position(places, n);
        return query
        select (case when place is null
                     then (false, null, null, igjobs.refusal(
                               b, p_tenants[n], p_platforms[n])
                          )::igjobs.submitted
                     else stored[place] end).*;
    end loop;
end
$$;
comment on function igjobs.submit_unless_full(
    text, text[], text[], uuid[], text[], integer[], boolean[], integer[],
    text[], text[]) is
    'Part of submit_all when the queue may be full for some: those are '
    'refused, unless they are there already and repeat themselves.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.count_backlog(interval) to igjobs_worker;
