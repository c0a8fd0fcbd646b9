-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Takes over the tables of campaigns (see 040_adopt): igjobs.adopt_<table>
-- stores what is not there yet and says what it left out and why.

create function igjobs.mark_used_before(p_rows jsonb[])
    returns void
    language plpgsql volatile
    set enable_seqscan = off
as $$
begin
    update public.global_usernames g
    set used = true,
        used_at = coalesce((o.r ->> 'used_at')::timestamptz, now())
    from unnest(p_rows) o (r)
    where (o.r ->> 'used')::boolean and not g.used
        and g.tenant = 'default' and g.base_id = igjobs.base_before(o.r)
        and (g.id = o.r ->> 'id' or g.username = o.r ->> 'username');
end
$$;
comment on function igjobs.mark_used_before(jsonb[]) is
    'Part of adopt_global_usernames: of two rows for one profile one was '
    'used, so the one that stays is.';


create function igjobs.adopt_global_usernames(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
    set enable_seqscan = off
as $$
declare
    taken bigint;
    nameless bigint;
    renamed bigint;
    same_name bigint;
begin
    insert into public.global_usernames (
        created_at, used_at, used, base_id, id, username, full_name)
    select coalesce((o.r ->> 'created_at')::timestamptz, now()),
        (o.r ->> 'used_at')::timestamptz,
        coalesce((o.r ->> 'used')::boolean, false), igjobs.base_before(o.r),
        o.r ->> 'id', o.r ->> 'username', coalesce(o.r ->> 'full_name', '')
    from unnest(p_rows) with ordinality o (r, n)
    where o.r ->> 'id' <> '' and o.r ->> 'username' <> ''
    order by o.n
    on conflict do nothing;
    get diagnostics taken = row_count;
    if taken = cardinality(p_rows) then
        return igjobs.adopted(taken, taken, '{}');
    end if;

    perform igjobs.mark_used_before(p_rows);
    select count(*) filter (where not o.named),
        count(*) filter (where g.username <> o.username),
        count(*) filter (where o.named and g.id is null)
    into nameless, renamed, same_name
    from (
        select igjobs.base_before(e.r) as base_id, e.r ->> 'id' as id,
            e.r ->> 'username' as username,
            coalesce(e.r ->> 'id' <> '' and e.r ->> 'username' <> '', false)
                as named
        from unnest(p_rows) e (r)) o
    left join public.global_usernames g
        on g.tenant = 'default' and g.base_id = o.base_id and g.id = o.id
        and o.named;
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'no id or no username', nameless,
            'the id is there under another user name', renamed,
            'the user name is there under another id', same_name,
            'the profile is there',
            cardinality(p_rows) - taken - nameless - renamed - same_name));
end
$$;
comment on function igjobs.adopt_global_usernames(jsonb[]) is
    'Takes over the pool. Of rows that have an id or a user name in common '
    'the first stays, and is used if any of them was.';


create function igjobs.adopt_raw_scraped_profiles(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    taken bigint;
begin
    insert into public.raw_scraped_profiles (
        scraped_at, base_id, id, username, full_name)
    select coalesce((o.r ->> 'scraped_at')::timestamptz, now()),
        igjobs.base_before(o.r), o.r ->> 'id', o.r ->> 'username',
        coalesce(o.r ->> 'full_name', '')
    from unnest(p_rows) with ordinality o (r, n)
    where o.r ->> 'id' is not null and o.r ->> 'username' is not null
    order by o.n;
    get diagnostics taken = row_count;
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'no id or no username', cardinality(p_rows) - taken));
end
$$;
comment on function igjobs.adopt_raw_scraped_profiles(jsonb[]) is
    'Takes over the history of what came in.';


