-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Assignments and their records in Airtable. A sheet is one outreach table of
-- one Airtable base; a unit works on one sheet (worker/kinds/igj_sheet.c) and
-- keeps what it finds in its payload: changed, odd, refused ... What is known
-- of a record stands with its assignment: airtable_record_id, synced_status
-- (what the record was last seen or made to say) and synced_at. An assignment
-- whose status is another one is behind; the next call takes it up, so nothing
-- is lost when Airtable is away, and a repeat sends only what is missing.
-- Locks: the campaign, then assignments in the order of their keys; under a
-- unit's batch row; the job row last, or before the campaign by its hook.

alter table public.daily_assignments
    add synced_at timestamptz,
    add airtable_error text;
comment on column public.daily_assignments.synced_at is
    'when its record was last written, or seen to have changed';
comment on column public.daily_assignments.airtable_error is
    'why Airtable refused it the last time; null: it did not';

create index daily_assignments_sheet on public.daily_assignments
    (tenant, base_id, va_table_number, status) where va_table_number > 0;
comment on index public.daily_assignments_sheet is
    'steps of units: the assignments of a sheet with one status';

insert into igjobs.settings (name, value, note) values
    ('unfollow_after_days', '7',
     'followed assignments of that age are due to be unfollowed'),
    ('delete_completed_after_hours', '24',
     'completed assignments are deleted so long after their last change');


create function igjobs.airtable_table(p_table integer)
    returns text
    language sql immutable
return 'Daily_Outreach_Table_' || case when p_table < 10 then '0' else '' end
    || p_table;
comment on function igjobs.airtable_table(integer) is
    'The name of an outreach table in Airtable: Daily_Outreach_Table_01.';


create function igjobs.airtable_home(p_campaign text, p_base text)
    returns text
    language sql stable
return coalesce(
    nullif(p_campaign, ''), case when p_base like 'app%' then p_base end,
    nullif(igjobs.setting('airtable_base_id'), ''));
comment on function igjobs.airtable_home(text, text) is
    'The Airtable base in which a campaign stands: its own, else that of its '
    'rows, else the setting; null when there is none.';


create function igjobs.deletable_until()
    returns timestamptz
    language sql stable
return now() - make_interval(
    hours => igjobs.setting('delete_completed_after_hours')::integer);
comment on function igjobs.deletable_until() is
    'Completed assignments that changed last before this are to be deleted.';


create function igjobs.behind(a public.daily_assignments)
    returns boolean
    language sql stable
return (a.airtable_record_id is null
        or a.synced_status is distinct from a.status)
    and not (a.status = 'completed'
             and a.updated_at <= igjobs.deletable_until());
comment on function igjobs.behind(public.daily_assignments) is
    'Has Airtable not got this assignment as it is? What is to be deleted is '
    'not sent any more.';


create function igjobs.assignment_word(p_word text)
    returns text
    language sql immutable
return case
    when p_word = 'to_unfollow' then 'unfollow'
    when p_word in ('pending', 'followed', 'unfollow', 'unfollowed',
                    'completed') then p_word
end;
comment on function igjobs.assignment_word(text) is
    'The status that a word of Airtable stands for; null: it is none.';


create function igjobs.merged_status(
    p_status text, p_synced text, p_word text)
    returns text
    language sql immutable
return case
    when p_word = p_synced then p_status
    when p_synced is not null then p_word
    when array_position('{pending,followed,unfollow,unfollowed,completed}',
                        p_status)
        >= array_position('{pending,followed,unfollow,unfollowed,completed}',
                          p_word) then p_status
    else p_word
end;
comment on function igjobs.merged_status(text, text, text) is
    'The status of an assignment whose record says p_word: the record''s '
    'where a person has changed it since we saw it (p_synced), otherwise '
    'ours. Where it was never seen the one that is further on.';


create function igjobs.lock_assignments(p_tenant text, p_ids uuid[])
    returns void
    language plpgsql volatile
as $$
begin
    perform from public.daily_assignments a
    where a.tenant = p_tenant and a.assignment_id in (select unnest(p_ids))
    order by a.assignment_id
    for no key update;
end
$$;
comment on function igjobs.lock_assignments(text, uuid[]) is
    'Locks assignments in the order of their keys, as whoever changes several '
    'does first: units of different operations meet in a sheet.';


