-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Idempotency keys: of the requests with one key, one stores a job, or is
-- carried out, and all others get its answer. The key's row is the first insert
-- of that one's own transaction, so that both are there together or not at all.

create table igjobs.idempotency_keys (
    job_id      uuid not null,
    created_at  timestamptz not null default now(),
    fingerprint bytea not null,
    tenant      text not null,
    route       text not null,
    key         text not null,
    primary key (tenant, route, key)
);
comment on column igjobs.idempotency_keys.route is
    'method and path: a key means nothing on another route';
comment on column igjobs.idempotency_keys.fingerprint is
    'SHA-256 of the body';
comment on constraint idempotency_keys_pkey on igjobs.idempotency_keys is
    'igjobs.take_key: one key';

create index idempotency_keys_age on igjobs.idempotency_keys (created_at);
comment on index igjobs.idempotency_keys_age is
    'igjobs.drop_expired_keys: the oldest keys';

insert into igjobs.settings (name, value, note) values
    ('idempotency_keep_hours', '24',
     'how long an Idempotency-Key is known');


create function igjobs.oldest_key()
    returns timestamptz
    language plpgsql stable
as $$
begin
    return now() - interval '1 hour' * (
        select s.value::double precision from igjobs.settings s
        where s.name = 'idempotency_keep_hours');
end
$$;
comment on function igjobs.oldest_key() is
    'Keys that were made before are no more, whether removed or not.';


create type igjobs.key_taken as (outcome text, job_id uuid);
comment on type igjobs.key_taken is
    'stored: the key belongs to the asking job, which is new or repeats '
    'itself; replayed: to the job_id of an earlier request with the same '
    'body; reused: to one with another body; in_progress: to a request that '
    'has not ended. Or nobody has it and the job is refused (igjobs.refusal): '
    'nobody gets it.';


-- without seqscan: the plan may be made while the table is empty
create function igjobs.take_key(
    p_tenant text, p_route text, p_key text, p_fingerprint bytea, p_job uuid,
    p_even_if_full boolean default false, p_platform text default null)
    returns igjobs.key_taken
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set lock_timeout = '100ms'
as $$
declare
    k igjobs.idempotency_keys;
    oldest timestamptz := igjobs.oldest_key();
    refusal text;
begin
    if not p_even_if_full then
        refusal := igjobs.refusal(igjobs.recent_backlog(), p_tenant,
                                  p_platform);
    end if;
    loop
        select t.* into k from igjobs.idempotency_keys t
        where t.tenant = p_tenant and t.route = p_route and t.key = p_key
            and t.created_at >= oldest;
        exit when found;
        if refusal is not null then
            return (refusal, null::uuid);
        end if;

        begin
            insert into igjobs.idempotency_keys as t (
                job_id, fingerprint, tenant, route, key)
            values (p_job, p_fingerprint, p_tenant, p_route, p_key)
            on conflict (tenant, route, key) do update
            set job_id = excluded.job_id, created_at = excluded.created_at,
                fingerprint = excluded.fingerprint
            where t.created_at < oldest
            returning t.* into k;
        exception when lock_not_available then
            return ('in_progress'::text, null::uuid);
        end;
        exit when found;
    end loop;
    return (case when k.job_id = p_job then 'stored'
                 when k.fingerprint = p_fingerprint then 'replayed'
                 else 'reused' end,
            k.job_id);
end
$$;
comment on function igjobs.take_key(
    text, text, text, bytea, uuid, boolean, text) is
    'Whose is the key? Nobody else''s: then it is p_job''s from the commit '
    'on, unless the queue is full and p_even_if_full is not set. The first '
    'step of a transaction: it waits for another one that holds the key, '
    'briefly, and nobody must wait behind it meanwhile.';


create type igjobs.submitted_with_key as (
    outcome text, job_id uuid, class text, parallelism integer);

