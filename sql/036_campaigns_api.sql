-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Reads of campaigns, and the accounts whose followers are wanted: what
-- front-ends read from the tables, as an API. Lists read as many rows as a
-- page has, a campaign its own assignments.

create function igjobs.campaign_json(c public.campaigns)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'campaign_id', c.campaign_id,
    'campaign_url', '/api/campaigns/' || c.campaign_id,
    'base_id', c.base_id,
    'campaign_date', c.campaign_date,
    'total_assigned', c.total_assigned,
    'profiles_per_table', c.profiles_per_table,
    'status', c.status,
    'airtable_base_id', c.airtable_base_id,
    'va_tables', c.distribution -> 'va_tables',
    'created_at', igjobs.json_time(c.created_at)::jsonb);
comment on function igjobs.campaign_json(public.campaigns) is
    'A campaign as a list shows it. va_tables is null before distribution.';


create function igjobs.page_problem(
    params jsonb, p_size integer, p_place text)
    returns igjobs.api_answer
    language sql stable
return case
    when p_size is null then igjobs.api_problem(
        400, 'invalid-parameter', 'page_size must be an integer from 0.')
    when params ->> 'page_token' <> '' and p_place is null then
        igjobs.api_problem(400, 'bad-page-token', null)
end;
comment on function igjobs.page_problem(jsonb, integer, text) is
    'What is wrong with page_size, or with page_token, which stands for no '
    'place; null when nothing is.';


create function igjobs.api_campaigns(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    base text := igjobs.base_of(caller, params);
    n integer := igjobs.page_size(params ->> 'page_size', 50, 500);
    scope text := jsonb_build_array('campaigns', caller -> 'tenant',
                                    base)::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.page_problem(params, n, place));
    page public.campaigns[];
begin
    if problem.status is not null then
        return problem;
    end if;
    page := array(
        select c from public.campaigns c
        where c.tenant = caller ->> 'tenant' and c.base_id = base
            and (c.created_at, c.campaign_id) < (
                coalesce(split_part(place, ' ', 1)::timestamptz, 'infinity'),
                coalesce(split_part(place, ' ', 2)::uuid,
                         '00000000-0000-0000-0000-000000000000'))
        order by c.created_at desc, c.campaign_id desc
        limit n + 1);
    return igjobs.with_base(jsonb_build_object(
        'success', true,
        'campaigns', array(
            select igjobs.campaign_json(c) from unnest(page[:n]) c
            order by c.created_at desc, c.campaign_id desc),
        'page_size', n,
        'next_page_token', coalesce(igjobs.token(
            scope, case when cardinality(page) > n then format(
                '%s %s', trim(igjobs.json_time(page[n].created_at), '"'),
                page[n].campaign_id) end), '')),
        igjobs.base_given(caller, params));
end
$$;
comment on function igjobs.api_campaigns(jsonb, jsonb) is
    'GET /api/campaigns?base_id=&page_size=&page_token=: newest first.';


create function igjobs.campaign_tables(c public.campaigns)
    returns jsonb
    language plpgsql stable
    set plan_cache_mode = force_custom_plan
as $$
begin
    return coalesce((
        select jsonb_agg(jsonb_build_object(
            'va_table_number', t.va_table_number,
            'assigned', t.assigned, 'last_position', t.last_position,
            'in_airtable', t.in_airtable, 'statuses', t.statuses)
            order by t.va_table_number)
        from (
            select s.va_table_number, sum(s.assigned) as assigned,
                max(s.last_position) as last_position,
                sum(s.in_airtable) as in_airtable,
                jsonb_object_agg(s.status, s.assigned) as statuses
            from (
                select a.va_table_number, a.status, count(*) as assigned,
                    max(a.position) as last_position,
                    count(a.airtable_record_id) as in_airtable
                from public.daily_assignments a
                where a.campaign_id = c.campaign_id
                group by a.va_table_number, a.status) s
            group by s.va_table_number) t), '[]');
end
$$;
comment on function igjobs.campaign_tables(public.campaigns) is
    'The tables of a campaign with what is in them; number 0 holds what is '
    'not distributed yet.';


create function igjobs.status_counts(p_tables jsonb)
    returns jsonb
    language sql immutable
return coalesce((
    select jsonb_object_agg(s.key, s.n)
    from (
        select e.key, sum(e.value::bigint) as n
        from jsonb_array_elements(p_tables) t,
            jsonb_each_text(t -> 'statuses') e
        group by e.key) s), '{}');
comment on function igjobs.status_counts(jsonb) is
    'The statuses of all of campaign_tables together.';


