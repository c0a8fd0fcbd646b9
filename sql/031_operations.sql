-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Operations: work beside scraping that a worker does, for the calls that need
-- Airtable or take long. An operation is a job of kind operation, each of its
-- batches one unit; what a unit is stands in its payload:
--   {"do": "<handler of the worker>", ...}, or {"do": "sql", "step": "<name>"}.
--
-- By name, an operation has these functions:
--   igjobs.answer_<name>(j scrape_jobs, o operations) returns api_answer:
--       what its call answers when it has ended
--   igjobs.next_<name>(j scrape_jobs, o operations) returns scrape_jobs, if it
--       has phases: called when all units have ended, adds more by add_units
-- and a handler of the worker calls
--   igjobs.unit_<step>(b batches, args jsonb) returns jsonb
--       under the lock of the unit that it holds, in one transaction; repeated
--       when its answer was lost. What it may answer to "do": "sql" stands in
--       worker/kinds/igj_operation.h
-- Locks: the batch row first, the job row last.

create table igjobs.operations (
    job_id     uuid primary key,
    created_at timestamptz not null default now(),
    tenant     text not null,
    base_id    text not null,
    name       text not null,
    request    jsonb not null
);
comment on constraint operations_pkey on igjobs.operations is
    'igjobs.find_operation: one operation';
comment on column igjobs.operations.request is
    'what the call asked for, checked; the operation''s own';

create index operations_newest on igjobs.operations
    (tenant, base_id, name, created_at);
comment on index igjobs.operations_newest is
    'igjobs.active_operation: the one that runs for a base';


create table igjobs.unit_results (
    job_id   uuid not null,
    batch_no integer not null,
    phase    text not null,
    result   jsonb not null,
    constraint unit_results_pkey primary key (job_id, batch_no)
);
comment on constraint unit_results_pkey on igjobs.unit_results is
    'igjobs.end_unit: once a unit; answer_<name>: all of an operation';

insert into igjobs.settings (name, value, note) values
    ('operation_parallelism', '4', 'units of one operation at once');


create function igjobs.add_units(
    j public.scrape_jobs, p_phase text, p_units jsonb[])
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    n integer := cardinality(p_units);
begin
    insert into igjobs.batches (
        job_id, batch_no, tenant, platform, kind, phase, account_count,
        expected, payload)
    select j.job_id, j.total_batches + u.n - 1, j.tenant, j.platform, j.kind,
        p_phase, 1, 1, u.unit
    from unnest(p_units) with ordinality u (unit, n);
    j.phase := p_phase;
    j.total_batches := j.total_batches + n;
    -- units count as accounts; a scrape's number never changes
    update public.scrape_jobs t set account_count = t.account_count + n
    where t.tenant = j.tenant and t.job_id = j.job_id
    returning t.account_count into j.account_count;
    return j;
end
$$;
comment on function igjobs.add_units(public.scrape_jobs, text, jsonb[]) is
    'Queues units of a phase; returns the row, which the caller saves.';


create function igjobs.find_operation(p_tenant text, p_job uuid)
    returns igjobs.operations
    language plpgsql stable
as $$
declare
    o igjobs.operations;
begin
    select t.* into o from igjobs.operations t
    where t.tenant = p_tenant and t.job_id = p_job;
    return o;
end
$$;
comment on function igjobs.find_operation(text, uuid) is
    'An operation of the tenant; nulls when there is none.';


create function igjobs.next_units(j public.scrape_jobs)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    o igjobs.operations := igjobs.find_operation(j.tenant, j.job_id);
    next_name text := 'igjobs.next_' || o.name;
begin
    if to_regprocedure(next_name || '(public.scrape_jobs, igjobs.operations)')
        is not null
    then
        execute format('select t.* from %s($1, $2) t', next_name)
            into j using j, o;
    end if;
    return j;
end
$$;
comment on function igjobs.next_units(public.scrape_jobs) is
    'The hook of kind operation: asks its next_<name>, if there is one.';

insert into igjobs.kinds (kind, phase, hook)
values ('operation', 'run', 'igjobs.next_units(public.scrape_jobs)');


