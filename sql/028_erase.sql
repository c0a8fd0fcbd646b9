-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Erasing a job: from the call on nobody can read it any more; its rows go
-- bit by bit. What stays is the entry in the audit log. Locks: the call takes
-- the job row, a step of the upkeep the rows that it deletes, of one job.

create function igjobs.erased_document(j public.scrape_jobs)
    returns text
    language sql stable
return regexp_replace(igjobs.document(
    p_version => j.version, p_job => j.job_id, p_state => 'canceled',
    p_phase => j.phase, p_total_batches => j.total_batches,
    p_account_count => j.account_count, p_created_at => j.created_at,
    p_updated_at => j.updated_at, p_started_at => j.started_at,
    p_completed_at => coalesce(j.completed_at, j.updated_at),
    p_reason => 'cancel', p_error_message => 'Job was erased'),
    '^(\{"version":\d+,)', '\1"erased":true,');
comment on function igjobs.erased_document(public.scrape_jobs) is
    'The last document of a job that is erased: an end for those who wait '
    'for one. Whoever asks for the job from now on is told that there is '
    'none.';


create function igjobs.erase_answer(p_job uuid, p_erased boolean)
    returns text
    language sql immutable
return format('{"success":true,"job_id":"%s","erased":%s}', p_job,
              p_erased::text);
comment on function igjobs.erase_answer(uuid, boolean) is
    'What api_delete_job says: is anything of the job left?';


create function igjobs.was_erased(caller jsonb, p_job uuid)
    returns boolean
    language plpgsql stable
as $$
begin
    return exists (
        select from igjobs.audit_log a
        where a.job_id = p_job and a.tenant = caller ->> 'tenant'
            and a.action = 'erase');
end
$$;
comment on function igjobs.was_erased(jsonb, uuid) is
    'Has the tenant had a job of this id erased?';


