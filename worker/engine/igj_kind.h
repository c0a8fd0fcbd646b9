/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A kind of job: one file in worker/kinds/ that says how a batch is collected,
 * classified and stored.  The engine calls it and knows nothing of what it
 * does; the table of kinds is worker/kinds/igj_kinds.c.
 */

#ifndef IGJ_KIND_H
#define IGJ_KIND_H

#include "igj_batch.h"
#include "igj_platform.h"
#include "igj_settings.h"


#define IGJ_ORPHAN_STRAYS  3


/* A provider run that nobody will collect: to be ended and paid. */
typedef struct {
    const char  *token;
    const char  *provider;
    const char  *actor;
    const char  *run_id;           /* "": only the intent is known */
    int64_t      intent_age_ms;

    /* filled by reap */
    char         state[16];        /* aborted, succeeded, …; absent: not in
                                      the provider's list now */
    char         found_id[IGJ_BATCH_ID_MAX];
    double       cost_usd;         /* IGJ_BATCH_NO_COST: not known */
    int          nstrays;          /* further runs of the same intent */
    char         strays[IGJ_ORPHAN_STRAYS][IGJ_BATCH_ID_MAX];
} igj_orphan_t;


typedef struct igj_kind_s  igj_kind_t;

struct igj_kind_s {
    const char  *name;

    /* Whose runs, of how many MB (0: not said), the batches need; that of a
     * new batch's first comes with the claim.  provider NULL: none.  actor
     * NULL: none is set, and this process does not take the kind.  No word has
     * a comma in it. */
    const char  *provider;
    const char *(*actor)(const igj_kind_t *kind,
                         const igj_settings_t *settings);
    int64_t     (*memory)(const igj_settings_t *settings);

    /* What a thread keeps between batches; NULL with a reason in error. */
    void       *(*open)(const igj_kind_t *kind,
                        const igj_settings_t *settings,
                        const _Atomic int *stop,
                        char error[IGJ_BATCH_ERROR_MAX]);
    void        (*close)(void *data);

    /* Works on the batch until it is closed or cannot go on. */
    void        (*run)(void *data, igj_batch_t *batch,
                       igj_outcome_t *outcome);

    /* Ends an orphaned run; IGJ_ERROR: not now, again later. */
    int         (*reap)(void *data, igj_orphan_t *orphan);

    /* What a run that has ended did cost; *lost: the provider has forgotten
     * it.  IGJ_ERROR: not now, again later. */
    int         (*cost)(void *data, const char *run_id, double *cost_usd,
                        bool *lost);

    igj_platform_e platform;       /* of kinds that scrape */
};


/* All kinds that are compiled in; ends with NULL. */
extern const igj_kind_t *const  igj_kinds[];


#endif /* IGJ_KIND_H */
