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


create view igjobs.result_chunks as
    select c.tenant, c.job_id, c.first_row, c.chunk_no, c.n, c.gaps
    from igjobs.chunks c;
comment on view igjobs.result_chunks is
    'Where the ordinals of a job are; for igjobs.result_rows.';


create view igjobs.results as
    select r.tenant, r.job_id, r.chunk_no, r.idx, r.profile_id, r.username,
        r.full_name, r.created_at
    from public.scrape_results r;
comment on view igjobs.results is
    'What a page shows of its rows; for igjobs.result_rows.';


-- Part of the caller's statement: a function that ran by itself would first
-- put all rows aside, a third of the cost of a page. A join whose inner side
-- depends on the outer one keeps the order of both.
create function igjobs.result_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer)
    returns table (
        profile_id text, username text, full_name text,
        created_at timestamptz)
    language sql stable
begin atomic
    select r.profile_id, r.username, r.full_name, r.created_at
    from (
        select c.chunk_no, s.skip,
            least(c.n, p_first + least(p_count, 2000) - c.first_row) - s.skip
                as wanted,
            s.skip + coalesce(width_bucket(s.skip, c.gaps), 0) as place
        from igjobs.result_chunks c,
            lateral (
                select greatest(0, p_first - c.first_row)::integer) s (skip)
        where c.tenant = p_tenant and c.job_id = p_job
            and c.first_row >= (
                select f.first_row from igjobs.result_chunks f
                where f.tenant = p_tenant and f.job_id = p_job
                    and f.first_row <= p_first
                order by f.first_row desc limit 1)
            and c.first_row < p_first + least(p_count, 2000)
            and s.skip < c.n
        order by c.first_row
        limit p_count) c,
    lateral (
        select t.profile_id, t.username, t.full_name, t.created_at
        from igjobs.results t
        where t.tenant = p_tenant and t.job_id = p_job
            and t.chunk_no = c.chunk_no and t.idx >= c.place
        order by t.idx
        limit c.wanted) r;
end;
comment on function igjobs.result_rows(text, uuid, bigint, integer) is
    'Rows with the ordinals p_first to p_first + p_count - 1 (from 0, at '
    'most 2,000), in order. The place of a row in its chunk is its rank and '
    'the number of empty places before it, so that only the rows asked for '
    'are read.';
