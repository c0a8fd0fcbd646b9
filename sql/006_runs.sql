-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Provider runs: intent before the call, id after it, splits, and runs that
-- nobody will collect. Money is spent once: every step is fenced by the
-- batch's attempt and can be repeated.

create function igjobs.holds(b igjobs.batches, p_attempt integer)
    returns boolean
    language sql immutable
return b.job_id is not null and b.state = 'leased' and b.attempt = p_attempt;
comment on function igjobs.holds(igjobs.batches, integer) is
    'Does this attempt hold the batch? A lease that has run out but was not '
    'swept yet still counts.';


create function igjobs.add_run(
    b igjobs.batches, p_state text, p_accounts text)
    returns integer
    language sql volatile
begin atomic
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform, accounts)
    select b.job_id, b.batch_no, coalesce(max(r.run_no) + 1, 0), b.attempt,
        p_state, b.tenant, b.platform, p_accounts
    from igjobs.runs r
    where r.job_id = b.job_id and r.batch_no = b.batch_no
    returning run_no;
end;
comment on function igjobs.add_run(igjobs.batches, text, text) is
    'A further run of a locked batch; returns its number, from 0.';


create type igjobs.intent as (answer text, run_no integer, token text);

create function igjobs.run_intent(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_provider text, p_actor text, p_accounts text, p_call_ms integer)
    returns igjobs.intent
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs;
    i igjobs.intent;
begin
    if not igjobs.holds(b, p_attempt) then
        i.answer := 'lost';
        return i;
    elsif b.lease_until < clock_timestamp() + p_call_ms * interval '1 ms' then
        i.answer := 'short';
        return i;
    elsif not exists (
        select from public.scrape_jobs j
        where j.tenant = p_tenant and j.job_id = p_job
            and j.state in ('queued', 'running'))
    then
        i.answer := 'stop';
        return i;
    end if;

    select t.* into r from igjobs.runs t
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.closed_at is null
        and t.accounts is not distinct from p_accounts
    order by t.run_no limit 1;
    if r.state = 'started' then
        raise exception 'run % of batch % is started already', r.run_no,
            p_batch using errcode = 'object_not_in_prerequisite_state';
    elsif r.state = 'intent' and r.attempt = p_attempt then
        return row('ok'::text, r.run_no, r.token);
    elsif r.state is null then
        r.run_no := igjobs.add_run(b, 'planned', p_accounts);
    end if;

    update igjobs.runs t
    set state = 'intent', attempt = p_attempt, intent_at = clock_timestamp(),
        token = gen_random_uuid()::text, provider = p_provider,
        actor = p_actor
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = r.run_no
    returning t.token into r.token;
    return row('ok'::text, r.run_no, r.token);
end
$$;
comment on function igjobs.run_intent(
    text, uuid, integer, integer, text, text, text, integer) is
    'Records that a run for these accounts (null = the whole batch) is about '
    'to be started, before the call. Takes the planned run of the same '
    'accounts, else makes one. Answers ok (run_no, token), lost, stop (the '
    'job is not running), short (the lease has not p_call_ms left). A repeat '
    'answers the same token; an older attempt''s intent gets a new one.';


create function igjobs.run_started(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer, p_run_id text, p_dataset_id text)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
begin
    if not igjobs.holds(b, p_attempt) then
        return 'lost';
    end if;
    update igjobs.runs r
    set state = 'started', run_id = p_run_id, dataset_id = p_dataset_id,
        attempt = p_attempt
    where r.tenant = p_tenant and r.job_id = p_job and r.batch_no = p_batch
        and r.run_no = p_run_no
        and (r.state = 'intent'
             or r.state = 'started' and r.run_id = p_run_id);
    return case when found then 'ok' else 'lost' end;
end
$$;
comment on function igjobs.run_started(
    text, uuid, integer, integer, integer, text, text) is
    'Stores the provider''s ids of a run. Answers ok or lost: then the '
    'caller aborts what it started and books it.';


