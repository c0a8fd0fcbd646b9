-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The endpoints of schedules: make, list, look at, pause, resume, delete.

create function igjobs.schedule_log(p_schedule uuid, p_limit integer)
    returns json
    language sql stable
return (
    select coalesce(json_agg(json_build_object(
        'tick', igjobs.json_time(t.tick)::json,
        'at', igjobs.json_time(t.at)::json, 'outcome', t.outcome,
        'job_id', t.job_id, 'error', t.error) order by t.tick desc), '[]')
    from (
        select k.* from igjobs.schedule_ticks k
        where k.schedule_id = p_schedule
        order by k.tick desc limit p_limit) t);
comment on function igjobs.schedule_log(uuid, integer) is
    'The last ticks of a schedule, newest first.';


create function igjobs.next_ticks(s igjobs.schedules, p_count integer)
    returns json
    language plpgsql stable
as $$
declare
    at timestamptz := greatest(s.next_at, now() - interval '1 second');
    times json[] := '{}';
begin
    if s.next_at >= at then
        times := array[igjobs.json_time(at)::json];
    end if;
    while s.state = 'active' and cardinality(times) < p_count loop
        at := igjobs.cron_next(s.cron, s.time_zone, at);
        exit when at is null;
        times := times || igjobs.json_time(at)::json;
    end loop;
    return case when s.state = 'active' then array_to_json(times)
                else '[]' end;
end
$$;
comment on function igjobs.next_ticks(igjobs.schedules, integer) is
    'When an active schedule will run next.';


create function igjobs.schedule_json(s igjobs.schedules)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'schedule_id', s.schedule_id,
    'schedule_url', '/api/schedules/' || s.schedule_id,
    'name', s.name, 'cron', s.cron, 'time_zone', s.time_zone,
    'missed', s.missed, 'overlap', s.overlap, 'state', s.state,
    'accounts', s.account_count,
    'job', case when s.kind = 'scrape_followers' then s.request end,
    'run_daily', s.request -> 'run_daily',
    'created_at', igjobs.json_time(s.created_at)::jsonb,
    'next_at', case when s.state = 'active'
                   then igjobs.json_time(s.next_at)::jsonb end,
    'retry_at', igjobs.json_time(s.retry_at)::jsonb,
    'last_job_id', s.last_job, 'error', s.error);
comment on function igjobs.schedule_json(igjobs.schedules) is
    'A schedule as a list shows it.';


create function igjobs.schedule_answer(p_status integer, s igjobs.schedules)
    returns igjobs.api_answer
    language sql stable
return row(p_status, (
    jsonb_build_object(
        'success', true, 'next', igjobs.next_ticks(s, 5)::jsonb,
        'ticks', igjobs.schedule_log(s.schedule_id, 20)::jsonb)
    || igjobs.schedule_json(s))::text)::igjobs.api_answer;
comment on function igjobs.schedule_answer(integer, igjobs.schedules) is
    'A schedule by itself: with the next times and the last ticks.';


create function igjobs.find_schedule(caller jsonb, params jsonb)
    returns igjobs.schedules
    language plpgsql volatile
as $$
declare
    s igjobs.schedules;
begin
    if params ->> 'schedule'
       ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then
        select t.* into s from igjobs.schedules t
        where t.tenant = caller ->> 'tenant'
            and t.schedule_id = (params ->> 'schedule')::uuid;
    end if;
    return s;
end
$$;
comment on function igjobs.find_schedule(jsonb, jsonb) is
    'The schedule that the path names; nulls when the tenant has none.';


create function igjobs.no_schedule(params jsonb)
    returns igjobs.api_answer
    language sql stable
return igjobs.api_problem(404, 'schedule-not-found', null, format(
    'Schedule %s not found', params ->> 'schedule'));
comment on function igjobs.no_schedule(jsonb) is
    'The answer for an id that is unknown, another tenant''s or no UUID.';


create function igjobs.schedule_fault(body jsonb, p_accounts boolean)
    returns text
    language plpgsql stable
as $$
declare
    no_text text := (
        select min(k) from jsonb_each(body) t (k, v)
        where k in ('name', 'cron', 'time_zone', 'missed', 'overlap',
                    'job_id') and jsonb_typeof(v) <> 'string');
