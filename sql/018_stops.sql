-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- When a job stops before its batches are done: the target is reached, the
-- share is known well enough, its time is over. And what its document says of
-- that. igjobs.settle asks wanted_stop at every change, the housekeeper asks
-- overdue_jobs.

create type igjobs.estimate as (
    hits bigint, n bigint, population bigint, share double precision,
    ci_low double precision, ci_high double precision,
    half_width double precision);
comment on type igjobs.estimate is
    'A share of n profiles and the interval in which that of the population '
    'lies.';


create function igjobs.estimate_share(
    p_hits bigint, p_n bigint, p_population bigint)
    returns igjobs.estimate
    language plpgsql immutable
as $$
declare
    z2 double precision := 1.959963984540054 ^ 2;
    e igjobs.estimate := (
        p_hits, p_n, case when p_population < p_n then p_n
                         else p_population end, null, null, null, null);
    n double precision;
    middle double precision;
begin
    if p_n = 0 then
        return e;
    end if;
    e.share := p_hits::double precision / p_n;
    if e.population = p_n then
        e.ci_low := e.share;
        e.ci_high := e.share;
        e.half_width := 0;
        return e;
    end if;

    n := coalesce(
        p_n::double precision * (e.population - 1) / (e.population - p_n),
        p_n);
    middle := (e.share + z2 / (2 * n)) / (1 + z2 / n);
    e.half_width := sqrt(z2 * (e.share * (1 - e.share) / n
                               + z2 / (4 * n * n))) / (1 + z2 / n);
    e.ci_low := greatest(0, middle - e.half_width);
    e.ci_high := least(1, middle + e.half_width);
    return e;
end
$$;
comment on function igjobs.estimate_share(bigint, bigint, bigint) is
    'The share p_hits / p_n and its 95 % interval by Wilson. Of a finite '
    'population n profiles tell as much as n (N - 1) / (N - n) of an '
    'endless one (p_population null); all of it tell everything. Nulls for '
    'n = 0.';


create function igjobs.expected_profiles(j public.scrape_jobs)
    returns bigint
    language sql immutable
return least(
    j.account_count::bigint * j.max_count_per_account,
    j.seen + least(j.account_count,
                   (j.total_batches - j.batches_done - j.batches_dead)
                   * igjobs.batch_size())::bigint * j.max_count_per_account);
comment on function igjobs.expected_profiles(public.scrape_jobs) is
    'How many profiles the job would collect, at most: what batches that have '
    'ended brought, and all that may be asked for of the accounts of the '
    'others. Profiles without a gender count, so that the interval is rather '
    'too wide.';


create function igjobs.gender_estimate(j public.scrape_jobs)
    returns igjobs.estimate
    language sql immutable
return igjobs.estimate_share(
    case j.target_gender when 'male' then j.male_count
        else j.female_count end,
    j.female_count + j.male_count, igjobs.expected_profiles(j));
comment on function igjobs.gender_estimate(public.scrape_jobs) is
    'The share of the gender that the job looks for (of women, if any) among '
    'the profiles whose gender is told.';


create function igjobs.wanted_stop(j public.scrape_jobs)
    returns text
    language plpgsql immutable
as $$
begin
    return case
        when j.profiles_scraped >= j.target_count then 'target'
        when j.half_width is not null
            and (igjobs.gender_estimate(j)).half_width <= j.half_width
            then 'precision'
        end;
end
$$;
comment on function igjobs.wanted_stop(public.scrape_jobs) is
    'Part of settle: why an active job should stop now, or null. The caller '
    'holds the row and has brought its counters up to date.';


-- The time that a job may take.

create function igjobs.overdue_jobs(p_limit integer)
    returns table (tenant text, job_id uuid)
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select j.tenant, j.job_id from public.scrape_jobs j
    where j.deadline is not null and j.deadline <= now()
        and j.state in ('queued', 'running')
    order by j.deadline
    limit p_limit;
end
$$;
comment on function igjobs.overdue_jobs(integer) is
    'Active jobs whose deadline has passed, for igjobs.stop_overdue.';


create function igjobs.stop_overdue(p_tenant text, p_job uuid)
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.lock_job(p_tenant, p_job);
    a igjobs.job_answer;
