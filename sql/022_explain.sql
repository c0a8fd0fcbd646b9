-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What holds a job now: one cause, since when, and when the job may end. Which
-- workers are alive stands in igjobs.workers, since only Postgres is always
-- there; each of them writes its row every few seconds.

create table igjobs.workers (
    worker    text primary key,
    seen_at   timestamptz not null,
    until     timestamptz not null,
    lanes     integer not null,
    working   integer not null,
    kinds     text[] not null,
    providers text[] not null,
    actors    text[] not null
) with (fillfactor = 10);
comment on constraint workers_pkey on igjobs.workers is
    'igjobs.worker_beat: one worker';
comment on column igjobs.workers.until is
    'a worker that has not been heard of until then is dead';
comment on column igjobs.workers.actors is
    'beside kinds and providers: whose runs its batches of a kind need';


create function igjobs.worker_beat(
    p_worker text, p_lanes integer, p_working integer, p_kinds text[],
    p_providers text[], p_actors text[], p_ms integer)
    returns void
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    -- a lost beat is made good by the next
    perform set_config('synchronous_commit', 'off', true);

    insert into igjobs.workers as w
    values (p_worker, clock_timestamp(),
            clock_timestamp() + p_ms * interval '1 ms', p_lanes, p_working,
            p_kinds, p_providers, p_actors)
    on conflict (worker) do update
    set seen_at = excluded.seen_at, until = excluded.until,
        lanes = excluded.lanes, working = excluded.working,
        kinds = excluded.kinds, providers = excluded.providers,
        actors = excluded.actors;
    if p_ms > 0 then
        delete from igjobs.workers w
        where w.until < clock_timestamp() - interval '1 day';
    end if;
end
$$;
comment on function igjobs.worker_beat(
    text, integer, integer, text[], text[], text[], integer) is
    'A worker is alive and will be heard of again within p_ms; 0: it ends. '
    'Forgets those that have been dead for a day.';


-- What is looked at: a bounded number of rows, whatever the size of the job
-- and of the queue.

create type igjobs.situation as (
    leased integer, due integer, waiting integer, next_due timestamptz,
    workers integer, lanes integer, working integer, seen_at timestamptz,
    provider text, actor text);

create function igjobs.situation(j public.scrape_jobs)
    returns igjobs.situation
    language plpgsql volatile
as $$
declare
    s igjobs.situation;
begin
    s.leased := igjobs.leased(j.tenant, j.job_id);
    s.due := igjobs.due(j.tenant, j.job_id, 1000);
    select count(*), min(w.not_before) into s.waiting, s.next_due
    from (
        select b.not_before from igjobs.batches b
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.state = 'queued' and b.not_before > clock_timestamp()
        order by b.not_before limit 1000) w;

    select count(*) filter (where w.until > clock_timestamp()),
        coalesce(sum(w.lanes) filter (where w.until > clock_timestamp()), 0),
        coalesce(sum(w.working) filter (where w.until > clock_timestamp()), 0),
        max(w.seen_at)
    into s.workers, s.lanes, s.working, s.seen_at
    from igjobs.workers w where j.kind = any (w.kinds);
    select w.providers[n], w.actors[n] into s.provider, s.actor
    from igjobs.workers w, array_position(w.kinds, j.kind) n
    where n is not null
    order by w.until desc limit 1;
    return s;
end
$$;
comment on function igjobs.situation(public.scrape_jobs) is
    'Batches of a job: in work, due and waiting (each counted to 1,000), and '
    'the workers of its kind: how many are alive, their lanes, how many of '
    'those work, when one was seen last, whose runs they start.';


create type igjobs.cause as (
    cause text, since timestamptz, until timestamptz, explanation text,
    detail jsonb);
comment on type igjobs.cause is
    'What holds a job: a word, since when, until when if that is known, a '
    'sentence, and what it is about.';


create function igjobs.because(
    p_cause text, p_since timestamptz, p_until timestamptz,
    p_explanation text, p_detail jsonb)
    returns igjobs.cause
    language sql immutable
return row(p_cause, p_since, p_until, p_explanation, p_detail)::igjobs.cause;
comment on function igjobs.because(
    text, timestamptz, timestamptz, text, jsonb) is 'A cause.';


create function igjobs.utc(p_time timestamptz)
    returns text
    language sql stable
