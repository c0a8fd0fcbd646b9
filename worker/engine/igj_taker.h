/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The taker: one thread that fetches turns, one at a time and only while a
 * lane is idle.  Turns come from Redis; without it (--direct, or unreachable
 * at the moment) a turn is the permission to ask Postgres for a batch of any
 * job, given to one lane at a time.
 */

#ifndef IGJ_TAKER_H
#define IGJ_TAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "igj_hints.h"
#include "igj_redis_url.h"
#include "igj_turns.h"


#define IGJ_TAKER_BLOCK_MS      1000    /* one blocking pop; also how often
                                           entries of `later` are looked at */
#define IGJ_TAKER_SLOW_POLL_MS  10000   /* an idle process asks Postgres so
                                           often although Redis is there */
#define IGJ_TAKER_DUE_MAX       64      /* entries of `later` in one go */


typedef struct {
    const char *const      *kinds;      /* names, NULL ends; borrowed */
    const igj_redis_url_t  *redis;      /* NULL: direct only; borrowed */
    igj_hints_t            *hints;      /* NULL: direct only */
    int64_t                 direct_poll_ms;
} igj_taker_conf_t;


typedef struct igj_taker_s  igj_taker_t;


igj_taker_t *igj_taker_create(const igj_taker_conf_t *conf);
IGJ_MUST_CHECK int igj_taker_start(igj_taker_t *t);

/* Lanes: waits for a turn.  IGJ_ERROR: no more turns, the lane ends. */
IGJ_MUST_CHECK int igj_taker_take(igj_taker_t *t, igj_turn_t *turn);

/* True for the permission to ask Postgres for a batch of any job. */
bool igj_turn_is_direct(const igj_turn_t *turn);

/* Lanes: what came of a direct turn; after it the next one can be given. */
void igj_taker_report(igj_taker_t *t, bool got_batch);

/* Lanes: a batch has ended, so that there may be another one. */
void igj_taker_nudge(igj_taker_t *t);

/* No turn is given from now on; lanes that wait come back. */
void igj_taker_close(igj_taker_t *t);

/* Waits for the thread, which needs at most IGJ_TAKER_BLOCK_MS. */
void igj_taker_destroy(igj_taker_t *t);


#endif /* IGJ_TAKER_H */
