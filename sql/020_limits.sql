-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Circuit breakers, one for each provider actor, for the whole fleet. Closed:
-- batches are claimed. Open, after failures in a row or a refusal: none are,
-- until its time has come, and so a queue of any length does not ask a provider
-- that is away batch by batch. Then it is half open: a few batches probe, one
-- answer closes it, one more failure opens it for longer. Beside that the
-- number of runs that a full provider lets work. And what operators set for
-- tenants beside caps (005_slots).

create function igjobs.breaker_scope(
    p_kind text, p_provider text, p_actor text)
    returns text
    language sql immutable
return coalesce('actor:' || p_provider || '/' || replace(p_actor, '/', '~'),
                'kind:' || p_kind);
comment on function igjobs.breaker_scope(text, text, text) is
    'The actor''s scope, as of its caps; of a kind without one the kind''s.';


create function igjobs.open_runs(p_scope text)
    returns integer
    language plpgsql volatile
as $$
begin
    return (select count(*) from igjobs.runs r
            where r.state in ('intent', 'started')
                and igjobs.actor_scope(r.provider, r.actor) = p_scope);
end
$$;
comment on function igjobs.open_runs(text) is
    'Runs of an actor that the provider may be working on.';


create function igjobs.full_room(k igjobs.breakers)
    returns integer
    language plpgsql volatile
as $$
declare
    ms double precision := 1000 * extract(epoch from
                                          clock_timestamp() - k.full_at);
    stays double precision := igjobs.setting('breaker_full_ms');
begin
    if k.full_at is null or ms > 6 * stays then
        return 1000000;
    end if;
    return greatest(0, k.most_runs - igjobs.open_runs(k.scope)
                       + floor(greatest(0, ms - stays) / 1000)::integer);
end
$$;
comment on function igjobs.full_room(igjobs.breakers) is
    'How many more runs a provider may take that was full: none beyond those '
    'that worked then for breaker_full_ms, then one more each second; as many '
    'as there are after six times that.';


create function igjobs.breaker_room(p_scope text)
    returns integer
    language plpgsql volatile
as $$
declare
    k igjobs.breakers;
begin
    select t.* into k from igjobs.breakers t where t.scope = p_scope;
    return case
        when k.state is distinct from 'open' then igjobs.full_room(k)
        when k.until > clock_timestamp() then 0
        when k.probes_until > clock_timestamp() then
            greatest(0, igjobs.setting('breaker_probes')::integer
                        - k.probing)
        else igjobs.setting('breaker_probes')::integer
        end;
end
$$;
comment on function igjobs.breaker_room(text) is
    'How many batches of a scope may be claimed now, as far as its breaker '
    'is asked: none when it is open, a few when it is half open; a million '
    'when it is quiet.';


create function igjobs.is_open(p_scope text)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from igjobs.breakers k
        where k.scope = p_scope and k.state = 'open'
            and k.until > clock_timestamp());
end
$$;
comment on function igjobs.is_open(text) is
    'Is nothing of this scope to be asked now, not even to end a run?';


create function igjobs.lock_breaker(p_scope text)
    returns boolean
    language plpgsql volatile
as $$
declare
    k igjobs.breakers;
begin
    select t.* into k from igjobs.breakers t
    where t.scope = p_scope
    for no key update skip locked;
    return k.scope is not null and igjobs.breaker_room(p_scope) > 0;
end
$$;
comment on function igjobs.lock_breaker(text) is
    'Part of claim: locks a breaker that is not quiet, unless another claim '
    'is about to probe, and looks again.';


create function igjobs.probe_name(b igjobs.batches)
    returns text
    language plpgsql immutable
as $$
begin
    return format('%s/%s/%s', b.job_id, b.batch_no, b.attempt);
end
$$;
comment on function igjobs.probe_name(igjobs.batches) is
    'The lease of a batch, as breakers know their probes.';


