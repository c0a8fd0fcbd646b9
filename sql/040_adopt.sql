-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Takes over the rows of the system that igjobs replaces, whose tables
-- sql/migrate --adopt has moved into schema igjobs_before. Rows are read in
-- the order in which they stand on disk, a range of blocks a transaction,
-- which also notes how far it is: what is killed goes on there. A row comes as
-- jsonb, so that a column which that database does not have is null. Runs as
-- whoever migrates, who owns the old tables.

create table igjobs.adoption (
    name       text primary key,
    place      integer not null,
    step       integer not null,
    next_block bigint not null default 0,
    found      bigint not null default 0,
    taken      bigint not null default 0,
    left_out   jsonb not null default '{}',
    changed    jsonb not null default '{}',
    done_at    timestamptz
);
comment on table igjobs.adoption is
    'how far each table of the former system has been taken over; step: '
    'blocks of one transaction; left_out: reason to number of rows; changed '
    'likewise, of rows that were taken over';
comment on constraint adoption_pkey on igjobs.adoption is
    'igjobs.adopt_step: one table';

create type igjobs.adopted as (
    found bigint, taken bigint, left_out jsonb, changed jsonb);


create function igjobs.adopted(
    p_found bigint, p_taken bigint, p_left_out jsonb,
    p_changed jsonb default '{}')
    returns igjobs.adopted
    language sql immutable
return row(p_found, p_taken, p_left_out, p_changed)::igjobs.adopted;
comment on function igjobs.adopted(bigint, bigint, jsonb, jsonb) is
    'What became of some rows; reasons may have 0 rows.';


create function igjobs.add_counts(a jsonb, b jsonb)
    returns jsonb
    language sql immutable
return (
    select coalesce(jsonb_object_agg(s.reason, s.n), '{}')
    from (
        select c.key as reason, sum(c.value::bigint) as n
        from (select * from jsonb_each_text(a)
              union all
              select * from jsonb_each_text(b)) c
        group by c.key
        having sum(c.value::bigint) > 0) s);
comment on function igjobs.add_counts(jsonb, jsonb) is
    'Adds the numbers of two objects; nothing remains of a 0.';


create function igjobs.base_before(p_row jsonb)
    returns text
    language sql immutable
return coalesce(nullif(btrim(p_row ->> 'base_id'), ''), 'default_instagram');
comment on function igjobs.base_before(jsonb) is
    'The base of an old row; those of the first versions have none.';


create function igjobs.account_before(p_text text)
    returns text
    language sql immutable
return (
    select a.name
    from regexp_replace(
        regexp_replace(
            lower(btrim(p_text, E' \t\r\n')),
            '^(https?://)?(www\.)?(instagram|tiktok|threads|x|twitter)'
            '\.(com|net)/', ''),
        '^@|[/?#].*$', '', 'g') a (name)
    where a.name ~ '^[a-z0-9._]{1,30}$' and a.name ~ '[^.]');
comment on function igjobs.account_before(text) is
    'The user name that an old job had for an account; null when it is none.';


create type igjobs.account_place as (account text, n bigint);

create function igjobs.accounts_before(p_accounts jsonb)
    returns igjobs.account_place[]
    language sql immutable
return array(
    select (f.account, row_number() over (order by f.n))::igjobs.account_place
    from (
        select igjobs.account_before(e.account) as account, min(e.n) as n
        from jsonb_array_elements_text(
            case jsonb_typeof(p_accounts) when 'array' then p_accounts
                else '[]' end) with ordinality e (account, n)
        group by 1) f
    where f.account is not null
    order by f.n);
comment on function igjobs.accounts_before(jsonb) is
    'The accounts of an old job as a submission stores them: user names, each '
    'once, numbered from 1.';


-- Jobs: a finished one has batches that are done; any other ends as failed,
-- with batches that never ran, so that a redrive runs it.
create function igjobs.insert_jobs_before(p_rows jsonb[])
    returns uuid[]
    language plpgsql volatile
as $$
declare
    inserted uuid[];
