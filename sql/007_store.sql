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
    language sql immutable
return case
    when b.job_id is null or r.job_id is null or b.attempt <> p_attempt
        then 'lost'
    when r.cursor = p_to and p_close and r.closed_at is not null
        then 'repeated'
    when r.cursor = p_to and not p_close and p_from < p_to
        then 'repeated'
    when b.state = 'leased' and r.closed_at is null and r.cursor = p_from
        then 'stored'
    else 'lost'
end;
comment on function igjobs.page_answer(
    igjobs.batches, igjobs.runs, integer, bigint, bigint, boolean) is
    'May this page be stored? A repeat after an unknown COMMIT finds the '
    'cursor moved; for the page that closes the run, the run closed: an '
    'empty dataset has from = to.';


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
    insert into public.scrape_results (
        job_id, chunk_no, idx, tenant, platform, profile_id, username,
        full_name, gender, confidence, evidence, source_account)
    select b.job_id, c.chunk_no, row_number() over () - 1, b.tenant,
        b.platform, t.profile_id, t.username, t.full_name, t.gender,
        t.confidence, t.evidence, t.source
    from (
        select * from unnest(
            p_profile_ids, p_usernames, p_full_names, p_genders,
            p_confidences, p_evidences, p_sources)
            u (profile_id, username, full_name, gender, confidence,
               evidence, source)
        order by u.profile_id collate "C") t
    on conflict do nothing;
    get diagnostics c.n = row_count;
    return c;
end
$$;
comment on function igjobs.insert_rows(
    igjobs.batches, text[], text[], text[], text[], real[], text[], text[]) is
    'Stores the rows of a page as one chunk. In profile_id order, so that two '
    'pages with the same profiles wait for each other and never in a circle.';


create function igjobs.page_share(
    b igjobs.batches, j_max_count integer, p_items integer, p_ended boolean)
    returns double precision
    language sql immutable
return case when p_ended then 1 else
    greatest(b.progress, least(0.99, b.progress
        + p_items::double precision
        / greatest(1, b.account_count::bigint * j_max_count)))
end;
comment on function igjobs.page_share(
    igjobs.batches, integer, integer, boolean) is
    'The progress of a batch after a page of so many items, 0 to 1.';


create function igjobs.end_batch(
    b igjobs.batches, p_state text, p_error text)
    returns void
    language plpgsql volatile
as $$
begin
    update igjobs.batches t
    set state = p_state, finished_at = clock_timestamp(), lease_until = null,
        worker = null, progress = 1, error = coalesce(p_error, t.error)
    where t.tenant = b.tenant and t.job_id = b.job_id
        and t.batch_no = b.batch_no;
    perform igjobs.free_slots(b.job_id, b.batch_no, b.attempt);
end
$$;
comment on function igjobs.end_batch(igjobs.batches, text, text) is
    'done or dead: ends the lease, frees its slots.';


create function igjobs.move_run(
    b igjobs.batches, p_run_no integer, p_to bigint, p_items integer,
    p_close boolean, p_run_state text, p_cost numeric)
    returns boolean
    language plpgsql volatile
as $$
begin
    update igjobs.runs r
    set cursor = p_to, items = r.items + p_items
    where r.tenant = b.tenant and r.job_id = b.job_id
        and r.batch_no = b.batch_no and r.run_no = p_run_no;
    if not p_close then
        return false;
    end if;
    perform igjobs.close_run(b.tenant, b.job_id, b.batch_no, p_run_no,
                             p_run_state, p_cost);
    return not exists (
        select from igjobs.runs r
        where r.tenant = b.tenant and r.job_id = b.job_id
            and r.batch_no = b.batch_no and r.closed_at is null);
