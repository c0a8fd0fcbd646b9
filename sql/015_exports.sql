-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Whole rows of results, for exports and chosen fields; rows that pass a
-- filter; the key of page tokens.

create view igjobs.whole_results as
    select r.job_id, r.chunk_no, r.idx, r.created_at, r.profile_id,
        r.username, r.full_name, r.gender, r.confidence, r.evidence,
        r.source_account
    from public.scrape_results r;
comment on view igjobs.whole_results is
    'All that a client may know of its rows; for igjobs.whole_rows and '
    'igjobs.filtered_rows, which know from the chunk whose they are.';


create function igjobs.result_ranges(
    p_tenant text, p_job uuid, p_first bigint, p_count integer)
    returns table (
        chunk_no bigint, chunk_row bigint, first_row bigint, wanted bigint,
        place integer, origin text)
    language sql stable
begin atomic
    select c.chunk_no, c.first_row, c.first_row + s.skip,
        least(c.n, p_first + least(p_count, 2000) - c.first_row) - s.skip,
        s.skip + coalesce(width_bucket(s.skip, c.gaps), 0), c.origin
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
        and s.skip < c.n;
end;
comment on function igjobs.result_ranges(text, uuid, bigint, integer) is
    'The chunks that hold these ordinals (at most 2,000), and of each: the '
    'ordinals of its first row and of the first that is wanted, how many are '
    'wanted, the place where they begin, and where they come from. Part of '
    'the caller''s statement.';


create function igjobs.whole_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer,
    p_separator text, p_evidence boolean)
    returns table (
        n bigint, created_at timestamptz, origin text, profile_ids text,
        usernames text, full_names text, genders text, confidences text,
        source_accounts text, evidences text)
    language sql stable
begin atomic
    select r.n, r.created_at, c.origin, r.profile_ids, r.usernames,
        r.full_names, r.genders, r.confidences, r.source_accounts, r.evidences
    from igjobs.result_ranges(p_tenant, p_job, p_first, p_count) c,
    lateral (
        select count(*) as n, min(o.created_at) as created_at,
            string_agg(o.profile_id, p_separator) as profile_ids,
            string_agg(o.username, p_separator) as usernames,
            string_agg(o.full_name, p_separator) as full_names,
            string_agg(o.gender, p_separator) as genders,
            string_agg(coalesce(o.confidence::text, ''), p_separator)
                as confidences,
            string_agg(coalesce(o.source_account, ''), p_separator)
                as source_accounts,
            string_agg(coalesce(o.evidence, ''), p_separator)
                filter (where p_evidence) as evidences
        from (
            select t.*
            from igjobs.whole_results t
            where t.job_id = p_job
                and t.chunk_no = c.chunk_no and t.idx >= c.place
            order by t.idx
            limit c.wanted) o) r
    order by c.chunk_row;
end;
comment on function igjobs.whole_rows(
    text, uuid, bigint, integer, text, boolean) is
    'igjobs.result_rows with all columns. What is null is empty. Evidence is '
    'null unless it is asked for. origin: of the chunk, null or reused.';


create function igjobs.filtered_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer,
    p_separator text, p_gender text, p_source text, p_confidence real)
    returns table (
        n bigint, created_at timestamptz, origin text, profile_ids text,
        usernames text, full_names text, genders text, confidences text,
        source_accounts text, evidences text, ordinals text)
    language sql stable
begin atomic
    select r.n, r.created_at, c.origin, r.profile_ids, r.usernames,
        r.full_names, r.genders, r.confidences, r.source_accounts,
        r.evidences, r.ordinals
    from igjobs.result_ranges(p_tenant, p_job, p_first, p_count) c,
    lateral (
        select count(*) as n, min(o.created_at) as created_at,
            string_agg(o.profile_id, p_separator) as profile_ids,
            string_agg(o.username, p_separator) as usernames,
            string_agg(o.full_name, p_separator) as full_names,
            string_agg(o.gender, p_separator) as genders,
            string_agg(coalesce(o.confidence::text, ''), p_separator)
                as confidences,
            string_agg(coalesce(o.source_account, ''), p_separator)
                as source_accounts,
            string_agg(coalesce(o.evidence, ''), p_separator) as evidences,
            string_agg((c.first_row + o.rank - 1)::text, p_separator)
                as ordinals
        from (
            select t.*, row_number() over (order by t.idx) as rank
            from igjobs.whole_results t
            where t.job_id = p_job
                and t.chunk_no = c.chunk_no and t.idx >= c.place
            order by t.idx
            limit c.wanted) o
        where (p_gender is null or o.gender = p_gender)
            and (p_source is null or o.source_account = p_source)
            and (p_confidence is null or o.confidence >= p_confidence)) r
    order by c.chunk_row;
end;
comment on function igjobs.filtered_rows(
    text, uuid, bigint, integer, text, text, text, real) is
    'Those of the rows with the ordinals p_first to p_first + p_count - 1 '
    'that pass the filter, each with its ordinal. Reads all of them, never '
    'more than 2,000, however few pass.';


create function igjobs.token_key()
    returns text
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (select s.value from igjobs.settings s where s.name = 'token_key');
end
$$;
comment on function igjobs.token_key() is
    'The key of igjobs.token, for the module, which makes the tokens of '
    'results by itself.';


revoke all on all functions in schema igjobs from public;
grant select on igjobs.whole_results to igjobs_api;
grant execute on function
    igjobs.result_ranges(text, uuid, bigint, integer),
    igjobs.whole_rows(text, uuid, bigint, integer, text, boolean),
    igjobs.filtered_rows(
        text, uuid, bigint, integer, text, text, text, real),
    igjobs.token_key()
to igjobs_api;
