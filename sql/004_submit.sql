-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Submission: a job row and its batches in one transaction, repeatable by the
-- job id; many small jobs in one statement.

create type igjobs.submitted as (
    inserted boolean, class text, parallelism integer, refusal text);
comment on type igjobs.submitted is
    'refusal: null, or why nothing was stored (igjobs.refusal), such as a full '
    'queue; the others are null or false then.';


create function igjobs.batch_size()
    returns integer
    language sql immutable
return 50;
comment on function igjobs.batch_size() is
    'Accounts in a full batch: total_batches = ceil(accounts / 50) is part '
    'of the contract.';


create function igjobs.accounts_in(p_account_count integer, p_batch integer)
    returns integer
    language sql immutable
return least(igjobs.batch_size(),
             p_account_count - p_batch * igjobs.batch_size());
comment on function igjobs.accounts_in(integer, integer) is
    'How many accounts a batch has, from 0: all are full but the last.';


create function igjobs.batches_of(p_account_count integer)
    returns integer
    language sql immutable
return (p_account_count + igjobs.batch_size() - 1) / igjobs.batch_size();
comment on function igjobs.batches_of(integer) is
    'How many batches so many accounts are.';


create function igjobs.submission_fits(
    p_kind text, p_gender text, p_max_count integer, p_account_count integer,
    p_accounts text)
    returns boolean
    language sql immutable
return (p_kind = 'scrape_followers' and p_gender in ('male', 'female', 'any')
        and p_max_count >= 1 and p_account_count >= 1
        and (p_accounts is null
             or octet_length(p_accounts)
                - octet_length(replace(p_accounts, e'\n\n', ''))
                = 2 * igjobs.batches_of(p_account_count) - 2)) is true;
comment on function igjobs.submission_fits(
    text, text, integer, integer, text) is
    'False for what the module should never send.';


create function igjobs.limits_asked(p_options jsonb)
    returns text
    language sql stable
return igjobs.limits_member(
    (p_options ->> 'target_count')::bigint,
    (p_options ->> 'half_width')::real,
    (p_options ->> 'max_cost_usd')::numeric,
    now() + (p_options ->> 'max_seconds')::integer * interval '1 second');
comment on function igjobs.limits_asked(jsonb) is
    'The limits in the options of a submission, as a new job''s document has '
    'them.';


create function igjobs.insert_jobs(
    p_kind text, p_tenants text[], p_platforms text[], p_jobs uuid[],
    p_genders text[], p_max_counts integer[], p_keep_unknown boolean[],
    p_account_counts integer[], p_accounts text[], p_options text[])
    returns uuid[]
    language plpgsql volatile
as $$
declare
    inserted uuid[];
