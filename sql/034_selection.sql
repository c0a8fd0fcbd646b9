-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Daily selection: the oldest profiles of the pool that nobody has used become
-- the assignments of a new campaign, in one transaction. Callers at the same
-- time take different profiles: each skips what another one has locked.

insert into igjobs.settings (name, value, note) values
    ('profiles_per_table', '180',
     'profiles for each table of a campaign, unless a request says otherwise'),
    ('max_campaign_profiles', '100000',
     'profiles of one campaign at most: tables times profiles for each'),
    ('campaign_time_zone', 'UTC',
     'where it is today for a campaign that names no date');


create function igjobs.table_count(p_tenant text, p_base text)
    returns integer
    language plpgsql stable
as $$
begin
    return greatest(1, coalesce((
        select s.num_vas from public.scraping_jobs s
        where s.tenant = p_tenant and s.airtable_base_id = p_base
            and s.num_vas is not null
        order by s.status = 'active' desc, s.created_at desc
        limit 1), igjobs.setting('num_va_tables')::integer));
end
$$;
comment on function igjobs.table_count(text, text) is
    'How many tables a base has: as it was set up, else as all others.';


-- What a request says

create function igjobs.campaign_today()
    returns date
    language sql stable
return (now() at time zone igjobs.setting('campaign_time_zone'))::date;
comment on function igjobs.campaign_today() is
    'The date of a campaign that names none.';


create function igjobs.parse_date(p_text text)
    returns date
    language plpgsql immutable
as $$
declare
    part text[] := regexp_match(
        p_text, '^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$');
begin
    return make_date(part[1]::integer, part[2]::integer, part[3]::integer);
exception when datetime_field_overflow then
    return null;
end
$$;
comment on function igjobs.parse_date(text) is
    'YYYY-MM-DD, month and day also with one digit; null for anything else.';


create function igjobs.campaign_date(body jsonb)
    returns date
    language sql stable
return case
    when coalesce(body ->> 'campaign_date', '') = ''
        then igjobs.campaign_today()
    when jsonb_typeof(body -> 'campaign_date') = 'string'
        then igjobs.parse_date(body ->> 'campaign_date')
end;
comment on function igjobs.campaign_date(jsonb) is
    'The date that a body asks for, today if none; null for a wrong one.';


create function igjobs.profiles_per_table(body jsonb)
    returns numeric
    language sql immutable
