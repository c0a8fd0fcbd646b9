-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The status document and its words. What Redis holds, nginx sends and a miss
-- reads is the text that igjobs.job_document made.

create function igjobs.setting(p_name text)
    returns text
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (select s.value from igjobs.settings s where s.name = p_name);
end
$$;
comment on function igjobs.setting(text) is
    'A setting''s value, null when there is none.';


create function igjobs.is_final(p_state text)
    returns boolean
    language sql immutable
return p_state in ('completed', 'failed', 'canceled');
comment on function igjobs.is_final(text) is
    'Has the job ended? Nothing is stored after that.';


create function igjobs.status_word(p_state text)
    returns text
    language sql immutable
return case
    when p_state in ('queued', 'completed') then p_state
    when p_state in ('failed', 'canceled') then 'failed'
    else 'processing'
end;
comment on function igjobs.status_word(text) is
    'The original''s four words: its clients wait for completed or failed.';


create function igjobs.completion_reason(p_state text, p_reason text)
    returns text
    language sql immutable
return case
    when p_state = 'canceled' then 'canceled'
    when p_state = 'completed' then case p_reason
        when 'target' then 'target_reached'
        when 'precision' then 'precision_reached'
        when 'budget' then 'budget_exhausted'
        else 'all_done' end
    when p_state = 'failed' and p_reason = 'deadline' then 'deadline'
end;
comment on function igjobs.completion_reason(text, text) is
    'The public word for why a job ended; null while it runs, and for a job '
    'that failed because too many accounts did.';


create function igjobs.json_text(p_text text)
    returns text
    language sql stable
return coalesce(to_json(p_text)::text, 'null');
comment on function igjobs.json_text(text) is 'A JSON string, or null.';


create function igjobs.json_time(p_time timestamptz)
    returns text
    language sql stable
return coalesce(to_char(p_time at time zone 'UTC',
                        '"\""YYYY-MM-DD"T"HH24:MI:SS.US"+00:00\""'), 'null');
comment on function igjobs.json_time(timestamptz) is
    'A JSON string like "2025-10-14T09:05:11.123456+00:00", or null.';


-- inlined where it is called; the defaults are those of a new job
create function igjobs.document(
    p_version bigint, p_job uuid, p_state text, p_phase text,
    p_total_batches integer, p_account_count integer,
    p_created_at timestamptz, p_updated_at timestamptz,
    p_started_at timestamptz default null,
    p_completed_at timestamptz default null,
    p_reason text default null, p_error_message text default null,
    p_progress numeric default 0, p_profiles_scraped bigint default 0,
    p_total_scraped bigint default null, p_total_filtered bigint default null,
    p_accounts_failed integer default 0, p_female_count bigint default 0,
    p_male_count bigint default 0, p_unknown_count bigint default 0,
    p_batches_done integer default 0, p_batches_dead integer default 0,
    p_max_cost_usd numeric default null, p_cost_usd numeric default 0,
    p_reserved_usd numeric default 0, p_more text default '',
    p_results text default 'job-results')
    returns text
    language sql stable
return format(
    '{"version":%s,"success":true,"job_id":"%s","status":"%s","state":"%s",'
    '"completion_reason":%s,"phase":"%s","progress":%s,'
    '"profiles_scraped":%s,"total_scraped":%s,"total_filtered":%s,'
    '"total_batches":%s,"current_batch":%s,"error_message":%s,'
    '"created_at":%s,"started_at":%s,"completed_at":%s,"updated_at":%s,'
    '"accounts":{"total":%s,"failed":%s},'
    '"genders":{"female":%s,"male":%s,"unknown":%s},'
    '"batches":{"done":%s,"failed":%s},'
    '"cost":{"usd":%s,"reserved_usd":%s,"max_usd":%s},%s'
    '"results_url":"/api/%s/%s"}',
    p_version, p_job, igjobs.status_word(p_state), p_state,
    igjobs.json_text(igjobs.completion_reason(p_state, p_reason)),
    p_phase, trim_scale(p_progress),
    p_profiles_scraped, coalesce(p_total_scraped::text, 'null'),
    coalesce(p_total_filtered::text, 'null'),
    p_total_batches, p_batches_done + p_batches_dead,
    igjobs.json_text(p_error_message),
    igjobs.json_time(p_created_at), igjobs.json_time(p_started_at),
    igjobs.json_time(p_completed_at), igjobs.json_time(p_updated_at),
    p_account_count, p_accounts_failed,
    p_female_count, p_male_count, p_unknown_count,
    p_batches_done, p_batches_dead,
    trim_scale(p_cost_usd), trim_scale(p_reserved_usd),
    coalesce(trim_scale(p_max_cost_usd)::text, 'null'), p_more, p_results,
    p_job);
comment on function igjobs.document(
    bigint, uuid, text, text, integer, integer, timestamptz, timestamptz,
    timestamptz, timestamptz, text, text, numeric, bigint, bigint, bigint,
    integer, bigint, bigint, bigint, integer, integer, numeric, numeric,
    numeric, text, text) is
    'The status document, one line of JSON. version comes first, for readers '
    'that only match a prefix. p_more: further members, each with a comma '
    'behind it. p_results: where under /api/ the results are.';


create function igjobs.limits_member(
    p_target_count bigint, p_half_width real, p_max_cost_usd numeric,
    p_deadline timestamptz)
    returns text
    language sql stable
return case
    when num_nonnulls(p_target_count, p_half_width, p_max_cost_usd,
                      p_deadline) = 0 then ''
    else format('"limits":%s,', json_strip_nulls(json_build_object(
        'target_count', p_target_count, 'half_width', p_half_width::numeric,
        'max_cost_usd', trim_scale(p_max_cost_usd),
        'deadline', igjobs.json_time(p_deadline)::json)))
    end;
comment on function igjobs.limits_member(
    bigint, real, numeric, timestamptz) is
    'The member limits of a document: those that were asked for; an empty '
    'text when there is none.';


create function igjobs.job_document(j public.scrape_jobs)
    returns text
    language plpgsql stable
as $$
begin
    if j.erased_at is not null then
        return igjobs.erased_document(j);
    end if;
    return igjobs.document(
        j.version, j.job_id, j.state, j.phase, j.total_batches,
        j.account_count, j.created_at, j.updated_at, j.started_at,
        j.completed_at, j.reason, j.error_message, j.progress,
        j.profiles_scraped, j.total_scraped, j.total_filtered,
        j.accounts_failed, j.female_count, j.male_count, j.unknown_count,
        j.batches_done, j.batches_dead, j.max_cost_usd, j.cost_usd,
        j.reserved_usd,
        case
            when j.kind = 'operation' then igjobs.operation_member(j)
            when num_nonnulls(j.target_count, j.half_width, j.max_cost_usd,
                              j.deadline, j.reason) > 0
                then igjobs.further_members(j)
            else ''
        end,
        case j.kind when 'operation' then 'operations'
                    else 'job-results' end);
end
$$;
comment on function igjobs.job_document(public.scrape_jobs) is
    'The status document of a job row. Written into the row by the function '
    'that changes it.';


create view igjobs.job_documents as
    select j.tenant, j.job_id, j.version, j.doc from public.scrape_jobs j
    where j.erased_at is null;
comment on view igjobs.job_documents is
    'What a status request reads: one column of one row.';