return to_char(p_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"');
comment on function igjobs.utc(timestamptz) is 'A time for people.';


create function igjobs.so_many(p_n bigint, p_word text)
    returns text
    language sql immutable
return format('%s %s%s', p_n, p_word,
              case when p_n = 1 then ''
                  when p_word ~ 'ch$' then 'es' else 's' end);
comment on function igjobs.so_many(bigint, text) is
    '1 batch, 2 batches, 3 accounts.';


create function igjobs.cause_of_state(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql stable
as $$
declare
    c igjobs.cause;
    l igjobs.audit_log;
begin
    if j.state in ('queued', 'running') then
        return null;
    end if;
    select t.* into l from igjobs.audit_log t
    where t.tenant = j.tenant and t.job_id = j.job_id
        and t.action = case when j.reason in ('pause', 'cancel')
            then j.reason end
    order by t.audit_id desc limit 1;
    c.since := coalesce(j.completed_at, l.at, j.updated_at);
    if igjobs.is_final(j.state) then
        c.cause := 'ended';
        c.explanation := format('The job has ended: %s.', coalesce(
            j.error_message,
            replace(igjobs.completion_reason(j.state, j.reason), '_', ' ')));
    elsif j.state = 'paused' then
        c.cause := 'paused';
        c.explanation := format('The job was paused at %s%s.',
                                igjobs.utc(c.since), ': ' || l.reason);
    else
        c.cause := 'stopping';
        c.explanation := format(
            'The job is being stopped (%s): %s in work.', j.reason,
            igjobs.so_many(s.leased, 'batch'));
    end if;
    c.detail := jsonb_build_object('reason', l.reason);
    return c;
end
$$;
comment on function igjobs.cause_of_state(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: ended, paused or stopping.';


create function igjobs.cause_of_workers(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql stable
as $$
begin
    if s.workers > 0 then
        return null;
    elsif s.seen_at is null and j.kind like '%.%'
        and igjobs.served_kinds() is not null
    then
        return igjobs.because('no_actor', j.created_at, null, format(
            'Workers are alive, but none has an actor for platform %s: '
            '%s_APIFY_ACTOR_ID is not set. The job will fail.', j.platform,
            upper(j.platform)), jsonb_build_object('platform', j.platform));
    end if;
    return igjobs.because('no_worker', greatest(s.seen_at, j.created_at), null,
            format('No worker for jobs of kind %s is alive%s.', j.kind,
                   '; the last was heard of at ' || igjobs.utc(s.seen_at)),
            jsonb_build_object('kind', j.kind));
end
$$;
comment on function igjobs.cause_of_workers(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: is nobody there who could do it?';


create function igjobs.cause_of_money(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql volatile
as $$
declare
    d igjobs.spending;
begin
    if s.due = 0 then
        return null;
    elsif igjobs.job_waits(j) then
        return igjobs.because('budget', j.updated_at, null, format(
            'The budget of %s USD does not cover a further run: %s USD are '
            'spent and %s USD set aside for runs whose cost is not known yet.',
            trim_scale(j.max_cost_usd), trim_scale(j.cost_usd),
            trim_scale(j.reserved_usd)), jsonb_build_object(
                'max_cost_usd', trim_scale(j.max_cost_usd),
                'cost_usd', trim_scale(j.cost_usd),
                'reserved_usd', trim_scale(j.reserved_usd)));
    elsif not igjobs.waits_for_money(j) then
        return null;
    end if;
    select t.* into d from igjobs.spending t
    where t.tenant = j.tenant and t.day = igjobs.today();
    return igjobs.because('tenant_budget', j.updated_at,
            (d.day + 1)::timestamp at time zone 'UTC', format(
        'What the tenant may spend a day, %s USD, does not cover a further '
        'run today: %s USD are spent and %s USD set aside.',
        trim_scale(igjobs.day_limit(j.tenant)), trim_scale(d.cost_usd),
        trim_scale(d.reserved_usd)), jsonb_build_object(
            'max_cost_usd_per_day', trim_scale(igjobs.day_limit(j.tenant)),
            'cost_usd', trim_scale(d.cost_usd),
            'reserved_usd', trim_scale(d.reserved_usd)));
end
$$;
comment on function igjobs.cause_of_money(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: the budget of the job or of its tenant''s day does not '
    'cover what is due.';


create function igjobs.cause_of_provider(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql volatile
as $$
declare
    asked text := igjobs.breaker_scope(j.kind, s.provider, s.actor);
    k igjobs.breaker_states;
    c igjobs.cause;
begin
    select t.* into k from igjobs.breaker_states t where t.scope = asked;
    if s.due + s.waiting = 0 or k.state is null
        or k.state = 'closed' and (k.most_runs is null or s.due = 0
                                   or igjobs.breaker_room(asked) > 0)
    then
        return null;
    end if;

    c.cause := case when k.cause = 'full' then 'provider_throttled'
        else 'circuit_open' end;
    c.since := coalesce(k.since, k.failed_at);
    c.until := case when k.state = 'open' then k.until end;
    c.explanation := case
        when k.state = 'closed' then format(
            'The provider has no room for more than %s now.',
            igjobs.so_many(k.most_runs, 'run'))
        when k.cause = 'full' then 'The provider has no room for further runs'
        when k.cause = 'refused' then
            'The provider refuses our account or its actor'
        else 'The provider does not answer'
        end || case k.state
            when 'open' then format('; it is asked again at %s.',
                                    igjobs.utc(k.until))
            when 'half_open' then '; a few batches try it now.'
            else '' end;
    c.detail := jsonb_build_object('scope', asked, 'state', k.state,
                                   'last_error', k.reason);
    return c;
end
$$;
comment on function igjobs.cause_of_provider(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: the breaker of the actor lets nothing through, or only '
    'so many runs as the provider had room for.';


create function igjobs.cause_of_caps(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql volatile
as $$
declare
    memory integer := (igjobs.setting('run_memory_mb')::integer + 127) / 128;
    full_scope text;
    slots integer;
begin
    if s.due = 0 or s.leased >= j.parallelism then
        return null;
    end if;
    select c.scope, c.slots into full_scope, slots
    from igjobs.caps c
    join unnest(
        array['tenant:' || j.tenant, 'kind:' || j.kind,
              igjobs.actor_scope(s.provider, s.actor),
              'memory:' || s.provider],
        array[1, 1, 1, memory]) w (scope, weight) on w.scope = c.scope
    where igjobs.unused_slots(c.scope) < w.weight
    order by c.scope <> 'tenant:' || j.tenant, c.scope limit 1;
    if full_scope is null then
        return null;
    end if;
    return igjobs.because(
            case when full_scope = 'tenant:' || j.tenant then 'tenant_cap'
                else 'fleet_cap' end,
            j.updated_at, null, case split_part(full_scope, ':', 1)
        when 'tenant' then format(
            'The tenant has as many batches in work as it may: %s.', slots)
        when 'kind' then format(
            'The fleet has as many batches of this kind in work as it may: '
            '%s.', slots)
        when 'actor' then format(
            'The fleet has as many runs of %s at work as it may: %s.',
            substr(full_scope, 7), slots)
        else format('The runs at work use as much memory of %s as they may: '
                    '%s MB.', substr(full_scope, 8), slots * 128)
        end, jsonb_build_object('scope', full_scope));
end
$$;
comment on function igjobs.cause_of_caps(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: a cap of the tenant or the fleet is full.';


create function igjobs.cause_of_waiting(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql stable
as $$
declare
    b igjobs.batches;
begin
    if s.due + s.leased > 0 or s.waiting = 0 then
        return null;
    end if;
    select t.* into b from igjobs.batches t
    where t.tenant = j.tenant and t.job_id = j.job_id
        and t.state = 'queued' and t.not_before is not null
    order by t.not_before limit 1;
    return igjobs.because('retry', j.updated_at, b.not_before, format(
        '%s to be tried again, the first at %s%s.',
        igjobs.so_many(s.waiting, 'batch')
            || case when s.waiting = 1 then ' waits' else ' wait' end,
        igjobs.utc(b.not_before), ': ' || b.error), jsonb_build_object(
            'batches', s.waiting, 'error_class', b.error_class,
            'last_error', b.error));
end
$$;
comment on function igjobs.cause_of_waiting(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: all that is left waits for its next try.';


create function igjobs.last_accounts(j public.scrape_jobs)
    returns text[]
    language plpgsql stable
as $$
begin
    return array(
        select u.account
        from (
            select b.batch_no from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.state = 'leased'
            order by b.batch_no limit 100) l
        join igjobs.batch_accounts a
            on a.tenant = j.tenant and a.job_id = j.job_id
            and a.batch_no = l.batch_no,
        string_to_table(a.accounts, e'\n') u (account)
        where coalesce(a.outcomes ->> u.account, 'partial') = 'partial');
end
$$;
comment on function igjobs.last_accounts(public.scrape_jobs) is
    'The accounts of the batches in work that have no outcome yet.';


create function igjobs.cause_of_tail(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql stable
as $$
declare
    names text[];
    since timestamptz;
begin
    if s.due + s.waiting > 0 or s.leased = 0
        or j.batches_done + j.batches_dead = 0
    then
        return null;
    end if;
    names := igjobs.last_accounts(j);
    select min(r.intent_at) into since from igjobs.runs r
    where r.tenant = j.tenant and r.job_id = j.job_id
        and r.state in ('intent', 'started');
    return igjobs.because('tail', coalesce(since, j.updated_at), null, format(
        'Only the last %s in work, with %s that are not done: %s%s.',
        case when s.leased = 1 then 'batch is'
            else format('%s batches are', s.leased) end,
        igjobs.so_many(cardinality(names), 'account'),
        array_to_string(names[:5], ', '),
        case when cardinality(names) > 5 then ', ...' else '' end),
        jsonb_build_object(
            'batches', s.leased, 'accounts', cardinality(names),
            'first_accounts', names[:10]));
end
$$;
comment on function igjobs.cause_of_tail(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: nothing is left but the last batches in work.';


create function igjobs.queue_position(j public.scrape_jobs)
    returns integer
    language plpgsql stable
as $$
begin
    return (
        with leased as materialized (
            select b.tenant, b.job_id, count(*)::integer as n
            from igjobs.batches b where b.state = 'leased'
            group by b.tenant, b.job_id
        ), busy as (
            select l.tenant, sum(l.n)::integer as n from leased l
            group by l.tenant
        ), active as materialized (
            select t.tenant, t.job_id,
                (coalesce(u.n, 0) + 1) / coalesce(w.weight, 1) as share,
                coalesce(l.n, 0) as leased, t.class = 'bulk' as bulk
            from (
                select a.tenant, a.job_id, a.class, a.kind, a.parallelism
                from public.scrape_jobs a
                where a.state in ('queued', 'running')
                limit 2001) t
            left join leased l
                on l.tenant = t.tenant and l.job_id = t.job_id
            left join busy u on u.tenant = t.tenant
            left join igjobs.tenants w on w.tenant = t.tenant
            where t.kind = j.kind and coalesce(l.n, 0) < t.parallelism
        )
        select case when (select count(*) from active) <= 2000
            then 1 + count(*)::integer end
        from active own
        join active a on (a.share, a.leased, a.bulk, a.job_id)
            < (own.share, own.leased, own.bulk, own.job_id)
        where own.tenant = j.tenant and own.job_id = j.job_id
            and igjobs.due(a.tenant, a.job_id, 1) > 0);
end
$$;
comment on function igjobs.queue_position(public.scrape_jobs) is
    'How many jobs get a batch before this one, plus one, in the order of '
    'igjobs.candidates; null where more than 2,000 jobs are active.';


create function igjobs.cause_of_queue(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql stable
as $$
declare
    place integer;
begin
    if s.due > 0 and s.leased >= j.parallelism then
        return igjobs.because('parallelism', j.updated_at, null, format(
            'The job has as many batches in work as it asked for, %s; %s '
            'could be.', j.parallelism, igjobs.so_many(s.due, 'more batch')),
            jsonb_build_object('parallelism', j.parallelism, 'due', s.due));
    elsif s.due > 0 and s.working >= s.lanes then
        place := igjobs.queue_position(j);
        return igjobs.because(
            'queue', coalesce(j.started_at, j.created_at), null, format(
            'All %s of the workers are in work; the job is number %s of '
            'those that wait for one.', igjobs.so_many(s.lanes, 'lane'),
            coalesce(place::text, 'more than 2000')),
            jsonb_build_object('position', place, 'lanes', s.lanes));
    end if;
    return igjobs.because(
        'nothing', coalesce(j.started_at, j.created_at), null, case
        when s.leased > 0 then format('The job runs: %s in work.',
                                      igjobs.so_many(s.leased, 'batch'))
        else 'A worker will take the job up at once.' end, '{}'::jsonb);
end
$$;
comment on function igjobs.cause_of_queue(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain, the last: its own parallelism, other jobs, or nothing.';


create function igjobs.cause_of(j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql volatile
as $$
begin
    return coalesce(
        igjobs.cause_of_state(j, s), igjobs.cause_of_workers(j, s),
        igjobs.cause_of_money(j, s), igjobs.cause_of_provider(j, s),
        igjobs.cause_of_caps(j, s), igjobs.cause_of_airtable(j, s),
        igjobs.cause_of_waiting(j, s), igjobs.cause_of_tail(j, s),
        igjobs.cause_of_queue(j, s));
end
$$;
comment on function igjobs.cause_of(public.scrape_jobs, igjobs.situation) is
    'The one thing that holds a job: of several the first, since none of the '
    'others is asked before it lets the job through.';


-- When it may end.

create type igjobs.pace as (
    batches integer, mean double precision, deviation double precision,
    p90 double precision);

create function igjobs.batch_pace(p_tenant text, p_job uuid)
    returns igjobs.pace
    language plpgsql stable
as $$
declare
    p igjobs.pace;
begin
    select count(*), avg(d.seconds), coalesce(stddev_samp(d.seconds), 0),
        percentile_cont(0.9) within group (order by d.seconds)
    into p.batches, p.mean, p.deviation, p.p90
    from (
        select sum(extract(epoch from n.closed_at - n.intent_at)) as seconds
        from (
            select r.batch_no, r.intent_at, r.closed_at from igjobs.runs r
            where r.tenant = p_tenant and r.job_id = p_job
            order by r.batch_no desc, r.run_no desc limit 300) n
        where n.closed_at > n.intent_at
        group by n.batch_no) d;
    return p;
end
$$;
comment on function igjobs.batch_pace(text, uuid) is
    'How long the provider runs of a batch took, in seconds, measured at the '
    'newest 300 runs of the job.';


create function igjobs.explain_eta(
    j public.scrape_jobs, s igjobs.situation, c igjobs.cause)
    returns jsonb
    language plpgsql volatile
as $$
declare
    p igjobs.pace := igjobs.batch_pace(j.tenant, j.job_id);
    left_over double precision := greatest(0, j.total_batches
                                              - j.progress_sum);
    lanes integer := greatest(1, s.leased, case when s.leased = 0
        then least(j.parallelism, s.lanes, s.due + s.waiting) end);
    held double precision := greatest(0, coalesce(
        extract(epoch from c.until - clock_timestamp()), 0));
    half double precision;
    most double precision;
begin
    if c.cause in ('ended', 'paused', 'stopping', 'no_worker', 'no_actor')
        or p.batches = 0
    then
        return null;
    end if;
    half := held + left_over * p.mean / lanes;
    most := half + greatest(0, p.p90 - p.mean)
            + 1.2816 * p.deviation * sqrt(left_over) / lanes;
    return jsonb_build_object(
        'p50', igjobs.eta_json(half), 'p90', igjobs.eta_json(most),
        'method', 'batch_durations', 'measured_batches', p.batches);
end
$$;
comment on function igjobs.explain_eta(
    public.scrape_jobs, igjobs.situation, igjobs.cause) is
    'When the job will end: what is left, times what a batch took, over the '
    'batches in work, from when it is held no more; the 90th percentile adds '
    'the spread of the sum and that of the last batch. Null while none has '
    'been measured, and while nobody knows when the job will go on.';


create function igjobs.eta_json(p_seconds double precision)
    returns jsonb
    language sql volatile
return jsonb_build_object(
    'seconds', ceil(least(p_seconds, 1e9))::bigint,
    'at', igjobs.json_time(clock_timestamp() + least(p_seconds, 1e9)
                           * interval '1 s')::jsonb);
comment on function igjobs.eta_json(double precision) is
    'So many seconds from now.';


create function igjobs.api_explain(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    s igjobs.situation;
    c igjobs.cause;
begin
    if j.job_id is null then
        return igjobs.no_job(params);
    end if;
    s := igjobs.situation(j);
    c := igjobs.cause_of(j, s);
    return (200, jsonb_build_object(
        'success', true, 'job_id', j.job_id, 'state', j.state,
        'progress', trim_scale(j.progress), 'cause', c.cause,
        'explanation', c.explanation,
        'since', igjobs.json_time(c.since)::jsonb,
        'until', igjobs.json_time(c.until)::jsonb,
        'detail', coalesce(c.detail, '{}'),
        'batches', jsonb_build_object(
            'running', s.leased, 'due', s.due, 'waiting', s.waiting,
            'done', j.batches_done, 'failed', j.batches_dead,
            'total', j.total_batches),
        'workers', jsonb_build_object(
            'alive', s.workers, 'lanes', s.lanes, 'working', s.working),
        'eta', igjobs.explain_eta(j, s, c))::text);
end
$$;
comment on function igjobs.api_explain(jsonb, jsonb) is
    'GET /api/jobs/{job}/explain: the one thing that holds a job now, in a '
    'word and in a sentence, since when, and when the job may end.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_explain(jsonb, jsonb) to igjobs_api;
grant execute on function
    igjobs.worker_beat(
        text, integer, integer, text[], text[], text[], integer)
to igjobs_worker;
