-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Taking a batch: the lease and its renewal. Locks: batch row, its slots, job
-- row last. Leases compare database time only.

create type igjobs.claimed as (
    answer text, scope text, wait_ms integer, tenant text, job_id uuid,
    batch_no integer, attempt integer, kind text, class text, phase text,
    payload jsonb, accounts text, job jsonb, runs jsonb, failures integer,
    losses integer, version bigint, doc text, outcomes jsonb, token text,
    allowance jsonb, probe boolean);


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
    'The batch row, locked; nulls when there is none. Always the first lock '
    'of a transaction.';


create function igjobs.pick_waiting(p_tenant text, p_job uuid)
    returns igjobs.batches
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
begin
    select t.* into b from igjobs.batches t
    where t.tenant = p_tenant and t.job_id = p_job and t.state = 'queued'
        and t.not_before <= clock_timestamp()
    order by t.not_before
    limit 1
    for no key update skip locked;
    return b;
end
$$;
comment on function igjobs.pick_waiting(text, uuid) is
    'A batch of the job that waited and whose time has come, locked.';


create function igjobs.pick_batch(
    p_tenant text, p_job uuid, p_waited boolean)
    returns igjobs.batches
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
begin
    if p_waited then
        b := igjobs.pick_waiting(p_tenant, p_job);
    end if;
    if b.job_id is not null then
        return b;
    end if;
    select t.* into b from igjobs.batches t
    where t.tenant = p_tenant and t.job_id = p_job and t.state = 'queued'
        and t.not_before is null
    order by t.batch_no
    limit 1
    for no key update skip locked;
    return b;
end
$$;
comment on function igjobs.pick_batch(text, uuid, boolean) is
    'A due batch of a job that nobody else is taking, locked: one whose wait '
    'is over (p_waited: there seems to be one), else the first; nulls when '
    'there is none.';


create function igjobs.ms_until(p_time timestamptz)
    returns integer
    language sql volatile
return ceil(1000 * extract(epoch from least(
    interval '1 hour',
    greatest(interval '0', p_time - clock_timestamp()))));
comment on function igjobs.ms_until(timestamptz) is
    'Milliseconds from now, 0 to 3,600,000.';


create function igjobs.wait_ms(p_tenant text, p_job uuid)
    returns integer
    language plpgsql volatile
as $$
declare
    due timestamptz;
begin
    select b.not_before into due from igjobs.batches b
    where b.tenant = p_tenant and b.job_id = p_job and b.state = 'queued'
        and b.not_before > clock_timestamp()
    order by b.not_before limit 1;
    return case when found then igjobs.ms_until(due) end;
end
$$;
comment on function igjobs.wait_ms(text, uuid) is
    'Milliseconds until the next waiting batch of the job is due; null when '
    'none waits.';


create function igjobs.lock_active(
    p_tenant text, p_job uuid, p_alone boolean)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    if p_alone then
        return igjobs.lock_job(p_tenant, p_job);
    end if;
    select t.* into j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job
    for share;
    return j;
end
$$;
comment on function igjobs.lock_active(text, uuid, boolean) is
    'The job row as a claim locks it: for itself where it will start the '
    'job or reserve, else shared with other claims. A stop that came first is '
    'seen here; one that comes later waits and then sees the leased batch. A '
    'started job is never queued again, so no shared lock must be raised.';


create function igjobs.lease_batch(
    b igjobs.batches, l igjobs.slot_locks, p_place integer, p_worker text,
    p_lease_ms integer)
    returns igjobs.batches
    language plpgsql volatile
as $$
begin
    update igjobs.batches t
    set state = 'leased', attempt = t.attempt + 1, worker = p_worker,
        place = p_place,
        lease_until = clock_timestamp() + p_lease_ms * interval '1 ms',
        slots = coalesce(cardinality(l.numbers) - l.run_slots, 0),
        run_slots = t.run_slots + coalesce(l.run_slots, 0)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no
    returning t.* into b;
    if cardinality(l.numbers) > 0 then
        perform igjobs.take_slots(l, b.job_id, b.batch_no, b.attempt,
                                  b.lease_until);
    end if;
    return b;
end
$$;
comment on function igjobs.lease_batch(
    igjobs.batches, igjobs.slot_locks, integer, text, integer) is
    'Part of claim: writes the lease, raises the fence, takes the slots.';


