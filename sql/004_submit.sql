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


create function igjobs.accounts_in(p_account_count integer, p_batch integer)
    returns integer
    language sql immutable
return least(igjobs.batch_size(),
             p_account_count - p_batch * igjobs.batch_size());
comment on function igjobs.accounts_in(integer, integer) is
    'How many accounts a batch has, from 0: all are full but the last.';


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


create function igjobs.insert_job(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer, p_accounts text[])
    returns igjobs.submitted
    language plpgsql volatile
as $$
declare
    s igjobs.submitted;
begin
    with new_job as (
        insert into public.scrape_jobs as j (
            job_id, tenant, platform, kind, class, phase, account_count,
            total_batches, target_gender, max_count_per_account,
            keep_unknown, parallelism, max_failed_ratio, doc)
        select p_job, p_tenant, p_platform, p_kind,
            case when p_total_batches <= 8 then 'small' else 'bulk' end,
            k.phase, p_account_count, p_total_batches,
            p_params ->> 'target_gender',
            (p_params ->> 'max_count_per_account')::integer,
            coalesce((p_params ->> 'keep_unknown')::boolean, true),
            (select v.value::integer from igjobs.settings v
             where v.name = 'parallelism'),
            (select v.value::real from igjobs.settings v
             where v.name = 'max_failed_ratio'),
            igjobs.document(1, p_job, 'queued', k.phase, p_total_batches,
                            p_account_count, now(), now())
        from igjobs.kinds k where k.kind = p_kind
        on conflict (job_id) do nothing
        returning j.*
    ), new_batches as (
        insert into igjobs.batches (
            job_id, batch_no, tenant, platform, kind, phase, account_count,
            expected)
        select j.job_id, n - 1, j.tenant, j.platform, j.kind, j.phase, a,
            a * j.max_count_per_account::bigint
        from new_job j, generate_series(1, cardinality(p_accounts)) n,
            igjobs.accounts_in(p_account_count, n - 1) a
    ), new_accounts as (
        insert into igjobs.batch_accounts (
            tenant, platform, job_id, batch_no, accounts)
        select j.tenant, j.platform, j.job_id, a.n - 1, a.accounts
        from new_job j, unnest(p_accounts) with ordinality a (accounts, n)
    )
    select true, j.version, j.doc, j.class, j.parallelism into s
    from new_job j;
    return s;
end
$$;
comment on function igjobs.insert_job(
    text, text, uuid, text, jsonb, integer, integer, text[]) is
    'Stores a new job with its batches and accounts; nulls when the job is '
    'there already. Settings become columns. One statement, because '
    'submissions are many.';


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
    perform igjobs.check_submission(p_kind, p_params, p_account_count,
                                    p_total_batches, p_accounts);
    s := igjobs.insert_job(p_tenant, p_platform, p_job, p_kind, p_params,
                           p_account_count, p_total_batches, p_accounts);
    if s.inserted is null then
        select false, j.version, j.doc, j.class, j.parallelism into strict s
        from public.scrape_jobs j
        where j.tenant = p_tenant and j.job_id = p_job;
    end if;
    return s;
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
    return (true, j.version, j.doc, j.class, j.parallelism);
end
$$;
comment on function igjobs.submit_copied(text, uuid) is
    'Ends a large submission: all accounts are copied, queue the batches.';