create function igjobs.operation_member(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
begin
    return (
        select format('"operation":{"name":%s,"base_id":%s},',
                      igjobs.json_text(o.name), igjobs.json_text(o.base_id))
        from igjobs.find_operation(j.tenant, j.job_id) o);
end
$$;
comment on function igjobs.operation_member(public.scrape_jobs) is
    'Part of job_document: which operation a job is.';


create function igjobs.units_message(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
begin
    return (
        select format('%s of %s parts of the operation were given up: %s',
                      j.batches_dead, j.total_batches, b.error)
        from igjobs.batches b
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.state = 'dead'
        order by b.batch_no
        limit 1);
end
$$;
comment on function igjobs.units_message(public.scrape_jobs) is
    'What error_message says about units that were given up, with the error '
    'of the first; null when none were.';


create function igjobs.active_operation(
    p_tenant text, p_base text, p_name text, p_request jsonb)
    returns uuid
    language plpgsql stable
as $$
begin
    return (
        select o.job_id from igjobs.operations o
        join public.scrape_jobs j
            on j.tenant = o.tenant and j.job_id = o.job_id
        where o.tenant = p_tenant and o.base_id = p_base
            and o.name = p_name and o.request @> p_request
            and o.created_at > now() - interval '7 days'
            and not igjobs.is_final(j.state)
        order by o.created_at desc
        limit 1);
end
$$;
comment on function igjobs.active_operation(text, text, text, jsonb) is
    'The newest operation of a name that has not ended and whose request '
    'contains p_request; null when there is none. Reads those of a week: '
    'calls every few minutes leave many, and one that was paused for longer '
    'is no reason to wait.';


create function igjobs.operation_body(j public.scrape_jobs)
    returns text
    language sql immutable
return json_build_object(
    'success', true, 'operation_id', j.job_id, 'job_id', j.job_id,
    'status', j.status,
    'status_url', format('/api/job-status/%s', j.job_id),
    'result_url', format('/api/operations/%s', j.job_id),
    'message', 'Operation accepted. Poll result_url for its answer.')::text;
comment on function igjobs.operation_body(public.scrape_jobs) is
    'The body of the 202 while an operation runs.';


create function igjobs.insert_operation(
    p_tenant text, p_job uuid, p_base text, p_name text, p_request jsonb)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    insert into public.scrape_jobs (
        job_id, tenant, platform, kind, class, phase, account_count,
        total_batches, target_gender, max_count_per_account, keep_unknown,
        parallelism, max_failed_ratio, doc)
    values (
        p_job, p_tenant, 'instagram', 'operation', 'small', 'run', 0, 0,
        'any', 1, true, igjobs.setting('operation_parallelism')::integer, 0,
        '')
    on conflict (job_id) do nothing
    returning * into j;
    if found then
        insert into igjobs.operations (
            job_id, tenant, base_id, name, request)
        values (p_job, p_tenant, p_base, p_name, p_request);
    end if;
    return j;
end
$$;
comment on function igjobs.insert_operation(text, uuid, text, text, jsonb) is
    'Part of start_operation: the rows, without units; nulls when the job is '
    'there already.';


create function igjobs.start_operation(
    p_tenant text, p_job uuid, p_base text, p_name text, p_request jsonb,
    p_phase text, p_units jsonb[])
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs := igjobs.insert_operation(
        p_tenant, p_job, p_base, p_name, p_request);
    c igjobs.api_change;
begin
    c.status := 202;
    c.job_id := p_job;
    if j.job_id is null then
        c.body := igjobs.operation_body(igjobs.lock_job(p_tenant, p_job));
        return c;
    end if;
    j := igjobs.add_units(j, p_phase, p_units);
    if j.total_batches = 0 then
        j.state := 'running';
        j.started_at := clock_timestamp();
    end if;
    j := igjobs.save_job(igjobs.settle(j));
    c.body := igjobs.operation_body(j);
    c.doc := j.doc;
    c.kind := j.kind;
    c.class := j.class;
    c.turns := case when igjobs.is_final(j.state) then 0
                   else least(j.parallelism, j.total_batches) end;
    return c;
end
$$;
comment on function igjobs.start_operation(
    text, uuid, text, text, jsonb, text, jsonb[]) is
    'Starts an operation; the last step of an api function that answers '
    'igjobs.api_change. Without units it asks for the next phase at once, or '
    'ends. A repeat with the same id answers as the first and writes nothing.';


create type igjobs.unit_answer as (answer text, result jsonb);

create function igjobs.unit_step(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_step text, p_args jsonb)
    returns igjobs.unit_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    a igjobs.unit_answer;
begin
    a.answer := 'lost';
    if igjobs.is_holder(b, p_attempt) then
        execute format('select igjobs.%I($1, $2)', 'unit_' || p_step)
            into a.result using b, p_args;
        a.answer := 'ok';
    end if;
    return a;
end
$$;
comment on function igjobs.unit_step(
    text, uuid, integer, integer, text, jsonb) is
    'Calls igjobs.unit_<p_step> for a unit that this attempt holds. Answers '
    'ok with its result, or lost.';


create type igjobs.unit_ended as (
    answer text, version bigint, doc text, final boolean, turns integer);

create function igjobs.end_unit(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_result jsonb)
    returns igjobs.unit_ended
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    a igjobs.job_answer;
    j public.scrape_jobs;
    units integer;
begin
    if not igjobs.is_holder(b, p_attempt) then
        a := igjobs.after_repeat(b, p_attempt);
        return (a.answer, a.version, a.doc, a.final, 0);
    end if;
    insert into igjobs.unit_results (job_id, batch_no, phase, result)
    values (p_job, p_batch, b.phase, p_result)
    on conflict (job_id, batch_no) do update set result = excluded.result;
    perform igjobs.end_batch(b, 'done', null);

    j := igjobs.lock_job(p_tenant, p_job);
    units := j.total_batches;
    j.batches_done := j.batches_done + 1;
    j.progress_sum := j.progress_sum + 1 - b.progress;
    j := igjobs.save_job(igjobs.settle(j));
    return ('done'::text, j.version, j.doc, igjobs.is_final(j.state),
            least(j.parallelism, j.total_batches - units));
end
$$;
comment on function igjobs.end_unit(
    text, uuid, integer, integer, jsonb) is
    'Ends a unit with its result, and may open the next phase: turns is how '
    'many that one wants, 0 in the usual case. Answers done, also to a '
    'repeat, or lost.';


create function igjobs.operation_answer(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    a igjobs.api_answer;
begin
    if not igjobs.is_final(j.state) then
        return (202, igjobs.operation_body(j));
    elsif j.state = 'canceled' then
        return igjobs.api_problem(409, 'operation-canceled', null);
    end if;
    execute format('select t.* from igjobs.%I($1, $2) t', 'answer_' || o.name)
        into a using j, o;
    return a;
end
$$;
comment on function igjobs.operation_answer(
    public.scrape_jobs, igjobs.operations) is
    'What the call of an operation answers now: 202 while it runs.';


create function igjobs.api_operation(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(
        caller, jsonb_build_object('job', params -> 'operation'));
    o igjobs.operations := igjobs.find_operation(j.tenant, j.job_id);
begin
    if o.job_id is null then
        return igjobs.api_problem(
            404, 'operation-not-found', null,
            format('Operation %s not found', params ->> 'operation'));
    end if;
    return igjobs.operation_answer(j, o);
end
$$;
comment on function igjobs.api_operation(jsonb, jsonb) is
    'GET /api/operations/{operation}, and what a call that waited answers.';


create function igjobs.unit_errors(p_tenant text, p_job uuid)
    returns jsonb
    language sql stable
return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'phase', b.phase, 'unit', b.payload, 'error', b.error)
        order by b.batch_no), '[]')
    from igjobs.batches b
    where b.tenant = p_tenant and b.job_id = p_job and b.state = 'dead');
comment on function igjobs.unit_errors(text, uuid) is
    'The units of an operation that were given up: phase, unit (its payload) '
    'and the last error.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_operation(jsonb, jsonb) to igjobs_api;
grant execute on function
    igjobs.unit_step(text, uuid, integer, integer, text, jsonb),
    igjobs.end_unit(text, uuid, integer, integer, jsonb)
to igjobs_worker;
