-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Ingestion: profiles into the pool and into what was scraped. A profile comes
-- as a line "id<TAB>username<TAB>full_name". Up to 1,000 are one statement
-- (igjobs.ingest); more are copied, each thousand a unit of an operation.
--
-- The pool has one row for an account, which either key finds:
--   the id is known: the row stays; its username becomes the one that came,
--       unless another row has that, its full name likewise
--   the username is known, under an id that did not come: the row gets the new
--       id (accounts whose id was not known have their username for one)
--   neither: a new row
-- used, used_at and created_at are never touched. Of repeats in a call the last
-- one counts. Locks: one ingestion at a time in a pool, then rows of the pool.

create table igjobs.ingest_calls (
    call_id         uuid not null,
    created_at      timestamptz not null default now(),
    inserted_raw    integer not null,
    added_to_global integer not null,
    given           integer not null,
    invalid         integer not null,
    tenant          text not null,
    base_id         text,
    constraint ingest_calls_pkey primary key (call_id)
);
comment on table igjobs.ingest_calls is
    'what small calls did, so that a repeat does nothing';
comment on column igjobs.ingest_calls.base_id is
    'as the call named it; null: it named none';
comment on constraint ingest_calls_pkey on igjobs.ingest_calls is
    'igjobs.ingest: a call that repeats itself, or a key; the oldest, since '
    'ids are made in the order of time';


create table igjobs.ingest_units (
    job_id          uuid not null,
    batch_no        integer not null,
    inserted_raw    integer,
    added_to_global integer,
    tenant          text not null,
    lines           text,
    constraint ingest_units_pkey primary key (job_id, batch_no)
);
comment on column igjobs.ingest_units.lines is
    'null: taken in, with these counts';
comment on constraint ingest_units_pkey on igjobs.ingest_units is
    'igjobs.unit_ingest: one unit; the counts of an ingestion';


create type igjobs.profile as (id text, username text, full_name text);
create type igjobs.ingested as (inserted_raw integer, added_to_global integer);


create function igjobs.profiles_of(p_lines text)
    returns igjobs.profile[]
    language sql immutable
return array(
    select row(split_part(l.line, e'\t', 1), split_part(l.line, e'\t', 2),
               split_part(l.line, e'\t', 3))::igjobs.profile
    from string_to_table(p_lines, e'\n') with ordinality l (line, n)
    where l.line <> ''
    order by l.n);
comment on function igjobs.profiles_of(text) is
    'The profiles of lines.';


create function igjobs.last_profiles(p_profiles igjobs.profile[])
    returns igjobs.profile[]
    language sql immutable
return array(
    select row(w.id, w.username, w.full_name)::igjobs.profile
    from (
        select distinct on (u.username) u.id, u.username, u.full_name
        from (
            select distinct on (p.id) p.id, p.username, p.full_name, p.n
            from unnest(p_profiles)
                with ordinality p (id, username, full_name, n)
            order by p.id, p.n desc) u
        order by u.username, u.n desc) w
    order by w.id collate "C");
comment on function igjobs.last_profiles(igjobs.profile[]) is
    'Each id once and each username once: the last of repeats. By id.';


-- What is looked for in the pool is looked up profile by profile. As long as
-- the pool was not analyzed both keys cost the planner the same for either
-- column; the order, since sorting is off, leaves the one that serves. Updates
-- name both columns, so that either will do.

create function igjobs.refresh_known(
    p_tenant text, p_base text, p_profiles igjobs.profile[])
    returns void
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_sort = off
as $$
declare
    p record;
begin
    for p in
        select c.id, c.username, c.full_name, k.username as known_as,
            c.full_name not in ('', k.full_name) as is_renamed
        from unnest(p_profiles) c, lateral (
            select g.id, g.username, g.full_name
            from public.global_usernames g
            where g.tenant = p_tenant and g.base_id = p_base
                and g.id >= c.id
            order by g.id
            limit 1) k
        where k.id = c.id and (k.username <> c.username
                               or c.full_name not in ('', k.full_name))
    loop
        if p.username <> p.known_as then
            perform from (
                select g.username from public.global_usernames g
                where g.tenant = p_tenant and g.base_id = p_base
                    and g.username >= p.username
                order by g.username
                limit 1) t
            where t.username = p.username;
            if found then
                p.username := p.known_as;
            end if;
        end if;
        update public.global_usernames g
        set username = p.username,
            full_name = case when p.is_renamed then p.full_name
                             else g.full_name end
        where g.tenant = p_tenant and g.base_id = p_base and g.id = p.id
            and g.username = p.known_as
            and (p.is_renamed or p.username <> p.known_as);
    end loop;
