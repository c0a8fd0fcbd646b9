-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Sending a campaign to Airtable: an operation whose units are the tables that
-- Airtable has not got as they are (039_airtable_sheets). campaigns.status is
-- true exactly when the end of one found that it has all of them.

create function igjobs.has_moved(b igjobs.batches)
    returns boolean
    language plpgsql volatile
as $$
declare
    home text;
begin
    select c.airtable_base_id into home from public.campaigns c
    where c.tenant = b.tenant
        and c.campaign_id = (b.payload ->> 'campaign')::uuid
    for share;
    return home is distinct from b.payload ->> 'airtable_base';
end
$$;
comment on function igjobs.has_moved(igjobs.batches) is
    'Is the campaign of a unit in another Airtable base by now, or gone? '
    'Otherwise it stays until the end of the transaction.';


create function igjobs.unit_sync_rows(b igjobs.batches, args jsonb)
    returns jsonb
    language plpgsql volatile
as $$
declare
    campaign uuid := b.payload ->> 'campaign';
    this_table integer := b.payload ->> 'table';
    last_place integer := coalesce((args ->> 'after')::integer, 0);
    rows jsonb;
begin
    if igjobs.has_moved(b) then
        perform igjobs.note_refused(b, '{"the campaign is no longer there"}');
        return '{"rows": []}';
    end if;
    perform igjobs.unit_sheet_done(b, args);
    select jsonb_agg(to_jsonb(r) order by r.after) into rows
    from (
        select a.assignment_id as assignment, a.airtable_record_id as record,
            a.id, a.username, a.full_name, a.position as after, a.position,
            c.campaign_date as date, a.status
        from public.daily_assignments a
        join public.campaigns c
            on c.campaign_id = a.campaign_id and c.tenant = a.tenant
        where a.campaign_id = campaign and a.tenant = b.tenant
            and a.va_table_number = this_table and a.va_table_number > 0
            and a.position > last_place and igjobs.behind(a)
        order by a.position
        limit 10) r;
    if rows is null then
        perform igjobs.note_refused(b, array(
            select format('%s (id %s)', a.airtable_error, a.id)
            from public.daily_assignments a
            where a.campaign_id = campaign and a.tenant = b.tenant
                and a.va_table_number = this_table and a.va_table_number > 0
                and a.airtable_error is not null and igjobs.behind(a)
            order by a.position));
    end if;
    return jsonb_build_object('rows', coalesce(rows, '[]'));
end
$$;
comment on function igjobs.unit_sync_rows(igjobs.batches, jsonb) is
    'Step: notes what became of rows and answers the next ones of a '
    'campaign''s table that Airtable has not got, in the order of their '
    'places, behind after.';


create function igjobs.sync_units(
    c public.campaigns, p_home text, p_look boolean, p_tables integer[])
    returns jsonb[]
    language sql stable
return array(
    select jsonb_build_object(
        'do', 'airtable_sync', 'campaign', c.campaign_id, 'base', c.base_id,
        'airtable_base', p_home, 'table', t.n, 'look', p_look)
    from unnest(p_tables) t (n)
    order by t.n);
comment on function igjobs.sync_units(
    public.campaigns, text, boolean, integer[]) is
    'Units that send tables of a campaign; look: what Airtable has is read '
    'first, since it may have rows that we do not know of.';


create function igjobs.tables_behind(c public.campaigns)
    returns integer[]
    language sql stable
return array(
    select a.va_table_number from public.daily_assignments a
    where a.campaign_id = c.campaign_id and a.tenant = c.tenant
        and a.va_table_number > 0 and igjobs.behind(a)
    group by a.va_table_number
    order by a.va_table_number);
comment on function igjobs.tables_behind(public.campaigns) is
    'The tables of a campaign that Airtable has not got as they are.';


create function igjobs.next_airtable_sync(
    j public.scrape_jobs, o igjobs.operations)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    c public.campaigns;
    fresh integer[];