create function igjobs.done_assignments(args jsonb)
    returns uuid[]
    language sql immutable
return array(select x.assignment
             from jsonb_to_recordset(args -> 'done') x (assignment uuid));
comment on function igjobs.done_assignments(jsonb) is
    'The assignments that a step is told about: done [{assignment, ...}].';


create function igjobs.keep_in_unit(b igjobs.batches, p_members jsonb)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches t set payload = t.payload || p_members
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
end
$$;
comment on function igjobs.keep_in_unit(igjobs.batches, jsonb) is
    'Part of steps: what a unit has found is kept in its payload, which '
    'survives the worker. The unit is locked.';


create function igjobs.count_in_unit(
    b igjobs.batches, p_name text, p_more bigint)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches t
    set payload = jsonb_set(
        t.payload, array[p_name],
        to_jsonb(coalesce((t.payload ->> p_name)::bigint, 0) + p_more))
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no and p_more > 0;
end
$$;
comment on function igjobs.count_in_unit(igjobs.batches, text, bigint) is
    'Part of steps: adds to a number in the unit''s payload, in the '
    'transaction that changes what it counts.';


create function igjobs.total_of_units(p_job uuid, p_name text)
    returns bigint
    language sql stable
return (select coalesce(sum((b.payload ->> p_name)::bigint), 0)
        from igjobs.batches b where b.job_id = p_job);
comment on function igjobs.total_of_units(uuid, text) is
    'The sum of a number over the units of an operation, those that were '
    'given up included.';


create function igjobs.sheet_errors(p_job uuid, p_did text)
    returns jsonb
    language sql stable
return (
    select coalesce(jsonb_agg(
        format('Failed to %s %s: %s', p_did,
               igjobs.airtable_table((b.payload ->> 'table')::integer),
               e.error)
        order by b.batch_no, e.n), '[]')
    from igjobs.batches b, lateral (
        select 0 as n, b.error where b.state = 'dead'
        union all
        select t.n, format('%s (%s record%s)', t.what, t.count,
                           case t.count when '1' then '' else 's' end)
        from jsonb_each_text(b.payload -> 'odd')
            with ordinality t (what, count, n)
        union all
        select t.n + 1000, t.error
        from jsonb_array_elements_text(b.payload -> 'refused')
            with ordinality t (error, n)
    ) e
    where b.job_id = p_job and b.payload ? 'table');
comment on function igjobs.sheet_errors(uuid, text) is
    'The member errors of an answer: a text for each unit that was given up, '
    'and for what units have noted.';


create function igjobs.no_token(p_job uuid)
    returns igjobs.api_answer
    language plpgsql stable
as $$
begin
    if exists (select from igjobs.batches b
               where b.job_id = p_job and b.state = 'dead'
                   and b.error = 'AIRTABLE_ACCESS_TOKEN environment variable '
                                 'is required.')
    then
        return igjobs.api_problem(500, 'airtable-token-missing', null);
    end if;
    return null;
end
$$;
comment on function igjobs.no_token(uuid) is
    'The answer of an operation whose worker has no token; else null.';


create function igjobs.no_airtable_base(caller jsonb, params jsonb)
    returns igjobs.api_change
    language sql stable
return igjobs.unchanged(
    case when igjobs.base_given(caller, params) is null
            and params #>> '{body,airtable_base_id}' is null
        then igjobs.api_problem(500, 'airtable-base-missing', null)
        else igjobs.api_problem(
            400, 'airtable-base-unknown', null,
            'Missing Airtable base ID. Please provide "airtable_base_id" in '
            'request body or ensure campaign has base ID configured.',
            '#/airtable_base_id')
    end);
comment on function igjobs.no_airtable_base(jsonb, jsonb) is
    'The answer when nothing says which Airtable base is meant.';


create function igjobs.same_operation(
    caller jsonb, p_base text, p_name text, p_request jsonb)
    returns uuid
    language plpgsql volatile
as $$
declare
    tenant text := caller ->> 'tenant';
    o igjobs.operations;
begin
    perform pg_advisory_xact_lock(hashtextextended(
        format('operation %s %s %s', tenant, p_base, p_name), 0));
    o := igjobs.find_operation(tenant, (caller ->> 'call')::uuid);
    return coalesce(o.job_id, igjobs.active_operation(
        tenant, p_base, p_name, p_request));
