/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Types that the module's files share: configuration, the state of one request,
 * and how an operation waits for Postgres or Redis.
 *
 * The way of a request:  route -> admit -> operation (read, act) -> reply.
 * Everything runs on the event loop of one nginx worker; nothing here blocks.
 */

#ifndef _NGX_HTTP_IGJOBS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_base.h"
#include "igj_limits.h"

#include "ngx_http_igjobs_resolve.h"
#include "ngx_http_igjobs_pg.h"
#include "ngx_http_igjobs_redis.h"
#include "ngx_http_igjobs_route.h"
#include "ngx_http_igjobs_reply.h"
#include "ngx_http_igjobs_document.h"
#include "ngx_http_igjobs_watch.h"
#include "ngx_http_igjobs_body.h"
#include "ngx_http_igjobs_token.h"


typedef struct ngx_http_igjobs_submissions_s  ngx_http_igjobs_submissions_t;
typedef struct ngx_http_igjobs_streams_s      ngx_http_igjobs_streams_t;
typedef struct ngx_http_igjobs_hold_s         ngx_http_igjobs_hold_t;


/* Of the http block; never written while serving, except in init_process. */
typedef struct {
    ngx_http_igjobs_pg_conf_t          postgres;
    ngx_http_igjobs_redis_conf_t       redis;
    ngx_http_igjobs_resolve_conf_t     resolve;

    ngx_msec_t                         status_cache_time;
    ngx_uint_t                         status_cache_size;   /* documents */

    ngx_http_igjobs_watch_conf_t       watch;
    ngx_msec_t                         events_heartbeat;

    ngx_uint_t                         max_submissions;     /* per worker */
    size_t                             max_submission_bytes;

    ngx_str_t                          service_name;        /* of /health */
    ngx_str_t                          service_version;

    ngx_uint_t                         used;   /* line of the first "igjobs" */
    ngx_str_t                          used_file;

    /* of this nginx worker, from init_process to exit_process */
    ngx_http_igjobs_pg_t              *pg;
    ngx_http_igjobs_redis_t           *rds;    /* NULL: igjobs_redis off */
    ngx_http_igjobs_documents_t       *documents;
    ngx_http_igjobs_watches_t         *watches;
    ngx_http_igjobs_streams_t         *streams;
    ngx_http_igjobs_submissions_t     *submissions;
    ngx_http_igjobs_token_key_t        token_key;
} ngx_http_igjobs_main_conf_t;


typedef struct {
    ngx_flag_t                         enabled;
    ngx_http_complex_value_t          *tenant;         /* NULL: "default" */
    size_t                             max_body_size;
    size_t                             max_ingest_size;
    size_t                             min_body_rate;  /* bytes/s */
    ngx_array_t                       *cors_origins;   /* ngx_str_t */

    time_t                             max_wait;       /* 0: no waiting */
    ngx_flag_t                         sync_answers;
    ngx_msec_t                         sync_timeout;
    ngx_msec_t                         operation_wait;
    ngx_uint_t                         sync_max_rows;
} ngx_http_igjobs_loc_conf_t;


typedef struct ngx_http_igjobs_ctx_s  ngx_http_igjobs_ctx_t;

/* reply is valid during the call; see ngx_http_igjobs_pg.h for taking it */
typedef void (*ngx_http_igjobs_pg_done_pt)(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);


/* State of one request of ours. */
struct ngx_http_igjobs_ctx_s {
    const ngx_http_igjobs_route_t     *route;
    ngx_str_t                          params[NGX_HTTP_IGJOBS_MAX_PARAMS];
    ngx_str_t                          tenant;    /* NUL-terminated */

    ngx_http_request_t                *request;   /* set by ..._prepare() */
    ngx_http_igjobs_body_t            *body;      /* while it is read */
    ngx_http_igjobs_hold_t            *hold;      /* if it waits for a job */
    void                              *data;      /* the operation's own */

    /* what the request waits for, detached when it ends */
    ngx_http_igjobs_pg_op_t           *pg_op;
    ngx_http_igjobs_pg_done_pt         pg_done;

    /* called when the request ends: the operation detaches what it started */
    void                             (*leave)(ngx_http_igjobs_ctx_t *ctx);

    unsigned                           unread:1;  /* body is thrown away */
};


#define NGX_HTTP_IGJOBS_DEFAULT_TENANT  "default"

extern ngx_module_t  ngx_http_igjobs_module;


/* The content handler of a location with "igjobs". */
ngx_int_t ngx_http_igjobs_handler(ngx_http_request_t *r);

/*
 * Makes the request wait: ..._prepare(), counts a reference, notices a client
 * that leaves.  Called once, by the operation, and returns what the operation
 * returns to nginx: NGX_DONE, or an error.  Not for requests whose body is to
 * be read: ngx_http_read_client_request_body() counts by itself, these call
 * ..._watch_client() after the body's end.  ..._ask_pg() prepares by itself.
 */
ngx_int_t ngx_http_igjobs_wait(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_prepare(ngx_http_request_t *r);
void ngx_http_igjobs_watch_client(ngx_http_request_t *r);

/*
 * Asks Postgres for a waiting request; done is called later, never from
 * inside, and ends with ngx_http_igjobs_finish() or asks again.  NGX_ERROR: no
 * room, or Postgres is away: answer with IGJ_PROBLEM_DATABASE_UNAVAILABLE.
 */
ngx_int_t ngx_http_igjobs_ask_pg(ngx_http_request_t *r,
    ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params,
    ngx_http_igjobs_pg_done_pt done);

/*
 * Around everything that an event of a backend does for a request (not needed
 * in a done handler of ask_pg):
 *     c = ngx_http_igjobs_wake(r);  ...;  ngx_http_run_posted_requests(c);
 */
ngx_connection_t *ngx_http_igjobs_wake(ngx_http_request_t *r);

/* Ends a waiting request with what a reply function returned. */
void ngx_http_igjobs_finish(ngx_http_request_t *r, ngx_int_t rc);


/* What the submissions of this nginx worker share; NULL: no memory. */
ngx_http_igjobs_submissions_t *ngx_http_igjobs_submissions_start(
    ngx_cycle_t *cycle);

/* The event streams of this nginx worker; NULL: no memory. */
ngx_http_igjobs_streams_t *ngx_http_igjobs_streams_start(ngx_cycle_t *cycle,
    ngx_msec_t heartbeat);


/* Operations, each in the file of its name. */
ngx_int_t ngx_http_igjobs_submit(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_ingest(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_status(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_events(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_results(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_export(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_call(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_problems(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_cleanup_gone(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_openapi(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_docs(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_health(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_healthz(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_livez(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_readyz(ngx_http_request_t *r);


#endif /* _NGX_HTTP_IGJOBS_H_INCLUDED_ */