return (
    select trunc(w.number::numeric)
    from (select jsonb_typeof(body -> 'profiles_per_table'),
              btrim(body ->> 'profiles_per_table', E' \t\r\n'))
        w (type, number)
    where w.type = 'number'
        or w.type = 'string'
            and w.number ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$');
comment on function igjobs.profiles_per_table(jsonb) is
    'The number that a body asks for, a fraction cut off; null when it names '
    'none or something else.';


create function igjobs.per_table_problem(
    body jsonb, p_per_table numeric, p_tables integer)
    returns igjobs.api_answer
    language plpgsql stable
as $$
declare
    most integer := igjobs.setting('max_campaign_profiles')::integer
                    / p_tables;
begin
    if jsonb_typeof(body -> 'profiles_per_table') <> 'null'
        and coalesce(igjobs.profiles_per_table(body), 0) <= 0
    then
        return igjobs.api_problem(
            400, 'invalid-member',
            'Send a number from 1, or leave the field out.',
            'profiles_per_table must be a positive integer',
            '#/profiles_per_table');
    elsif p_per_table > most then
        return igjobs.api_problem(
            400, 'invalid-member', format(
                'A campaign of %s tables has at most %s profiles for each '
                '(setting max_campaign_profiles).', p_tables, most),
            format('profiles_per_table must be at most %s', most),
            '#/profiles_per_table');
    end if;
    return null;
end
$$;
comment on function igjobs.per_table_problem(jsonb, numeric, integer) is
    'What is wrong with the profiles_per_table of a body, or with what is '
    'taken instead; null when nothing is.';


create function igjobs.date_problem(body jsonb)
    returns igjobs.api_answer
    language sql stable
return case when igjobs.campaign_date(body) is null then
    igjobs.api_problem(
        400, 'invalid-member',
        'Send a date such as "2025-10-14", or leave the field out.',
        format('time data ''%s'' does not match format ''%%Y-%%m-%%d''',
               left(body ->> 'campaign_date', 100)),
        '#/campaign_date')
end;
comment on function igjobs.date_problem(jsonb) is
    'What is wrong with the campaign_date of a body; null when nothing is.';


create function igjobs.of_base(p_given text)
    returns text
    language sql immutable
return coalesce(' for base_id=' || p_given, '');
comment on function igjobs.of_base(text) is
    'The end of an error''s text when the request named a base.';


create function igjobs.no_profiles(p_given text)
    returns text
    language sql immutable
return 'No unused profiles available in global_usernames'
    || igjobs.of_base(p_given);
comment on function igjobs.no_profiles(text) is
    'What is said when the pool has nothing to select.';


create function igjobs.with_base(p_answer jsonb, p_given text)
    returns igjobs.api_answer
    language sql immutable
return row(200, (p_answer || case when p_given is null then '{}'
                 else jsonb_build_object('base_id', p_given) end)::text
          )::igjobs.api_answer;
comment on function igjobs.with_base(jsonb, text) is
    'A good answer, with base_id when the request named one.';


-- The selection itself

create function igjobs.lock_unused(
    p_tenant text, p_base text, p_limit integer)
    returns tid[]
    language plpgsql volatile
    set plan_cache_mode = force_custom_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
as $$
begin
    return array(
        select g.ctid from public.global_usernames g
        where g.tenant = p_tenant and g.base_id = p_base and not g.used
        order by g.created_at, g.id
        limit p_limit
        for no key update skip locked);
end
$$;
comment on function igjobs.lock_unused(text, text, integer) is
    'Locks the oldest unused profiles that nobody else has locked and tells '
    'where they are: until the end of the transaction they stay there.';


create function igjobs.assign_profiles(
    c public.campaigns, p_taken tid[])
    returns integer
    language plpgsql volatile
    set plan_cache_mode = force_custom_plan
as $$
declare
    assigned integer;
begin
    with used as (
        update public.global_usernames g
        set used = true, used_at = now()
        where g.ctid = any (p_taken)
        returning g.id, g.username, g.full_name)
    insert into public.daily_assignments (
        campaign_id, tenant, base_id, id, username, full_name)
    select c.campaign_id, c.tenant, c.base_id, u.id, u.username, u.full_name
    from used u;
    get diagnostics assigned = row_count;
    return assigned;
end
$$;
comment on function igjobs.assign_profiles(public.campaigns, tid[]) is
    'Part of select_campaign: profiles that this transaction has locked '
    'become used, and assignments.';


create function igjobs.try_selection(
    p_tenant text, p_base text, p_campaign uuid, p_date date,
    p_per_table integer, p_tables integer)
    returns void
    language plpgsql volatile
as $$
declare
    c public.campaigns;
    taken tid[];
begin
    -- a repeat of a call whose first is under way waits here for its end
    insert into public.campaigns (
        campaign_id, tenant, base_id, campaign_date, profiles_per_table,
        airtable_base_id)
    values (p_campaign, p_tenant, p_base, p_date, p_per_table,
            nullif(p_base, 'default_instagram'))
    on conflict (campaign_id) do nothing
    returning * into c;
    if not found then
        return;
    end if;

    taken := igjobs.lock_unused(p_tenant, p_base, p_tables * p_per_table);
    if taken = '{}' then
        raise exception using errcode = 'IGJ03';
    end if;
    update public.campaigns t
    set total_assigned = igjobs.assign_profiles(c, taken)
    where t.campaign_id = p_campaign;
end
$$;
comment on function igjobs.try_selection(
    text, text, uuid, date, integer, integer) is
    'Part of select_campaign: raises IGJ03 when every unused profile '
    'is locked by somebody else, or none is there.';


create function igjobs.await_profile(p_place tid, p_until timestamptz)
    returns void
    language plpgsql volatile
    set lock_timeout = 0
as $$
begin
    perform set_config('lock_timeout', greatest(1, ceil(1000 * extract(
        epoch from p_until - clock_timestamp())))::text, true);
    perform from public.global_usernames g where g.ctid = p_place
    for no key update;
    raise exception using errcode = 'IGJ03';
exception when sqlstate 'IGJ03' or lock_not_available then
    -- the lock was only to wait for, and is given back
end
$$;
comment on function igjobs.await_profile(tid, timestamptz) is
    'Part of select_campaign: waits until nobody has the row locked, or '
    'p_until.';


create function igjobs.select_campaign(
    p_tenant text, p_base text, p_campaign uuid, p_date date,
    p_per_table integer, p_tables integer)
    returns text
    language plpgsql volatile
    set plan_cache_mode = force_custom_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
as $$
declare
    until timestamptz := clock_timestamp() + interval '2 s';
    place tid;
begin
    loop
        begin
            perform igjobs.try_selection(p_tenant, p_base, p_campaign, p_date,
                                         p_per_table, p_tables);
            return 'selected';
        exception when sqlstate 'IGJ03' then
            -- nothing is left of it: who waits holds no lock
        end;
        select g.ctid into place from public.global_usernames g
        where g.tenant = p_tenant and g.base_id = p_base and not g.used
        order by g.created_at, g.id
        limit 1;
        if not found then
            return 'none';
        elsif clock_timestamp() >= until then
            return 'busy';
        end if;
        perform igjobs.await_profile(place, until);
    end loop;
end
$$;
comment on function igjobs.select_campaign(
    text, text, uuid, date, integer, integer) is
    'Makes campaign p_campaign of up to p_tables times p_per_table profiles. '
    'selected: it is there, or was already: a repeat changes nothing. none: '
    'no profile is unused; busy: the unused ones are locked by others for 2 '
    'seconds; of both nothing is left behind. Beside others it takes what '
    'they have not locked, if that is less, too.';


create function igjobs.api_daily_selection(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant text := caller ->> 'tenant';
    base text := igjobs.base_of(caller, params);
    given text := igjobs.base_given(caller, params);
    body jsonb := params -> 'body';
    tables integer := igjobs.table_count(tenant, base);
    per_table numeric := coalesce(
        igjobs.profiles_per_table(body),
        igjobs.setting('profiles_per_table')::integer);
    campaign uuid := coalesce(caller ->> 'call', gen_random_uuid()::text);
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.per_table_problem(body, per_table, tables),
        igjobs.date_problem(body));
    outcome text;
    c public.campaigns;
begin
    if problem.status is not null then
        return problem;
    end if;
    outcome := igjobs.select_campaign(
        tenant, base, campaign, igjobs.campaign_date(body),
        per_table::integer, tables);
    if outcome = 'none' then
        return igjobs.api_problem(
            400, 'no-unused-profiles', null, igjobs.no_profiles(given));
    elsif outcome = 'busy' then
        return igjobs.api_problem(503, 'selection-busy', null);
    end if;

    select t.* into strict c from public.campaigns t
    where t.campaign_id = campaign;
    return igjobs.with_base(jsonb_build_object(
        'success', true, 'campaign_id', c.campaign_id,
        'total_selected', c.total_assigned,
        'campaign_date', c.campaign_date), given);
end
$$;
comment on function igjobs.api_daily_selection(jsonb, jsonb) is
    'POST /api/daily-selection';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_daily_selection(jsonb, jsonb)
to igjobs_api;
