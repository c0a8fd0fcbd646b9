/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one home of Redis key names.  Builders write a NUL-terminated key into a
 * buffer of IGJ_KEY_MAX bytes and return its length; 0 means that a part is
 * not a valid name and the key must not be used.
 *
 * {q} keeps all keys of the queue in one slot of a cluster, so that one script
 * may use several of them.
 */

#ifndef IGJ_KEYS_H
#define IGJ_KEYS_H

#include "igj_base.h"
#include "igj_limits.h"


/* For scripts that add "<kind>:<class>" themselves. */
#define IGJ_KEY_TURNS_PREFIX   "igjobs:{q}:turns:"
#define IGJ_KEY_CLOCKS_PREFIX  "igjobs:{q}:clocks:"

/* For finding all workers: this and "*". */
#define IGJ_KEY_WORKER_PREFIX  "igjobs:worker:"


typedef struct {
    char    text[IGJ_KEY_MAX];
    size_t  len;
} igj_key_t;


/* Sorted set of turns, and the clocks (a hash) that order them. */
IGJ_MUST_CHECK size_t igj_key_turns(igj_key_t *key, const char *kind,
    const char *class_name);
IGJ_MUST_CHECK size_t igj_key_clocks(igj_key_t *key, const char *kind,
    const char *class_name);

/* Sorted set of jobs whose turns wait for a time. */
IGJ_MUST_CHECK size_t igj_key_later(igj_key_t *key);

/* Turns of a scope that is full, the clocks that order them, and the index of
 * all that are parked. */
IGJ_MUST_CHECK size_t igj_key_parked(igj_key_t *key, const char *scope);
IGJ_MUST_CHECK size_t igj_key_parked_clocks(igj_key_t *key,
    const char *scope);
IGJ_MUST_CHECK size_t igj_key_parked_index(igj_key_t *key);

/* Status document of a job, and the channel on which each new one comes. */
IGJ_MUST_CHECK size_t igj_key_status(igj_key_t *key, const char *tenant,
    const char *job);
IGJ_MUST_CHECK size_t igj_key_events(igj_key_t *key, const char *tenant,
    const char *job);

/* Bits of the profiles that pages of a job have brought. */
IGJ_MUST_CHECK size_t igj_key_seen(igj_key_t *key, const char *tenant,
    const char *job);

/* Heartbeat and load of a worker process. */
IGJ_MUST_CHECK size_t igj_key_worker(igj_key_t *key, const char *id);

/* Rate limit: who (tenant or address) and what (name of the limit). */
IGJ_MUST_CHECK size_t igj_key_rate(igj_key_t *key, const char *who,
    const char *what);


/* Letters, digits, "-", "_" and ".", 1 to IGJ_TENANT_MAX. */
int igj_tenant_valid(const char *text, size_t len);


#endif /* IGJ_KEYS_H */
