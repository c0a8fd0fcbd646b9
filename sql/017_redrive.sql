-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- A job that has ended is opened again: batches that were never done go on,
-- and those that failed run once more, for the accounts that failed. Locks:
-- the batch rows of the job in their order, the job row last.
--
-- What the provider has been paid for is not bought again: the next holder of
-- a batch goes on with a run that is open still, and reads those that the stop
-- had ended (unread, see book_run). An abort that comes too late leaves its run.

insert into igjobs.settings (name, value, note) values
    ('max_redrives', '10', 'how often a job may be redriven');


create type igjobs.failed_part as (
    batch_no integer, state text, accounts text[], worded text[]);
comment on type igjobs.failed_part is
    'Accounts of one dead or done batch that failed; worded: those of them '
    'that have a final word, which are all in a batch that is done.';


-- without jit: to compile takes longer than half a million accounts
create function igjobs.failed_parts(
    p_tenant text, p_job uuid, p_error_class text)
    returns igjobs.failed_part[]
    language plpgsql volatile
    set jit = off
as $$
begin
    return array(
        select (f.batch_no, f.state, u.accounts, u.worded)::igjobs.failed_part
        from (
            -- made anew, so that it is unpacked once for all names
            select b.batch_no, b.state, b.error_class, a.accounts,
                a.outcomes || '{}' as outcomes
            from igjobs.batches b
            join igjobs.batch_accounts a
                on a.tenant = b.tenant and a.job_id = b.job_id
                and a.batch_no = b.batch_no
            where b.tenant = p_tenant and b.job_id = p_job
                and (b.state = 'dead' or b.state = 'done' and
                     a.outcomes::text ~ '"(blocked|failed|rejected)"')
            offset 0) f,
        lateral (
            select array_agg(w.account order by w.n) as accounts,
                coalesce(array_agg(w.account) filter (
                    where w.word <> 'partial'), '{}') as worded
            from (
                select t.account, t.n, f.outcomes ->> t.account as word
                from string_to_table(f.accounts, e'\n') with ordinality
                    t (account, n)
                offset 0) w,
            igjobs.account_error(w.word, f.state, f.error_class) failed_with
            where failed_with is not null
                and (p_error_class is null or failed_with = p_error_class)) u
        -- by its own class a dead batch runs again as a whole or not at all
        where u.accounts is not null
            and (f.state = 'done' or p_error_class is null
                 or cardinality(u.worded) < cardinality(u.accounts)));
end
$$;
comment on function igjobs.failed_parts(text, uuid, text) is
    'Part of reopen_job: the accounts that failed, of one error class (null: '
    'of any), batch by batch.';


create function igjobs.dead_units(
    p_tenant text, p_job uuid, p_error_class text)
    returns igjobs.failed_part[]
    language plpgsql volatile
as $$
begin
    return array(
        select (b.batch_no, b.state, array['unit'], '{}')::igjobs.failed_part
        from igjobs.batches b
        where b.tenant = p_tenant and b.job_id = p_job and b.state = 'dead'
            and (p_error_class is null or b.error_class = p_error_class)
        order by b.batch_no);
end
$$;
comment on function igjobs.dead_units(text, uuid, text) is
    'Part of reopen_job: the units of an operation that were given up, each '
    'as one account.';


create function igjobs.plan_parts(
    p_tenant text, p_job uuid, p_parts igjobs.failed_part[])
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform, accounts)
    select b.job_id, b.batch_no, coalesce(
            (select max(r.run_no) from igjobs.runs r
             where r.tenant = p_tenant and r.job_id = p_job
                 and r.batch_no = b.batch_no) + 1, 0),
        b.attempt, 'planned', b.tenant, b.platform,
        case when cardinality(l.accounts) < b.account_count
            then array_to_string(l.accounts, e'\n') end
    from unnest(p_parts) p
    join igjobs.batches b
        on b.tenant = p_tenant and b.job_id = p_job
        and b.batch_no = p.batch_no,
    lateral (
        select coalesce(bool_or(r.accounts is null), false) as whole,
            string_to_array(string_agg(r.accounts, e'\n'), e'\n') as accounts
        from igjobs.runs r
        where r.tenant = p_tenant and r.job_id = p_job
            and r.batch_no = p.batch_no and r.closed_at is null) o,
    lateral (
        select case
            when o.whole then '{}'
            when o.accounts is null then p.accounts
            else array(
                select u.account
                from unnest(p.accounts) with ordinality u (account, n)
                where u.account <> all (o.accounts) order by u.n)
            end as accounts) l
    where cardinality(l.accounts) > 0;