begin
    with old as materialized (
        select (o.r ->> 'job_id')::uuid as job_id, o.r,
            o.r ->> 'status' = 'completed' as completed,
            igjobs.accounts_before(o.r -> 'accounts') as accounts,
            coalesce((o.r ->> 'created_at')::timestamptz, now()) as created_at,
            coalesce(o.r ->> 'platform', 'instagram') as platform
        from unnest(p_rows) o (r)
        where o.r ->> 'job_id' is not null
    ), sized as materialized (
        select o.*, igjobs.batches_of(cardinality(o.accounts)) as batches
        from old o
    ), jobs as (
        insert into public.scrape_jobs as j (
            job_id, created_at, started_at, completed_at, updated_at, seen,
            profiles_scraped, total_scraped, total_filtered, progress_sum,
            total_batches, batches_done, current_batch, account_count,
            max_count_per_account, parallelism, max_failed_ratio,
            keep_unknown, progress, tenant, platform, kind, class, phase,
            state, status, target_gender, error_message, accounts, doc)
        select o.job_id, o.created_at, (o.r ->> 'started_at')::timestamptz,
            t.ended_at, t.ended_at,
            coalesce((o.r ->> 'total_scraped')::bigint, 0),
            case when o.completed then
                coalesce((o.r ->> 'profiles_scraped')::bigint, 0) else 0 end,
            (o.r ->> 'total_scraped')::bigint,
            case when o.completed then coalesce(
                (o.r ->> 'total_filtered')::bigint,
                (o.r ->> 'profiles_scraped')::bigint) end,
            case when o.completed then o.batches else 0 end, o.batches,
            case when o.completed then o.batches else 0 end,
            case when o.completed then o.batches else 0 end,
            cardinality(o.accounts),
            greatest(1, coalesce(
                (o.r ->> 'max_count_per_account')::numeric::integer, 5)),
            igjobs.setting('parallelism')::integer,
            igjobs.setting('max_failed_ratio')::real, true,
            case when o.completed then 100 else 0 end,
            'default', o.platform, k.kind,
            case when o.batches <= 8 then 'small' else 'bulk' end, k.phase,
            case when o.completed then 'completed' else 'failed' end,
            case when o.completed then 'completed' else 'failed' end,
            case when lower(o.r ->> 'target_gender') in ('male', 'female')
                then lower(o.r ->> 'target_gender') else 'any' end,
            case
                when o.completed then null
                when o.r ->> 'status' = 'failed' then coalesce(
                    nullif(o.r ->> 'error_message', ''),
                    'The job failed in the system before igjobs')
                else format(
                    'The job had not ended (%s) when igjobs took over from '
                    'the system before it: redrive it, or submit it again',
                    coalesce(o.r ->> 'status', 'no status'))
            end,
            case jsonb_typeof(o.r -> 'accounts') when 'array' then
                array(select jsonb_array_elements_text(o.r -> 'accounts'))
            end,
            ''
        from sized o,
        lateral (
            select i.kind, i.phase from igjobs.kinds i
            where i.kind in ('scrape_followers',
                             'scrape_followers.' || o.platform)
            order by i.kind desc
            limit 1) k,
        lateral (select coalesce(
            (o.r ->> 'completed_at')::timestamptz,
            (o.r ->> 'updated_at')::timestamptz, o.created_at)) t (ended_at)
        on conflict (job_id) do nothing
        returning j.job_id, j.phase, j.kind, j.completed_at,
            j.max_count_per_account
    ), parts as materialized (
        select o.job_id, ((a.n - 1) / igjobs.batch_size())::integer
                as batch_no, o.completed, o.platform,
            count(*)::integer as account_count,
            string_agg(a.account, e'\n' order by a.n) as accounts
        from sized o
        join jobs j on j.job_id = o.job_id,
            unnest(o.accounts) a
        group by 1, 2, 3, 4
    ), new_accounts as (
        insert into igjobs.batch_accounts (
            job_id, batch_no, tenant, platform, accounts)
        select p.job_id, p.batch_no, 'default', p.platform, p.accounts
        from parts p
    ), new_batches as (
        insert into igjobs.batches (
            job_id, batch_no, finished_at, expected, progress, account_count,
            state, tenant, platform, kind, phase)
        select p.job_id, p.batch_no,
            case when p.completed then j.completed_at end,
            p.account_count * j.max_count_per_account::bigint,
            p.completed::integer, p.account_count,
            case when p.completed then 'done' else 'queued' end,
            'default', p.platform, j.kind, j.phase
        from parts p
        join jobs j on j.job_id = p.job_id
    )
    select array_agg(j.job_id) into inserted from jobs j;
    return coalesce(inserted, '{}');