end
$$;
comment on function igjobs.same_operation(jsonb, text, text, jsonb) is
    'The operation that this call has made already, or joins since it runs: '
    'one of a name at a time for each base. Locks base and name until the '
    'end of the transaction; null: there is none.';


create function igjobs.join_operation(caller jsonb, p_job uuid)
    returns igjobs.api_change
    language sql stable
return (
    select row(202, igjobs.operation_body(j), j.job_id, null, null, null,
               null)::igjobs.api_change
    from public.scrape_jobs j
    where j.tenant = caller ->> 'tenant' and j.job_id = p_job);
comment on function igjobs.join_operation(jsonb, uuid) is
    'Answers for an operation that is there. Does not lock its job, whose end '
    'may wait for a lock of the caller.';


-- What a table in Airtable says: the first part of every unit that cannot
-- tell from the database alone which records there are.

create function igjobs.match_records(b igjobs.batches, p_records jsonb)
    returns table (assignment_id uuid, record text, word text)
    language plpgsql stable
as $$
declare
    this_table integer := b.payload ->> 'table';
    base text := b.payload ->> 'base';
    home text := b.payload ->> 'airtable_base';
begin
    return query
    select distinct on (coalesce(k.assignment_id, n.assignment_id))
        coalesce(k.assignment_id, n.assignment_id), r.record, r.word
    from jsonb_to_recordset(p_records) r (record text, id text, word text)
    left join lateral (
        select a.assignment_id from public.daily_assignments a
        where a.airtable_record_id = r.record and a.tenant = b.tenant
        order by a.assigned_at desc, a.assignment_id
        limit 1) k on true
    left join lateral (
        select a.assignment_id, a.airtable_record_id
        from public.daily_assignments a
        left join public.campaigns c
            on c.campaign_id = a.campaign_id and c.tenant = a.tenant
        where k.assignment_id is null
            and a.tenant = b.tenant and a.base_id = base and a.id = r.id
            and a.va_table_number = this_table
            and igjobs.airtable_home(c.airtable_base_id, base) = home
        order by a.assigned_at desc, a.assignment_id
        limit 1) n on true
    where k.assignment_id is not null
        or n.assignment_id is not null and n.airtable_record_id is null
    order by coalesce(k.assignment_id, n.assignment_id),
        array_position('{pending,followed,unfollow,unfollowed,completed}',
                       igjobs.assignment_word(r.word)) desc nulls last,
        r.record;
end
$$;
comment on function igjobs.match_records(igjobs.batches, jsonb) is
    'The assignments of records of a sheet: that which has the record, else '
    'the newest of the profile in this table, if it has none. Of two records '
    'of one profile the one that is further on.';


