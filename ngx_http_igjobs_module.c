/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The module's face: the table of directives, the hooks of nginx, the life of
 * an nginx worker.  Defaults and parsing of the directives are in
 * src/ngx_http_igjobs_conf.c; what a request does is in src/, starting with
 * ngx_http_igjobs_request.c.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_conf.h"


static ngx_int_t ngx_http_igjobs_init_process(ngx_cycle_t *cycle);
static void ngx_http_igjobs_exit_process(ngx_cycle_t *cycle);


static ngx_conf_post_t  ngx_http_igjobs_time = {
    ngx_http_igjobs_conf_time_above_zero
};

static ngx_conf_num_bounds_t  ngx_http_igjobs_count = {
    ngx_conf_check_num_bounds, 1, 1000000
};


#define ngx_http_igjobs_main(name, args, set, member, post)                   \
    { ngx_string(name), NGX_HTTP_MAIN_CONF|args, set,                         \
      NGX_HTTP_MAIN_CONF_OFFSET,                                              \
      offsetof(ngx_http_igjobs_main_conf_t, member), post }

#define ngx_http_igjobs_loc(name, where, set, member)                         \
    { ngx_string(name), where, set, NGX_HTTP_LOC_CONF_OFFSET,                 \
      offsetof(ngx_http_igjobs_loc_conf_t, member), NULL }

