/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Watching a job: its status document, and each new version of it, for any
 * number of watchers in this nginx worker.
 *
 * A job is subscribed to in Redis and read from Postgres once for all that
 * watch it; a slow re-read of all watched jobs stands behind everything else.
 *
 * Watchers are told from an event of their own, a number of them each loop
 * turn.  Who is slow is told the latest version, not each.
 */

#ifndef _NGX_HTTP_IGJOBS_WATCH_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_WATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "igj_uuid.h"

#include "ngx_http_igjobs_document.h"
#include "ngx_http_igjobs_pg.h"
#include "ngx_http_igjobs_redis.h"


typedef struct ngx_http_igjobs_watches_s  ngx_http_igjobs_watches_t;
typedef struct ngx_http_igjobs_topic_s    ngx_http_igjobs_topic_t;


typedef struct {
    ngx_uint_t    max;              /* watchers in this nginx worker */
    ngx_msec_t    reread_time;
    ngx_msec_t    interval;         /* of paced watchers */
} ngx_http_igjobs_watch_conf_t;


/* doc is valid during the call, NULL unless found is FOUND. */
typedef void (*ngx_http_igjobs_watch_handler_pt)(void *data,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);

/* Caller's memory, zeroed; must be left (..._leave) before it goes. */
typedef struct {
    /* set by the caller */
    ngx_http_igjobs_watch_handler_pt   handler;
    void                              *data;
    unsigned                           paced:1; /* not more often than conf's
                                                   interval, except for a new
                                                   state or phase */

    /* set for the handler */
    unsigned                           changed:1;  /* state or phase, since
                                                      the last call */
    unsigned                           ending:1;   /* nginx reloads or quits:
                                                      this is the last call */
    uint64_t                           version;    /* of the last document */

    /* of the hub */
    ngx_queue_t                        queue;
    ngx_http_igjobs_topic_t           *topic;      /* NULL: not watching */
} ngx_http_igjobs_watch_t;


ngx_http_igjobs_watches_t *ngx_http_igjobs_watches_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_watch_conf_t *conf, ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_documents_t *documents,
    ngx_http_igjobs_redis_conf_t *redis,
    ngx_http_igjobs_resolve_conf_t *resolve);
void ngx_http_igjobs_watches_stop(ngx_http_igjobs_watches_t *watches);

/*
 * NGX_OK: the handler will be called, never from inside: first with the
 * present document (read after this call, or known to be the latest), then
 * with each of a higher version.  After a final document, a call with ending
 * set, or anything but FOUND, never again: the watch has left by itself.
 * NGX_ERROR: no room (igjobs_max_watches), no memory.
 *
 * With ending set found is FOUND with the present document, or UNAVAILABLE.
 */
ngx_int_t ngx_http_igjobs_watch(ngx_http_igjobs_watches_t *watches,
    const ngx_str_t *tenant, const igj_uuid_t *job,
    ngx_http_igjobs_watch_t *watch);

/* The last document, until the watch is left; NULL: none was read yet. */
const ngx_str_t *ngx_http_igjobs_watch_document(
    const ngx_http_igjobs_watch_t *watch);

/* May be called from the handler, and when the watch has left already. */
void ngx_http_igjobs_watch_leave(ngx_http_igjobs_watch_t *watch);

/*
 * No more calls (but with ending set) until ..._resume(); then at once, if
 * there is a higher version.
 */
void ngx_http_igjobs_watch_pause(ngx_http_igjobs_watch_t *watch);
void ngx_http_igjobs_watch_resume(ngx_http_igjobs_watch_t *watch);


#endif /* _NGX_HTTP_IGJOBS_WATCH_H_INCLUDED_ */
