-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Reuse: followers that were bought for an earlier job of the tenant are read
-- again from the dataset of the run that brought them, instead of being bought
-- again. A run that only reads has the state reading until it is closed, and
-- the origin reused for ever: nobody starts, aborts or books it. What was
-- bought is noted after a job's end (note_purchases), what is there already is
-- looked up when a batch is claimed for the first time (plan_reuse).

insert into igjobs.settings (name, value, note) values
    ('reuse_days', '7',
     'how long what was bought is known to later jobs with max_age; providers '
     'keep datasets about so long; 0 = nothing is noted');


-- The newest purchase of each account. Sets of accounts whose items do not
-- name their account stand there under a key of the set.
create table igjobs.purchases (
    bought_at timestamptz not null,
    job_id    uuid not null,
    batch_no  integer not null,
    run_no    integer not null,
    max_count integer not null,
    whole     boolean not null,
    tenant    text collate "C" not null,
    platform  text collate "C" not null,
    provider  text collate "C" not null,
    actor     text collate "C" not null,
    account   text collate "C" not null,
    constraint purchases_pkey primary key (
        tenant, account, platform, provider, actor)
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on constraint purchases_pkey on igjobs.purchases is
    'igjobs.plan_reuse: the accounts of one batch';
comment on column igjobs.purchases.whole is
    'the account had no more followers than the run brought';

create index purchases_job on igjobs.purchases (job_id);
comment on index igjobs.purchases_job is
    'igjobs.erase_personal: those of one job';

create index purchases_bought_at on igjobs.purchases (bought_at);
comment on index igjobs.purchases_bought_at is
    'igjobs.drop_old_purchases: the oldest';


-- How far note_purchases is: next_batch of this job, or jobs that ended later.
create table igjobs.purchases_mark (
    completed_at timestamptz not null,
    job_id       uuid not null,
    next_batch   integer
) with (fillfactor = 10);
insert into igjobs.purchases_mark values
    ('-infinity', '00000000-0000-0000-0000-000000000000', null);

create index scrape_jobs_ended on public.scrape_jobs (completed_at, job_id)
    where completed_at is not null;
comment on index public.scrape_jobs_ended is
    'igjobs.next_ended: jobs in the order of their ends';


create function igjobs.reuse_time()
    returns interval
    language sql stable
return igjobs.setting('reuse_days')::real * interval '1 day';
comment on function igjobs.reuse_time() is
    'How long purchases are known.';


create function igjobs.set_key(p_accounts text)
    returns text
    language sql immutable
return '#' || (
    select md5(string_agg(u.account, e'\n' order by u.account collate "C"))
    from string_to_table(p_accounts, e'\n') u (account));
comment on function igjobs.set_key(text) is
    'What stands for a set of accounts (newline-joined), whatever their '
    'order. No user name begins with #.';


create function igjobs.run_purchases(p_accounts text, p_outcomes jsonb)
    returns table (account text, whole boolean)
    language plpgsql stable
as $$
begin
    return query
    select u.account, p_outcomes ->> u.account = 'whole'
    from string_to_table(p_accounts, e'\n') u (account)
    where p_outcomes ->> u.account in ('full', 'whole')
    union all
    select igjobs.set_key(p_accounts), false
    where not exists (
        select from string_to_table(p_accounts, e'\n') u (account)
        where coalesce(p_outcomes ->> u.account, '')
            not in ('ok', 'full', 'whole'))
        and exists (
            select from string_to_table(p_accounts, e'\n') u (account)
            where p_outcomes ->> u.account = 'ok');
end
$$;
comment on function igjobs.run_purchases(text, jsonb) is
    'What a run that succeeded has brought for good: each account of which '
    'all items are known to be its own, and otherwise the set of them, if '
    'none failed.';


create function igjobs.asked_of_each(
    r igjobs.runs, p_accounts text, p_max_count integer)
    returns integer
    language sql immutable
return coalesce(
    r.max_items / cardinality(string_to_array(p_accounts, e'\n')),
    p_max_count);
comment on function igjobs.asked_of_each(igjobs.runs, text, integer) is
    'How many followers of each account a run was to bring: fewer than the '
    'job wanted where its budget was short.';


create function igjobs.note_batches(
    j public.scrape_jobs, p_first integer, p_batches integer)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.purchases as p (
        bought_at, job_id, batch_no, run_no, max_count, whole, tenant,
        platform, provider, actor, account)
    select distinct on (u.account, r.provider, r.actor)
        r.intent_at, r.job_id, r.batch_no, r.run_no,
        igjobs.asked_of_each(r, coalesce(r.accounts, a.accounts),
                             j.max_count_per_account),
        u.whole, r.tenant, r.platform, r.provider, r.actor, u.account
    from igjobs.runs r
    join igjobs.batch_accounts a
        on a.tenant = r.tenant and a.job_id = r.job_id
        and a.batch_no = r.batch_no
    cross join lateral igjobs.run_purchases(
        coalesce(r.accounts, a.accounts), a.outcomes) u
    where r.tenant = j.tenant and r.job_id = j.job_id
        and r.batch_no >= p_first and r.batch_no < p_first + p_batches
        and r.state = 'succeeded' and r.origin is null
        and j.erased_at is null
        and r.run_id is not null and r.dataset_id is not null
        and r.intent_at > now() - igjobs.reuse_time()
    order by u.account, r.provider, r.actor, r.intent_at desc
    on conflict (tenant, account, platform, provider, actor) do update
    set bought_at = excluded.bought_at, job_id = excluded.job_id,
        batch_no = excluded.batch_no, run_no = excluded.run_no,
        max_count = excluded.max_count, whole = excluded.whole
    where excluded.bought_at >= p.bought_at;
end
$$;
comment on function igjobs.note_batches(
    public.scrape_jobs, integer, integer) is
    'Part of note_purchases: what these batches of a job have bought.';


create function igjobs.next_ended(p_after timestamptz, p_after_job uuid)
    returns public.scrape_jobs
    language plpgsql stable
as $$
declare
    j public.scrape_jobs;
begin
    select t.* into j from public.scrape_jobs t
    where t.completed_at is not null
        and t.completed_at < now() - interval '1 s'
        and (t.completed_at, t.job_id) > (
            greatest(p_after, now() - igjobs.reuse_time()), p_after_job)
    order by t.completed_at, t.job_id
    limit 1;
    return j;
end
$$;
comment on function igjobs.next_ended(timestamptz, uuid) is
    'Part of note_purchases: the job that ended next. A second late, so that '
    'ends become known in their order; what is missed is bought again.';


create function igjobs.note_purchases(p_batches integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    m igjobs.purchases_mark;
    j public.scrape_jobs;
    done integer := 0;
    n integer;
begin
    select t.* into m from igjobs.purchases_mark t for update;
    while done < p_batches loop
        if m.next_batch is null then
            j := igjobs.next_ended(m.completed_at, m.job_id);
            exit when j.job_id is null;
            m := (j.completed_at, j.job_id, 0);
        elsif j.job_id is null then
            select t.* into j from public.scrape_jobs t
            where t.job_id = m.job_id;
        end if;
        n := least(p_batches - done,
                   coalesce(j.total_batches, 0) - m.next_batch);
        perform igjobs.note_batches(j, m.next_batch, n);
        m.next_batch := case when m.next_batch + n < j.total_batches
                            then m.next_batch + n end;
        done := done + greatest(1, n);
    end loop;
    update igjobs.purchases_mark
    set completed_at = m.completed_at, job_id = m.job_id,
        next_batch = m.next_batch;
    return done;
end
$$;
comment on function igjobs.note_purchases(integer) is
    'Notes what jobs that have ended since the last call have bought, '
    'p_batches of them at most; returns how many, so less than p_batches when '
    'there is nothing more to be noted.';


create function igjobs.drop_old_purchases(p_limit integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    dropped integer;
begin
    delete from igjobs.purchases p
    where p.ctid = any (array(
        select o.ctid from igjobs.purchases o
        where o.bought_at < now() - igjobs.reuse_time()
        order by o.bought_at
        limit p_limit));
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
comment on function igjobs.drop_old_purchases(integer) is
    'Forgets the oldest purchases, p_limit of them at most; returns how '
    'many.';


-- Taking it again.

create type igjobs.reading as (
    run_id text, dataset_id text, accounts text, account_max integer);

create function igjobs.find_purchases(
    b igjobs.batches, j public.scrape_jobs, p_accounts text,
    p_provider text, p_actor text)
    returns setof igjobs.reading
    language plpgsql stable
    set enable_seqscan = off
as $$
begin
    return query
    select r.run_id, r.dataset_id, string_agg(k.account, e'\n' order by k.n),
        case when p.max_count > j.max_count_per_account
            then j.max_count_per_account end
    from (
        select u.account, u.account as key, u.n, false as is_set
        from string_to_table(p_accounts, e'\n') with ordinality u (account, n)
        union all
        select p_accounts, igjobs.set_key(p_accounts), 0, true) k
    join igjobs.purchases p
        on p.tenant = b.tenant and p.account = k.key
        and p.platform = b.platform and p.provider = p_provider
        and p.actor = p_actor
    join igjobs.runs r
        on r.tenant = p.tenant and r.job_id = p.job_id
        and r.batch_no = p.batch_no and r.run_no = p.run_no
        and r.dataset_id is not null
    join public.scrape_jobs s
        on s.tenant = p.tenant and s.job_id = p.job_id
        and s.erased_at is null
    where p.bought_at > now() - least(
            igjobs.reuse_time(), j.max_age_seconds * interval '1 s')
        and case when k.is_set then p.max_count = j.max_count_per_account
                else p.whole or p.max_count >= j.max_count_per_account end
    group by r.run_id, r.dataset_id, k.is_set, 4
    order by k.is_set desc, min(k.n);
end
$$;
comment on function igjobs.find_purchases(
    igjobs.batches, public.scrape_jobs, text, text, text) is
    'Part of plan_reuse: earlier runs that have what accounts of a batch '
    'bring, and which; the set of them all comes first.';


create function igjobs.plan_reading(
    b igjobs.batches, p_run_no integer, p_provider text, p_actor text,
    p_reading igjobs.reading)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.runs (
        job_id, batch_no, run_no, attempt, state, tenant, platform, origin,
        provider, actor, run_id, dataset_id, accounts, account_max)
    values (
        b.job_id, b.batch_no, p_run_no, b.attempt, 'reading', b.tenant,
        b.platform, 'reused', p_provider, p_actor, p_reading.run_id,
        p_reading.dataset_id, p_reading.accounts, p_reading.account_max);
end
$$;
comment on function igjobs.plan_reading(
    igjobs.batches, integer, text, text, igjobs.reading) is
    'Part of plan_reuse: a run that reads the dataset of an earlier one.';


create function igjobs.plan_reuse(
    b igjobs.batches, j public.scrape_jobs, p_provider text, p_actor text)
    returns boolean
    language plpgsql volatile
as $$
declare
    accounts text := (
        select a.accounts from igjobs.batch_accounts a
        where a.tenant = b.tenant and a.job_id = b.job_id
            and a.batch_no = b.batch_no);
    found_at igjobs.reading;
    run_no integer := 0;
    taken text[] := '{}';
    others text;
begin
    for found_at in
        select * from igjobs.find_purchases(b, j, accounts, p_provider,
                                            p_actor)
    loop
        taken := taken || string_to_array(found_at.accounts, e'\n');
        if cardinality(taken) = b.account_count and run_no = 0 then
            found_at.accounts := null;
        end if;
        perform igjobs.plan_reading(b, run_no, p_provider, p_actor, found_at);
        run_no := run_no + 1;
        exit when found_at.accounts is null;
    end loop;

    others := (
        select string_agg(u.account, e'\n' order by u.n)
        from string_to_table(accounts, e'\n') with ordinality u (account, n)
        where u.account <> all (taken));
    if run_no > 0 and others is not null then
        perform igjobs.plan_run(b, others);
    end if;
    return run_no > 0;
end
$$;
comment on function igjobs.plan_reuse(
    igjobs.batches, public.scrape_jobs, text, text) is
    'Part of claim, for a new batch of a job with max_age: plans runs that '
    'read what was bought before, and one for the other accounts. False: '
    'nothing is there, and nothing was planned.';


create function igjobs.reused_accounts(p_tenant text, p_job uuid)
    returns bigint
    language plpgsql stable
as $$
begin
    return (
        select case when count(*) <= 20000 then coalesce(sum(r.n), 0) end
        from (
            select coalesce(cardinality(string_to_array(t.accounts, e'\n')),
                            b.account_count) as n
            from igjobs.runs t
            join igjobs.batches b
                on b.tenant = t.tenant and b.job_id = t.job_id
                and b.batch_no = t.batch_no
            where t.tenant = p_tenant and t.job_id = p_job
                and t.origin = 'reused' and t.state = 'succeeded'
            limit 20001) r);
end
$$;
comment on function igjobs.reused_accounts(text, uuid) is
    'How many accounts of a job were not bought again; null when they came in '
    'more than 20,000 runs.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.note_purchases(integer),
    igjobs.drop_old_purchases(integer)
to igjobs_worker;
