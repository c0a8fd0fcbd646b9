-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Taking a batch: the lease and its renewal. Locks: batch row, its slots, job
-- row last. Leases compare database time only.

create type igjobs.claimed as (
    answer text, scope text, wait_ms integer, tenant text, job_id uuid,
    batch_no integer, attempt integer, kind text, class text, phase text,
    payload jsonb, accounts text, job jsonb, runs jsonb, failures integer,
    losses integer, version bigint, doc text);


create function igjobs.lock_batch(p_tenant text, p_job uuid, p_batch integer)
    returns igjobs.batches
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
begin
    select t.* into b from igjobs.batches t
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
    for no key update;
    return b;
end
$$;
comment on function igjobs.lock_batch(text, uuid, integer) is
    'The batch row, locked. Always the first lock of a transaction.';


create function igjobs.pick_batch(p_tenant text, p_job uuid)
    returns igjobs.batches
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
begin
    select t.* into b from igjobs.batches t
    where t.tenant = p_tenant and t.job_id = p_job and t.state = 'queued'
        and t.not_before <= clock_timestamp()
    order by t.batch_no
    limit 1
    for no key update skip locked;
    return b;
end
$$;
comment on function igjobs.pick_batch(text, uuid) is
    'The first due batch of a job that nobody else is taking, locked.';


create function igjobs.ms_until(p_time timestamptz)
    returns integer
    language sql volatile
return ceil(1000 * extract(epoch from least(
    interval '1 hour',
    greatest(interval '0', p_time - clock_timestamp()))))::integer;
comment on function igjobs.ms_until(timestamptz) is
    'Milliseconds from now, 0 to 3,600,000; null for null.';


create function igjobs.wait_ms(p_tenant text, p_job uuid)
    returns integer
    language plpgsql volatile
as $$
declare
    due timestamptz;
begin
    select min(b.not_before) into due from igjobs.batches b
    where b.tenant = p_tenant and b.job_id = p_job and b.state = 'queued'
        and b.not_before > clock_timestamp();
    return case when due is not null then igjobs.ms_until(due) end;
end
$$;
comment on function igjobs.wait_ms(text, uuid) is
    'Milliseconds until the next waiting batch of the job is due; null when '
    'none waits.';


create type igjobs.slot_locks as (full_scope text, scopes text[], ns integer[]);

create function igjobs.lock_slots(p_scopes text[])
    returns igjobs.slot_locks
    language plpgsql volatile
as $$
declare
    l igjobs.slot_locks;
    cap igjobs.caps;
    free integer;
begin
    for cap in
        select c.* from igjobs.caps c
        where c.scope = any (p_scopes) order by c.scope
    loop
        select s.n into free from igjobs.slots s
        where s.scope = cap.scope and s.n < cap.slots
            and (s.job_id is null or s.until < clock_timestamp())
        order by s.n limit 1
        for no key update skip locked;
        if not found then
            l.full_scope := cap.scope;
            return l;
        end if;
        l.scopes := l.scopes || cap.scope;
        l.ns := l.ns || free;
    end loop;
    return l;
end
$$;
comment on function igjobs.lock_slots(text[]) is
    'Locks a free slot of every scope that has a cap, in the scopes'' order, '
    'skipping locked ones; full_scope names the first without one.';


create function igjobs.take_slots(
    l igjobs.slot_locks, p_job uuid, p_batch integer, p_attempt integer,
    p_until timestamptz)
    returns void
    language sql volatile
begin atomic
    update igjobs.slots s
    set job_id = p_job, batch_no = p_batch, attempt = p_attempt,
        until = p_until
    from unnest(l.scopes, l.ns) t (scope, n)
    where s.scope = t.scope and s.n = t.n;
end;
comment on function igjobs.take_slots(
    igjobs.slot_locks, uuid, integer, integer, timestamptz) is
    'Gives the locked slots to a batch.';


create function igjobs.free_slots(
    p_job uuid, p_batch integer, p_attempt integer)
    returns void
    language sql volatile
begin atomic
    update igjobs.slots s
    set job_id = null, batch_no = null, attempt = null, until = null
    where s.job_id = p_job and s.batch_no = p_batch
        and s.attempt = p_attempt;
end;
comment on function igjobs.free_slots(uuid, integer, integer) is
    'Frees the slots that this attempt holds; a later holder keeps its own.';


