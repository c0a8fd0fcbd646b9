-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The unit of commit: one provider page. Locks: batch row, slots, the job's
-- profiles (those that seem new, then the others, each in profile_id order),
-- job row last and briefly, then the tenant's day where money moves.

create type igjobs.stored as (
    answer text, kept integer, batch_closed boolean, version bigint, doc text,
    final boolean, state text, reason text);


create function igjobs.page_answer(
    b igjobs.batches, r igjobs.runs, p_attempt integer, p_from bigint,
    p_to bigint, p_close boolean)
    returns text
    language plpgsql immutable
as $$
begin
    return case
        when r.job_id is null or b.attempt <> p_attempt then 'lost'
        when r.cursor = p_to and p_close and r.closed_at is not null
            then 'repeated'
        when r.cursor = p_to and not p_close then 'repeated'
        when b.state = 'leased' and r.closed_at is null
            and r.cursor = p_from then 'stored'
        else 'lost'
        end;
end
$$;
comment on function igjobs.page_answer(
    igjobs.batches, igjobs.runs, integer, bigint, bigint, boolean) is
    'May this page be stored? A repeat after an unknown COMMIT finds the '
    'cursor moved; for the page that closes the run, the run closed: an '
    'empty dataset has from = to.';


create function igjobs.move_run(
    b igjobs.batches, p_run_no integer, p_to bigint, p_items integer,
    p_close boolean, p_run_state text, p_cost numeric)
    returns boolean
    language plpgsql volatile
as $$
begin
    update igjobs.runs r
    set cursor = p_to, items = r.items + p_items,
        cost_usd = coalesce(p_cost, r.cost_usd),
        state = case when p_close then p_run_state else r.state end,
        closed_at = case when p_close then clock_timestamp() end
    where r.tenant = b.tenant and r.job_id = b.job_id
        and r.batch_no = b.batch_no and r.run_no = p_run_no;
    return p_close and not exists (
        select from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no and r.closed_at is null);
end
$$;
comment on function igjobs.move_run(
    igjobs.batches, integer, bigint, integer, boolean, text, numeric) is
    'Moves the cursor of a locked batch''s run and closes it if asked; true '
    'when that left no run open.';


create function igjobs.batch_progress(
    b igjobs.batches, p_items integer, p_ended boolean)
    returns double precision
    language plpgsql immutable
as $$
begin
    return case
        when p_ended then 1
        else least(0.99, b.progress
                         + p_items::double precision / b.expected)
        end;
end
$$;
comment on function igjobs.batch_progress(
    igjobs.batches, integer, boolean) is
    'The progress of a batch, 0 to 1, after so many more items.';


create function igjobs.end_batch(
    b igjobs.batches, p_state text, p_error text,
    p_error_class text default null)
    returns void
    language plpgsql volatile
as $$
declare
    kept smallint := igjobs.drop_slots(b);
begin
    update igjobs.batches t
    set state = p_state, finished_at = clock_timestamp(), lease_until = null,
        worker = null, slots = 0, run_slots = kept, progress = 1,
        error = coalesce(p_error, t.error),
        error_class = coalesce(p_error_class, t.error_class)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
end
$$;
comment on function igjobs.end_batch(igjobs.batches, text, text, text) is
    'done or dead: ends the lease of a locked batch, frees its slots.';


create function igjobs.move_batch(
    b igjobs.batches, p_progress double precision, p_closed boolean)
    returns void
    language plpgsql volatile
as $$
begin
    if p_closed then
        perform igjobs.end_batch(b, 'done', null);
        return;
    end if;
    update igjobs.batches t
    set progress = p_progress, losses = 0,
        failures = least(t.failures, t.reruns)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
end
$$;
comment on function igjobs.move_batch(
    igjobs.batches, double precision, boolean) is
    'A page was stored: earlier losses and failures are forgiven, except '
    'those that cost a new run; or the batch is done.';


create type igjobs.page as (
    profile_ids text[], usernames text[], full_names text[], genders text[],
    confidences real[], evidences text[], sources text[]);
comment on type igjobs.page is
    'The kept rows of a page, a column an array.';


create function igjobs.insert_profiles(b igjobs.batches, p_profile_ids text[])
    returns text[]
    language plpgsql volatile
as $$
declare
    new text[];
begin
    with inserted as (
        insert into igjobs.job_profiles (job_id, profile_id)
        select b.job_id, u.id
        from unnest(p_profile_ids) u (id)
        order by u.id collate "C"
        on conflict do nothing
        returning profile_id
    )
    select array_agg(i.profile_id) into new from inserted i;
    return new;
end
$$;
comment on function igjobs.insert_profiles(igjobs.batches, text[]) is
    'Part of new_rows: notes these profiles, in profile_id order, as found by '
    'the job; answers those that it did not have (none: null).';


create function igjobs.insert_new_profiles(
    b igjobs.batches, p_profile_ids text[])
    returns boolean
    language plpgsql volatile
as $$
begin
    insert into igjobs.job_profiles (job_id, profile_id)
    select b.job_id, u.id
    from unnest(p_profile_ids) u (id);
    return true;