create function igjobs.runs_json(b igjobs.batches)
    returns jsonb
    language plpgsql stable
as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object(
            'run_no', r.run_no, 'token', r.token, 'provider', r.provider,
            'actor', r.actor, 'run_id', r.run_id,
            'dataset_id', r.dataset_id, 'cursor', r.cursor,
            'state', r.state, 'accounts', r.accounts, 'origin', r.origin,
            'account_max', r.account_max, 'max_items', r.max_items,
            'intent_age_ms', (1000 * extract(epoch from
                clock_timestamp() - r.intent_at))::bigint)
            order by r.run_no), '[]')
        from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no);
end
$$;
comment on function igjobs.runs_json(igjobs.batches) is
    'All runs of a batch, closed ones too, in the order of their numbers.';


create function igjobs.claimed_batch(
    b igjobs.batches, j public.scrape_jobs, p_started boolean)
    returns igjobs.claimed
    language plpgsql stable
as $$
declare
    c igjobs.claimed;
begin
    c.answer := 'batch';
    c.tenant := b.tenant;
    c.job_id := b.job_id;
    c.batch_no := b.batch_no;
    c.attempt := b.attempt;
    c.kind := b.kind;
    c.class := j.class;
    c.phase := b.phase;
    c.payload := b.payload;
    c.failures := b.failures;
    c.losses := b.losses;
    select a.accounts, a.outcomes into c.accounts, c.outcomes
    from igjobs.batch_accounts a
    where a.tenant = b.tenant and a.job_id = b.job_id
        and a.batch_no = b.batch_no;
    c.runs := case when b.attempt = 1 then '[]' else igjobs.runs_json(b) end;
    c.job := jsonb_build_object(
        'platform', j.platform, 'target_gender', j.target_gender,
        'keep_unknown', j.keep_unknown,
        'max_count_per_account', j.max_count_per_account,
        'parallelism', j.parallelism, 'total_batches', j.total_batches,
        'account_count', j.account_count);
    if p_started then
        c.version := j.version;
        c.doc := j.doc;
    end if;
    return c;
end
$$;
comment on function igjobs.claimed_batch(
    igjobs.batches, public.scrape_jobs, boolean) is
    'Part of claim: what the worker must know about its batch.';


create function igjobs.first_intent(
    b igjobs.batches, p_provider text, p_actor text)
    returns text
    language plpgsql volatile
as $$
declare
    new_token text := gen_random_uuid()::text;
begin
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform,
        intent_at, token, provider, actor)
    values (
        b.job_id, b.batch_no, 0, b.attempt, 'intent', b.tenant, b.platform,
        clock_timestamp(), new_token, p_provider, p_actor);
    return new_token;
end
$$;
comment on function igjobs.first_intent(igjobs.batches, text, text) is
    'Part of claim: the intent of a new batch''s first run, for the whole of '
    'it. Returns the token.';


-- one statement: most of what a statement costs is beside its rows
create type igjobs.outlook as (
    job public.scrape_jobs, places smallint[], breaker text, capped boolean,
    waited boolean, day_limit numeric);

create function igjobs.look_at_job(
    p_tenant text, p_job uuid, p_kinds text[], p_providers text[],
    p_actors text[])
    returns igjobs.outlook
    language plpgsql volatile
as $$
declare
    o igjobs.outlook;
begin
    select j,
        array(select b.place from igjobs.batches b
              where b.tenant = p_tenant and b.job_id = p_job
                  and b.state = 'leased'),
        (select k.scope from igjobs.breakers k
         where k.scope = igjobs.breaker_scope(
                 j.kind, p_providers[k_no], p_actors[k_no])
             and (k.state = 'open' or k.full_at is not null)),
        exists (select from igjobs.caps),
        exists (
            select from igjobs.batches b
            where b.tenant = p_tenant and b.job_id = p_job
                and b.state = 'queued' and b.not_before <= clock_timestamp()),
        (select t.max_cost_usd_per_day from igjobs.tenants t
         where t.tenant = p_tenant)
    into o.job, o.places, o.breaker, o.capped, o.waited, o.day_limit
    from public.scrape_jobs j, array_position(p_kinds, j.kind) k_no
    where j.tenant = p_tenant and j.job_id = p_job
        and j.state in ('queued', 'running') and j.kind = any (p_kinds);
    return o;
