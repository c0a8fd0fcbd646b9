-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Provider runs: intent before the call, id after it, splits, and runs that
-- nobody will collect. Money is spent once: every step is fenced by the
-- batch's attempt and can be repeated. Locks: batch row, then the job row
-- where accounts were given up or money moves, then the tenant's day.

create function igjobs.is_holder(b igjobs.batches, p_attempt integer)
    returns boolean
    language plpgsql immutable
as $$
begin
    return b.job_id is not null and b.state = 'leased'
        and b.attempt = p_attempt;
end
$$;
comment on function igjobs.is_holder(igjobs.batches, integer) is
    'Does this attempt hold the batch? A lease that has run out but was not '
    'swept yet still counts.';


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
    'A run, nulls when there is none; the lock on its batch row covers it.';


create function igjobs.open_run(b igjobs.batches, p_accounts text)
    returns igjobs.runs
    language plpgsql volatile
as $$
declare
    r igjobs.runs;
begin
    select t.* into r from igjobs.runs t
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.closed_at is null
        and t.accounts is not distinct from p_accounts
    order by t.run_no limit 1;
    return r;
end
$$;
comment on function igjobs.open_run(igjobs.batches, text) is
    'The open run of a batch for exactly these accounts.';


create function igjobs.next_run_no(b igjobs.batches)
    returns integer
    language plpgsql volatile
as $$
begin
    return coalesce((
        select r.run_no from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no
        order by r.run_no desc limit 1) + 1, 0);
end
$$;
comment on function igjobs.next_run_no(igjobs.batches) is
    'The number of a locked batch''s next run, from 0.';


create function igjobs.plan_run(b igjobs.batches, p_accounts text)
    returns integer
    language plpgsql volatile
as $$
declare
    new_no integer := igjobs.next_run_no(b);
begin
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform, accounts)
    values (
        b.job_id, b.batch_no, new_no, b.attempt, 'planned', b.tenant,
        b.platform, p_accounts);
    return new_no;
end
$$;
comment on function igjobs.plan_run(igjobs.batches, text) is
    'Sets accounts apart for a further run of a locked batch; returns its '
    'number.';


create function igjobs.next_look(p_intent_at timestamptz)
    returns timestamptz
    language plpgsql volatile
as $$
declare
    age interval := clock_timestamp() - p_intent_at;
begin
    return case
        when age < igjobs.setting('absent_look_ms')::integer
                   * interval '1 ms' then clock_timestamp() + age
        end;
end
$$;
comment on function igjobs.next_look(timestamptz) is
    'When to look for a run again that should not exist: at twice the '
    'intent''s age; null = no more.';


create function igjobs.keep_token(b igjobs.batches, r igjobs.runs)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform, accounts,
        intent_at, closed_at, look_at, token, provider, actor)
    values (
        b.job_id, b.batch_no, igjobs.next_run_no(b), r.attempt, 'absent',
        b.tenant, b.platform, '', r.intent_at, clock_timestamp(),
        igjobs.next_look(r.intent_at), r.token, r.provider, r.actor);
end
$$;
comment on function igjobs.keep_token(igjobs.batches, igjobs.runs) is
    'Part of run_intent: the token of an earlier attempt''s intent, whose run '
    'does not exist as far as anybody can tell. Should its start be carried '
    'out after all, the reaper finds it by this row.';


create type igjobs.intent as (
    answer text, run_no integer, token text, allowance jsonb);

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
    a igjobs.allowance;
    repeats boolean;
begin
    i.answer := igjobs.intent_answer(b, p_attempt, p_call_ms);
    if i.answer <> 'ok' then
        return i;
    end if;

    r := igjobs.open_run(b, p_accounts);
    if r.state = 'started' then
        raise exception 'run % of batch % is started already', r.run_no,
            p_batch using errcode = 'object_not_in_prerequisite_state';
    end if;

    repeats := r.state = 'intent' and r.attempt = p_attempt;
    if r.state = 'intent' and not repeats then
        perform igjobs.keep_token(b, r);
    end if;
    if not repeats and igjobs.has_budget(b) then
        a := igjobs.reserve_again(b, r, p_provider, p_actor, p_accounts);
        if a.answer <> 'ok' then
            i.answer := 'stop';
            return i;
        end if;
    end if;
    i.run_no := coalesce(r.run_no, igjobs.next_run_no(b));
    i.token := case when repeats then r.token
                   else gen_random_uuid()::text end;
    insert into igjobs.runs as t (
        job_id, batch_no, run_no, attempt, state, tenant, platform, accounts,
        intent_at, token, provider, actor)
    values (
        p_job, p_batch, i.run_no, p_attempt, 'intent', p_tenant, b.platform,
        p_accounts, clock_timestamp(), i.token, p_provider, p_actor)
    on conflict (job_id, batch_no, run_no) do update
    set state = 'intent', attempt = p_attempt, intent_at = clock_timestamp(),
        absent_at = null, token = i.token, provider = p_provider,
        actor = p_actor;
    i.allowance := case
        when a.answer is not null
            then igjobs.note_reservation(b, i.run_no, a)
        when r.reserved_usd is not null then igjobs.allowance_json(r)
        end;
    return i;