exception when unique_violation then
    return false;
end
$$;
comment on function igjobs.insert_new_profiles(igjobs.batches, text[]) is
    'Part of new_rows: the same for profiles none of which the job should '
    'have, at half the cost; false: it had one, and nothing is noted.';


create function igjobs.rows_from_to(p igjobs.page, p_a integer, p_z integer)
    returns igjobs.page
    language plpgsql immutable
as $$
begin
    return (p.profile_ids[p_a:p_z], p.usernames[p_a:p_z],
            p.full_names[p_a:p_z], p.genders[p_a:p_z],
            p.confidences[p_a:p_z], p.evidences[p_a:p_z],
            p.sources[p_a:p_z])::igjobs.page;
end
$$;
comment on function igjobs.rows_from_to(igjobs.page, integer, integer) is
    'The rows of a page from one place to another.';


create function igjobs.rows_of(p igjobs.page, p_profile_ids text[])
    returns igjobs.page
    language plpgsql immutable
    set enable_nestloop = off       -- an array's length is not known to plans
as $$
begin
    select array_agg(u.id), array_agg(u.username), array_agg(u.full_name),
        array_agg(u.gender), array_agg(u.confidence), array_agg(u.evidence),
        array_agg(u.source)
    into p
    from (
        select distinct on (t.id collate "C") t.*
        from unnest(p.profile_ids, p.usernames, p.full_names, p.genders,
                    p.confidences, p.evidences, p.sources)
            t (id, username, full_name, gender, confidence, evidence, source)
        join unnest(p_profile_ids) k (id) using (id)
        order by t.id collate "C") u;
    return p;
end
$$;
comment on function igjobs.rows_of(igjobs.page, text[]) is
    'The rows of these profiles, each once, in profile_id order.';


create function igjobs.new_rows(
    b igjobs.batches, p_new integer, p igjobs.page)
    returns igjobs.page
    language plpgsql volatile
as $$
declare
    n integer := cardinality(p.profile_ids);
    new integer := coalesce(p_new, n);
    rest igjobs.page;
    others text[];
begin
    if new > 0
        and not igjobs.insert_new_profiles(b, p.profile_ids[:new])
    then
        new := 0;
    end if;
    if new = n then
        return p;
    end if;
    rest := igjobs.rows_from_to(p, new + 1, n);
    others := igjobs.insert_profiles(b, rest.profile_ids);
    p := igjobs.rows_from_to(p, 1, new);
    if others is null then
        return p;
    end if;
    rest := igjobs.rows_of(rest, others);
    return (p.profile_ids || rest.profile_ids,
            p.usernames || rest.usernames, p.full_names || rest.full_names,
            p.genders || rest.genders, p.confidences || rest.confidences,
            p.evidences || rest.evidences,
            p.sources || rest.sources)::igjobs.page;
end
$$;
comment on function igjobs.new_rows(igjobs.batches, integer, igjobs.page) is
    'Notes the profiles of a page as found by the job; answers the rows of '
    'those that it did not have. The first p_new seem new (null: all); when '
    'one of them was known after all, all are noted with care.';


create function igjobs.chunk_size()
    returns integer
    language sql immutable
return 250;
comment on function igjobs.chunk_size() is
    'Rows of a chunk, at most: a page of results needs parts of few chunks, '
    'and reads little that it does not need.';


create type igjobs.chunk_set as (chunk_nos bigint[], n integer);
comment on type igjobs.chunk_set is
    'The chunks of a page, in their order, and the rows of all of them.';


create function igjobs.insert_rows(
    b igjobs.batches, p_new integer, p igjobs.page)
    returns igjobs.chunk_set
    language plpgsql volatile
as $$
declare
    size integer := igjobs.chunk_size();
    c igjobs.chunk_set;
begin
    p := igjobs.new_rows(b, p_new, p);
    with chunks as (
        insert into igjobs.chunk_rows (
            job_id, chunk_no, tenant, platform, profile_ids, usernames,
            full_names, genders, confidences, evidences, source_accounts)
        select b.job_id, nextval('igjobs.chunk_no'), b.tenant, b.platform,
            p.profile_ids[r.a:r.z], p.usernames[r.a:r.z],
            p.full_names[r.a:r.z], p.genders[r.a:r.z],
            p.confidences[r.a:r.z], p.evidences[r.a:r.z],
            p.sources[r.a:r.z]
        from (
            select a, a + size - 1
            from generate_series(1, cardinality(p.profile_ids), size) a)
            r (a, z)
        returning chunk_no
    )
    select array_agg(i.chunk_no order by i.chunk_no) into c.chunk_nos
    from chunks i;
    c.n := cardinality(p.profile_ids);
    return c;
end
$$;
comment on function igjobs.insert_rows(igjobs.batches, integer, igjobs.page) is
    'Stores the rows of a page as chunks; a profile that the job has already '
    'is left out. p_new: as for new_rows.';


