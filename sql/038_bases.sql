-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Airtable bases of teams: create-base makes the outreach tables of a base that
-- a team has, and notes the set-up (scraping_jobs) once all of them are there;
-- verify-base says which are. Both are operations: first a look at the base,
-- then one unit for each table that is missing.

insert into igjobs.settings (name, value, note) values
    ('create_base_per_hour', '5',
     'create-base calls of a tenant that reach Airtable; 0: no limit'),
    ('verify_base_per_hour', '20',
     'verify-base calls of a tenant that reach Airtable; 0: no limit');

create index operations_calls on igjobs.operations (tenant, name, created_at);
comment on index igjobs.operations_calls is
    'igjobs.too_many_calls: those of the last hour';


create function igjobs.too_many_calls(p_tenant text, p_name text)
    returns igjobs.api_answer
    language plpgsql volatile
as $$
declare
    most integer := igjobs.setting(p_name || '_per_hour');
    first timestamptz;
    seconds integer;
begin
    select o.created_at into first from igjobs.operations o
    where o.tenant = p_tenant and o.name = p_name
        and o.created_at > now() - interval '1 hour'
    order by o.created_at desc
    offset greatest(most, 1) - 1 limit 1;
    if most = 0 or not found then
        return null;
    end if;
    seconds := ceil(extract(epoch from first + interval '1 hour' - now()));
    return (429, jsonb_build_object(
        'problem', 'too-many-calls',
        'error', format('Rate limit exceeded: %s per 1 hour', most),
        'retry_after', greatest(1, seconds))::text);
end
$$;
comment on function igjobs.too_many_calls(text, text) is
    'The answer when a tenant has made as many operations of this name in the '
    'last hour as the setting <name>_per_hour lets it; null: there is room.';


-- Which base

create function igjobs.linked_base(p_link text)
    returns text
    language sql immutable
return substring(p_link from
    '^(?:https?://)?(?:[a-z0-9-]+\.)*airtable\.com/(?:[^?#]*/)?'
    '(app[A-Za-z0-9]+)(?:[/?#].*)?$');
comment on function igjobs.linked_base(text) is
    'The base that a link of the browser leads to; null when there is none.';


create function igjobs.wanted_base(caller jsonb, params jsonb)
    returns text
    language sql immutable
