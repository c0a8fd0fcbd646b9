-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- run-daily: selection, distribution, Airtable and what is too old, as the
-- phases of one operation. Its campaign has the id of the operation, so each
-- step, killed and repeated wherever it was, finds what it has done: a
-- profile is used once. Units that were given up run again when the operation
-- is redriven; the phases behind them follow. Locks: as of the functions that
-- the steps call; the hook takes the campaign after its job row.

create function igjobs.sql_unit(p_step text)
    returns jsonb[]
    language sql immutable
return array[jsonb_build_object('do', 'sql', 'step', p_step)];
comment on function igjobs.sql_unit(text) is
    'Units of a phase that is one step in Postgres.';


create function igjobs.start_daily(
    p_tenant text, p_base text, p_job uuid, p_date date, p_per_table integer,
    p_given text)
    returns igjobs.api_change
    language sql volatile
return igjobs.start_operation(
    p_tenant, p_job, p_base, 'run_daily', jsonb_build_object(
        'campaign', p_job, 'campaign_date', p_date,
        'profiles_per_table', p_per_table,
        'va_tables', igjobs.table_count(p_tenant, p_base),
        'airtable_base', igjobs.airtable_home(null, p_base),
        'given', p_given),
    'daily_selection', igjobs.sql_unit('daily_selection'));
comment on function igjobs.start_daily(
    text, text, uuid, date, integer, text) is
    'Starts the operation of one day. p_given: the base that the request '
    'named, or null.';