create function igjobs.submit_with_key(
    p_kind text, p_route text, p_tenant text, p_platform text, p_job uuid,
    p_gender text, p_max_count integer, p_keep_unknown boolean,
    p_account_count integer, p_accounts text, p_key text, p_fingerprint bytea,
    p_options text default null)
    returns igjobs.submitted_with_key
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    k igjobs.key_taken := igjobs.take_key(p_tenant, p_route, p_key,
                                          p_fingerprint, p_job,
                                          p_platform => p_platform);
    s igjobs.submitted;
begin
    if k.outcome = 'stored' then
        select t.* into strict s from igjobs.submit_all(
            p_kind, array[p_tenant], array[p_platform], array[p_job],
            array[p_gender], array[p_max_count], array[p_keep_unknown],
            array[p_account_count], array[p_accounts], array[p_options],
            p_even_if_full => true) t;
    end if;
    return (k.outcome, k.job_id, s.class, s.parallelism);
end
$$;
comment on function igjobs.submit_with_key(
    text, text, text, text, uuid, text, integer, boolean, integer, text, text,
    bytea, text) is
    'Accepts one job under an idempotency key, see igjobs.submit_all; class '
    'and parallelism if it is stored. A transaction of its own.';


-- Keys of calls: functions that answer a call with the same id as they did

create function igjobs.once(caller jsonb, params jsonb)
    returns jsonb
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    k igjobs.key_taken;
begin
    if caller ->> 'key' is null then
        return caller;
    end if;
    k := igjobs.take_key(
        caller ->> 'tenant', caller ->> 'route', caller ->> 'key', sha256(
            convert_to(concat_ws(e'\n', caller ->> 'base_id',
                                 params -> 'body'), 'UTF8')),
        (caller ->> 'call')::uuid, true);
    if k.outcome in ('reused', 'in_progress') then
        raise exception 'idempotency key: %', k.outcome
            using errcode = case k.outcome when 'reused' then 'IGJ04'
                                else 'IGJ05' end;
    end if;
    return caller || jsonb_build_object('call', k.job_id);
end
$$;
comment on function igjobs.once(jsonb, jsonb) is
    'The caller of an api function, with the id of the first call that had '
    'its key: the function answers as it did then. Raises IGJ04 when the key '
    'belongs to another body or base, IGJ05 while the first is under way.';


create function igjobs.end_once(caller jsonb, p_status integer)
    returns boolean
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    k igjobs.idempotency_keys;
begin
    if caller ->> 'key' is null then
        return false;
    end if;
    select t.* into k from igjobs.idempotency_keys t
    where t.tenant = caller ->> 'tenant' and t.key = caller ->> 'key'
        and t.route = caller ->> 'route';
    if p_status >= 400 then
        delete from igjobs.idempotency_keys t
        where t.tenant = k.tenant and t.key = k.key and t.route = k.route
            and t.job_id = (caller ->> 'call')::uuid;
        return false;
    end if;
    return k.job_id <> (caller ->> 'call')::uuid;
end
$$;
comment on function igjobs.end_once(jsonb, integer) is
    'After the api function, which answered p_status: was it a repeat? A call '
    'that did nothing leaves no key.';


create function igjobs.drop_expired_keys(p_limit integer)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    dropped integer;
begin
    delete from igjobs.idempotency_keys t
    where t.ctid = any (array(
        select k.ctid from igjobs.idempotency_keys k
        where k.created_at < igjobs.oldest_key()
        order by k.created_at
        limit p_limit
        for update skip locked));
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
comment on function igjobs.drop_expired_keys(integer) is
    'Removes at most p_limit of the keys that are no more, the oldest first; '
    'returns how many.';


grant execute on function
    igjobs.take_key(text, text, text, bytea, uuid, boolean, text),
    igjobs.submit_with_key(
        text, text, text, text, uuid, text, integer, boolean, integer, text,
        text, bytea, text),
    igjobs.once(jsonb, jsonb),
    igjobs.end_once(jsonb, integer)
to igjobs_api;
grant execute on function igjobs.drop_expired_keys(integer) to igjobs_worker;
