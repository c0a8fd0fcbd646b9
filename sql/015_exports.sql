-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Whole rows of results, for exports and chosen fields; rows that pass a
-- filter; the key of page tokens.

create view igjobs.whole_results as
    select c.job_id, c.chunk_no, c.created_at, c.profile_ids, c.usernames,
        c.full_names, c.genders, c.confidences, c.evidences,
        c.source_accounts
    from igjobs.chunk_rows c;
comment on view igjobs.whole_results is
    'All that a client may know of the rows of a chunk; for igjobs.whole_rows '
    'and igjobs.filtered_rows, which know from the chunk whose they are.';


create function igjobs.whole_rows(
    p_tenant text, p_job uuid, p_first bigint, p_count integer,
    p_separator text, p_evidence boolean)
    returns table (
        n bigint, created_at timestamptz, origin text, profile_ids text,
        usernames text, full_names text, genders text, confidences text,
        source_accounts text, evidences text)
    language sql stable
begin atomic
    select (c.z - c.a + 1)::bigint, r.created_at, c.origin,
        igjobs.joined(r.profile_ids, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.usernames, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.full_names, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.genders, c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.confidences::text[], c.whole, c.a, c.z, p_separator),
        igjobs.joined(r.source_accounts, c.whole, c.a, c.z, p_separator),
        case when p_evidence
            then igjobs.joined(r.evidences, c.whole, c.a, c.z, p_separator) end
    from igjobs.result_ranges(p_tenant, p_job, p_first, p_count) c
    join igjobs.whole_results r
        on r.job_id = p_job and r.chunk_no = c.chunk_no
    order by c.first_row;
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
    select o.n, r.created_at, c.origin, o.profile_ids, o.usernames,
        o.full_names, o.genders, o.confidences, o.source_accounts,
        o.evidences, o.ordinals
    from igjobs.result_ranges(p_tenant, p_job, p_first, p_count) c
    join igjobs.whole_results r
        on r.job_id = p_job and r.chunk_no = c.chunk_no,
    lateral (
        select count(*) as n,
            string_agg(u.profile_id, p_separator order by u.n) as profile_ids,
            string_agg(u.username, p_separator order by u.n) as usernames,
            string_agg(u.full_name, p_separator order by u.n) as full_names,
            string_agg(u.gender, p_separator order by u.n) as genders,
            string_agg(coalesce(u.confidence::text, ''), p_separator
                       order by u.n) as confidences,
            string_agg(coalesce(u.source_account, ''), p_separator
                       order by u.n) as source_accounts,
            string_agg(coalesce(u.evidence, ''), p_separator order by u.n)
                as evidences,
            string_agg((c.first_row + u.n - 1)::text, p_separator
                       order by u.n) as ordinals
        from unnest(
            r.profile_ids, r.usernames, r.full_names, r.genders,
            r.confidences, r.source_accounts, r.evidences) with ordinality
            u (profile_id, username, full_name, gender, confidence,
               source_account, evidence, n)
        where u.n between c.a and c.z
            and (p_gender is null or u.gender = p_gender)
            and (p_source is null or u.source_account = p_source)
            and (p_confidence is null or u.confidence >= p_confidence)) o
    order by c.first_row;
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
    igjobs.whole_rows(text, uuid, bigint, integer, text, boolean),
    igjobs.filtered_rows(
        text, uuid, bigint, integer, text, text, text, real),
    igjobs.token_key()
to igjobs_api;