end
$$;
comment on function igjobs.plan_parts(text, uuid, igjobs.failed_part[]) is
    'Part of reopen_job: a further run for the accounts of each part, but for '
    'those that an open run of the batch has.';


create function igjobs.reread_runs(p_tenant text, p_job uuid)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.runs r
    set state = 'started', closed_at = null, unread = false
    from igjobs.batches b
    where r.tenant = p_tenant and r.job_id = p_job and r.unread
        and b.tenant = p_tenant and b.job_id = p_job
        and b.batch_no = r.batch_no and b.state = 'queued';
end
$$;
comment on function igjobs.reread_runs(text, uuid) is
    'Part of reopen_job: what runs had brought that the stop ended is read, '
    'instead of bought again; what they miss is bought then.';


create type igjobs.reopened as (
    answer text, version bigint, doc text, state text, batches integer,
    accounts integer);

create function igjobs.reopen_parts(
    j public.scrape_jobs, p_parts igjobs.failed_part[])
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    accounts_again integer;
    work_again double precision;
begin
    if j.kind <> 'operation' then
        perform igjobs.plan_parts(j.tenant, j.job_id, p_parts);
    end if;
    update igjobs.batch_accounts a
    set outcomes = a.outcomes - p.worded
    from unnest(p_parts) p
    where a.tenant = j.tenant and a.job_id = j.job_id
        and a.batch_no = p.batch_no and cardinality(p.worded) > 0;

    with again as (
        update igjobs.batches b
        set state = 'queued', finished_at = null, not_before = null,
            failures = 0, reruns = 0, losses = 0, error = null,
            error_class = null,
            progress = 1 - cardinality(p.accounts)::double precision
                           / b.account_count
        from unnest(p_parts) p
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.batch_no = p.batch_no
        returning cardinality(p.accounts) as accounts, 1 - b.progress as work
    )
    select sum(a.accounts), sum(a.work) into accounts_again, work_again
    from again a;

    j.accounts_failed := greatest(0, j.accounts_failed - accounts_again);
    j.progress_sum := j.progress_sum - work_again;
    j.batches_dead := j.batches_dead - (
        select count(*) from unnest(p_parts) p where p.state = 'dead');
    j.batches_done := j.batches_done - (
        select count(*) from unnest(p_parts) p where p.state = 'done');
    return j;
end
$$;
comment on function igjobs.reopen_parts(
    public.scrape_jobs, igjobs.failed_part[]) is
    'Part of reopen_job: queues these batches again, as if what failed in '
    'them had not been tried, and takes them out of the job''s counters. What '
    'they stored stays.';


create function igjobs.raise_limits(j public.scrape_jobs, p_limits jsonb)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if p_limits ? 'max_seconds' then
        j.deadline := clock_timestamp()
            + (p_limits ->> 'max_seconds')::integer * interval '1 s';
    end if;
    if p_limits ? 'max_cost_usd' then
        j.max_cost_usd := (p_limits ->> 'max_cost_usd')::numeric;
    end if;
    if p_limits ? 'target_count' then
        j.target_count := (p_limits ->> 'target_count')::bigint;
    end if;
    if p_limits ? 'stop_when' then
        j.half_width := (p_limits -> 'stop_when' ->> 'half_width')::real;
    end if;
    return j;
end
$$;
comment on function igjobs.raise_limits(public.scrape_jobs, jsonb) is
    'Part of reopen_job: the limits that are named, null = none any more; '
    'max_seconds counts from now.';


create function igjobs.limit_reached(j public.scrape_jobs)
    returns text
    language plpgsql volatile
as $$
begin
    return case
        when j.deadline <= clock_timestamp() then 'deadline'
        when j.max_cost_usd <= j.cost_usd
            or j.need_usd > j.max_cost_usd - j.cost_usd
        then 'budget'
        else igjobs.wanted_stop(j)
        end;
end
$$;
comment on function igjobs.limit_reached(public.scrape_jobs) is
    'Part of reopen_job: the limit at which the job would stop at once; null '
    'when there is none.';


create function igjobs.reopen_answer(
    j public.scrape_jobs, p_action text, p_parts igjobs.failed_part[])
    returns text
    language plpgsql volatile
as $$
declare
    left_over integer := j.total_batches - j.batches_done - j.batches_dead;
