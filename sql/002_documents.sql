-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The status document: its one home. What Redis holds, nginx sends and a miss
-- reads is the text that igjobs.job_document made.

create function igjobs.setting(p_name text)
    returns text
    language sql stable
return (select s.value from igjobs.settings s where s.name = p_name);
comment on function igjobs.setting(text) is
    'A setting''s value, null when there is none.';


create function igjobs.is_final(p_state text)
    returns boolean
    language sql immutable
return p_state in ('completed', 'failed', 'canceled');
comment on function igjobs.is_final(text) is
    'Has the job ended? Nothing is stored after that.';


-- completion_reason of the document; null while the job runs, and for a job
-- that failed because too many accounts did
create function igjobs.completion_reason(p_state text, p_reason text)
    returns text
    language sql immutable
return case
    when p_state = 'canceled' then 'canceled'
    when p_state = 'completed' then
        case p_reason
            when 'target' then 'target_reached'
            when 'precision' then 'precision_reached'
            when 'budget' then 'budget_exhausted'
            else 'all_done'
        end
    when p_state = 'failed' and p_reason = 'deadline' then 'deadline'
end;
comment on function igjobs.completion_reason(text, text) is
    'The public word for why a job ended.';


create function igjobs.json_text(p_text text)
    returns text
    language sql immutable
return coalesce(to_json(p_text)::text, 'null');
comment on function igjobs.json_text(text) is
    'A JSON string, or null.';


create function igjobs.json_time(p_time timestamptz)
    returns text
    language sql stable
return coalesce(
    '"' || to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
        || '+00:00"',
    'null');
comment on function igjobs.json_time(timestamptz) is
    'A JSON string like "2025-10-14T09:05:11.123456+00:00", or null.';


create function igjobs.job_document(j public.scrape_jobs)
    returns text
    language sql stable
return
    '{"version":' || j.version
    || ',"success":true'
    || ',"job_id":"' || j.job_id || '"'
    || ',"status":"' || case
           when j.state in ('queued', 'completed') then j.state
           when j.state in ('failed', 'canceled') then 'failed'
           else 'processing' end || '"'
    || ',"state":"' || j.state || '"'
    || ',"completion_reason":'
    || igjobs.json_text(igjobs.completion_reason(j.state, j.reason))
    || ',"phase":' || igjobs.json_text(j.phase)
    || ',"progress":' || trim_scale(j.progress)
    || ',"profiles_scraped":' || j.profiles_scraped
    || ',"total_scraped":' || coalesce(j.total_scraped::text, 'null')
    || ',"total_filtered":' || coalesce(j.total_filtered::text, 'null')
    || ',"total_batches":' || j.total_batches
    || ',"current_batch":' || j.batches_done + j.batches_dead
    || ',"error_message":' || igjobs.json_text(j.error_message)
    || ',"created_at":' || igjobs.json_time(j.created_at)
    || ',"started_at":' || igjobs.json_time(j.started_at)
    || ',"completed_at":' || igjobs.json_time(j.completed_at)
    || ',"updated_at":' || igjobs.json_time(j.updated_at)
    || ',"accounts":{"total":' || j.account_count
    || ',"failed":' || j.accounts_failed || '}'
    || ',"genders":{"female":' || j.female_count
    || ',"male":' || j.male_count
    || ',"unknown":' || j.unknown_count || '}'
    || ',"batches":{"done":' || j.batches_done
    || ',"failed":' || j.batches_dead || '}'
    || ',"results_url":"/api/job-results/' || j.job_id || '"}';
comment on function igjobs.job_document(public.scrape_jobs) is
    'The status document of a job row, one line of JSON. Written into the '
    'row by the function that changes it.';


create view igjobs.job_documents as
    select j.tenant, j.job_id, j.version, j.doc from public.scrape_jobs j;
comment on view igjobs.job_documents is
    'What a status request reads: one column of one row.';
