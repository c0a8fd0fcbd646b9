-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- How a batch goes back or is given up: failures, drain, leases that ran out.
-- Locks: batch row, slots, job row last; a sweep takes one job at a time.

create function igjobs.requeue(
    b igjobs.batches, p_delay_ms integer, p_failures integer,
    p_losses integer, p_error text)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches t
    set state = 'queued', lease_until = null, worker = null,
        failures = p_failures, losses = p_losses,
        error = coalesce(p_error, t.error),
        not_before = clock_timestamp() + p_delay_ms * interval '1 ms'
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
    perform igjobs.free_slots(b.job_id, b.batch_no, b.attempt);
end
$$;
comment on function igjobs.requeue(
    igjobs.batches, integer, integer, integer, text) is
    'Puts a locked batch back into the queue, due after p_delay_ms.';


create function igjobs.retry_ms(p_failures integer)
    returns integer
    language sql volatile
return (least(igjobs.setting('retry_max_ms')::double precision,
              igjobs.setting('retry_base_ms')::double precision
              * 2 ^ (p_failures - 1))
        * (0.5 + random() / 2))::integer;
comment on function igjobs.retry_ms(integer) is
    'Delay before retry number p_failures (from 1): exponential, the upper '
    'half of it random.';


create function igjobs.accounts_left(b igjobs.batches)
    returns bigint
    language sql stable
return b.account_count - coalesce((
    select count(*) from igjobs.batch_accounts a,
        jsonb_object_keys(a.outcomes) k
    where a.tenant = b.tenant and a.job_id = b.job_id
        and a.batch_no = b.batch_no), 0);
comment on function igjobs.accounts_left(igjobs.batches) is
    'Accounts of a batch without a final outcome: those that a dead batch '
    'loses.';


create function igjobs.kill_batch(b igjobs.batches, p_error text)
    returns igjobs.job_answer
    language plpgsql volatile
as $$
begin
    perform igjobs.end_batch(b, 'dead', p_error);
    return igjobs.settle_job(b.tenant, b.job_id, 1, igjobs.accounts_left(b),
                             1 - b.progress);
end
$$;
comment on function igjobs.kill_batch(igjobs.batches, text) is
    'Dead letter: gives a locked batch up, settles the job.';


create function igjobs.after_repeat(b igjobs.batches, p_attempt integer)
    returns igjobs.job_answer
    language plpgsql stable
as $$
declare
    a igjobs.job_answer;
begin
    select case
               when b.attempt = p_attempt and b.state in ('queued', 'dead')
               then b.state else 'lost'
           end, null, null, igjobs.is_final(j.state), j.state,
        igjobs.ms_until(b.not_before)
    into a from public.scrape_jobs j
    where j.tenant = b.tenant and j.job_id = b.job_id;
    a.answer := coalesce(a.answer, 'lost');
    return a;
end
$$;
comment on function igjobs.after_repeat(igjobs.batches, integer) is
    'The answer to a caller that does not hold the batch any more: what its '
    'first, unanswered call did, or lost.';


create function igjobs.fail_batch(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_class text, p_error text, p_delay_ms integer)
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    a igjobs.job_answer;
    failures integer := b.failures + (p_class = 'retry')::integer;
    delay integer;
begin
    if not igjobs.holds(b, p_attempt) then
        return igjobs.after_repeat(b, p_attempt);
    end if;

    if p_class = 'dead'
        or failures > igjobs.setting('max_failures')::integer
    then
        a := igjobs.kill_batch(b, left(p_error, 1000));
        a.answer := 'dead';
        return a;
    end if;

    delay := coalesce(p_delay_ms, case p_class
        when 'retry' then igjobs.retry_ms(failures)
        else igjobs.setting('park_ms')::integer end);
    perform igjobs.requeue(b, delay, failures, b.losses,
                           left(p_error, 1000));
    a := igjobs.settle_job(p_tenant, p_job, 0, 0, 0);
    a.answer := 'queued';
    a.wait_ms := delay;
    return a;
end
$$;
comment on function igjobs.fail_batch(
    text, uuid, integer, integer, text, text, integer) is
    'A batch could not go on. p_class retry: counted, due again after '
    'p_delay_ms (null = exponential with jitter), dead when there were '
    'enough; park: not counted; dead: given up. Answers queued (wait_ms), '
    'dead or lost.';


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
    if not igjobs.holds(b, p_attempt) then
        return igjobs.after_repeat(b, p_attempt);
    end if;
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


create type igjobs.swept as (
    requeued integer, dead integer, version bigint, doc text, final boolean,
    state text);

create function igjobs.sweep_job(p_tenant text, p_job uuid)
    returns igjobs.swept
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    w igjobs.swept;
    b igjobs.batches;
    a igjobs.job_answer;
    lost_accounts bigint := 0;
    progress double precision := 0;
begin
    w.requeued := 0;
    w.dead := 0;
    for b in
        select t.* from igjobs.batches t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.state = 'leased' and t.lease_until < clock_timestamp()
        order by t.batch_no
        for no key update skip locked
    loop
        if b.losses + 1 >= igjobs.setting('max_losses')::integer then
            perform igjobs.end_batch(b, 'dead', 'lease ran out '
                || b.losses + 1 || ' times');
            lost_accounts := lost_accounts + igjobs.accounts_left(b);
            progress := progress + 1 - b.progress;
            w.dead := w.dead + 1;
        else
            perform igjobs.requeue(b, 0, b.failures, b.losses + 1, null);
            w.requeued := w.requeued + 1;
        end if;
    end loop;

    a := igjobs.settle_job(p_tenant, p_job, w.dead, lost_accounts, progress);
    w.version := a.version;
    w.doc := a.doc;
    w.final := a.final;
    w.state := a.state;
    return w;
end
$$;
comment on function igjobs.sweep_job(text, uuid) is
    'Takes run-out leases of one job back: queued again, or dead when this '
    'batch lost too many workers; then settles, which also ends a stopping '
    'job. How many of each; version and doc when the document changed.';
