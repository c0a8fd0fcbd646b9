-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What the elected housekeeper asks: run-out leases, turns to issue, runs to
-- abort, partitions to make.

create function igjobs.expired_jobs(p_limit integer)
    returns table (tenant text, job_id uuid)
    language sql stable
    security definer set search_path = pg_catalog, pg_temp
begin atomic
    select b.tenant, b.job_id from igjobs.batches b
    where b.state = 'leased' and b.lease_until < now()
    union
    select j.tenant, j.job_id from public.scrape_jobs j
    where j.state = 'stopping'
        and not exists (
            select from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.state = 'leased')
    limit p_limit;
end;
comment on function igjobs.expired_jobs(integer) is
    'Jobs for igjobs.sweep_job: with run-out leases, or stopping with nothing '
    'leased. Reads leased batches and stopping jobs only.';


create function igjobs.runnable(
    p_after_tenant text, p_after uuid, p_limit integer)
    returns table (
        tenant text, job_id uuid, kind text, class text, parallelism integer,
        weight real, turns integer, wait_ms integer)
    language sql volatile
    security definer set search_path = pg_catalog, pg_temp
begin atomic
    select j.tenant, j.job_id, j.kind, j.class, j.parallelism, 1::real,
        t.turns,
        case when t.turns = 0 and free.n > 0 then
            igjobs.wait_ms(j.tenant, j.job_id) end
    from (
        select a.tenant, a.job_id, a.kind, a.class, a.parallelism
        from public.scrape_jobs a
        where a.state in ('queued', 'running')
            and (a.tenant, a.job_id) > (p_after_tenant, p_after)
        order by a.tenant, a.job_id
        limit p_limit) j
    cross join lateral (
        select greatest(0, j.parallelism
                           - igjobs.leased(j.tenant, j.job_id)) as n) free
    cross join lateral (
        select count(*)::integer as turns from (
            select from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.state = 'queued'
                and b.not_before <= now()
            limit free.n) due) t
    order by j.tenant, j.job_id;
