-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Reading results by ordinal: a range of chunks, then a range of each chunk.

create function igjobs.job_page(p_tenant text, p_job uuid)
    returns table (status text, state text, version bigint, total bigint)
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select j.status, j.state, j.version, j.next_row
    from public.scrape_jobs j
    where j.tenant = p_tenant and j.job_id = p_job;
end
$$;
comment on function igjobs.job_page(text, uuid) is
    'What a results request must know first; no row = unknown job.';


create function igjobs.chunk_at(p_tenant text, p_job uuid, p_row bigint)
    returns bigint
    language plpgsql stable
as $$
begin
    return (
        select c.first_row from igjobs.chunks c
        where c.tenant = p_tenant and c.job_id = p_job
            and c.first_row <= p_row
        order by c.first_row desc limit 1);
end
$$;
comment on function igjobs.chunk_at(text, uuid, bigint) is
    'first_row of the chunk that holds an ordinal; null when none does.';


-- generic: planning would cost more than reading a small chunk; without sort,
-- because the index order of the one partition that is left serves
create function igjobs.result_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer)
    returns table (
        profile_id text, username text, full_name text,
        created_at timestamptz)
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_sort = off
as $$
declare
    wanted bigint := least(p_count, 2000);
    from_row bigint := igjobs.chunk_at(p_tenant, p_job, p_first);
    c igjobs.chunks;
    skip bigint;
    low bigint;
begin
    for c in
        select t.* from igjobs.chunks t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.first_row >= from_row
            and t.first_row < p_first + wanted
        order by t.first_row
    loop
        skip := greatest(0, p_first - c.first_row);
        continue when skip >= c.n;
        low := case when c.n = c.span then skip else 0 end;
        return query
        select r.profile_id, r.username, r.full_name, r.created_at
        from public.scrape_results r
        where r.tenant = p_tenant and r.job_id = p_job
            and r.chunk_no = c.chunk_no and r.idx >= low
        order by r.idx
        offset skip - low
        limit least(c.n - skip, p_first + wanted - c.first_row - skip);
    end loop;
end
$$;
comment on function igjobs.result_rows(text, uuid, bigint, integer) is
    'Rows with the ordinals p_first to p_first + p_count - 1 (from 0, at '
    'most 2,000), in order. In a dense chunk an ordinal is a place, so that '
    'only the rows asked for are read; another chunk is counted through, at '
    'most a page of it.';
