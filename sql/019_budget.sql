-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Budgets of a job (max_cost_usd) and of a tenant's day
-- (tenants.max_cost_usd_per_day). Before a run is started, what it may cost at
-- most is reserved, and the provider is told not to charge more; the
-- reservation stands until what it did charge is final, some seconds after the
-- run's end. So cost + reserved is never above a limit, whatever happens to
-- whoever started the run. Locks: job row, then the tenant's day, the last.

create function igjobs.price_of(p_provider text, p_actor text)
    returns igjobs.prices
    language plpgsql stable
as $$
declare
    p igjobs.prices;
begin
    select t.* into p from igjobs.prices t
    where t.provider = p_provider
        and t.actor in (replace(p_actor, '/', '~'), '*')
    order by t.actor = '*' limit 1;
    if not found then
        raise exception 'no price of % %', p_provider, p_actor
            using errcode = 'no_data_found';
    end if;
    return p;
end
$$;
comment on function igjobs.price_of(text, text) is
    'The price of an actor, else that of any other (*).';


create function igjobs.set_price(
    p_provider text, p_actor text, p_usd_per_run numeric,
    p_usd_per_1000_items numeric, p_usd_per_gb_hour numeric default 0,
    p_memory_mb integer default null, p_run_timeout_s integer default null)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.prices as t values (
        p_provider, replace(p_actor, '/', '~'), p_usd_per_run,
        p_usd_per_1000_items, p_usd_per_gb_hour, p_memory_mb, p_run_timeout_s)
    on conflict (provider, actor) do update
    set usd_per_run = excluded.usd_per_run,
        usd_per_1000_items = excluded.usd_per_1000_items,
        usd_per_gb_hour = excluded.usd_per_gb_hour,
        memory_mb = excluded.memory_mb,
        run_timeout_s = excluded.run_timeout_s;
end
$$;
comment on function igjobs.set_price(
    text, text, numeric, numeric, numeric, integer, integer) is
    'For operators: what an actor (* = any other) costs. Where memory is '
    'paid by the hour, memory and time-out are what its runs get.';


create function igjobs.fixed_usd(p igjobs.prices)
    returns numeric
    language sql immutable
return p.usd_per_run
    + coalesce(p.usd_per_gb_hour * p.memory_mb / 1024
               * p.run_timeout_s / 3600, 0);
comment on function igjobs.fixed_usd(igjobs.prices) is
    'What a run may cost beside its items.';


create function igjobs.run_usd(p igjobs.prices, p_items bigint)
    returns numeric
    language sql immutable
return ceil((igjobs.fixed_usd(p) + p.usd_per_1000_items * p_items / 1000)
            * 1000000) / 1000000;
comment on function igjobs.run_usd(igjobs.prices, bigint) is
    'What a run of so many items costs at most, rounded up.';


create function igjobs.worth_items(p_max_count integer)
    returns integer
    language sql stable
return greatest(1, ceil(p_max_count
                        * igjobs.setting('min_run_share')::numeric));
comment on function igjobs.worth_items(integer) is
    'The fewest items of an account for which a run is worth its start.';


create function igjobs.fitting_items(
    p igjobs.prices, p_room numeric, p_accounts integer, p_max_count integer)
    returns integer
    language plpgsql stable
as $$
declare
    of_items numeric := p_room - igjobs.fixed_usd(p);
    n integer;
begin
    if of_items < 0 then
        return 0;
    elsif p.usd_per_1000_items = 0 then
        return p_max_count;
    end if;
    n := least(p_max_count, floor(1000 * of_items
                                  / (p.usd_per_1000_items * p_accounts)));
    return case when n < igjobs.worth_items(p_max_count) then 0 else n end;
end
$$;
comment on function igjobs.fitting_items(
    igjobs.prices, numeric, integer, integer) is
    'How many items of each account so much money buys, p_max_count at most: '
    'fewer than the whole rather than none, but none where the start would '
    'not be worth it.';


create function igjobs.today()
    returns date
    language sql volatile
