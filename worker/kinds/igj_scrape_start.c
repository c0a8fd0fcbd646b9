/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A run is started once: the intent with its token is in the database before
 * the call (that of a batch's first run since the claim), the id right after
 * it.  Killed between the two, or without an answer: the token leads to the
 * run, and only when the provider says for sure that there is none is another
 * one started.
 */

#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_limits.h"
#include "igj_log.h"
#include "igj_scrape.h"


static bool igj_scrape_start_new(igj_scrape_t *k);
static bool igj_scrape_intend(igj_scrape_t *k);
static igj_batch_rc_t igj_scrape_ask_intent(igj_scrape_t *k);
static bool igj_scrape_start_failed(igj_scrape_t *k,
    const igj_provider_error_t *err);
static bool igj_scrape_find(igj_scrape_t *k, bool *absent);
static bool igj_scrape_found(igj_scrape_t *k, const igj_found_t *found);
static bool igj_scrape_absent(igj_scrape_t *k, bool *absent);
static bool igj_scrape_started(igj_scrape_t *k);
static void igj_scrape_abandon(igj_scrape_t *k);


bool
igj_scrape_start(igj_scrape_t *k)
{
    bool  absent;

    if (k->record != NULL && k->record->state == IGJ_BATCH_RUN_READING) {
        igj_scrape_reuse_start(k);
        return true;
    }

    if (k->record != NULL && k->record->state == IGJ_BATCH_RUN_STARTED) {
        igj_run_init(&k->run, k->record->run_id, k->record->dataset_id);
        return true;
    }

    if (k->record != NULL && k->record->state == IGJ_BATCH_RUN_INTENT
        && !k->record->fresh)
    {
        if (!igj_scrape_find(k, &absent)) {
            return false;
        }

        if (!absent) {
            return igj_scrape_started(k);
        }
    }

    return igj_scrape_start_new(k);
}


/* intent → call → id */

static bool
igj_scrape_start_new(igj_scrape_t *k)
{
    igj_start_t            start;
    igj_provider_error_t   err;

    if (!igj_scrape_intend(k)) {
        return false;
    }

    start.accounts = k->sources.names;
    start.n = k->sources.n;
    start.max_count = igj_scrape_max_count(k);
    start.max_items = k->record->allowance.max_items;
    start.max_charge_usd = k->record->allowance.max_usd;
    start.memory_mb = k->record->allowance.memory_mb;
    start.run_timeout_s = k->record->allowance.timeout_s;
    start.token = k->record->token;
    start.timeout_ms = k->settings->start_timeout;

    igj_run_init(&k->run, "", NULL);

    if (igj_provider_start(k->provider, &start, &k->run, &err)
        != IGJ_PROVIDER_OK)
    {
        return igj_scrape_start_failed(k, &err);
    }

    return igj_scrape_started(k);
}


/*
 * The intent is granted for a call that ends within its time-out and a beat
 * from now.  A process that was frozen meanwhile has no right to start
 * anything any more: it takes the intent back and asks again.
 */

static bool
igj_scrape_intend(igj_scrape_t *k)
{
    int64_t         began;
    igj_batch_rc_t  rc;

    for ( ;; ) {
        if (k->record != NULL && k->record->fresh) {
            began = k->record->intent_ms;
            k->record->fresh = false;

        } else {
            began = igj_clock_ms();
            rc = igj_scrape_ask_intent(k);

            if (rc != IGJ_BATCH_OK) {
                return igj_scrape_stopped(k, rc);
            }
        }

        if (igj_clock_ms() - began < k->settings->beat) {
            return true;
        }

        rc = igj_batch_run_refused(k->batch, k->record);

        if (rc != IGJ_BATCH_OK) {
            return igj_scrape_stopped(k, rc);
        }
    }
}


static igj_batch_rc_t
igj_scrape_ask_intent(igj_scrape_t *k)
{
    const igj_settings_t  *s;

    s = k->settings;

    return igj_batch_run_intent(k->batch, IGJ_SCRAPE_PROVIDER,
                                k->actor,
                                k->record ? k->record->accounts : NULL,
                                s->start_timeout + s->beat, &k->record);
}


static bool
igj_scrape_start_failed(igj_scrape_t *k, const igj_provider_error_t *err)
{
    bool            absent;
    igj_batch_rc_t  rc;

    igj_log(IGJ_LOG_WARN, "run not started", igj_s("job", k->batch->job),
            igj_i("batch", k->batch->batch_no),
            igj_s("class", igj_provider_class_name(err->class)),
            igj_s("error", err->message));

    if (err->class == IGJ_PROVIDER_UNKNOWN) {
        /* absent so early proves nothing: igj_scrape_find() parks the batch */
        if (igj_scrape_find(k, &absent)) {
            return igj_scrape_started(k);
        }

        if (k->outcome->class == IGJ_OUTCOME_PARK) {
            k->outcome->class = IGJ_OUTCOME_UNSURE;
        }

        return false;
    }

    if (err->class == IGJ_PROVIDER_SPLIT) {
        return igj_scrape_refused(k, err);
    }

    rc = igj_batch_run_refused(k->batch, k->record);

    if (rc != IGJ_BATCH_OK) {
        return igj_scrape_stopped(k, rc);
    }

    return igj_scrape_failed(k, "start", err);
}


/*
 * The run that carries the intent's token.  *absent: there is none, and this
 * look proves it.
 */

static bool
igj_scrape_find(igj_scrape_t *k, bool *absent)
{
    igj_found_t            found;
    igj_search_t           search;
    igj_provider_error_t   err;

    *absent = false;
    search.token = k->record->token;
    search.actor = k->record->actor;
    search.since_ms = igj_clock_unix_ms()
                      - (igj_clock_ms() - k->record->intent_ms);

    switch (igj_provider_find(k->provider, &search, &found, &err)) {

    case IGJ_FIND_FOUND:
        return igj_scrape_found(k, &found);

    case IGJ_FIND_ABSENT:
        return igj_scrape_absent(k, absent);

    default:
        return igj_scrape_failed(k, "find", &err);
    }
}


/* The oldest is the batch's; others must be known before that one is, since
 * nobody looks for them afterwards. */

static bool
igj_scrape_found(igj_scrape_t *k, const igj_found_t *found)
{
    int             i;
    igj_batch_rc_t  rc;

    for (i = 1; i < found->n; i++) {
        igj_log(IGJ_LOG_ERROR, "the start of a run was delivered twice",
                igj_s("job", k->batch->job),
                igj_i("batch", k->batch->batch_no),
                igj_s("run", found->runs[i].id));

        rc = igj_batch_run_stray(k->batch, k->record, found->runs[i].id);

        if (rc != IGJ_BATCH_OK) {
            return igj_scrape_stopped(k, rc);
        }
    }

    k->run = found->runs[0];
    igj_log(IGJ_LOG_INFO, "run found by its token",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id));

    return true;
}