end
$$;
comment on function igjobs.move_run(
    igjobs.batches, integer, bigint, integer, boolean, text, numeric) is
    'Moves the cursor of a locked batch''s run, closes it if asked; true when '
    'no run is left open.';


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
as $$
declare
    b igjobs.batches := igjobs.lock_batch(p_tenant, p_job, p_batch);
    r igjobs.runs := igjobs.read_run(p_tenant, p_job, p_batch, p_run_no);
    c igjobs.chunk;
    j public.scrape_jobs;
    s igjobs.stored;
    share double precision;
begin
    s.answer := igjobs.page_answer(b, r, p_attempt, p_from, p_to, p_close);
    if s.answer <> 'stored' then
        return igjobs.not_stored(s, b, r);
    end if;

    s.batch_closed := igjobs.move_run(b, p_run_no, p_to, p_items, p_close,
                                      p_run_state, p_cost);
    perform igjobs.note_outcomes(p_tenant, p_job, p_batch, p_outcomes);
    if s.batch_closed then
        perform igjobs.end_batch(b, 'done', null);
    end if;
    c := igjobs.insert_rows(
        b, p_profile_ids, p_usernames, p_full_names, p_genders,
        p_confidences, p_evidences, p_sources);

    j := igjobs.lock_job(p_tenant, p_job);
    if igjobs.is_final(j.state) then
        raise exception using errcode = 'IGJ02';
    end if;
    share := igjobs.page_share(b, j.max_count_per_account, p_items,
                               s.batch_closed);
    if not s.batch_closed then
        update igjobs.batches t
        set progress = share, losses = 0, failures = least(failures, reruns)
        where t.tenant = p_tenant and t.job_id = p_job
            and t.batch_no = p_batch;
    end if;
    j := igjobs.add_chunk(j, c);
    j.progress_sum := j.progress_sum + share - b.progress;
    j.seen := j.seen + p_seen;
    j.female_count := j.female_count + p_female;
    j.male_count := j.male_count + p_male;
    j.unknown_count := j.unknown_count + p_unknown;
    j.accounts_failed :=
        least(j.account_count, j.accounts_failed + p_accounts_failed);
    j.batches_done := j.batches_done + s.batch_closed::integer;
    j := igjobs.save_job(igjobs.settle(j));

    s.kept := c.n;
    s.version := j.version;
    s.doc := j.doc;
    s.final := igjobs.is_final(j.state);
    s.state := j.state;
    return s;
exception when sqlstate 'IGJ02' then
    return row('final'::text, 0, false, j.version, j.doc, true, j.state);
end
$$;
comment on function igjobs.store_page(
    text, uuid, integer, integer, integer, bigint, bigint, boolean, text,
    numeric, integer, integer, integer, integer, integer, text[], text[],
    text[], text[], real[], text[], text[], jsonb, integer) is
    'Stores items p_from to p_to (dataset offsets) of a run: its rows, the '
    'cursor, outcomes, counters, the document, and with p_close the run''s '
    'end; the last open run closes the batch. Answers stored, repeated (was '
    'committed before), lost (another attempt holds the batch) or final '
    '(the job has ended; nothing is stored). p_items: items of the page, '
    'p_seen: distinct profiles in it, p_female and so on: before the filter; '
    'the arrays hold the kept rows.';


create function igjobs.not_stored(
    s igjobs.stored, b igjobs.batches, r igjobs.runs)
    returns igjobs.stored
    language plpgsql stable
as $$
declare
    j public.scrape_jobs;
begin
    select t.* into j from public.scrape_jobs t
    where t.tenant = b.tenant and t.job_id = b.job_id;
    s.kept := 0;
    s.batch_closed := coalesce(b.state = 'done', false);
    s.final := coalesce(igjobs.is_final(j.state), false);
    s.state := j.state;
    if s.answer = 'repeated' then
        s.version := j.version;
        s.doc := j.doc;
    end if;
    return s;
end
$$;
comment on function igjobs.not_stored(
    igjobs.stored, igjobs.batches, igjobs.runs) is
    'Part of store_page: the answer for a page that is not stored now.';


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
    'Part of store_page: under the job row''s lock, gives a chunk the next '
    'ordinals.';
