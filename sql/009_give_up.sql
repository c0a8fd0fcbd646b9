-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- How a batch goes back or is given up: failures, drain, leases that ran out.
-- Locks: batch row, slots, job row last; a sweep takes one job at a time.

create function igjobs.requeue(
    b igjobs.batches, p_delay_ms integer, p_failures integer,
    p_losses integer, p_error text, p_error_class text default null)
    returns void
    language plpgsql volatile
as $$
declare
    kept smallint := igjobs.drop_slots(b);
begin
    update igjobs.batches t
    set state = 'queued', lease_until = null, worker = null, slots = 0,
        run_slots = kept,
        failures = p_failures, losses = p_losses,
        error = coalesce(p_error, t.error),
        error_class = coalesce(p_error_class, t.error_class),
        not_before = case when p_delay_ms > 0 then
            clock_timestamp() + p_delay_ms * interval '1 ms' end
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
end
$$;
comment on function igjobs.requeue(
    igjobs.batches, integer, integer, integer, text, text) is
    'Puts a locked batch back into the queue, due after p_delay_ms.';


create function igjobs.retry_ms(p_failures integer)
    returns integer
    language plpgsql volatile
as $$
declare
    base double precision := igjobs.setting('retry_base_ms');
    longest double precision := igjobs.setting('retry_max_ms');
begin
    return least(longest, base * 2 ^ (p_failures - 1))
           * (0.5 + random() / 2);
end
$$;
comment on function igjobs.retry_ms(integer) is
    'Delay before retry number p_failures (from 1): exponential, the upper '
    'half of it random.';


create function igjobs.park_ms()
    returns integer
    language sql stable
return igjobs.setting('park_ms')::integer;
comment on function igjobs.park_ms() is
    'Delay of a parked batch when the worker names none.';


create function igjobs.accounts_left(b igjobs.batches)
    returns integer
    language plpgsql stable
as $$
begin
    return b.account_count - (
        select count(*)
        from igjobs.batch_accounts a, jsonb_each_text(a.outcomes) o
        where a.tenant = b.tenant and a.job_id = b.job_id
            and a.batch_no = b.batch_no and o.value <> 'partial');
end
$$;
comment on function igjobs.accounts_left(igjobs.batches) is
    'Accounts of a batch without a final outcome (partial is none): those '
    'that a dead batch loses.';


create function igjobs.after_repeat(b igjobs.batches, p_attempt integer)
    returns igjobs.job_answer
    language plpgsql volatile
as $$
declare
    a igjobs.job_answer;
begin
    a.answer := 'lost';
    if b.attempt = p_attempt and b.state <> 'leased' then
        a.answer := b.state;
        a.wait_ms := coalesce(igjobs.ms_until(b.not_before), 0);
    end if;
    select igjobs.is_final(j.state), j.state into a.final, a.state
    from public.scrape_jobs j
    where j.tenant = b.tenant and j.job_id = b.job_id;
    return a;
end
$$;
comment on function igjobs.after_repeat(igjobs.batches, integer) is
    'The answer to a caller that does not hold the batch any more: what its '
    'first, unanswered call did, or lost.';


create function igjobs.fail_batch(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_class text, p_error text, p_delay_ms integer,
    p_error_class text default 'internal')
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    a igjobs.job_answer;
    failures integer := b.failures;
    delay_ms integer;
begin
    if p_class not in ('retry', 'away', 'unsure', 'refused', 'park', 'full',
                       'dead')
    then
        raise exception 'no class of errors: %', p_class
            using errcode = 'invalid_parameter_value';
    elsif not igjobs.is_holder(b, p_attempt) then
        return igjobs.after_repeat(b, p_attempt);
    end if;

    if p_class = 'retry'
        or p_class in ('away', 'unsure', 'refused', 'full')
            and igjobs.batch_unanswered(b, p_class, p_delay_ms, p_error)
    then
        failures := failures + 1;
    end if;
    perform igjobs.leave_probe(b);
    if p_class = 'dead'
        or failures > igjobs.setting('max_failures')::integer
    then
        perform igjobs.end_batch(b, 'dead', left(p_error, 1000),
                                 p_error_class);
        a := igjobs.settle_job(p_tenant, p_job, 1, igjobs.accounts_left(b),
                               1 - b.progress);
        a.answer := 'dead';
        return a;
    end if;

    delay_ms := coalesce(
        p_delay_ms,
        case p_class when 'park' then igjobs.park_ms()
            when 'refused' then 0
            else igjobs.retry_ms(greatest(1, failures)) end);
    perform igjobs.requeue(b, delay_ms, failures, b.losses,
                           left(p_error, 1000), p_error_class);
    a := igjobs.settle_job(p_tenant, p_job, 0, 0, 0);
    a.answer := 'queued';
    a.wait_ms := delay_ms;
    return a;
end
$$;
comment on function igjobs.fail_batch(
    text, uuid, integer, integer, text, text, integer, text) is
    'A batch could not go on. p_class retry: counted, due again after '
    'p_delay_ms (null = exponential with jitter), dead when there were '
    'enough; park: not counted; dead: given up. And four that its actor''s '
    'breaker hears of: away (no proper answer), unsure (none to a start, '
    'which may have happened), refused (the account or the actor), full; '
    'p_delay_ms is what the provider said, of unsure the caller. Counted is '
    'of those the one that nobody else had before. p_error_class: the '
    'kind of error, by which a redrive may choose (docs/api.md). Answers '
    'queued (wait_ms), dead or lost.';