begin
    return case
        when no_text is not null then
            format('"%s" must be a string.', no_text)
        when not body ? 'name'
            or body ->> 'name' !~ '^[^[:cntrl:]]{1,100}$'
        then
            '"name" must have 1 to 100 characters.'
        when not body ? 'cron' then
            '"cron" says when the schedule runs, such as "0 6 * * 1-5".'
        when igjobs.cron_fault(body ->> 'cron') is not null then
            igjobs.cron_fault(body ->> 'cron')
        when not igjobs.is_time_zone(body ->> 'time_zone') then
            '"time_zone" must be a name such as "Europe/Berlin" or "UTC".'
        when body ->> 'missed' not in ('once', 'all', 'skip') then
            '"missed" must be "once", "all" or "skip".'
        when body ->> 'overlap' not in ('skip', 'start') then
            '"overlap" must be "skip" or "start".'
        when p_accounts::integer + (body ? 'job_id')::integer
             + (body ? 'run_daily')::integer <> 1
        then
            'One of these is needed: "accounts", as in a submission; '
            '"job_id", a job whose accounts and wishes are taken; '
            '"run_daily", an object as POST /api/run-daily takes it.'
        end;
end
$$;
comment on function igjobs.schedule_fault(jsonb, boolean) is
    'What is wrong with the description of a schedule, with or without '
    'accounts of its own; null when nothing is.';


create function igjobs.job_params(j public.scrape_jobs)
    returns jsonb
    language sql stable
return jsonb_strip_nulls(jsonb_build_object(
    'target_gender', j.target_gender, 'keep_unknown', j.keep_unknown,
    'max_count_per_account', j.max_count_per_account,
    'parallelism', j.parallelism, 'max_failed_ratio', j.max_failed_ratio,
    'target_count', j.target_count, 'half_width', j.half_width,
    'max_cost_usd', j.max_cost_usd,
    'max_seconds', extract(epoch from j.deadline - j.created_at)::integer,
    'max_age', j.max_age_seconds, 'callback_url', j.callback_url));
comment on function igjobs.job_params(public.scrape_jobs) is
    'What a job was submitted with, as igjobs.submit takes it.';


create function igjobs.schedule_problem(
    caller jsonb, params jsonb, j public.scrape_jobs)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    body jsonb := params -> 'body';
    fault text := igjobs.schedule_fault(body, params ? 'accounts');
begin
    return case
        when fault is not null then
            igjobs.api_problem(400, 'bad-schedule', fault)
        when body ? 'job_id' and j.job_id is null then
            igjobs.no_job(jsonb_build_object('job', body -> 'job_id'))
        when body ? 'run_daily' then
            igjobs.daily_schedule_fault(caller, body)
        end;
end
$$;
comment on function igjobs.schedule_problem(
    jsonb, jsonb, public.scrape_jobs) is
    'The answer to a description that is wrong; j: the job that it names. '
    'Null when all is well.';


create function igjobs.new_schedule(
    caller jsonb, params jsonb, j public.scrape_jobs)
    returns igjobs.schedules
    language plpgsql stable
as $$
declare
    body jsonb := params -> 'body';
    s igjobs.schedules;
begin
    s.schedule_id := gen_random_uuid();
    s.created_at := now();
    s.tenant := caller ->> 'tenant';
    s.kind := case when body ? 'run_daily' then 'operation'
                   else 'scrape_followers' end;
    s.name := body ->> 'name';
    s.cron := body ->> 'cron';
    s.time_zone := coalesce(body ->> 'time_zone', 'UTC');
    s.missed := coalesce(body ->> 'missed', 'once');
    s.overlap := coalesce(body ->> 'overlap',
                          case s.missed when 'all' then 'start'
                              else 'skip' end);
    s.state := 'active';
    s.next_at := igjobs.cron_next(s.cron, s.time_zone, now());
    s.platform := coalesce(j.platform, params ->> 'platform', 'instagram');
    s.account_count := coalesce(
        j.account_count, (params ->> 'account_count')::integer, 0);
    s.request := case
        when body ? 'run_daily' then
            igjobs.daily_schedule_request(caller, body)
        when body ? 'job_id' then igjobs.job_params(j)
        else params -> 'job'
        end;
    return s;
