-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Endpoints that are not hot: igjobs.api_<name>(caller, params) answers an
-- HTTP status and a body. caller: {"tenant"}. params: what stood in the path
-- and the query string, all text, absent ones left out; an empty one is like
-- an absent one. Each reads a bounded number of rows, whatever is asked for.

create type igjobs.api_answer as (status integer, body text);
comment on type igjobs.api_answer is
    'What an api function answers. From status 400 on the body is {"problem", '
    '"error", "detail", "pointer", "members"}: the slug of a problem that the '
    'module knows, texts instead of that problem''s own, the member of the '
    'request''s body that is wrong, and what else this answer has.';


create function igjobs.api_problem(
    p_status integer, p_problem text, p_detail text,
    p_error text default null, p_pointer text default null)
    returns igjobs.api_answer
    language sql stable
return row(p_status, json_strip_nulls(json_build_object(
    'problem', p_problem, 'error', p_error, 'detail', p_detail,
    'pointer', p_pointer))::text)::igjobs.api_answer;
comment on function igjobs.api_problem(integer, text, text, text, text) is
    'The answer that something is wrong; null stands for the problem''s own '
    'text.';


create function igjobs.with_members(a igjobs.api_answer, p_members jsonb)
    returns igjobs.api_answer
    language sql immutable
return row(a.status, jsonb_set(a.body::jsonb, '{members}',
                               jsonb_strip_nulls(p_members))::text)
    ::igjobs.api_answer;
comment on function igjobs.with_members(igjobs.api_answer, jsonb) is
    'A problem that has members of its own.';


create function igjobs.page_size(
    p_text text, p_default integer, p_max integer)
    returns integer
    language sql immutable
return case
    when p_text = '' or p_text is null then p_default
    when p_text !~ '^\s*\+?[0-9]+\s*$' then null
    when p_text::numeric = 0 then p_default
    else least(p_text::numeric, p_max)
end;
comment on function igjobs.page_size(text, integer, integer) is
    'The parameter page_size: 0 is the default, what is too large is lowered; '
    'null when it is no number, or below 0.';


create function igjobs.words_known(p_words text, p_known text[])
    returns boolean
    language sql immutable
return coalesce(string_to_array(nullif(p_words, ''), ',') <@ p_known, true);
comment on function igjobs.words_known(text, text[]) is
    'Is each of the words, with commas between, a known one?';


create function igjobs.word_listed(p_words text, p_word text)
    returns boolean
    language sql immutable
return coalesce(p_word = any (string_to_array(nullif(p_words, ''), ',')),
                true);
comment on function igjobs.word_listed(text, text) is
    'Is the word one of those, with commas between? No words let all through.';


create function igjobs.parse_time(p_text text)
    returns timestamptz
    language plpgsql stable
as $$
declare
    -- in a query string a plus sign is a space
    at text := regexp_replace(p_text, ' (\d\d:?\d\d)$', '+\1');
begin
    if at !~ ('^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?'
              '(Z|[+-]\d\d:?\d\d)?)?$')
    then
        return null;
    end if;
    if at !~ 'T.*(Z|[+-]\d\d:?\d\d)$' then
        at := at || case when at ~ 'T' then 'Z' else 'T00:00Z' end;
    end if;
    return at::timestamptz;
exception when datetime_field_overflow or invalid_datetime_format
    or invalid_time_zone_displacement_value
then
    return null;
end
$$;
comment on function igjobs.parse_time(text) is
    'A date, or a time as in our documents: 2025-10-14T09:05:11.123456+00:00. '
    'UTC unless it says otherwise. Null for anything else.';


-- Page tokens: where a list goes on, and a keyed hash of that and of what the
-- list is of, so that a token serves no other list.

alter table igjobs.settings add secret boolean not null default false;
comment on column igjobs.settings.secret is 'igjobs.setting does not tell it';