create function igjobs.run_refused(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
begin
    if not igjobs.holds(b, p_attempt) then
        return 'lost';
    end if;
    update igjobs.runs r
    set state = 'planned', token = null, intent_at = null
    where r.tenant = p_tenant and r.job_id = p_job and r.batch_no = p_batch
        and r.run_no = p_run_no and r.state in ('planned', 'intent');
    return case when found then 'ok' else 'lost' end;
end
$$;
comment on function igjobs.run_refused(
    text, uuid, integer, integer, integer) is
    'Nothing was started for this intent: the run is planned again, so that '
    'its accounts are not forgotten. Answers ok or lost.';


create function igjobs.close_run(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_state text, p_cost numeric)
    returns void
    language sql volatile
begin atomic
    update igjobs.runs r
    set state = p_state, cost_usd = coalesce(p_cost, r.cost_usd),
        closed_at = clock_timestamp()
    where r.tenant = p_tenant and r.job_id = p_job and r.batch_no = p_batch
        and r.run_no = p_run_no and r.closed_at is null;
end;
comment on function igjobs.close_run(
    text, uuid, integer, integer, text, numeric) is
    'Closes an open run with the provider''s final state and cost in USD.';


create type igjobs.split as (answer text, run_nos integer[]);

create function igjobs.split_run(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer, p_state text, p_cost numeric, p_parts text[],
    p_outcomes jsonb, p_accounts_failed integer)
    returns igjobs.split
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
    s igjobs.split;
    part text;
begin
    if not igjobs.holds(b, p_attempt) or r.job_id is null then
        s.answer := 'lost';
        return s;
    elsif r.closed_at is not null then
        s.answer := 'repeated';
        select array_agg(t.run_no order by t.run_no) into s.run_nos
        from igjobs.runs t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch and t.run_no > p_run_no
            and t.accounts = any (p_parts) and t.closed_at is null;
        return s;
    end if;

    perform igjobs.close_run(p_tenant, p_job, p_batch, p_run_no, p_state,
                             p_cost);
    foreach part in array p_parts loop
        s.run_nos := s.run_nos || igjobs.add_run(b, 'planned', part);
    end loop;
    perform igjobs.note_outcomes(p_tenant, p_job, p_batch, p_outcomes);
    update igjobs.batches t
    set reruns = t.reruns + (cardinality(p_parts) = 1)::integer
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch;
    if p_accounts_failed > 0 then
        perform igjobs.settle_job(p_tenant, p_job, 0, p_accounts_failed, 0);
    end if;
    s.answer := 'split';
    return s;
end
$$;
comment on function igjobs.split_run(
    text, uuid, integer, integer, integer, text, numeric, text[], jsonb,
    integer) is
    'Closes a run and plans one for each part (newline-joined accounts), in '
    'one transaction: so that none of its accounts is forgotten. One part '
    'is the same work once more and counts as a rerun. Answers split, '
    'repeated or lost.';


create function igjobs.read_run(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer)
    returns igjobs.runs
    language plpgsql volatile
as $$
declare
    r igjobs.runs;
begin
    select t.* into r from igjobs.runs t
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = p_run_no;
    return r;
end
$$;
comment on function igjobs.read_run(text, uuid, integer, integer) is
    'A run; the lock on its batch row covers it.';


create function igjobs.note_outcomes(
    p_tenant text, p_job uuid, p_batch integer, p_outcomes jsonb)
    returns void
    language sql volatile
begin atomic
    update igjobs.batch_accounts a
    set outcomes = coalesce(a.outcomes, '{}') || p_outcomes
    where a.tenant = p_tenant and a.job_id = p_job and a.batch_no = p_batch
        and p_outcomes is not null and p_outcomes <> '{}';
end;
comment on function igjobs.note_outcomes(text, uuid, integer, jsonb) is
    'Merges final outcomes by account name.';