#define NGX_HTTP_IGJOBS_ANYWHERE                                              \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_command_t  ngx_http_igjobs_commands[] = {

    /* serves the API in this location */
    ngx_http_igjobs_loc("igjobs", NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
        ngx_http_igjobs_conf_enable, enabled),

    /* whose jobs the request sees: "default", or any text with variables */
    ngx_http_igjobs_loc("igjobs_tenant",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_slot, tenant),

    ngx_http_igjobs_loc("igjobs_max_body_size",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, max_body_size),

    /* of /api/ingest, whose profiles may have any number of members */
    ngx_http_igjobs_loc("igjobs_max_ingest_size",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, max_ingest_size),

    /* bytes a second; a slower sender is answered 408 */
    ngx_http_igjobs_loc("igjobs_min_body_rate",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, min_body_rate),

    /* "*", "off" or origins */
    ngx_http_igjobs_loc("igjobs_cors_origins",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_1MORE,
        ngx_http_igjobs_conf_cors_origins, cors_origins),

    /* of Prefer: wait=N and ?wait=N; more is lowered to it, 0: no waiting */
    ngx_http_igjobs_loc("igjobs_max_wait",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_sec_slot, max_wait),

    /* submissions are answered with the results, as the original did */
    ngx_http_igjobs_loc("igjobs_sync_answers",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, sync_answers),

    /* for clients that did not say how long */
    ngx_http_igjobs_loc("igjobs_operation_wait",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, operation_wait),

    ngx_http_igjobs_loc("igjobs_sync_timeout",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, sync_timeout),

    ngx_http_igjobs_loc("igjobs_sync_max_rows",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, sync_max_rows),

    /* Postgres */

    ngx_http_igjobs_main("igjobs_postgres", NGX_CONF_TAKE1,
        ngx_http_igjobs_conf_postgres, postgres, NULL),

    /* status=2 pages=2 calls=2 large_calls=2 writes=3 bulk=2, of each nginx
     * worker */
    ngx_http_igjobs_main("igjobs_postgres_pool", NGX_CONF_1MORE,
        ngx_http_igjobs_conf_pool, postgres, NULL),

    ngx_http_igjobs_main("igjobs_postgres_queue", NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, postgres.queue, &ngx_http_igjobs_count),

    ngx_http_igjobs_main("igjobs_postgres_connect_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, postgres.connect_timeout,
        &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_postgres_queue_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, postgres.queue_timeout,
        &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_postgres_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, postgres.timeout, &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_postgres_bulk_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, postgres.bulk_timeout,
        &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_postgres_max_age", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, postgres.max_age, &ngx_http_igjobs_time),

    /* off for poolers, which refuse start-up options */
    ngx_http_igjobs_main("igjobs_postgres_statement_timeout", NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, postgres.statement_timeout, NULL),

    /* off for poolers that give each transaction another session */
    ngx_http_igjobs_main("igjobs_prepared", NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, postgres.prepared, NULL),

    /* Redis */

    ngx_http_igjobs_main("igjobs_redis", NGX_CONF_TAKE1,
        ngx_http_igjobs_conf_redis, redis, NULL),

    ngx_http_igjobs_main("igjobs_redis_connect_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, redis.connect_timeout,
        &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_redis_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, redis.timeout, &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_redis_queue", NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, redis.max_ops, &ngx_http_igjobs_count),

    ngx_http_igjobs_main("igjobs_redis_buffer", NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, redis.buffer_size, NULL),

    ngx_http_igjobs_main("igjobs_redis_tls_verify", NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, redis.tls_verify, NULL),

    ngx_http_igjobs_main("igjobs_redis_tls_trusted_certificate",
        NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, redis.tls_trusted, NULL),

    /* names of hosts */

    ngx_http_igjobs_main("igjobs_resolver_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, resolve.timeout, &ngx_http_igjobs_time),

    /* status documents kept in each nginx worker */

    ngx_http_igjobs_main("igjobs_status_cache_time", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, status_cache_time, NULL),

    ngx_http_igjobs_main("igjobs_status_cache_size", NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, status_cache_size, &ngx_http_igjobs_count),

    /* jobs that are watched, in each nginx worker */

    ngx_http_igjobs_main("igjobs_max_watches", NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, watch.max, &ngx_http_igjobs_count),

    ngx_http_igjobs_main("igjobs_reread_time", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, watch.reread_time, &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_events_interval", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, watch.interval, &ngx_http_igjobs_time),

    ngx_http_igjobs_main("igjobs_events_heartbeat", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, events_heartbeat, &ngx_http_igjobs_time),

    /* submissions in flight in each nginx worker */

    ngx_http_igjobs_main("igjobs_max_submissions", NGX_CONF_TAKE1,
        ngx_conf_set_num_slot, max_submissions, &ngx_http_igjobs_count),

    ngx_http_igjobs_main("igjobs_max_submission_bytes", NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, max_submission_bytes, NULL),

    /* what /health says */

    ngx_http_igjobs_main("igjobs_service_name", NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, service_name, NULL),

    ngx_http_igjobs_main("igjobs_service_version", NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, service_version, NULL),

      ngx_null_command
};


static ngx_http_module_t  ngx_http_igjobs_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_igjobs_postconfiguration,     /* postconfiguration */

    ngx_http_igjobs_create_main_conf,      /* create main configuration */
    ngx_http_igjobs_init_main_conf,        /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_igjobs_create_loc_conf,       /* create location configuration */
    ngx_http_igjobs_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_igjobs_module = {
    NGX_MODULE_V1,
    &ngx_http_igjobs_module_ctx,           /* module context */
    ngx_http_igjobs_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_igjobs_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_igjobs_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* nothing connects in the master, in its helpers or in nginx -t */

static ngx_int_t
ngx_http_igjobs_init_process(ngx_cycle_t *cycle)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_igjobs_module);

    if (mcf == NULL || !mcf->used) {
        return NGX_OK;
    }

    mcf->submissions = ngx_http_igjobs_submissions_start(cycle);
    mcf->pg = ngx_http_igjobs_pg_start(cycle, &mcf->postgres, &mcf->resolve);

    if (mcf->submissions == NULL || mcf->pg == NULL) {
        return NGX_ERROR;
    }

    if (mcf->redis.hosts != NULL) {
        mcf->rds = ngx_http_igjobs_redis_start(cycle, &mcf->redis,
                                               &mcf->resolve);
        if (mcf->rds == NULL) {
            return NGX_ERROR;
        }
    }

    mcf->documents = ngx_http_igjobs_documents_start(cycle,
                                                     mcf->status_cache_size,
                                                     mcf->status_cache_time,
                                                     mcf->pg, mcf->rds);

    mcf->watches = ngx_http_igjobs_watches_start(cycle, &mcf->watch, mcf->pg,
                                                 mcf->documents, &mcf->redis,
                                                 &mcf->resolve);
    mcf->streams = ngx_http_igjobs_streams_start(cycle, mcf->events_heartbeat);

    if (mcf->documents == NULL
        || mcf->watches == NULL
        || mcf->streams == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_igjobs_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_igjobs_module);

    if (mcf == NULL) {
        return;
    }

    if (mcf->watches) {
        ngx_http_igjobs_watches_stop(mcf->watches);
    }

    if (mcf->rds) {
        ngx_http_igjobs_redis_stop(mcf->rds);
    }

    if (mcf->pg) {
        ngx_http_igjobs_pg_stop(mcf->pg);
    }
}