insert into igjobs.settings (name, value, note, secret) values
    ('token_key', replace(gen_random_uuid()::text || gen_random_uuid()::text,
                          '-', ''),
     'key of page tokens; those that were made with another are refused',
     true);

create or replace function igjobs.setting(p_name text)
    returns text
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (select s.value from igjobs.settings s
            where s.name = p_name and not s.secret);
end
$$;


create function igjobs.token_hash(p_scope text, p_position bytea)
    returns bytea
    language plpgsql stable
as $$
declare
    key bytea := (select convert_to(s.value, 'UTF8') from igjobs.settings s
                  where s.name = 'token_key');
begin
    return substr(sha256(key || sha256(
        key || convert_to(p_scope, 'UTF8') || '\x00'::bytea || p_position)),
        1, 16);
end
$$;
comment on function igjobs.token_hash(text, bytea) is
    'Part of token: 16 bytes that nobody can make without the key.';


create function igjobs.token(p_scope text, p_position text)
    returns text
    language sql stable
return translate(encode(
    igjobs.token_hash(p_scope, convert_to(p_position, 'UTF8'))
    || convert_to(p_position, 'UTF8'), 'base64'), e'+/=\n', '-_');
comment on function igjobs.token(text, text) is
    'A token that stands for this position in the list of this scope, '
    'base64url. The scope names tenant, list and filter.';


create function igjobs.token_position(p_scope text, p_token text)
    returns text
    language plpgsql stable
as $$
declare
    bytes bytea;
begin
    if p_token !~ '^[A-Za-z0-9_-]{23,}$' or length(p_token) % 4 = 1 then
        return null;
    end if;
    bytes := decode(rpad(translate(p_token, '-_', '+/'),
                         (length(p_token) + 3) / 4 * 4, '='), 'base64');
    if substr(bytes, 1, 16)
        <> igjobs.token_hash(p_scope, substr(bytes, 17))
    then
        return null;
    end if;
    return convert_from(substr(bytes, 17), 'UTF8');
end
$$;
comment on function igjobs.token_position(text, text) is
    'The position in a token; null for what is no token of this scope.';


-- A change of state is never HOT, because of scrape_jobs_active; all that a
-- page changes stays out. The condition, which all rows meet, keeps it for the
-- list: it would do for a look-up by tenant and id, too, and be planned for
-- that while the table is small.
create index scrape_jobs_list on public.scrape_jobs
    (tenant, state, (kind = 'operation'), created_at, job_id)
    where created_at > '-infinity' and erased_at is null;
comment on index public.scrape_jobs_list is
    'igjobs.newest_jobs: the scrapes, or the operations, of one state, newest '
    'first';


create type igjobs.listed_job as (
    created_at timestamptz, job_id uuid, doc text);

create function igjobs.newest_jobs(
    p_tenant text, p_states text[], p_operations boolean[],
    p_after timestamptz, p_before timestamptz, p_before_job uuid,
    p_limit integer)
    returns setof igjobs.listed_job
    language plpgsql stable
    set enable_seqscan = off
    set enable_bitmapscan = off
as $$
begin
    return query
    select k.created_at, k.job_id, j.doc
    from (
        select k.created_at, k.job_id
        from unnest(p_states) s (state), unnest(p_operations) o (yes), lateral (
            select t.created_at, t.job_id
            from public.scrape_jobs t
            where t.tenant = p_tenant and t.state = s.state
                and (t.kind = 'operation') = o.yes
                and t.created_at > '-infinity' and t.erased_at is null
                and t.created_at > p_after
                and (t.created_at, t.job_id) < (p_before, p_before_job)
            order by t.created_at desc, t.job_id desc
            limit p_limit) k
        order by k.created_at desc, k.job_id desc
        limit p_limit) k, lateral (
        select t.doc from public.scrape_jobs t
        where t.tenant = p_tenant and t.job_id = k.job_id
        limit 1) j
    order by k.created_at desc, k.job_id desc;
