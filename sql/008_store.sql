-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- The unit of commit: one provider page. Locks: batch row, slots, result rows
-- in profile_id order, job row last and briefly.

create type igjobs.stored as (
    answer text, kept integer, batch_closed boolean, version bigint, doc text,
    final boolean, state text);


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
    b igjobs.batches, p_state text, p_error text)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches t
    set state = p_state, finished_at = clock_timestamp(), lease_until = null,
        worker = null, slots = 0, progress = 1,
        error = coalesce(p_error, t.error)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
    if b.slots > 0 then
        perform igjobs.release_slots(b.job_id, b.batch_no, b.attempt);
    end if;
    if p_state = 'done' then
        perform igjobs.release_hold('kind:' || b.kind);
    end if;
end
$$;
comment on function igjobs.end_batch(igjobs.batches, text, text) is
    'done or dead: ends the lease of a locked batch, frees its slots. done '
    'also ends a hold of its kind.';


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
    select b.job_id, p_chunk_no, now(),
        (row_number() over () - 1)::integer, t.confidence, b.tenant,
        b.platform, t.profile_id, t.username, t.full_name, t.gender,
        t.evidence, t.source
    from (
        select u.* from unnest(
            p_profile_ids, p_usernames, p_full_names, p_genders,
            p_confidences, p_evidences, p_sources)
            u (profile_id, username, full_name, gender, confidence,
               evidence, source)
        order by u.profile_id collate "C") t;
end;
comment on function igjobs.page_rows(
    igjobs.batches, bigint, text[], text[], text[], text[], real[], text[],
    text[]) is
    'The kept rows of a page as result rows, in profile_id order: two pages '
    'with the same profiles wait for each other, and never in a circle.';


create function igjobs.expect_new(b igjobs.batches)
    returns boolean
    language plpgsql stable
as $$
begin
    return coalesce((
        select c.n = c.span from igjobs.chunks c
        where c.tenant = b.tenant and c.job_id = b.job_id
        order by c.first_row desc limit 1), true);
end
$$;
comment on function igjobs.expect_new(igjobs.batches) is
    'Did the job''s newest chunk hold only profiles that were new to it?';


create type igjobs.chunk as (chunk_no bigint, n integer, span integer);

create function igjobs.insert_rows(
    b igjobs.batches, p_profile_ids text[], p_usernames text[],
    p_full_names text[], p_genders text[], p_confidences real[],
    p_evidences text[], p_sources text[])
    returns igjobs.chunk
    language plpgsql volatile
as $$
declare
    c igjobs.chunk;
begin
    c.n := 0;
    c.span := cardinality(p_profile_ids);
    if c.span = 0 then
        return c;
    end if;

    c.chunk_no := nextval('igjobs.chunk_no');
    if igjobs.expect_new(b) then
        begin
            insert into public.scrape_results
            select r.* from igjobs.page_rows(
                b, c.chunk_no, p_profile_ids, p_usernames, p_full_names,
                p_genders, p_confidences, p_evidences, p_sources) r;
            c.n := c.span;
            return c;
        exception when unique_violation then
            -- undone, and again with care
        end;
    end if;
    insert into public.scrape_results
    select r.* from igjobs.page_rows(
        b, c.chunk_no, p_profile_ids, p_usernames, p_full_names,
        p_genders, p_confidences, p_evidences, p_sources) r
    on conflict (job_id, profile_id) do nothing;
    get diagnostics c.n = row_count;
    return c;
end
$$;
comment on function igjobs.insert_rows(
    igjobs.batches, text[], text[], text[], text[], real[], text[], text[]) is
    'Stores the rows of a page as one chunk; a profile that the job has '
    'already is left out. While pages bring only new profiles, the plain '
    'insert is tried first: it costs little more than half.';


create function igjobs.add_chunk(j public.scrape_jobs, c igjobs.chunk)
    returns public.scrape_jobs
    language plpgsql volatile
as $$
begin
    if c.n > 0 then
        insert into igjobs.chunks (
            job_id, first_row, chunk_no, n, span, tenant, platform)
        values (j.job_id, j.next_row, c.chunk_no, c.n, c.span, j.tenant,
                j.platform);
        j.next_row := j.next_row + c.n;
        j.profiles_scraped := j.profiles_scraped + c.n;
    end if;
    return j;
end
$$;
comment on function igjobs.add_chunk(public.scrape_jobs, igjobs.chunk) is
    'Under the job row''s lock: gives a chunk the next ordinals.';


create function igjobs.not_stored(s igjobs.stored, p_tenant text, p_job uuid)
    returns igjobs.stored
    language plpgsql stable
as $$
begin
    s.kept := 0;
    select j.version, j.doc, igjobs.is_final(j.state), j.state
    into s.version, s.doc, s.final, s.state
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
    p_sources text[], p_outcomes jsonb, p_accounts_failed integer)
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
    perform igjobs.move_batch(b, progress, s.batch_closed);
    perform igjobs.note_outcomes(b, p_outcomes);
    c := igjobs.insert_rows(b, p_profile_ids, p_usernames, p_full_names,
                            p_genders, p_confidences, p_evidences, p_sources);

    j := igjobs.lock_job(p_tenant, p_job);
    if igjobs.is_final(j.state) then
        raise exception using errcode = 'IGJ02';
    end if;
    j := igjobs.add_chunk(j, c);
    j.seen := j.seen + p_seen;
    j.female_count := j.female_count + p_female;
    j.male_count := j.male_count + p_male;
    j.unknown_count := j.unknown_count + p_unknown;
    j.accounts_failed :=
        least(j.account_count, j.accounts_failed + p_accounts_failed);
    j.batches_done := j.batches_done + s.batch_closed::integer;
    j.progress_sum := j.progress_sum + progress - b.progress;
    j := igjobs.save_job(igjobs.settle(j));
    return (s.answer, c.n, s.batch_closed, j.version, j.doc,
            igjobs.is_final(j.state), j.state);
exception when sqlstate 'IGJ02' then
    s.answer := 'final';
    s.batch_closed := false;
    return igjobs.not_stored(s, p_tenant, p_job);
end
$$;
comment on function igjobs.store_page(
    text, uuid, integer, integer, integer, bigint, bigint, boolean, text,
    numeric, integer, integer, integer, integer, integer, text[], text[],
    text[], text[], real[], text[], text[], jsonb, integer) is
    'Stores items p_from to p_to (dataset offsets) of a run: the kept rows '
    '(the arrays), cursor, outcomes, counters, document; with p_close also '
    'the run''s end, and the last open run closes the batch. p_items: items '
    'of the page, p_seen: distinct profiles among them, p_female, p_male, '
    'p_unknown: before the filter. Answers stored, repeated (committed '
    'before), lost (this attempt does not hold the batch) or final (the job '
    'has ended, nothing is stored). A page that does not close its run must '
    'have p_to > p_from.';
