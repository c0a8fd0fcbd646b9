-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The pace of Airtable, for all workers together. It takes five requests a
-- second for each base and fifty for all traffic of a token, and whoever asks
-- for more is refused everything for 30 s. So a worker asks here before each
-- request: turns of a base are spread evenly, and each takes a place of its own
-- in the token's second.
--
-- Both tables are unlogged: a turn costs no flush of the log. After a crash of
-- the server they are empty, and what Airtable says next fills them again.

create unlogged table igjobs.airtable_pace (
    next_at       timestamptz not null default '-infinity',
    frozen_until  timestamptz,
    used_up_until timestamptz,
    base          text not null,
    constraint airtable_pace_pkey primary key (base)
) with (fillfactor = 50);
comment on table igjobs.airtable_pace is
    'bases: when the next request may go out; silence that Airtable wants';
comment on column igjobs.airtable_pace.used_up_until is
    'the month''s API calls of the base''s workspace are used up';
comment on constraint airtable_pace_pkey on igjobs.airtable_pace is
    'igjobs.airtable_turn: one base';


create unlogged table igjobs.airtable_places (
    place integer not null,
    slot  bigint not null,
    constraint airtable_places_pkey primary key (place)
) with (fillfactor = 50);
comment on table igjobs.airtable_places is
    'the token''s time, cut into slots of one request: a ring, whose places '
    'say which slot was taken last';
comment on constraint airtable_places_pkey on igjobs.airtable_places is
    'igjobs.airtable_slot: the places after a moment';


insert into igjobs.settings (name, value, note) values
    ('airtable_token_requests_per_second', '40',
     'requests to Airtable with one token, of all workers together');


create function igjobs.airtable_slot(p_at timestamptz)
    returns timestamptz
    language plpgsql volatile
as $$
declare
    rate numeric :=
        greatest(1, igjobs.setting('airtable_token_requests_per_second')
                    ::numeric);
    first bigint := ceil(extract(epoch from p_at) * rate);
    n bigint;
begin
    loop
        n := (select coalesce(min(s), first + 500)
              from generate_series(first, first + 499) s
              left join igjobs.airtable_places p on p.place = s % 1000
              where p.slot is null or p.slot < s);
        insert into igjobs.airtable_places as p (place, slot)
        values (n % 1000, n)
        on conflict (place) do update set slot = excluded.slot
            where p.slot < excluded.slot;
        exit when found;
        first := n;
    end loop;
    return to_timestamp(n / rate);
end
$$;
comment on function igjobs.airtable_slot(timestamptz) is
    'Takes the first free slot of the token from a moment on. Of several that '
    'want the same one, one gets it and the others look further.';


create type igjobs.airtable_answer as (
    answer text, wait_ms integer, good_ms integer);
comment on type igjobs.airtable_answer is
    'go: the request may go out wait_ms from now, at most good_ms after that; '
    'wait: ask again after wait_ms; used_up: not this month, the turn would '
    'come after wait_ms; taken: the base is another tenant''s';

create function igjobs.airtable_turn(
    p_tenant text, p_base text, p_max_ms integer)
    returns igjobs.airtable_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    b igjobs.airtable_pace;
    rate numeric :=
        greatest(0.1, igjobs.setting('airtable_requests_per_second')::numeric);
    turn timestamptz;
begin
    if not igjobs.own_airtable(p_tenant, p_base) then
        return ('taken'::text, 0, 0);
    end if;
    insert into igjobs.airtable_pace (base) values (p_base)
    on conflict (base) do nothing;
    select t.* into b from igjobs.airtable_pace t where t.base = p_base
    for no key update;

    if b.used_up_until > clock_timestamp() then
        return ('used_up'::text, igjobs.ms_until(b.used_up_until), 0);
    elsif b.frozen_until > clock_timestamp() then
        return ('wait'::text, igjobs.ms_until(b.frozen_until), 0);
    elsif b.next_at > clock_timestamp() + p_max_ms * interval '1 ms' then
        return ('wait'::text, igjobs.ms_until(b.next_at), 0);
    end if;

    turn := igjobs.airtable_slot(greatest(b.next_at, clock_timestamp()));
    update igjobs.airtable_pace t
    set next_at = turn + interval '1 s' / rate
    where t.base = p_base;
    return ('go'::text, igjobs.ms_until(turn), ceil(600 / rate)::integer);
