-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Distribution: the assignments of a campaign get their places, in random
-- order: table 1 from position 1 on until it is full, then table 2. What finds
-- no place goes back to the pool. Locks: the campaign, its assignments, pool
-- rows of what is left over; who holds pool rows waits for no campaign.

alter table public.campaigns add distribution jsonb;
comment on column public.campaigns.distribution is
    'what the newest distribution answered, and the call that asked for it';


create function igjobs.place_assignments(
    c public.campaigns, p_per_table integer, p_tables integer, p_seed bigint)
    returns table (placed integer, tables integer)
    language plpgsql volatile
    set plan_cache_mode = force_custom_plan
as $$
begin
    return query
    with waiting as (
        select a.assignment_id,
            row_number() over (order by hashtextextended(a.id, p_seed), a.id)
            as n
        from public.daily_assignments a
        where a.campaign_id = c.campaign_id and a.va_table_number = 0),
    free as (
        select t.no, p.position,
            row_number() over (order by t.no, p.position) as n
        from generate_series(1, p_tables) t (no),
            generate_series(1, p_per_table) p (position)
        where not exists (
            select from public.daily_assignments a
            where a.campaign_id = c.campaign_id and a.va_table_number = t.no
                and a.position = p.position)),
    moved as (
        update public.daily_assignments a
        set va_table_number = f.no, position = f.position
        from waiting w join free f using (n)
        where a.assignment_id = w.assignment_id
        returning a.va_table_number)
    select count(*)::integer, count(distinct m.va_table_number)::integer
    from moved m;
end
$$;
comment on function igjobs.place_assignments(
    public.campaigns, integer, integer, bigint) is
    'Part of distribute_campaign: how many got a place, and in how many '
    'tables. The same seed gives the same places.';


create function igjobs.return_profiles(c public.campaigns)
    returns integer
    language plpgsql volatile
    set plan_cache_mode = force_custom_plan
as $$
declare
    ids text[];
    names text[];
begin
    with rest as (
        delete from public.daily_assignments a
        where a.campaign_id = c.campaign_id and a.va_table_number = 0
        returning a.id, a.username)
    select coalesce(array_agg(r.id), '{}'), array_agg(r.username)
    into ids, names
    from rest r;
    if ids = '{}' then
        return 0;
    end if;

    -- like ingestion, which changes several pool rows, too, and ids of some
    perform pg_advisory_xact_lock(
        hashtextextended('pool ' || c.tenant || ' ' || c.base_id, 0));
    update public.global_usernames g
    set used = false, used_at = null
    where g.tenant = c.tenant and g.base_id = c.base_id
        and (g.id = any (ids) or g.username = any (array(
            select r.name from unnest(ids, names) r (id, name)
            where not exists (
                select from public.global_usernames o
                where o.tenant = c.tenant and o.base_id = c.base_id
                    and o.id = r.id))))
        and not exists (
            select from public.daily_assignments a
            where a.tenant = g.tenant and a.base_id = g.base_id
                and a.id = g.id);
    return cardinality(ids);
end
$$;
comment on function igjobs.return_profiles(public.campaigns) is
    'Part of distribute_campaign: what has no place is removed from the '
    'campaign, and unused again, unless another campaign has it, too. How '
    'many. A profile that has got a new id meanwhile is known by its name.';


create type igjobs.distributed as (
    outcome text, va_tables integer, assigned_per_table integer,
    total_distributed integer, total_available integer);
comment on type igjobs.distributed is
    'outcome: distributed; nothing: all had their places before; unknown: '
    'there is no such campaign. The numbers are those of the answer.';

create function igjobs.distribute_campaign(
    p_tenant text, p_base text, p_campaign uuid, p_call uuid,
    p_per_table integer, p_tables integer, p_seed bigint default null)
    returns igjobs.distributed
    language plpgsql volatile
as $$
declare
    c public.campaigns;
    d igjobs.distributed;
    left_over integer;
