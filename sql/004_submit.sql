-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Submission: a job row and its batches in one transaction, repeatable by the
-- job id.

create type igjobs.submitted as (
    inserted boolean, version bigint, doc text, class text,
    parallelism integer);

-- accounts in a batch; the contract's total_batches = ceil(accounts / 50)
create function igjobs.batch_size()
    returns integer
    language sql immutable
return 50;
comment on function igjobs.batch_size() is 'Accounts in a full batch.';


create function igjobs.new_job(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    j.job_id := p_job;
    j.tenant := p_tenant;
    j.platform := p_platform;
    j.kind := p_kind;
    j.account_count := p_account_count;
    j.total_batches := p_total_batches;
    j.class := case when p_total_batches <= 8 then 'small' else 'bulk' end;
    j.target_gender := p_params ->> 'target_gender';
    j.max_count_per_account := p_params ->> 'max_count_per_account';
    j.keep_unknown := coalesce((p_params ->> 'keep_unknown')::boolean, true);
    j.parallelism := igjobs.setting('parallelism');
    j.max_failed_ratio := igjobs.setting('max_failed_ratio');
    j.phase := (select k.phase from igjobs.kinds k where k.kind = p_kind);
    j.state := 'queued';
    j.version := 1;
    j.created_at := clock_timestamp();
    j.updated_at := j.created_at;
    j.progress := 0;
    j.profiles_scraped := 0;
    j.batches_done := 0;
    j.batches_dead := 0;
    j.accounts_failed := 0;
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


create function igjobs.insert_job(j public.scrape_jobs)
    returns boolean
    language plpgsql volatile
as $$
begin
    insert into public.scrape_jobs (
        job_id, tenant, platform, kind, class, phase, account_count,
        total_batches, target_gender, max_count_per_account, keep_unknown,
        parallelism, max_failed_ratio, created_at, updated_at, doc)
    values (
        j.job_id, j.tenant, j.platform, j.kind, j.class, j.phase,
        j.account_count, j.total_batches, j.target_gender,
        j.max_count_per_account, j.keep_unknown, j.parallelism,
        j.max_failed_ratio, j.created_at, j.updated_at, j.doc)
    on conflict (job_id) do nothing;
    return found;
end
$$;
comment on function igjobs.insert_job(public.scrape_jobs) is
    'Stores a new job row; false when the job is there already.';


create function igjobs.insert_batches(j public.scrape_jobs)
    returns void
    language sql volatile
begin atomic
    insert into igjobs.batches (
        job_id, batch_no, tenant, platform, kind, phase, account_count)
    select j.job_id, n, j.tenant, j.platform, j.kind, j.phase,
        least(igjobs.batch_size(),
              j.account_count - n * igjobs.batch_size())
    from generate_series(0, j.total_batches - 1) n;
end;
comment on function igjobs.insert_batches(public.scrape_jobs) is
    'Queues all batches of a new job.';


create function igjobs.submit(
    p_tenant text, p_platform text, p_job uuid, p_kind text, p_params jsonb,
    p_account_count integer, p_total_batches integer, p_accounts text[])
    returns igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs;
    inserted boolean;
begin
    j := igjobs.new_job(p_tenant, p_platform, p_job, p_kind, p_params,
                        p_account_count, p_total_batches);
    inserted := igjobs.insert_job(j);

    if not inserted then
        select t.* into j from public.scrape_jobs t
        where t.tenant = p_tenant and t.job_id = p_job;
    elsif p_accounts is not null then
        perform igjobs.insert_batches(j);
        insert into igjobs.batch_accounts (
            job_id, batch_no, tenant, platform, accounts)
        select p_job, a.n - 1, p_tenant, p_platform, a.accounts
        from unnest(p_accounts) with ordinality a (accounts, n);
    end if;

    return (inserted, j.version, j.doc, j.class, j.parallelism);
end
$$;
comment on function igjobs.submit(
    text, text, uuid, text, jsonb, integer, integer, text[]) is
    'Accepts a job. p_params: target_gender, max_count_per_account, '
    'keep_unknown; p_accounts: one newline-joined text a batch, or null when '
    'COPY into igjobs.batch_accounts and igjobs.submit_copied follow in the '
    'same transaction. Repeatable: a second call finds the row and answers '
    'inserted = false with the present document.';


create function igjobs.submit_copied(p_tenant text, p_job uuid)
    returns igjobs.submitted
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs;
    copied integer;
begin
    select t.* into strict j from public.scrape_jobs t
    where t.tenant = p_tenant and t.job_id = p_job;

    select count(*) into copied from igjobs.batch_accounts a
    where a.tenant = p_tenant and a.job_id = p_job
        and a.batch_no < j.total_batches;
    if copied <> j.total_batches then
        raise exception 'job % has % of % batches', p_job, copied,
            j.total_batches using errcode = 'invalid_parameter_value';
    end if;

    perform igjobs.insert_batches(j);
    return (true, j.version, j.doc, j.class, j.parallelism);
end
$$;
comment on function igjobs.submit_copied(text, uuid) is
    'Ends a large submission: all accounts are copied, queue the batches.';