create function igjobs.unit_daily_selection(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    o igjobs.operations := igjobs.find_operation(b.tenant, b.job_id);
    outcome text := igjobs.select_campaign(
        o.tenant, o.base_id, o.job_id, (o.request ->> 'campaign_date')::date,
        (o.request ->> 'profiles_per_table')::integer,
        (o.request ->> 'va_tables')::integer);
begin
    return case outcome
        when 'none' then jsonb_build_object('dead', igjobs.no_profiles(
            o.request ->> 'given'))
        when 'busy' then jsonb_build_object('later_ms', 1000)
        else (
            select jsonb_build_object('selected', c.total_assigned)
            from public.campaigns c
            where c.tenant = o.tenant and c.campaign_id = o.job_id)
        end;
end
$$;
comment on function igjobs.unit_daily_selection(igjobs.batches, jsonb) is
    'Step: makes the campaign, or finds it made.';


create function igjobs.unit_daily_distribution(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    o igjobs.operations := igjobs.find_operation(b.tenant, b.job_id);
    d igjobs.distributed := igjobs.distribute_campaign(
        o.tenant, o.base_id, o.job_id, o.job_id,
        (o.request ->> 'profiles_per_table')::integer,
        (o.request ->> 'va_tables')::integer);
begin
    if d.outcome = 'unknown' then
        return jsonb_build_object('dead', format('Campaign %s not found',
                                                 o.job_id));
    end if;
    return to_jsonb(d);
end
$$;
comment on function igjobs.unit_daily_distribution(igjobs.batches, jsonb) is
    'Step: gives the campaign''s assignments their places. Nothing to do is '
    'fine: somebody else has distributed it.';


create function igjobs.unit_daily_cleanup(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    o igjobs.operations := igjobs.find_operation(b.tenant, b.job_id);
    size integer := 5000;
begin
    return jsonb_build_object('more', size = any (array[
        igjobs.drop_old_profiles(size, o.tenant, o.base_id),
        igjobs.drop_old_assignments(size, o.tenant, o.base_id),
        igjobs.drop_old_campaigns(size, o.tenant, o.base_id)]));
end
$$;
comment on function igjobs.unit_daily_cleanup(igjobs.batches, jsonb) is
    'Step: drops what is too old in this base, piece by piece.';


create function igjobs.phase_state(o igjobs.operations, p_phase text)
    returns text
    language sql stable
return (
    select case when bool_or(b.state = 'dead') then 'dead'
               when bool_and(b.state = 'done') then 'done'
               when count(*) > 0 then 'open' end
    from igjobs.batches b
    where b.tenant = o.tenant and b.job_id = o.job_id and b.phase = p_phase);
comment on function igjobs.phase_state(igjobs.operations, text) is
    'done: all units of a phase are; dead: one at least was given up; open; '
    'null: the phase has not begun.';


create function igjobs.daily_airtable(
    j public.scrape_jobs, o igjobs.operations)
    returns jsonb[]
    language plpgsql volatile
as $$
declare
    c public.campaigns;
begin
    if o.request ->> 'airtable_base' is null then
        return '{}';
    end if;
    select t.* into c from public.campaigns t
    where t.campaign_id = o.job_id and t.tenant = o.tenant
    for no key update;
    perform igjobs.move_campaign(c, o.request ->> 'airtable_base');
    return igjobs.sync_units(c, o.request ->> 'airtable_base', false,
                             igjobs.tables_behind(c));
end
$$;
comment on function igjobs.daily_airtable(
    public.scrape_jobs, igjobs.operations) is
    'Part of next_run_daily: the units that send the campaign; none where no '
    'Airtable base is known.';


create function igjobs.conclude_daily(o igjobs.operations)
    returns void
    language plpgsql volatile
as $$
declare
    c public.campaigns;
begin
    if igjobs.phase_state(o, 'airtable_sync') is not null then
        select t.* into c from public.campaigns t
        where t.campaign_id = o.job_id and t.tenant = o.tenant
        for no key update;
        perform igjobs.conclude_sync(c, o);
    end if;
end
$$;
comment on function igjobs.conclude_daily(igjobs.operations) is
    'Part of next_run_daily: counts what Airtable has, if it was asked.';


create function igjobs.next_run_daily(
    j public.scrape_jobs, o igjobs.operations)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    units jsonb[];
begin
    if igjobs.phase_state(o, 'daily_selection') = 'dead' then
        return j;
    elsif igjobs.phase_state(o, 'distribution') is null then
        return igjobs.add_units(j, 'distribution',
                                igjobs.sql_unit('daily_distribution'));
    elsif igjobs.phase_state(o, 'distribution') = 'dead' then
        return j;
    elsif igjobs.phase_state(o, 'airtable_sync') is null
        and igjobs.phase_state(o, 'cleanup') is null
    then
        units := igjobs.daily_airtable(j, o);
        if units <> '{}' then
            return igjobs.add_units(j, 'airtable_sync', units);
        end if;
    end if;

    perform igjobs.conclude_daily(o);
    if igjobs.phase_state(o, 'cleanup') is null then
        j := igjobs.add_units(j, 'cleanup', igjobs.sql_unit('daily_cleanup'));
    end if;
    return j;
end
$$;
comment on function igjobs.next_run_daily(
    public.scrape_jobs, igjobs.operations) is
    'Hook: the next phase. What goes wrong in Airtable does not keep the day '
    'from its end. After a redrive it finds the phases that there are.';


create function igjobs.daily_failed(
    j public.scrape_jobs, o igjobs.operations, p_step text)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    error text := (
        select b.error from igjobs.batches b
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.phase = p_step and b.state = 'dead'
        limit 1);
    a igjobs.api_answer := case
        when p_step = 'daily_selection'
            and error = igjobs.no_profiles(o.request ->> 'given')
        then igjobs.api_problem(400, 'no-unused-profiles', null, error)
        else igjobs.api_problem(500, 'daily-step-failed', null, error)
        end;
begin
    return igjobs.with_members(a, jsonb_build_object(
        'step_failed', p_step, 'campaign_id', case
            when p_step = 'distribution' then o.job_id end));
end
$$;
comment on function igjobs.daily_failed(
    public.scrape_jobs, igjobs.operations, text) is
    'Part of answer_run_daily: the step without which there is no campaign.';


create function igjobs.daily_errors(o igjobs.operations)
    returns jsonb
    language sql stable
return igjobs.sheet_errors(o.job_id, 'sync') || (
    select coalesce(jsonb_agg('Failed to clean up: ' || b.error), '[]')
    from igjobs.batches b
    where b.tenant = o.tenant and b.job_id = o.job_id
        and b.phase = 'cleanup' and b.state = 'dead');
comment on function igjobs.daily_errors(igjobs.operations) is
    'The member errors of the answer: what went wrong beside the campaign.';


create function igjobs.answer_run_daily(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    airtable text := igjobs.phase_state(o, 'airtable_sync');
    selected jsonb := (
        select u.result -> 'selected' from igjobs.unit_results u
        where u.job_id = j.job_id and u.phase = 'daily_selection');
begin
    if selected is null then
        return igjobs.daily_failed(j, o, 'daily_selection');
    elsif igjobs.phase_state(o, 'distribution')
          is distinct from 'done'
    then
        return igjobs.daily_failed(j, o, 'distribution');
    end if;
    return igjobs.with_base(
        jsonb_build_object(
            'success', true, 'campaign_id', o.job_id, 'selected', selected,
            'distributed', true,
            'airtable_synced', coalesce((o.request -> 'whole')::boolean,
                                        false),
            'airtable_skipped', airtable is null,
            'tables_synced', coalesce((o.request -> 'tables')::integer, 0),
            'records_synced', coalesce((o.request -> 'records')::integer, 0),
            'campaign_status', coalesce((o.request -> 'whole')::boolean,
                                        false),
            'cleanup_done', coalesce(
                igjobs.phase_state(o, 'cleanup') = 'done', false),
            'errors', igjobs.daily_errors(o),
            'execution_time', round(extract(
                epoch from j.completed_at - j.created_at), 2)),
        o.request ->> 'given');
end
$$;
comment on function igjobs.answer_run_daily(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/run-daily answers when it is over; also what a call of '
    'airtable-sync gets that has joined it.';


create function igjobs.daily_body(a igjobs.api_change)
    returns igjobs.api_change
    language sql immutable
return (a.status, (a.body::jsonb || jsonb_build_object(
    'task_id', a.job_id,
    'message', 'Daily pipeline queued successfully. Check logs for progress.'
    ))::text, a.job_id, a.doc, a.kind, a.class, a.turns)::igjobs.api_change;
comment on function igjobs.daily_body(igjobs.api_change) is
    'The 202 as the contract has it.';


create function igjobs.api_run_daily(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant text := caller ->> 'tenant';
    base text := igjobs.base_of(caller, params);
    body jsonb := params -> 'body';
    per_table numeric := coalesce(
        igjobs.profiles_per_table(body),
        igjobs.setting('profiles_per_table')::integer);
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.per_table_problem(body, per_table,
                                 igjobs.table_count(tenant, base)),
        igjobs.date_problem(body),
        igjobs.base_taken(tenant, igjobs.airtable_home(null, base)));
begin
    if problem.status is not null then
        return igjobs.unchanged(problem);
    end if;
    return igjobs.daily_body(igjobs.start_daily(
        tenant, base, (caller ->> 'call')::uuid, igjobs.campaign_date(body),
        per_table::integer, igjobs.base_given(caller, params)));
end
$$;
comment on function igjobs.api_run_daily(jsonb, jsonb) is
    'POST /api/run-daily. Several a day are several campaigns, of different '
    'profiles, as in the original.';


-- As the job of a schedule (026)

create function igjobs.daily_schedule_fault(caller jsonb, body jsonb)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    wish jsonb := body -> 'run_daily';
    asked jsonb := jsonb_build_object('body', wish);
    base text := igjobs.base_of(caller, asked);
begin
    if jsonb_typeof(wish) <> 'object' then
        return igjobs.api_problem(
            400, 'bad-schedule', '"run_daily" must be an object, such as {}.');
    elsif wish ? 'campaign_date' then
        return igjobs.api_problem(
            400, 'bad-schedule', 'The campaign_date of a scheduled run is the '
            'day of its tick.');
    end if;
    return coalesce(
        igjobs.base_problem(caller, asked),
        igjobs.per_table_problem(
            wish, coalesce(igjobs.profiles_per_table(wish),
                           igjobs.setting('profiles_per_table')::integer),
            igjobs.table_count(caller ->> 'tenant', base)),
        igjobs.base_taken(caller ->> 'tenant',
                          igjobs.airtable_home(null, base)));
end
$$;
comment on function igjobs.daily_schedule_fault(jsonb, jsonb) is
    'What is wrong with the member run_daily of a schedule''s description; '
    'null when nothing is.';


create function igjobs.daily_schedule_request(caller jsonb, body jsonb)
    returns jsonb
    language sql stable
return jsonb_build_object('run_daily', jsonb_strip_nulls(jsonb_build_object(
    'profiles_per_table', igjobs.profiles_per_table(body -> 'run_daily'),
    'base_id', igjobs.base_given(
        caller, jsonb_build_object('body', body -> 'run_daily')))));
comment on function igjobs.daily_schedule_request(jsonb, jsonb) is
    'What a schedule keeps of it.';


create function igjobs.start_daily_tick(
    s igjobs.schedules, p_tick timestamptz, p_job uuid)
    returns void
    language plpgsql volatile
as $$
declare
    wish jsonb := s.request -> 'run_daily';
    given text := wish ->> 'base_id';
begin
    perform igjobs.start_daily(
        s.tenant, coalesce(given, 'default_instagram'), p_job,
        (p_tick at time zone s.time_zone)::date,
        coalesce((wish -> 'profiles_per_table')::integer,
                 igjobs.setting('profiles_per_table')::integer), given);
end
$$;
comment on function igjobs.start_daily_tick(
    igjobs.schedules, timestamptz, uuid) is
    'Part of start_tick: the operation of a tick, for the day that it is then '
    'where the schedule lives.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_run_daily(jsonb, jsonb) to igjobs_api;