begin
    if j.deadline <= clock_timestamp() and j.state in ('queued', 'running')
    then
        return igjobs.stop_job(p_tenant, p_job, 'deadline');
    end if;
    a.answer := case when j.job_id is null then 'unknown' else 'unchanged' end;
    a.final := igjobs.is_final(j.state);
    a.state := j.state;
    return a;
end
$$;
comment on function igjobs.stop_overdue(text, uuid) is
    'Stops a job at its deadline, unless that was put off meanwhile. A paused '
    'job spends nothing and waits.';


-- What the document says of limits: only where one was asked for, or the job
-- was stopped.

create function igjobs.accounts_open(j public.scrape_jobs)
    returns integer
    language plpgsql stable
as $$
declare
    all_batches integer := igjobs.batches_of(j.account_count);
    open integer := j.total_batches - j.batches_done - j.batches_dead;
    last_open boolean := exists (
        select from igjobs.batches b
        where b.tenant = j.tenant and b.job_id = j.job_id
            and b.batch_no = all_batches - 1
            and b.state in ('queued', 'leased'));
begin
    return greatest(0, least(j.account_count, open * igjobs.batch_size()
        - case when last_open then all_batches * igjobs.batch_size()
                                   - j.account_count else 0 end));
end
$$;
comment on function igjobs.accounts_open(public.scrape_jobs) is
    'How many accounts are in batches that have not ended: all batches are '
    'full but the last.';


create function igjobs.unspent_member(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
declare
    accounts integer := igjobs.accounts_open(j);
begin
    return format('"unspent":%s,', json_strip_nulls(json_build_object(
        'batches', j.total_batches - j.batches_done - j.batches_dead,
        'accounts', accounts,
        'followers', greatest(0, least(
            j.account_count::bigint * j.max_count_per_account - j.seen,
            accounts::bigint * j.max_count_per_account)),
        'usd', trim_scale(j.max_cost_usd - j.cost_usd))));
end
$$;
comment on function igjobs.unspent_member(public.scrape_jobs) is
    'What a stop left: batches that have not ended, their accounts, the '
    'followers that could have been asked for (at most), the rest of the '
    'budget if there is one.';


create function igjobs.is_census(j public.scrape_jobs)
    returns boolean
    language plpgsql stable
as $$
begin
    return j.state = 'completed' and j.batches_dead = 0
        and j.batches_done = j.total_batches
        and not exists (
            select from igjobs.batch_accounts a
            where a.tenant = j.tenant and a.job_id = j.job_id
                and (a.outcomes is null or a.outcomes @?
                     '$.* ? (@ != "whole" && @ != "empty")'));
end
$$;
comment on function igjobs.is_census(public.scrape_jobs) is
    'Did the job see every follower of every account? Follower lists come '
    'newest first: one that was cut is the beginning of a list.';


create function igjobs.precision_member(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
declare
    e igjobs.estimate := igjobs.gender_estimate(j);
    sampling text := case
        when igjobs.is_census(j) then 'census'
        when j.random_seed is not null then 'random'
        else 'prefix' end;
begin
    return format('"precision":%s,', json_build_object(
        'gender', case j.target_gender when 'male' then 'male'
                      else 'female' end,
        'share', round(e.share::numeric, 6),
        'ci_low', round(e.ci_low::numeric, 6),
        'ci_high', round(e.ci_high::numeric, 6),
        'half_width', round(e.half_width::numeric, 6),
        'confidence', 0.95, 'method', 'wilson',
        'classified', e.n, 'population', e.population,
        'sampling', sampling,
        'inference', case sampling when 'random' then 'probability_sample'
                         else 'not_probability_sample' end));
end
$$;
comment on function igjobs.precision_member(public.scrape_jobs) is
    'The share that a precision stop is about. It may be called a probability '
    'sample only where the submitter drew the accounts at random.';


create function igjobs.further_members(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
begin
    return igjobs.limits_member(j.target_count, j.half_width, j.max_cost_usd,
                                j.deadline)
        || case when j.reason is null then ''
               else igjobs.unspent_member(j) end
        || case when j.half_width is null then ''
               else igjobs.precision_member(j) end;
end
$$;
comment on function igjobs.further_members(public.scrape_jobs) is
    'Part of job_document: members of jobs with limits, and of stopped ones.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.overdue_jobs(integer),
    igjobs.stop_overdue(text, uuid)
to igjobs_worker;