begin
    with input as materialized (
        select i.tenant, i.platform, i.job_id, i.gender, i.max_count,
            i.keep_unknown, i.account_count, i.accounts,
            i.options::jsonb as options,
            igjobs.batches_of(i.account_count) as total_batches
        from unnest(p_tenants, p_platforms, p_jobs, p_genders, p_max_counts,
                    p_keep_unknown, p_account_counts, p_accounts, p_options)
            i (tenant, platform, job_id, gender, max_count, keep_unknown,
               account_count, accounts, options)
    ), new_jobs as (
        insert into public.scrape_jobs as j (
            job_id, tenant, platform, kind, class, phase, account_count,
            total_batches, target_gender, max_count_per_account,
            keep_unknown, parallelism, max_failed_ratio, target_count,
            half_width, random_seed, max_cost_usd, deadline,
            max_age_seconds, callback_url, doc)
        select i.job_id, i.tenant, i.platform,
            igjobs.platform_kind(k.kind, i.platform),
            case when i.total_batches <= 8 then 'small' else 'bulk' end,
            k.phase, i.account_count, i.total_batches, i.gender, i.max_count,
            coalesce(i.keep_unknown, true),
            least((i.options ->> 'parallelism')::integer,
                  case when i.options ? 'parallelism' then
                      (select v.value::integer from igjobs.settings v
                       where v.name = 'max_parallelism')
                  else
                      (select v.value::integer from igjobs.settings v
                       where v.name = 'parallelism')
                  end),
            coalesce((i.options ->> 'max_failed_ratio')::real,
                     (select v.value::real from igjobs.settings v
                      where v.name = 'max_failed_ratio')),
            (i.options ->> 'target_count')::bigint,
            (i.options ->> 'half_width')::real,
            i.options ->> 'random_seed',
            (i.options ->> 'max_cost_usd')::numeric,
            now() + (i.options ->> 'max_seconds')::integer
                    * interval '1 second',
            nullif((i.options ->> 'max_age')::integer, 0),
            case when i.options ? 'callback_url' then
                i.options ->> 'callback_url'
            else
                (select t.callback_url from igjobs.tenants t
                 where t.tenant = i.tenant
                     and t.callback_disabled_at is null)
            end,
            igjobs.document(1, i.job_id, 'queued', k.phase, i.total_batches,
                            i.account_count, now(), now(),
                            p_max_cost_usd =>
                                (i.options ->> 'max_cost_usd')::numeric,
                            p_more => case when i.options is null then ''
                                else igjobs.limits_asked(i.options) end)
        from igjobs.kinds k, input i
        where k.kind = p_kind
        on conflict (job_id) do nothing
        returning j.job_id, j.kind, j.phase
    ), texts as materialized (
        select i.tenant, i.platform, i.job_id, j.kind, j.phase,
            (a.n - 1)::integer as batch_no, a.accounts,
            igjobs.accounts_in(i.account_count, (a.n - 1)::integer)
                as account_count,
            i.max_count
        from new_jobs j
        join input i on i.job_id = j.job_id,
            string_to_table(i.accounts, e'\n\n') with ordinality
                a (accounts, n)
    ), new_batches as (
        insert into igjobs.batches (
            job_id, batch_no, tenant, platform, kind, phase, account_count,
            expected)
        select t.job_id, t.batch_no, t.tenant, t.platform, t.kind, t.phase,
            t.account_count, t.account_count * t.max_count::bigint
        from texts t
    ), new_accounts as (
        insert into igjobs.batch_accounts (
            tenant, platform, job_id, batch_no, accounts)
        select t.tenant, t.platform, t.job_id, t.batch_no, t.accounts
        from texts t
    )
    select array_agg(j.job_id) into inserted from new_jobs j;
    return coalesce(inserted, '{}');
end
$$;
comment on function igjobs.insert_jobs(
    text, text[], text[], uuid[], text[], integer[], boolean[], integer[],
    text[], text[]) is
    'Stores new jobs with their batches and accounts, leaves out those that '
    'are there already, returns the ids of the others. Settings become '
    'columns. One statement for all: to start it costs three times what a '
    'job adds.';


-- without seqscan: the plan may be made while the tables are empty
create function igjobs.submit_all(
    p_kind text, p_tenants text[], p_platforms text[], p_jobs uuid[],
    p_genders text[], p_max_counts integer[], p_keep_unknown boolean[],
    p_account_counts integer[], p_accounts text[],
    p_options text[] default null, p_even_if_full boolean default false)
    returns setof igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
as $$
declare
    fits boolean;
    maybe_full boolean;
    inserted uuid[];
    answered integer;
