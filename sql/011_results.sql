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
    where j.tenant = p_tenant and j.job_id = p_job and j.erased_at is null;
end
$$;
comment on function igjobs.job_page(text, uuid) is
    'What a results request must know first; no row = unknown job.';


create view igjobs.result_chunks as
    select c.tenant, c.job_id, c.first_row, c.chunk_no, c.n, c.gaps, c.origin
    from igjobs.chunks c;
comment on view igjobs.result_chunks is
    'Where the ordinals of a job are; for igjobs.result_rows.';


create view igjobs.results as
    select r.job_id, r.chunk_no, r.idx, r.profile_id, r.username,
        r.full_name, r.created_at
    from public.scrape_results r;
comment on view igjobs.results is
    'What a page shows of its rows; for igjobs.result_rows, which knows from '
    'the chunk whose they are.';


-- A row for each chunk and not for each profile: to take a row apart and to
-- write it costs Postgres and its client more than to find it. Part of the
-- caller's statement: a function that ran by itself would first put all rows
-- aside.
create function igjobs.result_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer,
    p_separator text)
    returns table (
        n bigint, created_at timestamptz, profile_ids text, usernames text,
        full_names text)
    language sql stable
begin atomic
    select r.n, r.created_at, r.profile_ids, r.usernames, r.full_names
    from (
        select c.chunk_no, c.first_row,
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
            and s.skip < c.n) c,
    lateral (
        select count(*) as n, min(o.created_at) as created_at,
            string_agg(o.profile_id, p_separator) as profile_ids,
            string_agg(o.username, p_separator) as usernames,
            string_agg(o.full_name, p_separator) as full_names
        from (
            select t.profile_id, t.username, t.full_name, t.created_at
            from igjobs.results t
            where t.job_id = p_job
                and t.chunk_no = c.chunk_no and t.idx >= c.place
            order by t.idx
            limit c.wanted) o) r
    order by c.first_row;
end;
comment on function igjobs.result_rows(text, uuid, bigint, integer, text) is
    'Rows with the ordinals p_first to p_first + p_count - 1 (from 0, at '
    'most 2,000), in order: those of a chunk, which have one created_at, '
    'together, n values in each text. If a text has another number of '
    'separators than n - 1, a value contains it: ask again with another one. '
    'The place of a row in its chunk is its rank and the number of empty '
    'places before it, so that only the rows asked for are read.';
