-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Jobs under control: cancel, pause, resume. Each can be repeated: what is so
-- already is answered with 200, what is on its way with 202. Locks: the job
-- row only, so that nobody waits for batches; leased ones end under their own
-- attempt, whose lanes hear of it with the next beat.

create type igjobs.api_change as (
    status integer, body text, job_id uuid, doc text, kind text, class text,
    turns integer);
comment on type igjobs.api_change is
    'What an api function answers that may change a job. doc: the new '
    'document, null when it did not change; turns: how many are to stand '
    'then in the queue of kind and class.';


create function igjobs.unchanged(a igjobs.api_answer)
    returns igjobs.api_change
    language sql immutable
return row(a.status, a.body, null, null, null, null, null)
    ::igjobs.api_change;
comment on function igjobs.unchanged(igjobs.api_answer) is
    'The answer of a call that has changed no job: a problem, or what is so '
    'already.';


create function igjobs.changed(p_status integer, j public.scrape_jobs)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    wanted integer := 0;
begin
    if j.state in ('queued', 'running') then
        wanted := igjobs.due(
            j.tenant, j.job_id, greatest(
                0, j.parallelism - igjobs.leased(j.tenant, j.job_id)));
    end if;
    return (p_status, j.doc, j.job_id, j.doc, j.kind, j.class, wanted);
end
$$;
comment on function igjobs.changed(integer, public.scrape_jobs) is
    'The answer of a call that has changed this job: its document, and turns '
    'if it runs.';


create function igjobs.audit(
    j public.scrape_jobs, p_action text, params jsonb,
    p_detail jsonb default null)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.audit_log (job_id, tenant, action, reason, detail)
    values (j.job_id, j.tenant, p_action, params #>> '{body,reason}',
            p_detail);
end
$$;
comment on function igjobs.audit(public.scrape_jobs, text, jsonb, jsonb) is
    'Notes who changed what: action (cancel, pause, resume, ...), the reason '
    'that the body of the call gives.';


create function igjobs.bad_member(p_pointer text, p_detail text)
    returns igjobs.api_change
    language sql stable
return igjobs.unchanged(igjobs.api_problem(
    400, 'invalid-member', p_detail, null, p_pointer));
comment on function igjobs.bad_member(text, text) is
    'The answer that a member of the body is wrong.';


create function igjobs.bad_reason(params jsonb)
    returns text
    language sql immutable