end
$$;
comment on function igjobs.run_intent(
    text, uuid, integer, integer, text, text, text, integer) is
    'Records that a run for these accounts (null = the whole batch) is about '
    'to be started, before the call. Takes the planned run of the same '
    'accounts, else makes one. Answers ok (run_no, token, and what it may '
    'cost where there is a budget), lost, stop (the job is not running, or '
    'no money is left for now), short (the lease has not p_call_ms left). A '
    'repeat answers the same token; an older attempt''s intent gets a new '
    'one.';


create function igjobs.intent_answer(
    b igjobs.batches, p_attempt integer, p_call_ms integer)
    returns text
    language plpgsql volatile
as $$
begin
    return case
        when not igjobs.is_holder(b, p_attempt) then 'lost'
        when b.lease_until
             < clock_timestamp() + p_call_ms * interval '1 ms' then 'short'
        when exists (
            select from public.scrape_jobs j
            where j.tenant = b.tenant and j.job_id = b.job_id
                and j.state in ('queued', 'running')) then 'ok'
        else 'stop'
        end;
end
$$;
comment on function igjobs.intent_answer(igjobs.batches, integer, integer) is
    'Part of run_intent: may this attempt start a run now? A stop that comes '
    'a moment later finds the run open and has it aborted.';


create function igjobs.note_stray(
    b igjobs.batches, p_run_no integer, p_run_id text)
    returns void
    language plpgsql volatile
as $$
declare
    r igjobs.runs := igjobs.read_run(b.tenant, b.job_id, b.batch_no,
                                     p_run_no);
    stray_no integer;
begin
    if exists (
        select from igjobs.runs t
        where t.tenant = b.tenant and t.job_id = b.job_id
            and t.batch_no = b.batch_no and t.run_id = p_run_id)
    then
        return;
    end if;
    stray_no := igjobs.plan_run(b, '');
    update igjobs.runs t
    set state = 'stray', closed_at = clock_timestamp(), provider = r.provider,
        actor = r.actor, run_id = p_run_id
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.run_no = stray_no;
    perform igjobs.owe_beside(b, stray_no, r);
end
$$;
comment on function igjobs.note_stray(igjobs.batches, integer, text) is
    'Records a provider run beside that of p_run_no, which nobody will '
    'collect, unless it is known already.';


create function igjobs.started_late(
    b igjobs.batches, p_attempt integer, p_run_no integer, p_run_id text,
    p_dataset_id text)
    returns text
    language plpgsql volatile
as $$
begin
    update igjobs.runs r
    set state = 'started', run_id = p_run_id, dataset_id = p_dataset_id
    where r.tenant = b.tenant and r.job_id = b.job_id
        and r.batch_no = b.batch_no and r.run_no = p_run_no
        and r.state = 'intent' and r.attempt = p_attempt;
    if exists (
        select from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no and r.run_id = p_run_id
            and r.state <> 'stray')
    then
        return 'adopted';
    end if;
    perform igjobs.note_stray(b, p_run_no, p_run_id);
    return 'lost';
end
$$;
comment on function igjobs.started_late(
    igjobs.batches, integer, integer, text, text) is
    'Part of run_started, for a caller that has lost the batch or its intent: '
    'while nobody else has taken the intent over, the id is worth keeping; '
    'else the run is a stray.';


create function igjobs.run_started(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer, p_run_id text, p_dataset_id text)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches;
begin
    -- an id lost with the server's memory is found again by the token
    perform set_config('synchronous_commit', 'off', true);

    b := igjobs.lock_batch(p_tenant, p_job, p_batch);
    if not igjobs.is_holder(b, p_attempt) then
        return igjobs.started_late(b, p_attempt, p_run_no, p_run_id,
                                   p_dataset_id);
    end if;
    update igjobs.runs r
    set state = 'started', attempt = p_attempt, run_id = p_run_id,
        dataset_id = p_dataset_id
    where r.tenant = p_tenant and r.job_id = p_job and r.batch_no = p_batch
        and r.run_no = p_run_no
        and (r.state = 'intent'
             or r.state = 'started' and r.run_id = p_run_id);
    if found then
        return 'ok';
    end if;
    return igjobs.started_late(b, p_attempt, p_run_no, p_run_id,
                               p_dataset_id);