end
$$;
comment on function igjobs.insert_jobs_before(jsonb[]) is
    'Part of adopt_scrape_jobs: jobs with their batches and accounts; the '
    'ids of those that were not there. Their results come later.';


create function igjobs.write_documents(p_jobs uuid[])
    returns void
    language plpgsql volatile
as $$
begin
    update public.scrape_jobs j set doc = igjobs.job_document(j)
    where j.job_id = any (p_jobs);
end
$$;
comment on function igjobs.write_documents(uuid[]) is
    'Makes the documents of adopted jobs from their rows.';


create function igjobs.adopt_scrape_jobs(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    ids uuid[] := igjobs.insert_jobs_before(p_rows);
    nameless bigint;
    unfinished bigint;
begin
    perform igjobs.write_documents(ids);
    select count(*) filter (where o.r ->> 'job_id' is null),
        count(*) filter (where coalesce(o.r ->> 'status', '')
                             not in ('completed', 'failed')
                         and (o.r ->> 'job_id')::uuid = any (ids))
    into nameless, unfinished
    from unnest(p_rows) o (r);
    return igjobs.adopted(
        cardinality(p_rows), cardinality(ids), jsonb_build_object(
            'no job_id', nameless, 'there is a job of this id',
            cardinality(p_rows) - cardinality(ids) - nameless),
        jsonb_build_object(
            'unfinished, so marked failed', unfinished));
end
$$;
comment on function igjobs.adopt_scrape_jobs(jsonb[]) is
    'Takes over jobs.';


create type igjobs.result_before as (
    job_id uuid, created_at timestamptz, seq bigint, profile_id text,
    username text, full_name text, source_account text);

create function igjobs.results_before(p_rows jsonb[])
    returns setof igjobs.result_before
    language plpgsql stable
as $$
begin
    return query
    select distinct on (o.job_id, o.profile_id) o.*
    from (
        select j.job_id,
            coalesce((e.r ->> 'created_at')::timestamptz, j.completed_at),
            coalesce((e.r ->> 'id')::bigint, e.n) as seq,
            coalesce(nullif(e.r ->> 'profile_id', ''),
                     nullif(e.r ->> 'username', '')) as profile_id,
            coalesce(e.r ->> 'username', ''),
            coalesce(e.r ->> 'full_name', ''),
            nullif(e.r ->> 'source_account', '')
        from unnest(p_rows) with ordinality e (r, n)
        join public.scrape_jobs j
            on j.tenant = 'default' and j.job_id = (e.r ->> 'job_id')::uuid
        offset 0) o
    where o.profile_id is not null
        and not exists (
            select from igjobs.job_profiles p
            where p.job_id = o.job_id and p.profile_id = o.profile_id)
    order by o.job_id, o.profile_id, o.seq;
end
$$;
comment on function igjobs.results_before(jsonb[]) is
    'Part of adopt_scrape_results: those of the rows that their jobs do not '
    'have yet, each profile once a job.';


create function igjobs.insert_results_before(p_rows jsonb[])
    returns table (job_id uuid, n bigint)
    language plpgsql volatile
    set enable_seqscan = off
as $$
begin
    return query
    with placed as materialized (
        select r.*, (row_number() over w - 1) / 1000 as part,
            row_number() over w as place
        from igjobs.results_before(p_rows) r
        window w as (partition by r.job_id, r.created_at order by r.seq)
    ), profiles as (
        insert into igjobs.job_profiles (job_id, profile_id)
        select p.job_id, p.profile_id
        from placed p
    ), chunks as materialized (
        select g.*, j.platform, nextval('igjobs.chunk_no') as chunk_no,
            j.next_row + sum(g.size) over (
                partition by g.job_id order by g.created_at, g.part)
                - g.size as first_row
        from (
            select p.job_id, p.created_at, p.part, count(*)::integer as size,
                array_agg(p.profile_id order by p.place) as profile_ids,
                array_agg(p.username order by p.place) as usernames,
                array_agg(p.full_name order by p.place) as full_names,
                array_agg(p.source_account order by p.place)
                    as source_accounts
            from placed p
            group by 1, 2, 3) g
        join public.scrape_jobs j
            on j.tenant = 'default' and j.job_id = g.job_id
    ), new_chunks as (
        insert into igjobs.chunks (
            job_id, first_row, chunk_no, n, tenant, platform)
        select c.job_id, c.first_row, c.chunk_no, c.size, 'default',
            c.platform
        from chunks c
    ), new_rows as (
        insert into igjobs.chunk_rows (
            job_id, chunk_no, created_at, tenant, platform, profile_ids,
            usernames, full_names, genders, confidences, evidences,
            source_accounts)
        select c.job_id, c.chunk_no, c.created_at, 'default', c.platform,
            c.profile_ids, c.usernames, c.full_names,
            array_fill('unknown'::text, array[c.size]),
            array_fill(null::real, array[c.size]),
            array_fill(null::text, array[c.size]), c.source_accounts
        from chunks c
    )
    select c.job_id, sum(c.size) from chunks c group by c.job_id;
end
$$;
comment on function igjobs.insert_results_before(jsonb[]) is
    'Part of adopt_scrape_results: stores what is new as chunks at the ends '
    'of their jobs: rows of one time, in the order of their numbers, 1,000 at '
    'most, which is how they were inserted once. Answers how many each job '
    'got.';


create function igjobs.adopt_scrape_results(p_rows jsonb[])
    returns igjobs.adopted
    language plpgsql volatile
as $$
declare
    grown uuid[];
    taken bigint;
    homeless bigint;
    nameless bigint;
begin
    perform from public.scrape_jobs j
    where j.tenant = 'default' and j.job_id in (
        select (o.r ->> 'job_id')::uuid from unnest(p_rows) o (r))
    order by j.job_id
    for no key update;

    with new as (
        select * from igjobs.insert_results_before(p_rows)
    ), jobs as (
        update public.scrape_jobs j
        set next_row = j.next_row + n.n, version = j.version + 1,
            profiles_scraped = case j.state when 'completed'
                then j.profiles_scraped else j.profiles_scraped + n.n end
        from new n
        where j.tenant = 'default' and j.job_id = n.job_id
        returning j.job_id, n.n
    )
    select array_agg(j.job_id), coalesce(sum(j.n), 0) into grown, taken
    from jobs j;
    perform igjobs.write_documents(grown);

    select count(*) filter (where j.job_id is null),
        count(*) filter (
            where j.job_id is not null
                and coalesce(nullif(o.r ->> 'profile_id', ''),
                             nullif(o.r ->> 'username', '')) is null)
    into homeless, nameless
    from unnest(p_rows) o (r)
    left join public.scrape_jobs j
        on j.tenant = 'default' and j.job_id = (o.r ->> 'job_id')::uuid;
    return igjobs.adopted(
        cardinality(p_rows), taken, jsonb_build_object(
            'of a job that is not there', homeless,
            'no profile_id and no username', nameless,
            'the job has the profile already',
            cardinality(p_rows) - taken - homeless - nameless));
end
$$;
comment on function igjobs.adopt_scrape_results(jsonb[]) is
    'Takes over results, whose jobs must have been.';



-- Steps

create function igjobs.begin_adoption()
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.adoption (name, place, step)
    select t.name, t.place, t.step
    from (values
        ('scrape_jobs', 1, 16), ('scrape_results', 2, 256),
        ('campaigns', 3, 256), ('daily_assignments', 4, 256),
        ('global_usernames', 5, 256), ('raw_scraped_profiles', 6, 256),
        ('source_profiles', 7, 256), ('scraping_jobs', 8, 256))
        t (name, place, step)
    join pg_class c on c.relname = t.name
    join pg_namespace n
        on n.oid = c.relnamespace and n.nspname = 'igjobs_before'
    on conflict do nothing;
    if to_regclass('igjobs.chunk_rows_adopted') is null and exists (
        select from igjobs.adoption a where a.name = 'scrape_results')
    then
        perform igjobs.add_adopted_partition();
    end if;
end
$$;
comment on function igjobs.begin_adoption() is
    'Notes the tables in schema igjobs_before that are to be taken over.';


-- ids of version 4 would fill the default partition, which every new month
-- has to look through; those of version 7 come to 03000000 in the year 2074
create function igjobs.add_adopted_partition()
    returns void
    language plpgsql volatile
as $$
declare
    first_id uuid := '03000000-0000-0000-0000-000000000000';
begin
    perform igjobs.attach_partition('chunk_rows', 'adopted', first_id, null),
        igjobs.attach_partition('job_profiles', 'adopted', first_id, null);
exception when check_violation then
    null;
end
$$;
comment on function igjobs.add_adopted_partition() is
    'Partitions for the results of adopted jobs, whose ids are random; most '
    'of them fall into these. None where a default partition has such rows.';


create function igjobs.adopt_step(p_name text)
    returns boolean
    language plpgsql volatile
as $$
declare
    a igjobs.adoption;
    blocks bigint;
    old jsonb[];
    part igjobs.adopted := igjobs.adopted(0, 0, '{}');
begin
    select t.* into a from igjobs.adoption t
    where t.name = p_name and t.done_at is null
    for update;
    if a.name is null then
        return false;
    end if;

    blocks := pg_relation_size(format('igjobs_before.%I', p_name)::regclass)
        / current_setting('block_size')::integer;
    if a.next_block < blocks then
        execute format(
            'select array_agg(to_jsonb(t) order by t.ctid) '
            'from igjobs_before.%I t where t.ctid >= $1 and t.ctid < $2',
            p_name)
        into old
        using format('(%s,0)', a.next_block)::tid,
            format('(%s,0)', a.next_block + a.step)::tid;
    end if;
    if old is not null then
        execute format('select * from igjobs.adopt_%s($1)', p_name)
        into part using old;
    end if;

    update igjobs.adoption t
    set next_block = a.next_block + a.step, found = a.found + part.found,
        taken = a.taken + part.taken,
        left_out = igjobs.add_counts(a.left_out, part.left_out),
        changed = igjobs.add_counts(a.changed, part.changed),
        done_at = case when a.next_block + a.step >= blocks then now() end
    where t.name = p_name;
    return true;
exception when data_exception or integrity_constraint_violation then
    raise exception 'table igjobs_before.%, blocks % to %: %', p_name,
        a.next_block, a.next_block + a.step - 1, sqlerrm
        using hint = 'Correct the row there and run sql/migrate --adopt '
            'again: it goes on with these blocks.';
end
$$;
comment on function igjobs.adopt_step(text) is
    'Takes over the next blocks of a table; false when there are none left.';


create procedure igjobs.adopt(p_name text)
    language plpgsql
as $$
begin
    while igjobs.adopt_step(p_name) loop
        commit;
    end loop;
end
$$;
comment on procedure igjobs.adopt(text) is
    'Takes over what is left of a table, step by step, each a transaction.';


create function igjobs.reasons(p_what text, p_counts jsonb)
    returns text
    language sql immutable
return (select string_agg(format('%s, %s: %s', p_what, c.key, c.value), e'\n'
                          order by c.value::bigint desc, c.key)
        from jsonb_each_text(p_counts) c);
comment on function igjobs.reasons(text, jsonb) is
    'An object of numbers as people read it, a line each.';


create view igjobs.adoption_report as
    select a.name as "table", a.found, a.taken as "taken over",
        a.found - a.taken as "left out",
        concat_ws(e'\n', igjobs.reasons('left out', a.left_out),
                  igjobs.reasons('taken over', a.changed),
                  case when a.done_at is null then 'not ended' end) as "why"
    from igjobs.adoption a
    order by a.place;
comment on view igjobs.adoption_report is
    'What sql/migrate --adopt prints.';


create function igjobs.grant_former(p_role text)
    returns void
    language plpgsql volatile
as $$
declare
    name text;
begin
    foreach name in array
        '{campaigns,daily_assignments,global_usernames,raw_scraped_profiles,
          scraping_jobs,source_profiles}'::text[]
    loop
        execute format('grant select, insert, update, delete on public.%I '
                       'to %I', name, p_role);
        execute format('drop policy if exists %I on public.%I',
                       'former_' || p_role, name);
        execute format(
            'create policy %I on public.%I to %I using (tenant = ''default'') '
            'with check (tenant = ''default'')',
            'former_' || p_role, name, p_role);
    end loop;