begin
    select bool_and(igjobs.submission_fits(
            p_kind, i.gender, i.max_count, i.account_count, i.accounts)),
        (select t.is_full or t.full_tenants && p_tenants
             or t.counted_at < now() - interval '5 s'
             or not p_platforms <@ t.platforms
         from igjobs.backlog t where t.one)
    into fits, maybe_full
    from unnest(p_genders, p_max_counts, p_account_counts, p_accounts)
        i (gender, max_count, account_count, accounts);
    if not fits then
        raise exception 'not submissions: kind %, genders %, counts %, '
            'accounts %', p_kind, p_genders, p_max_counts, p_account_counts
            using errcode = 'invalid_parameter_value';
    end if;

    if maybe_full and not p_even_if_full then
        return query
        select * from igjobs.submit_unless_full(
            p_kind, p_tenants, p_platforms, p_jobs, p_genders, p_max_counts,
            p_keep_unknown, p_account_counts, p_accounts, p_options);
        return;
    end if;

    inserted := igjobs.insert_jobs(
        p_kind, p_tenants, p_platforms, p_jobs, p_genders, p_max_counts,
        p_keep_unknown, p_account_counts, p_accounts, p_options);
    return query
    select j.job_id = any (inserted), j.class, j.parallelism, null::text
    from unnest(p_tenants, p_jobs) with ordinality i (tenant, job_id, n)
    join public.scrape_jobs j
        on j.tenant = i.tenant and j.job_id = i.job_id
    order by i.n;
    get diagnostics answered = row_count;
    if answered <> cardinality(p_jobs) then
        raise exception 'job ids of another tenant' using
            errcode = 'no_data_found';
    end if;
end
$$;
comment on function igjobs.submit_all(
    text, text[], text[], uuid[], text[], integer[], boolean[], integer[],
    text[], text[], boolean) is
    'Accepts jobs of one kind, each a place in the arrays. p_accounts: the '
    'batches of a job apart by an empty line, the accounts of a batch by '
    'newlines. p_options: null, or an object of those that were asked for: '
    'parallelism (capped by the setting max_parallelism), max_failed_ratio, '
    'target_count, half_width, random_seed, max_cost_usd, max_seconds (then a '
    'deadline), max_age (seconds; 0 = none), callback_url; others are ignored. '
    'Answers a row a job, in order. Repeatable: a job that is there already '
    'answers inserted = false. Where the queue is full the jobs that it is '
    'full for are refused, the others stored; refused are those of a '
    'platform that no worker has an actor for, too. Raises for a job id of '
    'another tenant.';


create function igjobs.submit(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer, p_accounts text[])
    returns igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    s igjobs.submitted;
begin
    if p_total_batches is distinct from igjobs.batches_of(p_account_count)
    then
        raise exception '% accounts are not % batches', p_account_count,
            p_total_batches using errcode = 'invalid_parameter_value';
    end if;
    select t.* into strict s from igjobs.submit_all(
        p_kind, array[p_tenant], array[p_platform], array[p_job],
        array[p_params ->> 'target_gender'],
        array[(p_params ->> 'max_count_per_account')::integer],
        array[(p_params ->> 'keep_unknown')::boolean],
        array[p_account_count],
        array[array_to_string(p_accounts, e'\n\n')],
        array[p_params::text]) t;
    return s;
end
$$;
comment on function igjobs.submit(
    text, text, uuid, text, jsonb, integer, integer, text[]) is
    'Accepts one job. p_params: target_gender, max_count_per_account, '
    'keep_unknown, and the options of igjobs.submit_all. p_accounts: one '
    'newline-joined text a batch, or null when '
    'COPY into igjobs.batch_accounts and igjobs.submit_copied follow in the '
    'same transaction. Otherwise like igjobs.submit_all.';


create function igjobs.submit_copied(p_tenant text, p_job uuid)
    returns igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    j public.scrape_jobs;
    copied integer;
begin
    select t.* into strict j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job;

    insert into igjobs.batches (
        job_id, batch_no, tenant, platform, kind, phase, account_count,
        expected)
    select j.job_id, a.batch_no, j.tenant, j.platform, j.kind, j.phase, n,
        n * j.max_count_per_account::bigint
    from igjobs.batch_accounts a,
        igjobs.accounts_in(j.account_count, a.batch_no) n
    where a.tenant = p_tenant and a.job_id = p_job
        and a.batch_no between 0 and j.total_batches - 1;
    get diagnostics copied = row_count;
    if copied <> j.total_batches then
        raise exception 'job % has accounts for % of % batches', p_job,
            copied, j.total_batches using errcode = 'invalid_parameter_value';
    end if;
    return (true, j.class, j.parallelism, null::text);
end
$$;
comment on function igjobs.submit_copied(text, uuid) is
    'Ends a large submission: all accounts are copied, queue the batches.';