end
$$;
comment on function igjobs.refresh_known(text, text, igjobs.profile[]) is
    'Rows whose id is known get the username, if it is free, and the name.';


create function igjobs.refresh_renumbered(
    p_tenant text, p_base text, p_profiles igjobs.profile[])
    returns void
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_sort = off
as $$
declare
    ids text[] := array(select p.id from unnest(p_profiles) p);
    p record;
begin
    for p in
        select c.id, c.username, c.full_name, h.id as known_as
        from unnest(p_profiles) c
        cross join lateral (
            select g.id, g.username from public.global_usernames g
            where g.tenant = p_tenant and g.base_id = p_base
                and g.username >= c.username
            order by g.username
            limit 1) h
        left join lateral (
            select g.id from public.global_usernames g
            where g.tenant = p_tenant and g.base_id = p_base
                and g.id >= c.id
            order by g.id
            limit 1) k on k.id = c.id
        where h.username = c.username and h.id <> c.id and h.id <> all (ids)
            and k.id is null
    loop
        update public.global_usernames g
        set id = p.id,
            full_name = coalesce(nullif(p.full_name, ''), g.full_name)
        where g.tenant = p_tenant and g.base_id = p_base
            and g.id = p.known_as and g.username = p.username;
    end loop;
end
$$;
comment on function igjobs.refresh_renumbered(text, text, igjobs.profile[]) is
    'Rows whose username is known under an id that did not come, while the '
    'id that came with it is not known, get that id, and the name.';


create function igjobs.ingest_lines(
    p_tenant text, p_base text, p_lines text)
    returns igjobs.ingested
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
as $$
declare
    profiles igjobs.profile[] := igjobs.profiles_of(p_lines);
    inserted integer;
    added integer;
begin
    insert into public.raw_scraped_profiles (
        tenant, base_id, id, username, full_name)
    select p_tenant, p_base, p.id, p.username, p.full_name
    from unnest(profiles) p;
    get diagnostics inserted = row_count;

    profiles := igjobs.last_profiles(profiles);
    perform pg_advisory_xact_lock(
        hashtextextended('pool ' || p_tenant || ' ' || p_base, 0));
    perform igjobs.refresh_known(p_tenant, p_base, profiles);
    perform igjobs.refresh_renumbered(p_tenant, p_base, profiles);
    insert into public.global_usernames (
        tenant, base_id, id, username, full_name)
    select p_tenant, p_base, p.id, p.username, p.full_name
    from unnest(profiles) p
    on conflict do nothing;
    get diagnostics added = row_count;
    return (inserted, added);
end
$$;
comment on function igjobs.ingest_lines(text, text, text) is
    'Takes profiles in: a row each of what was scraped, and the pool. Not '
    'repeatable by itself.';


-- What both ways have in common

create type igjobs.ingest_answer as (
    status integer, body text, job_id uuid, replayed boolean);
comment on type igjobs.ingest_answer is
    'Like igjobs.api_answer. job_id: the operation of a 202. replayed: the '
    'answer of an earlier request with this Idempotency-Key. status null: go '
    'on.';


create function igjobs.ingest_counts(
    p_counts igjobs.ingested, p_given integer, p_invalid integer,
    p_base text)
    returns text
    language sql immutable
return json_strip_nulls(json_build_object(
    'success', true,
    'inserted_raw', p_counts.inserted_raw,
    'added_to_global', p_counts.added_to_global,
    'skipped_existing', p_counts.inserted_raw - p_counts.added_to_global,
    'invalid', nullif(p_invalid, 0),
    'batch_count', case when p_given = 0 then 0 end,
    'total_profiles', case when p_given = 0 then 0 end,
    'message', case when p_given = 0 then 'No profiles to ingest' end,
    'base_id', p_base))::text;
comment on function igjobs.ingest_counts(
    igjobs.ingested, integer, integer, text) is
    'The body of the 200. p_base: as the request named it, or null. invalid: '
    'elements whose id or username cannot be one, if there were any. Of no '
    'elements both answers of the original are given.';


