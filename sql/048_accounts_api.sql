-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What became of each account of a job. A batch holds its names in the order
-- of submission, and those outcomes that are not that of the batch.

create function igjobs.account_outcome(
    p_word text, p_batch_state text, p_job_ended boolean)
    returns text
    language sql immutable
return case
    when p_word = 'rejected' then 'failed'
    when p_word in ('full', 'whole') then 'ok'
    when p_word <> 'partial' then p_word
    when p_batch_state = 'dead' then 'failed'
    when p_batch_state = 'done' then 'ok'
    when p_job_ended then 'skipped'
    else 'pending'
end;
comment on function igjobs.account_outcome(text, text, boolean) is
    'What became of an account. A batch that was given up takes along those '
    'without a final word; a job that was stopped leaves them out.';


create function igjobs.account_error(
    p_word text, p_batch_state text, p_batch_error text)
    returns text
    language sql immutable
return case
    when p_word in ('blocked', 'rejected') then p_word
    when p_word = 'failed' then 'unfinished'
    when p_batch_state = 'dead' and coalesce(p_word, 'partial') = 'partial'
        then coalesce(p_batch_error, 'internal')
end;
comment on function igjobs.account_error(text, text, text) is
    'The error class of an account that failed, by itself or with its batch; '
    'null for the others.';


create type igjobs.account as (
    batch_no integer, n bigint, account text, outcome text,
    error_class text);

create function igjobs.accounts_of(
    j public.scrape_jobs, p_first integer, p_batches integer)
    returns setof igjobs.account
    language plpgsql stable
    set enable_seqscan = off
as $$
begin
    return query
    select a.batch_no, u.n, u.account, igjobs.account_outcome(
        a.outcomes ->> u.account, a.state, igjobs.is_final(j.state)),
        igjobs.account_error(a.outcomes ->> u.account, a.state,
                             a.error_class)
    from (
        -- the object is made anew, so that it is unpacked once for all names
        select t.batch_no, t.accounts, t.outcomes || '{}' as outcomes,
            b.state, b.error_class
        from igjobs.batch_accounts t
        left join lateral (
            select s.state, s.error_class from igjobs.batches s
            where s.tenant = t.tenant and s.job_id = t.job_id
                and s.batch_no = t.batch_no
            limit 1) b on true
        where t.tenant = j.tenant and t.job_id = j.job_id
            and t.batch_no >= p_first and t.batch_no < p_first + p_batches
        order by t.batch_no
        offset 0) a,
    string_to_table(a.accounts, e'\n') with ordinality u (account, n);
end
$$;
comment on function igjobs.accounts_of(
    public.scrape_jobs, integer, integer) is
    'The accounts of p_batches batches from p_first on, with their outcomes.';


create function igjobs.outcome_counts(j public.scrape_jobs)
    returns jsonb
    language plpgsql stable
as $$
begin
    if igjobs.batches_of(j.account_count) > 100 then
        return null;
    end if;
    return (
        select jsonb_object_agg(o.outcome, o.n)
        from (
            select a.outcome, count(*) as n
            from igjobs.accounts_of(j, 0, 100) a
            group by 1) o);
end
$$;
comment on function igjobs.outcome_counts(public.scrape_jobs) is
    'How many accounts have which outcome; null for jobs of more than 100 '
    'batches, which would be too much to count.';


create function igjobs.bad_accounts_parameter(params jsonb)
    returns text
    language sql stable
return case
    when igjobs.page_size(params ->> 'page_size', 1, 1) is null then
        'page_size must be an integer from 0.'
    when not igjobs.words_known(
        params ->> 'outcome',
        '{ok,empty,not_found,private,blocked,failed,skipped,pending}')
    then
        'outcome takes ok, empty, not_found, private, blocked, failed, '
        'skipped and pending, with commas between.'
end;
comment on function igjobs.bad_accounts_parameter(jsonb) is
    'What is wrong with a parameter of api_job_accounts, but for its '
    'page_token.';


create type igjobs.accounts_page as (
    accounts igjobs.account[], next_place text);

create function igjobs.read_accounts(
    j public.scrape_jobs, p_outcomes text, p_place text, p_limit integer)
    returns igjobs.accounts_page
    language plpgsql stable
as $$
declare
    first integer := coalesce(split_part(p_place, ' ', 1), '0');
    first_n bigint := coalesce(split_part(p_place, ' ', 2), '1');
    batches integer := case when p_outcomes <> '' then 200
        else p_limit / igjobs.batch_size() + 2 end;
    page igjobs.accounts_page;
begin
    page.accounts := array(
        select a from igjobs.accounts_of(j, first, batches) a
        where (a.batch_no > first or a.n >= first_n)
            and igjobs.word_listed(p_outcomes, a.outcome)
        order by a.batch_no, a.n
        limit p_limit + 1);
    if cardinality(page.accounts) > p_limit then
        page.next_place := format(
            '%s %s', page.accounts[p_limit + 1].batch_no,
            page.accounts[p_limit + 1].n);
        page.accounts := page.accounts[:p_limit];
    elsif first + batches < igjobs.batches_of(j.account_count) then
        page.next_place := format('%s 1', first + batches);
    end if;
    return page;
end
$$;
comment on function igjobs.read_accounts(
    public.scrape_jobs, text, text, integer) is
    'Part of api_job_accounts: up to p_limit accounts from a place on, and '
    'where the next page begins, null at the end. Where few accounts have '
    'the outcome it looks at 200 batches and stops.';


create function igjobs.api_job_accounts(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    n integer := igjobs.page_size(params ->> 'page_size', 500, 5000);
    bad text := igjobs.bad_accounts_parameter(params);
    scope text := jsonb_build_array('accounts', caller -> 'tenant', j.job_id,
                                    params -> 'outcome')::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    page igjobs.accounts_page;
begin
    if j.job_id is null then
        return igjobs.no_job(params);
    elsif bad is not null then
        return igjobs.api_problem(400, 'invalid-parameter', bad);
    elsif params ->> 'page_token' <> '' and place is null then
        return igjobs.api_problem(400, 'bad-page-token', null);
    end if;

    page := igjobs.read_accounts(j, params ->> 'outcome', place, n);
    return (200, format(
        '{"success":true,"job_id":"%s","total":%s,"outcomes":%s,'
        '"accounts":[%s],"page_size":%s,"next_page_token":"%s"}',
        j.job_id, j.account_count,
        coalesce(igjobs.outcome_counts(j)::text, 'null'),
        (select string_agg(
             format('{"account":%s,"outcome":"%s"%s}',
                    igjobs.json_text(a.account), a.outcome,
                    ',"error_class":"' || a.error_class || '"'),
             ',' order by a.batch_no, a.n)
         from unnest(page.accounts) a), n,
        coalesce(igjobs.token(scope, page.next_place), '')));
end
$$;
comment on function igjobs.api_job_accounts(jsonb, jsonb) is
    'GET /api/jobs/{job}/accounts?outcome=&page_size=&page_token=: the '
    'accounts of a job in the order of submission and what became of each.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_job_accounts(jsonb, jsonb)
to igjobs_api;