create function igjobs.adopt_campaigns(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    taken bigint;
    nameless bigint;
begin
    insert into public.campaigns (
        campaign_id, created_at, campaign_date, total_assigned, status,
        base_id, airtable_base_id)
    select (o.r ->> 'campaign_id')::uuid, t.created_at,
        coalesce((o.r ->> 'campaign_date')::date, t.created_at::date),
        coalesce((o.r ->> 'total_assigned')::numeric::integer, 0),
        coalesce(lower(o.r ->> 'status') in ('true', 't', 'success'), false),
        igjobs.base_before(o.r), nullif(o.r ->> 'airtable_base_id', '')
    from unnest(p_rows) o (r),
    lateral (select coalesce(
        (o.r ->> 'created_at')::timestamptz, now())) t (created_at)
    where o.r ->> 'campaign_id' is not null
    on conflict do nothing;
    get diagnostics taken = row_count;
    select count(*) into nameless from unnest(p_rows) o (r)
    where o.r ->> 'campaign_id' is null;
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'no campaign_id', nameless, 'there is a campaign of this id',
            cardinality(p_rows) - taken - nameless));
end
$$;
comment on function igjobs.adopt_campaigns(jsonb[]) is
    'Takes over campaigns; status was a word in the first versions.';


create type igjobs.assignment_before as (
    assignment_id uuid, campaign_id uuid, assigned_at timestamptz,
    updated_at timestamptz, va_table_number integer, position integer,
    base_id text, id text, username text, full_name text, status text);

create function igjobs.assignments_before(p_rows jsonb[])
    returns setof igjobs.assignment_before
    language plpgsql stable
as $$
begin
    return query
    select coalesce((o.r ->> 'assignment_id')::uuid, gen_random_uuid()),
        (o.r ->> 'campaign_id')::uuid, t.assigned_at,
        coalesce((o.r ->> 'updated_at')::timestamptz,
                 case t.status when 'completed' then now()
                     else t.assigned_at end),
        coalesce((o.r ->> 'va_table_number')::integer, 0),
        coalesce((o.r ->> 'position')::integer, 0),
        case when o.r ->> 'base_id' <> '' then igjobs.base_before(o.r)
            else coalesce(c.base_id, 'default_instagram') end,
        o.r ->> 'id', coalesce(o.r ->> 'username', ''),
        coalesce(o.r ->> 'full_name', ''), t.status
    from unnest(p_rows) o (r)
    left join public.campaigns c
        on c.tenant = 'default'
        and c.campaign_id = (o.r ->> 'campaign_id')::uuid,
    lateral (
        select coalesce((o.r ->> 'assigned_at')::timestamptz, now()),
            case o.r ->> 'status' when 'to_unfollow' then 'unfollow'
                else coalesce(o.r ->> 'status', 'pending') end)
        t (assigned_at, status)
    where o.r ->> 'campaign_id' is not null and o.r ->> 'id' <> '';
end
$$;
comment on function igjobs.assignments_before(jsonb[]) is
    'Old assignments as rows of ours. Completed ones without a time are '
    'deleted a day after they came; to_unfollow is an older word for '
    'unfollow.';


create function igjobs.place_before(p_rows igjobs.assignment_before[])
    returns setof igjobs.assignment_before
    language plpgsql stable
    set enable_seqscan = off
as $$
begin
    return query
    with ranked as materialized (
        select u.*, u.va_table_number > 0 and (
                row_number() over (
                    partition by u.campaign_id, u.va_table_number, u.position
                    order by u.assigned_at, u.id) > 1
                or exists (
                    select from public.daily_assignments t
                    where t.campaign_id = u.campaign_id
                        and t.va_table_number = u.va_table_number
                        and t.va_table_number > 0
                        and t.position = u.position)) as is_taken
        from unnest(p_rows) u
    )
    select r.assignment_id, r.campaign_id, r.assigned_at, r.updated_at,
        r.va_table_number,
        case when r.is_taken then
            (greatest(
                 (select max(t.position) from public.daily_assignments t
                  where t.campaign_id = r.campaign_id
                      and t.va_table_number = r.va_table_number
                      and t.va_table_number > 0),
                 max(r.position) over (
                     partition by r.campaign_id, r.va_table_number))
             + row_number() over (
                 partition by r.campaign_id, r.va_table_number, r.is_taken
                 order by r.position, r.id))::integer
            else r.position end,
        r.base_id, r.id, r.username, r.full_name, r.status
    from ranked r;