create function igjobs.api_campaign(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    problem igjobs.api_answer := igjobs.base_problem(caller, params);
    c public.campaigns := igjobs.find_campaign(caller, params);
    tables jsonb;
begin
    if problem.status is not null then
        return problem;
    elsif c.campaign_id is null then
        return igjobs.no_campaign(caller, params);
    end if;
    tables := igjobs.campaign_tables(c);
    return (200, (igjobs.campaign_json(c) || jsonb_build_object(
        'success', true,
        'assignments_url',
            format('/api/campaigns/%s/assignments', c.campaign_id),
        'statuses', igjobs.status_counts(tables),
        'tables', tables))::text);
end
$$;
comment on function igjobs.api_campaign(jsonb, jsonb) is
    'GET /api/campaigns/{campaign}: with its tables, and how many '
    'assignments have which status.';


create function igjobs.assignment_json(a public.daily_assignments)
    returns json
    language sql stable
return json_build_object(
    'assignment_id', a.assignment_id,
    'va_table_number', a.va_table_number, 'position', a.position,
    'id', a.id, 'username', a.username, 'full_name', a.full_name,
    'status', a.status,
    'airtable_record_id', a.airtable_record_id,
    'assigned_at', igjobs.json_time(a.assigned_at)::json,
    'updated_at', igjobs.json_time(a.updated_at)::json);
comment on function igjobs.assignment_json(public.daily_assignments) is
    'An assignment as a list shows it.';


create function igjobs.read_assignments(
    p_campaign uuid, p_table integer, p_status text, p_place text,
    p_limit integer)
    returns public.daily_assignments[]
    language plpgsql stable
    set plan_cache_mode = force_custom_plan
as $$
declare
    after_table integer := coalesce(split_part(p_place, ' ', 1), '0');
    after_position integer := coalesce(split_part(p_place, ' ', 2), '0');
    after_id text := coalesce(substr(
        p_place, length(after_table::text || after_position::text) + 3), '');
begin
    return array(
        select s.a
        from (
            (select a from public.daily_assignments a
             where a.campaign_id = p_campaign and a.va_table_number = 0
                and after_table = 0 and coalesce(p_table, 0) = 0
                and (p_status is null or a.status = p_status)
                and a.id > after_id
             order by a.id
             limit p_limit)
            union all
            (select a from public.daily_assignments a
             where a.campaign_id = p_campaign and a.va_table_number > 0
                and (p_table is null or a.va_table_number = p_table)
                and (p_status is null or a.status = p_status)
                and (a.va_table_number, a.position)
                    > (after_table, after_position)
             order by a.va_table_number, a.position
             limit p_limit)) s
        order by (s.a).va_table_number, (s.a).position, (s.a).id
        limit p_limit);
end
$$;
comment on function igjobs.read_assignments(
    uuid, integer, text, text, integer) is
    'Assignments behind a place, by table and position, those without a '
    'table first, by id; null stands for all tables, all statuses.';


create function igjobs.api_campaign_assignments(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c public.campaigns := igjobs.find_campaign(caller, params);
    n integer := igjobs.page_size(params ->> 'page_size', 500, 5000);
    table_text text := nullif(params ->> 'table', '');
    wanted text := nullif(params ->> 'status', '');
    scope text := jsonb_build_array('assignments', c.campaign_id, table_text,
                                    wanted)::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        case when table_text !~ '^[0-9]{1,6}$' then igjobs.api_problem(
            400, 'invalid-parameter', 'table must be the number of a table; '
            '0 stands for what is not distributed.') end,
        igjobs.page_problem(params, n, place));
    page public.daily_assignments[];
begin
    if problem.status is not null then
        return problem;
    elsif c.campaign_id is null then
        return igjobs.no_campaign(caller, params);
    end if;
    page := igjobs.read_assignments(
        c.campaign_id, table_text::integer, wanted, place, n + 1);
    return (200, json_build_object(
        'success', true, 'campaign_id', c.campaign_id,
        'assignments', array(
            select igjobs.assignment_json(a) from unnest(page[:n]) a
            order by a.va_table_number, a.position, a.id),
        'page_size', n,
        'next_page_token', coalesce(igjobs.token(
            scope, case when cardinality(page) > n then format(
                '%s %s %s', page[n].va_table_number, page[n].position,
                page[n].id) end), ''))::text);
end
$$;
comment on function igjobs.api_campaign_assignments(jsonb, jsonb) is
    'GET /api/campaigns/{campaign}/assignments?table=&status=&page_size='
    '&page_token=: by table and position.';


-- Accounts to scrape from

create function igjobs.source_profile_json(s public.source_profiles)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'id', s.id, 'username', s.username,
    'created_at', igjobs.json_time(s.created_at)::jsonb);
comment on function igjobs.source_profile_json(public.source_profiles) is
    'A source profile as the API shows it.';