end
$$;
comment on function igjobs.run_started(
    text, uuid, integer, integer, integer, text, text) is
    'Stores the provider''s ids of a run. Answers ok; adopted: the batch is '
    'lost, but its next holder goes on with this run or has done so, which it '
    'found by the token or finds here, since the intent was still this '
    'caller''s; or lost: somebody else has taken the intent over, and this '
    'run is a stray, which the reaper ends and books.';


create function igjobs.run_stray(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_run_id text)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
begin
    if b.job_id is null then
        return 'lost';
    end if;
    perform igjobs.note_stray(b, p_run_no, p_run_id);
    return 'ok';
end
$$;
comment on function igjobs.run_stray(text, uuid, integer, integer, text) is
    'A further run with the token of run p_run_no, made by whoever delivered '
    'the start call twice: the reaper ends and books it. Answers ok, or lost '
    'for a batch that is not known.';


create function igjobs.run_absent(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_token text, p_grace_ms integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs;
begin
    update igjobs.runs t
    set absent_at = coalesce(t.absent_at, clock_timestamp())
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.run_no = p_run_no
        and t.state = 'intent' and t.token = p_token
    returning t.* into r;
    if found then
        return igjobs.ms_until(greatest(
            r.intent_at + p_grace_ms * interval '1 ms',
            r.absent_at + igjobs.setting('absent_again_ms')::integer
                          * interval '1 ms'));
    end if;
    update igjobs.runs t
    set look_at = igjobs.next_look(t.intent_at)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.state = 'absent'
        and t.token = p_token;
    return null;
end
$$;
comment on function igjobs.run_absent(
    text, uuid, integer, integer, text, integer) is
    'The provider''s list has no run with this intent''s token. Returns how '
    'many milliseconds must pass before another look that says so proves it, '
    '0: this one does; null: it is no intent any more, but is looked for '
    'again if it was taken for absent. p_grace_ms: after the intent, until the '
    'call has ended and the list caught up. The second look counts because a '
    'provider that has stood still may take held-back calls up when it '
    'already lists.';


create function igjobs.run_refused(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
begin
    if not igjobs.is_holder(b, p_attempt)
        or r.state is null or r.state not in ('planned', 'intent')
    then
        return 'lost';
    end if;
    update igjobs.runs t
    set state = 'planned', token = null, intent_at = null
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = p_run_no;
    perform igjobs.give_money_back(r);
    return 'ok';
end
$$;
comment on function igjobs.run_refused(
    text, uuid, integer, integer, integer) is
    'Nothing was started for this intent: the run is planned again, so that '
    'its accounts are not forgotten. Answers ok or lost.';


create function igjobs.note_outcomes(b igjobs.batches, p_outcomes jsonb)
    returns void
    language plpgsql volatile
as $$
begin
    if p_outcomes is null then
        return;
    end if;
    update igjobs.batch_accounts a
    set outcomes = coalesce(a.outcomes, '{}') || p_outcomes
    where a.tenant = b.tenant and a.job_id = b.job_id
        and a.batch_no = b.batch_no;
end
$$;
comment on function igjobs.note_outcomes(igjobs.batches, jsonb) is
    'Merges final outcomes by account name.';


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
    if not igjobs.is_holder(b, p_attempt) or r.job_id is null then
        s.answer := 'lost';
        return s;
    elsif r.closed_at is not null then
        s.answer := 'repeated';
        s.run_nos := array(
            select t.run_no from igjobs.runs t
            where t.tenant = p_tenant and t.job_id = p_job
                and t.batch_no = p_batch and t.run_no > p_run_no
                and t.accounts = any (p_parts)
            order by t.run_no);
        return s;
    end if;

    perform igjobs.move_run(b, p_run_no, r.cursor, 0, true, p_state, p_cost);
    foreach part in array p_parts loop
        s.run_nos := s.run_nos || igjobs.plan_run(b, part);
    end loop;
    if cardinality(p_parts) = 1 and r.origin is null then
        update igjobs.batches t set reruns = t.reruns + 1
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch;
    end if;
    perform igjobs.note_outcomes(b, p_outcomes);
    perform igjobs.book_closed_alone(r, p_cost);
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
    'one transaction, so that none of its accounts is forgotten. One part is '
    'the same work once more and counts as a rerun. Answers split, repeated '
    'or lost.';


create function igjobs.orphan_runs(p_limit integer)
    returns table (
        tenant text, job_id uuid, batch_no integer, run_no integer,
        token text, provider text, actor text, run_id text,
        intent_age_ms bigint, kind text)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select r.tenant, r.job_id, r.batch_no, r.run_no, r.token, r.provider,
        r.actor, r.run_id,
        (1000 * extract(epoch from now() - r.intent_at))::bigint, b.kind
    from igjobs.runs r
    join public.scrape_jobs j
        on j.tenant = r.tenant and j.job_id = r.job_id
    join igjobs.batches b
        on b.tenant = r.tenant and b.job_id = r.job_id
        and b.batch_no = r.batch_no
    where (r.state = 'stray'
           or r.state in ('intent', 'started') and b.state <> 'leased'
           and (b.state = 'dead' or igjobs.is_final(j.state)
                or j.state = 'stopping' and j.reason <> 'pause'))
        and not igjobs.is_open(
            igjobs.breaker_scope(b.kind, r.provider, r.actor))
    limit p_limit;

    return query
    select r.tenant, r.job_id, r.batch_no, r.run_no, r.token, r.provider,
        r.actor, r.run_id,
        (1000 * extract(epoch from now() - r.intent_at))::bigint, b.kind
    from igjobs.runs r
    join igjobs.batches b
        on b.tenant = r.tenant and b.job_id = r.job_id
        and b.batch_no = r.batch_no
    where r.look_at <= now()
        and not igjobs.is_open(
            igjobs.breaker_scope(b.kind, r.provider, r.actor))
    order by r.look_at
    limit 1;
end
$$;
comment on function igjobs.orphan_runs(integer) is
    'Runs that the provider may be working on and nobody will collect: under '
    'an ended or stopping job (except for a pause) or a dead batch, without '
    'a lease; and strays. At last one token, the longest due, of a run that '
    'was taken for absent: such looks may take long. Nothing while the '
    'actor''s breaker is open.';


create function igjobs.book_run(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_state text, p_cost numeric, p_run_id text, p_token text default null)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
    stray boolean := r.state = 'stray'
        and r.run_id is not distinct from p_run_id;
    own boolean := r.closed_at is null
        and (r.run_id is null or r.run_id = p_run_id);
    beside boolean := not stray and (b.state = 'leased' or not own);
    to_read boolean := own and b.state = 'queued' and p_run_id is not null;
    booked integer := p_run_no;
begin
    if r.look_at is not null and p_run_id is not null then
        update igjobs.runs t set look_at = null
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch and t.run_no = p_run_no;
    end if;
    if r.job_id is null then
        return 'unknown';
    elsif igjobs.is_booked(b, p_run_no, p_run_id) then
        return 'repeated';
    elsif b.state = 'leased' and r.closed_at is null
        and (p_run_id is null or r.run_id = p_run_id
             or r.run_id is null and r.token = p_token)
        or b.state = 'queued' and own and igjobs.goes_on(b)
    then
        return 'held';
    end if;

    if beside then
        booked := igjobs.plan_run(b, '');
    elsif b.state = 'queued' and not (stray or to_read) then
        perform igjobs.plan_run(b, r.accounts);
    end if;
    update igjobs.runs t
    set state = p_state, closed_at = clock_timestamp(), cost_usd = p_cost,
        provider = r.provider, actor = r.actor, run_id = p_run_id,
        unread = to_read,
        look_at = case when p_run_id is null
                      then igjobs.next_look(t.intent_at) end
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = booked;
    if b.run_slots > 0 and b.state <> 'leased' then
        b.run_slots := igjobs.drop_slots(b);
        update igjobs.batches t set run_slots = b.run_slots
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch;
    end if;
    if beside then
        r := igjobs.owe_beside(b, booked, r);
    end if;
    r.run_id := p_run_id;
    perform igjobs.book_closed_alone(r, p_cost);
    return 'booked';
end
$$;
comment on function igjobs.book_run(
    text, uuid, integer, integer, text, numeric, text, text) is
    'Books a provider run that nobody will collect: on its own row, and '
    'where it never was, the accounts of a queued batch are planned again; '
    'or, where another holder has gone on with that row, on a further, closed row. p_run_id null = '
    'the provider never had it; p_token: by which it was found, as the holder '
    'will, too. What the run of a queued batch has brought is paid for: '
    'whoever takes the batch up again reads it (unread). Answers booked, '
    'repeated, held (the holder, or the next one of a job that goes on, reads '
    'and books it) or unknown.';


create function igjobs.goes_on(b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from public.scrape_jobs j
        where j.tenant = b.tenant and j.job_id = b.job_id
            and (j.state in ('queued', 'running', 'paused')
                 or j.state = 'stopping' and j.reason = 'pause'));
end
$$;
comment on function igjobs.goes_on(igjobs.batches) is
    'Part of book_run: will somebody claim the batch again? The job may have '
    'been opened again while its runs were being aborted.';


create function igjobs.is_booked(
    b igjobs.batches, p_run_no integer, p_run_id text)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no
            and case
                when p_run_id is null
                    then r.run_no = p_run_no and r.closed_at is not null
                when r.run_no = p_run_no
                    then r.run_id = p_run_id and r.closed_at is not null
                         and r.state <> 'stray'
                else r.run_id = p_run_id
                end);
end
$$;
comment on function igjobs.is_booked(igjobs.batches, integer, text) is
    'Part of book_run: is this provider run booked on its row already, or '
    'does it have another row, on which it will be?';
