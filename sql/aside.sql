-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Part of sql/migrate, before the migrations: tables of the system that igjobs
-- replaces have names that igjobs needs. With :adopt = yes they are moved into
-- schema igjobs_before, as they are; else the database is refused.

begin;
select pg_advisory_xact_lock(:lock) \g /dev/null
select set_config('igjobs.adopt', :'adopt', true) \g /dev/null
select set_config('lock_timeout', coalesce(
    nullif(current_setting('lock_timeout'), '0'), '10s'), true) \g /dev/null

do $$
declare
    of_ours jsonb := '{"scrape_jobs": "001_tables.sql",
        "scrape_results": "001_tables.sql",
        "campaigns": "032_campaign_tables.sql",
        "daily_assignments": "032_campaign_tables.sql",
        "global_usernames": "032_campaign_tables.sql",
        "raw_scraped_profiles": "032_campaign_tables.sql",
        "source_profiles": "032_campaign_tables.sql",
        "scraping_jobs": "032_campaign_tables.sql"}';
    applied text[] := '{}';
    names text[];
    name text;
begin
    if to_regnamespace('igjobs') is not null then
        if not has_schema_privilege('igjobs', 'usage') then
            return;     -- who may not look will hear of it from the migrations
        end if;
        execute 'select array_agg(m.name) from igjobs.migrations m'
            into applied;
    end if;
    names := array(
        select c.relname::text from pg_class c
        where c.relnamespace = 'public'::regnamespace
            and of_ours ? c.relname
            and of_ours ->> c.relname <> all (coalesce(applied, '{}'))
        order by 1);
    if names = '{}' then
        return;
    elsif current_setting('igjobs.adopt') <> 'yes' then
        raise exception 'this database has tables of the system that igjobs '
            'replaces: %. Nothing was changed. Stop that system, then let '
            'sql/migrate --adopt move them into schema igjobs_before and take '
            'their rows over (docs/migrating.md); or give igjobs a database '
            'of its own', array_to_string(names, ', ');
    end if;

    if not exists (select from pg_namespace n
                   where n.nspname = 'igjobs_before')
    then
        create schema igjobs_before;
        comment on schema igjobs_before is
            'tables as they were before igjobs took their rows over';
    end if;
    foreach name in array names loop
        if (select c.relkind <> 'r' from pg_class c
            where c.oid = format('public.%I', name)::regclass)
        then
            raise exception 'public.% is no ordinary table: rename it, and '
                'let igjobs have the name', name;
        end if;
        execute format('alter table public.%I set schema igjobs_before', name);
    end loop;
exception
    when lock_not_available then
        raise exception 'table % is in use. Nothing was changed: stop the '
            'former system first', name;
    when duplicate_table then
        raise exception 'schema igjobs_before has a table % already, from '
            'an earlier adoption', name;
end
$$;
commit;