end
$$;
comment on function igjobs.newest_jobs(
    text, text[], boolean[], timestamptz, timestamptz, uuid, integer) is
    'Jobs in these states, operations or not, newest first, made after '
    'p_after and before (p_before, p_before_job). Looks at p_limit jobs of '
    'each state and sort, so that no filter makes it read more.';


create function igjobs.jobs_json(p_jobs igjobs.listed_job[])
    returns text
    language sql stable
return (
    select coalesce(string_agg(format(
        '%s,"job_url":"/api/jobs/%2$s","status_url":"/api/job-status/%2$s"}',
        left(j.doc, -1), j.job_id), ',' order by j.n), '')
    from unnest(p_jobs) with ordinality j (created_at, job_id, doc, n));
comment on function igjobs.jobs_json(igjobs.listed_job[]) is
    'The jobs of a list: each is its status document, as it is, and where to '
    'read more.';


create function igjobs.bad_jobs_parameter(params jsonb)
    returns text
    language sql stable
return case
    when igjobs.page_size(params ->> 'page_size', 1, 1) is null then
        'page_size must be an integer from 0.'
    when not igjobs.words_known(
        params ->> 'status', '{queued,processing,completed,failed}')
    then
        'status takes queued, processing, completed and failed, with commas '
        'between.'
    when not igjobs.words_known(
        params ->> 'state',
        '{queued,running,stopping,paused,completed,failed,canceled}')
    then
        'state takes queued, running, stopping, paused, completed, failed and '
        'canceled, with commas between.'
    when not igjobs.words_known(
        params ->> 'kind', '{scrape_followers,operation}')
    then
        'kind takes scrape_followers and operation.'
    when params ->> 'created_after' <> ''
        and igjobs.parse_time(params ->> 'created_after') is null
    then
        'created_after must be a date or a time such as '
        '2025-10-14T09:05:11+00:00.'
    when params ->> 'created_before' <> ''
        and igjobs.parse_time(params ->> 'created_before') is null
    then
        'created_before must be a date or a time such as '
        '2025-10-14T09:05:11+00:00.'
end;
comment on function igjobs.bad_jobs_parameter(jsonb) is
    'What is wrong with a parameter of api_jobs, but for its page_token.';


create function igjobs.wanted_states(params jsonb)
    returns text[]
    language sql stable
return array(
    select s
    from unnest('{queued,running,stopping,paused,completed,failed,canceled}'
                ::text[]) s
    where igjobs.word_listed(params ->> 'status', igjobs.status_word(s))
        and igjobs.word_listed(params ->> 'state', s));
comment on function igjobs.wanted_states(jsonb) is
    'The states that the parameters status and state let through.';


create function igjobs.wanted_operations(params jsonb)
    returns boolean[]
    language sql stable
return array(
    select k = 'operation'
    from unnest('{scrape_followers,operation}'::text[]) k
    where igjobs.word_listed(params ->> 'kind', k));
comment on function igjobs.wanted_operations(jsonb) is
    'What the parameter kind lets through: true = operations, false = jobs '
    'that scrape.';