end
$$;
comment on function igjobs.place_before(igjobs.assignment_before[]) is
    'A place was given out twice when a campaign was distributed twice: who '
    'comes second goes to the end of the table.';


create function igjobs.adopt_daily_assignments(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
    set enable_seqscan = off
as $$
declare
    old igjobs.assignment_before[] := array(
        select distinct on (t.campaign_id, t.id) t
        from igjobs.assignments_before(p_rows) t
        where not exists (
            select from public.daily_assignments s
            where s.campaign_id = t.campaign_id and s.id = t.id)
        order by t.campaign_id, t.id, t.va_table_number = 0, t.assigned_at,
            t.assignment_id);
    nameless bigint;
    moved bigint;
begin
    insert into public.daily_assignments (
        assignment_id, campaign_id, assigned_at, updated_at, va_table_number,
        position, base_id, id, username, full_name, status)
    select t.* from igjobs.place_before(old) t;
    select count(*) into moved
    from unnest(old) o
    join public.daily_assignments t
        on t.assignment_id = o.assignment_id and t.position <> o.position;
    select count(*) into nameless from unnest(p_rows) o (r)
    where o.r ->> 'campaign_id' is null
        or coalesce(o.r ->> 'id', '') = '';
    return igjobs.adopted(
        cardinality(p_rows), cardinality(old), jsonb_build_object(
            'no id or no campaign_id', nameless,
            'the campaign has the profile already',
            cardinality(p_rows) - cardinality(old) - nameless),
        jsonb_build_object(
            'place taken, now at the end of the table', moved,
            'status to_unfollow, now unfollow', (
                select count(*) from unnest(p_rows) o (r)
                where o.r ->> 'status' = 'to_unfollow')));
end
$$;
comment on function igjobs.adopt_daily_assignments(jsonb[]) is
    'Takes over assignments, after their campaigns.';


create function igjobs.adopt_source_profiles(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    taken bigint;
    nameless bigint;
begin
    insert into public.source_profiles (created_at, base_id, id, username)
    select coalesce((o.r ->> 'created_at')::timestamptz, now()),
        igjobs.base_before(o.r),
        coalesce(o.r ->> 'id', gen_random_uuid()::text), o.r ->> 'username'
    from unnest(p_rows) with ordinality o (r, n)
    where o.r ->> 'username' <> ''
    order by o.n
    on conflict do nothing;
    get diagnostics taken = row_count;
    select count(*) into nameless from unnest(p_rows) o (r)
    where coalesce(o.r ->> 'username', '') = '';
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'no username', nameless, 'the id or user name is there',
            cardinality(p_rows) - taken - nameless));
end
$$;
comment on function igjobs.adopt_source_profiles(jsonb[]) is
    'Takes over the accounts to scrape from.';


create function igjobs.adopt_scraping_jobs(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    taken bigint;
begin
    insert into public.scraping_jobs (
        job_id, created_at, updated_at, num_vas, base_id, influencer_name,
        platform, airtable_base_id, status)
    select coalesce((o.r ->> 'job_id')::uuid, gen_random_uuid()),
        t.created_at,
        coalesce((o.r ->> 'updated_at')::timestamptz, t.created_at),
        case when (o.r ->> 'num_vas')::integer > 0
            then (o.r ->> 'num_vas')::integer end,
        igjobs.base_before(o.r), o.r ->> 'influencer_name',
        coalesce(o.r ->> 'platform', 'instagram'),
        nullif(btrim(o.r ->> 'airtable_base_id'), ''),
        coalesce(o.r ->> 'status', 'active')
    from unnest(p_rows) o (r),
    lateral (select coalesce(
        (o.r ->> 'created_at')::timestamptz, now())) t (created_at)
    on conflict do nothing;
    get diagnostics taken = row_count;
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'there is one of this job_id', cardinality(p_rows) - taken));
end
$$;
comment on function igjobs.adopt_scraping_jobs(jsonb[]) is
    'Takes over set-ups.';
