-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Fleet-wide caps. A scope with a row in igjobs.caps has so many slots. A lease
-- holds one slot of tenant:<tenant> and kind:<kind>, until it ends. A provider
-- run holds one of actor:<provider>/<actor> and one for each 128 MB of
-- memory:<provider>, until it is closed: it goes on when its worker is killed.

create function igjobs.cap_slots(p_scope text, p_amount integer)
    returns integer
    language plpgsql immutable
as $$
begin
    return case when starts_with(p_scope, 'memory:') then p_amount / 128
               else p_amount end;
end
$$;
comment on function igjobs.cap_slots(text, integer) is
    'How many slots a cap of so much has: one for each lease or run, one for '
    'each 128 MB of memory, in which providers sell it.';


create function igjobs.set_cap(p_scope text, p_amount integer)
    returns void
    language plpgsql volatile
as $$
declare
    n_slots integer := igjobs.cap_slots(p_scope, p_amount);
begin
    if p_scope !~ '^(tenant|kind|actor|memory):.' then
        raise exception 'no scope of caps: %', p_scope
            using errcode = 'invalid_parameter_value',
            hint = 'tenant:<tenant>, kind:<kind>, '
                   'actor:<provider>/<actor> or memory:<provider>';
    elsif p_amount is null then
        delete from igjobs.caps c where c.scope = p_scope;
        return;
    end if;
    insert into igjobs.slots (scope, n)
    select p_scope, n from generate_series(0, n_slots - 1) n
    on conflict (scope, n) do nothing;
    insert into igjobs.caps (scope, slots) values (p_scope, n_slots)
    on conflict (scope) do update set slots = excluded.slots;
end
$$;
comment on function igjobs.set_cap(text, integer) is
    'For operators: at most p_amount batches of a tenant or kind are leased, '
    'runs of an actor open, MB of runs of a provider in use, in the whole '
    'fleet; null = no cap. What works already is not counted under a new cap, '
    'and nothing is stopped under a lower one.';


create function igjobs.actor_scope(p_provider text, p_actor text)
    returns text
    language sql immutable
return 'actor:' || p_provider || '/' || replace(p_actor, '/', '~');
comment on function igjobs.actor_scope(text, text) is
    'The scope of an actor, however its name is spelled; null without one.';


create type igjobs.slot_locks as (
    full_scope text, scopes text[], numbers integer[], run_slots integer);

create function igjobs.lock_slots(p_scopes text[], p_weights integer[])
    returns igjobs.slot_locks
    language plpgsql volatile
as $$
declare
    l igjobs.slot_locks;
    cap record;
    free integer[];
begin
    l.run_slots := 0;
    for cap in
        select c.scope, c.slots, w.weight, igjobs.slots_above(c) as above
        from unnest(p_scopes, p_weights) w (scope, weight)
        join igjobs.caps c on c.scope = w.scope
        order by c.scope
    loop
        free := array(
            select s.n from igjobs.slots s
            where s.scope = cap.scope and s.n < cap.slots
                and (s.job_id is null or s.until < clock_timestamp())
            order by s.n limit cap.weight + cap.above
            for no key update skip locked);
        if cardinality(free) < cap.weight + cap.above then
            l.full_scope := cap.scope;
            return l;
        end if;
        l.scopes := l.scopes || array_fill(cap.scope, array[cap.weight]);
        l.numbers := l.numbers || free[:cap.weight];
        if igjobs.is_run_scope(cap.scope) then
            l.run_slots := l.run_slots + cap.weight;
        end if;
    end loop;
    return l;
end
$$;
comment on function igjobs.lock_slots(text[], integer[]) is
    'Locks so many (weights) free slots of every scope that has a cap, '
    'skipping locked ones; full_scope names the first scope without. Writes '
    'nothing.';


create function igjobs.slots_above(c igjobs.caps)
    returns integer
    language plpgsql volatile
as $$
begin
    return (select count(*) from igjobs.slots s
            where s.scope = c.scope and s.n >= c.slots
                and s.job_id is not null and s.until > clock_timestamp());
end
$$;
comment on function igjobs.slots_above(igjobs.caps) is
    'Slots that are still held of those that a cap had before it was lowered: '
    'as many of the others stay free.';


create function igjobs.is_run_scope(p_scope text)
    returns boolean
    language plpgsql immutable
as $$
begin
    return starts_with(p_scope, 'actor:') or starts_with(p_scope, 'memory:');
end
$$;
comment on function igjobs.is_run_scope(text) is
    'Does the scope count provider runs, which outlive leases?';