begin
    select t.* into c from public.campaigns t
    where t.campaign_id = (o.request ->> 'campaign')::uuid
        and t.tenant = j.tenant
    for no key update;
    fresh := array(
        select distinct a.va_table_number from public.daily_assignments a
        where a.campaign_id = c.campaign_id and a.tenant = c.tenant
            and a.va_table_number > 0 and a.airtable_error is null
            and igjobs.behind(a)
            and not exists (
                select from igjobs.batches b
                where b.tenant = j.tenant and b.job_id = j.job_id
                    and b.state = 'dead'
                    and b.payload ->> 'table' = a.va_table_number::text));
    if fresh <> '{}' and j.phase <> 'again'
        and c.airtable_base_id = o.request ->> 'airtable_base'
    then
        return igjobs.add_units(j, 'again', igjobs.sync_units(
            c, o.request ->> 'airtable_base', false, fresh));
    end if;
    perform igjobs.conclude_sync(c, o);
    return j;
end
$$;
comment on function igjobs.next_airtable_sync(
    public.scrape_jobs, igjobs.operations) is
    'Hook: what was distributed meanwhile is sent, too, once; then the end.';


create function igjobs.conclude_sync(
    c public.campaigns, o igjobs.operations)
    returns void
    language plpgsql volatile
as $$
declare
    tables integer;
    records integer;
    whole boolean;
begin
    select count(*) filter (where t.behind = 0), coalesce(sum(t.there), 0),
        coalesce(sum(t.behind) = 0, false)
    into tables, records, whole
    from (
        select count(*) filter (where igjobs.behind(a)) as behind,
            count(*) filter (where a.airtable_record_id is not null
                                 and a.synced_status = a.status) as there
        from public.daily_assignments a
        where a.campaign_id = c.campaign_id and a.tenant = c.tenant
            and a.va_table_number > 0
        group by a.va_table_number) t;
    whole := whole and records > 0;
    update public.campaigns t set status = whole
    where t.tenant = c.tenant and t.campaign_id = c.campaign_id
        and t.status <> whole;
    update igjobs.operations t
    set request = t.request || jsonb_build_object(
        'tables', tables, 'records', records, 'whole', whole)
    where t.tenant = o.tenant and t.job_id = o.job_id;
end
$$;
comment on function igjobs.conclude_sync(
    public.campaigns, igjobs.operations) is
    'The end of an Airtable sync: counts what Airtable has of the campaign '
    'now, sets its status, and keeps both for the answer.';