-- A stop that came first makes the row's state differ from the plain read; a
-- stop that comes later waits and then sees the leased batch.
create function igjobs.lock_active(p_tenant text, p_job uuid, p_state text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    if p_state = 'queued' then
        j := igjobs.lock_job(p_tenant, p_job);
    else
        select t.* into j from public.scrape_jobs t
        where t.tenant = p_tenant and t.job_id = p_job
        for share;
    end if;
    return j;
end
$$;
comment on function igjobs.lock_active(text, uuid, text) is
    'The job row as a claim locks it: exclusively where the claim will start '
    'the job, else shared with other claims. A started job is never queued '
    'again, so that a shared lock need not be raised.';


create function igjobs.claim_details(c igjobs.claimed, j public.scrape_jobs)
    returns igjobs.claimed
    language plpgsql stable
as $$
begin
    c.accounts := (
        select a.accounts from igjobs.batch_accounts a
        where a.tenant = c.tenant and a.job_id = c.job_id
            and a.batch_no = c.batch_no);
    c.runs := (
        select coalesce(jsonb_agg(jsonb_build_object(
            'run_no', r.run_no, 'token', r.token, 'provider', r.provider,
            'actor', r.actor, 'run_id', r.run_id,
            'dataset_id', r.dataset_id, 'cursor', r.cursor,
            'state', r.state, 'accounts', r.accounts) order by r.run_no),
            '[]')
        from igjobs.runs r
        where r.tenant = c.tenant and r.job_id = c.job_id
            and r.batch_no = c.batch_no);
    c.job := jsonb_build_object(
        'platform', j.platform, 'target_gender', j.target_gender,
        'keep_unknown', j.keep_unknown,
        'max_count_per_account', j.max_count_per_account,
        'parallelism', j.parallelism, 'total_batches', j.total_batches,
        'account_count', j.account_count);
    return c;
end
$$;
comment on function igjobs.claim_details(igjobs.claimed, public.scrape_jobs) is
    'Part of claim: what the worker must know about its batch.';


create function igjobs.lease_batch(
    b igjobs.batches, l igjobs.slot_locks, p_worker text, p_lease_ms integer)
    returns igjobs.batches
    language plpgsql volatile
as $$
begin
    b.attempt := b.attempt + 1;
    b.lease_until := clock_timestamp() + p_lease_ms * interval '1 ms';
    update igjobs.batches t
    set state = 'leased', attempt = b.attempt, lease_until = b.lease_until,
        worker = p_worker
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
    if l.scopes is not null then
        perform igjobs.take_slots(l, b.job_id, b.batch_no, b.attempt,
                                  b.lease_until);
    end if;
    return b;
end
$$;
comment on function igjobs.lease_batch(
    igjobs.batches, igjobs.slot_locks, text, integer) is
    'Part of claim: writes the lease, raises the fence.';


create function igjobs.claim(
    p_tenant text, p_job uuid, p_kinds text[], p_worker text,
    p_lease_ms integer)
    returns igjobs.claimed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c igjobs.claimed;
    j public.scrape_jobs;
    b igjobs.batches;
    l igjobs.slot_locks;
begin
    c.answer := 'none';
    select t.* into j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job
        and t.state in ('queued', 'running') and t.kind = any (p_kinds);
    if not found or igjobs.leased(p_tenant, p_job) >= j.parallelism then
        return c;
    end if;

    b := igjobs.pick_batch(p_tenant, p_job);
    if b.job_id is null then
        c.wait_ms := igjobs.wait_ms(p_tenant, p_job);
        c.answer := case when c.wait_ms is null then 'none' else 'later' end;
        return c;
    end if;

    l := igjobs.lock_slots(array['kind:' || j.kind, 'tenant:' || p_tenant]);
    if l.full_scope is not null then
        c.answer := 'capped';
        c.scope := l.full_scope;
        return c;
    end if;

    j := igjobs.lock_active(p_tenant, p_job, j.state);
    if j.state not in ('queued', 'running') then
        return c;
    end if;
    b := igjobs.lease_batch(b, l, p_worker, p_lease_ms);
    if j.state = 'queued' then
        j.state := 'running';
        j.started_at := clock_timestamp();
        j := igjobs.save_job(j);
        c.version := j.version;
        c.doc := j.doc;
    end if;

    c.answer := 'batch';
    c.tenant := p_tenant;
    c.job_id := p_job;
    c.batch_no := b.batch_no;
    c.attempt := b.attempt;
    c.kind := b.kind;
    c.class := j.class;
    c.phase := b.phase;
    c.payload := b.payload;
    c.failures := b.failures;
    c.losses := b.losses;
    return igjobs.claim_details(c, j);
end
$$;
comment on function igjobs.claim(text, uuid, text[], text, integer) is
    'Takes the first due batch of an active job for p_lease_ms milliseconds. '
    'Answers batch, later (wait_ms), capped (scope) or none; none also when '
    'as many batches are leased as the job''s parallelism allows. Nothing is '
    'written before the job row is locked and found active. version and doc '
    'are set when the claim started the job.';


create function igjobs.claim_any(
    p_kinds text[], p_worker text, p_lease_ms integer)
    returns igjobs.claimed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c igjobs.claimed;
    best igjobs.claimed;
    job record;
begin
    best.answer := 'none';
    for job in select * from igjobs.candidates(p_kinds, 10) loop
        begin
            c := igjobs.claim(job.tenant, job.job_id, p_kinds, p_worker,
                              p_lease_ms);
            if c.answer = 'batch' then
                return c;
            end if;
            raise exception using errcode = 'IGJ01';
        exception when sqlstate 'IGJ01' then
            -- gave its locks back: one job's locks at a time
            best := c;
        end;
    end loop;
    return best;
end
$$;
comment on function igjobs.claim_any(text[], text, integer) is
    'Claims without Redis: a due batch of any active job. Answers as '
    'igjobs.claim does.';


create function igjobs.candidates(p_kinds text[], p_limit integer)
    returns table (tenant text, job_id uuid)
    language sql stable
begin atomic
    with leased as materialized (
        select b.tenant, b.job_id, count(*) as n
        from igjobs.batches b where b.state = 'leased'
        group by b.tenant, b.job_id
    ), busy as (
        select l.tenant, sum(l.n) as n from leased l group by l.tenant
    )
    select j.tenant, j.job_id
    from public.scrape_jobs j
    left join leased l on l.job_id = j.job_id
    left join busy t on t.tenant = j.tenant
    where j.state in ('queued', 'running') and j.kind = any (p_kinds)
        and coalesce(l.n, 0) < j.parallelism
        and exists (
            select from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.state = 'queued' and b.not_before <= now())
    order by coalesce(t.n, 0), coalesce(l.n, 0), j.class = 'bulk', j.job_id
    limit p_limit;
end;
comment on function igjobs.candidates(text[], integer) is
    'Active jobs with a due batch: those of the least busy tenant first, '
    'then the least busy job, small before bulk, old before new.';


create type igjobs.renewed as (
    job_id uuid, batch_no integer, attempt integer, verdict text, state text);

create function igjobs.renew(
    p_jobs uuid[], p_batches integer[], p_attempts integer[],
    p_lease_ms integer)
    returns setof igjobs.renewed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    lease timestamptz := clock_timestamp() + p_lease_ms * interval '1 ms';
    rows_locked igjobs.batches[];
begin
    -- a lost renewal costs one beat, a wait for the disk every lane
    perform set_config('synchronous_commit', 'off', true);

    select coalesce(array_agg(t.b), '{}') into rows_locked from (
        select b from igjobs.batches b
        join unnest(p_jobs, p_batches, p_attempts) p (job_id, batch_no, attempt)
            on p.job_id = b.job_id and p.batch_no = b.batch_no
            and p.attempt = b.attempt
        where b.state = 'leased'
        for no key update of b skip locked) t;

    update igjobs.batches b set lease_until = lease
    from unnest(rows_locked) l
    where b.tenant = l.tenant and b.job_id = l.job_id
        and b.batch_no = l.batch_no;

    update igjobs.slots s set until = lease
    from unnest(rows_locked) l
    where s.job_id = l.job_id and s.batch_no = l.batch_no
        and s.attempt = l.attempt;

    return query
    select p.job_id, p.batch_no, p.attempt,
        case
            when b.state is distinct from 'leased'
                or b.attempt <> p.attempt then 'lost'
            when b.lease_until = lease then 'ok'
            else 'busy'
        end,
        j.state
    from unnest(p_jobs, p_batches, p_attempts) p (job_id, batch_no, attempt)
    left join igjobs.batches b
        on b.job_id = p.job_id and b.batch_no = p.batch_no
    left join public.scrape_jobs j on j.job_id = p.job_id;
end
$$;
comment on function igjobs.renew(uuid[], integer[], integer[], integer) is
    'Renews exactly the named leases. A verdict for each: ok, busy (locked by '
    'a commit under way, still held), lost (another attempt or state); and '
    'the state of its job. Waits for nobody.';
