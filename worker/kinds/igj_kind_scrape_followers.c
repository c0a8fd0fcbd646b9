/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Kind scrape_followers, one for each platform (igj_scrape_platform.c).  A
 * batch is up to 50 accounts; its work is one provider run, or several one
 * after the other where runs fail or refuse an account.  Everything that must
 * last is in the database before the next step: a lane that is killed anywhere
 * leaves a batch that another goes on with at the same run and page.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_kind_scrape_followers.h"
#include "igj_limits.h"
#include "igj_log.h"
#include "igj_scrape.h"


static int64_t igj_scrape_memory(const igj_settings_t *settings);
static void *igj_scrape_open(const igj_kind_t *kind,
    const igj_settings_t *settings, const _Atomic int *stop,
    char error[IGJ_BATCH_ERROR_MAX]);
static void igj_scrape_close(void *data);
static void igj_scrape_run_batch(void *data, igj_batch_t *batch,
    igj_outcome_t *outcome);
static bool igj_scrape_run(igj_scrape_t *k, igj_batch_run_t *record);
static igj_batch_run_t *igj_scrape_open_run(const igj_batch_t *batch);
static int igj_scrape_reap(void *data, igj_orphan_t *orphan);
static int igj_scrape_cost(void *data, const char *run_id, double *cost_usd,
    bool *lost);
static int igj_scrape_reap_find(igj_scrape_t *k, igj_orphan_t *orphan,
    igj_run_t *run);


#define igj_scrape_kind(name, platform)                                       \
    { name, IGJ_SCRAPE_PROVIDER, igj_scrape_actor, igj_scrape_memory,         \
      igj_scrape_open, igj_scrape_close, igj_scrape_run_batch,                \
      igj_scrape_reap, igj_scrape_cost, platform }

const igj_kind_t  igj_kinds_scrape[IGJ_PLATFORMS] = {
    igj_scrape_kind(IGJ_KIND_SCRAPE, IGJ_PLATFORM_INSTAGRAM),
    igj_scrape_kind(IGJ_KIND_SCRAPE ".tiktok", IGJ_PLATFORM_TIKTOK),
    igj_scrape_kind(IGJ_KIND_SCRAPE ".threads", IGJ_PLATFORM_THREADS),
    igj_scrape_kind(IGJ_KIND_SCRAPE ".x", IGJ_PLATFORM_X)
};


static int64_t
igj_scrape_memory(const igj_settings_t *settings)
{
    return settings->apify_memory_mb;
}


static void *
igj_scrape_open(const igj_kind_t *kind, const igj_settings_t *settings,
    const _Atomic int *stop, char error[IGJ_BATCH_ERROR_MAX])
{
    const char            *why;
    igj_scrape_t          *k;
    igj_provider_conf_t    conf;
    igj_provider_error_t   err;

    k = calloc(1, sizeof(igj_scrape_t));

    if (k == NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "out of memory");
        return NULL;
    }

    k->settings = settings;
    k->actor = kind->actor(kind, settings);
    k->stop = stop;
    k->http = igj_http_create(NULL);
    why = igj_names_builtin(&k->names);

    if (k->http == NULL || why != NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "%s",
                 why ? why : "out of memory");
        igj_scrape_close(k);
        return NULL;
    }

    igj_scrape_provider_conf(settings, kind->platform, &conf);
    k->provider = igj_provider_create(IGJ_SCRAPE_PROVIDER, &conf, k->http,
                                      stop, &err);
    if (k->provider == NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "apify: %s", err.message);
        igj_scrape_close(k);
        return NULL;
    }

    return k;
}


static void
igj_scrape_close(void *data)
{
    igj_scrape_t  *k;

    k = data;

    if (k->provider != NULL) {
        igj_provider_destroy(k->provider);
    }

    if (k->http != NULL) {
        igj_http_destroy(k->http);
    }

    free(k);
}


/* Run by run, until none is left open. */

