/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Runs that only read: the dataset of a run that an earlier job bought has the
 * followers of some of the batch's accounts.  It has ended long ago, so that
 * there is nothing to wait for, to abort or to pay; and it may have been
 * deleted meanwhile: then, as for accounts of which it has nothing, a run is
 * planned that buys them.
 */

#include <stdlib.h>
#include <string.h>

#include "igj_log.h"
#include "igj_scrape.h"


static bool igj_scrape_reuse_rest(igj_scrape_t *k, igj_batch_page_t *page,
    const char *missing, int n);


void
igj_scrape_reuse_start(igj_scrape_t *k)
{
    igj_run_init(&k->run, k->record->run_id, k->record->dataset_id);
    k->run.state = IGJ_RUN_SUCCEEDED;
    k->run.cost_usd = 0;
    k->run.old = true;

    igj_log(IGJ_LOG_DEBUG, "reads what was bought before",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id), igj_i("accounts", k->sources.n));
}


/* What cannot be read any more is gone. */

bool
igj_scrape_reuse_lost(igj_scrape_t *k, const igj_provider_error_t *err)
{
    if (!k->record->reused || err->class != IGJ_PROVIDER_GIVE_UP) {
        return false;
    }

    k->run.state = IGJ_RUN_LOST;

    return true;
}


/* How many profiles each account had in the pages that are stored already: an
 * account gives no more than was asked for. */

bool
igj_scrape_reuse_recount(igj_scrape_t *k)
{
    int64_t                offset;
    igj_page_t             page;
    igj_page_sink_t        sink;
    igj_provider_error_t   err;

    sink = igj_profiles_sink(&k->profiles);
    page.end = false;

    for (offset = 0; offset < k->record->cursor && !page.end;
         offset = page.next_offset)
    {
        if (igj_provider_read_page(k->provider, &k->run, offset,
                                   k->record->cursor - offset
                                   < k->settings->page_size
                                   ? (int) (k->record->cursor - offset) : 0,
                                   &sink, &page, &err)
            != IGJ_PROVIDER_OK)
        {
            return igj_scrape_reuse_lost(k, &err)
                   || igj_scrape_failed(k, "read", &err);
        }

        if (page.items == 0) {
            return igj_scrape_retry(k, "read: the dataset has become shorter",
                                    -1);
        }

        igj_profiles_take_own(&k->profiles, &k->sources,
                              k->record->account_max);
    }

    return true;
}


/* All was read: accounts that showed nothing are bought. */

bool
igj_scrape_reuse_end(igj_scrape_t *k, igj_batch_page_t *page)
{
    int    n;
    bool   failed, on;
    char  *missing;

    if (!k->sources.named && k->sources.data) {
        return igj_scrape_close_run(k, page);
    }

    /* nobody was at work when the run ended */
    k->sources.last = -1;

    missing = igj_sources_missing(&k->sources, k->batch->max_count, &n,
                                  &failed);
    if (failed) {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    on = missing ? igj_scrape_reuse_rest(k, page, missing, n)
                 : igj_scrape_close_run(k, page);
    free(missing);

    return on;
}


static bool
igj_scrape_reuse_rest(igj_scrape_t *k, igj_batch_page_t *page,
    const char *missing, int n)
{
    igj_log(IGJ_LOG_INFO, "not in what was bought before",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id), igj_i("accounts", n));

    return igj_scrape_store_rest(k, page)
           && igj_scrape_split(k, &missing, 1, true);
}


/* The dataset is gone: what was stored of it stays, all is bought. */

bool
igj_scrape_reuse_gone(igj_scrape_t *k)
{
    const char  *accounts;

    igj_log(IGJ_LOG_INFO, "what was bought before is gone",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id));

    accounts = igj_scrape_accounts(k);

    return igj_scrape_split(k, &accounts, 1, false);
}
