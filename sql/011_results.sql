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
    select c.tenant, c.job_id, c.first_row, c.chunk_no, c.n, c.origin
    from igjobs.chunks c;
comment on view igjobs.result_chunks is
    'Where the ordinals of a job are; for igjobs.result_ranges.';


create view igjobs.results as
    select c.job_id, c.chunk_no, c.created_at, c.profile_ids, c.usernames,
        c.full_names
    from igjobs.chunk_rows c;
comment on view igjobs.results is
    'What a page shows of the rows of a chunk; for igjobs.result_rows, which '
    'knows from the chunk whose they are.';


create function igjobs.result_ranges(
    p_tenant text, p_job uuid, p_first bigint, p_count integer)
    returns table (
        chunk_no bigint, first_row bigint, whole boolean, a integer, z integer,
        origin text)
    language sql stable
begin atomic
    select c.chunk_no, c.first_row,
        c.first_row >= p_first
            and c.first_row + c.n <= p_first + least(p_count, 2000),
        1 + greatest(0, p_first - c.first_row)::integer,
        least(c.n, p_first + least(p_count, 2000) - c.first_row)::integer,
        c.origin
    from igjobs.result_chunks c
    where c.tenant = p_tenant and c.job_id = p_job
        and c.first_row >= (
            select f.first_row from igjobs.result_chunks f
            where f.tenant = p_tenant and f.job_id = p_job
                and f.first_row <= p_first
            order by f.first_row desc limit 1)
        and c.first_row < p_first + least(p_count, 2000)
        and c.first_row + c.n > p_first;
end;
comment on function igjobs.result_ranges(text, uuid, bigint, integer) is
    'The chunks that hold these ordinals (at most 2,000), and of each: the '
    'ordinal of its first row, whether all of it is wanted, the places of the '
    'first and the last row that are (from 1), and where its rows come from. '
    'Part of the caller''s statement.';


create function igjobs.joined(
    p_values text[], p_whole boolean, p_a integer, p_z integer,
    p_separator text)
    returns text
    language sql stable
return array_to_string(
    case when p_whole then p_values else p_values[p_a:p_z] end,
    p_separator, '');
comment on function igjobs.joined(text[], boolean, integer, integer, text) is
    'All values, or those from one place to another, as one text; null is '
    'empty. Each look at an array unpacks it, so that its length is not asked '
    'for.';


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
    select (c.z - c.a + 1)::bigint, r.created_at,
        igjobs.joined(r.profile_ids, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.usernames, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.full_names, c.whole, c.a, c.z, p_separator)
    from igjobs.result_ranges(p_tenant, p_job, p_first, p_count) c
    join igjobs.results r on r.job_id = p_job and r.chunk_no = c.chunk_no
    order by c.first_row;
end;
comment on function igjobs.result_rows(text, uuid, bigint, integer, text) is
    'Rows with the ordinals p_first to p_first + p_count - 1 (from 0, at '
    'most 2,000), in order: those of a chunk, which have one created_at, '
    'together, n values in each text. If a text has another number of '
    'separators than n - 1, a value contains it: ask again with another one.';
