/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The engine: lanes, taker, renewer and upkeep threads of one process, and
 * what they share.  Everything in igj_engine_t is made before the first
 * thread starts and freed after the last has ended; each member says who
 * guards it.
 */

#ifndef IGJ_ENGINE_H
#define IGJ_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "igj_hints.h"
#include "igj_kind.h"
#include "igj_leases.h"
#include "igj_pg.h"
#include "igj_seen.h"
#include "igj_settings.h"
#include "igj_taker.h"


typedef struct igj_engine_s  igj_engine_t;
typedef struct igj_lane_s    igj_lane_t;


typedef enum {
    IGJ_DELIVERER_WORK = 0,
    IGJ_DELIVERER_DRAIN,          /* takes nothing more */
    IGJ_DELIVERER_LEAVE           /* gives back what is under way */
} igj_deliverer_stop_t;


struct igj_engine_s {
    const igj_settings_t  *settings;
    igj_pg_t              *pg;            /* of the lanes; any thread */
    igj_pg_t              *pg_renewer;
    igj_pg_t              *pg_upkeep;     /* upkeep threads */
    igj_pg_t              *pg_webhooks;   /* the deliverer, which must not wait
                                             behind others' statements */
    igj_hints_t           *hints;         /* NULL: works without Redis */
    igj_seen_t            *seen;          /* beside the hints */
    igj_taker_t           *taker;
    igj_leases_t          *leases;
    const igj_kind_t     **kinds;         /* those of the settings, NULL ends */
    const char           **kind_names;    /* beside it */
    char                  *kind_list;     /* the same with commas between */
    char                  *providers;     /* of the kinds' runs, each with */
    char                  *actors;        /* commas between; "": none */
    char                  *memory;
    igj_redis_url_t        redis_url;     /* valid if there are hints */

    igj_lane_t            *lanes;         /* settings->lanes of them */
    pthread_t              renewer;
    pthread_t              housekeeper;
    pthread_t              reaper;
    pthread_t              deliverer;
    pthread_t              settler;
    bool                   renewer_started;
    bool                   housekeeper_started;
    bool                   reaper_started;
    bool                   deliverer_started;
    bool                   settler_started;

    /* what the upkeep threads wait on */
    pthread_mutex_t        lock;
    pthread_cond_t         wake;
    bool                   closing;       /* under lock */
    atomic_int             upkeep_stop;   /* a stop flag for long calls */
    atomic_int             working;       /* lanes with a batch */
    atomic_int             deliverer_stop;   /* igj_deliverer_stop_t */
    atomic_bool            deliverer_ended;
};


/* Allocates; NULL with a reason in error. */
igj_engine_t *igj_engine_create(const igj_settings_t *settings,
    char error[IGJ_BATCH_ERROR_MAX]) IGJ_MUST_CHECK;

/* Starts all threads.  IGJ_ERROR: some did not start; stop it. */
IGJ_MUST_CHECK int igj_engine_start(igj_engine_t *e);

/* Takes nothing new from now on. */
void igj_engine_drain(igj_engine_t *e);

/* Makes the lanes leave their batches as soon as they can. */
void igj_engine_interrupt(igj_engine_t *e);

/* True when no lane runs any more and no webhook is under way. */
bool igj_engine_drained(igj_engine_t *e);

/* Ends the remaining threads, waits for all, frees everything. */
void igj_engine_destroy(igj_engine_t *e);


/*
 * For the engine's threads.
 */

/* Waits for ms or until the engine closes; false: it closes. */
bool igj_engine_sleep(igj_engine_t *e, int64_t ms);

/* NULL: this process does not serve the kind. */
const igj_kind_t *igj_engine_kind(igj_engine_t *e, const char *name);

/* Tells the world a job's new document; version NULL: nothing has changed. */
void igj_engine_publish(igj_engine_t *e, const char *tenant, const char *job,
    const char *version, const char *doc, bool final);


#endif /* IGJ_ENGINE_H */
