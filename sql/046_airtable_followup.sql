-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What becomes of assignments after a campaign was sent (045_airtable_sync):
-- statuses that people set in Airtable are read back, followed ones are due to
-- be unfollowed after some days, completed ones are deleted on both sides. An
-- operation each, one of a name at a time for a base; a unit is a sheet.

create type igjobs.sheet as (home text, table_number integer, look boolean);
comment on type igjobs.sheet is
    'An outreach table of an Airtable base (home; null: nobody knows it). '
    'look: some of the rows in question have no record that we know of.';


create function igjobs.sheets(
    p_tenant text, p_base text, p_ids uuid[] default null)
    returns igjobs.sheet[]
    language sql stable
return array(
    select row(s.home, s.n, s.look)::igjobs.sheet
    from (
        select igjobs.airtable_home(c.airtable_base_id, p_base) as home,
            a.va_table_number as n, bool_or(a.unknown) as look
        from (
            select t.campaign_id, t.va_table_number,
                bool_or(t.airtable_record_id is null) as unknown
            from public.daily_assignments t
            where t.tenant = p_tenant and t.base_id = p_base
                and t.va_table_number > 0
                and (p_ids is null
                     or t.assignment_id in (select unnest(p_ids)))
            group by t.campaign_id, t.va_table_number) a
        left join public.campaigns c
            on c.campaign_id = a.campaign_id and c.tenant = p_tenant
        group by 1, 2) s
    order by s.n, s.home);
comment on function igjobs.sheets(text, text, uuid[]) is
    'The sheets in which assignments of a base stand: all, or these.';


create function igjobs.homeless(p_sheets igjobs.sheet[])
    returns boolean
    language sql immutable
return exists (select from unnest(p_sheets) s where s.home is null);
comment on function igjobs.homeless(igjobs.sheet[]) is
    'Is there one whose Airtable base nobody knows?';


create function igjobs.sheet_units(
    p_do text, p_base text, p_sheets igjobs.sheet[])
    returns jsonb[]
    language sql immutable
return array(
    select jsonb_build_object(
        'do', p_do, 'base', p_base, 'airtable_base', s.home,
        'table', s.table_number, 'look', s.look)
    from unnest(p_sheets) with ordinality s (home, table_number, look, n)
    order by s.n);
comment on function igjobs.sheet_units(text, text, igjobs.sheet[]) is
    'A unit for each of these sheets.';


create function igjobs.start_followup(
    caller jsonb, params jsonb, p_name text, p_counts jsonb,
    p_phase text, p_units jsonb[])
    returns igjobs.api_change
    language sql volatile
return igjobs.start_operation(
    caller ->> 'tenant', (caller ->> 'call')::uuid,
    igjobs.base_of(caller, params), p_name,
    p_counts || jsonb_build_object(
        'given', igjobs.base_given(caller, params)),
    p_phase, p_units);
comment on function igjobs.start_followup(
    jsonb, jsonb, text, jsonb, text, jsonb[]) is
    'Part of the api functions here: starts the operation; p_counts is what '
    'they have done themselves.';


-- Statuses that people have set

create function igjobs.answer_before(caller jsonb, params jsonb, p_name text)
    returns igjobs.api_change
    language plpgsql stable
as $$
declare
    problem igjobs.api_answer := igjobs.base_problem(caller, params);
    same uuid;
begin
    if problem.status is not null then
        return igjobs.unchanged(problem);
    end if;
    same := igjobs.same_operation(
        caller, igjobs.base_of(caller, params), p_name, '{}');
    return case when same is not null then
        igjobs.join_operation(caller, same) end;
end
$$;
comment on function igjobs.answer_before(jsonb, jsonb, text) is
    'What a call answers without starting anything: its base is wrong, or an '
    'operation of the name is at it for the base; null: it may start one.';


