-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Fleet-wide caps. A scope (tenant:<tenant>, kind:<kind>) with a row in
-- igjobs.caps has so many slots; a lease holds one slot of each of its scopes.
-- And holds: a kind whose provider refuses for now is not claimed for a while,
-- so that a queue of any length does not ask it batch by batch.

create function igjobs.set_cap(p_scope text, p_slots integer)
    returns void
    language plpgsql volatile
as $$
begin
    if p_slots is null then
        delete from igjobs.caps c where c.scope = p_scope;
        return;
    end if;
    insert into igjobs.slots (scope, n)
    select p_scope, n from generate_series(0, p_slots - 1) n
    on conflict (scope, n) do nothing;
    insert into igjobs.caps (scope, slots) values (p_scope, p_slots)
    on conflict (scope) do update set slots = excluded.slots;
end
$$;
comment on function igjobs.set_cap(text, integer) is
    'For operators: at most p_slots batches of a scope are leased in the '
    'whole fleet; null = no cap.';


create type igjobs.slot_locks as (
    full_scope text, scopes text[], numbers integer[]);

create function igjobs.lock_slots(p_scopes text[])
    returns igjobs.slot_locks
    language plpgsql volatile
as $$
declare
    l igjobs.slot_locks;
    capped igjobs.caps[] := array(
        select c from igjobs.caps c
        where c.scope = any (p_scopes) order by c.scope);
    cap igjobs.caps;
    free integer;
begin
    foreach cap in array capped loop
        select s.n into free from igjobs.slots s
        where s.scope = cap.scope and s.n < cap.slots
            and (s.job_id is null or s.until < clock_timestamp())
        order by s.n limit 1
        for no key update skip locked;
        if not found then
            l.full_scope := cap.scope;
            return l;
        end if;
        l.scopes := l.scopes || cap.scope;
        l.numbers := l.numbers || free;
    end loop;
    return l;
end
$$;
comment on function igjobs.lock_slots(text[]) is
    'Locks a free slot of every scope that has a cap, skipping locked ones; '
    'full_scope names the first scope without one. Writes nothing.';


create function igjobs.take_slots(
    l igjobs.slot_locks, p_job uuid, p_batch integer, p_attempt integer,
    p_until timestamptz)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.slots s
    set job_id = p_job, batch_no = p_batch, attempt = p_attempt,
        until = p_until
    from unnest(l.scopes, l.numbers) t (scope, n)
    where s.scope = t.scope and s.n = t.n;
end
$$;
comment on function igjobs.take_slots(
    igjobs.slot_locks, uuid, integer, integer, timestamptz) is
    'Gives the locked slots to a batch.';


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


create function igjobs.held(p_scope text)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from igjobs.holds h
        where h.scope = p_scope and h.until > clock_timestamp());
end
$$;
comment on function igjobs.held(text) is
    'Is nothing of this scope to be claimed now?';


create function igjobs.hold(p_scope text, p_ms integer)
    returns void
    language plpgsql volatile
as $$
begin
    if igjobs.held(p_scope) then
        return;
    end if;
    insert into igjobs.holds as h (scope, until)
    values (p_scope, clock_timestamp() + p_ms * interval '1 ms')
    on conflict (scope) do update
    set until = greatest(h.until, excluded.until);
end
$$;
comment on function igjobs.hold(text, integer) is
    'Keeps a scope from being claimed for p_ms; a hold that stands stays as '
    'it is.';


create function igjobs.release_hold(p_scope text)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.holds h set until = clock_timestamp()
    where h.scope = p_scope and h.until > clock_timestamp();
end
$$;
comment on function igjobs.release_hold(text) is
    'Ends a hold early: a batch has ended well, there is room again.';


create function igjobs.unused_slots(p_scope text)
    returns integer
    language plpgsql stable
as $$
begin
    return coalesce((
        select (select count(*) from igjobs.slots s
                where s.scope = c.scope and s.n < c.slots
                    and (s.job_id is null or s.until < clock_timestamp()))
        from igjobs.caps c where c.scope = p_scope), 1000000);
end
$$;
comment on function igjobs.unused_slots(text) is
    'Free slots of a scope; a million when it has no cap.';


create function igjobs.free_slots(p_scope text)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    held_until timestamptz := (
        select h.until from igjobs.holds h where h.scope = p_scope);
    probing boolean := held_until > clock_timestamp() - interval '1 minute';
begin
    return case
        when held_until > clock_timestamp() then 0
        when probing then least(igjobs.unused_slots(p_scope),
                                igjobs.setting('hold_probes')::integer)
        else igjobs.unused_slots(p_scope)
        end;
end
$$;
comment on function igjobs.free_slots(text) is
    'How many parked turns of a scope may come back now: none under a hold, '
    'a few soon after one, all of them when it has no cap any more.';