return case
    when params #> '{body,reason}' is null then null
    when jsonb_typeof(params #> '{body,reason}') not in ('string', 'null')
        or length(params #>> '{body,reason}') > 1000
    then 'reason must be a string of at most 1000 characters.'
end;
comment on function igjobs.bad_reason(jsonb) is
    'What is wrong with the member reason of a body.';


create function igjobs.state_conflict(j public.scrape_jobs)
    returns igjobs.api_change
    language sql stable
return igjobs.unchanged(igjobs.api_problem(
    409, 'job-state-conflict', format(
        'The job is %s%s.', j.state,
        ' (' || case j.state when 'stopping' then j.reason
            else igjobs.completion_reason(j.state, j.reason) end || ')')));
comment on function igjobs.state_conflict(public.scrape_jobs) is
    'The answer that this job''s state does not allow what is asked for.';


create function igjobs.lock_found(caller jsonb, params jsonb)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs :=
        igjobs.lock_job(caller ->> 'tenant', igjobs.job_id(params));
begin
    return case when j.erased_at is null then j end;
end
$$;
comment on function igjobs.lock_found(jsonb, jsonb) is
    'The job row that the path names, locked; nulls when the tenant has none.';


create function igjobs.stop_for(caller jsonb, params jsonb, p_reason text)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    was public.scrape_jobs := igjobs.lock_found(caller, params);
    j public.scrape_jobs;
begin
    if was.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    end if;

    j := igjobs.stop_locked(was, p_reason);
    if (j.state, j.reason) is distinct from (was.state, was.reason) then
        j := igjobs.save_job(j);
        perform igjobs.audit(j, p_reason, params);
        return igjobs.changed(
            case j.state when 'stopping' then 202 else 200 end, j);
    elsif j.state = 'stopping' and j.reason = p_reason then
        return igjobs.unchanged((202, j.doc));
    elsif p_reason = 'cancel' and j.state = 'canceled'
        or p_reason = 'pause' and j.state = 'paused'
    then
        return igjobs.unchanged((200, j.doc));
    end if;
    return igjobs.state_conflict(j);
end
$$;
comment on function igjobs.stop_for(jsonb, jsonb, text) is
    'Part of api_cancel and api_pause.';


create function igjobs.api_cancel(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return igjobs.stop_for(caller, params, 'cancel');
end
$$;
comment on function igjobs.api_cancel(jsonb, jsonb) is
    'POST /api/jobs/{job}/cancel {"reason"}: nothing more is started, runs '
    'are aborted, what is stored stays. 202 until no batch is in work, 200 '
    'when the job is canceled, 409 when it had ended before.';


create function igjobs.api_pause(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return igjobs.stop_for(caller, params, 'pause');
end
$$;
comment on function igjobs.api_pause(jsonb, jsonb) is
    'POST /api/jobs/{job}/pause {"reason"}: nothing more is started; provider '
    'runs that are under way go on and are read when the job goes on. 202 '
    'until no batch is in work, 200 when it is paused, 409 when it has ended '
    'or is being stopped.';


create function igjobs.limits_of(params jsonb)
    returns jsonb
    language sql immutable
return (
    select jsonb_object_agg(m.key, m.value)
    from jsonb_each(params -> 'body') m
    where m.key in ('max_seconds', 'max_cost_usd', 'target_count',
                    'stop_when'));
comment on function igjobs.limits_of(jsonb) is
    'The limits that the body of a call names; null when it names none.';


create function igjobs.number_within(
    p_value jsonb, p_min numeric, p_max numeric, p_decimals integer)
    returns boolean
    language sql immutable
return case jsonb_typeof(p_value)
    when 'null' then true
    when 'number' then (p_value #>> '{}')::numeric between p_min and p_max
        and scale(trim_scale((p_value #>> '{}')::numeric)) <= p_decimals
    else p_value is null
end;
comment on function igjobs.number_within(jsonb, numeric, numeric, integer) is
    'Is a member of a body a number from p_min to p_max with at most so many '
    'decimals? Also when it is null or not there.';


create function igjobs.bad_limit(p_limits jsonb)
    returns text[]
    language sql immutable
return case
    when not igjobs.number_within(
        p_limits -> 'max_seconds', 1, 2592000, 0)
    then array['#/max_seconds',
        'max_seconds must be a whole number from 1 to 2592000, which are 30 '
        'days, or null: no deadline.']
    when not igjobs.number_within(
        p_limits -> 'max_cost_usd', 0.000001, 10000000, 6)
    then array['#/max_cost_usd',
        'max_cost_usd must be a number above 0 and up to 10000000 with at '
        'most 6 decimals, or null: no budget.']
    when not igjobs.number_within(
        p_limits -> 'target_count', 1, 9007199254740992, 0)
    then array['#/target_count',
        'target_count must be a whole number from 1 on, or null: no target.']
    when jsonb_typeof(p_limits -> 'stop_when') not in ('object', 'null')
        or not igjobs.number_within(
            p_limits #> '{stop_when,half_width}', 0.000001, 0.499999, 6)
    then array['#/stop_when',
        'stop_when must be {"half_width": N}, N above 0 and below 0.5 with '
        'at most 6 decimals, or null: no stop by precision.']
end;
comment on function igjobs.bad_limit(jsonb) is
    'Pointer to the first limit that is wrong, and what it must be; null '
    'when all are right.';


create function igjobs.still_reached(p_limit text)
    returns igjobs.api_change
    language sql stable
return igjobs.unchanged(igjobs.api_problem(
    409, 'job-state-conflict', case p_limit
        when 'budget' then
            'The budget is spent: send a higher max_cost_usd.'
        when 'deadline' then
            'The deadline has passed: send max_seconds, from now on.'
        when 'target' then
            'The target is reached: send a higher target_count.'
        when 'precision' then
            'The precision is reached: send a smaller half_width.'
        else 'Nothing is left to be done.'
        end));
comment on function igjobs.still_reached(text) is
    'The answer that the job would stop again at once.';


create function igjobs.resume_ended(
    j public.scrape_jobs, params jsonb, p_limits jsonb)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    a record := igjobs.reopen_job(
        j.tenant, j.job_id, 'resume', null, p_limits,
        params #>> '{body,reason}');
begin
    j := igjobs.lock_job(j.tenant, j.job_id);
    return case a.answer
        when 'reopened' then igjobs.changed(200, j)
        when 'active' then igjobs.unchanged((200, j.doc))
        when 'unknown' then igjobs.unchanged(igjobs.no_job(params))
        else igjobs.still_reached(a.answer)
        end;
end
$$;
comment on function igjobs.resume_ended(public.scrape_jobs, jsonb, jsonb) is
    'Part of api_resume: a job that a limit has ended is opened again.';


create function igjobs.resume_locked(
    j public.scrape_jobs, params jsonb, p_limits jsonb)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    limit_reached text;
begin
    if j.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif j.state in ('queued', 'running') and p_limits is null then
        return igjobs.unchanged((200, j.doc));
    elsif j.state not in ('queued', 'running', 'paused')
        and (j.state, j.reason) <> ('stopping', 'pause')
    then
        return igjobs.state_conflict(j);
    end if;

    j := igjobs.raise_limits(j, p_limits);
    limit_reached := igjobs.limit_reached(j);
    if limit_reached is not null then
        return igjobs.still_reached(limit_reached);
    end if;
    update public.scrape_jobs t
    set deadline = j.deadline, max_cost_usd = j.max_cost_usd,
        target_count = j.target_count, half_width = j.half_width
    where t.tenant = j.tenant and t.job_id = j.job_id;
    j.state := case when j.started_at is null then 'queued' else 'running' end;
    j.reason := null;
    j := igjobs.save_job(j);
    perform igjobs.audit(j, 'resume', params, jsonb_build_object(
        'limits', p_limits));
    return igjobs.changed(200, j);
end
$$;
comment on function igjobs.resume_locked(public.scrape_jobs, jsonb, jsonb) is
    'Part of api_resume: a job whose row is locked and that has not ended '
    'goes on, with new limits if there are any.';


create function igjobs.api_resume(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    limits jsonb := igjobs.limits_of(params);
    bad text[] := igjobs.bad_limit(limits);
begin
    if j.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    elsif bad is not null then
        return igjobs.bad_member(bad[1], bad[2]);
    elsif igjobs.is_final(j.state)
        and j.reason in ('budget', 'deadline', 'target', 'precision')
    then
        return igjobs.resume_ended(j, params, limits);
    end if;
    return igjobs.resume_locked(igjobs.lock_found(caller, params), params,
                                limits);
end
$$;
comment on function igjobs.api_resume(jsonb, jsonb) is
    'POST /api/jobs/{job}/resume {"reason", "max_seconds", "max_cost_usd", '
    '"target_count", "stop_when"}: a paused job goes on where it was, so does '
    'one that a limit has ended and that has a higher one now; a job that '
    'runs gets new limits. 200 when it runs, 409 when it has ended otherwise, '
    'is being stopped, or would stop again at once.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_cancel(jsonb, jsonb),
    igjobs.api_pause(jsonb, jsonb),
    igjobs.api_resume(jsonb, jsonb)
to igjobs_api;