create function igjobs.ingest_accepted(
    p_job uuid, p_given integer, p_invalid integer, p_base text)
    returns text
    language sql immutable
return json_strip_nulls(json_build_object(
    'success', true,
    'batch_id', p_job,
    'batch_count', (p_given + 999) / 1000,
    'total_profiles', p_given,
    'message', format('Ingestion queued successfully (%s batches)',
                      (p_given + 999) / 1000),
    'status_url', format('/api/ingest/%s', p_job),
    'invalid', nullif(p_invalid, 0),
    'base_id', p_base))::text;
comment on function igjobs.ingest_accepted(uuid, integer, integer, text) is
    'The body of the 202.';


create function igjobs.ingest_again(p_tenant text, p_call uuid)
    returns igjobs.ingest_answer
    language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
as $$
declare
    c igjobs.ingest_calls;
    o igjobs.operations := igjobs.find_operation(p_tenant, p_call);
begin
    if o.job_id is not null then
        return (202, igjobs.ingest_accepted(
            p_call, (o.request ->> 'given')::integer,
            (o.request ->> 'invalid')::integer, o.request ->> 'base_id'),
            p_call, false);
    end if;
    select t.* into c from igjobs.ingest_calls t
    where t.tenant = p_tenant and t.call_id = p_call;
    if found then
        return (200, igjobs.ingest_counts(
            (c.inserted_raw, c.added_to_global), c.given, c.invalid,
            c.base_id),
            null::uuid, false);
    end if;
    return null;
end
$$;
comment on function igjobs.ingest_again(text, uuid) is
    'The answer of a call that was carried out; nulls: there is none.';


create function igjobs.ingest_refusal(p_refusal text)
    returns igjobs.api_answer
    language sql stable
return igjobs.api_problem(
    case p_refusal when 'tenant-queue-full' then 429 else 503 end,
    p_refusal, null);
comment on function igjobs.ingest_refusal(text) is
    'The answer when the queue is full, see igjobs.refusal.';


create function igjobs.no_ingest(p_batch text)
    returns igjobs.api_answer
    language sql stable
return igjobs.api_problem(404, 'ingest-not-found', null,
                          format('Batch %s not found', left(p_batch, 100)));
comment on function igjobs.no_ingest(text) is
    'The answer for a batch that is not there, or was erased.';


create function igjobs.ingest_key(
    caller jsonb, params jsonb, p_key text, p_fingerprint bytea)
    returns igjobs.ingest_answer
    language plpgsql volatile
as $$
declare
    a igjobs.ingest_answer;
    p igjobs.api_answer;
    k igjobs.key_taken;
begin
    if p_key is null then
        return null;
    end if;
    k := igjobs.take_key(
        caller ->> 'tenant', 'POST /api/ingest', p_key,
        sha256(p_fingerprint
               || convert_to(igjobs.base_of(caller, params), 'UTF8')),
        (params ->> 'call')::uuid,
        p_even_if_full => not (params ->> 'queued')::boolean);
    if k.outcome = 'stored' then
        return null;
    elsif k.outcome = 'replayed' then
        a := igjobs.ingest_again(caller ->> 'tenant', k.job_id);
        if a.status is null then
            p := igjobs.no_ingest(k.job_id::text);
            return (p.status, p.body, null::uuid, false);
        end if;
        return (a.status, a.body, a.job_id, true);
    end if;
    p := case k.outcome
        when 'reused' then
            igjobs.api_problem(422, 'idempotency-key-reused', null)
        when 'in_progress' then
            igjobs.api_problem(409, 'idempotency-key-in-progress', null)
        else igjobs.ingest_refusal(k.outcome)
    end;
    return (p.status, p.body, null::uuid, false);
end
$$;
comment on function igjobs.ingest_key(jsonb, jsonb, text, bytea) is
    'Is the key another call''s? Then what to answer; nulls: go on. Part of '
    'the key is which base is meant.';


create function igjobs.ingest_open(
    caller jsonb, params jsonb, p_key text, p_fingerprint bytea)
    returns igjobs.ingest_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    a igjobs.ingest_answer;
    p igjobs.api_answer := igjobs.base_problem(caller, params);
    refusal text;
