-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The unit of commit: one provider page. Locks: batch row, slots, result rows
-- (those that seem new, then the others, each in profile_id order), job row
-- last and briefly, then the tenant's day where money moves.

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


-- inlined into the insert; columns in the table's order
create function igjobs.page_rows(
    b igjobs.batches, p_chunk_no bigint, p_profile_ids text[],
    p_usernames text[], p_full_names text[], p_genders text[],
    p_confidences real[], p_evidences text[], p_sources text[])
    returns setof public.scrape_results
    language sql stable
begin atomic
    select b.job_id, p_chunk_no, now(), u.n::integer - 1, u.confidence,
        b.tenant, b.platform, u.profile_id, u.username, u.full_name,
        u.gender, u.evidence, u.source
    from unnest(
        p_profile_ids, p_usernames, p_full_names, p_genders,
        p_confidences, p_evidences, p_sources) with ordinality
        u (profile_id, username, full_name, gender, confidence, evidence,
           source, n);
end;
comment on function igjobs.page_rows(
    igjobs.batches, bigint, text[], text[], text[], text[], real[], text[],
    text[]) is
    'The kept rows of a page as result rows, in the order in which they come.';


create type igjobs.chunk as (
    chunk_no bigint, n integer, span integer, gaps integer[]);


create function igjobs.chunk_gaps(p_job uuid, c igjobs.chunk)
    returns integer[]
    language plpgsql volatile
as $$
begin
    return array(
        select g + 1 - (row_number() over (order by g))::integer
        from generate_series(0, c.span - 1) g
        where not exists (
            select from public.scrape_results r
            where r.job_id = p_job and r.chunk_no = c.chunk_no and r.idx = g)
        order by g);
end
$$;
comment on function igjobs.chunk_gaps(uuid, igjobs.chunk) is
    'For each empty place of a chunk: how many rows stand before it.';

-- an index look-up for each row, however small the table was when planned
create function igjobs.insert_known(
    b igjobs.batches, c igjobs.chunk, p_profile_ids text[],
    p_usernames text[], p_full_names text[], p_genders text[],
    p_confidences real[], p_evidences text[], p_sources text[])
    returns igjobs.chunk
    language plpgsql volatile
    set enable_seqscan = off
    set enable_bitmapscan = off
as $$
declare
    places integer;
    kept integer;
begin
    with missing as materialized (
        select r.* from igjobs.page_rows(
            b, c.chunk_no, p_profile_ids, p_usernames, p_full_names,
            p_genders, p_confidences, p_evidences, p_sources) r
        where (select true from public.scrape_results t
               where t.job_id = b.job_id and t.profile_id = r.profile_id)
            is null
        order by r.profile_id
    ), inserted as (
        insert into public.scrape_results
        select m.job_id, m.chunk_no, m.created_at,
            c.n + (row_number() over ())::integer - 1, m.confidence,
            m.tenant, m.platform, m.profile_id, m.username, m.full_name,
            m.gender, m.evidence, m.source_account
        from missing m
        on conflict (job_id, profile_id) do nothing
        returning 1
    )
    select (select count(*) from missing), (select count(*) from inserted)
    into places, kept;
    c.span := c.n + places;
    c.n := c.n + kept;
    if c.n < c.span then
        c.gaps := igjobs.chunk_gaps(b.job_id, c);
    end if;
    return c;
end
$$;
comment on function igjobs.insert_known(
    igjobs.batches, igjobs.chunk, text[], text[], text[], text[], real[],
    text[], text[]) is
    'Part of insert_rows: adds those of these rows that the job does not have '
    'to a chunk. Rows that another page commits meanwhile leave holes.';


create function igjobs.insert_rows(
    b igjobs.batches, p_new integer, p_profile_ids text[],
    p_usernames text[], p_full_names text[], p_genders text[],
    p_confidences real[], p_evidences text[], p_sources text[])
    returns igjobs.chunk
    language plpgsql volatile
as $$
declare
    c igjobs.chunk := (null, 0, 0, null);
    n integer := cardinality(p_profile_ids);
begin
    if n = 0 then
        return c;
    end if;

    c.chunk_no := nextval('igjobs.chunk_no');
    p_new := coalesce(p_new, n);
    if p_new > 0 then
        begin
            insert into public.scrape_results
            select r.* from igjobs.page_rows(
                b, c.chunk_no, p_profile_ids[:p_new], p_usernames[:p_new],
                p_full_names[:p_new], p_genders[:p_new],
                p_confidences[:p_new], p_evidences[:p_new],
                p_sources[:p_new]) r;
            c.n := p_new;
            c.span := p_new;
        exception when unique_violation then
            -- undone, and again with care
            p_new := 0;
        end;
    end if;
    if p_new < n then
        c := igjobs.insert_known(
            b, c, p_profile_ids[p_new + 1:], p_usernames[p_new + 1:],
            p_full_names[p_new + 1:], p_genders[p_new + 1:],
            p_confidences[p_new + 1:], p_evidences[p_new + 1:],
            p_sources[p_new + 1:]);
    end if;
    return c;
end
$$;
comment on function igjobs.insert_rows(
    igjobs.batches, integer, text[], text[], text[], text[], real[], text[],
    text[]) is
    'Stores the rows of a page as one chunk; a profile that the job has '
    'already is left out. The first p_new rows are inserted plainly, which '
    'costs half; when one of them was known after all, all are inserted with '
    'care. p_new null: all.';


create function igjobs.add_chunk(
    j public.scrape_jobs, c igjobs.chunk, p_origin text)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if c.n > 0 then
        insert into igjobs.chunks (
            job_id, first_row, chunk_no, n, span, gaps, origin, tenant,
            platform)
        values (j.job_id, j.next_row, c.chunk_no, c.n, c.span, c.gaps,
                p_origin, j.tenant, j.platform);
        j.next_row := j.next_row + c.n;
        j.profiles_scraped := j.profiles_scraped + c.n;
    end if;
    return j;
end
$$;
comment on function igjobs.add_chunk(
    public.scrape_jobs, igjobs.chunk, text) is
    'Under the job row''s lock: gives a chunk the next ordinals. Its rows '
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
    c igjobs.chunk;
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
    c := igjobs.insert_rows(b, p_new, p_profile_ids, p_usernames,
                            p_full_names, p_genders, p_confidences,
                            p_evidences, p_sources);

    j := igjobs.lock_job(p_tenant, p_job);
    if igjobs.is_final(j.state) then
        raise exception using errcode = 'IGJ02';
    end if;
    j := igjobs.add_chunk(j, c, r.origin);
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