/* The start call may still be under way somewhere: the batch waits until
 * another look can prove that there is no run. */

static bool
igj_scrape_absent(igj_scrape_t *k, bool *absent)
{
    int64_t         left;
    igj_batch_rc_t  rc;

    rc = igj_batch_run_absent(k->batch, k->record,
                              k->settings->start_timeout + IGJ_INTENT_GRACE_MS,
                              &left);
    if (rc == IGJ_BATCH_OK && left <= 0) {
        *absent = true;
        return true;
    }

    if (rc != IGJ_BATCH_OK && rc != IGJ_BATCH_LOST) {
        return igj_scrape_stopped(k, rc);
    }

    /* lost: it was started after all, or the batch is another one's */
    (void) igj_scrape_retry(k, "waiting for a start that was not acknowledged",
                            rc == IGJ_BATCH_OK ? left : 0);
    k->outcome->class = IGJ_OUTCOME_PARK;

    return false;
}


static bool
igj_scrape_started(igj_scrape_t *k)
{
    igj_batch_rc_t  rc;

    igj_scrape_answered(k);
    rc = igj_batch_run_started(k->batch, k->record, k->run.id,
                               k->run.dataset_id);

    if (rc == IGJ_BATCH_OK) {
        igj_log(IGJ_LOG_DEBUG, "run started", igj_s("job", k->batch->job),
                igj_i("batch", k->batch->batch_no), igj_s("run", k->run.id),
                igj_i("accounts", k->sources.n));
        return true;
    }

    if (rc == IGJ_BATCH_LOST) {
        igj_scrape_abandon(k);
    }

    return igj_scrape_stopped(k, rc);
}


/* The fence was lost and nobody goes on with this run.  The reaper ends it too,
 * if this fails, and books it. */

static void
igj_scrape_abandon(igj_scrape_t *k)
{
    igj_provider_class_t  class;
    igj_provider_error_t  err;

    class = igj_provider_abort(k->provider, &k->run, &err);

    igj_log(IGJ_LOG_WARN, "a run of a lost batch is given up",
            igj_s("job", k->batch->job), igj_i("batch", k->batch->batch_no),
            igj_s("run", k->run.id),
            igj_s("error", class == IGJ_PROVIDER_OK ? "" : err.message));
}
