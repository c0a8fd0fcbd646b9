-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- How many profiles the pool has, and how many of them are used. Counting five
-- million rows takes a second, so each statement that changes the pool notes
-- what it changed, in a row of its own: nobody waits for a counter. Who reads
-- adds the rows up, and makes few of many.

create table igjobs.pool_changes (
    day     date not null,
    added   bigint not null,
    used    bigint not null,
    tenant  text not null,
    base_id text not null
);
comment on table igjobs.pool_changes is
    'their sums are the figures of the pool';
comment on column igjobs.pool_changes.day is
    'when the profiles came, or were used; -infinity: long ago';

create index pool_changes_base on igjobs.pool_changes (tenant, base_id);
comment on index igjobs.pool_changes_base is
    'igjobs.api_pool_stats: the changes of one pool';


create function igjobs.used_day(p_used_at timestamptz, p_zone text)
    returns date
    language sql immutable
return coalesce((p_used_at at time zone p_zone)::date, '-infinity');
comment on function igjobs.used_day(timestamptz, text) is
    'When a profile was used; others than igjobs may not have noted it.';


create function igjobs.note_pool()
    returns trigger
    language plpgsql
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    zone text := igjobs.setting('campaign_time_zone');
begin
    if tg_op = 'INSERT' then
        insert into igjobs.pool_changes (tenant, base_id, day, added, used)
        select n.tenant, n.base_id, d.day, sum(d.added), sum(d.used)
        from new_rows n, lateral (values
            ((n.created_at at time zone zone)::date, 1, 0),
            (igjobs.used_day(n.used_at, zone), 0, n.used::integer))
            d (day, added, used)
        group by 1, 2, 3
        having sum(d.added) <> 0 or sum(d.used) <> 0;
    elsif tg_op = 'DELETE' then
        insert into igjobs.pool_changes (tenant, base_id, day, added, used)
        select o.tenant, o.base_id, d.day, -sum(d.added), -sum(d.used)
        from old_rows o, lateral (values
            ((o.created_at at time zone zone)::date, 1, 0),
            (igjobs.used_day(o.used_at, zone), 0, o.used::integer))
            d (day, added, used)
        group by 1, 2, 3
        having sum(d.added) <> 0 or sum(d.used) <> 0;
    else
        insert into igjobs.pool_changes (tenant, base_id, day, added, used)
        select u.tenant, u.base_id, igjobs.used_day(u.used_at, zone), 0,
            sum(u.n)
        from (
            select n.tenant, n.base_id, n.used_at, 1 as n
            from new_rows n where n.used
            union all
            select o.tenant, o.base_id, o.used_at, -1
            from old_rows o where o.used) u
        group by 1, 2, 3
        having sum(u.n) <> 0;
    end if;
    return null;
end
$$;
comment on function igjobs.note_pool() is
    'Trigger: what a statement has changed in the pool. That a profile was '
    'taken in at another time, or is another base''s now, is no change.';

create trigger note_inserted after insert on public.global_usernames
    referencing new table as new_rows
    for each statement execute function igjobs.note_pool();
create trigger note_updated after update on public.global_usernames
    referencing old table as old_rows new table as new_rows
    for each statement execute function igjobs.note_pool();
create trigger note_deleted after delete on public.global_usernames
    referencing old table as old_rows
    for each statement execute function igjobs.note_pool();


create function igjobs.count_pool()
    returns void
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    zone text := igjobs.setting('campaign_time_zone');
begin
    lock table public.global_usernames in share row exclusive mode;
    delete from igjobs.pool_changes;
    insert into igjobs.pool_changes (tenant, base_id, day, added, used)
    select g.tenant, g.base_id, (g.created_at at time zone zone)::date,
        count(*), 0
    from public.global_usernames g
    group by 1, 2, 3;
    insert into igjobs.pool_changes (tenant, base_id, day, added, used)
    select g.tenant, g.base_id, igjobs.used_day(g.used_at, zone), 0, count(*)
    from public.global_usernames g
    where g.used
    group by 1, 2, 3;
end
$$;
comment on function igjobs.count_pool() is
    'Counts everything anew: after rows have been changed without triggers, '
    'or the whole table was truncated. Nobody changes the pool meanwhile.';


create function igjobs.fold_pool_changes(p_tenant text, p_base text)
    returns void
    language plpgsql volatile
as $$
declare
    today date := igjobs.campaign_today();
begin
    with gone as (
        delete from igjobs.pool_changes t
        where t.ctid = any (array(
            select c.ctid from igjobs.pool_changes c
            where c.tenant = p_tenant and c.base_id = p_base
            for update skip locked))
        returning t.day, t.added, t.used)
    insert into igjobs.pool_changes (tenant, base_id, day, added, used)
    select p_tenant, p_base,
        case when g.day < today - 1 then '-infinity' else g.day end,
        sum(g.added), sum(g.used)
    from gone g
    group by 3;
end
$$;
comment on function igjobs.fold_pool_changes(text, text) is
    'Part of api_pool_stats: a row a day, and one for all before yesterday.';


create function igjobs.api_pool_stats(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    base text := igjobs.base_of(caller, params);
    today date := igjobs.campaign_today();
    problem igjobs.api_answer := igjobs.base_problem(caller, params);
    changes bigint;
    figures jsonb;
begin
    if problem.status is not null then
        return problem;
    end if;
    select count(*), jsonb_build_object(
        'success', true,
        'total', coalesce(sum(c.added), 0),
        'used', coalesce(sum(c.used), 0),
        'unused', coalesce(sum(c.added) - sum(c.used), 0),
        'today', jsonb_build_object(
            'date', today,
            'added', coalesce(sum(c.added) filter (where c.day = today), 0),
            'used', coalesce(sum(c.used) filter (where c.day = today), 0)))
    into changes, figures
    from igjobs.pool_changes c
    where c.tenant = caller ->> 'tenant' and c.base_id = base;

    if changes > 100 then
        perform igjobs.fold_pool_changes(caller ->> 'tenant', base);
    end if;
    return igjobs.with_base(figures, igjobs.base_given(caller, params));
end
$$;
comment on function igjobs.api_pool_stats(jsonb, jsonb) is
    'GET /api/global-usernames/stats?base_id=';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_pool_stats(jsonb, jsonb) to igjobs_api;
