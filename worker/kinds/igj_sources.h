/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The source accounts of one provider run and what became of each.  Fed page
 * by page with what the items say; at the end of the run it gives outcomes, or
 * the accounts that are missing.  One lane.
 */

#ifndef IGJ_SOURCES_H
#define IGJ_SOURCES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "igj_base.h"


/* In rising order of finality: a later word replaces an earlier one. */
typedef enum {
    IGJ_SOURCE_SILENT = 0,       /* no item has named it yet */
    IGJ_SOURCE_PARTIAL,          /* has shown profiles */
    IGJ_SOURCE_EMPTY,
    IGJ_SOURCE_BLOCKED,
    IGJ_SOURCE_PRIVATE,
    IGJ_SOURCE_NOT_FOUND,
    IGJ_SOURCE_OK,
    IGJ_SOURCE_FAILED,           /* given up: its runs did not finish it */
    IGJ_SOURCE_REJECTED          /* given up: the provider refused it */
} igj_source_state_t;


typedef struct {
    char                *text;       /* owned; the names lie in it */
    const char         **names;
    igj_source_state_t  *states;
    int64_t             *counts;     /* profiles since this lane has the run */
    int                  n;
    int                  last;       /* named by the newest item, -1: none */
    bool                 named;      /* items say where they come from */
    bool                 data;       /* the run has shown any profile */
    bool                 counted;    /* counts are of all items of a run that
                                        succeeded */
    igj_source_state_t   unnamed;    /* least final fault without a name;
                                        SILENT: there was none */
} igj_sources_t;


/* accounts is newline-joined; outcomes (may be NULL) is what earlier pages of
 * the batch left.  IGJ_ERROR: memory. */
IGJ_MUST_CHECK int igj_sources_init(igj_sources_t *s, const char *accounts,
    const cJSON *outcomes);
void igj_sources_free(igj_sources_t *s);

/* The account of that name in its own spelling, counted; NULL if it is not
 * one of the run's.  name may be "". */
const char *igj_sources_profile(igj_sources_t *s, const char *name);

/*
 * For a dataset that holds more than the run's accounts: is this profile of one
 * of them that has not max yet (0: no limit)?  Then *source is as from
 * igj_sources_profile().
 */
bool igj_sources_takes(igj_sources_t *s, const char *name, int64_t max,
    const char **source);

/* An item that reports a fault of an account; "" for a run of one account is
 * that account. */
void igj_sources_fault(igj_sources_t *s, const char *name,
    igj_source_state_t state);

/* The accounts that are not done get no further run: they are FAILED, or
 * REJECTED. */
void igj_sources_give_up(igj_sources_t *s, int64_t max_count,
    igj_source_state_t end);

/* True if the run brought nothing but empty and blocked accounts. */
bool igj_sources_barren(const igj_sources_t *s);

/*
 * The run has ended before its work was done: which accounts need another one?
 * Newline-joined and owned by the caller, NULL if none (or memory is short:
 * *failed).  An account is missing if it showed nothing, or was the last one
 * at work and did not reach max_count; all are if items do not name them.
 */
char *igj_sources_missing(const igj_sources_t *s, int64_t max_count, int *n,
    bool *failed);

/* Words for the accounts seen so far (`partial`); NULL if nothing is new. */
cJSON *igj_sources_partial(igj_sources_t *s);

/*
 * Final words for all accounts, or, with only_done, for those that do not
 * need another run.  *given_up is how many were blocked or failed.
 */
cJSON *igj_sources_final(igj_sources_t *s, int64_t max_count, bool only_done,
    int *given_up);


#endif /* IGJ_SOURCES_H */