end
$$;
comment on function igjobs.new_schedule(
    jsonb, jsonb, public.scrape_jobs) is
    'A schedule as its description says, without its accounts; j: the job '
    'that it names.';


create function igjobs.insert_schedule(s igjobs.schedules)
    returns boolean
    language plpgsql volatile
as $$
begin
    insert into igjobs.schedules select s.*
    on conflict (tenant, name) do nothing;
    return found;
end
$$;
comment on function igjobs.insert_schedule(igjobs.schedules) is
    'False when the tenant has one of this name.';


create function igjobs.keep_accounts(p_schedule uuid, p_accounts text)
    returns void
    language sql volatile
begin atomic
    insert into igjobs.schedule_accounts (schedule_id, batch_no, accounts)
    select p_schedule, a.n - 1, a.accounts
    from string_to_table(p_accounts, e'\n\n') with ordinality a (accounts, n);
end;
comment on function igjobs.keep_accounts(uuid, text) is
    'A schedule''s own accounts: batches apart by an empty line.';


create function igjobs.copy_accounts(p_schedule uuid, j public.scrape_jobs)
    returns boolean
    language plpgsql volatile
as $$
declare
    copied integer;
begin
    insert into igjobs.schedule_accounts (schedule_id, batch_no, accounts)
    select p_schedule, a.batch_no, a.accounts
    from igjobs.batch_accounts a
    where a.tenant = j.tenant and a.job_id = j.job_id;
    get diagnostics copied = row_count;
    return copied = igjobs.batches_of(j.account_count);
end
$$;
comment on function igjobs.copy_accounts(uuid, public.scrape_jobs) is
    'The accounts of a job, for a schedule; false when they are not all there '
    'any more.';


create function igjobs.same_schedule(s igjobs.schedules)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    t igjobs.schedules;
begin
    select k.* into t from igjobs.schedules k
    where k.tenant = s.tenant and k.name = s.name;
    if (t.cron, t.time_zone, t.missed, t.overlap, t.request, t.account_count)
        is distinct from
        (s.cron, s.time_zone, s.missed, s.overlap, s.request, s.account_count)
    then
        return igjobs.api_problem(409, 'schedule-exists', format(
            'There is another schedule "%s". Delete it first, or choose '
            'another name.', s.name));
    end if;
    return igjobs.schedule_answer(200, t);
end
$$;
comment on function igjobs.same_schedule(igjobs.schedules) is
    'The answer when there is a schedule of this name: it is the same, made '
    'by a request that is sent again, or another.';