end;
comment on function igjobs.runnable(text, uuid, integer) is
    'Active jobs after a key (start with '''' and the zero uuid), in its '
    'order: turns = min(parallelism - leased, due batches), and where that '
    'is 0 although a batch could be leased, wait_ms until one is due.';


create type igjobs.leadership as (leader boolean, fence bigint);

create function igjobs.lead(
    p_name text, p_worker text, p_lease_ms integer)
    returns igjobs.leadership
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    l igjobs.leaders;
    a igjobs.leadership;
begin
    insert into igjobs.leaders as t (name, worker, fence, until)
    values (p_name, p_worker, 1,
            clock_timestamp() + p_lease_ms * interval '1 ms')
    on conflict (name) do update
    set worker = excluded.worker,
        fence = t.fence + (t.worker <> excluded.worker)::integer,
        until = excluded.until
    where t.worker = excluded.worker or t.until < clock_timestamp()
    returning t.* into l;
    a.leader := found;
    a.fence := coalesce(l.fence, (select t.fence from igjobs.leaders t
                                  where t.name = p_name));
    return a;
end
$$;
comment on function igjobs.lead(text, text, integer) is
    'Makes or keeps this worker the leader for p_lease_ms. The fence rises '
    'with every change of leader.';


create function igjobs.orphan_runs(p_limit integer)
    returns table (
        tenant text, job_id uuid, batch_no integer, run_no integer,
        token text, provider text, actor text, run_id text,
        intent_age_ms bigint)
    language sql stable
    security definer set search_path = pg_catalog, pg_temp
begin atomic
    select r.tenant, r.job_id, r.batch_no, r.run_no, r.token, r.provider,
        r.actor, r.run_id,
        (1000 * extract(epoch from now() - r.intent_at))::bigint
    from igjobs.runs r
    join public.scrape_jobs j
        on j.tenant = r.tenant and j.job_id = r.job_id
    join igjobs.batches b
        on b.tenant = r.tenant and b.job_id = r.job_id
        and b.batch_no = r.batch_no
    where r.state in ('intent', 'started')
        and b.state <> 'leased'
        and (b.state = 'dead' or igjobs.is_final(j.state)
             or j.state = 'stopping' and j.reason <> 'pause')
    limit p_limit;
end;
comment on function igjobs.orphan_runs(integer) is
    'Runs that the provider may be working on and nobody will collect: under '
    'an ended or stopping job (except for a pause) or a dead batch, without '
    'a lease.';


create function igjobs.book_run(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_state text, p_cost numeric, p_run_id text)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
    own boolean := r.closed_at is null
        and (r.run_id is null or r.run_id = p_run_id);
begin
    if b.job_id is null or r.job_id is null then
        return 'unknown';
    elsif exists (
        select from igjobs.runs t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch and t.closed_at is not null
            and (t.run_id = p_run_id
                 or p_run_id is null and t.run_no = p_run_no))
    then
        return 'repeated';
    elsif b.state = 'leased' and (p_run_id is null or r.run_id = p_run_id)
    then
        return 'held';
    end if;

    if b.state = 'leased' or not own then
        r.run_no := igjobs.add_run(b, 'planned', r.accounts);
    elsif b.state = 'queued' then
        perform igjobs.add_run(b, 'planned', r.accounts);
    end if;
    update igjobs.runs t
    set provider = r.provider, actor = r.actor,
        run_id = coalesce(p_run_id, t.run_id)
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = r.run_no;
    perform igjobs.close_run(p_tenant, p_job, p_batch, r.run_no, p_state,
                             p_cost);
    return 'booked';
end
$$;
comment on function igjobs.book_run(
    text, uuid, integer, integer, text, numeric, text) is
    'Books a provider run that nobody will collect: on its own row, and the '
    'accounts of a queued batch are planned again; or, where another holder '
    'has gone on with that row, on a further, closed row. Answers booked, '
    'repeated, held (the lease''s holder books it) or unknown.';


create function igjobs.set_cap(p_scope text, p_slots integer)
    returns void
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if p_slots is null then
        delete from igjobs.caps c where c.scope = p_scope;
        return;
    end if;
    insert into igjobs.slots (scope, n)
    select p_scope, n from generate_series(0, p_slots - 1) n
    on conflict do nothing;
    insert into igjobs.caps (scope, slots) values (p_scope, p_slots)
    on conflict (scope) do update set slots = excluded.slots;
end
$$;
comment on function igjobs.set_cap(text, integer) is
    'For operators: at most p_slots batches of tenant:<tenant> or '
    'kind:<kind> leased in the whole fleet; null = no cap.';


create function igjobs.free_slots(p_scope text)
    returns integer
    language sql stable
    security definer set search_path = pg_catalog, pg_temp
return (select count(*)::integer from igjobs.slots s
        join igjobs.caps c on c.scope = s.scope
        where s.scope = p_scope and s.n < c.slots
            and (s.job_id is null or s.until < now()));
comment on function igjobs.free_slots(text) is
    'How many parked turns of a scope may come back now; of a scope without '
    'a cap, 0.';


create function igjobs.month_start_id(p_month date)
    returns uuid
    language sql immutable
return rpad(lpad(to_hex((extract(epoch from p_month::timestamp) * 1000)::bigint),
                 12, '0'), 32, '0')::uuid;
comment on function igjobs.month_start_id(date) is
    'The smallest UUID version 7 of a month, UTC.';


create function igjobs.ensure_partitions(p_months_ahead integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    month date;
    part text;
    made integer := 0;
begin
    perform set_config('lock_timeout', '2s', true);
    for i in 0 .. p_months_ahead loop
        month := date_trunc('month', now() at time zone 'UTC')
                 + i * interval '1 month';
        part := 'scrape_results_' || to_char(month, 'YYYYMM');
        continue when to_regclass('public.' || part) is not null;
        execute format('create table public.%I (like public.scrape_results '
                       'including all)', part);
        execute format(
            'alter table public.scrape_results attach partition public.%I '
            'for values from (%L) to (%L)', part,
            igjobs.month_start_id(month),
            igjobs.month_start_id((month + interval '1 month')::date));
        made := made + 1;
    end loop;
    return made;
end
$$;
comment on function igjobs.ensure_partitions(integer) is
    'Makes the result partitions of this month and p_months_ahead more; '
    'returns how many were new. Attaching locks the default partition only, '
    'and briefly.';

do $$ begin perform igjobs.ensure_partitions(3); end $$;
