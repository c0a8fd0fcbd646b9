-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Submission: a job row and its batches in one transaction, repeatable by the
-- job id.

create type igjobs.submitted as (
    inserted boolean, version bigint, doc text, class text,
    parallelism integer);


create function igjobs.batch_size()
    returns integer
    language sql immutable
return 50;
comment on function igjobs.batch_size() is
    'Accounts in a full batch: total_batches = ceil(accounts / 50) is part '
    'of the contract.';


create function igjobs.check_submission(
    p_kind text, p_params jsonb, p_account_count integer,
    p_total_batches integer, p_accounts text[])
    returns void
    language plpgsql stable
as $$
declare
    gender text := p_params ->> 'target_gender';
    max_count integer := p_params ->> 'max_count_per_account';
begin
    if p_kind = 'scrape_followers'
        and gender in ('male', 'female', 'any') and max_count >= 1
        and p_account_count >= 1
        and p_total_batches = (p_account_count + igjobs.batch_size() - 1)
                              / igjobs.batch_size()
        and coalesce(cardinality(p_accounts), p_total_batches)
            = p_total_batches
    then
        return;
    end if;
    raise exception 'not a submission: kind %, params %, % accounts, % batches',
        p_kind, p_params, p_account_count, p_total_batches
        using errcode = 'invalid_parameter_value';
end
$$;
comment on function igjobs.check_submission(
    text, jsonb, integer, integer, text[]) is
    'Raises 22023 for what the module should never send.';


create function igjobs.new_job(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    select k.phase,
        (select s.value from igjobs.settings s where s.name = 'parallelism'),
        (select s.value from igjobs.settings s
         where s.name = 'max_failed_ratio')
    into j.phase, j.parallelism, j.max_failed_ratio
    from igjobs.kinds k where k.kind = p_kind;

    j.job_id := p_job;
    j.tenant := p_tenant;
    j.platform := p_platform;
    j.kind := p_kind;
    j.class := case when p_total_batches <= 8 then 'small' else 'bulk' end;
    j.target_gender := p_params ->> 'target_gender';
    j.max_count_per_account := p_params ->> 'max_count_per_account';
    j.keep_unknown := coalesce((p_params ->> 'keep_unknown')::boolean, true);
    j.account_count := p_account_count;
    j.total_batches := p_total_batches;
    j.created_at := clock_timestamp();
    j.updated_at := j.created_at;
    j.version := 1;
    j.state := 'queued';
    j.progress := 0;
    j.profiles_scraped := 0;
    j.accounts_failed := 0;
    j.batches_done := 0;
    j.batches_dead := 0;
    j.female_count := 0;
    j.male_count := 0;
    j.unknown_count := 0;
    j.doc := igjobs.job_document(j);
    return j;
end
$$;
comment on function igjobs.new_job(
    text, text, uuid, text, jsonb, integer, integer) is
    'A job row as it is submitted, not stored yet. Settings become columns.';


create function igjobs.accounts_in(j public.scrape_jobs, p_batch integer)
    returns integer
    language sql immutable
return least(igjobs.batch_size(),
             j.account_count - p_batch * igjobs.batch_size());
comment on function igjobs.accounts_in(public.scrape_jobs, integer) is
    'How many accounts a batch of the job has: all are full but the last.';


create function igjobs.insert_job(
    j public.scrape_jobs, p_accounts text[])
    returns boolean
    language plpgsql volatile
as $$
declare
    inserted integer;
begin
    with new_job as (
        insert into public.scrape_jobs (
            job_id, tenant, platform, kind, class, phase, account_count,
            total_batches, target_gender, max_count_per_account,
            keep_unknown, parallelism, max_failed_ratio, created_at,
            updated_at, doc)
        values (
            j.job_id, j.tenant, j.platform, j.kind, j.class, j.phase,
            j.account_count, j.total_batches, j.target_gender,
            j.max_count_per_account, j.keep_unknown, j.parallelism,
            j.max_failed_ratio, j.created_at, j.updated_at, j.doc)
        on conflict (job_id) do nothing
        returning job_id
    ), new_batches as (
        insert into igjobs.batches (
            job_id, batch_no, tenant, platform, kind, phase, account_count,
            expected)
        select n.job_id, b - 1, j.tenant, j.platform, j.kind, j.phase,
            igjobs.accounts_in(j, b - 1),
            igjobs.accounts_in(j, b - 1) * j.max_count_per_account::bigint
        from new_job n, generate_series(1, cardinality(p_accounts)) b
    ), new_accounts as (
        insert into igjobs.batch_accounts (
            tenant, platform, job_id, batch_no, accounts)
        select j.tenant, j.platform, n.job_id, a.n - 1, a.accounts
        from new_job n, unnest(p_accounts) with ordinality a (accounts, n)
    )
    select count(*) into inserted from new_job;
    return inserted = 1;
end
$$;
comment on function igjobs.insert_job(public.scrape_jobs, text[]) is
    'Stores a new job with its batches and accounts; false when the job is '
    'there already. One statement, because submissions are many.';


create function igjobs.submit(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer, p_accounts text[])
    returns igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    j public.scrape_jobs;
    is_new boolean;
begin
    perform igjobs.check_submission(p_kind, p_params, p_account_count,
                                    p_total_batches, p_accounts);
    j := igjobs.new_job(p_tenant, p_platform, p_job, p_kind, p_params,
                        p_account_count, p_total_batches);
    is_new := igjobs.insert_job(j, p_accounts);
    if not is_new then
        select t.* into strict j from public.scrape_jobs t
        where t.tenant = p_tenant and t.job_id = p_job;
    end if;
    return (is_new, j.version, j.doc, j.class, j.parallelism);
end
$$;
comment on function igjobs.submit(
    text, text, uuid, text, jsonb, integer, integer, text[]) is
    'Accepts a job. p_params: target_gender, max_count_per_account, '
    'keep_unknown. p_accounts: one newline-joined text a batch, or null when '
    'COPY into igjobs.batch_accounts and igjobs.submit_copied follow in the '
    'same transaction. Repeatable: a second call finds the row and answers '
    'inserted = false with the present document.';


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
    select j.job_id, a.batch_no, j.tenant, j.platform, j.kind, j.phase,
        igjobs.accounts_in(j, a.batch_no),
        igjobs.accounts_in(j, a.batch_no) * j.max_count_per_account::bigint
    from igjobs.batch_accounts a
    where a.tenant = p_tenant and a.job_id = p_job
        and a.batch_no between 0 and j.total_batches - 1;
    get diagnostics copied = row_count;
    if copied <> j.total_batches then
        raise exception 'job % has accounts for % of % batches', p_job,
            copied, j.total_batches using errcode = 'invalid_parameter_value';
    end if;
    return (true, j.version, j.doc, j.class, j.parallelism);
end
$$;
comment on function igjobs.submit_copied(text, uuid) is
    'Ends a large submission: all accounts are copied, queue the batches.';