create function igjobs.api_create_schedule(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    body jsonb := params -> 'body';
    j public.scrape_jobs := igjobs.find_job(
        caller, jsonb_build_object('job', body -> 'job_id'));
    problem igjobs.api_answer := igjobs.schedule_problem(caller, params, j);
    s igjobs.schedules;
begin
    if problem.status is not null then
        return problem;
    end if;
    s := igjobs.new_schedule(caller, params, j);
    if (select count(*) from igjobs.schedules t
        where t.tenant = s.tenant and t.name <> s.name)
        >= igjobs.setting('max_schedules')::integer
    then
        return igjobs.api_problem(409, 'schedule-limit', format(
            'A tenant has at most %s schedules.',
            igjobs.setting('max_schedules')));
    elsif not igjobs.insert_schedule(s) then
        return igjobs.same_schedule(s);
    elsif params ? 'accounts' then
        perform igjobs.keep_accounts(s.schedule_id, params ->> 'accounts');
    elsif body ? 'job_id' and not igjobs.copy_accounts(s.schedule_id, j) then
        delete from igjobs.schedules t where t.schedule_id = s.schedule_id;
        delete from igjobs.schedule_accounts t
        where t.schedule_id = s.schedule_id;
        return igjobs.api_problem(409, 'job-state-conflict', format(
            'The accounts of job %s are not stored any more.', j.job_id));
    end if;
    return igjobs.schedule_answer(201, s);
end
$$;
comment on function igjobs.api_create_schedule(jsonb, jsonb) is
    'POST /api/schedules: the body as it was sent; for one with accounts the '
    'module adds what it made of the submission in it: job (as igjobs.submit '
    'takes it), platform, account_count and accounts (batches apart by an '
    'empty line). Sent again it answers 200 with the schedule that is there.';


create function igjobs.api_schedules(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    n integer := igjobs.page_size(params ->> 'page_size', 50, 500);
    scope text := jsonb_build_array('schedules', caller -> 'tenant')::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    page jsonb[];
    next_token text := '';
begin
    if n is null then
        return igjobs.api_problem(400, 'invalid-parameter',
                                  'page_size must be an integer from 0.');
    elsif params ->> 'page_token' <> '' and place is null then
        return igjobs.api_problem(400, 'bad-page-token', null);
    end if;

    page := array(
        select igjobs.schedule_json(s) from igjobs.schedules s
        where s.tenant = caller ->> 'tenant' and s.name > coalesce(place, '')
        order by s.name limit n + 1);
    if cardinality(page) > n then
        next_token := igjobs.token(scope, page[n] ->> 'name');
    end if;
    return (200, jsonb_build_object(
        'success', true, 'schedules', to_jsonb(page[:n]), 'page_size', n,
        'next_page_token', next_token)::text);
end
$$;
comment on function igjobs.api_schedules(jsonb, jsonb) is
    'GET /api/schedules?page_size=&page_token=: by name.';


create function igjobs.api_schedule(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    s igjobs.schedules := igjobs.find_schedule(caller, params);
begin
    if s.schedule_id is null then
        return igjobs.no_schedule(params);
    end if;
    return igjobs.schedule_answer(200, s);
end
$$;
comment on function igjobs.api_schedule(jsonb, jsonb) is
    'GET /api/schedules/{schedule}';


create function igjobs.set_schedule_state(
    caller jsonb, params jsonb, p_state text)
    returns igjobs.api_answer
    language plpgsql volatile
as $$
declare
    s igjobs.schedules := igjobs.find_schedule(caller, params);
begin
    update igjobs.schedules t
    set state = p_state, error = null, retry_at = null,
        next_at = igjobs.cron_next(t.cron, t.time_zone, now())
    where t.schedule_id = s.schedule_id and t.state <> p_state
    returning t.* into s;
    if not found then
        s := igjobs.find_schedule(caller, params);
    end if;
    if s.schedule_id is null then
        return igjobs.no_schedule(params);
    end if;
    return igjobs.schedule_answer(200, s);
end
$$;
comment on function igjobs.set_schedule_state(jsonb, jsonb, text) is
    'Part of pausing and resuming. What would have run meanwhile was not '
    'missed: a resumed schedule goes on with the next tick.';


create function igjobs.api_pause_schedule(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return igjobs.set_schedule_state(caller, params, 'paused');
end
$$;
comment on function igjobs.api_pause_schedule(jsonb, jsonb) is
    'POST /api/schedules/{schedule}/pause: jobs that run go on.';


create function igjobs.api_resume_schedule(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return igjobs.set_schedule_state(caller, params, 'active');
end
$$;
comment on function igjobs.api_resume_schedule(jsonb, jsonb) is
    'POST /api/schedules/{schedule}/resume';


create function igjobs.api_delete_schedule(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    s igjobs.schedules := igjobs.find_schedule(caller, params);
begin
    if s.schedule_id is null then
        return igjobs.no_schedule(params);
    end if;
    delete from igjobs.schedules t where t.schedule_id = s.schedule_id;
    delete from igjobs.schedule_accounts t
    where t.schedule_id = s.schedule_id;
    delete from igjobs.schedule_ticks t
    where t.schedule_id = s.schedule_id;
    return (200, jsonb_build_object(
        'success', true, 'schedule_id', s.schedule_id,
        'state', 'deleted')::text);
end
$$;
comment on function igjobs.api_delete_schedule(jsonb, jsonb) is
    'DELETE /api/schedules/{schedule}: its jobs stay.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_create_schedule(jsonb, jsonb),
    igjobs.api_schedules(jsonb, jsonb),
    igjobs.api_schedule(jsonb, jsonb),
    igjobs.api_pause_schedule(jsonb, jsonb),
    igjobs.api_resume_schedule(jsonb, jsonb),
    igjobs.api_delete_schedule(jsonb, jsonb)
to igjobs_api;