begin
    if p.status is not null then
        return (p.status, p.body, null::uuid, false);
    end if;
    -- another try may be under way still, on a connection that was lost
    perform pg_advisory_xact_lock(hashtextextended(params ->> 'call', 0));
    if p_key is null and (params ->> 'queued')::boolean then
        refusal := igjobs.refusal(igjobs.recent_backlog(),
                                  caller ->> 'tenant', null);
    end if;
    a := igjobs.ingest_key(caller, params, p_key, p_fingerprint);
    if a.status is null then
        a := igjobs.ingest_again(caller ->> 'tenant',
                                 (params ->> 'call')::uuid);
    end if;
    if a.status is null and refusal is not null then
        p := igjobs.ingest_refusal(refusal);
        return (p.status, p.body, null::uuid, false);
    end if;
    return a;
end
$$;
comment on function igjobs.ingest_open(jsonb, jsonb, text, bytea) is
    'The first step of an ingestion: nulls when it is to go on, or its answer. '
    'params: call (its id), body with base_id, given, invalid (elements), '
    'queued (true: as an operation). p_key, p_fingerprint: its '
    'Idempotency-Key, or null.';


-- Small ones

create function igjobs.drop_old_ingest_calls(p_limit integer)
    returns void
    language plpgsql volatile
    set enable_seqscan = off
as $$
begin
    delete from igjobs.ingest_calls t
    where t.call_id = any (array(
        select c.call_id from igjobs.ingest_calls c
        where c.created_at < igjobs.oldest_key()
        order by c.call_id
        limit p_limit
        for update skip locked));
end
$$;
comment on function igjobs.drop_old_ingest_calls(integer) is
    'Removes some of the calls that nobody repeats any more. Each new one '
    'does, so that they do not gather.';


create function igjobs.ingest(
    caller jsonb, params jsonb, p_lines text, p_key text,
    p_fingerprint bytea)
    returns igjobs.ingest_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    a igjobs.ingest_answer := igjobs.ingest_open(
        caller, params, p_key, p_fingerprint);
    counts igjobs.ingested;
begin
    if a.status is not null then
        return a;
    end if;
    counts := igjobs.ingest_lines(
        caller ->> 'tenant', igjobs.base_of(caller, params), p_lines);
    insert into igjobs.ingest_calls (
        call_id, tenant, base_id, inserted_raw, added_to_global, given,
        invalid)
    values (
        (params ->> 'call')::uuid, caller ->> 'tenant',
        igjobs.base_given(caller, params), counts.inserted_raw,
        counts.added_to_global, (params ->> 'given')::integer,
        (params ->> 'invalid')::integer);
    perform igjobs.drop_old_ingest_calls(4);
    return igjobs.ingest_again(caller ->> 'tenant',
                               (params ->> 'call')::uuid);
end
$$;
comment on function igjobs.ingest(jsonb, jsonb, text, text, bytea) is
    'POST /api/ingest of up to 1,000 profiles: takes them in and answers the '
    'counts. A repeat of the call answers as it did. Parameters as those of '
    'igjobs.ingest_open.';


-- Large ones: an operation, each of its units a thousand profiles that were
-- copied when it was accepted