create function igjobs.unit_sheet_records(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    asked timestamptz := args ->> 'asked';
    ids uuid[];
    records text[];
    words text[];
    changed bigint;
begin
    select array_agg(m.assignment_id), array_agg(m.record),
        array_agg(igjobs.assignment_word(m.word))
    into ids, records, words
    from igjobs.match_records(b, args -> 'records') m;

    perform igjobs.lock_assignments(b.tenant, ids);

    select count(*) into changed
    from unnest(ids, words) m (id, word)
    join public.daily_assignments a
        on a.assignment_id = m.id and a.tenant = b.tenant
    where (a.synced_at < asked or a.synced_at is null)
        and igjobs.merged_status(a.status, a.synced_status, m.word)
            <> a.status;

    update public.daily_assignments a
    set airtable_record_id = m.record,
        synced_status = coalesce(m.word, a.synced_status),
        synced_at = asked, airtable_error = null,
        status = coalesce(igjobs.merged_status(a.status, a.synced_status,
                                               m.word), a.status)
    from unnest(ids, records, words) m (id, record, word)
    where a.assignment_id = m.id and a.tenant = b.tenant
        and (a.synced_at < asked or a.synced_at is null)
        and (a.airtable_record_id is distinct from m.record
             or m.word is not null
                and a.synced_status is distinct from m.word);

    perform igjobs.count_in_unit(b, 'changed', changed);
    perform igjobs.note_odd_records(
        b, args, igjobs.repeated_records(b, args -> 'records', records));
    return jsonb_build_object('asked', clock_timestamp());
end
$$;
comment on function igjobs.unit_sheet_records(igjobs.batches, jsonb) is
    'Step: records of the sheet [{record, id, word}], asked for at asked; '
    'answers what asked is for the next ones. What was written to Airtable '
    'after they were asked for is not overwritten by what they say.';


create function igjobs.repeated_records(
    b igjobs.batches, p_records jsonb, p_matched text[])
    returns bigint
    language sql stable
return (
    select count(*)
    from jsonb_to_recordset(p_records) r (record text, id text)
    where r.record <> all (coalesce(p_matched, '{}'))
        and exists (
            select from public.daily_assignments a
            where a.tenant = b.tenant and a.base_id = b.payload ->> 'base'
                and a.id = r.id and a.airtable_record_id is not null
                and a.va_table_number = (b.payload ->> 'table')::integer));
comment on function igjobs.repeated_records(igjobs.batches, jsonb, text[]) is
    'How many records are a second one of a profile of this table, as the '
    'system before left them.';


create function igjobs.note_odd_records(
    b igjobs.batches, args jsonb, p_repeated bigint)
    returns void
    language plpgsql volatile
as $$
declare
    first boolean := coalesce((args -> 'first')::boolean, false);
    odd jsonb := case when first then '{}'
                 else coalesce(b.payload -> 'odd', '{}') end;
    one record;
begin
    for one in
        select format('unknown progress_status "%s"', left(t.word, 100))
            as what, count(*) as n
        from jsonb_to_recordset(args -> 'records') t (word text)
        where t.word <> '' and igjobs.assignment_word(t.word) is null
        group by 1
        union all
        select 'the profile has another record', p_repeated
        where p_repeated > 0
    loop
        odd := odd || jsonb_build_object(
            one.what, coalesce((odd ->> one.what)::bigint, 0) + one.n);
    end loop;
    if odd <> coalesce(b.payload -> 'odd', '{}') then
        perform igjobs.keep_in_unit(b, jsonb_build_object('odd', odd));
    end if;
end
$$;
comment on function igjobs.note_odd_records(igjobs.batches, jsonb, bigint) is
    'Part of unit_sheet_records: counts what is left alone, words that are no '
    'status and further records of a profile; from the start when the listing '
    'starts over.';


-- Rows that go to Airtable, ten at a time. What became of the last ten comes
-- with the question for the next ones.

create function igjobs.unit_sheet_done(b igjobs.batches, args jsonb)
    returns bigint
    language plpgsql volatile
as $$
declare
    written bigint;
begin
    perform igjobs.lock_assignments(b.tenant, igjobs.done_assignments(args));

    update public.daily_assignments a set airtable_error = x.problem
    from jsonb_to_recordset(args -> 'done') x (assignment uuid, problem text)
    where a.tenant = b.tenant and a.assignment_id = x.assignment
        and x.problem is not null;

    update public.daily_assignments a
    set airtable_record_id = x.record, synced_status = x.status,
        synced_at = clock_timestamp(), airtable_error = null
    from jsonb_to_recordset(args -> 'done')
        x (assignment uuid, record text, status text, problem text)
    where a.tenant = b.tenant and a.assignment_id = x.assignment
        and x.problem is null
        and (a.airtable_record_id, a.synced_status)
            is distinct from (x.record, x.status);
    get diagnostics written = row_count;
    return written;
end
$$;
comment on function igjobs.unit_sheet_done(igjobs.batches, jsonb) is
    'Part of steps: notes what became of rows: done [{assignment, record, '
    'status that was sent, or problem}]. How many are new; a repeat finds '
    'none.';


create function igjobs.note_refused(b igjobs.batches, p_errors text[])
    returns void
    language plpgsql volatile
as $$
begin
    if cardinality(p_errors) > 20 then
        p_errors := p_errors[:20] || format('%s more',
                                            cardinality(p_errors) - 20);
    end if;
    perform igjobs.keep_in_unit(
        b, jsonb_build_object('refused', to_jsonb(p_errors)));
end
$$;
comment on function igjobs.note_refused(igjobs.batches, text[]) is
    'Part of steps: errors of rows that a unit could not write, at its end.';


revoke all on all functions in schema igjobs from public;