begin
    return case
        when j.job_id is null or j.erased_at is not null then 'unknown'
        when not igjobs.is_final(j.state) then 'active'
        when left_over = 0 and cardinality(p_parts) = 0 then 'nothing'
        when p_action = 'redrive'
            and j.redrives >= igjobs.setting('max_redrives')::integer
        then 'ceiling'
        else coalesce(igjobs.limit_reached(j), 'reopened')
        end;
end
$$;
comment on function igjobs.reopen_answer(
    public.scrape_jobs, text, igjobs.failed_part[]) is
    'Part of reopen_job: may this job, with its new limits, be opened?';


create function igjobs.lock_ended(p_tenant text, p_job uuid)
    returns boolean
    language plpgsql volatile
as $$
begin
    if not exists (
        select from public.scrape_jobs t
        where t.tenant = p_tenant and t.job_id = p_job
            and igjobs.is_final(t.state))
    then
        return false;
    end if;
    perform from igjobs.batches b
    where b.tenant = p_tenant and b.job_id = p_job
    order by b.batch_no
    for no key update;
    return true;
end
$$;
comment on function igjobs.lock_ended(text, uuid) is
    'Part of reopen_job: locks the batches of a job that has ended; false '
    'when it has not, or is none.';


create function igjobs.reopen_job(
    p_tenant text, p_job uuid, p_action text, p_error_class text,
    p_limits jsonb, p_reason text)
    returns igjobs.reopened
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
    parts igjobs.failed_part[] := '{}';
    a igjobs.reopened;
begin
    if igjobs.lock_ended(p_tenant, p_job) and p_action = 'redrive' then
        parts := case when exists (
                select from igjobs.operations o
                where o.tenant = p_tenant and o.job_id = p_job)
            then igjobs.dead_units(p_tenant, p_job, p_error_class)
            else igjobs.failed_parts(p_tenant, p_job, p_error_class)
            end;
    end if;
    j := igjobs.raise_limits(igjobs.lock_job(p_tenant, p_job), p_limits);
    a.answer := igjobs.reopen_answer(j, p_action, parts);
    a.state := j.state;
    if a.answer <> 'reopened' then
        return a;
    end if;

    a.batches := j.total_batches - j.batches_done - j.batches_dead
                 + cardinality(parts);
    a.accounts := coalesce((
        select sum(cardinality(p.accounts)) from unnest(parts) p), 0);
    perform igjobs.reread_runs(p_tenant, p_job);
    perform igjobs.forgive_queued(p_tenant, p_job);
    if cardinality(parts) > 0 then
        j := igjobs.reopen_parts(j, parts);
    end if;
    j := igjobs.open_row(j, p_action);
    insert into igjobs.audit_log (job_id, tenant, action, reason, detail)
    values (p_job, p_tenant, p_action, p_reason, jsonb_strip_nulls(
        jsonb_build_object(
            'error_class', p_error_class, 'batches', a.batches,
            'failed_accounts', a.accounts))
        || case when p_limits is null then '{}'
               else jsonb_build_object('limits', p_limits) end);
    a.version := j.version;
    a.doc := j.doc;
    a.state := j.state;
    return a;
end
$$;
comment on function igjobs.reopen_job(
    text, uuid, text, text, jsonb, text) is
    'Opens a job that has ended: p_action resume goes on with the batches '
    'that are not done, redrive also runs again what failed (of one error '
    'class, null = of any) and is counted. p_limits: new ones, as '
    'igjobs.raise_limits reads them, or null. Answers reopened (batches that '
    'are to run, failed accounts among them, version, doc, state), unknown, '
    'active (not final), nothing (is to be done), ceiling (too many '
    'redrives), or the limit at which it would stop at once: deadline, '
    'budget, target, precision. Takes all locks itself: the caller holds none '
    'of the job.';


create function igjobs.forgive_queued(p_tenant text, p_job uuid)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches b
    set not_before = null, failures = 0, reruns = 0, losses = 0
    where b.tenant = p_tenant and b.job_id = p_job and b.state = 'queued'
        and (b.not_before is not null
             or b.failures + b.reruns + b.losses > 0);
end
$$;
comment on function igjobs.forgive_queued(text, uuid) is
    'Part of reopen_job: batches that the stop left in the queue are due at '
    'once, earlier errors are forgiven.';


