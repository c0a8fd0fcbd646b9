-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The end of a job. Every function that changes a batch ends like this: lock
-- the job row, add to its counters, igjobs.settle, igjobs.save_job.

create type igjobs.job_answer as (
    answer text, version bigint, doc text, final boolean, state text,
    wait_ms integer);
comment on type igjobs.job_answer is
    'What a function that changed a job says. version and doc are null when '
    'the document did not change.';


create function igjobs.lock_job(p_tenant text, p_job uuid)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    select t.* into j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job
    for no key update;
    return j;
end
$$;
comment on function igjobs.lock_job(text, uuid) is
    'The job row, locked; nulls when there is none. Always the last lock of '
    'a transaction.';


create function igjobs.save_job(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    j.version := j.version + 1;
    j.updated_at := clock_timestamp();
    j.status := igjobs.status_word(j.state);
    j.current_batch := j.batches_done + j.batches_dead;
    j.progress := case
        when j.state = 'completed'
            or j.state = 'failed' and j.current_batch = j.total_batches
        then 100
        else least(99.99, trunc((100 * j.progress_sum
                                 / j.total_batches)::numeric, 2))
        end;
    j.doc := igjobs.job_document(j);
    if j.callback_url is not null and j.state is distinct from j.told then
        j.told := igjobs.tell(j);
    end if;
    update public.scrape_jobs t
    set version = j.version, updated_at = j.updated_at,
        started_at = j.started_at, completed_at = j.completed_at,
        status = j.status, state = j.state, reason = j.reason,
        phase = j.phase, error_message = j.error_message,
        progress = j.progress, progress_sum = j.progress_sum,
        next_row = j.next_row, profiles_scraped = j.profiles_scraped,
        seen = j.seen, female_count = j.female_count,
        male_count = j.male_count, unknown_count = j.unknown_count,
        total_scraped = j.total_scraped, total_filtered = j.total_filtered,
        total_batches = j.total_batches, current_batch = j.current_batch,
        batches_done = j.batches_done, batches_dead = j.batches_dead,
        accounts_failed = j.accounts_failed, cost_usd = j.cost_usd,
        reserved_usd = j.reserved_usd, told = j.told, doc = j.doc
    where t.tenant = j.tenant and t.job_id = j.job_id;
    return j;
end
$$;
comment on function igjobs.save_job(public.scrape_jobs) is
    'Writes a changed job row with the next version and its document, and '
    'notes the event for its webhook. The caller holds the row''s lock.';


create function igjobs.leased(p_tenant text, p_job uuid)
    returns integer
    language plpgsql stable
as $$
begin
    return (select count(*) from igjobs.batches b
            where b.tenant = p_tenant and b.job_id = p_job
                and b.state = 'leased');
end
$$;
comment on function igjobs.leased(text, uuid) is
    'How many batches of a job are leased, run-out leases included.';


create function igjobs.accounts_message(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
begin
    if j.kind = 'operation' then
        return igjobs.units_message(j);
    end if;
    return case when j.accounts_failed > 0 then
        format('%s of %s accounts could not be scraped',
               j.accounts_failed, j.account_count)
        || case when j.platform <> 'instagram' then coalesce(': ' || (
            select b.error from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.error_class = 'no_actor' limit 1), '') else '' end
        end;
end
$$;
comment on function igjobs.accounts_message(public.scrape_jobs) is
    'What error_message says about accounts that were given up; null when '
    'none were.';


create function igjobs.end_job(
    j public.scrape_jobs, p_state text, p_error text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    j.state := p_state;
    j.error_message := p_error;
    j.completed_at := clock_timestamp();
    j.total_scraped := j.seen;
    j.total_filtered := j.profiles_scraped;
    return j;
end
$$;
comment on function igjobs.end_job(public.scrape_jobs, text, text) is
    'Part of settle: gives the row its final state.';


create function igjobs.end_finished(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    tolerated numeric := j.max_failed_ratio::numeric * j.account_count;
begin
    j.reason := null;
    return igjobs.end_job(
        j, case when j.accounts_failed <= tolerated
               then 'completed' else 'failed' end,
        igjobs.accounts_message(j));
end
$$;
comment on function igjobs.end_finished(public.scrape_jobs) is
    'Part of settle: no batch is left; the tolerance decides.';


create function igjobs.end_stopped(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    return case j.reason
        when 'cancel' then
            igjobs.end_job(j, 'canceled', 'Job was canceled')
        when 'deadline' then
            igjobs.end_job(j, 'failed', 'Job was stopped at its deadline')
        else
            igjobs.end_job(j, 'completed', igjobs.accounts_message(j))
        end;
end
$$;
comment on function igjobs.end_stopped(public.scrape_jobs) is
    'Part of settle: the job was stopped for a reason other than pause.';


create function igjobs.next_phase(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    hook regproc := (select k.hook from igjobs.kinds k where k.kind = j.kind);
begin
    if hook is not null then
        execute format('select t.* from %s($1) t', hook) into j using j;
    end if;
    return j;
end
$$;
comment on function igjobs.next_phase(public.scrape_jobs) is
    'Part of settle: asks the kind''s hook for more. A hook inserts its '
    'batches, raises total_batches, sets phase, and returns the row.';


create function igjobs.settle(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    wanted text;
begin
    if j.state not in ('queued', 'running', 'stopping') then
        return j;
    end if;

    if num_nonnulls(j.target_count, j.half_width) > 0
        and (j.state <> 'stopping' or j.reason = 'pause')
    then
        wanted := igjobs.wanted_stop(j);
        if wanted is not null then
            j.state := 'stopping';
            j.reason := wanted;
        end if;
    end if;

    if j.state = 'stopping' and j.reason <> 'pause' then
        if igjobs.leased(j.tenant, j.job_id) = 0 then
            j := igjobs.end_stopped(j);
        end if;
        return j;
    end if;

    if j.batches_done + j.batches_dead = j.total_batches then
        j := igjobs.next_phase(j);
    end if;

    if j.batches_done + j.batches_dead = j.total_batches then
        j := igjobs.end_finished(j);
    elsif j.state = 'stopping' and igjobs.leased(j.tenant, j.job_id) = 0 then
        j.state := 'paused';
    end if;
    return j;
end
$$;
comment on function igjobs.settle(public.scrape_jobs) is
    'The only place that ends a job. Takes the locked row with its counters '
    'brought up to date, returns it with the state that follows; the caller '
    'saves it. Runs in the transaction of every commit, give-up, give-back, '
    'stop and sweep: under the row''s lock each of two last batches sees the '
    'other, so that the end is neither missed nor comes twice. What '
    'igjobs.wanted_stop finds stops the job, and a pause yields to it.';


create function igjobs.settle_job(
    p_tenant text, p_job uuid, p_dead integer, p_accounts_failed bigint,
    p_progress double precision)
    returns igjobs.job_answer
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs := igjobs.lock_job(p_tenant, p_job);
    was text := j.state;
    a igjobs.job_answer;
begin
    j.batches_dead := j.batches_dead + p_dead;
    j.accounts_failed :=
        least(j.account_count, j.accounts_failed + p_accounts_failed);
    j.progress_sum := j.progress_sum + p_progress;
    j := igjobs.settle(j);
    if p_dead > 0 or p_accounts_failed > 0 or j.state <> was then
        j := igjobs.save_job(j);
        a.version := j.version;
        a.doc := j.doc;
    end if;
    a.final := igjobs.is_final(j.state);
    a.state := j.state;
    return a;
end
$$;
comment on function igjobs.settle_job(
    text, uuid, integer, bigint, double precision) is
    'Locks the job row, adds batches that died, accounts that were given up '
    'and progress, settles, saves what changed.';


create function igjobs.stop_locked(j public.scrape_jobs, p_reason text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if p_reason not in ('cancel', 'pause', 'target', 'precision', 'budget',
                        'deadline')
    then
        raise exception 'no reason to stop a job: %', p_reason
            using errcode = 'invalid_parameter_value';
    end if;

    if j.state in ('queued', 'running')
        or p_reason = 'cancel' and j.state in ('stopping', 'paused')
            and j.reason <> 'cancel'
        or p_reason <> 'pause' and j.state = 'paused'
    then
        j.state := 'stopping';
        j.reason := p_reason;
        j := igjobs.settle(j);
    end if;
    return j;
end
$$;
comment on function igjobs.stop_locked(public.scrape_jobs, text) is
    'Stops a job whose locked row the caller holds, and settles it; the '
    'caller saves the row when its state or reason changed. Cancel overrides '
    'every other reason, otherwise the first stays; a final job stays as it '
    'is.';


create function igjobs.stop_job(p_tenant text, p_job uuid, p_reason text)
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    was public.scrape_jobs := igjobs.lock_job(p_tenant, p_job);
    j public.scrape_jobs := igjobs.stop_locked(was, p_reason);
    a igjobs.job_answer;
begin
    a.answer := case
        when j.job_id is null then 'unknown'
        when (j.state, j.reason) is distinct from (was.state, was.reason)
            then 'stopped'
        else 'unchanged'
        end;
    if a.answer = 'stopped' then
        j := igjobs.save_job(j);
        a.version := j.version;
        a.doc := j.doc;
    end if;
    a.final := igjobs.is_final(j.state);
    a.state := j.state;
    return a;
end
$$;
comment on function igjobs.stop_job(text, uuid, text) is
    'Stops a job: cancel, pause, target, precision, budget or deadline. '
    'Answers stopped, unchanged or unknown, and the state that follows. '
    'Cancel overrides every other reason, otherwise the first stays. Locks '
    'the job row only: leased batches end under their own attempt.';