end
$$;
comment on function igjobs.airtable_turn(text, text, integer) is
    'May this base be asked once for a tenant, at most p_max_ms from now? '
    'Turns stand 1 / airtable_requests_per_second apart; one that is used '
    'later than good_ms, six tenths of that, would come too close to the '
    'next.';


create function igjobs.airtable_freeze(p_base text, p_ms integer)
    returns void
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into igjobs.airtable_pace as t (base, frozen_until, used_up_until)
    values (p_base,
            case when p_ms >= 0
                then clock_timestamp() + p_ms * interval '1 ms' end,
            case when p_ms < 0
                then date_trunc('month', now(), 'UTC') + interval '1 month' end)
    on conflict (base) do update
    set frozen_until = greatest(t.frozen_until, excluded.frozen_until),
        used_up_until = coalesce(excluded.used_up_until, t.used_up_until);
end
$$;
comment on function igjobs.airtable_freeze(text, integer) is
    'Airtable wants silence for this base: so many milliseconds; below 0: its '
    'month''s API calls are used up, until the next month begins (UTC) or '
    'igjobs.airtable_thaw.';


create function igjobs.airtable_thaw(p_base text)
    returns boolean
    language plpgsql volatile
as $$
begin
    update igjobs.airtable_pace t
    set frozen_until = null, used_up_until = null
    where t.base = p_base
        and greatest(t.frozen_until, t.used_up_until) > clock_timestamp();
    return found;
end
$$;
comment on function igjobs.airtable_thaw(text) is
    'For operators: the base may be asked again (a larger plan was bought).';


create view igjobs.airtable_bases as
select p.base,
    case when p.used_up_until > clock_timestamp() then 'used_up'
        when p.frozen_until > clock_timestamp() then 'frozen'
        else 'open' end as state,
    nullif(greatest(p.used_up_until, p.frozen_until, '-infinity'),
           '-infinity') as until,
    nullif(p.next_at, '-infinity') as next_at
from igjobs.airtable_pace p;
comment on view igjobs.airtable_bases is
    'For people: bases that were asked, which of them are silenced and until '
    'when. next_at: the first moment without a turn.';


create function igjobs.cause_of_airtable(
    j public.scrape_jobs, s igjobs.situation)
    returns igjobs.cause
    language plpgsql volatile
as $$
declare
    p igjobs.airtable_pace;
    silent boolean;
    until timestamptz;
begin
    if j.kind <> 'operation' then
        return null;
    end if;
    select t.* into p from igjobs.airtable_pace t
    where t.base in (
            select b.payload ->> 'airtable_base' from igjobs.batches b
            where b.tenant = j.tenant and b.job_id = j.job_id
                and b.state in ('queued', 'leased')
            limit 1000)
        and greatest(t.frozen_until, t.next_at)
            > clock_timestamp() + interval '1 s'
    order by greatest(t.frozen_until, t.next_at) limit 1;
    if p.base is null then
        return null;
    end if;

    silent := coalesce(p.frozen_until > clock_timestamp(), false);
    until := greatest(p.frozen_until, p.next_at);
    return igjobs.because('airtable_pace', j.updated_at, until, case
        when silent then format(
            'Airtable takes no request for base %s before %s: it was asked '
            'too often.', p.base, igjobs.utc(until))
        else format(
            'Requests to base %s wait for their turn, the next free one is '
            'at %s: at most %s go out a second.', p.base, igjobs.utc(until),
            igjobs.setting('airtable_requests_per_second'))
        end, jsonb_build_object('airtable_base', p.base, 'silent', silent));
end
$$;
comment on function igjobs.cause_of_airtable(
    public.scrape_jobs, igjobs.situation) is
    'Part of explain: the turns of a base that an operation works on are '
    'taken for more than a second, or Airtable wants silence.';


revoke all on all functions in schema igjobs from public;
revoke all on igjobs.airtable_pace, igjobs.airtable_places,
    igjobs.airtable_bases from public;
grant execute on function
    igjobs.airtable_turn(text, text, integer),
    igjobs.airtable_freeze(text, integer)
to igjobs_worker;
