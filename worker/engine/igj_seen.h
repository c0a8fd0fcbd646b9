/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Which profiles of a page are new to a job, as far as Redis knows: one bit a
 * profile, in a string of bits for each job, set by whoever is first.  New
 * rows are inserted plainly, which costs half, and their page waits for no
 * other: the one that set a bit first never asks for it again.
 *
 * Where the first pages of a job bring nothing twice, Redis is not asked any
 * more, until a page does.
 *
 * A hint like all that is in Redis.  Bits that two profiles share, and bits of
 * a page that was never committed, only cost time; so do bits that are lost.
 *
 * All threads share one igj_seen_t.
 */

#ifndef IGJ_SEEN_H
#define IGJ_SEEN_H

#include "igj_base.h"
#include "igj_batch.h"
#include "igj_redis_url.h"


#define IGJ_SEEN_BITS_EACH  16            /* bits for each profile expected */
#define IGJ_SEEN_BITS_MIN   (1 << 12)
#define IGJ_SEEN_BITS_MAX   (1 << 23)     /* a megabyte of Redis a job */
#define IGJ_SEEN_TTL_MS     600000        /* after the job's newest page */
#define IGJ_SEEN_REPLY_MS   250           /* then the page goes without */
#define IGJ_SEEN_TRIAL      16            /* pages of a job that always ask */


typedef struct igj_seen_s  igj_seen_t;


/* url is borrowed. */
igj_seen_t *igj_seen_create(const igj_redis_url_t *url) IGJ_MUST_CHECK;
void igj_seen_destroy(igj_seen_t *s);

/*
 * Sets is_new[i] for each of the n rows and returns how many are new; -1, with
 * nothing set: not known.
 */
IGJ_MUST_CHECK int igj_seen_rows(igj_seen_t *s, const igj_batch_t *b,
    const igj_batch_row_t *rows, int n, bool *is_new);

/* A page of so many rows was stored, of which so many were kept. */
void igj_seen_stored(igj_seen_t *s, const igj_batch_t *b, int n, int kept);

/* The job has ended. */
void igj_seen_forget(igj_seen_t *s, const igj_batch_t *b);


#endif /* IGJ_SEEN_H */