end
$$;
comment on function igjobs.look_at_job(
    text, uuid, text[], text[], text[]) is
    'Part of claim: what is known of an active job without a lock; nulls when '
    'there is none. places: of the leases. breaker: its scope, when it is not '
    'quiet. waited: a batch waited and its time has come.';


create function igjobs.take_place(
    p_tenant text, p_job uuid, p_used smallint[], p_parallelism integer)
    returns integer
    language plpgsql volatile
as $$
begin
    for n in 0 .. p_parallelism - 1 loop
        if n <> all (p_used)
            and pg_try_advisory_xact_lock(uuid_hash(p_job), n)
        then
            -- a statement of its own: it sees what the lock's last holder did
            if not exists (
                select from igjobs.batches b
                where b.tenant = p_tenant and b.job_id = p_job
                    and b.state = 'leased' and b.place = n)
            then
                return n;
            end if;
        end if;
    end loop;
    return null;
end
$$;
comment on function igjobs.take_place(text, uuid, smallint[], integer) is
    'Part of claim: one of the job''s parallel places, which nobody else takes '
    'until this transaction has ended; null when there is none. p_used: those '
    'that leases are known to have; who has gone since is seen by the second '
    'look. Waits for nobody.';


create function igjobs.claim(
    p_tenant text, p_job uuid, p_kinds text[], p_worker text,
    p_lease_ms integer, p_providers text[] default null,
    p_actors text[] default null, p_memory integer[] default null)
    returns igjobs.claimed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c igjobs.claimed;
    o igjobs.outlook := igjobs.look_at_job(
        p_tenant, p_job, p_kinds, p_providers, p_actors);
    j public.scrape_jobs := o.job;
    b igjobs.batches;
    l igjobs.slot_locks;
    a igjobs.allowance;
    starts boolean;
    paid boolean;
    waits boolean;
    reads boolean := false;
    place integer;
    k integer := array_position(p_kinds, j.kind);
begin
    paid := j.max_cost_usd is not null or o.day_limit is not null;
    waits := paid and igjobs.waits_for_money(j);
    c.answer := 'none';
    if j.job_id is null or cardinality(o.places) >= j.parallelism then
        return c;
    elsif o.breaker is not null
        and igjobs.breaker_room(o.breaker) = 0
    then
        c.answer := 'capped';
        c.scope := o.breaker;
        return c;
    end if;

    if waits then
        b := igjobs.pick_paid(p_tenant, p_job);
    else
        b := igjobs.pick_batch(p_tenant, p_job, o.waited);
    end if;
    if b.job_id is null then
        c.wait_ms := case when waits then igjobs.money_wait_ms()
                         else igjobs.wait_ms(p_tenant, p_job) end;
        c.answer := case when c.wait_ms is null then 'none' else 'later' end;
        return c;
    end if;

    place := igjobs.take_place(p_tenant, p_job, o.places, j.parallelism);
    if place is null then
        return c;
    end if;
    if o.capped then
        l := igjobs.batch_slots(b, p_providers[k], p_actors[k], p_memory[k]);
    end if;
    c.scope := l.full_scope;
    if c.scope is null and o.breaker is not null
        and not igjobs.lock_breaker(o.breaker)
    then
        c.scope := o.breaker;
    end if;
    if c.scope is not null then
        c.answer := 'capped';
        return c;
    end if;

    j := igjobs.lock_active(p_tenant, p_job, paid or j.state = 'queued');
    if j.state not in ('queued', 'running') then
        return c;
    end if;

    starts := j.state = 'queued';
    if b.attempt = 0 and j.max_age_seconds is not null
        and p_providers[k] is not null
    then
        reads := igjobs.plan_reuse(b, j, p_providers[k], p_actors[k]);
    end if;
    paid := paid and b.attempt = 0 and p_providers[k] is not null
            and not reads;
    if paid then
        a := igjobs.reserve(j, p_providers[k], p_actors[k], b.account_count);
        if a.answer <> 'ok' then
            return igjobs.claim_without_money(j, a);
        end if;
        j.reserved_usd := a.job_reserved;
    end if;
    if starts then
        j.state := 'running';
        j.started_at := clock_timestamp();
    end if;
    if starts or paid then
        j := igjobs.save_job(j);
    end if;
    b := igjobs.lease_batch(b, l, place, p_worker, p_lease_ms);
    c := igjobs.claimed_batch(b, j, starts or paid);
    if o.breaker is not null then
        c.probe := igjobs.take_probe(o.breaker, b);
    end if;
    if o.capped then
        c.scope := igjobs.batch_scopes(b, p_providers[k], p_actors[k]);
    end if;
    if reads then
        c.runs := igjobs.runs_json(b);
    elsif b.attempt = 1 and p_providers[k] is not null then
        c.token := igjobs.first_intent(b, p_providers[k], p_actors[k]);
    end if;
    if paid then
        c.allowance := igjobs.note_reservation(b, 0, a);
    end if;
    return c;