create function igjobs.give_back(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer)
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    a igjobs.job_answer;
begin
    if not igjobs.is_holder(b, p_attempt) then
        return igjobs.after_repeat(b, p_attempt);
    end if;
    perform igjobs.leave_probe(b);
    perform igjobs.requeue(b, 0, b.failures, b.losses, null);
    a := igjobs.settle_job(p_tenant, p_job, 0, 0, 0);
    a.answer := 'queued';
    a.wait_ms := 0;
    return a;
end
$$;
comment on function igjobs.give_back(text, uuid, integer, integer) is
    'Drain, pause or stop: the batch is queued again and nothing is counted. '
    'Answers queued or lost.';


create function igjobs.unserved_jobs(p_limit integer)
    returns table (tenant text, job_id uuid)
    language plpgsql volatile
as $$
declare
    served text[] := igjobs.served_kinds();
begin
    if served is null then
        return;
    end if;
    return query
    select j.tenant, j.job_id
    from igjobs.kinds k
    join public.scrape_jobs j
        on j.kind = k.kind and j.state in ('queued', 'running')
        and j.platform <> 'instagram'
    where k.platform <> 'instagram' and k.kind <> all (served)
        and j.created_at < now() - interval '1 s'
            * igjobs.setting('unserved_grace_seconds')::integer
    limit p_limit;
end
$$;
comment on function igjobs.unserved_jobs(integer) is
    'Jobs of a platform that workers have no actor for, though some are '
    'alive: since they were accepted nobody could work on them. Not at once, '
    'since workers are started one after the other.';


create function igjobs.expired_jobs(p_limit integer)
    returns table (tenant text, job_id uuid)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select b.tenant, b.job_id from igjobs.batches b
    where b.state = 'leased' and b.lease_until < now()
    union
    select j.tenant, j.job_id from public.scrape_jobs j
    where j.state = 'stopping' and not exists (
        select from igjobs.batches b
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.state = 'leased')
    union
    select u.tenant, u.job_id from igjobs.unserved_jobs(p_limit) u
    limit p_limit;
end
$$;
comment on function igjobs.expired_jobs(integer) is
    'Jobs for igjobs.sweep_job: with run-out leases, stopping with nothing '
    'leased, or nobody''s. Reads leased batches, stopping jobs and those of '
    'platforms that are not served only.';


create function igjobs.take_back(b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
declare
    losses integer := b.losses + 1;
begin
    if losses < igjobs.setting('max_losses')::integer then
        perform igjobs.requeue(b, 0, b.failures, losses, null);
        return false;
    end if;
    perform igjobs.end_batch(
        b, 'dead', format('the lease ran out %s times', losses), 'lost');
    return true;
end
$$;
comment on function igjobs.take_back(igjobs.batches) is
    'Part of sweep_job: a locked batch whose lease ran out is queued again, '
    'or dead (true) when it lost too many workers.';


create type igjobs.swept as (
    requeued integer, dead integer, version bigint, doc text, final boolean,
    state text);


create function igjobs.give_up_unserved(j public.scrape_jobs)
    returns igjobs.swept
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
    a igjobs.job_answer;
    dead integer := 0;
    accounts_lost integer := 0;
    progress double precision := 0;
begin
    for b in
        select t.* from igjobs.batches t
        where t.tenant = j.tenant and t.job_id = j.job_id
            and t.state = 'queued'
        order by t.batch_no
        for no key update skip locked
    loop
        perform igjobs.end_batch(b, 'dead', format(
            'no worker has an actor for platform %s: %s_APIFY_ACTOR_ID is '
            'not set', j.platform, upper(j.platform)), 'no_actor');
        dead := dead + 1;
        accounts_lost := accounts_lost + igjobs.accounts_left(b);
        progress := progress + 1 - b.progress;
    end loop;
    a := igjobs.settle_job(j.tenant, j.job_id, dead, accounts_lost, progress);
    return (0, dead, a.version, a.doc, a.final, a.state);
end
$$;
comment on function igjobs.give_up_unserved(public.scrape_jobs) is
    'Part of sweep_job: the batches of a job of unserved_jobs end with an '
    'error that says so.';


create function igjobs.sweep_job(p_tenant text, p_job uuid)
    returns igjobs.swept
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches;
    a igjobs.job_answer;
    requeued integer := 0;
    dead integer := 0;
    accounts_lost integer := 0;
    progress double precision := 0;
    j public.scrape_jobs;
begin
    select t.* into j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job
        and t.platform <> 'instagram' and t.state in ('queued', 'running')
        and t.kind <> all (igjobs.served_kinds())
        and t.created_at < now() - interval '1 s'
            * igjobs.setting('unserved_grace_seconds')::integer;
    if found then
        return igjobs.give_up_unserved(j);
    end if;
    for b in
        select t.* from igjobs.batches t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.state = 'leased' and t.lease_until < clock_timestamp()
        order by t.batch_no
        for no key update skip locked
    loop
        if igjobs.take_back(b) then
            dead := dead + 1;
            accounts_lost := accounts_lost + igjobs.accounts_left(b);
            progress := progress + 1 - b.progress;
        else
            requeued := requeued + 1;
        end if;
    end loop;

    a := igjobs.settle_job(p_tenant, p_job, dead, accounts_lost, progress);
    return (requeued, dead, a.version, a.doc, a.final, a.state);
end
$$;
comment on function igjobs.sweep_job(text, uuid) is
    'Takes run-out leases of one job back and settles it, which also ends a '
    'stopping job; gives up one that nobody has an actor for. How many are '
    'queued again or dead; version and doc when the document changed.';
