-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Reading results by ordinal: a range of chunks, then a range of each chunk.

create function igjobs.job_page(p_tenant text, p_job uuid)
    returns table (status text, state text, version bigint, total bigint)
    language sql stable
    security definer set search_path = pg_catalog, pg_temp
begin atomic
    select j.status, j.state, j.version, j.next_row from public.scrape_jobs j
    where j.tenant = p_tenant and j.job_id = p_job;
end;
comment on function igjobs.job_page(text, uuid) is
    'What a results request must know first; no row = unknown job.';


create function igjobs.result_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer)
    returns table (
        profile_id text, username text, full_name text,
        created_at timestamptz)
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c igjobs.chunks;
    skip bigint;
    left_over bigint := least(p_count, 2000);
begin
    for c in
        select t.* from igjobs.chunks t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.first_row >= coalesce((
                select max(u.first_row) from igjobs.chunks u
                where u.tenant = p_tenant and u.job_id = p_job
                    and u.first_row <= p_first), 0)
            and t.first_row < p_first + p_count
        order by t.first_row
    loop
        skip := greatest(0, p_first - c.first_row);
        return query
        select r.profile_id, r.username, r.full_name, r.created_at
        from public.scrape_results r
        where r.job_id = p_job and r.chunk_no = c.chunk_no
            and r.tenant = p_tenant
            and r.idx >= case when c.n = c.span then skip else 0 end
        order by r.idx
        offset case when c.n = c.span then 0 else skip end
        limit least(left_over, greatest(0, c.n - skip));
        left_over := left_over - least(left_over, greatest(0, c.n - skip));
    end loop;
end
$$;
comment on function igjobs.result_rows(text, uuid, bigint, integer) is
    'Rows with the ordinals p_first to p_first + p_count - 1 (from 0, at '
    'most 2,000), in order. In a dense chunk an ordinal is a place, so that '
    'only the rows asked for are read; another chunk is counted through, at '
    'most a page of it.';
