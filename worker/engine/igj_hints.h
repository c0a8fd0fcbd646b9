/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the worker tells Redis: status documents, turns, its heartbeat.
 *
 * Any thread drops a hint into a bounded queue and goes on; one thread sends
 * them in order, many at a time.  So the order commit, status, turn holds for
 * every caller who says it in that order after his commit.  A newer document
 * takes the place of an older one that still waits.  Redis away: hints are
 * thrown away, since everything in Redis heals by itself.
 */

#ifndef IGJ_HINTS_H
#define IGJ_HINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "igj_redis_url.h"
#include "igj_turns.h"


#define IGJ_HINTS_MAX       8192         /* waiting; the oldest go first */
#define IGJ_HINTS_PIPELINE  128          /* sent before answers are read */


typedef struct igj_hints_s  igj_hints_t;


/* url is borrowed.  NULL when memory is short. */
igj_hints_t *igj_hints_create(const igj_redis_url_t *url);
IGJ_MUST_CHECK int igj_hints_start(igj_hints_t *h);

/* Sends what waits (for about a second at most), then ends the thread. */
void igj_hints_destroy(igj_hints_t *h);

/* Was Redis there when it was last spoken to? */
bool igj_hints_alive(igj_hints_t *h);


/* version is decimal text, as the document's first member. */
void igj_hints_status(igj_hints_t *h, const char *tenant, const char *job,
    const char *version, const char *doc, bool final);

/* charge: the turn was used for a batch. */
void igj_hints_return(igj_hints_t *h, const igj_turn_t *turn, bool charge);

/* Of turn only the queue, tenant and job count.  weight NULL: as it was. */
void igj_hints_issue(igj_hints_t *h, const igj_turn_t *turn, int wanted,
    int parallelism, const char *weight);
void igj_hints_later(igj_hints_t *h, const igj_turn_t *turn, int64_t wait_ms);

void igj_hints_park(igj_hints_t *h, const igj_turn_t *turn,
    const char *scope);
void igj_hints_unpark(igj_hints_t *h, const char *scope, int64_t count);

void igj_hints_heartbeat(igj_hints_t *h, const char *worker, const char *json,
    int64_t ttl_ms);


#endif /* IGJ_HINTS_H */