create function igjobs.erase_locked(j public.scrape_jobs, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    was text := j.state;
    a igjobs.api_change;
begin
    j.erased_at := clock_timestamp();
    update public.scrape_jobs t set erased_at = j.erased_at
    where t.tenant = j.tenant and t.job_id = j.job_id;
    j := igjobs.save_job(igjobs.stop_locked(j, 'cancel'));
    perform igjobs.audit(j, 'erase', params, jsonb_build_object(
        'state', was, 'accounts', j.account_count,
        'profiles', j.profiles_scraped, 'created_at', j.created_at));
    a := igjobs.changed(202, j);
    a.body := igjobs.erase_answer(j.job_id, false);
    return a;
end
$$;
comment on function igjobs.erase_locked(public.scrape_jobs, jsonb) is
    'Part of api_delete_job: a job whose row is locked is canceled, unless it '
    'has ended, and hidden.';


create function igjobs.api_delete_job(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    id uuid := igjobs.job_id(params);
    j public.scrape_jobs;
begin
    if igjobs.bad_reason(params) is not null then
        return igjobs.bad_member('#/reason', igjobs.bad_reason(params));
    end if;
    j := igjobs.lock_job(caller ->> 'tenant', id);
    if j.erased_at is not null then
        return igjobs.unchanged((202, igjobs.erase_answer(id, false)));
    elsif j.job_id is not null then
        return igjobs.erase_locked(j, params);
    elsif igjobs.was_erased(caller, id) then
        return igjobs.unchanged((200, igjobs.erase_answer(id, true)));
    end if;
    return igjobs.unchanged(igjobs.no_job(params));
end
$$;
comment on function igjobs.api_delete_job(jsonb, jsonb) is
    'DELETE /api/jobs/{job} {"reason"}: cancel and erase. 202 while rows of '
    'the job are left, 200 when it is gone, 404 when there was none.';


create index scrape_jobs_erased on public.scrape_jobs (erased_at)
    where erased_at is not null;
comment on index public.scrape_jobs_erased is
    'igjobs.next_erased: jobs that are being erased, oldest first';


create function igjobs.has_work(p_tenant text, p_job uuid)
    returns boolean
    language plpgsql stable
as $$
begin
    return exists (
        select from igjobs.runs r
        where r.tenant = p_tenant and r.job_id = p_job
            and (r.closed_at is null and r.state not in ('planned', 'reading')
                 or r.state = 'stray'
                 or r.settle_at is not null or r.look_at is not null));
end
$$;
comment on function igjobs.has_work(text, uuid) is
    'May the provider be working for this job, or is a bill to come? Then its '
    'rows are needed.';


create function igjobs.next_erased()
    returns public.scrape_jobs
    language plpgsql stable
    set enable_seqscan = off
as $$
declare
    j public.scrape_jobs;
begin
    select t.* into j from public.scrape_jobs t
    where t.erased_at is not null and igjobs.is_final(t.state)
        and (exists (
                select from igjobs.batch_accounts a
                where a.tenant = t.tenant and a.job_id = t.job_id)
             or exists (
                select from igjobs.chunks c
                where c.tenant = t.tenant and c.job_id = t.job_id)
             or not igjobs.has_work(t.tenant, t.job_id))
    order by t.erased_at
    limit 1;
    return j;
end
$$;
comment on function igjobs.next_erased() is
    'Part of erase_step: a job to be erased of which something can go now. '
    'Lanes and provider runs come to their end first.';


create function igjobs.erase_personal(j public.scrape_jobs, p_limit integer)
    returns integer
    language plpgsql volatile
    set enable_seqscan = off
as $$
declare
    gone integer;
begin
    delete from igjobs.chunk_rows r
    where r.tenant = j.tenant and r.job_id = j.job_id
        and r.chunk_no in (
            select t.chunk_no from igjobs.chunk_rows t
            where t.tenant = j.tenant and t.job_id = j.job_id
            order by t.chunk_no
            limit greatest(1, p_limit / igjobs.chunk_size()));
    get diagnostics gone = row_count;
    if gone > 0 then
        return gone;
    end if;

    delete from igjobs.job_profiles p
    where p.job_id = j.job_id
        and p.profile_id in (
            select t.profile_id from igjobs.job_profiles t
            where t.job_id = j.job_id
            order by t.profile_id limit p_limit);
    get diagnostics gone = row_count;
    if gone > 0 then
        return gone;
    end if;

    delete from igjobs.batch_accounts a
    where a.tenant = j.tenant and a.job_id = j.job_id
        and a.batch_no in (
            select t.batch_no from igjobs.batch_accounts t
            where t.tenant = j.tenant and t.job_id = j.job_id
            order by t.batch_no limit p_limit);
    get diagnostics gone = row_count;
    if gone > 0 then
        return gone;
    end if;

    delete from igjobs.purchases p
    where p.ctid = any (array(
        select t.ctid from igjobs.purchases t
        where t.tenant = j.tenant and t.job_id = j.job_id
        limit p_limit));
    get diagnostics gone = row_count;
    if gone > 0 then
        return gone;
    end if;

    delete from igjobs.chunks c
    where c.tenant = j.tenant and c.job_id = j.job_id;
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function igjobs.erase_personal(public.scrape_jobs, integer) is
    'Part of erase_step: results, accounts, and what is known of them for '
    'later jobs, up to p_limit rows. How many went; 0 = none is left.';


create function igjobs.erase_rest(j public.scrape_jobs)
    returns void
    language plpgsql volatile
    set enable_seqscan = off
as $$
begin
    delete from igjobs.batches b
    where b.tenant = j.tenant and b.job_id = j.job_id;
    delete from igjobs.deliveries d
    where d.tenant = j.tenant and d.job_id = j.job_id;
    delete from igjobs.runs r
    where r.tenant = j.tenant and r.job_id = j.job_id;
    delete from igjobs.unit_results u where u.job_id = j.job_id;
    delete from igjobs.ingest_units u
    where u.tenant = j.tenant and u.job_id = j.job_id;
    delete from igjobs.operations o
    where o.tenant = j.tenant and o.job_id = j.job_id;
    delete from public.scrape_jobs t
    where t.tenant = j.tenant and t.job_id = j.job_id;
end
$$;
comment on function igjobs.erase_rest(public.scrape_jobs) is
    'Part of erase_step: at most 10,000 batches, their runs, webhooks, and the '
    'job row last.';


create function igjobs.erase_step(p_limit integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.next_erased();
begin
    if j.job_id is null then
        return 0;
    elsif igjobs.erase_personal(j, p_limit) = 0
        and not igjobs.has_work(j.tenant, j.job_id)
    then
        perform igjobs.erase_rest(j);
    end if;
    return p_limit;
end
$$;
comment on function igjobs.erase_step(integer) is
    'Takes the next piece of a job that is being erased away: p_limit; 0 when '
    'nothing can go now. Called by one worker, the leader; two at a time '
    'would only wait for each other.';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_delete_job(jsonb, jsonb) to igjobs_api;
grant execute on function igjobs.erase_step(integer) to igjobs_worker;