create function igjobs.ingest_close(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    a igjobs.api_change;
    given integer := (params ->> 'given')::integer;
    call_id uuid := (params ->> 'call')::uuid;
    units integer := (given + 999) / 1000;
    copied integer;
begin
    select count(*) into copied from igjobs.ingest_units u
    where u.tenant = caller ->> 'tenant' and u.job_id = call_id
        and u.batch_no < units;
    if copied <> units then
        raise exception 'ingestion % has % of % units', call_id, copied, units
            using errcode = 'invalid_parameter_value';
    end if;
    a := igjobs.start_operation(
        caller ->> 'tenant', call_id, igjobs.base_of(caller, params),
        'ingest',
        jsonb_build_object('given', given, 'invalid', params -> 'invalid',
                           'base_id', igjobs.base_given(caller, params)),
        'ingest',
        array_fill('{"do": "sql", "step": "ingest"}'::jsonb, array[units]));
    if a.turns > 0 then
        -- units of one pool would only wait for each other, in sessions that
        -- other jobs need
        update public.scrape_jobs t
        set parallelism = 1
        where t.tenant = caller ->> 'tenant' and t.job_id = call_id;
        a.turns := 1;
    end if;
    a.body := (igjobs.ingest_again(caller ->> 'tenant', call_id)).body;
    return a;
end
$$;
comment on function igjobs.ingest_close(jsonb, jsonb) is
    'The last step of an ingestion of more than 1,000 profiles, whose units '
    'were copied into igjobs.ingest_units after igjobs.ingest_open.';


create function igjobs.unit_ingest(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
    set enable_seqscan = off
as $$
declare
    u igjobs.ingest_units;
    counts igjobs.ingested;
begin
    select t.* into strict u from igjobs.ingest_units t
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
    if u.lines is not null then
        counts := igjobs.ingest_lines(
            b.tenant, (igjobs.find_operation(b.tenant, b.job_id)).base_id,
            u.lines);
        update igjobs.ingest_units t
        set lines = null, inserted_raw = counts.inserted_raw,
            added_to_global = counts.added_to_global
        where t.tenant = b.tenant and t.job_id = b.job_id
            and t.batch_no = b.batch_no
        returning t.* into u;
    end if;
    return jsonb_build_object('inserted_raw', u.inserted_raw,
                              'added_to_global', u.added_to_global);
end
$$;
comment on function igjobs.unit_ingest(igjobs.batches, jsonb) is
    'Takes a thousand profiles in; a repeat only answers what that did.';


create function igjobs.ingest_total(p_tenant text, p_job uuid)
    returns igjobs.ingested
    language plpgsql stable
    set enable_seqscan = off
as $$
declare
    counts igjobs.ingested;
begin
    select coalesce(sum(u.inserted_raw), 0),
        coalesce(sum(u.added_to_global), 0)
    into counts
    from igjobs.ingest_units u
    where u.tenant = p_tenant and u.job_id = p_job;
    return counts;
end
$$;
comment on function igjobs.ingest_total(text, uuid) is
    'What the units of an ingestion have done so far.';


create function igjobs.answer_ingest(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language plpgsql stable
as $$
begin
    if j.batches_dead > 0 then
        return igjobs.api_problem(
            500, 'ingest-incomplete', format(
                '%s of %s batches could not be taken in; /api/ingest/%s has '
                'the counts of the others. To send all of it again is safe.',
                j.batches_dead, j.total_batches, j.job_id));
    end if;
    return (200, igjobs.ingest_counts(
        igjobs.ingest_total(j.tenant, j.job_id),
        (o.request ->> 'given')::integer,
        (o.request ->> 'invalid')::integer, o.request ->> 'base_id'));
end
$$;
comment on function igjobs.answer_ingest(
    public.scrape_jobs, igjobs.operations) is
    'What a large ingestion answers whose client has waited for its end.';


create function igjobs.api_ingest(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(
        caller, jsonb_build_object('job', params ->> 'batch'));
    o igjobs.operations := igjobs.find_operation(j.tenant, j.job_id);
    counts igjobs.ingested := igjobs.ingest_total(j.tenant, j.job_id);
begin
    if o.name is distinct from 'ingest' then
        return igjobs.no_ingest(params ->> 'batch');
    end if;
    return (200, json_strip_nulls(json_build_object(
        'success', true,
        'batch_id', j.job_id,
        'job_id', j.job_id,
        'status', j.status,
        'state', j.state,
        'batch_count', j.total_batches,
        'batches_done', j.batches_done,
        'batches_failed', j.batches_dead,
        'total_profiles', o.request -> 'given',
        'inserted_raw', counts.inserted_raw,
        'added_to_global', counts.added_to_global,
        'skipped_existing', counts.inserted_raw - counts.added_to_global,
        'invalid', nullif((o.request ->> 'invalid')::integer, 0),
        'created_at', igjobs.json_time(j.created_at)::json,
        'completed_at', igjobs.json_time(j.completed_at)::json,
        'base_id', o.request -> 'base_id'))::text);
end
$$;
comment on function igjobs.api_ingest(jsonb, jsonb) is
    'GET /api/ingest/{batch}: state and counts of a large ingestion.';


grant execute on function
    igjobs.ingest(jsonb, jsonb, text, text, bytea),
    igjobs.ingest_open(jsonb, jsonb, text, bytea),
    igjobs.ingest_close(jsonb, jsonb),
    igjobs.api_ingest(jsonb, jsonb)
to igjobs_api;
grant insert on igjobs.ingest_units to igjobs_api;
