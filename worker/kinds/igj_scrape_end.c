/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the end of a run means.  Whatever it brought is stored.  Then:
 *
 *   succeeded             every account gets its final outcome
 *   ... but all blocked   the whole run once more later
 *   ended early           the missing accounts get a further run; if it brought
 *                         nothing, first the same once more, then halves, and
 *                         an account that is alone has failed
 *   unknown (any more)    as ended early, without a page
 *
 * No end is recorded without a place for the accounts that still miss: the run
 * is closed and its successors are planned in one transaction.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_log.h"
#include "igj_scrape.h"


static bool igj_scrape_first_run(const igj_scrape_t *k);
static bool igj_scrape_again(igj_scrape_t *k, const char *accounts,
    bool words, const char *why, int64_t delay_ms);
static bool igj_scrape_missing(igj_scrape_t *k, igj_batch_page_t *page,
    char *missing, int n);
static bool igj_scrape_halve(igj_scrape_t *k, char *accounts, int n);
static bool igj_scrape_alone(igj_scrape_t *k, igj_batch_page_t *page,
    igj_source_state_t end);


bool
igj_scrape_end(igj_scrape_t *k, igj_batch_page_t *page)
{
    int    n;
    bool   failed;
    char  *missing;

    k->sources.counted &= (k->run.state == IGJ_RUN_SUCCEEDED);

    if (k->record->reused) {
        return igj_scrape_reuse_end(k, page);
    }

    if (k->run.state == IGJ_RUN_SUCCEEDED) {

        if (igj_sources_barren(&k->sources) && igj_scrape_first_run(k)) {
            return igj_scrape_again(k, igj_scrape_accounts(k), false,
                                    "the provider was blocked or found "
                                    "nothing",
                                    k->settings->blocked_retry);
        }

        return igj_scrape_close_run(k, page);
    }

    missing = igj_sources_missing(&k->sources, igj_scrape_max_count(k), &n,
                                  &failed);
    if (failed) {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    igj_log(IGJ_LOG_WARN, "run ended early", igj_s("job", k->batch->job),
            igj_i("batch", k->batch->batch_no), igj_s("run", k->run.id),
            igj_s("state", igj_scrape_run_state(&k->run)),
            igj_i("items", page->to), igj_i("missing", n));

    if (missing == NULL) {
        return igj_scrape_close_run(k, page);
    }

    failed = !igj_scrape_missing(k, page, missing, n);
    free(missing);

    return !failed;
}


/* The last page, with a final word for every account. */

bool
igj_scrape_close_run(igj_scrape_t *k, igj_batch_page_t *page)
{
    cJSON           *outcomes;
    igj_batch_rc_t   rc;

    outcomes = igj_sources_final(&k->sources, igj_scrape_max_count(k), false,
                                 &page->accounts_failed);
    page->outcomes = outcomes;
    page->close = true;
    page->run_state = igj_scrape_run_state(&k->run);
    page->cost_usd = k->run.cost_usd;

    rc = igj_batch_store_page(k->batch, k->record, page);
    cJSON_Delete(outcomes);

    if (rc != IGJ_BATCH_OK) {
        return igj_scrape_stopped(k, rc);
    }

    k->barren = 0;

    return true;
}


/* Of those that were bought. */

static bool
igj_scrape_first_run(const igj_scrape_t *k)
{
    const igj_batch_run_t  *run;

    run = k->batch->runs;

    while (run->reused) {
        run = run->next;
    }

    return run == k->record;
}


/* Plans the same accounts once more and lets the batch wait: counted. */

static bool
igj_scrape_again(igj_scrape_t *k, const char *accounts, bool words,
    const char *why, int64_t delay_ms)
{
    char  error[IGJ_BATCH_ERROR_MAX];

    snprintf(error, sizeof(error), "run %s: %s", k->run.id, why);

    if (!igj_scrape_split(k, &accounts, 1, words)) {
        return false;
    }

    (void) igj_scrape_retry(k, error, delay_ms);
    k->outcome->error_class = words ? "unfinished" : "blocked";

    return false;
}


/*
 * Accounts are missing.  A run that finished some of them is followed by one
 * for the others; the steps of one that finished none depend on what the batch
 * has seen before.
 */

static bool
igj_scrape_missing(igj_scrape_t *k, igj_batch_page_t *page, char *missing,
    int n)
{
    const char  *part;

    if (n < k->sources.n) {
        part = missing;
        k->barren = 0;
        return igj_scrape_store_rest(k, page)
               && igj_scrape_split(k, &part, 1, true);
    }

    k->barren++;

    if (k->batch->failures == 0 || k->barren > IGJ_SCRAPE_BARREN_MAX) {
        return igj_scrape_store_rest(k, page)
               && igj_scrape_again(k, missing, true,
                                   "ended without its work done", -1);
    }

    if (n == 1) {
        return igj_scrape_alone(k, page, IGJ_SOURCE_FAILED);
    }

    return igj_scrape_store_rest(k, page) && igj_scrape_halve(k, missing, n);
}


/* What a run that is not over for its accounts brought. */

bool
igj_scrape_store_rest(igj_scrape_t *k, igj_batch_page_t *page)
{
    cJSON           *outcomes;
    igj_batch_rc_t   rc;

    if (page->to == page->from) {
        return true;
    }

    outcomes = igj_sources_partial(&k->sources);
    page->outcomes = outcomes;

    rc = igj_batch_store_page(k->batch, k->record, page);
    cJSON_Delete(outcomes);

    return rc == IGJ_BATCH_OK || igj_scrape_stopped(k, rc);
}


static bool
igj_scrape_halve(igj_scrape_t *k, char *accounts, int n)
{
    int          i;
    char        *at;
    const char  *parts[2];

    at = accounts;

    for (i = 0; i < n / 2; i++) {
        at = strchr(at, '\n') + 1;
    }

    at[-1] = '\0';
    parts[0] = accounts;
    parts[1] = at;

    return igj_scrape_split(k, parts, 2, true);
}


/* Closes the run, with words what is final for its accounts, and plans one for
 * each part. */

bool
igj_scrape_split(igj_scrape_t *k, const char *const *parts, int nparts,
    bool words)
{
    int              given_up;
    cJSON           *outcomes;
    const char      *state;
    igj_batch_rc_t   rc;

    given_up = 0;
    outcomes = words ? igj_sources_final(&k->sources, igj_scrape_max_count(k),
                                         true, &given_up)
                     : NULL;
    state = (k->record->state == IGJ_BATCH_RUN_STARTED
             || k->record->state == IGJ_BATCH_RUN_READING)
            ? igj_scrape_run_state(&k->run) : "refused";

    rc = igj_batch_split_run(k->batch, k->record, state, k->run.cost_usd,
                             parts, nparts, outcomes, given_up);
    cJSON_Delete(outcomes);

    return rc == IGJ_BATCH_OK || igj_scrape_stopped(k, rc);
}


/* The one account of the run is what is wrong: reported, the batch goes on. */

static bool
igj_scrape_alone(igj_scrape_t *k, igj_batch_page_t *page,
    igj_source_state_t end)
{
    igj_log(IGJ_LOG_WARN, "account given up", igj_s("job", k->batch->job),
            igj_i("batch", k->batch->batch_no),
            igj_s("account", k->sources.names[0]));

    igj_sources_give_up(&k->sources, igj_scrape_max_count(k), end);

    return igj_scrape_close_run(k, page);
}


bool
igj_scrape_lost_run(igj_scrape_t *k)
{
    int                n;
    bool               failed, on;
    char              *missing;
    igj_batch_page_t   page;

    if (k->record->reused) {
        return igj_scrape_reuse_gone(k);
    }

    memset(&page, 0, sizeof(igj_batch_page_t));
    page.from = page.to = k->record->cursor;

    missing = igj_sources_missing(&k->sources, igj_scrape_max_count(k), &n,
                                  &failed);
    if (failed) {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    igj_log(IGJ_LOG_WARN, "the provider does not know a run any more",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id), igj_i("missing", n));

    on = missing ? igj_scrape_missing(k, &page, missing, n)
                 : igj_scrape_close_run(k, &page);
    free(missing);

    return on;
}


bool
igj_scrape_refused(igj_scrape_t *k, const igj_provider_error_t *err)
{
    bool               on;
    char              *accounts;
    igj_batch_page_t   page;

    (void) err;

    k->run.cost_usd = IGJ_BATCH_NO_COST;

    if (k->sources.n == 1) {
        memset(&page, 0, sizeof(igj_batch_page_t));
        k->run.state = IGJ_RUN_LOST;
        return igj_scrape_alone(k, &page, IGJ_SOURCE_REJECTED);
    }

    accounts = strdup(igj_scrape_accounts(k));

    if (accounts == NULL) {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    on = igj_scrape_halve(k, accounts, k->sources.n);
    free(accounts);

    return on;
}