end
$$;
comment on function igjobs.grant_former(text) is
    'Lets the server that igjobs replaces go on with campaigns, in igjobs'' '
    'tables, for as long as calls move one by one. May be repeated.';


create function igjobs.words_of(p_source text)
    returns text
    language sql stable
return (select string_agg(a.name, ', ' order by a.name)
        from igjobs.adoption a
        where p_source ~ ('\m' || a.name || '\M'));
comment on function igjobs.words_of(text) is
    'Which adopted tables a text names; null when it names none.';


create function igjobs.left_behind()
    returns table (what text, note text)
    language sql stable
begin atomic
    with old as (
        select c.oid, c.relname from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'igjobs_before' and c.relkind = 'r'
    )
    select distinct format('%s %s', case v.relkind when 'v' then 'view'
            else 'materialized view' end, v.oid::regclass),
        format('reads %s as it was: create it again', o.relname)
    from old o
    join pg_depend d on d.refobjid = o.oid
        and d.refclassid = 'pg_class'::regclass
        and d.classid = 'pg_rewrite'::regclass
    join pg_rewrite w on w.oid = d.objid
    join pg_class v on v.oid = w.ev_class and v.oid <> o.oid
    union all
    select format('trigger %s of %s', t.tgname, o.relname),
        'stays on the old table; the new one has igjobs'' own'
    from old o
    join pg_trigger t on t.tgrelid = o.oid and not t.tgisinternal
    union all
    select format('policy %s of %s', p.polname, o.relname),
        'stays on the old table; see sql/migrate --front-end'
    from old o
    join pg_policy p on p.polrelid = o.oid
    union all
    select format('foreign key %s of %s', k.conname, k.conrelid::regclass),
        format('refers to %s as it was: drop it, or refer to the new one',
               o.relname)
    from old o
    join pg_constraint k on k.confrelid = o.oid and k.contype = 'f'
        and k.conrelid not in (select t.oid from old t)
    union all
    select format('publication %s', p.pubname),
        format('has %s as it was: add the new one', o.relname)
    from old o
    join pg_publication_rel r on r.prrelid = o.oid
    join pg_publication p on p.oid = r.prpubid
    union all
    select format('role %s', r.rolname), format(
            'had rights on %s: see sql/migrate --front-end',
            string_agg(distinct o.relname, ', '))
    from old o
    join pg_class c on c.oid = o.oid
    cross join aclexplode(c.relacl) a
    join pg_roles r on r.oid = a.grantee
        and a.grantee not in (c.relowner, coalesce(to_regrole('anon'), 0))
    group by r.rolname
    union all
    select format('function %s', f.oid::regprocedure),
        format('names %s: it finds the new ones now', igjobs.words_of(f.prosrc))
    from pg_proc f
    join pg_namespace n on n.oid = f.pronamespace
        and n.nspname not in ('igjobs', 'pg_catalog', 'information_schema')
    where igjobs.words_of(f.prosrc) is not null
    order by 1, 2;
end;
comment on function igjobs.left_behind() is
    'What of the database knows the old tables, and what becomes of it.';