static void
igj_scrape_run_batch(void *data, igj_batch_t *batch, igj_outcome_t *outcome)
{
    igj_scrape_t     *k;
    igj_batch_run_t  *record;

    k = data;
    k->batch = batch;
    k->outcome = outcome;
    k->barren = 0;

    outcome->class = IGJ_OUTCOME_DONE;

    do {
        record = igj_scrape_open_run(batch);
    } while (igj_scrape_run(k, record) && !batch->closed);

    igj_profiles_free(&k->profiles);
}


/* start → collect → end; record NULL: the batch's first run */

static bool
igj_scrape_run(igj_scrape_t *k, igj_batch_run_t *record)
{
    bool  on;

    k->record = record;

    if (igj_sources_init(&k->sources, igj_scrape_accounts(k),
                         k->batch->outcomes)
        != IGJ_OK)
    {
        return igj_scrape_retry(k, "out of memory", -1);
    }

    on = igj_scrape_start(k);

    if (on && (k->record->state == IGJ_BATCH_RUN_STARTED
               || k->record->state == IGJ_BATCH_RUN_READING))
    {
        on = igj_scrape_collect(k);
    }

    igj_sources_free(&k->sources);

    return on;
}


static igj_batch_run_t *
igj_scrape_open_run(const igj_batch_t *batch)
{
    igj_batch_run_t  *run;

    for (run = batch->runs; run != NULL; run = run->next) {
        if (run->state != IGJ_BATCH_RUN_CLOSED) {
            return run;
        }
    }

    return NULL;
}


const char *
igj_scrape_accounts(const igj_scrape_t *k)
{
    return (k->record != NULL && k->record->accounts != NULL)
           ? k->record->accounts : k->batch->accounts;
}


int
igj_scrape_max_count(const igj_scrape_t *k)
{
    int64_t  max_items;

    max_items = k->record ? k->record->allowance.max_items : 0;

    return max_items > 0 ? (int) (max_items / k->sources.n)
                         : k->batch->max_count;
}


const char *
igj_scrape_run_state(const igj_run_t *run)
{
    return run->state == IGJ_RUN_LOST ? "absent"
           : run->state == IGJ_RUN_RUNNING ? "aborted"
           : igj_run_state_name(run->state);
}


/* The provider could not do it: what that means for the batch. */

bool
igj_scrape_failed(igj_scrape_t *k, const char *action,
    const igj_provider_error_t *err)
{
    igj_outcome_t  *o;

    o = k->outcome;
    o->delay_ms = err->retry_after_ms;
    o->error_class = "unavailable";
    snprintf(o->error, sizeof(o->error), "%s: %s", action, err->message);

    switch (err->class) {

    case IGJ_PROVIDER_CANCELED:
        o->class = IGJ_OUTCOME_GIVE_BACK;
        break;

    case IGJ_PROVIDER_PARK:
        o->class = IGJ_OUTCOME_FULL;
        break;

    case IGJ_PROVIDER_STOP:
        igj_log(IGJ_LOG_ERROR, "the provider refuses this account",
                igj_s("action", action), igj_i("status", err->http_status),
                igj_s("type", err->type), igj_s("error", err->message));
        o->class = IGJ_OUTCOME_REFUSED;
        o->error_class = "refused";
        break;

    case IGJ_PROVIDER_GIVE_UP:
    case IGJ_PROVIDER_SPLIT:
        o->class = IGJ_OUTCOME_DEAD;
        o->error_class = "rejected";
        break;

    default:
        o->class = IGJ_OUTCOME_AWAY;
        break;
    }

    return false;
}


void
igj_scrape_answered(igj_scrape_t *k)
{
    if (k->batch->probe) {
        igj_batch_answered(k->batch, IGJ_SCRAPE_PROVIDER,
                           k->actor);
    }
}


