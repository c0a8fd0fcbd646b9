-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What the housekeeper asks: who leads, which turns to issue, and partitions
-- for the months to come.

create type igjobs.leadership as (leader boolean, fence bigint);

create function igjobs.lead(
    p_name text, p_worker text, p_lease_ms integer)
    returns igjobs.leadership
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    a igjobs.leadership;
begin
    insert into igjobs.leaders as t (name, worker, fence, until)
    values (p_name, p_worker, 1,
            clock_timestamp() + p_lease_ms * interval '1 ms')
    on conflict (name) do update
    set worker = excluded.worker, until = excluded.until,
        fence = t.fence + (t.worker <> excluded.worker)::integer
    where t.worker = excluded.worker or t.until < clock_timestamp()
    returning t.fence into a.fence;
    a.leader := found;
    if not a.leader then
        select t.fence into a.fence from igjobs.leaders t
        where t.name = p_name;
    end if;
    return a;
end
$$;
comment on function igjobs.lead(text, text, integer) is
    'Makes or keeps this worker the leader for p_lease_ms. The fence rises '
    'with every change of leader.';


create function igjobs.runnable(
    p_after_tenant text, p_after uuid, p_limit integer)
    returns table (
        tenant text, job_id uuid, kind text, class text, parallelism integer,
        weight real, turns integer, wait_ms integer)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select j.tenant, j.job_id, j.kind, j.class, j.parallelism,
        coalesce(w.weight, 1::real), d.n,
        case when d.n = 0 and l.n < j.parallelism and not j.waits
            then igjobs.wait_ms(j.tenant, j.job_id) end
    from (
        select t.tenant, t.job_id, t.kind, t.class, t.parallelism,
            igjobs.job_waits(t) or igjobs.day_waits(t, s.room) as waits
        from public.scrape_jobs t
        left join igjobs.day_rooms() s on s.tenant = t.tenant
        where t.state in ('queued', 'running')
            and (t.tenant, t.job_id) > (p_after_tenant, p_after)
        order by t.tenant, t.job_id
        limit p_limit) j
    left join igjobs.tenants w on w.tenant = j.tenant
    cross join lateral (
        select igjobs.leased(j.tenant, j.job_id) offset 0) l (n)
    cross join lateral (
        select case when j.waits
            then igjobs.due_paid(j.tenant, j.job_id,
                                 greatest(0, j.parallelism - l.n))
            else igjobs.due(j.tenant, j.job_id,
                            greatest(0, j.parallelism - l.n))
            end offset 0) d (n)
    order by j.tenant, j.job_id;
end
$$;
comment on function igjobs.runnable(text, uuid, integer) is
    'Active jobs after a key (start with an empty tenant and the zero uuid), '
    'in its order. turns = min(parallelism - leased, due batches; while it '
    'waits for money, those with an open run, which is paid); where '
    'that is 0 although a batch could be leased, wait_ms until one is due.';


create function igjobs.month_start_id(p_month date)
    returns uuid
    language sql immutable
return rpad(lpad(to_hex((1000 * extract(epoch from p_month))::bigint),
                 12, '0'), 32, '0')::uuid;
comment on function igjobs.month_start_id(date) is
    'The smallest UUID version 7 of a month, UTC.';


create function igjobs.attach_partition(
    p_table text, p_ending text, p_from uuid, p_to uuid)
    returns void
    language plpgsql volatile
as $$
declare
    part text := p_table || '_' || p_ending;
begin
    execute format('create table igjobs.%I (like igjobs.%I including all)',
                   part, p_table || '_other');
    execute format('alter table igjobs.%I attach partition igjobs.%I '
                   'for values from (%L) to (%s)', p_table, part, p_from,
                   coalesce(quote_literal(p_to), 'maxvalue'));
end
$$;
comment on function igjobs.attach_partition(text, text, uuid, uuid) is
    'A partition like the default one, for jobs from one id up to another, '
    'or up to the end (null).';


create function igjobs.add_partition(p_month date)
    returns boolean
    language plpgsql volatile
as $$
declare
    ending text := to_char(p_month, 'YYYYMM');
    first_id uuid := igjobs.month_start_id(p_month);
    end_id uuid := igjobs.month_start_id((p_month + interval '1 month')::date);
begin
    if to_regclass('igjobs.chunk_rows_' || ending) is not null then
        return false;
    end if;
    perform igjobs.attach_partition('chunk_rows', ending, first_id, end_id),
        igjobs.attach_partition('job_profiles', ending, first_id, end_id);
    return true;
exception when check_violation then
    return false;
end
$$;
comment on function igjobs.add_partition(date) is
    'The result partitions of one month; false when it is there, or when the '
    'default partition has rows of that month, which then stay there. '
    'Attaching locks the default partition, briefly, and no reader or writer '
    'of others.';


create function igjobs.ensure_partitions(p_months_ahead integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    this_month date := date_trunc('month', now() at time zone 'UTC');
    made integer := 0;
begin
    perform set_config('lock_timeout', '2s', true);
    for i in 0 .. p_months_ahead loop
        made := made + igjobs.add_partition(
            (this_month + i * interval '1 month')::date)::integer;
    end loop;
    return made;
end
$$;
comment on function igjobs.ensure_partitions(integer) is
    'Makes the result partitions of this month and p_months_ahead more; '
    'returns how many were new. Gives up after waiting 2 s for a lock.';

do $$
begin
    perform igjobs.ensure_partitions(3);
end
$$;