create function igjobs.batch_slots(
    b igjobs.batches, p_provider text, p_actor text, p_memory integer)
    returns igjobs.slot_locks
    language plpgsql volatile
as $$
declare
    mb integer := coalesce(nullif(p_memory, 0),
                           igjobs.setting('run_memory_mb')::integer);
begin
    if p_provider is null or b.run_slots > 0 then
        return igjobs.lock_slots(
            array['kind:' || b.kind, 'tenant:' || b.tenant], '{1, 1}');
    end if;
    return igjobs.lock_slots(
        array['kind:' || b.kind, 'tenant:' || b.tenant,
              igjobs.actor_scope(p_provider, p_actor),
              'memory:' || p_provider],
        array[1, 1, 1, (mb + 127) / 128]);
end
$$;
comment on function igjobs.batch_slots(
    igjobs.batches, text, text, integer) is
    'Part of claim: locks the slots that a batch needs for its lease and, '
    'unless its run has them already, for a provider run of p_memory MB '
    '(0 = not said).';


create function igjobs.batch_scopes(
    b igjobs.batches, p_provider text, p_actor text)
    returns text
    language plpgsql immutable
as $$
begin
    return concat_ws(',', 'kind:' || b.kind, 'tenant:' || b.tenant,
                     igjobs.actor_scope(p_provider, p_actor),
                     'memory:' || p_provider);
end
$$;
comment on function igjobs.batch_scopes(igjobs.batches, text, text) is
    'The scopes in which a batch may hold slots, with commas between.';


create function igjobs.take_slots(
    l igjobs.slot_locks, p_job uuid, p_batch integer, p_attempt integer,
    p_until timestamptz)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.slots s
    set job_id = p_job, batch_no = p_batch,
        attempt = case when not r then p_attempt end,
        until = case when r then 'infinity' else p_until end
    from unnest(l.scopes, l.numbers) t (scope, n),
        igjobs.is_run_scope(t.scope) r
    where s.scope = t.scope and s.n = t.n;
end
$$;
comment on function igjobs.take_slots(
    igjobs.slot_locks, uuid, integer, integer, timestamptz) is
    'Gives the locked slots to a batch: to its lease, those of run scopes to '
    'its run.';


create function igjobs.release_slots(
    p_job uuid, p_batch integer, p_attempt integer)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.slots s
    set job_id = null, batch_no = null, attempt = null, until = null
    where s.job_id = p_job and s.batch_no = p_batch
        and s.attempt = p_attempt;
end
$$;
comment on function igjobs.release_slots(uuid, integer, integer) is
    'Frees the slots that this attempt holds; a later holder keeps its own.';


create function igjobs.release_run_slots(p_job uuid, p_batch integer)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.slots s
    set job_id = null, batch_no = null, until = null
    where s.job_id = p_job and s.batch_no = p_batch and s.attempt is null;
end
$$;
comment on function igjobs.release_run_slots(uuid, integer) is
    'Frees the slots that a batch''s provider run holds.';


create function igjobs.drop_slots(b igjobs.batches)
    returns smallint
    language plpgsql volatile
as $$
begin
    if b.slots > 0 then
        perform igjobs.release_slots(b.job_id, b.batch_no, b.attempt);
    end if;
    if b.run_slots = 0 or igjobs.may_run(b) then
        return b.run_slots;
    end if;
    perform igjobs.release_run_slots(b.job_id, b.batch_no);
    return 0;
end
$$;
comment on function igjobs.drop_slots(igjobs.batches) is
    'A locked batch leaves its lease: frees its slots. Returns how many its '
    'run keeps: a run that the provider may be working on counts under the '
    'caps of its actor and of memory whoever collects it, until it is closed.';


create function igjobs.may_run(b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no
            and r.state in ('intent', 'started', 'stray'));
end
$$;
comment on function igjobs.may_run(igjobs.batches) is
    'May the provider be working on a run of the batch?';


create function igjobs.unused_slots(p_scope text)
    returns integer
    language plpgsql volatile
as $$
begin
    return coalesce((
        select greatest(0, (
            select count(*) from igjobs.slots s
            where s.scope = c.scope and s.n < c.slots
                and (s.job_id is null or s.until < clock_timestamp()))
            - igjobs.slots_above(c))
        from igjobs.caps c where c.scope = p_scope), 1000000);
end
$$;
comment on function igjobs.unused_slots(text) is
    'Free slots of a scope; a million when it has no cap.';