bool
igj_scrape_retry(igj_scrape_t *k, const char *why, int64_t delay_ms)
{
    k->outcome->class = IGJ_OUTCOME_RETRY;
    k->outcome->delay_ms = delay_ms;
    snprintf(k->outcome->error, sizeof(k->outcome->error), "%s", why);

    return false;
}


/* Postgres did not let it: what that means for the batch. */

bool
igj_scrape_stopped(igj_scrape_t *k, igj_batch_rc_t rc)
{
    if (rc == IGJ_BATCH_ERROR) {
        return igj_scrape_retry(k, "the database refused a step", -1);
    }

    k->outcome->class = (rc == IGJ_BATCH_STOP) ? IGJ_OUTCOME_GIVE_BACK
                                               : IGJ_OUTCOME_LOST;

    return false;
}


/* Ends a run that nobody will collect; see igj_orphan_t. */

static int
igj_scrape_reap(void *data, igj_orphan_t *orphan)
{
    igj_run_t              run;
    igj_scrape_t          *k;
    igj_provider_error_t   err;

    k = data;

    if (igj_scrape_reap_find(k, orphan, &run) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (run.state != IGJ_RUN_LOST) {
        if (igj_provider_abort(k->provider, &run, &err) != IGJ_PROVIDER_OK
            || igj_provider_wait(k->provider, &run, IGJ_SCRAPE_REAP_MS, &err)
               != IGJ_PROVIDER_OK)
        {
            igj_log(IGJ_LOG_WARN, "a run could not be ended yet",
                    igj_s("run", run.id), igj_s("error", err.message));
            return IGJ_ERROR;
        }

        if (run.cost_usd < 0
            && igj_provider_cost(k->provider, &run, &err) != IGJ_PROVIDER_OK)
        {
            run.cost_usd = IGJ_BATCH_NO_COST;
        }
    }

    snprintf(orphan->state, sizeof(orphan->state), "%s",
             igj_scrape_run_state(&run));
    snprintf(orphan->found_id, sizeof(orphan->found_id), "%s", run.id);
    orphan->cost_usd = run.cost_usd;

    return IGJ_OK;
}


/* The run by its id, or by its token; state LOST: there is none now. */

static int
igj_scrape_reap_find(igj_scrape_t *k, igj_orphan_t *orphan, igj_run_t *run)
{
    igj_found_t            found;
    igj_search_t           search;
    igj_provider_error_t   err;

    igj_run_init(run, orphan->run_id, NULL);

    if (orphan->run_id[0] != '\0') {
        return IGJ_OK;
    }

    search.token = orphan->token;
    search.actor = orphan->actor;
    search.since_ms = igj_clock_unix_ms() - orphan->intent_age_ms;

    switch (igj_provider_find(k->provider, &search, &found, &err)) {

    case IGJ_FIND_FOUND:
        *run = found.runs[0];

        while (orphan->nstrays < found.n - 1) {
            snprintf(orphan->strays[orphan->nstrays],
                     sizeof(orphan->strays[0]), "%s",
                     found.runs[orphan->nstrays + 1].id);
            orphan->nstrays++;
        }

        return IGJ_OK;

    case IGJ_FIND_ABSENT:
        run->state = IGJ_RUN_LOST;
        return IGJ_OK;

    default:
        return IGJ_ERROR;
    }
}


static int
igj_scrape_cost(void *data, const char *run_id, double *cost_usd, bool *lost)
{
    igj_run_t              run;
    igj_scrape_t          *k;
    igj_provider_error_t   err;

    k = data;
    igj_run_init(&run, run_id, NULL);

    if (igj_provider_cost(k->provider, &run, &err) != IGJ_PROVIDER_OK) {
        return IGJ_ERROR;
    }

    *lost = (run.state == IGJ_RUN_LOST);

    if (igj_run_final(&run) && run.cost_usd >= 0) {
        *cost_usd = run.cost_usd;
    }

    return *lost || *cost_usd >= 0 ? IGJ_OK : IGJ_ERROR;
}
