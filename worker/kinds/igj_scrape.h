/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files of kind scrape_followers share: igj_kind_scrape_followers.c
 * (a batch from end to end), igj_scrape_start.c (a run is started or found),
 * igj_scrape_collect.c (its pages are stored), igj_scrape_end.c (what its end
 * means), igj_scrape_reuse.c (runs that an earlier job has bought).  One
 * igj_scrape_t a lane.
 *
 * Steps return true when the batch's way goes on, and false when it ends here
 * with *outcome.
 */

#ifndef IGJ_SCRAPE_H
#define IGJ_SCRAPE_H

#include "igj_kind.h"
#include "igj_profiles.h"
#include "igj_provider.h"
#include "igj_sources.h"


#define IGJ_SCRAPE_PROVIDER    "apify"
#define IGJ_SCRAPE_WAIT_MS     10000   /* between looks at a running run */
#define IGJ_SCRAPE_SETTLE_MS   500     /* a final dataset that still grows */
#define IGJ_SCRAPE_SETTLES     20
#define IGJ_SCRAPE_REAP_MS     5000    /* for an aborted run to end */
#define IGJ_SCRAPE_BARREN_MAX  8       /* runs in a row without anything */


typedef struct {
    const igj_settings_t  *settings;
    const char            *actor;
    const _Atomic int     *stop;
    igj_http_t            *http;
    igj_provider_t        *provider;
    igj_name_table_t       names;

    /* of the batch */
    igj_batch_t           *batch;
    igj_outcome_t         *outcome;
    int                    barren;      /* runs in a row without progress */
    igj_profiles_t         profiles;

    /* of the run at work */
    igj_batch_run_t       *record;
    igj_run_t              run;
    igj_sources_t          sources;
} igj_scrape_t;


/* Makes record a run whose id is known, if it is not yet. */
bool igj_scrape_start(igj_scrape_t *k);

/* Waits for the run and stores its pages, all but what its end brings. */
bool igj_scrape_collect(igj_scrape_t *k);

/* The run's last page, and how its end is recorded. */
bool igj_scrape_end(igj_scrape_t *k, igj_batch_page_t *page);

/* The run is unknown to the provider: its work is planned once more. */
bool igj_scrape_lost_run(igj_scrape_t *k);

/* The start was refused for its input: halves, or a bad account. */
bool igj_scrape_refused(igj_scrape_t *k, const igj_provider_error_t *err);


/*
 * Steps of the end.
 */

/* The last page, with a final word for every account. */
bool igj_scrape_close_run(igj_scrape_t *k, igj_batch_page_t *page);

/* What a run that is not over for its accounts brought. */
bool igj_scrape_store_rest(igj_scrape_t *k, igj_batch_page_t *page);

/* Closes the run, with words what is final for its accounts, and plans one for
 * each part. */
bool igj_scrape_split(igj_scrape_t *k, const char *const *parts, int nparts,
    bool words);


/*
 * Runs that only read what an earlier job bought (igj_scrape_reuse.c).
 */

void igj_scrape_reuse_start(igj_scrape_t *k);

/* Did the read fail for good?  Then the run is LOST. */
bool igj_scrape_reuse_lost(igj_scrape_t *k, const igj_provider_error_t *err);

/* Counts what earlier holders of the batch have stored of it. */
bool igj_scrape_reuse_recount(igj_scrape_t *k);

bool igj_scrape_reuse_end(igj_scrape_t *k, igj_batch_page_t *page);

/* The dataset is gone. */
bool igj_scrape_reuse_gone(igj_scrape_t *k);


/* All return false, with *outcome filled. */
bool igj_scrape_failed(igj_scrape_t *k, const char *action,
    const igj_provider_error_t *err);
bool igj_scrape_retry(igj_scrape_t *k, const char *why, int64_t delay_ms);
bool igj_scrape_stopped(igj_scrape_t *k, igj_batch_rc_t rc);


/* The provider has answered a call as it should. */
void igj_scrape_answered(igj_scrape_t *k);

/* The accounts of the run at work, newline-joined. */
const char *igj_scrape_accounts(const igj_scrape_t *k);

/* Items of each account that the run at work may bring: fewer than the batch
 * wants where its budget was short. */
int igj_scrape_max_count(const igj_scrape_t *k);

/* A run's state as the database has it: succeeded, failed, … */
const char *igj_scrape_run_state(const igj_run_t *run);


#endif /* IGJ_SCRAPE_H */