create function igjobs.answer_airtable_sync(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer
    language sql stable
return coalesce(igjobs.no_token(j.job_id), igjobs.with_base(
    jsonb_build_object(
        'success', true, 'campaign_id', o.request -> 'campaign',
        'tables_synced', coalesce((o.request -> 'tables')::integer, 0),
        'records_synced', coalesce((o.request -> 'records')::integer, 0),
        'campaign_status', coalesce((o.request -> 'whole')::boolean, false),
        'errors', igjobs.sheet_errors(j.job_id, 'sync')),
    o.request ->> 'given'));
comment on function igjobs.answer_airtable_sync(
    public.scrape_jobs, igjobs.operations) is
    'What POST /api/airtable-sync/{campaign_id} answers.';


create function igjobs.lock_campaign(caller jsonb, params jsonb)
    returns public.campaigns
    language plpgsql volatile
as $$
declare
    c public.campaigns;
begin
    select t.* into c from public.campaigns t
    where t.campaign_id = igjobs.campaign_id(params)
        and t.tenant = caller ->> 'tenant'
        and t.base_id = igjobs.base_of(caller, params)
    for no key update;
    return c;
end
$$;
comment on function igjobs.lock_campaign(jsonb, jsonb) is
    'The campaign that the path names, locked; nulls when the base has none.';


create function igjobs.move_campaign(c public.campaigns, p_home text)
    returns void
    language plpgsql volatile
as $$
begin
    update public.campaigns t set airtable_base_id = p_home
    where t.tenant = c.tenant and t.campaign_id = c.campaign_id
        and t.airtable_base_id is distinct from p_home;
    if c.airtable_base_id <> p_home then
        perform igjobs.lock_assignments(c.tenant, array(
            select a.assignment_id from public.daily_assignments a
            where a.campaign_id = c.campaign_id and a.tenant = c.tenant
                and num_nonnulls(a.airtable_record_id, a.synced_status) > 0));
        update public.daily_assignments a
        set airtable_record_id = null, synced_status = null
        where a.campaign_id = c.campaign_id and a.tenant = c.tenant
            and num_nonnulls(a.airtable_record_id, a.synced_status) > 0;
    end if;
end
$$;
comment on function igjobs.move_campaign(public.campaigns, text) is
    'Notes the Airtable base of a campaign. In another than until now it has '
    'no records yet.';


create function igjobs.start_sync(
    caller jsonb, params jsonb, c public.campaigns, p_home text)
    returns igjobs.api_change
    language plpgsql volatile
as $$
declare
    wanted jsonb := jsonb_build_object('campaign', c.campaign_id,
                                       'airtable_base', p_home);
    same uuid := coalesce(
        igjobs.same_operation(caller, c.base_id, 'airtable_sync', wanted),
        igjobs.active_operation(c.tenant, c.base_id, 'run_daily', wanted));
    look boolean;
    units jsonb[];
begin
    if same is not null then
        return igjobs.join_operation(caller, same);
    end if;
    perform igjobs.move_campaign(c, p_home);
    look := c.distribution is null or exists (
        select from igjobs.operations o
        where o.tenant = c.tenant and o.base_id = c.base_id
            and o.name = 'airtable_sync' and o.request @> wanted);
    units := igjobs.sync_units(c, p_home, look, igjobs.tables_behind(c));
    if units <> '{}' then
        update public.campaigns t set status = false
        where t.tenant = c.tenant and t.campaign_id = c.campaign_id
            and t.status;
    end if;
    return igjobs.start_operation(
        c.tenant, (caller ->> 'call')::uuid, c.base_id, 'airtable_sync',
        wanted || jsonb_build_object(
            'given', igjobs.base_given(caller, params)),
        'send', units);
end
$$;
comment on function igjobs.start_sync(
    jsonb, jsonb, public.campaigns, text) is
    'Part of api_airtable_sync, under the campaign''s lock.';


create function igjobs.api_airtable_sync(caller jsonb, params jsonb)
    returns igjobs.api_change
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    problem igjobs.api_answer := igjobs.base_problem(caller, params);
    wanted text := btrim(params #>> '{body,airtable_base_id}');
    c public.campaigns;
    home text;
begin
    if problem.status is not null then
        return igjobs.unchanged(problem);
    elsif wanted <> '' and wanted !~ '^app[A-Za-z0-9_]{1,60}$' then
        return igjobs.unchanged(igjobs.api_problem(
            400, 'invalid-base-id', null,
            'Invalid base_id format: ' || left(wanted, 100),
            '#/airtable_base_id'));
    end if;

    c := igjobs.lock_campaign(caller, params);
    if c.campaign_id is null then
        return igjobs.unchanged(igjobs.no_campaign(caller, params));
    elsif not exists (
        select from public.daily_assignments a
        where a.tenant = c.tenant and a.campaign_id = c.campaign_id
            and a.va_table_number > 0)
    then
        return igjobs.unchanged(igjobs.api_problem(
            400, 'campaign-not-distributed', null));
    end if;

    home := coalesce(nullif(wanted, ''), igjobs.airtable_home(
        c.airtable_base_id, c.base_id));
    if home is null then
        return igjobs.no_airtable_base(caller, params);
    end if;
    problem := igjobs.base_taken(c.tenant, home);
    if problem.status is not null then
        return igjobs.unchanged(problem);
    end if;
    return igjobs.start_sync(caller, params, c, home);
end
$$;
comment on function igjobs.api_airtable_sync(jsonb, jsonb) is
    'POST /api/airtable-sync/{campaign_id}: sends what Airtable has not got '
    'of a campaign, to its Airtable base, or to the one that the body names '
    '(airtable_base_id).';


revoke all on all functions in schema igjobs from public;
grant execute on function igjobs.api_airtable_sync(jsonb, jsonb)
to igjobs_api;