create function igjobs.take_probe(p_scope text, b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
begin
    update igjobs.breakers k
    set probes = igjobs.probe_name(b) || k.probes,
        probing = 1 + case when k.probes_until > clock_timestamp()
                          then k.probing else 0 end,
        probes_until = case when k.probes_until > clock_timestamp()
            then k.probes_until
            else clock_timestamp() + interval '1 ms'
                 * igjobs.setting('breaker_probe_ms')::integer end
    where k.scope = p_scope and k.state = 'open';
    return found;
end
$$;
comment on function igjobs.take_probe(text, igjobs.batches) is
    'Part of claim: notes that this lease probes a breaker that is half open; '
    'false when it is closed.';


create function igjobs.leave_probe(b igjobs.batches)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.breakers k
    set probes = array_remove(k.probes, igjobs.probe_name(b)),
        probing = greatest(0, k.probing - 1)
    where k.state = 'open' and igjobs.probe_name(b) = any (k.probes);
end
$$;
comment on function igjobs.leave_probe(igjobs.batches) is
    'A lease ends without a word on its actor: if it was a probe, another '
    'batch may try.';


create function igjobs.open_breaker(
    k igjobs.breakers, p_cause text, p_retry_ms integer)
    returns igjobs.breakers
    language plpgsql volatile
as $$
declare
    kind text := case p_cause when 'refused' then 'refused' else 'open' end;
    base double precision := igjobs.setting('breaker_' || kind || '_ms');
    most double precision := igjobs.setting('breaker_' || kind || '_max_ms');
begin
    if k.state = 'closed' then
        k.state := 'open';
        k.since := clock_timestamp();
    end if;
    k.until := clock_timestamp() + interval '1 ms' * greatest(
        least(most, base * 2 ^ least(k.opened, 20)),
        least(coalesce(p_retry_ms, 0), 3600000));
    k.opened := k.opened + 1;
    k.probes := '{}';
    k.probing := 0;
    k.probes_until := null;
    return k;
end
$$;
comment on function igjobs.open_breaker(igjobs.breakers, text, integer) is
    'Part of breaker_failed: open from now on, each time in a row twice as '
    'long, and no shorter than the provider said, if that is an hour at most.';


create function igjobs.note_full(k igjobs.breakers)
    returns igjobs.breakers
    language plpgsql volatile
as $$
begin
    k.most_runs := greatest(1, (
        select count(*) from igjobs.runs r
        where r.state = 'started'
            and igjobs.actor_scope(r.provider, r.actor) = k.scope));
    k.full_at := clock_timestamp();
    return k;
end
$$;
comment on function igjobs.note_full(igjobs.breakers) is
    'Part of breaker_failed: the provider takes no more runs than these.';


create function igjobs.breaker_failed(
    p_scope text, p_cause text, p_retry_ms integer, p_reason text,
    p_probe text default null)
    returns boolean
    language plpgsql volatile
as $$
declare
    k igjobs.breakers;
    was igjobs.breakers;
    at timestamptz;
begin
    insert into igjobs.breakers (scope) values (p_scope)
    on conflict (scope) do nothing;
    select t.* into was from igjobs.breakers t where t.scope = p_scope
    for no key update;
    k := was;
    at := clock_timestamp();

    k.failures := 1 + case
        when k.failed_at > at - interval '1 ms'
             * igjobs.setting('breaker_window_ms')::integer
        then k.failures else 0 end;
    k.failed_at := at;
    if p_cause = 'full' then
        k := igjobs.note_full(k);
    end if;
    if k.state = 'open'
        and (k.until > at or p_probe is null or p_probe <> all (k.probes))
        and (p_cause <> 'refused' or k.cause = 'refused')
    then
        k.until := greatest(k.until, at + interval '1 ms'
                                     * least(coalesce(p_retry_ms, 0), 3600000));
    elsif k.state = 'open' or p_cause = 'refused' or p_retry_ms > 0
        or k.failures >= igjobs.setting('breaker_failures')::integer
    then
        k := igjobs.open_breaker(k, p_cause, p_retry_ms);
    end if;

    update igjobs.breakers t
    set state = k.state, since = k.since, until = k.until, probes = k.probes,
        probing = k.probing, probes_until = k.probes_until,
        failed_at = k.failed_at,
        failures = k.failures, opened = k.opened, most_runs = k.most_runs,
        full_at = k.full_at, cause = p_cause, reason = left(p_reason, 300)
    where t.scope = p_scope;
    return was.state = 'closed' and k.failures = 1;
end
$$;
comment on function igjobs.breaker_failed(
    text, text, integer, text, text) is
    'A call was answered by nothing of use (cause away), by a refusal of '
    'account or actor (refused) or by "no room" (full); p_retry_ms: what the '
    'provider said. Opens the breaker: refused at once, the others after '
    'breaker_failures in a row, all at once where a time was said or a probe '
    'failed (p_probe: the lease that it was). Leases that were under way '
    'before make it no longer. True: calls before and beside this one were '
    'answered.';


create function igjobs.batch_unanswered(
    b igjobs.batches, p_class text, p_retry_ms integer, p_error text)
    returns boolean
    language plpgsql volatile
as $$
declare
    r igjobs.runs;
    cause text := case p_class when 'unsure' then 'away' else p_class end;
    alone boolean;
begin
    select t.* into r from igjobs.runs t
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.provider is not null
    order by t.run_no desc limit 1;
    alone := igjobs.breaker_failed(
        igjobs.breaker_scope(b.kind, r.provider, r.actor), cause,
        case when p_class <> 'unsure' then p_retry_ms end, p_error,
        igjobs.probe_name(b));
    return alone and cause <> 'full';
end
$$;
comment on function igjobs.batch_unanswered(
    igjobs.batches, text, integer, text) is
    'Part of fail_batch: tells the breaker of the batch''s actor. True: it is '
    'the batch''s own failure. In an outage the first failure is, of one '
    'batch; the others only wait. A batch that alone makes calls fail is '
    'given up like any other.';


create function igjobs.breaker_answered(
    p_provider text, p_actor text, p_kind text)
    returns void
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update igjobs.breakers k
    set state = 'closed', failures = 0, opened = 0, probes = '{}',
        probing = 0, since = null,
        until = null, probes_until = null,
        full_at = case when igjobs.full_room(k) < 1000000 then k.full_at end
    where k.scope = igjobs.breaker_scope(p_kind, p_provider, p_actor)
        and (k.state = 'closed' and (k.failures > 0 or k.full_at is not null)
             or k.until < clock_timestamp());
end
$$;
comment on function igjobs.breaker_answered(text, text, text) is
    'A batch has ended well, or a probe was answered: closes a breaker that '
    'is half open. An open one stays so until its time has come: what was '
    'begun before may end well while nothing new begins.';


create function igjobs.close_breaker(p_scope text)
    returns boolean
    language plpgsql volatile
as $$
begin
    update igjobs.breakers k
    set state = 'closed', failures = 0, opened = 0, probes = '{}',
        probing = 0, since = null,
        until = null, probes_until = null, full_at = null
    where k.scope = p_scope and (k.state = 'open' or k.full_at is not null);
    return found;
end
$$;
comment on function igjobs.close_breaker(text) is
    'For operators: what was wrong is mended, ask again now.';


create view igjobs.breaker_states as
select k.scope,
    case when k.state = 'open' and k.until <= clock_timestamp()
        then 'half_open' else k.state end as state,
    k.since, k.until, k.cause, k.reason, k.failed_at, k.failures,
    case when igjobs.full_room(k) < 1000000
        then k.most_runs end as most_runs
from igjobs.breakers k;
comment on view igjobs.breaker_states is
    'For people and igjobs.api_explain: closed, open (nothing is asked before '
    'until) or half_open; since when, and why (of a closed one: what was the '
    'last). most_runs: that a full provider lets work, null = not known.';


create function igjobs.tell_breakers()
    returns table (scope text, state text, wait_ms integer, reason text)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    update igjobs.breakers k set told = k.state
    where k.told <> k.state
    returning k.scope, k.state, igjobs.ms_until(k.until), k.reason;
end
$$;
comment on function igjobs.tell_breakers() is
    'Breakers that were opened or closed since the last call, for a log.';


create function igjobs.idle_runs(p_limit integer)
    returns table (
        tenant text, job_id uuid, batch_no integer, run_no integer,
        run_id text, kind text)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select r.tenant, r.job_id, r.batch_no, r.run_no, r.run_id, b.kind
    from igjobs.runs r
    join igjobs.batches b
        on b.tenant = r.tenant and b.job_id = r.job_id
        and b.batch_no = r.batch_no
    where r.state = 'started' and b.state = 'queued' and b.run_slots > 0
        and not igjobs.is_open(igjobs.actor_scope(r.provider, r.actor))
    order by random()
    limit p_limit;
end
$$;
comment on function igjobs.idle_runs(integer) is
    'Runs that hold slots and that nobody follows for now: of paused jobs, or '
    'where a batch waits. Any of them, so that none stands before the others.';


create function igjobs.run_is_over(
    p_tenant text, p_job uuid, p_batch integer)
    returns boolean
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
begin
    if b.state is distinct from 'queued' or b.run_slots = 0 then
        return false;
    end if;
    perform igjobs.release_run_slots(p_job, p_batch);
    update igjobs.batches t set run_slots = 0
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch;
    return true;
end
$$;
comment on function igjobs.run_is_over(text, uuid, integer) is
    'The provider works on an idle run no longer: its slots are free. Whoever '
    'collects it later takes slots again.';


create function igjobs.open_kinds(
    p_kinds text[], p_providers text[], p_actors text[])
    returns text[]
    language plpgsql volatile
as $$
begin
    if not exists (select from igjobs.breakers k where k.state = 'open') then
        return p_kinds;
    end if;
    return array(
        select k.kind from unnest(p_kinds) with ordinality k (kind, n)
        where igjobs.breaker_room(igjobs.breaker_scope(
                  k.kind, p_providers[k.n], p_actors[k.n])) > 0);
end
$$;
comment on function igjobs.open_kinds(text[], text[], text[]) is
    'Part of claim_any: the kinds whose actors may be asked, so that jobs of '
    'the others do not stand in the way.';


create function igjobs.free_slots(p_scope text)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return least(igjobs.unused_slots(p_scope), igjobs.breaker_room(p_scope));
end
$$;
comment on function igjobs.free_slots(text) is
    'How many parked turns of a scope may come back now: what its cap and its '
    'breaker allow, a million when there is neither.';


create function igjobs.set_weight(p_tenant text, p_weight real)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.tenants (tenant, weight) values (p_tenant, p_weight)
    on conflict (tenant) do update set weight = excluded.weight;
end
$$;
comment on function igjobs.set_weight(text, real) is
    'For operators: a tenant of weight 3 gets three batches where one of '
    'weight 1, which is everybody''s, gets one. Workers know it after a sweep.';


grant execute on function
    igjobs.free_slots(text),
    igjobs.breaker_answered(text, text, text),
    igjobs.idle_runs(integer),
    igjobs.run_is_over(text, uuid, integer),
    igjobs.tell_breakers()
to igjobs_worker;