end
$$;
comment on function igjobs.claim(
    text, uuid, text[], text, integer, text[], text[], integer[]) is
    'Takes the first due batch of an active job for p_lease_ms milliseconds. '
    'Answers batch, later (wait_ms; also while no money is left but some may '
    'come back), stopped (the budget is spent), capped (scope: full, or '
    'held) or none; '
    'none also when as many batches are leased as the job''s parallelism '
    'allows. Nothing is written before the job row is locked and found '
    'active. version and doc are set when the claim started or stopped the '
    'job, or reserved money. '
    'p_providers, p_actors, p_memory (beside p_kinds): whose runs a batch of '
    'the kind needs, and of how many MB. At its first attempt it comes with '
    'the intent of its first run, as run_intent would record it, number 0; '
    'token is set then, unless all or some of its accounts were bought before '
    '(igjobs.plan_reuse), and allowance where the job or its tenant has a '
    'budget (see igjobs.allowance). Beside a batch scope names the scopes, '
    'with commas between, whose parked turns may try when it ends; null '
    'without caps. probe: on it hangs whether others may ask its actor again: '
    'call igjobs.breaker_answered at the first answer.';


create function igjobs.due(p_tenant text, p_job uuid, p_limit integer)
    returns integer
    language plpgsql stable
as $$
begin
    return (select count(*) from (
        (select from igjobs.batches b
         where b.tenant = p_tenant and b.job_id = p_job
             and b.state = 'queued' and b.not_before is null
         limit p_limit)
        union all
        (select from igjobs.batches b
         where b.tenant = p_tenant and b.job_id = p_job
             and b.state = 'queued' and b.not_before <= now()
         limit p_limit)
        limit p_limit) d);
end
$$;
comment on function igjobs.due(text, uuid, integer) is
    'How many batches of a job could be leased now; counts to p_limit.';


create function igjobs.candidates(p_kinds text[], p_limit integer)
    returns table (tenant text, job_id uuid)
    language plpgsql stable
as $$
begin
    return query
    with leased as materialized (
        select b.tenant, b.job_id, count(*)::integer as n
        from igjobs.batches b where b.state = 'leased'
        group by b.tenant, b.job_id
    ), busy as (
        select l.tenant, sum(l.n)::integer as n from leased l
        group by l.tenant
    )
    select c.tenant, c.job_id
    from (
        select j.tenant, j.job_id,
            igjobs.job_waits(j) or igjobs.day_waits(j, s.room) as waits
        from public.scrape_jobs j
        left join leased l on l.tenant = j.tenant and l.job_id = j.job_id
        left join busy t on t.tenant = j.tenant
        left join igjobs.tenants w on w.tenant = j.tenant
        left join igjobs.day_rooms() s on s.tenant = j.tenant
        where j.state in ('queued', 'running') and j.kind = any (p_kinds)
            and coalesce(l.n, 0) < j.parallelism
            and (not exists (select from igjobs.caps)
                 or igjobs.unused_slots('tenant:' || j.tenant) > 0)
        order by (coalesce(t.n, 0) + 1) / coalesce(w.weight, 1),
            coalesce(l.n, 0), j.class = 'bulk', j.job_id
        offset 0) c
    where case when c.waits then igjobs.due_paid(c.tenant, c.job_id, 1)
              else igjobs.due(c.tenant, c.job_id, 1) end > 0
    limit p_limit;