return coalesce(
    nullif(btrim(params #>> '{body,base_id}', E' \t\r\n'), ''),
    igjobs.linked_base(btrim(params #>> '{body,airtable_link}', E' \t\r\n')),
    case when coalesce(params #>> '{body,airtable_link}', '') = '' then
        nullif(btrim(caller ->> 'base_id', E' \t\r\n'), '') end);
comment on function igjobs.wanted_base(jsonb, jsonb) is
    'The Airtable base that a call is about: base_id of its body, the base of '
    'airtable_link, or the header X-Base-Id.';


create function igjobs.wanted_base_problem(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    base text := igjobs.wanted_base(caller, params);
    link text := params #>> '{body,airtable_link}';
begin
    if base is null and link <> '' then
        return igjobs.api_problem(
            400, 'invalid-base-id', null,
            'Could not extract base_id from airtable_link: '
            || left(link, 200), '#/airtable_link');
    elsif base is null then
        return igjobs.api_problem(
            400, 'base-id-required',
            'Send base_id, airtable_link, or the header X-Base-Id.',
            'base_id or airtable_link is required', '#/base_id');
    elsif base !~ '^app[A-Za-z0-9]{8,20}$' then
        return igjobs.api_problem(
            400, 'invalid-base-id', null,
            'Invalid base_id format: ' || left(base, 100), '#/base_id');
    end if;
    return igjobs.base_taken(caller ->> 'tenant', base);
end
$$;
comment on function igjobs.wanted_base_problem(jsonb, jsonb) is
    'The answer when a call names no base, or none that can be (app and 8 to '
    '20 letters and digits), or another tenant''s. Null when all is well.';


create function igjobs.wanted_tables(params jsonb, p_default integer)
    returns integer
    language sql immutable
return case
    when coalesce(jsonb_typeof(params #> '{body,num_vas}'), 'null') = 'null'
        then p_default
    when params #>> '{body,num_vas}' !~ '^\d{1,9}(\.0+)?$' then null
    when trunc((params #>> '{body,num_vas}')::numeric) between 1 and 200
        then trunc((params #>> '{body,num_vas}')::numeric)
end;
comment on function igjobs.wanted_tables(jsonb, integer) is
    'num_vas of the body: 1 to 200; null for anything else.';


create function igjobs.base_set_up(p_tenant text, p_base text)
    returns public.scraping_jobs
    language plpgsql stable
as $$
declare
    s public.scraping_jobs;
begin
    select t.* into s from public.scraping_jobs t
    where t.tenant = p_tenant and t.airtable_base_id = p_base
    order by t.status = 'active' desc, t.created_at desc
    limit 1;
    return s;
end
$$;
comment on function igjobs.base_set_up(text, text) is
    'The set-up that has this Airtable base; nulls when there is none.';


create function igjobs.duplicate_base(s public.scraping_jobs)
    returns igjobs.api_answer
    language sql stable
return igjobs.with_members(
    igjobs.api_problem(409, 'duplicate-base-id', null, 'duplicate_base_id',
                       '#/base_id'),
    jsonb_build_object(
        'message', format('The Airtable base %s is already connected to '
                          'another job.', s.airtable_base_id),
        'existing_job', jsonb_build_object(
            'job_id', s.job_id,
            'influencer_name', coalesce(s.influencer_name, ''),
            'platform', s.platform)));
comment on function igjobs.duplicate_base(public.scraping_jobs) is
    'The answer for a base that is set up already.';


-- What a look at the base has found

create function igjobs.tables_found(p_job uuid)
    returns jsonb
    language plpgsql stable
as $$
begin
    return (select u.result -> 'tables' from igjobs.unit_results u
            where u.job_id = p_job and u.phase = 'look'
            limit 1);
end
$$;
comment on function igjobs.tables_found(uuid) is
    'Outreach tables of the base by name: id, and the fields that are missing '
    '(missing_fields). Null when the look has failed.';


create function igjobs.expected_tables(p_count integer)
    returns setof text
    language plpgsql stable
as $$
begin
    return query
    select igjobs.airtable_table(n) from generate_series(1, p_count) n;
end
$$;
comment on function igjobs.expected_tables(integer) is
    'The names of a base''s outreach tables, in order.';


create function igjobs.base_failed(
    j public.scrape_jobs, o igjobs.operations, p_members jsonb)
    returns igjobs.api_answer
    language plpgsql stable
as $$
begin
    return coalesce(
        igjobs.no_token(j.job_id),
        igjobs.with_members(
            igjobs.api_problem(
                500, 'airtable-refused', null,
                igjobs.unit_errors(j.tenant, j.job_id) #>> '{0,error}'),
            jsonb_build_object('base_id', o.base_id) || p_members));
end
$$;
comment on function igjobs.base_failed(
    public.scrape_jobs, igjobs.operations, jsonb) is
    'The answer of an operation in which a unit was given up.';


-- create-base

create function igjobs.bad_base_member(params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    name text;
begin
    if igjobs.wanted_tables(params, 80) is null then
        return igjobs.api_problem(
            400, 'invalid-parameter', null,
            'num_vas must be an integer between 1 and 200', '#/num_vas');
    end if;
    foreach name in array '{base_name,influencer_name,platform}'::text[] loop
        if jsonb_typeof(params #> array['body', name])
               not in ('string', 'null')
            or length(params #>> array['body', name]) > 200
        then
            return igjobs.api_problem(
                400, 'invalid-parameter', null,
                name || ' must be a text of at most 200 characters',
                '#/' || name);
        end if;
    end loop;
    return null;
end
$$;
comment on function igjobs.bad_base_member(jsonb) is
    'The answer when a member of the body is wrong, but for the base.';


create function igjobs.base_request(params jsonb, p_base text)
    returns jsonb
    language sql immutable
return jsonb_build_object(
    'num_vas', igjobs.wanted_tables(params, 80),
    'base_name', coalesce(nullif(params #>> '{body,base_name}', ''), p_base),
    'influencer_name', coalesce(
        nullif(params #>> '{body,influencer_name}', ''),
        nullif(params #>> '{body,base_name}', '')),
    'platform', coalesce(nullif(params #>> '{body,platform}', ''),
                         'instagram'));
comment on function igjobs.base_request(jsonb, text) is
    'What create-base asks for, with its defaults.';


create function igjobs.api_create_base(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant text := caller ->> 'tenant';
    base text := igjobs.wanted_base(caller, params);
    problem igjobs.api_answer := coalesce(
        igjobs.wanted_base_problem(caller, params),
        igjobs.bad_base_member(params));
    same uuid;
    s public.scraping_jobs;
begin
    if problem.status is null then
        same := igjobs.same_operation(caller, base, 'create_base', '{}');
        s := igjobs.base_set_up(tenant, base);
        problem := case when s.job_id is not null then igjobs.duplicate_base(s)
            else igjobs.too_many_calls(tenant, 'create_base') end;
    end if;
    if same is not null then
        return igjobs.join_operation(caller, same);
    elsif problem.status is not null then
        return igjobs.unchanged(problem);
    end if;
    return igjobs.start_operation(
        tenant, (caller ->> 'call')::uuid, base, 'create_base',
        igjobs.base_request(params, base), 'look',
        array[jsonb_build_object('do', 'airtable_base',
                                 'airtable_base', base)]);
end
$$;
comment on function igjobs.api_create_base(jsonb, jsonb) is
    'POST /api/airtable/create-base: makes the outreach tables that a base '
    'lacks (num_vas, 80), and notes the set-up when all are there.';


create function igjobs.note_base(o igjobs.operations)
    returns void
    language plpgsql volatile
as $$
begin
    insert into public.scraping_jobs (
        job_id, tenant, base_id, airtable_base_id, num_vas, influencer_name,
        platform)
    values (
        o.job_id, o.tenant, o.base_id, o.base_id,
        (o.request ->> 'num_vas')::integer, o.request ->> 'influencer_name',
        o.request ->> 'platform')
    on conflict (job_id) do nothing;
end
$$;
comment on function igjobs.note_base(igjobs.operations) is
    'Part of next_create_base: all tables are there.';


create function igjobs.next_create_base(
    j public.scrape_jobs, o igjobs.operations)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    units jsonb[] := '{}';
begin
    if j.batches_dead > 0 then
        return j;
    elsif j.phase = 'look' then
        units := array(
            select jsonb_build_object(
                'do', 'airtable_table', 'airtable_base', o.base_id,
                'table', t.name)
            from igjobs.expected_tables((o.request ->> 'num_vas')::integer)
                with ordinality t (name, n)
            where not igjobs.tables_found(j.job_id) ? t.name
            order by t.n);
    end if;
    if units = '{}' then
        perform igjobs.note_base(o);
        return j;
    end if;
    return igjobs.add_units(j, 'create', units);
end
$$;
comment on function igjobs.next_create_base(
    public.scrape_jobs, igjobs.operations) is
    'After the look a unit for each table that is missing; after those, or '
    'where none is, the set-up.';


create function igjobs.base_tables(
    j public.scrape_jobs, o igjobs.operations)
    returns jsonb
    language plpgsql stable
as $$
declare
    total integer := o.request ->> 'num_vas';
    found jsonb := igjobs.tables_found(j.job_id);
    skipped jsonb;
    made jsonb;
    failed jsonb;
begin
    select coalesce(jsonb_object_agg(t, found #> array[t, 'id']), '{}')
        into skipped
    from igjobs.expected_tables(total) t where found ? t;
    select coalesce(jsonb_object_agg(u.result ->> 'table', u.result -> 'id'),
                    '{}') into made
    from igjobs.unit_results u
    where u.job_id = j.job_id and u.phase = 'create';
    select coalesce(jsonb_agg(b.payload -> 'table' order by b.batch_no), '[]')
        into failed
    from igjobs.batches b
    where b.tenant = j.tenant and b.job_id = j.job_id and b.phase = 'create'
        and b.state = 'dead';
    return jsonb_build_object(
        'base_name', o.request -> 'base_name',
        'tables_created', (select count(*) from jsonb_object_keys(made)),
        'tables_skipped', (select count(*) from jsonb_object_keys(skipped)),
        'tables_failed', jsonb_array_length(failed), 'total_tables', total,
        'table_ids', made || skipped, 'failed_tables', failed);
end
$$;
comment on function igjobs.base_tables(
    public.scrape_jobs, igjobs.operations) is
    'What create-base has done: counts, ids of the tables by name, names of '
    'those that could not be made.';


create function igjobs.answer_create_base(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    done jsonb := igjobs.base_tables(j, o);
begin
    done := done || jsonb_build_object('message', format(
        'Created %s tables, skipped %s that exist, failed %s.',
        done ->> 'tables_created', done ->> 'tables_skipped',
        done ->> 'tables_failed'));
    if j.batches_dead > 0 then
        return igjobs.base_failed(j, o, done);
    end if;
    return (200, (jsonb_build_object('success', true, 'base_id', o.base_id)
                  || done)::text);
end
$$;
comment on function igjobs.answer_create_base(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/airtable/create-base answers.';


-- verify-base

create function igjobs.api_verify_base(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant text := caller ->> 'tenant';
    base text := igjobs.wanted_base(caller, params);
    problem igjobs.api_answer := coalesce(
        igjobs.wanted_base_problem(caller, params),
        igjobs.bad_base_member(params));
    expected integer := igjobs.wanted_tables(
        params, igjobs.table_count(tenant, base));
    same uuid;
begin
    if problem.status is null then
        same := igjobs.same_operation(
            caller, base, 'verify_base',
            jsonb_build_object('num_vas', expected));
        problem := igjobs.too_many_calls(tenant, 'verify_base');
    end if;
    if same is not null then
        return igjobs.join_operation(caller, same);
    elsif problem.status is not null then
        return igjobs.unchanged(problem);
    end if;
    return igjobs.start_operation(
        tenant, (caller ->> 'call')::uuid, base, 'verify_base',
        jsonb_build_object('num_vas', expected), 'look',
        array[jsonb_build_object('do', 'airtable_base',
                                 'airtable_base', base)]);
end
$$;
comment on function igjobs.api_verify_base(jsonb, jsonb) is
    'POST /api/airtable/verify-base: are the outreach tables of a base there, '
    'with their fields? As many as num_vas, else as the base was set up with.';


create function igjobs.answer_verify_base(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    total integer := o.request ->> 'num_vas';
    found jsonb := igjobs.tables_found(j.job_id);
    missing jsonb;
    extra jsonb;
    incomplete jsonb;
begin
    if found is null then
        return igjobs.base_failed(j, o, '{}');
    end if;
    select coalesce(jsonb_agg(t.name order by t.n), '[]') into missing
    from igjobs.expected_tables(total) with ordinality t (name, n)
    where not found ? t.name;
    select coalesce(jsonb_agg(k order by length(k), k), '[]') into extra
    from jsonb_object_keys(found) k
    where k not in (select igjobs.expected_tables(total));
    select coalesce(jsonb_object_agg(t, found #> array[t, 'missing_fields']),
                    '{}') into incomplete
    from igjobs.expected_tables(total) t
    where found #> array[t, 'missing_fields'] <> '[]';
    return (200, jsonb_build_object(
        'success', true, 'base_id', o.base_id,
        'valid', missing = '[]' and incomplete = '{}',
        'tables_found', (select count(*) from jsonb_object_keys(found)),
        'tables_expected', total, 'missing_tables', missing,
        'extra_tables', extra, 'missing_fields', incomplete)::text);
end
$$;
comment on function igjobs.answer_verify_base(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/airtable/verify-base answers.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_create_base(jsonb, jsonb),
    igjobs.api_verify_base(jsonb, jsonb)
to igjobs_api;
