-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What a submission would take, asked before it is sent (dry_run). Nothing is
-- written. Time and likely cost are those of jobs that have run to their end,
-- the tenant's own or, when it has too few, the fleet's; without any they are
-- null rather than guessed. Work is bounded: a thousand job rows at most.

create type igjobs.measured_job as (
    job_id uuid, items double precision, wave_seconds double precision,
    usd_per_item numeric);
comment on type igjobs.measured_job is
    'Of a job that ran to its end: items asked for in a full batch; seconds '
    'of a wave, which is as many batches as run at once; what an item that '
    'was asked for cost.';


create function igjobs.measure_job(j public.scrape_jobs)
    returns igjobs.measured_job
    language sql immutable
return row(
    j.job_id,
    j.account_count::double precision * j.max_count_per_account
        / j.total_batches,
    extract(epoch from j.completed_at - j.started_at)
        / ceil(j.total_batches::double precision
               / least(j.parallelism, j.total_batches)),
    nullif(j.cost_usd, 0)
        / (j.account_count::bigint * j.max_count_per_account)
    )::igjobs.measured_job;
comment on function igjobs.measure_job(public.scrape_jobs) is
    'Part of measured_jobs.';


create function igjobs.ran_here(p_job uuid)
    returns boolean
    language sql immutable
return substr(p_job::text, 15, 1) = '7';
comment on function igjobs.ran_here(uuid) is
    'Is this a job of igjobs? Ids of those that were taken over from the '
    'system before it (040_adopt) have another version than 7.';


create function igjobs.measured_jobs(p_tenant text, p_platform text)
    returns setof igjobs.measured_job
    language plpgsql stable
    set enable_seqscan = off
as $$
begin
    return query
    select m.*
    from (
        select t.* from public.scrape_jobs t
        where t.tenant = p_tenant and t.state = 'completed'
            and t.created_at > '-infinity'
        order by t.created_at desc
        limit 200) j, igjobs.measure_job(j) m
    where j.platform = p_platform and j.reason is null
        and igjobs.ran_here(j.job_id);
end
$$;
comment on function igjobs.measured_jobs(text, text) is
    'Of the newest 200 completed jobs of a tenant those that were not '
    'stopped early.';


create function igjobs.measured_fleet(p_platform text)
    returns setof igjobs.measured_job
    language plpgsql stable
    set enable_seqscan = off
as $$
begin
    return query
    select m.*
    from (
        select t.* from public.scrape_jobs t
        where t.job_id < '03000000-0000-0000-0000-000000000000'
            and igjobs.ran_here(t.job_id)
        order by t.job_id desc
        limit 1000) j, igjobs.measure_job(j) m
    where j.platform = p_platform and j.state = 'completed'
        and j.reason is null;
end
$$;
comment on function igjobs.measured_fleet(text) is
    'The same of the newest 1,000 jobs of all tenants.';


create function igjobs.estimate_seconds(
    p_jobs igjobs.measured_job[], p_items double precision, p_waves integer)
    returns jsonb
    language sql immutable
return (
    select case when count(*) > 0 then jsonb_build_object(
        'p50', round((p_waves * percentile_cont(0.5)
                      within group (order by m.seconds))::numeric, 1),
        'p90', round((p_waves * percentile_cont(0.9)
                      within group (order by m.seconds))::numeric, 1)) end
    from (
        select t.wave_seconds * greatest(1, p_items / t.items) as seconds
        from unnest(p_jobs) t
        order by abs(ln(t.items) - ln(p_items))
        limit 20) m);
comment on function igjobs.estimate_seconds(
    igjobs.measured_job[], double precision, integer) is
    'How long so many waves of batches of so many items take: of the 20 jobs '
    'whose batches were most alike; larger batches take longer in proportion.';


create function igjobs.estimate_usd(
    p_jobs igjobs.measured_job[], p_items bigint)
    returns numeric
    language sql immutable
return (
    select round(p_items * percentile_cont(0.5)
                     within group (order by m.usd_per_item)::numeric, 6)
    from unnest(p_jobs) m
    where m.usd_per_item is not null);
comment on function igjobs.estimate_usd(igjobs.measured_job[], bigint) is
    'What so many items would cost as the median job; null when no job''s '
    'cost is known.';


create function igjobs.most_usd(
    p_job uuid, p_account_count integer, p_max_count integer)
    returns numeric
    language plpgsql stable
as $$
declare
    r igjobs.runs;
    full_batches integer := p_account_count / igjobs.batch_size();
    rest integer := p_account_count % igjobs.batch_size();
begin
    select t.* into r from igjobs.runs t
    where t.job_id = p_job and t.actor is not null
    order by t.batch_no desc, t.run_no desc limit 1;

    return (
        select full_batches * igjobs.run_usd(
                p, igjobs.batch_size()::bigint * p_max_count)
            + case when rest > 0 then
                igjobs.run_usd(p, rest::bigint * p_max_count) else 0 end
        from igjobs.price_of(coalesce(r.provider, 'apify'),
                             coalesce(r.actor, '*')) p);
exception when no_data_found then
    return null;
end
$$;
comment on function igjobs.most_usd(uuid, integer, integer) is
    'What a job costs at most by the operator''s prices of the actor that '
    'p_job was run with, a run a batch; null when there is no price.';


create type igjobs.estimated as (
    refusal text, parallelism integer, estimate jsonb);

create function igjobs.estimate_job(
    p_tenant text, p_platform text, p_account_count integer,
    p_max_count integer, p_options jsonb)
    returns igjobs.estimated
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    e igjobs.estimated;
    jobs igjobs.measured_job[] := array(
        select j from igjobs.measured_jobs(p_tenant, p_platform) j);
    own boolean := cardinality(jobs) >= 3;
    batches integer := igjobs.batches_of(p_account_count);
    items bigint := p_account_count * p_max_count::bigint;
begin
    if not own then
        jobs := array(select j from igjobs.measured_fleet(p_platform) j);
    end if;
    e.refusal := igjobs.refusal(b, p_tenant, p_platform) from igjobs.backlog b;
    e.parallelism := case when p_options ? 'parallelism' then
        least((p_options ->> 'parallelism')::integer,
              igjobs.setting('max_parallelism')::integer)
        else igjobs.setting('parallelism')::integer end;
    e.estimate := jsonb_build_object(
        'followers', items,
        'usd', jsonb_build_object(
            'likely', trim_scale(igjobs.estimate_usd(jobs, items)),
            'most', trim_scale(igjobs.most_usd(
                jobs[1].job_id, p_account_count, p_max_count))),
        'seconds', igjobs.estimate_seconds(
            jobs, items::double precision / batches,
            ceil(batches::numeric / least(batches, e.parallelism))::integer),
        'measured_jobs', cardinality(jobs),
        'measured_of', case when cardinality(jobs) = 0 then null
                            when own then 'tenant' else 'fleet' end);
    return e;
end
$$;
comment on function igjobs.estimate_job(text, text, integer, integer, jsonb) is
    'What a job of so many accounts would take: followers at most, dollars, '
    'seconds from its first batch to its end, and on how many jobs these '
    'rest. p_options: as for submit_all. refusal: null, or why it would not '
    'be accepted now.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.estimate_job(text, text, integer, integer, jsonb)
to igjobs_api;