return (clock_timestamp() at time zone 'UTC')::date;
comment on function igjobs.today() is
    'The day of a limit a day: UTC.';


create function igjobs.lock_day(p_tenant text)
    returns igjobs.spending
    language plpgsql volatile
as $$
declare
    d igjobs.spending;
    day_now date := igjobs.today();
begin
    insert into igjobs.spending (tenant, day) values (p_tenant, day_now)
    on conflict (tenant, day) do nothing;
    select t.* into strict d from igjobs.spending t
    where t.tenant = p_tenant and t.day = day_now
    for no key update;
    return d;
end
$$;
comment on function igjobs.lock_day(text) is
    'What a tenant has spent today, locked. The last lock of a transaction.';


create function igjobs.day_limit(p_tenant text)
    returns numeric
    language plpgsql volatile
as $$
begin
    return (select t.max_cost_usd_per_day from igjobs.tenants t
            where t.tenant = p_tenant);
end
$$;
comment on function igjobs.day_limit(text) is
    'What a tenant may spend a day; null = it has no limit.';


create function igjobs.has_budget(b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
begin
    return exists (
        select from public.scrape_jobs j
        where j.tenant = b.tenant and j.job_id = b.job_id
            and (j.max_cost_usd is not null
                 or igjobs.day_limit(b.tenant) is not null));
end
$$;
comment on function igjobs.has_budget(igjobs.batches) is
    'Must a run of this batch reserve what it may cost?';


create function igjobs.take_money(
    j public.scrape_jobs, d igjobs.spending, p_usd numeric)
    returns numeric
    language plpgsql volatile
as $$
begin
    update public.scrape_jobs t
    set reserved_usd = t.reserved_usd + p_usd, need_usd = null
    where t.tenant = j.tenant and t.job_id = j.job_id
        and (t.max_cost_usd is null
             or t.cost_usd + t.reserved_usd + p_usd <= t.max_cost_usd)
    returning t.reserved_usd into strict j.reserved_usd;
    if d.day is not null then
        update igjobs.spending t
        set reserved_usd = t.reserved_usd + p_usd
        where t.tenant = d.tenant and t.day = d.day
            and t.cost_usd + t.reserved_usd + p_usd
                <= igjobs.day_limit(t.tenant)
        returning t.tenant into strict d.tenant;
    end if;
    return j.reserved_usd;
end
$$;
comment on function igjobs.take_money(
    public.scrape_jobs, igjobs.spending, numeric) is
    'Part of reserve: both limits stand in the updates themselves. Returns '
    'what the job has reserved now; raises where it would not fit.';


create function igjobs.no_money(j public.scrape_jobs, p_need numeric)
    returns text
    language plpgsql volatile
as $$
begin
    update public.scrape_jobs t set need_usd = p_need
    where t.tenant = j.tenant and t.job_id = j.job_id;
    return case
        when j.reserved_usd = 0
            and p_need > j.max_cost_usd - j.cost_usd then 'stop'
        else 'wait'
        end;
end
$$;
comment on function igjobs.no_money(public.scrape_jobs, numeric) is
    'Part of reserve: notes what did not fit, so that nobody asks again '
    'before there is as much. A job with open reservations may get some of '
    'them back, and tomorrow is another day.';


create function igjobs.reserve(
    j public.scrape_jobs, p_provider text, p_actor text, p_accounts integer)
    returns igjobs.allowance
    language plpgsql volatile
as $$
declare
    p igjobs.prices := igjobs.price_of(p_provider, p_actor);
    a igjobs.allowance;
    d igjobs.spending;
    day_limit numeric := igjobs.day_limit(j.tenant);
    each_gets integer;
begin
    if day_limit is not null then
        d := igjobs.lock_day(j.tenant);
    end if;
    each_gets := igjobs.fitting_items(
        p, least(j.max_cost_usd - j.cost_usd - j.reserved_usd,
                 day_limit - d.cost_usd - d.reserved_usd),
        p_accounts, j.max_count_per_account);
    if each_gets = 0 then
        a.answer := igjobs.no_money(j, igjobs.run_usd(
            p, p_accounts::bigint
               * igjobs.worth_items(j.max_count_per_account)));
        return a;
    end if;

    a.answer := 'ok';
    a.max_items := p_accounts::bigint * each_gets;
    a.usd := igjobs.run_usd(p, a.max_items);
    a.day := d.day;
    a.memory_mb := p.memory_mb;
    a.timeout_s := p.run_timeout_s;
    a.job_reserved := igjobs.take_money(j, d, a.usd);
    return a;
end
$$;
comment on function igjobs.reserve(
    public.scrape_jobs, text, text, integer) is
    'Sets aside what a run for so many accounts may cost; where the rest of '
    'a budget does not cover all of it, for fewer items of each account. The '
    'caller holds the job row, and the job or its tenant has a budget.';


create function igjobs.allowance_json(r igjobs.runs)
    returns jsonb
    language plpgsql volatile
as $$
declare
    p igjobs.prices := igjobs.price_of(r.provider, r.actor);
begin
    return jsonb_strip_nulls(jsonb_build_object(
        'max_items', r.max_items, 'max_usd', r.reserved_usd,
        'memory_mb', p.memory_mb, 'timeout_s', p.run_timeout_s));
end
$$;
comment on function igjobs.allowance_json(igjobs.runs) is
    'What the provider is told of a run''s limits.';


create function igjobs.note_reservation(
    b igjobs.batches, p_run_no integer, a igjobs.allowance)
    returns jsonb
    language plpgsql volatile
as $$
begin
    update igjobs.runs t
    set reserved_usd = a.usd, reserved_day = a.day, max_items = a.max_items
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.run_no = p_run_no;
    return jsonb_strip_nulls(jsonb_build_object(
        'max_items', a.max_items, 'max_usd', a.usd,
        'memory_mb', a.memory_mb, 'timeout_s', a.timeout_s));
end
$$;
comment on function igjobs.note_reservation(
    igjobs.batches, integer, igjobs.allowance) is
    'Writes a reservation beside its intent; returns what the provider is '
    'told.';


-- moving it on and back

create function igjobs.move_money(
    j public.scrape_jobs, r igjobs.runs, p_reserved numeric, p_cost numeric)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    j.reserved_usd := j.reserved_usd + p_reserved;
    j.cost_usd := j.cost_usd + p_cost;
    if r.reserved_day is not null then
        update igjobs.spending t
        set reserved_usd = t.reserved_usd + p_reserved,
            cost_usd = t.cost_usd + p_cost
        where t.tenant = r.tenant and t.day = r.reserved_day;
    end if;
    return j;
end
$$;
comment on function igjobs.move_money(
    public.scrape_jobs, igjobs.runs, numeric, numeric) is
    'Adds to what a locked job and the day of a run have reserved and spent. '
    'The caller saves the job.';


create function igjobs.book_closed(
    j public.scrape_jobs, r igjobs.runs, p_cost numeric)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if r.reserved_usd is null then
        j.cost_usd := j.cost_usd + coalesce(p_cost - coalesce(r.cost_usd, 0),
                                            0);
        return j;
    end if;

    update igjobs.runs t
    set reserved_usd = case when r.run_id is not null
            then t.reserved_usd end,
        settle_at = case when r.run_id is not null
            then clock_timestamp()
                 + igjobs.setting('usage_settles_ms')::integer
                   * interval '1 ms' end
    where t.tenant = r.tenant and t.job_id = r.job_id
        and t.batch_no = r.batch_no and t.run_no = r.run_no;
    return case when r.run_id is null
        then igjobs.move_money(j, r, - r.reserved_usd, 0) else j end;
end
$$;
comment on function igjobs.book_closed(
    public.scrape_jobs, igjobs.runs, numeric) is
    'What the close of a run, in this transaction, means for the money of '
    'its locked job. r: the run as it was before, with its id. Without a '
    'budget: its cost so far is booked, but for what was booked before it was '
    'read. One that was never started gives its '
    'reservation back; any other keeps it until its cost is final '
    '(igjobs.settle_run).';


create function igjobs.book_closed_alone(r igjobs.runs, p_cost numeric)
    returns void
    language plpgsql volatile
as $$
begin
    if r.reserved_usd is not null or p_cost > 0 then
        perform igjobs.save_job(igjobs.book_closed(
            igjobs.lock_job(r.tenant, r.job_id), r, p_cost));
    end if;
end
$$;
comment on function igjobs.book_closed_alone(igjobs.runs, numeric) is
    'book_closed for those that do not hold the job row yet.';


create function igjobs.give_money_back(r igjobs.runs)
    returns void
    language plpgsql volatile
as $$
begin
    if r.reserved_usd is null then
        return;
    end if;
    update igjobs.runs t
    set reserved_usd = null, reserved_day = null, max_items = null
    where t.tenant = r.tenant and t.job_id = r.job_id
        and t.batch_no = r.batch_no and t.run_no = r.run_no;
    perform igjobs.save_job(igjobs.move_money(
        igjobs.lock_job(r.tenant, r.job_id), r, - r.reserved_usd, 0));
end
$$;
comment on function igjobs.give_money_back(igjobs.runs) is
    'A locked batch''s run was not started: its reservation ends. r as read '
    'under the lock of the batch row.';


create function igjobs.reserve_again(
    b igjobs.batches, r igjobs.runs, p_provider text, p_actor text,
    p_accounts text)
    returns igjobs.allowance
    language plpgsql volatile
as $$
declare
    a igjobs.allowance;
    j public.scrape_jobs;
begin
    perform igjobs.give_money_back(r);
    j := igjobs.lock_job(b.tenant, b.job_id);
    a := igjobs.reserve(j, p_provider, p_actor, case
        when p_accounts is null then b.account_count
        else cardinality(string_to_array(p_accounts, e'\n')) end);
    if a.answer = 'ok' then
        j.reserved_usd := a.job_reserved;
        perform igjobs.save_job(j);
        return a;
    end if;

    update igjobs.runs t set state = 'planned', token = null, intent_at = null
    where t.tenant = r.tenant and t.job_id = r.job_id
        and t.batch_no = r.batch_no and t.run_no = r.run_no;
    if a.answer = 'stop' then
        perform igjobs.save_job(igjobs.stop_locked(j, 'budget'));
    end if;
    return a;
end
$$;
comment on function igjobs.reserve_again(
    igjobs.batches, igjobs.runs, text, text, text) is
    'Part of run_intent: reserves for a further run; r, which is planned, '
    'or an older attempt''s intent that came to nothing, or null. Where '
    'nothing fits, the run is planned, and the job stops if nothing will '
    'come back.';


create function igjobs.owe_beside(
    b igjobs.batches, p_run_no integer, r igjobs.runs)
    returns igjobs.runs
    language plpgsql volatile
as $$
declare
    j public.scrape_jobs;
begin
    r.run_no := p_run_no;
    if r.reserved_usd is null and not igjobs.has_budget(b) then
        return r;
    end if;
    r.reserved_usd := coalesce(r.reserved_usd, 0);
    update igjobs.runs t
    set reserved_usd = r.reserved_usd, reserved_day = r.reserved_day
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and t.run_no = p_run_no;
    j := igjobs.lock_job(b.tenant, b.job_id);
    perform igjobs.save_job(igjobs.move_money(j, r, r.reserved_usd, 0));
    return r;
end
$$;
comment on function igjobs.owe_beside(
    igjobs.batches, integer, igjobs.runs) is
    'Part of book_run, for a provider run that stands beside its intent '
    '(r), whose reservation another run has taken: as much is set aside once '
    'more, without asking the limit, since it may be owed already.';


create function igjobs.unsettled_runs(p_limit integer)
    returns table (
        tenant text, job_id uuid, batch_no integer, run_no integer,
        run_id text, kind text)
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    update igjobs.runs r
    set settle_at = clock_timestamp()
        + igjobs.setting('usage_again_ms')::integer * interval '1 ms'
    from (select t.job_id, t.batch_no, t.run_no from igjobs.runs t
          where t.settle_at <= now()
              and not igjobs.is_open(
                  igjobs.actor_scope(t.provider, t.actor))
          order by t.settle_at limit p_limit
          for no key update skip locked) due
    join igjobs.batches b
        on b.job_id = due.job_id and b.batch_no = due.batch_no
    where r.job_id = due.job_id and r.batch_no = due.batch_no
        and r.run_no = due.run_no
    returning r.tenant, r.job_id, r.batch_no, r.run_no, r.run_id, b.kind;
end
$$;
comment on function igjobs.unsettled_runs(integer) is
    'Closed runs whose cost is final by now, for the caller to read; nobody '
    'else gets them for a while.';


create function igjobs.settle_run(
    p_tenant text, p_job uuid, p_batch integer, p_run_no integer,
    p_cost numeric, p_lost boolean)
    returns igjobs.job_answer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    r igjobs.runs;
    a igjobs.job_answer;
    j public.scrape_jobs;
    cost numeric;
begin
    select t.* into r from igjobs.runs t
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = p_run_no and t.settle_at is not null
    for no key update;
    cost := coalesce(p_cost, case
        when p_lost or coalesce(r.closed_at, r.intent_at) < clock_timestamp()
            - igjobs.setting('usage_lost_ms')::integer * interval '1 ms'
        then r.reserved_usd end);
    a.answer := case when r.job_id is null then 'repeated'
                    when cost is null then 'later' else 'settled' end;
    if a.answer <> 'settled' then
        return a;
    end if;

    update igjobs.runs t
    set cost_usd = cost, reserved_usd = null, settle_at = null
    where t.tenant = p_tenant and t.job_id = p_job and t.batch_no = p_batch
        and t.run_no = p_run_no;
    j := igjobs.save_job(igjobs.move_money(
        igjobs.lock_job(p_tenant, p_job), r, - r.reserved_usd, cost));
    a.version := j.version;
    a.doc := j.doc;
    a.final := igjobs.is_final(j.state);
    a.state := j.state;
    return a;
end
$$;
comment on function igjobs.settle_run(
    text, uuid, integer, integer, numeric, boolean) is
    'Books what a closed run did cost and gives the rest of its reservation '
    'back, once. p_cost null: not known; all of the reservation is booked if '
    'the provider has forgotten the run (p_lost) or has said nothing for too '
    'long. Answers settled, repeated or later.';


-- jobs without money

create function igjobs.claim_without_money(
    j public.scrape_jobs, a igjobs.allowance)
    returns igjobs.claimed
    language plpgsql volatile
as $$
declare
    c igjobs.claimed;
begin
    if a.answer = 'wait' then
        c.answer := 'later';
        c.scope := 'money';
        c.wait_ms := igjobs.money_wait_ms();
        return c;
    end if;
    j := igjobs.save_job(igjobs.stop_locked(j, 'budget'));
    c.answer := 'stopped';
    c.tenant := j.tenant;
    c.job_id := j.job_id;
    c.version := j.version;
    c.doc := j.doc;
    return c;
end
$$;
comment on function igjobs.claim_without_money(
    public.scrape_jobs, igjobs.allowance) is
    'Part of claim: nothing is leased; the job waits, which it has noted '
    '(scope money), or its budget is spent.';


create function igjobs.money_wait_ms()
    returns integer
    language sql immutable
return 60000;
comment on function igjobs.money_wait_ms() is
    'How long a job without money is left alone. Long, since the sweep gives '
    'it turns as soon as there is some.';


create function igjobs.job_waits(j public.scrape_jobs)
    returns boolean
    language sql immutable
return (j.need_usd > j.max_cost_usd - j.cost_usd - j.reserved_usd
        and j.reserved_usd > 0) is true;
comment on function igjobs.job_waits(public.scrape_jobs) is
    'Does the job''s budget cover no run, and may some of it come back? A job '
    'that will get none is to be claimed: that stops it.';


create function igjobs.day_waits(j public.scrape_jobs, p_room numeric)
    returns boolean
    language sql immutable
return (j.need_usd > p_room) is true;
comment on function igjobs.day_waits(public.scrape_jobs, numeric) is
    'Does the tenant''s day, of which p_room is left (null: it has no limit, '
    'or nothing was spent), not cover a run of the job?';


create function igjobs.day_rooms()
    returns table (tenant text, room numeric)
    language sql stable
begin atomic
    select t.tenant, t.max_cost_usd_per_day - s.cost_usd - s.reserved_usd
    from igjobs.tenants t
    join igjobs.spending s
        on s.tenant = t.tenant and s.day = (now() at time zone 'UTC')::date
    where t.max_cost_usd_per_day is not null;
end;
comment on function igjobs.day_rooms() is
    'What tenants with a limit may still spend today; those that have spent '
    'nothing are left out.';


create function igjobs.day_room(p_tenant text)
    returns numeric
    language plpgsql volatile
as $$
begin
    return (select d.room from igjobs.day_rooms() d
            where d.tenant = p_tenant);
end
$$;
comment on function igjobs.day_room(text) is
    'igjobs.day_rooms for one tenant.';


create function igjobs.waits_for_money(j public.scrape_jobs)
    returns boolean
    language plpgsql volatile
as $$
begin
    return igjobs.job_waits(j)
        or igjobs.day_waits(j, igjobs.day_room(j.tenant));
end
$$;
comment on function igjobs.waits_for_money(public.scrape_jobs) is
    'May only batches whose run is paid for be claimed of this job?';


create function igjobs.pick_paid(p_tenant text, p_job uuid)
    returns igjobs.batches
    language plpgsql volatile
as $$
declare
    b igjobs.batches;
begin
    select t.* into b from igjobs.batches t
    where t.tenant = p_tenant and t.job_id = p_job and t.state = 'queued'
        and (t.not_before is null or t.not_before <= clock_timestamp())
        and exists (
            select from igjobs.runs r
            where r.job_id = t.job_id and r.batch_no = t.batch_no
                and r.state in ('intent', 'started'))
    order by t.batch_no
    limit 1
    for no key update skip locked;
    return b;
end
$$;
comment on function igjobs.pick_paid(text, uuid) is
    'A due batch of a job without money, locked, whose run was paid for: '
    'somebody has to go on with it.';


create function igjobs.due_paid(p_tenant text, p_job uuid, p_limit integer)
    returns integer
    language plpgsql stable
as $$
begin
    return (select least(count(*), p_limit) from igjobs.batches b
            where b.tenant = p_tenant and b.job_id = p_job
                and b.state = 'queued'
                and (b.not_before is null or b.not_before <= now())
                and exists (
                    select from igjobs.runs r
                    where r.job_id = b.job_id and r.batch_no = b.batch_no
                        and r.state in ('intent', 'started')));
end
$$;
comment on function igjobs.due_paid(text, uuid, integer) is
    'How many batches igjobs.pick_paid could take; counts to p_limit.';


-- for operators

create function igjobs.set_day_limit(p_tenant text, p_usd numeric)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.tenants as t (tenant, max_cost_usd_per_day)
    values (p_tenant, p_usd)
    on conflict (tenant) do update
    set max_cost_usd_per_day = excluded.max_cost_usd_per_day;
    insert into igjobs.spending (tenant, day, cost_usd)
    select p_tenant, igjobs.today(), coalesce(sum(r.cost_usd), 0)
    from igjobs.runs r
    where p_usd is not null and r.tenant = p_tenant
        and r.intent_at >= igjobs.today() at time zone 'UTC'
    having p_usd is not null
    on conflict (tenant, day) do nothing;
end
$$;
comment on function igjobs.set_day_limit(text, numeric) is
    'For operators: a tenant may spend p_usd a day (UTC), null = no limit. '
    'Holds from the next run on. What the day''s runs have cost before its '
    'first limit is counted, those still open are not.';


grant execute on function
    igjobs.unsettled_runs(integer),
    igjobs.settle_run(text, uuid, integer, integer, numeric, boolean)
to igjobs_worker;