begin
    select t.* into c from public.campaigns t
    where t.campaign_id = p_campaign and t.tenant = p_tenant
        and t.base_id = p_base
    for no key update;
    if not found then
        d.outcome := 'unknown';
        return d;
    elsif c.distribution ->> 'call' = p_call::text then
        return jsonb_populate_record(d, c.distribution);
    end if;

    select p.placed, p.tables into d.total_distributed, d.va_tables
    from igjobs.place_assignments(
        c, p_per_table, p_tables,
        coalesce(p_seed, (random() * 9e15)::bigint)) p;
    left_over := igjobs.return_profiles(c);
    d.total_available := d.total_distributed + left_over;
    d.assigned_per_table := p_per_table;
    d.outcome := case when d.total_available > 0 then 'distributed'
                     else 'nothing' end;

    if d.outcome = 'distributed' then
        update public.campaigns t
        set profiles_per_table = p_per_table,
            total_assigned = (select count(*) from public.daily_assignments a
                              where a.campaign_id = c.campaign_id),
            distribution = to_jsonb(d) || jsonb_build_object('call', p_call)
        where t.campaign_id = c.campaign_id;
    end if;
    return d;
end
$$;
comment on function igjobs.distribute_campaign(
    text, text, uuid, uuid, integer, integer, bigint) is
    'Distributes what of the campaign has no place. Of callers at the same '
    'time one does it, the others wait and find nothing left; a repeat with '
    'the same p_call gets the first one''s answer.';


create function igjobs.campaign_id(params jsonb)
    returns uuid
    language sql immutable
return case
    when params ->> 'campaign'
         ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then (params ->> 'campaign')::uuid
end;
comment on function igjobs.campaign_id(jsonb) is
    'The id that the path names; null when it is no UUID.';


create function igjobs.find_campaign(caller jsonb, params jsonb)
    returns public.campaigns
    language plpgsql stable
as $$
declare
    c public.campaigns;
begin
    select t.* into c from public.campaigns t
    where t.campaign_id = igjobs.campaign_id(params)
        and t.tenant = caller ->> 'tenant'
        and t.base_id = igjobs.base_of(caller, params);
    return c;
end
$$;
comment on function igjobs.find_campaign(jsonb, jsonb) is
    'The campaign that the path names; nulls when the base has none.';


create function igjobs.no_campaign(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language sql stable
return igjobs.api_problem(
    404, 'campaign-not-found', null,
    format('Campaign %s not found%s', params ->> 'campaign',
           igjobs.of_base(igjobs.base_given(caller, params))));
comment on function igjobs.no_campaign(jsonb, jsonb) is
    'The contract''s answer for an id that is unknown, of another tenant or '
    'base, or no UUID.';


create function igjobs.api_distribute(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    given text := igjobs.base_given(caller, params);
    body jsonb := params -> 'body';
    c public.campaigns := igjobs.find_campaign(caller, params);
    tables integer := igjobs.table_count(c.tenant, c.base_id);
    per_table numeric := coalesce(
        igjobs.profiles_per_table(body), c.profiles_per_table,
        igjobs.setting('profiles_per_table')::integer);
    call uuid := coalesce(caller ->> 'call', gen_random_uuid()::text);
    problem igjobs.api_answer := coalesce(
        igjobs.base_problem(caller, params),
        igjobs.per_table_problem(body, per_table, tables));
    d igjobs.distributed;
begin
    if problem.status is not null then
        return problem;
    end if;
    d := igjobs.distribute_campaign(
        c.tenant, c.base_id, c.campaign_id, call, per_table::integer, tables);
    if d.outcome = 'unknown' then
        return igjobs.no_campaign(caller, params);
    elsif d.outcome = 'nothing' then
        return igjobs.api_problem(
            400, 'nothing-to-distribute', null, 'No unassigned profiles '
            'found for this campaign. Already distributed?');
    end if;
    return igjobs.with_base(
        to_jsonb(d) - 'outcome' || jsonb_build_object(
            'success', true, 'campaign_id', c.campaign_id), given);
end
$$;
comment on function igjobs.api_distribute(jsonb, jsonb) is
    'POST /api/distribute/{campaign}: by default as many a table as the '
    'campaign was selected for.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_distribute(jsonb, jsonb) to igjobs_api;