create function igjobs.open_row(j public.scrape_jobs, p_action text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    j.redrives := j.redrives + (p_action = 'redrive')::integer;
    update public.scrape_jobs t
    set redrives = j.redrives, deadline = j.deadline,
        max_cost_usd = j.max_cost_usd, target_count = j.target_count,
        half_width = j.half_width
    where t.tenant = j.tenant and t.job_id = j.job_id;

    j.state := case when j.started_at is null then 'queued' else 'running' end;
    j.reason := null;
    j.completed_at := null;
    j.error_message := null;
    j.total_scraped := null;
    j.total_filtered := null;
    return igjobs.save_job(j);
end
$$;
comment on function igjobs.open_row(public.scrape_jobs, text) is
    'Part of reopen_job: the locked row, with its new limits and counters, '
    'becomes that of a job at work.';



-- The calls.

create function igjobs.bad_error_class(params jsonb)
    returns text[]
    language sql immutable
return case
    when params #> '{body,error_class}' not in (
        'null', '"blocked"', '"rejected"', '"unfinished"', '"unavailable"',
        '"refused"', '"no_actor"', '"lost"', '"internal"')
    then array['#/error_class',
        'error_class takes blocked, rejected, unfinished, unavailable, '
        'refused, no_actor, lost or internal.']
end;
comment on function igjobs.bad_error_class(jsonb) is
    'Pointer to an error_class that no account fails with, and what it must '
    'be; null when it is one, or there is none.';


create function igjobs.redriven_so(j public.scrape_jobs, params jsonb)
    returns boolean
    language plpgsql stable
as $$
declare
    l igjobs.audit_log;
begin
    select t.* into l from igjobs.audit_log t
    where t.tenant = j.tenant and t.job_id = j.job_id
    order by t.audit_id desc limit 1;
    return j.state in ('queued', 'running') and l.action = 'redrive'
        and l.reason is not distinct from params #>> '{body,reason}'
        and l.detail ->> 'error_class'
            is not distinct from params #>> '{body,error_class}'
        and l.detail -> 'limits' is not distinct from
            igjobs.limits_of(params);
end
$$;
comment on function igjobs.redriven_so(public.scrape_jobs, jsonb) is
    'Is this call the one that has opened the job, once more? A client whose '
    'answer was lost sends it again.';


create function igjobs.not_reopened(j public.scrape_jobs, p_answer text)
    returns igjobs.api_change
    language plpgsql stable
as $$
begin
    return case p_answer
        when 'active' then igjobs.state_conflict(j)
        when 'ceiling' then igjobs.unchanged(igjobs.api_problem(
            409, 'redrive-limit', format(
                'The job has been redriven %s times.', j.redrives)))
        else igjobs.still_reached(p_answer)
        end;
end
$$;
comment on function igjobs.not_reopened(public.scrape_jobs, text) is
    'What igjobs.reopen_job''s answers other than reopened are to a client.';


create function igjobs.api_redrive(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    limits jsonb := igjobs.limits_of(params);
    error_class text := params #>> '{body,error_class}';
    bad text[] := coalesce(igjobs.bad_limit(limits),
                           igjobs.bad_error_class(params));
    a igjobs.reopened;
begin
    if j.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    elsif bad is not null then
        return igjobs.bad_member(bad[1], bad[2]);
    end if;

    a := igjobs.reopen_job(j.tenant, j.job_id, 'redrive', error_class,
                           limits, params #>> '{body,reason}');
    j := igjobs.find_job(caller, params);
    if a.answer = 'reopened' then
        return igjobs.changed(200, j);
    elsif a.answer = 'active' and igjobs.redriven_so(j, params) then
        return igjobs.unchanged((200, j.doc));
    end if;
    return igjobs.not_reopened(j, a.answer);
end
$$;
comment on function igjobs.api_redrive(jsonb, jsonb) is
    'POST /api/jobs/{job}/redrive {"reason", "error_class", limits as of a '
    'resume}: what failed or was never run in a job that has ended runs. 200 '
    'when it is open again, 409 when it has not ended, nothing is left to do, '
    'a limit would stop it at once or it was redriven too often.';


create function igjobs.job_audit(p_tenant text, p_job uuid)
    returns jsonb
    language sql stable
return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'at', igjobs.json_time(l.at)::jsonb, 'action', l.action,
        'reason', l.reason, 'detail', l.detail) order by l.audit_id), '[]')
    from (
        select t.* from igjobs.audit_log t
        where t.tenant = p_tenant and t.job_id = p_job
        order by t.audit_id desc limit 50) l);
comment on function igjobs.job_audit(text, uuid) is
    'Who did what to a job, the newest 50 entries, in order.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_redrive(jsonb, jsonb) to igjobs_api;
