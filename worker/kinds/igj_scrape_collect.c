/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * From a known run to stored pages.  While the run works, pages that are full
 * are taken already, so that progress moves inside large accounts; the rest
 * follows when it has ended.  Each page is committed before the next is read,
 * so that a lane holds one page and a successor goes on at the cursor.
 */

#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_scrape.h"


static bool igj_scrape_wait(igj_scrape_t *k);
static bool igj_scrape_full_page(igj_scrape_t *k, bool *full);
static bool igj_scrape_overdue(igj_scrape_t *k);
static bool igj_scrape_page(igj_scrape_t *k, bool *end);
static bool igj_scrape_read(igj_scrape_t *k, igj_page_t *read);
static bool igj_scrape_store(igj_scrape_t *k, igj_batch_page_t *page);
static int igj_scrape_nothing(void *data);
static int igj_scrape_no_profile(void *data, const igj_profile_t *p);
static int igj_scrape_no_fault(void *data, const igj_account_error_t *e);


bool
igj_scrape_collect(igj_scrape_t *k)
{
    bool  end, ready;

    k->sources.counted = (k->record->cursor == 0);
    k->sources.data |= (k->record->cursor > 0);
    end = false;

    if (k->record->reused && !igj_scrape_reuse_recount(k)) {
        return false;
    }

    while (!end) {
        ready = igj_run_final(&k->run);

        if (!ready && !igj_scrape_full_page(k, &ready)) {
            return false;
        }

        if (!ready) {
            if (!igj_scrape_wait(k)) {
                return false;
            }
            continue;
        }

        if (k->run.state == IGJ_RUN_LOST) {
            return igj_scrape_lost_run(k);
        }

        if (!igj_scrape_page(k, &end)) {
            return k->run.state == IGJ_RUN_LOST && igj_scrape_lost_run(k);
        }
    }

    return true;
}


/* For a while, or until the run is final; one that takes too long is ended. */

static bool
igj_scrape_wait(igj_scrape_t *k)
{
    igj_provider_error_t  err;

    if (igj_provider_wait(k->provider, &k->run, IGJ_SCRAPE_WAIT_MS, &err)
        != IGJ_PROVIDER_OK)
    {
        return igj_scrape_failed(k, "wait", &err);
    }

    igj_scrape_answered(k);

    if (igj_run_final(&k->run) || !igj_scrape_overdue(k)) {
        return true;
    }

    igj_log(IGJ_LOG_WARN, "run takes too long, aborted",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id));

    return igj_provider_abort(k->provider, &k->run, &err) == IGJ_PROVIDER_OK
           || igj_scrape_failed(k, "abort", &err);
}


/*
 * Is the last item of a full page there?  One item is asked for, unless it was
 * seen to be there, and none if only the run's end can bring it: the run's last
 * page is stored together with its end.
 */

static bool
igj_scrape_full_page(igj_scrape_t *k, bool *full)
{
    static const igj_page_sink_t  sink = { igj_scrape_nothing,
                                           igj_scrape_no_profile,
                                           igj_scrape_no_fault, NULL };

    int64_t                last;
    igj_page_t             page;
    igj_provider_error_t   err;

    *full = false;
    last = k->record->cursor + k->settings->page_size;

    if (last <= k->run.total_seen) {
        *full = true;
        return true;
    }

    if (last >= (int64_t) k->sources.n * igj_scrape_max_count(k)) {
        return true;
    }

    if (igj_provider_read_page(k->provider, &k->run, last - 1, 1, &sink,
                               &page, &err)
        != IGJ_PROVIDER_OK)
    {
        return igj_scrape_failed(k, "read", &err);
    }

    *full = (page.items == 1);

    return true;
}


static bool
igj_scrape_overdue(igj_scrape_t *k)
{
    return igj_clock_ms() - k->record->intent_ms > k->settings->run_deadline;
}


/* read → digest → store; *end after the run's last page */

static bool
igj_scrape_page(igj_scrape_t *k, bool *end)
{
    igj_page_t             read;
    igj_batch_page_t       page;
    igj_profiles_filter_t  filter;

    if (!igj_scrape_read(k, &read)) {
        return false;
    }

    memset(&page, 0, sizeof(igj_batch_page_t));
    page.from = read.offset;
    page.to = read.next_offset;
    page.items = read.items;
    page.cost_usd = IGJ_BATCH_NO_COST;

    filter.names = &k->names;
    filter.target_gender = k->batch->target_gender;
    filter.keep_unknown = k->batch->keep_unknown;
    filter.own = k->record->reused;
    filter.own_max = k->record->account_max;
    k->sources.counted &= (read.malformed == 0);

    if (igj_profiles_digest(&k->profiles, &k->sources, &filter, &page)
        != IGJ_OK)
    {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    *end = read.end;

    return read.end ? igj_scrape_end(k, &page) : igj_scrape_store(k, &page);
}


/*
 * An empty page that is not the end: the provider's own copies differ for a
 * moment.
 */

static bool
igj_scrape_read(igj_scrape_t *k, igj_page_t *read)
{
    int                    i;
    igj_page_sink_t        sink;
    igj_provider_error_t   err;

    sink = igj_profiles_sink(&k->profiles);

    for (i = 0; i < IGJ_SCRAPE_SETTLES; i++) {
        if (igj_provider_read_page(k->provider, &k->run, k->record->cursor, 0,
                                   &sink, read, &err)
            != IGJ_PROVIDER_OK)
        {
            return !igj_scrape_reuse_lost(k, &err)
                   && igj_scrape_failed(k, "read", &err);
        }

        igj_scrape_answered(k);

        if (read->items > 0 || read->end) {
            return true;
        }

        if (igj_http_sleep(k->http, IGJ_SCRAPE_SETTLE_MS, k->stop) != 0) {
            return igj_scrape_stopped(k, IGJ_BATCH_STOP);
        }
    }

    (void) igj_scrape_retry(k, "read: the dataset does not come to an end",
                            -1);
    k->outcome->error_class = "unavailable";

    return false;
}


static bool
igj_scrape_store(igj_scrape_t *k, igj_batch_page_t *page)
{
    cJSON           *outcomes;
    igj_batch_rc_t   rc;

    outcomes = igj_sources_partial(&k->sources);
    page->outcomes = outcomes;

    rc = igj_batch_store_page(k->batch, k->record, page);
    cJSON_Delete(outcomes);

    if (rc != IGJ_BATCH_OK) {
        return igj_scrape_stopped(k, rc);
    }

    k->barren = 0;

    return true;
}


static int
igj_scrape_nothing(void *data)
{
    (void) data;

    return 0;
}


static int
igj_scrape_no_profile(void *data, const igj_profile_t *p)
{
    (void) data;
    (void) p;

    return 0;
}


static int
igj_scrape_no_fault(void *data, const igj_account_error_t *e)
{
    (void) data;
    (void) e;

    return 0;
}