create function igjobs.add_chunks(
    j public.scrape_jobs, c igjobs.chunk_set, p_origin text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
declare
    size integer := igjobs.chunk_size();
begin
    insert into igjobs.chunks (
        job_id, first_row, chunk_no, n, origin, tenant, platform)
    select j.job_id, j.next_row + (u.place - 1) * size, u.chunk_no,
        least(size, c.n - (u.place - 1) * size), p_origin, j.tenant,
        j.platform
    from unnest(c.chunk_nos) with ordinality u (chunk_no, place);
    j.next_row := j.next_row + c.n;
    j.profiles_scraped := j.profiles_scraped + c.n;
    return j;
end
$$;
comment on function igjobs.add_chunks(
    public.scrape_jobs, igjobs.chunk_set, text) is
    'Under the job row''s lock: gives chunks the next ordinals. Their rows '
    'have the origin of the run that brought them.';


create function igjobs.not_stored(s igjobs.stored, p_tenant text, p_job uuid)
    returns igjobs.stored
    language plpgsql stable
as $$
begin
    s.kept := 0;
    select j.version, j.doc, igjobs.is_final(j.state), j.state, j.reason
    into s.version, s.doc, s.final, s.state, s.reason
    from public.scrape_jobs j
    where j.tenant = p_tenant and j.job_id = p_job;
    return s;
end
$$;
comment on function igjobs.not_stored(igjobs.stored, text, uuid) is
    'Part of store_page: the answer for a page that is not stored now, with '
    'the present document.';


create function igjobs.store_page(
    p_tenant text, p_job uuid, p_batch integer, p_attempt integer,
    p_run_no integer, p_from bigint, p_to bigint, p_close boolean,
    p_run_state text, p_cost numeric, p_items integer, p_seen integer,
    p_female integer, p_male integer, p_unknown integer,
    p_profile_ids text[], p_usernames text[], p_full_names text[],
    p_genders text[], p_confidences real[], p_evidences text[],
    p_sources text[], p_outcomes jsonb, p_accounts_failed integer,
    p_new integer default null)
    returns igjobs.stored
    language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
    c igjobs.chunk_set;
    j public.scrape_jobs;
    s igjobs.stored;
    progress double precision;
begin
    s.answer := igjobs.page_answer(b, r, p_attempt, p_from, p_to, p_close);
    s.batch_closed := b.state = 'done';
    if s.answer <> 'stored' then
        return igjobs.not_stored(s, p_tenant, p_job);
    end if;

    s.batch_closed := igjobs.move_run(b, p_run_no, p_to, p_items, p_close,
                                      p_run_state, p_cost);
    progress := igjobs.batch_progress(b, p_items, s.batch_closed);
    if s.batch_closed then
        perform igjobs.breaker_answered(r.provider, r.actor, b.kind);
    end if;
    perform igjobs.move_batch(b, progress, s.batch_closed);
    perform igjobs.note_outcomes(b, p_outcomes);
    c := igjobs.insert_rows(b, p_new, (
        p_profile_ids, p_usernames, p_full_names, p_genders, p_confidences,
        p_evidences, p_sources));

    j := igjobs.lock_job(p_tenant, p_job);
    if igjobs.is_final(j.state) then
        raise exception using errcode = 'IGJ02';
    end if;
    j := igjobs.add_chunks(j, c, r.origin);
    j.seen := j.seen + p_seen;
    j.female_count := j.female_count + p_female;
    j.male_count := j.male_count + p_male;
    j.unknown_count := j.unknown_count + p_unknown;
    j.accounts_failed :=
        least(j.account_count, j.accounts_failed + p_accounts_failed);
    j.batches_done := j.batches_done + s.batch_closed::integer;
    j.progress_sum := j.progress_sum + progress - b.progress;
    if p_close then
        j := igjobs.book_closed(j, r, p_cost);
    end if;
    j := igjobs.save_job(igjobs.settle(j));
    return (s.answer, c.n, s.batch_closed, j.version, j.doc,
            igjobs.is_final(j.state), j.state, j.reason);
exception when sqlstate 'IGJ02' then
    s.answer := 'final';
    s.batch_closed := false;
    return igjobs.not_stored(s, p_tenant, p_job);
end
$$;
comment on function igjobs.store_page(
    text, uuid, integer, integer, integer, bigint, bigint, boolean, text,
    numeric, integer, integer, integer, integer, integer, text[], text[],
    text[], text[], real[], text[], text[], jsonb, integer, integer) is
    'Stores items p_from to p_to (dataset offsets) of a run: the kept rows '
    '(the arrays: first p_new rows that seem new to the job, then the others, '
    'each in profile_id order, so that pages with the same profiles do not '
    'wait for each other in a circle; null: not known), cursor, outcomes, '
    'counters, document; with p_close also '
    'the run''s end, and the last open run closes the batch. p_items: items '
    'of the page, p_seen: distinct profiles among them, p_female, p_male, '
    'p_unknown: before the filter. Answers stored, repeated (committed '
    'before), lost (this attempt does not hold the batch) or final (the job '
    'has ended, nothing is stored); state and reason of the job tell a lane '
    'that its own page has stopped it. A page that does not close its run must '
    'have p_to > p_from.';