end
$$;
comment on function igjobs.candidates(text[], integer) is
    'Active jobs with a due batch: those of the tenant first that is least '
    'busy for its weight and not at its cap, then the least busy job, small '
    'before bulk, old before new. The offset keeps the look at the batches '
    'behind the sort: it stops at p_limit.';


create function igjobs.claim_any(
    p_kinds text[], p_worker text, p_lease_ms integer,
    p_providers text[] default null, p_actors text[] default null,
    p_memory integer[] default null)
    returns igjobs.claimed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c igjobs.claimed;
    job record;
begin
    for job in
        select t.* from igjobs.candidates(
            igjobs.open_kinds(p_kinds, p_providers, p_actors), 16) t
    loop
        begin
            c := igjobs.claim(job.tenant, job.job_id, p_kinds, p_worker,
                              p_lease_ms, p_providers, p_actors, p_memory);
            if c.answer in ('batch', 'stopped')
                or c.answer = 'later' and c.scope = 'money'
            then
                return c;
            end if;
            -- undone: the locks of one job at a time
            raise exception using errcode = 'IGJ01';
        exception when sqlstate 'IGJ01' then
            null;
        end;
    end loop;
    c := null;
    c.answer := 'none';
    return c;
end
$$;
comment on function igjobs.claim_any(
    text[], text, integer, text[], text[], integer[]) is
    'Claims without Redis: a due batch of any active job. Answers batch, none, '
    'or what became of one job, after which others may be due: stopped, or '
    'later, for want of money.';


create type igjobs.renewed as (
    job_id uuid, batch_no integer, attempt integer, verdict text, state text,
    reason text);

create function igjobs.lock_leases(
    inout p_jobs uuid[], inout p_batches integer[], inout p_attempts integer[])
    language plpgsql volatile
as $$
begin
    select array_agg(t.job_id), array_agg(t.batch_no), array_agg(t.attempt)
    into p_jobs, p_batches, p_attempts
    from (
        select b.job_id, b.batch_no, b.attempt
        from unnest(p_jobs, p_batches, p_attempts)
            p (job_id, batch_no, attempt)
        join igjobs.batches b
            on b.job_id = p.job_id and b.batch_no = p.batch_no
            and b.attempt = p.attempt
        where b.state = 'leased'
        for no key update of b skip locked) t;
end
$$;
comment on function igjobs.lock_leases(uuid[], integer[], integer[]) is
    'Those of the named leases that are held and could be locked at once.';


create function igjobs.renew(
    p_jobs uuid[], p_batches integer[], p_attempts integer[],
    p_lease_ms integer)
    returns setof igjobs.renewed
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    lease timestamptz := clock_timestamp() + p_lease_ms * interval '1 ms';
    held record;
begin
    -- a lost renewal costs one beat, a wait for the disk every lane
    perform set_config('synchronous_commit', 'off', true);

    held := igjobs.lock_leases(p_jobs, p_batches, p_attempts);
    update igjobs.batches b set lease_until = lease
    from unnest(held.p_jobs, held.p_batches) h (job_id, batch_no)
    where b.job_id = h.job_id and b.batch_no = h.batch_no;
    update igjobs.slots s set until = lease
    from unnest(held.p_jobs, held.p_batches, held.p_attempts)
        h (job_id, batch_no, attempt)
    where s.job_id = h.job_id and s.batch_no = h.batch_no
        and s.attempt = h.attempt;

    return query
    select p.job_id, p.batch_no, p.attempt,
        case
            when b.state is distinct from 'leased'
                or b.attempt <> p.attempt then 'lost'
            when b.lease_until = lease then 'ok'
            else 'busy'
        end,
        j.state, j.reason
    from unnest(p_jobs, p_batches, p_attempts) p (job_id, batch_no, attempt)
    left join igjobs.batches b
        on b.job_id = p.job_id and b.batch_no = p.batch_no
    left join public.scrape_jobs j on j.job_id = p.job_id;
end
$$;
comment on function igjobs.renew(uuid[], integer[], integer[], integer) is
    'Renews exactly the named leases. A verdict for each: ok, busy (locked by '
    'a commit under way, still held), lost (another attempt or state); and '
    'the state of its job, with the reason why it stops. Waits for nobody.';
