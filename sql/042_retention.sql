-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What campaigns leave behind, and for how long. An assignment goes by its
-- state: one that somebody follows is never dropped before it was unfollowed,
-- however old it is, since nobody else would know of it. The pool keeps every
-- profile, so what was used stays used. The housekeeper calls these functions
-- again and again, and so does the last step of run-daily, for its base alone.
-- Locks: rows of one table, those that nobody else has locked.

insert into igjobs.settings (name, value, note) values
    ('raw_retention_days', '7',
     'how long raw_scraped_profiles keeps a row; off: for ever'),
    ('pending_retention_days', '30',
     'how long an assignment that nobody has followed is kept; off: for ever'),
    ('completed_retention_days', '90',
     'how long a completed assignment waits to be deleted by '
     'delete-completed-after-delay; off: for ever'),
    ('campaign_retention_days', '30',
     'how long a campaign without assignments is kept; off: for ever');

create index daily_assignments_pending_age on public.daily_assignments
    (assigned_at) where status = 'pending';
comment on index public.daily_assignments_pending_age is
    'igjobs.drop_old_assignments: those that nobody has followed';

create index daily_assignments_done_age on public.daily_assignments
    (updated_at) where status in ('completed', 'unfollowed');
comment on index public.daily_assignments_done_age is
    'igjobs.drop_old_assignments: those that are done with';

create index campaigns_age on public.campaigns (created_at);
comment on index public.campaigns_age is
    'igjobs.drop_old_campaigns: the oldest';


create function igjobs.kept_since(p_setting text)
    returns timestamptz
    language sql stable
return now() - nullif(igjobs.setting(p_setting), 'off')::double precision
               * interval '1 day';
comment on function igjobs.kept_since(text) is
    'What is older than this goes, by a setting in days; null when it is off.';


create function igjobs.drop_old_profiles(
    p_limit integer, p_tenant text default null, p_base text default null)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    cutoff timestamptz := igjobs.kept_since('raw_retention_days');
    gone integer;
begin
    delete from public.raw_scraped_profiles r
    where r.row_no = any (array(
        select t.row_no from public.raw_scraped_profiles t
        where t.scraped_at < cutoff
            and (p_tenant is null
                 or t.tenant = p_tenant and t.base_id = p_base)
        order by t.scraped_at
        limit p_limit
        for update skip locked));
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function igjobs.drop_old_profiles(integer, text, text) is
    'Drops the oldest rows of what was taken in, up to p_limit; how many '
    'went. Of one base, or of all of them.';


create function igjobs.drop_old_assignments(
    p_limit integer, p_tenant text default null, p_base text default null)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    pending timestamptz := igjobs.kept_since('pending_retention_days');
    done timestamptz := igjobs.kept_since('completed_retention_days');
    gone integer;
    gone_too integer;
begin
    delete from public.daily_assignments a
    where a.assignment_id = any (array(
        select t.assignment_id from public.daily_assignments t
        where t.status = 'pending' and t.assigned_at < pending
            and (p_tenant is null
                 or t.tenant = p_tenant and t.base_id = p_base)
        order by t.assigned_at
        limit p_limit
        for update skip locked));
    get diagnostics gone = row_count;

    delete from public.daily_assignments a
    where a.assignment_id = any (array(
        select t.assignment_id from public.daily_assignments t
        where t.status in ('completed', 'unfollowed') and t.updated_at < done
            and (p_tenant is null
                 or t.tenant = p_tenant and t.base_id = p_base)
        order by t.updated_at
        limit p_limit - gone
        for update skip locked));
    get diagnostics gone_too = row_count;
    return gone + gone_too;
end
$$;
comment on function igjobs.drop_old_assignments(integer, text, text) is
    'Drops assignments that were never followed, and completed ones that '
    'delete-completed-after-delay has not taken for long, up to p_limit; how '
    'many went. Every other state stays: followed, unfollow, to_unfollow, and '
    'words that are not known here. Of one base, or of all of them.';


create function igjobs.drop_old_campaigns(
    p_limit integer, p_tenant text default null, p_base text default null)
    returns integer
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
as $$
declare
    cutoff timestamptz := igjobs.kept_since('campaign_retention_days');
    gone integer;
begin
    delete from public.campaigns c
    where c.campaign_id = any (array(
        select t.campaign_id from public.campaigns t
        where t.created_at < cutoff
            and (p_tenant is null
                 or t.tenant = p_tenant and t.base_id = p_base)
            and not exists (
                select from public.daily_assignments a
                where a.tenant = t.tenant and a.campaign_id = t.campaign_id)
        order by t.created_at
        limit p_limit
        for update skip locked));
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function igjobs.drop_old_campaigns(integer, text, text) is
    'Drops campaigns that have no assignments any more, up to p_limit; how '
    'many went. Of one base, or of all of them.';


revoke all on all functions in schema igjobs from public;
grant execute on function
    igjobs.drop_old_profiles(integer, text, text),
    igjobs.drop_old_assignments(integer, text, text),
    igjobs.drop_old_campaigns(integer, text, text)
to igjobs_worker;
