/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The engine's threads: what igj_engine.c starts. */

#ifndef IGJ_THREADS_H
#define IGJ_THREADS_H

#include "igj_claim.h"
#include "igj_engine.h"


struct igj_lane_s {
    igj_engine_t     *engine;
    int               number;
    pthread_t         thread;
    bool              started;
    atomic_bool       ended;
    igj_claim_t       claim;
    void            **kind_data;      /* beside engine->kinds */
};


/* Opens the lane's kinds; IGJ_ERROR with a reason in error. */
IGJ_MUST_CHECK int igj_lane_open(igj_lane_t *lane,
    char error[IGJ_BATCH_ERROR_MAX]);
void igj_lane_close(igj_lane_t *lane);

/* Thread mains. */
void *igj_lane_main(void *lane);
void *igj_renewer_main(void *engine);
void *igj_housekeeper_main(void *engine);
void *igj_reaper_main(void *engine);
void *igj_deliverer_main(void *engine);
void *igj_settler_main(void *engine);


/* Opens all kinds for one thread into a new array; NULL with a reason. */
void **igj_kinds_open(igj_engine_t *e, const _Atomic int *stop,
    char error[IGJ_BATCH_ERROR_MAX]);
void igj_kinds_close(igj_engine_t *e, void **data);


#endif /* IGJ_THREADS_H */
