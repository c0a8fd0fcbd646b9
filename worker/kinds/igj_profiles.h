/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A page of profiles between provider and Postgres: collected item by item,
 * then made distinct, classified and filtered in place.  Bounded: at most
 * IGJ_PROVIDER_PAGE_MAX profiles of at most about 1 KB.  One lane; the memory
 * is kept from page to page and given back after the batch.
 */

#ifndef IGJ_PROFILES_H
#define IGJ_PROFILES_H

#include "igj_arena.h"
#include "igj_batch.h"
#include "igj_classify.h"
#include "igj_provider.h"
#include "igj_sources.h"


#define IGJ_PROFILE_ID_MAX    128      /* longer ids are not Instagram's */
#define IGJ_PROFILE_NAME_MAX  400      /* full names are cut here */


typedef struct {
    const char           *account;     /* "": the item does not say */
    igj_source_state_t    state;
} igj_profiles_fault_t;


typedef struct {
    igj_arena_t             arena;
    igj_batch_row_t        *rows;      /* source: as the item spells it, "" */
    int                     n;
    int                     size;
    igj_profiles_fault_t   *faults;
    int                     nfaults;
    int                     faults_size;
} igj_profiles_t;               /* all zero is an empty page */


typedef struct {
    const igj_name_table_t *names;
    const char             *target_gender;      /* male, female, any */
    bool                    keep_unknown;
    bool                    own;                /* the dataset has other
                                                   accounts, too */
    int64_t                 own_max;            /* then: of each of ours */
} igj_profiles_filter_t;


/* Where igj_provider_read_page() puts its items. */
igj_page_sink_t igj_profiles_sink(igj_profiles_t *p);

/*
 * Counts the page's accounts in *sources, drops repeats of a profile, sorts by
 * profile_id, classifies, and keeps what the filter lets through.  Fills seen,
 * female, male, unknown, rows and nrows of *page.  IGJ_ERROR: memory.
 */
IGJ_MUST_CHECK int igj_profiles_digest(igj_profiles_t *p,
    igj_sources_t *sources, const igj_profiles_filter_t *filter,
    igj_batch_page_t *page);

/* Keeps the profiles of the run's own accounts, max of each at most (0: all),
 * and counts them in *sources.  What the page says of faults is not heard. */
void igj_profiles_take_own(igj_profiles_t *p, igj_sources_t *sources,
    int64_t max);

void igj_profiles_free(igj_profiles_t *p);


#endif /* IGJ_PROFILES_H */
