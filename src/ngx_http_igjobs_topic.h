/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files of the watch hub share; nobody else includes this.
 *
 *   ngx_http_igjobs_watch.c        watchers: come, are told, leave
 *   ngx_http_igjobs_topic.c        jobs that are watched: reads, news, the tick
 *   ngx_http_igjobs_subscription.c how they hear of new documents from Redis
 *
 * A topic is a job that somebody watches.  A watcher is in exactly one of its
 * queues.
 */

#ifndef _NGX_HTTP_IGJOBS_TOPIC_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_TOPIC_H_INCLUDED_


#include "ngx_http_igjobs_watch.h"

#include <ngx_event.h>


typedef enum {
    NGX_HTTP_IGJOBS_WATCH_FRESH = 0,    /* wait for a read */
    NGX_HTTP_IGJOBS_WATCH_BEHIND,       /* to be told */
    NGX_HTTP_IGJOBS_WATCH_REFUSED,      /* to be told that it failed */
    NGX_HTTP_IGJOBS_WATCH_CURRENT,      /* know the present document */
    NGX_HTTP_IGJOBS_WATCH_PACED,        /* likewise, or will soon */
    NGX_HTTP_IGJOBS_WATCH_PAUSED,
    NGX_HTTP_IGJOBS_WATCH_QUEUES
} ngx_http_igjobs_watch_queue_e;


struct ngx_http_igjobs_topic_s {
    ngx_str_node_t                  node;       /* by the name of its channel */
    ngx_http_igjobs_watches_t      *watches;
    ngx_queue_t                     order;      /* read longest ago first */
    ngx_queue_t                     telling;    /* if it has news */
    ngx_queue_t                     reads;      /* if it waits to be read */
    ngx_queue_t                     unheard;    /* or to be subscribed to */

    igj_uuid_t                      job;
    ngx_str_t                       tenant;

    ngx_queue_t                     queues[NGX_HTTP_IGJOBS_WATCH_QUEUES];
    ngx_uint_t                      nwatches;

    ngx_str_t                       doc;        /* data NULL: not known */
    uint64_t                        version;
    uint64_t                        changed;    /* of the last new stage */
    ngx_http_igjobs_document_e      found;      /* FOUND or UNKNOWN */
    ngx_http_igjobs_document_e      refused;    /* what the refused get */
    ngx_msec_t                      read_at;
    ngx_msec_t                      paced_at;
    ngx_event_t                     pace;
    ngx_http_igjobs_pg_op_t        *pg_op;      /* a read that is under way */

    ngx_http_igjobs_redis_op_t     *redis_op;   /* its SUBSCRIBE */

    unsigned                        final:1;
    unsigned                        waiting:1;  /* to be read */
    unsigned                        again:1;    /* to be read after pg_op */
    unsigned                        queued:1;   /* in watches->unheard */
    unsigned                        subscribed:1;
    unsigned                        live:1;     /* read since then */
    unsigned                        news:1;     /* in watches->telling */
};


struct ngx_http_igjobs_watches_s {
    ngx_http_igjobs_watch_conf_t   *conf;
    ngx_http_igjobs_pg_t           *pg;
    ngx_http_igjobs_documents_t    *documents;
    ngx_log_t                      *log;

    ngx_rbtree_t                    topics;
    ngx_rbtree_node_t               sentinel;
    ngx_queue_t                     order;
    ngx_uint_t                      nwatches;

    ngx_queue_t                     reads;      /* topics */
    ngx_uint_t                      nreading;   /* under way */

    ngx_http_igjobs_redis_t        *redis;      /* NULL: igjobs_redis off */
    ngx_queue_t                     unheard;    /* topics */
    ngx_uint_t                      nsubscribing;
    ngx_uint_t                      ticks;

    ngx_queue_t                     telling;    /* topics with news */
    ngx_http_igjobs_topic_t        *told;       /* a handler of it runs */
    ngx_event_t                     tell;       /* posted */
    ngx_event_t                     tick;       /* ordinary, while watched */

    unsigned                        refused:1;  /* a SUBSCRIBE */
    unsigned                        ending:1;
};


/* The topic of a job, made if it is not there; NULL: no memory. */
ngx_http_igjobs_topic_t *ngx_http_igjobs_topic_get(
    ngx_http_igjobs_watches_t *watches, const ngx_str_t *tenant,
    const igj_uuid_t *job);
/* by the name of its channel; NULL: nobody watches the job */
ngx_http_igjobs_topic_t *ngx_http_igjobs_topic_find(
    ngx_http_igjobs_watches_t *watches, const ngx_str_t *name);
/* after its last watcher */
void ngx_http_igjobs_topic_free(ngx_http_igjobs_topic_t *topic);
/* a read of Postgres, unless one is on its way */
void ngx_http_igjobs_topic_read(ngx_http_igjobs_topic_t *topic);
/* read or heard */
void ngx_http_igjobs_topic_document(ngx_http_igjobs_topic_t *topic,
    const ngx_str_t *doc);
/* has it news that does not wait, for who knows a version? */
ngx_uint_t ngx_http_igjobs_topic_urgent(ngx_http_igjobs_topic_t *topic,
    uint64_t version);
/* handler of the tick */
void ngx_http_igjobs_watches_tick(ngx_event_t *ev);

/* all of one queue into another */
void ngx_http_igjobs_topic_move(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_watch_queue_e from, ngx_http_igjobs_watch_queue_e to);
/* those who are behind, soon */
void ngx_http_igjobs_topic_tell(ngx_http_igjobs_topic_t *topic);


/* subscription: what Redis says */
ngx_int_t ngx_http_igjobs_subscription_start(
    ngx_http_igjobs_watches_t *watches, ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve);
ngx_uint_t ngx_http_igjobs_subscription_works(
    ngx_http_igjobs_watches_t *watches);
void ngx_http_igjobs_subscription_tick(ngx_http_igjobs_watches_t *watches);
void ngx_http_igjobs_topic_subscribe(ngx_http_igjobs_topic_t *topic);
void ngx_http_igjobs_topic_unsubscribe(ngx_http_igjobs_topic_t *topic);


#endif /* _NGX_HTTP_IGJOBS_TOPIC_H_INCLUDED_ */
