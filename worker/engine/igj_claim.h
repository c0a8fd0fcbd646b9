/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Claiming a batch and giving it away again: the two ends of a lane's work.
 * An igj_claim_t belongs to one lane and holds the memory of one batch.
 */

#ifndef IGJ_CLAIM_H
#define IGJ_CLAIM_H

#include "igj_arena.h"
#include "igj_batch.h"
#include "igj_engine.h"
#include "igj_pg.h"
#include "igj_pg_array.h"


/* What Postgres said to a turn. */
typedef enum {
    IGJ_CLAIM_BATCH = 0,     /* claim->batch is ours for the lease */
    IGJ_CLAIM_LATER,         /* nothing due before wait_ms; of any job: this
                                one has no money, others may be due */
    IGJ_CLAIM_STOPPED,       /* its budget is spent, the job ends */
    IGJ_CLAIM_CAPPED,        /* the scope is full */
    IGJ_CLAIM_NONE,
    IGJ_CLAIM_FAILED         /* no answer: Postgres refused, or we close */
} igj_claim_answer_t;


#define IGJ_CLAIM_ARRAYS  7  /* of store_page */


typedef struct igj_claim_s {
    igj_batch_t        batch;
    igj_engine_t      *engine;
    PGresult          *res;          /* holds the batch's strings */
    igj_arena_t        arena;        /* holds its runs */
    cJSON             *job;
    cJSON             *payload;
    cJSON             *outcomes;
    igj_pg_array_t     arrays[IGJ_CLAIM_ARRAYS];
    bool              *is_new;       /* of the page's rows */
    int64_t            asked_ms;     /* igj_clock_ms() before the call */
    int64_t            wait_ms;      /* LATER */
    const char        *scope;        /* in res; CAPPED: what is full; BATCH:
                                        those that may have room when it ends,
                                        with commas between */
} igj_claim_t;


/* How the batch left the lane. */
typedef struct {
    bool     runnable;               /* it, or another of the job, may go on */
    int64_t  wait_ms;                /* not before; 0: now */
} igj_claim_end_t;


void igj_claim_init(igj_claim_t *c, igj_engine_t *engine);

/*
 * Asks for a batch of the job, or of any job (tenant and job NULL).  After an
 * answer other than BATCH only wait_ms and scope count; in all cases
 * igj_claim_clear() follows.
 */
IGJ_MUST_CHECK igj_claim_answer_t igj_claim_take(igj_claim_t *c,
    const char *tenant, const char *job);

/* Tells Postgres how the batch's work ended. */
void igj_claim_finish(igj_claim_t *c, const igj_outcome_t *outcome,
    igj_claim_end_t *end);

/* A further run of a batch's list, with its accounts (NULL: all) copied; NULL
 * when memory is short. */
igj_batch_run_t *igj_batch_add_run(igj_batch_t *b, const char *accounts);

/* Frees what the batch needed; the claim can be used again. */
void igj_claim_clear(igj_claim_t *c);


#endif /* IGJ_CLAIM_H */
