-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Webhooks: what happens to a job with a callback_url is a row of
-- igjobs.deliveries, written by the transaction that it happens in, so that no
-- event is lost and none is told that did not happen. Workers lease what is
-- due, send it and record the answer.
--
--   waiting -> sending -> delivered | gone (410) | failed, or waiting again
--
-- Lock: delivery rows are locked behind everything else, one job's in order.

create table igjobs.deliveries (
    job_id      uuid not null,
    seq         bigint generated always as identity,
    event_id    uuid not null default gen_random_uuid(),
    created_at  timestamptz not null default clock_timestamp(),
    next_at     timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    attempts    integer not null default 0,
    step        integer not null default 0,
    tenant      text not null,
    type        text not null,
    state       text not null default 'waiting',
    origin      text not null,
    url         text not null,
    worker      text,
    tries       jsonb not null default '[]',
    payload     text not null,
    constraint deliveries_pkey primary key (job_id, seq),
    constraint delivery_state check (
        (finished_at is null) = (state in ('waiting', 'sending'))
        and state in ('waiting', 'sending', 'delivered', 'gone', 'failed'))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on constraint deliveries_pkey on igjobs.deliveries is
    'igjobs.api_deliveries: those of one job, in order';
comment on column igjobs.deliveries.seq is
    'the order of a job''s events: drawn under the lock of its row';
comment on column igjobs.deliveries.next_at is
    'waiting: when it is due; sending: when its lease runs out';
comment on column igjobs.deliveries.attempts is
    'the fence: raised by every lease';
comment on column igjobs.deliveries.step is
    'tries that failed since it was made or sent again';
comment on column igjobs.deliveries.tries is
    'the newest 20: at, ms, status, error, answer';

create index deliveries_lanes on igjobs.deliveries
    (tenant, origin, next_at, seq) where state = 'waiting';
comment on index igjobs.deliveries_lanes is
    'igjobs.lease_deliveries: what is due, by tenant and endpoint';

create index deliveries_due on igjobs.deliveries (next_at)
    where state = 'waiting';
comment on index igjobs.deliveries_due is
    'igjobs.lease_deliveries: is anything due?';

create index deliveries_sending on igjobs.deliveries (tenant, origin)
    where state = 'sending';
comment on index igjobs.deliveries_sending is
    'igjobs.in_flight; igjobs.lapsed_deliveries: all that are being sent';

create index deliveries_age on igjobs.deliveries (finished_at)
    where finished_at is not null;
comment on index igjobs.deliveries_age is
    'igjobs.drop_old_deliveries: the oldest';


-- Each signature is made with every valid secret of its tenant.
create table igjobs.webhook_secrets (
    created_at  timestamptz not null default clock_timestamp(),
    valid_until timestamptz,
    tenant      text not null,
    secret      text not null,
    constraint webhook_secrets_pkey primary key (tenant, secret)
);
comment on constraint webhook_secrets_pkey on igjobs.webhook_secrets is
    'igjobs.valid_secrets: those of one tenant';
comment on column igjobs.webhook_secrets.valid_until is
    'null: the present one; else one that was replaced signs until then, too';

create unique index webhook_secrets_present on igjobs.webhook_secrets (tenant)
    where valid_until is null;
comment on index igjobs.webhook_secrets_present is
    'igjobs.make_webhook_secret: a tenant has one present secret';


alter table igjobs.tenants add callback_disabled_at timestamptz;
comment on column igjobs.tenants.callback_disabled_at is
    'callback_url answered 410: new jobs do not get it until it is set again';


insert into igjobs.settings (name, value, note) values
    ('webhook_retry_s', '5,300,1800,7200,18000,36000,50400,72000,86400',
     'seconds before the second try of a webhook and each one after it; when '
     'they have all failed it is given up'),
    ('webhook_parallelism', '4',
     'webhooks of one tenant to one endpoint that are sent at once'),
    ('webhook_keep_days', '30',
     'how long deliveries that have ended are kept');


-- Where to

create function igjobs.callback_fits(p_url text)
    returns boolean
    language sql immutable
return (octet_length(p_url) <= 2000
        and p_url ~* '^https?://[^/?@\\:][^/?@\\]*([/?]|$)'
        and p_url ~ '^[\x21-\x22\x24-\x7e]+$') is true;
comment on function igjobs.callback_fits(text) is
    'Could events be sent there, as far as can be told from the text? http or '
    'https, a host, no user, no fragment, ASCII. The worker looks at the '
    'address itself.';


create function igjobs.set_callback(p_tenant text, p_url text)
    returns void
    language plpgsql volatile
as $$
begin
    if p_url is not null and not igjobs.callback_fits(p_url) then
        raise exception 'no http or https URL without a user'
            using errcode = 'invalid_parameter_value';
    end if;
    insert into igjobs.tenants as t (tenant, callback_url)
    values (p_tenant, p_url)
    on conflict (tenant) do update
    set callback_url = excluded.callback_url, callback_disabled_at = null;
end
$$;
comment on function igjobs.set_callback(text, text) is
    'For operators: where events of a tenant''s new jobs go that name no '
    'callback_url themselves; null: nowhere. Enables it when a 410 had '
    'disabled it.';


-- Secrets

create function igjobs.make_webhook_secret(p_tenant text)
    returns text
    language plpgsql volatile
as $$
declare
    made text;
begin
    -- 32 bytes of four random UUIDs: 488 bits of the server's generator
    insert into igjobs.webhook_secrets (tenant, secret)
    values (p_tenant, 'whsec_' || encode(sha256(convert_to(
        gen_random_uuid()::text || gen_random_uuid()::text
        || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
        'base64'))
    on conflict do nothing
    returning secret into made;
    if made is null then
        select s.secret into made from igjobs.webhook_secrets s
        where s.tenant = p_tenant and s.valid_until is null;
    end if;
    return made;
end
$$;
comment on function igjobs.make_webhook_secret(text) is
    'The tenant''s present secret, made when there is none.';


create function igjobs.webhook_secret(p_tenant text)
    returns text
    language sql volatile
return igjobs.make_webhook_secret(p_tenant);
comment on function igjobs.webhook_secret(text) is
    'For operators: the secret by which a tenant''s receivers verify events, '
    'made when it has none. Hand it to the tenant.';


create function igjobs.rotate_webhook_secret(
    p_tenant text, p_overlap interval default '24 hours')
    returns text
    language plpgsql volatile
as $$
begin
    delete from igjobs.webhook_secrets s
    where s.tenant = p_tenant and s.valid_until < clock_timestamp();
    update igjobs.webhook_secrets s
    set valid_until = clock_timestamp() + p_overlap
    where s.tenant = p_tenant
        and coalesce(s.valid_until, 'infinity')
            > clock_timestamp() + p_overlap;
    return igjobs.make_webhook_secret(p_tenant);
end
$$;
comment on function igjobs.rotate_webhook_secret(text, interval) is
    'For operators: a new secret for the tenant. For the time of the overlap '
    'events are signed with the old one as well.';


create function igjobs.valid_secrets(p_tenant text)
    returns text
    language plpgsql volatile
as $$
declare
    present text := igjobs.make_webhook_secret(p_tenant);
    old text := (
        select string_agg(s.secret, ' ' order by s.created_at desc)
        from igjobs.webhook_secrets s
        where s.tenant = p_tenant and s.valid_until > clock_timestamp());
begin
    return concat_ws(' ', present, old);
end
$$;
comment on function igjobs.valid_secrets(text) is
    'Part of lease_deliveries: what signs now, the present one first, with '
    'spaces between. Makes the first.';


-- Events

create function igjobs.event_type(p_told text, j public.scrape_jobs)
    returns text
    language sql immutable
return case
    when j.state in ('queued', 'running') then case
        when p_told in ('paused', 'completed', 'failed', 'canceled')
            then 'job.resumed'
        when j.state = 'running' and p_told = 'queued' then 'job.started' end
    when j.state = 'stopping' or j.state = p_told then null
    when j.state = 'completed' and j.reason = 'budget'
        then 'job.budget_exhausted'
    else 'job.' || j.state
end;
comment on function igjobs.event_type(text, public.scrape_jobs) is
    'What to call the change from the state that was told last; null when '
    'there is nothing to tell.';


create function igjobs.event_name(p_event uuid)
    returns text
    language sql immutable
return 'msg_' || replace(p_event::text, '-', '');
comment on function igjobs.event_name(uuid) is
    'The id of an event: the same at each try, so that receivers can tell.';


create function igjobs.event_data(j public.scrape_jobs)
    returns text
    language sql immutable
return case
    when octet_length(j.doc) < 19000 then j.doc
    else json_build_object('job_id', j.job_id, 'version', j.version,
                           'status', j.status, 'state', j.state)::text
end;
comment on function igjobs.event_data(public.scrape_jobs) is
    'What an event says of its job: the status document, should it not grow '
    'beyond what receivers take.';


create function igjobs.tell(j public.scrape_jobs)
    returns text
    language plpgsql volatile
as $$
declare
    event text := igjobs.event_type(coalesce(j.told, 'queued'), j);
    gone boolean;
begin
    if event is null then
        return j.told;
    end if;
    gone := exists (select from igjobs.deliveries d
                    where d.job_id = j.job_id and d.state = 'gone');
    insert into igjobs.deliveries (
        job_id, tenant, type, url, origin, payload, state, finished_at,
        tries)
    values (
        j.job_id, j.tenant, event, j.callback_url,
        coalesce(lower(substring(j.callback_url from '^[^:]+://[^/?#]+')),
                 ''),
        format('{"type":"%s","timestamp":%s,"data":%s}', event,
               igjobs.json_time(j.updated_at), igjobs.event_data(j)),
        case when gone then 'failed' else 'waiting' end,
        case when gone then clock_timestamp() end,
        case when gone then jsonb_build_array(igjobs.delivery_try(
            null, null, 'the endpoint has answered 410 before', null))
        else '[]' end);
    return j.state;
end
$$;
comment on function igjobs.tell(public.scrape_jobs) is
    'Part of save_job, for jobs with a callback_url: notes the event of a '
    'new state. Returns the state that has been told.';


create function igjobs.delivery_try(
    p_ms integer, p_status integer, p_error text, p_answer text)
    returns jsonb
    language sql volatile
return jsonb_build_object(
    'at', igjobs.json_time(clock_timestamp())::jsonb, 'ms', p_ms,
    'status', p_status, 'error', p_error, 'answer', p_answer);
comment on function igjobs.delivery_try(integer, integer, text, text) is
    'One entry of deliveries.tries.';


-- Sending

create type igjobs.leased_delivery as (
    tenant text, job_id uuid, seq bigint, attempt integer, event_id text,
    type text, origin text, url text, payload text, secrets text);


create function igjobs.retry_delivery(
    d igjobs.deliveries, p_try jsonb, p_wait_ms bigint)
    returns igjobs.deliveries
    language plpgsql volatile
as $$
declare
    delays text[] := string_to_array(igjobs.setting('webhook_retry_s'), ',');
    delay double precision;
begin
    d.tries := igjobs.newest_tries(d.tries || p_try);
    d.step := d.step + 1;
    delay := delays[d.step]::double precision * (0.9 + random() / 5);
    if delay is null then
        d.state := 'failed';
        d.finished_at := clock_timestamp();
    else
        d.state := 'waiting';
        d.next_at := clock_timestamp() + interval '1 second'
            * greatest(delay, least(coalesce(p_wait_ms, 0) / 1000.0, 86400));
    end if;
    return d;
end
$$;
comment on function igjobs.retry_delivery(
    igjobs.deliveries, jsonb, bigint) is
    'The row after a try that failed: due again, or given up. p_wait_ms: what '
    'the endpoint asked for, at most a day.';


create function igjobs.newest_tries(p_tries jsonb)
    returns jsonb
    language sql immutable
return case when jsonb_array_length(p_tries) > 20 then p_tries - 0
    else p_tries end;
comment on function igjobs.newest_tries(jsonb) is
    'Without the oldest when they are more than 20.';


create function igjobs.save_delivery(d igjobs.deliveries)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.deliveries t
    set state = d.state, next_at = d.next_at, finished_at = d.finished_at,
        attempts = d.attempts, step = d.step, worker = d.worker,
        tries = d.tries
    where t.job_id = d.job_id and t.seq = d.seq;
end
$$;
comment on function igjobs.save_delivery(igjobs.deliveries) is
    'Writes a locked row.';


create function igjobs.lapsed_deliveries()
    returns void
    language plpgsql volatile
as $$
declare
    d igjobs.deliveries;
begin
    for d in
        select t.* from igjobs.deliveries t
        where t.state = 'sending' and t.next_at < clock_timestamp()
        for no key update skip locked
    loop
        d := igjobs.retry_delivery(d, igjobs.delivery_try(
            null, null, 'the worker was lost before the answer', null), null);
        if d.state = 'waiting' then
            d.next_at := clock_timestamp();
        end if;
        perform igjobs.save_delivery(d);
    end loop;
end
$$;
comment on function igjobs.lapsed_deliveries() is
    'Part of lease_deliveries: what a worker that is gone was sending is due '
    'at once, and counts as a try.';


create function igjobs.in_flight(p_tenant text, p_origin text)
    returns integer
    language plpgsql volatile
as $$
begin
    return (select count(*) from igjobs.deliveries d
            where d.tenant = p_tenant and d.origin = p_origin
                and d.state = 'sending');
end
$$;
comment on function igjobs.in_flight(text, text) is
    'How many are being sent to one endpoint for one tenant.';


create function igjobs.held_until(d igjobs.deliveries)
    returns timestamptz
    language plpgsql volatile
as $$
begin
    return (select max(greatest(
                clock_timestamp() + interval '1 second',
                case when e.state = 'waiting' then e.next_at end))
            from igjobs.deliveries e
            where e.job_id = d.job_id and e.seq < d.seq and e.step < 3
                and e.state in ('waiting', 'sending'));
end
$$;
comment on function igjobs.held_until(igjobs.deliveries) is
    'When to look again at an event that waits for an earlier one of its '
    'job; null when it waits for none. One that has failed three times holds '
    'nobody back any more.';


create function igjobs.lease_lane(
    p_tenant text, p_origin text, p_worker text, p_limit integer,
    p_lease_ms integer)
    returns setof igjobs.leased_delivery
    language plpgsql volatile
as $$
declare
    d igjobs.deliveries;
    held timestamptz;
    secrets text;
    n integer := 0;
begin
    for d in
        select t.* from igjobs.deliveries t
        where t.tenant = p_tenant and t.origin = p_origin
            and t.state = 'waiting' and t.next_at <= clock_timestamp()
        order by t.next_at, t.seq
        limit 100
        for no key update skip locked
    loop
        exit when n >= p_limit;
        held := igjobs.held_until(d);
        if held is not null then
            d.next_at := held;
        else
            n := n + 1;
            secrets := coalesce(secrets, igjobs.valid_secrets(p_tenant));
            d.state := 'sending';
            d.attempts := d.attempts + 1;
            d.worker := p_worker;
            d.next_at := clock_timestamp() + p_lease_ms * interval '1 ms';
            return next (
                d.tenant, d.job_id, d.seq, d.attempts,
                igjobs.event_name(d.event_id), d.type,
                d.origin, d.url, d.payload, secrets);
        end if;
        perform igjobs.save_delivery(d);
    end loop;
end
$$;
comment on function igjobs.lease_lane(text, text, text, integer, integer) is
    'Part of lease_deliveries: those of one tenant and endpoint. What waits '
    'for an earlier event of its job is looked at again later.';


-- without seqscan: the plan may be made while the table is empty
create function igjobs.lease_deliveries(
    p_worker text, p_limit integer, p_lease_ms integer, p_after_tenant text,
    p_after_origin text)
    returns setof igjobs.leased_delivery
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
as $$
declare
    most integer := igjobs.setting('webhook_parallelism');
    lane record;
    at_tenant text := p_after_tenant;
    at_origin text := p_after_origin;
    wrapped boolean := p_after_tenant = '';
    first boolean;
    n integer;
begin
    perform igjobs.lapsed_deliveries();
    if not exists (select from igjobs.deliveries d
                   where d.state = 'waiting'
                       and d.next_at <= clock_timestamp())
    then
        return;
    end if;
    while p_limit > 0 loop
        select d.tenant, d.origin, d.next_at into lane
        from igjobs.deliveries d
        where d.state = 'waiting'
            and (d.tenant, d.origin) > (at_tenant, at_origin)
        order by d.tenant, d.origin, d.next_at, d.seq limit 1;
        if not found then
            exit when wrapped;
            wrapped := true;
            at_tenant := '';
            at_origin := '';
            continue;
        end if;
        exit when wrapped and p_after_tenant <> ''
            and (lane.tenant, lane.origin) > (p_after_tenant, p_after_origin);
        at_tenant := lane.tenant;
        at_origin := lane.origin;
        continue when lane.next_at > clock_timestamp();
        first := not exists (
            select from igjobs.webhook_secrets s
            where s.tenant = at_tenant and s.valid_until is null);
        return query select * from igjobs.lease_lane(
            at_tenant, at_origin, p_worker,
            least(p_limit, most - igjobs.in_flight(at_tenant, at_origin)),
            p_lease_ms);
        get diagnostics n = row_count;
        p_limit := p_limit - n;
        -- who has made a secret waits for nobody else's
        exit when first and n > 0;
    end loop;
end
$$;
comment on function igjobs.lease_deliveries(
    text, integer, integer, text, text) is
    'Takes up to p_limit due deliveries for p_lease_ms. Goes round tenants '
    'and endpoints, beginning behind p_after_… (those of the last row that '
    'was taken before; empty: at the first), so that no queue holds up '
    'another. secrets: those to sign with, spaces between.';


create function igjobs.disable_default(p_tenant text, p_url text)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.tenants t set callback_disabled_at = clock_timestamp()
    where t.tenant = p_tenant and t.callback_url = p_url
        and t.callback_disabled_at is null;
end
$$;
comment on function igjobs.disable_default(text, text) is
    'Part of delivery_result: new jobs do not get a default that is gone.';


create function igjobs.close_delivery(
    d igjobs.deliveries, p_state text, p_try jsonb)
    returns void
    language plpgsql volatile
as $$
begin
    d.tries := igjobs.newest_tries(d.tries || p_try);
    d.state := p_state;
    d.finished_at := clock_timestamp();
    perform igjobs.save_delivery(d);
    if p_state = 'gone' then
        perform igjobs.disable_default(d.tenant, d.url);
        update igjobs.deliveries t
        set state = 'failed', finished_at = clock_timestamp(),
            tries = igjobs.newest_tries(t.tries || igjobs.delivery_try(
                null, null, 'the endpoint has answered 410 before', null))
        where t.job_id = d.job_id and t.state = 'waiting';
    end if;
end
$$;
comment on function igjobs.close_delivery(igjobs.deliveries, text, jsonb) is
    'Part of delivery_result: the end of a delivery. 410 ends all of its job.';


create function igjobs.let_next_go(d igjobs.deliveries)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.deliveries t set next_at = clock_timestamp()
    where t.job_id = d.job_id and t.state = 'waiting' and t.step = 0
        and t.seq = (select min(e.seq) from igjobs.deliveries e
                     where e.job_id = d.job_id and e.seq > d.seq
                         and e.state in ('waiting', 'sending'));
end
$$;
comment on function igjobs.let_next_go(igjobs.deliveries) is
    'Part of delivery_result: the event behind this one is due now. Should '
    'it be missed, it comes by itself a little later (igjobs.held_until).';


create function igjobs.delivery_result(
    p_job uuid, p_seq bigint, p_attempt integer, p_outcome text,
    p_status integer, p_ms integer, p_error text, p_answer text,
    p_wait_ms bigint)
    returns text
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    d igjobs.deliveries;
    try jsonb := igjobs.delivery_try(p_ms, p_status, p_error, p_answer);
begin
    select t.* into d from igjobs.deliveries t
    where t.job_id = p_job and t.seq = p_seq
    for no key update;
    if d.finished_at is not null or d.job_id is null
        or (p_outcome <> 'delivered'
            and (d.state <> 'sending' or d.attempts <> p_attempt))
    then
        return 'lost';
    end if;

    if p_outcome in ('delivered', 'gone') then
        perform igjobs.close_delivery(d, p_outcome, try);
    elsif p_outcome = 'refused' then
        perform igjobs.close_delivery(d, 'failed', try);
    elsif p_outcome = 'returned' then
        d.state := 'waiting';
        d.next_at := clock_timestamp();
        perform igjobs.save_delivery(d);
        return 'ok';
    else
        d := igjobs.retry_delivery(d, try, p_wait_ms);
        perform igjobs.save_delivery(d);
        if d.state = 'waiting' and d.step < 3 then
            return 'ok';
        end if;
    end if;
    perform igjobs.let_next_go(d);
    return 'ok';
end
$$;
comment on function igjobs.delivery_result(
    uuid, bigint, integer, text, integer, integer, text, text, bigint) is
    'What became of a leased delivery. p_outcome delivered; gone: 410; '
    'failed: tried again, not before p_wait_ms; refused: given up, since it '
    'may not be sent there; returned: it was not sent. Answers ok, or lost '
    'when another worker has it: only a success counts then, which nothing '
    'can undo.';


create function igjobs.drop_old_deliveries(p_limit integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    oldest timestamptz := now() - interval '1 day'
        * igjobs.setting('webhook_keep_days')::double precision;
    dropped integer;
begin
    delete from igjobs.deliveries t
    where t.ctid = any (array(
        select d.ctid from igjobs.deliveries d
        where d.finished_at < oldest
        order by d.finished_at
        limit p_limit
        for update skip locked));
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
comment on function igjobs.drop_old_deliveries(integer) is
    'Removes at most p_limit deliveries that ended long ago, the oldest '
    'first; returns how many.';


grant execute on function
    igjobs.lease_deliveries(text, integer, integer, text, text),
    igjobs.delivery_result(
        uuid, bigint, integer, text, integer, integer, text, text, bigint),
    igjobs.drop_old_deliveries(integer)
to igjobs_worker;
