-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Endpoints of webhooks: what became of a job's events, and sending one again.

create function igjobs.delivery_json(d igjobs.deliveries)
    returns jsonb
    language sql stable
return jsonb_build_object(
    'id', igjobs.event_name(d.event_id), 'type', d.type,
    'url', d.url, 'state', d.state, 'attempts', d.attempts,
    'created_at', igjobs.json_time(d.created_at)::jsonb,
    'next_at', igjobs.json_time(
        case when d.state = 'waiting' then d.next_at end)::jsonb,
    'finished_at', igjobs.json_time(d.finished_at)::jsonb,
    'resend_url', format('/api/jobs/%s/deliveries/%s/resend', d.job_id,
                         igjobs.event_name(d.event_id)),
    'tries', d.tries);
comment on function igjobs.delivery_json(igjobs.deliveries) is
    'A delivery as the API shows it.';


create function igjobs.api_deliveries(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql stable
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    n integer := igjobs.page_size(params ->> 'page_size', 50, 500);
    scope text := jsonb_build_array('deliveries', caller -> 'tenant',
                                    j.job_id)::text;
    place text := igjobs.token_position(scope, params ->> 'page_token');
    page igjobs.deliveries[];
begin
    if j.job_id is null then
        return igjobs.no_job(params);
    elsif n is null then
        return igjobs.api_problem(400, 'invalid-parameter',
                                  'page_size must be an integer from 0.');
    elsif params ->> 'page_token' <> '' and place is null then
        return igjobs.api_problem(400, 'bad-page-token', null);
    end if;

    page := array(
        select d from igjobs.deliveries d
        where d.tenant = j.tenant and d.job_id = j.job_id
            and d.seq > coalesce(place::bigint, 0)
        order by d.seq
        limit n + 1);
    return (200, jsonb_build_object(
        'success', true, 'job_id', j.job_id,
        'callback_url', j.callback_url,
        'deliveries', (
            select coalesce(jsonb_agg(igjobs.delivery_json(d) order by d.seq),
                            '[]')
            from unnest(page[:n]) d),
        'page_size', n,
        'next_page_token', coalesce(igjobs.token(
            scope, case when cardinality(page) > n
                then page[n].seq::text end), ''))::text);
end
$$;
comment on function igjobs.api_deliveries(jsonb, jsonb) is
    'GET /api/jobs/{job}/deliveries?page_size=&page_token=: the events of a '
    'job in their order and what became of each.';


create function igjobs.api_resend(caller jsonb, params jsonb)
    returns igjobs.api_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    j public.scrape_jobs := igjobs.find_job(caller, params);
    d igjobs.deliveries;
begin
    if j.job_id is null then
        return igjobs.no_job(params);
    end if;
    select t.* into d from igjobs.deliveries t
    where t.tenant = j.tenant and t.job_id = j.job_id
        and igjobs.event_name(t.event_id) = params ->> 'delivery'
    for no key update;
    if d.job_id is null then
        return igjobs.api_problem(404, 'delivery-not-found', null);
    end if;

    if d.state <> 'sending' then
        d.state := 'waiting';
        d.step := 0;
        d.next_at := clock_timestamp();
        d.finished_at := null;
        perform igjobs.save_delivery(d);
    end if;
    return (202, jsonb_build_object(
        'success', true, 'job_id', j.job_id,
        'delivery', igjobs.delivery_json(d))::text);
end
$$;
comment on function igjobs.api_resend(jsonb, jsonb) is
    'POST /api/jobs/{job}/deliveries/{delivery}/resend: sent again at once '
    'under the same id, whatever became of it, with all its tries before it; '
    'also to an endpoint that was gone.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_deliveries(jsonb, jsonb),
    igjobs.api_resend(jsonb, jsonb)
to igjobs_api;