create function igjobs.api_sync_statuses(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    early igjobs.api_change := igjobs.answer_before(
        caller, params, 'sync_statuses');
    base text := igjobs.base_of(caller, params);
    sheets igjobs.sheet[];
begin
    if early.status is not null then
        return early;
    end if;

    sheets := igjobs.sheets(caller ->> 'tenant', base);
    if igjobs.homeless(sheets)
        or sheets = '{}' and igjobs.airtable_home(null, base) is null
    then
        return igjobs.no_airtable_base(caller, params);
    end if;
    return igjobs.start_followup(
        caller, params, 'sync_statuses', '{}', 'sheets',
        igjobs.sheet_units('airtable_statuses', base, sheets));
end
$$;
comment on function igjobs.api_sync_statuses(jsonb, jsonb) is
    'POST /api/sync-airtable-statuses: takes over what people have set in '
    'the sheets that have assignments.';


create function igjobs.answer_sync_statuses(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language sql stable
return coalesce(igjobs.no_token(j.job_id), igjobs.with_base(
    jsonb_build_object(
        'success', true,
        'synced_count', igjobs.total_of_units(j.job_id, 'changed'),
        'errors', igjobs.sheet_errors(j.job_id, 'sync')),
    o.request ->> 'given'));
comment on function igjobs.answer_sync_statuses(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/sync-airtable-statuses answers.';


-- Rows of a sheet that are to be changed in Airtable

create function igjobs.of_sheet(b igjobs.batches, p_status text)
    returns setof public.daily_assignments
    language sql stable
begin atomic
    select a.*
    from public.daily_assignments a
    left join public.campaigns c
        on c.campaign_id = a.campaign_id and c.tenant = a.tenant
    where a.tenant = b.tenant and a.base_id = b.payload ->> 'base'
        and a.status = p_status
        and a.va_table_number = (b.payload ->> 'table')::integer
        and igjobs.airtable_home(c.airtable_base_id, a.base_id)
            = b.payload ->> 'airtable_base';
end;
comment on function igjobs.of_sheet(igjobs.batches, text) is
    'The assignments of a unit''s sheet with this status.';


create function igjobs.next_of_sheet(
    b igjobs.batches, p_ids uuid[], args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    last_row uuid := coalesce(args ->> 'after',
                              '00000000-0000-0000-0000-000000000000');
    rows jsonb;
begin
    select jsonb_agg(to_jsonb(r) order by r.assignment) into rows
    from (
        select a.assignment_id as assignment, a.assignment_id as after,
            a.airtable_record_id as record, a.status
        from public.daily_assignments a
        where a.tenant = b.tenant and a.assignment_id = any (p_ids)
            and a.assignment_id > last_row
            and a.airtable_record_id is not null
        order by a.assignment_id
        limit 10) r;
    if rows is null then
        perform igjobs.note_refused(b, array(
            select format('%s (id %s)', a.airtable_error, a.id)
            from public.daily_assignments a
            where a.tenant = b.tenant and a.assignment_id = any (p_ids)
                and a.airtable_error is not null
            order by a.assignment_id));
    end if;
    return jsonb_build_object('rows', coalesce(rows, '[]'));
end
$$;
comment on function igjobs.next_of_sheet(igjobs.batches, uuid[], jsonb) is
    'Part of steps: the next ten of these with a record, behind after. None: '
    'the unit has seen all, and what Airtable refused is noted.';


-- Followed ones that are due

create function igjobs.due_to_unfollow(
    p_tenant text, p_base text, p_limit integer default null)
    returns uuid[]
    language sql stable
return array(
    select a.assignment_id from public.daily_assignments a
    where a.tenant = p_tenant and a.base_id = p_base
        and a.status = 'followed'
        and a.assigned_at <= now() - make_interval(
            days => igjobs.setting('unfollow_after_days')::integer)
    order by a.assigned_at
    limit p_limit);
comment on function igjobs.due_to_unfollow(text, text, integer) is
    'The followed assignments of a base whose time has come.';


create function igjobs.unfollow_behind(p_tenant text, p_base text)
    returns uuid[]
    language sql stable
return array(
    select a.assignment_id from public.daily_assignments a
    where a.tenant = p_tenant and a.base_id = p_base
        and a.status = 'unfollow' and a.va_table_number > 0
        and a.synced_status is distinct from 'unfollow');
comment on function igjobs.unfollow_behind(text, text) is
    'Assignments that are to be unfollowed and whose record does not say so.';


create function igjobs.api_mark_unfollow_due(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    early igjobs.api_change := igjobs.answer_before(
        caller, params, 'mark_unfollow_due');
    tenant text := caller ->> 'tenant';
    base text := igjobs.base_of(caller, params);
    due uuid[];
    sheets igjobs.sheet[];
begin
    if early.status is not null then
        return early;
    end if;

    due := igjobs.due_to_unfollow(tenant, base);
    sheets := igjobs.sheets(tenant, base,
                            due || igjobs.unfollow_behind(tenant, base));
    if igjobs.homeless(sheets) then
        return igjobs.no_airtable_base(caller, params);
    end if;
    if due <> '{}' then
        return igjobs.start_followup(
            caller, params, 'mark_unfollow_due', '{}', 'mark',
            array['{"do": "sql", "step": "mark_due"}'::jsonb]);
    end if;
    return igjobs.start_followup(
        caller, params, 'mark_unfollow_due', '{}', 'sheets',
        igjobs.sheet_units('airtable_unfollow', base, sheets));
end
$$;
comment on function igjobs.api_mark_unfollow_due(jsonb, jsonb) is
    'POST /api/mark-unfollow-due: marks what is due here, then in Airtable; '
    'there also what an earlier call could not.';


create function igjobs.unit_mark_due(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    page constant integer := 5000;
    o igjobs.operations := igjobs.find_operation(b.tenant, b.job_id);
    due uuid[] := igjobs.due_to_unfollow(b.tenant, o.base_id, page);
    marked integer;
begin
    perform igjobs.lock_assignments(b.tenant, due);

    update public.daily_assignments a set status = 'unfollow'
    from unnest(due) d (id)
    where a.tenant = b.tenant and a.assignment_id = d.id
        and a.status = 'followed';
    get diagnostics marked = row_count;
    perform igjobs.count_in_unit(b, 'marked', marked);
    return jsonb_build_object('more', cardinality(due) = page);
end
$$;
comment on function igjobs.unit_mark_due(igjobs.batches, jsonb) is
    'Step: marks some thousand that are due; more: there may be others.';


create function igjobs.next_mark_unfollow_due(
    j public.scrape_jobs, o igjobs.operations)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if j.phase = 'mark' and j.batches_dead = 0 then
        return igjobs.add_units(j, 'sheets', igjobs.sheet_units(
            'airtable_unfollow', o.base_id, igjobs.sheets(
                j.tenant, o.base_id,
                igjobs.unfollow_behind(j.tenant, o.base_id))));
    end if;
    return j;
end
$$;
comment on function igjobs.next_mark_unfollow_due(
    public.scrape_jobs, igjobs.operations) is
    'Hook: what is marked here is to be told to Airtable.';


create function igjobs.unit_unfollow_rows(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    -- nothing in Airtable to be changed
    unneeded uuid[] := array(
        select t.assignment_id from igjobs.of_sheet(b, 'unfollow') t
        where args -> 'looked' = 'true' and t.airtable_record_id is null
        union all
        select (t.assignment #>> '{}')::uuid
        from jsonb_array_elements(args -> 'gone') t (assignment));
begin
    perform igjobs.lock_assignments(
        b.tenant, unneeded || igjobs.done_assignments(args));
    perform igjobs.count_in_unit(b, 'updated',
                                 igjobs.unit_sheet_done(b, args));
    update public.daily_assignments a
    set synced_status = 'unfollow', airtable_record_id = null
    where a.tenant = b.tenant
        and a.assignment_id in (select unnest(unneeded));
    return igjobs.next_of_sheet(b, array(
        select a.assignment_id from igjobs.of_sheet(b, 'unfollow') a
        where a.synced_status is distinct from 'unfollow'), args);
end
$$;
comment on function igjobs.unit_unfollow_rows(igjobs.batches, jsonb) is
    'Step: notes what became of records that were told to be unfollowed (done, '
    'gone: assignments whose record is not there), answers the next ones.';


create function igjobs.mark_errors(p_job uuid)
    returns jsonb
    language sql stable
return (
    select coalesce(jsonb_agg('Failed to update the database: ' || b.error),
                    '[]')
    from igjobs.batches b
    where b.job_id = p_job and b.phase = 'mark' and b.state = 'dead');
comment on function igjobs.mark_errors(uuid) is
    'Part of answer_mark_unfollow_due: why nothing was marked, if so.';


create function igjobs.answer_mark_unfollow_due(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language sql stable
return coalesce(igjobs.no_token(j.job_id), igjobs.with_base(
    jsonb_build_object(
        'success', true,
        'marked_count', igjobs.total_of_units(j.job_id, 'marked'),
        'errors', igjobs.mark_errors(j.job_id)
            || igjobs.sheet_errors(j.job_id, 'update'))
    || case when j.total_batches = 0 then '{}' else jsonb_build_object(
            'airtable_updated',
            igjobs.total_of_units(j.job_id, 'updated')) end,
    o.request ->> 'given'));
comment on function igjobs.answer_mark_unfollow_due(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/mark-unfollow-due answers; airtable_updated is absent '
    'when nothing was to be done.';


-- Completed ones whose delay is over

create function igjobs.due_to_delete(p_tenant text, p_base text)
    returns uuid[]
    language sql stable
return array(
    select a.assignment_id from public.daily_assignments a
    where a.tenant = p_tenant and a.base_id = p_base
        and a.status = 'completed'
        and a.updated_at <= igjobs.deletable_until());
comment on function igjobs.due_to_delete(text, text) is
    'The completed assignments of a base whose delay is over.';


create function igjobs.api_delete_completed(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    early igjobs.api_change := igjobs.answer_before(
        caller, params, 'delete_completed');
    tenant text := caller ->> 'tenant';
    base text := igjobs.base_of(caller, params);
    due uuid[];
    sheets igjobs.sheet[];
    deleted bigint;
begin
    if early.status is not null then
        return early;
    end if;

    due := igjobs.due_to_delete(tenant, base);
    sheets := igjobs.sheets(tenant, base, due);
    if igjobs.homeless(sheets) then
        return igjobs.no_airtable_base(caller, params);
    end if;
    delete from public.daily_assignments a
    using unnest(due) d (id)
    where a.tenant = caller ->> 'tenant' and a.assignment_id = d.id
        and a.va_table_number = 0
        and a.status = 'completed';
    get diagnostics deleted = row_count;
    return igjobs.start_followup(
        caller, params, 'delete_completed',
        jsonb_build_object('due', cardinality(due), 'deleted', deleted),
        'sheets', igjobs.sheet_units('airtable_delete', base, sheets));
end
$$;
comment on function igjobs.api_delete_completed(jsonb, jsonb) is
    'POST /api/delete-completed-after-delay: what was never distributed goes '
    'at once, the others when Airtable has deleted them.';


create function igjobs.unit_delete_rows(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    due uuid[] := array(
        select a.assignment_id from igjobs.of_sheet(b, 'completed') a
        where a.updated_at <= igjobs.deletable_until());
    deleted bigint;
begin
    perform igjobs.lock_assignments(
        b.tenant, case when args -> 'looked' = 'true' then due else '{}' end
                  || igjobs.done_assignments(args));
    update public.daily_assignments a set airtable_error = x.problem
    from jsonb_to_recordset(args -> 'done') x (assignment uuid, problem text)
    where a.tenant = b.tenant and a.assignment_id = x.assignment
        and x.problem is not null;

    delete from public.daily_assignments a
    where a.assignment_id = any (array(
            select x.assignment from jsonb_to_recordset(args -> 'done')
                x (assignment uuid, problem text)
            where x.problem is null))
        and a.tenant = b.tenant and a.status = 'completed';
    get diagnostics deleted = row_count;
    perform igjobs.count_in_unit(b, 'airtable', deleted);
    perform igjobs.count_in_unit(b, 'deleted', deleted);

    delete from public.daily_assignments a
    where a.tenant = b.tenant and a.assignment_id in (select unnest(due))
        and args -> 'looked' = 'true'
        and a.airtable_record_id is null;
    get diagnostics deleted = row_count;
    perform igjobs.count_in_unit(b, 'deleted', deleted);
    return igjobs.next_of_sheet(b, due, args);
end
$$;
comment on function igjobs.unit_delete_rows(igjobs.batches, jsonb) is
    'Step: deletes the assignments whose records Airtable has deleted (done '
    'without problem), answers the next ones. looked: those without a record '
    'have none.';


create function igjobs.answer_delete_completed(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language sql stable
return coalesce(igjobs.no_token(j.job_id), igjobs.with_base(
    jsonb_build_object(
        'success', true,
        'deleted_count', (o.request -> 'deleted')::bigint
            + igjobs.total_of_units(j.job_id, 'deleted'),
        'errors', igjobs.sheet_errors(j.job_id, 'delete from'))
    || case when o.request -> 'due' = '0'
        then '{}' else jsonb_build_object(
            'airtable_deleted',
            igjobs.total_of_units(j.job_id, 'airtable')) end,
    o.request ->> 'given'));
comment on function igjobs.answer_delete_completed(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/delete-completed-after-delay answers; airtable_deleted is '
    'absent when nothing was to be done.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.api_sync_statuses(jsonb, jsonb),
    igjobs.api_mark_unfollow_due(jsonb, jsonb),
    igjobs.api_delete_completed(jsonb, jsonb)
to igjobs_api;