create function igjobs.api_jobs(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    n integer := igjobs.page_size(params ->> 'page_size', 50, 500);
    bad text := igjobs.bad_jobs_parameter(params);
    scope text := jsonb_build_array(
        'jobs', caller -> 'tenant', params -> 'status', params -> 'state',
        params -> 'kind', params -> 'created_after',
        params -> 'created_before')::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    jobs igjobs.listed_job[];
    next_token text := '';
begin
    if bad is not null then
        return igjobs.api_problem(400, 'invalid-parameter', bad);
    elsif params ->> 'page_token' <> '' and place is null then
        return igjobs.api_problem(400, 'bad-page-token', null);
    end if;

    jobs := array(select j from igjobs.newest_jobs(
        caller ->> 'tenant', igjobs.wanted_states(params),
        igjobs.wanted_operations(params),
        coalesce(igjobs.parse_time(params ->> 'created_after'), '-infinity'),
        coalesce(split_part(place, ' ', 1)::timestamptz,
                 igjobs.parse_time(params ->> 'created_before'), 'infinity'),
        coalesce(split_part(place, ' ', 2),
                 '00000000-0000-0000-0000-000000000000')::uuid, n + 1) j);
    if cardinality(jobs) > n then
        next_token := igjobs.token(scope, format(
            '%s %s', trim(igjobs.json_time(jobs[n].created_at), '"'),
            jobs[n].job_id));
    end if;
    return (200, format(
        '{"success":true,"jobs":[%s],"page_size":%s,"next_page_token":"%s"}',
        igjobs.jobs_json(jobs[:n]), n, next_token));
end
$$;
comment on function igjobs.api_jobs(jsonb, jsonb) is
    'GET /api/jobs?status=&state=&kind=&created_after=&created_before='
    '&page_size=&page_token=: the tenant''s jobs, newest first. Jobs that come '
    'while a client goes from page to page stand before the first page.';


create function igjobs.job_id(params jsonb)
    returns uuid
    language sql immutable
return case
    when params ->> 'job' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then (params ->> 'job')::uuid
end;
comment on function igjobs.job_id(jsonb) is
    'The id that the path names; null when it is no UUID.';


create function igjobs.find_job(caller jsonb, params jsonb)
    returns public.scrape_jobs
    language plpgsql stable
as $$
declare
    id uuid := igjobs.job_id(params);
    j public.scrape_jobs;
begin
    if id is not null then
        select t.* into j from public.scrape_jobs t
        where t.tenant = caller ->> 'tenant' and t.job_id = id
            and t.erased_at is null;
    end if;
    return j;
end
$$;
comment on function igjobs.find_job(jsonb, jsonb) is
    'The job row that the path names; nulls when the tenant has none.';


create function igjobs.no_job(params jsonb)
    returns igjobs.api_answer
    language sql stable
return igjobs.api_problem(404, 'job-not-found', null,
                          format('Job %s not found', params ->> 'job'));
comment on function igjobs.no_job(jsonb) is
    'The contract''s answer for an id that is unknown, another tenant''s or '
    'no UUID.';


create function igjobs.batch_states(j public.scrape_jobs, p_leased integer)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'queued', greatest(0, j.total_batches - j.batches_done - j.batches_dead
                          - p_leased),
    'running', p_leased, 'done', j.batches_done, 'failed', j.batches_dead);
comment on function igjobs.batch_states(public.scrape_jobs, integer) is
    'How many batches are in which state, counted from the job row: the batch '
    'rows are too many to be counted.';


create function igjobs.job_request(j public.scrape_jobs)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'kind', split_part(j.kind, '.', 1), 'platform', j.platform,
    'target_gender', j.target_gender,
    'keep_unknown', j.keep_unknown,
    'max_count_per_account', j.max_count_per_account,
    'parallelism', j.parallelism,
    'max_failed_ratio', j.max_failed_ratio::numeric,
    'target_count', j.target_count,
    'stop_when', case when j.half_width is not null then
        jsonb_build_object('half_width', j.half_width) end,
    'max_cost_usd', trim_scale(j.max_cost_usd),
    'max_seconds', round(extract(epoch from j.deadline - j.created_at)),
    'max_age', j.max_age_seconds,
    'random_seed', j.random_seed,
    'callback_url', j.callback_url);
comment on function igjobs.job_request(public.scrape_jobs) is
    'What was asked for, with the settings that the job got.';


create function igjobs.job_timings(j public.scrape_jobs)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'queued_seconds', round(extract(epoch from
        coalesce(j.started_at, j.completed_at, now()) - j.created_at), 3),
    'running_seconds', round(extract(epoch from
        coalesce(j.completed_at, now()) - j.started_at), 3));
comment on function igjobs.job_timings(public.scrape_jobs) is
    'How long the job waited for its first claim, and how long it has been '
    'running since.';