create function igjobs.api_source_profiles(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    base text := igjobs.base_of(caller, params);
    n integer := igjobs.page_size(params ->> 'page_size', 500, 5000);
    scope text := jsonb_build_array('source_profiles', caller -> 'tenant',
                                    base)::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.page_problem(params, n, place));
    page public.source_profiles[];
begin
    if problem.status is not null then
        return problem;
    end if;
    page := array(
        select s from public.source_profiles s
        where s.tenant = caller ->> 'tenant' and s.base_id = base
            and s.username > coalesce(place, '')
        order by s.username
        limit n + 1);
    return igjobs.with_base(jsonb_build_object(
        'success', true,
        'source_profiles', array(
            select igjobs.source_profile_json(s) from unnest(page[:n]) s
            order by s.username),
        'page_size', n,
        'next_page_token', coalesce(igjobs.token(
            scope, case when cardinality(page) > n
                then page[n].username end), '')),
        igjobs.base_given(caller, params));
end
$$;
comment on function igjobs.api_source_profiles(jsonb, jsonb) is
    'GET /api/source-profiles?base_id=&page_size=&page_token=: by user name.';


create function igjobs.source_profile_problem(body jsonb, params jsonb)
    returns igjobs.api_answer
    language sql stable
return case
    when not params ?| '{username,username_fault}' then igjobs.api_problem(
        400, 'invalid-member', 'Send the user name of an account, a string.',
        'Missing "username" field in request body', '#/username')
    when params ? 'username_fault' then igjobs.api_problem(
        400, 'invalid-member',
        format('"username" %s.', params ->> 'username_fault'),
        'username is not valid', '#/username')
    when jsonb_typeof(body -> 'id') not in ('string', 'null')
        or body ->> 'id' !~ '^[[:graph:]]{1,100}$' or body ->> 'id' ~ '/'
    then igjobs.api_problem(
        400, 'invalid-member', '"id" must be a string of 1 to 100 '
        'characters without blanks and slashes, such as a UUID; without one, '
        'one is made.', 'id is not valid', '#/id')
end;
comment on function igjobs.source_profile_problem(jsonb, jsonb) is
    'What is wrong with a source profile that a request describes; null when '
    'nothing is.';


create function igjobs.api_create_source_profile(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    base text := igjobs.base_of(caller, params);
    body jsonb := params -> 'body';
    wanted text := params ->> 'username';
    own_id text := coalesce(body ->> 'id', caller ->> 'call',
                            gen_random_uuid()::text);
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.source_profile_problem(body, params));
    s public.source_profiles;
    made boolean;
begin
    if problem.status is not null then
        return problem;
    end if;
    insert into public.source_profiles (tenant, base_id, id, username)
    values (caller ->> 'tenant', base, own_id, wanted)
    on conflict do nothing;
    made := found or own_id = caller ->> 'call';

    select t.* into s from public.source_profiles t
    where t.id = own_id and t.username = wanted and t.base_id = base
        and t.tenant = caller ->> 'tenant';
    if not found then
        return igjobs.api_problem(
            409, 'source-profile-exists', null,
            (select format('Source profile %s already exists', t.username)
             from public.source_profiles t
             where t.tenant = caller ->> 'tenant' and t.base_id = base
                and t.username = wanted));
    end if;
    return igjobs.with_base(jsonb_build_object(
        'success', true, 'created', made,
        'source_profile', igjobs.source_profile_json(s)),
        igjobs.base_given(caller, params));
end
$$;
comment on function igjobs.api_create_source_profile(jsonb, jsonb) is
    'POST /api/source-profiles: the body as it was sent; the module adds '
    'username, as a user name is written, or username_fault. The same id and '
    'name again change nothing.';


create function igjobs.api_delete_source_profile(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    problem igjobs.api_answer := igjobs.base_problem(caller, params);
begin
    if problem.status is not null then
        return problem;
    end if;
    delete from public.source_profiles t
    where t.tenant = caller ->> 'tenant' and t.id = params ->> 'profile'
        and t.base_id = igjobs.base_of(caller, params);
    if not found then
        return igjobs.api_problem(
            404, 'source-profile-not-found', null, format(
                'Source profile %s not found', params ->> 'profile'));
    end if;
    return igjobs.with_base(jsonb_build_object(
        'success', true, 'id', params ->> 'profile'),
        igjobs.base_given(caller, params));
end
$$;
comment on function igjobs.api_delete_source_profile(jsonb, jsonb) is
    'DELETE /api/source-profiles/{profile}';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_campaigns(jsonb, jsonb),
    igjobs.api_campaign(jsonb, jsonb),
    igjobs.api_campaign_assignments(jsonb, jsonb),
    igjobs.api_source_profiles(jsonb, jsonb),
    igjobs.api_create_source_profile(jsonb, jsonb),
    igjobs.api_delete_source_profile(jsonb, jsonb)
to igjobs_api;
