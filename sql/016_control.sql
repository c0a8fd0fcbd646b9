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


create function igjobs.stop_for(
    caller jsonb, params jsonb, p_reason text)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    a igjobs.job_answer;
begin
    if j.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    end if;

    a := igjobs.stop_job(j.tenant, j.job_id, p_reason);
    j := igjobs.find_job(caller, params);
    if a.answer = 'stopped' then
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
    'Part of api_cancel and api_pause. Under the lock that stop_job took the '
    'second look at the row is final.';


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


create function igjobs.resume_locked(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    j.state := case when j.started_at is null then 'queued' else 'running' end;
    j.reason := null;
    return igjobs.save_job(j);
end
$$;
comment on function igjobs.resume_locked(public.scrape_jobs) is
    'Part of api_resume: a job that is paused, or about to be, goes on.';


create function igjobs.api_resume(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
begin
    if j.job_id is null then
        return igjobs.unchanged(igjobs.no_job(params));
    elsif igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    end if;

    j := igjobs.lock_job(j.tenant, j.job_id);
    if j.state in ('queued', 'running') then
        return igjobs.unchanged((200, j.doc));
    elsif j.state = 'paused' or j.state = 'stopping' and j.reason = 'pause'
    then
        j := igjobs.resume_locked(j);
        perform igjobs.audit(j, 'resume', params);
        return igjobs.changed(200, j);
    end if;
    return igjobs.state_conflict(j);
end
$$;
comment on function igjobs.api_resume(jsonb, jsonb) is
    'POST /api/jobs/{job}/resume {"reason"}: a paused job goes on where it '
    'was. 200 when it runs, 409 when it has ended or is being stopped.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_cancel(jsonb, jsonb),
    igjobs.api_pause(jsonb, jsonb),
    igjobs.api_resume(jsonb, jsonb)
to igjobs_api;