create function igjobs.job_eta(j public.scrape_jobs)
    returns jsonb
    language plpgsql stable
as $$
declare
    done double precision := j.progress_sum / j.total_batches;
    seconds double precision;
begin
    if j.state <> 'running' or done < 0.001 then
        return null;
    end if;
    seconds := extract(epoch from now() - j.started_at) * (1 - done) / done;
    return jsonb_build_object(
        'seconds', ceil(seconds)::bigint,
        'at', igjobs.json_time(now() + seconds * interval '1 s')::jsonb,
        'method', 'progress_since_start');
end
$$;
comment on function igjobs.job_eta(public.scrape_jobs) is
    'When a running job will end if it goes on as it did since its start; '
    'null before a thousandth is done.';


create function igjobs.stalled_since(j public.scrape_jobs, p_leased integer)
    returns timestamptz
    language sql stable
return case
    when j.state in ('running', 'stopping') and p_leased = 0
        and j.updated_at < now() - interval '60 s'
    then j.updated_at
end;
comment on function igjobs.stalled_since(public.scrape_jobs, integer) is
    'Since when a job that has begun stands still: no batch is in work and '
    'nothing has changed for a minute.';


create function igjobs.job_runs(p_tenant text, p_job uuid)
    returns jsonb
    language plpgsql stable
as $$
begin
    return (
        select case when coalesce(sum(s.n), 0) <= 20000 then
            coalesce(jsonb_object_agg(s.state, jsonb_build_object(
                'count', s.n, 'cost_usd', trim_scale(s.usd))), '{}') end
        from (
            select r.state, count(*) as n, sum(r.cost_usd) as usd
            from (
                select t.state, t.cost_usd from igjobs.runs t
                where t.tenant = p_tenant and t.job_id = p_job
                limit 20001) r
            group by r.state) s);
end
$$;
comment on function igjobs.job_runs(text, uuid) is
    'The provider runs of a job by state, and what those of each state have '
    'cost; null for so many runs that reading them would take long.';


create function igjobs.runs_cost(p_runs jsonb)
    returns numeric
    language sql immutable
return (select sum((r.value ->> 'cost_usd')::numeric)
        from jsonb_each(p_runs) r);
comment on function igjobs.runs_cost(jsonb) is
    'What all runs together have cost, as igjobs.job_runs tells; null when '
    'the provider named no price, or when they are too many.';


create function igjobs.api_job(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    leased integer := igjobs.leased(j.tenant, j.job_id);
    runs jsonb := igjobs.job_runs(j.tenant, j.job_id);
begin
    if j.job_id is null then
        return igjobs.no_job(params);
    end if;
    return (200, (j.doc::jsonb || jsonb_build_object(
        'job_url', format('/api/jobs/%s', j.job_id),
        'status_url', format('/api/job-status/%s', j.job_id),
        'accounts_url', format('/api/jobs/%s/accounts', j.job_id),
        'events_url', format('/api/jobs/%s/events', j.job_id),
        'deliveries_url', format('/api/jobs/%s/deliveries', j.job_id),
        'batches', igjobs.batch_states(j, leased),
        'request', igjobs.job_request(j),
        'timings', igjobs.job_timings(j),
        'redrives', j.redrives,
        'audit', igjobs.job_audit(j.tenant, j.job_id),
        'eta', igjobs.job_eta(j),
        'stalled_since',
            igjobs.json_time(igjobs.stalled_since(j, leased))::jsonb,
        'runs', runs,
        'cost_usd', trim_scale(igjobs.runs_cost(runs)),
        'reused', case when j.max_age_seconds is not null then
            jsonb_build_object('accounts', igjobs.reused_accounts(
                j.tenant, j.job_id)) end))::text);
end
$$;
comment on function igjobs.api_job(jsonb, jsonb) is
    'GET /api/jobs/{job}: the status document and what else is known.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_jobs(jsonb, jsonb),
    igjobs.api_job(jsonb, jsonb)
to igjobs_api;
