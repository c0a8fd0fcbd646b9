/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The module's face: directives with their defaults and ranges, the content
 * handler, the life of an nginx worker.  What a request does is in src/,
 * starting with ngx_http_igjobs_request.c.
 */

#include "ngx_http_igjobs.h"

#include "igj_keys.h"


#define NGX_HTTP_IGJOBS_MAX_POOL  64


static void *ngx_http_igjobs_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_igjobs_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_igjobs_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_igjobs_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_igjobs_postconfiguration(ngx_conf_t *cf);
static char *ngx_http_igjobs_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_igjobs_postgres(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_igjobs_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_igjobs_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_igjobs_cors_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_igjobs_time_above_zero(ngx_conf_t *cf, void *post,
    void *data);
static ngx_int_t ngx_http_igjobs_redis_tls(ngx_conf_t *cf,
    ngx_http_igjobs_redis_conf_t *conf);
static ngx_int_t ngx_http_igjobs_init_process(ngx_cycle_t *cycle);
static void ngx_http_igjobs_exit_process(ngx_cycle_t *cycle);


static ngx_conf_post_t  ngx_http_igjobs_time = {
    ngx_http_igjobs_time_above_zero
};

static ngx_conf_num_bounds_t  ngx_http_igjobs_count = {
    ngx_conf_check_num_bounds, 1, 1000000
};

/* names of igjobs_postgres_pool, in the order of the groups */

static ngx_str_t  ngx_http_igjobs_groups[NGX_HTTP_IGJOBS_PG_GROUPS] = {
    ngx_string("status"),
    ngx_string("pages"),
    ngx_string("writes"),
    ngx_string("bulk")
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
        ngx_http_igjobs_enable, enabled),

    /* whose jobs the request sees: "default", or any text with variables */
    ngx_http_igjobs_loc("igjobs_tenant",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_slot, tenant),

    ngx_http_igjobs_loc("igjobs_max_body_size",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, max_body_size),

    /* bytes a second; a slower sender is answered 408 */
    ngx_http_igjobs_loc("igjobs_min_body_rate",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_TAKE1,
        ngx_conf_set_size_slot, min_body_rate),

    /* "*", "off" or origins */
    ngx_http_igjobs_loc("igjobs_cors_origins",
        NGX_HTTP_IGJOBS_ANYWHERE|NGX_CONF_1MORE,
        ngx_http_igjobs_cors_origins, cors_origins),

    /* Postgres */

    ngx_http_igjobs_main("igjobs_postgres", NGX_CONF_TAKE1,
        ngx_http_igjobs_postgres, postgres, NULL),

    /* status=2 pages=2 writes=3 bulk=2, of each nginx worker */
    ngx_http_igjobs_main("igjobs_postgres_pool", NGX_CONF_1MORE,
        ngx_http_igjobs_pool, postgres, NULL),

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
        ngx_http_igjobs_redis, redis, NULL),

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


static void *
ngx_http_igjobs_create_main_conf(ngx_conf_t *cf)
{
    ngx_uint_t                    i;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_igjobs_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_HTTP_IGJOBS_PG_GROUPS; i++) {
        mcf->postgres.pool[i] = NGX_CONF_UNSET_UINT;
    }

    mcf->postgres.queue = NGX_CONF_UNSET_UINT;
    mcf->postgres.connect_timeout = NGX_CONF_UNSET_MSEC;
    mcf->postgres.queue_timeout = NGX_CONF_UNSET_MSEC;
    mcf->postgres.timeout = NGX_CONF_UNSET_MSEC;
    mcf->postgres.bulk_timeout = NGX_CONF_UNSET_MSEC;
    mcf->postgres.max_age = NGX_CONF_UNSET_MSEC;
    mcf->postgres.prepared = NGX_CONF_UNSET;
    mcf->postgres.statement_timeout = NGX_CONF_UNSET;

    mcf->redis.connect_timeout = NGX_CONF_UNSET_MSEC;
    mcf->redis.timeout = NGX_CONF_UNSET_MSEC;
    mcf->redis.max_ops = NGX_CONF_UNSET_UINT;
    mcf->redis.buffer_size = NGX_CONF_UNSET_SIZE;
    mcf->redis.tls_verify = NGX_CONF_UNSET;

    mcf->resolve.timeout = NGX_CONF_UNSET_MSEC;
    mcf->status_cache_time = NGX_CONF_UNSET_MSEC;
    mcf->status_cache_size = NGX_CONF_UNSET_UINT;
    mcf->max_submissions = NGX_CONF_UNSET_UINT;
    mcf->max_submission_bytes = NGX_CONF_UNSET_SIZE;

    return mcf;
}


static char *
ngx_http_igjobs_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_igjobs_main_conf_t *mcf = conf;

    ngx_uint_t                     i;
    ngx_http_igjobs_pg_conf_t     *pg;
    ngx_http_igjobs_redis_conf_t  *redis;

    pg = &mcf->postgres;
    redis = &mcf->redis;

    for (i = 0; i < NGX_HTTP_IGJOBS_PG_GROUPS; i++) {
        ngx_conf_init_uint_value(pg->pool[i],
                                 (i == NGX_HTTP_IGJOBS_PG_WRITES) ? 3 : 2);
    }

    ngx_conf_init_uint_value(pg->queue, 1024);
    ngx_conf_init_msec_value(pg->connect_timeout, 2000);
    ngx_conf_init_msec_value(pg->queue_timeout, 3000);
    ngx_conf_init_msec_value(pg->timeout, 5000);
    ngx_conf_init_msec_value(pg->bulk_timeout, 30000);
    ngx_conf_init_msec_value(pg->max_age, 3600000);
    ngx_conf_init_value(pg->prepared, 1);
    ngx_conf_init_value(pg->statement_timeout, 1);

    ngx_conf_init_msec_value(redis->connect_timeout, 1000);
    ngx_conf_init_msec_value(redis->timeout, 500);
    ngx_conf_init_uint_value(redis->max_ops, 4096);
    ngx_conf_init_size_value(redis->buffer_size, 1024 * 1024);
    ngx_conf_init_value(redis->tls_verify, 1);

    ngx_conf_init_msec_value(mcf->resolve.timeout, 2000);
    ngx_conf_init_msec_value(mcf->status_cache_time, IGJ_STATUS_CACHE_MS);
    ngx_conf_init_uint_value(mcf->status_cache_size, 4096);
    ngx_conf_init_uint_value(mcf->max_submissions, 64);
    ngx_conf_init_size_value(mcf->max_submission_bytes, 128 * 1024 * 1024);

    if (mcf->service_name.data == NULL) {
        ngx_str_set(&mcf->service_name, "Instagram Scraper API (Production)");
    }

    if (mcf->service_version.data == NULL) {
        ngx_str_set(&mcf->service_version, "1.0.0");
    }

    if (redis->buffer_size < 16384) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"igjobs_redis_buffer\" must be at least 16k");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_igjobs_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_igjobs_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->enabled = NGX_CONF_UNSET;
    lcf->max_body_size = NGX_CONF_UNSET_SIZE;
    lcf->min_body_rate = NGX_CONF_UNSET_SIZE;
    lcf->cors_origins = NGX_CONF_UNSET_PTR;

    return lcf;
}


static char *
ngx_http_igjobs_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_igjobs_loc_conf_t *prev = parent;
    ngx_http_igjobs_loc_conf_t *conf = child;

    ngx_conf_merge_size_value(conf->max_body_size, prev->max_body_size,
                              IGJ_MAX_BODY_SIZE);
    ngx_conf_merge_size_value(conf->min_body_rate, prev->min_body_rate,
                              IGJ_MIN_BODY_RATE);
    ngx_conf_merge_ptr_value(conf->cors_origins, prev->cors_origins, NULL);

    if (conf->tenant == NULL) {
        conf->tenant = prev->tenant;
    }

    /* what has variables is looked at with each request */

    if (conf->tenant != NULL
        && conf->tenant->lengths == NULL
        && !igj_tenant_valid((char *) conf->tenant->value.data,
                             conf->tenant->value.len))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"igjobs_tenant %V\": a tenant has 1 to %d "
                           "letters, digits, hyphens, underscores or dots",
                           &conf->tenant->value, IGJ_TENANT_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* when all is read: what must be there, and what is made of it */

static ngx_int_t
ngx_http_igjobs_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_igjobs_module);

    if (!mcf->used) {
        return NGX_OK;
    }

    if (mcf->postgres.hosts == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"igjobs\" in %V:%ui needs \"igjobs_postgres\" "
                      "in the http block, for instance: igjobs_postgres "
                      "\"host=/var/run/postgresql dbname=igjobs "
                      "user=igjobs_api\";",
                      &mcf->used_file, mcf->used);
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_resolve_init(cf, &mcf->resolve) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_redis_tls(cf, &mcf->redis);
}


static char *
ngx_http_igjobs_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_igjobs_loc_conf_t *lcf = conf;

    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_igjobs_main_conf_t  *mcf;

    if (lcf->enabled != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL) {
        return "cannot stand beside another handler of the location";
    }

    if (clcf->client_max_body_size != NGX_CONF_UNSET) {
        return "cannot stand beside \"client_max_body_size\": "
               "use \"igjobs_max_body_size\"";
    }

    /* bodies with a length and without one follow one rule, ours */

    clcf->client_max_body_size = 0;
    clcf->handler = ngx_http_igjobs_handler;
    lcf->enabled = 1;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_igjobs_module);

    if (!mcf->used) {
        mcf->used = cf->conf_file->line;
        mcf->used_file = cf->conf_file->file.name;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_igjobs_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_igjobs_main_conf_t *mcf = conf;

    char       *error;
    ngx_str_t  *value;

    if (mcf->postgres.hosts != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;
    error = ngx_http_igjobs_pg_parse(cf, &mcf->postgres, &value[1]);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the connection string of \"igjobs_postgres\" "
                           "cannot be used: %s", error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_igjobs_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_igjobs_main_conf_t *mcf = conf;

    u_char      *p;
    ngx_int_t    n;
    ngx_str_t   *value, *group;
    ngx_uint_t   i, k;

    value = cf->args->elts;
    group = ngx_http_igjobs_groups;

    for (i = 1; i < cf->args->nelts; i++) {

        p = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        for (k = 0; p != NULL && k < NGX_HTTP_IGJOBS_PG_GROUPS; k++) {
            if (group[k].len == (size_t) (p - value[i].data)
                && ngx_strncmp(group[k].data, value[i].data, group[k].len)
                   == 0)
            {
                break;
            }
        }

        if (p == NULL || k == NGX_HTTP_IGJOBS_PG_GROUPS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown pool \"%V\" in "
                               "\"igjobs_postgres_pool\": it takes "
                               "status=N pages=N writes=N bulk=N",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        n = ngx_atoi(p + 1, value[i].data + value[i].len - p - 1);

        if (n < 1 || n > NGX_HTTP_IGJOBS_MAX_POOL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"igjobs_postgres_pool\": the number "
                               "of connections must be from 1 to %d",
                               &value[i], NGX_HTTP_IGJOBS_MAX_POOL);
            return NGX_CONF_ERROR;
        }

        if (mcf->postgres.pool[k] != NGX_CONF_UNSET_UINT) {
            return "has a pool twice";
        }

        mcf->postgres.pool[k] = n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_igjobs_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_igjobs_main_conf_t *mcf = conf;

    char       *error;
    ngx_str_t  *value;

    if (mcf->redis.hosts != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    error = ngx_http_igjobs_redis_parse(cf, &mcf->redis, &value[1]);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the address of \"igjobs_redis\" cannot be used: "
                           "%s", error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_igjobs_cors_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_igjobs_loc_conf_t *lcf = conf;

    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (lcf->cors_origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    lcf->cors_origins = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (lcf->cors_origins == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "*") != 0
            && ngx_strstr(value[i].data, "://") == NULL)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not an origin: write \"*\", \"off\" "
                               "or scheme and host, such as "
                               "\"https://app.example.com\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(lcf->cors_origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_igjobs_time_above_zero(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *time = data;

    return (*time == 0) ? "must be above 0" : NGX_CONF_OK;
}


static ngx_int_t
ngx_http_igjobs_redis_tls(ngx_conf_t *cf, ngx_http_igjobs_redis_conf_t *conf)
{
#if (NGX_SSL)

    ngx_pool_cleanup_t  *cln;

    if (!conf->tls) {
        return NGX_OK;
    }

    conf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (conf->ssl == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    conf->ssl->log = cf->log;

    if (ngx_ssl_create(conf->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = conf->ssl;

    if (conf->tls_trusted.len > 0) {
        return ngx_ssl_trusted_certificate(cf, conf->ssl, &conf->tls_trusted,
                                           9);
    }

    if (SSL_CTX_set_default_verify_paths(conf->ssl->ctx) == 0) {
        return NGX_ERROR;
    }

    return NGX_OK;

#else

    if (conf->tls) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"igjobs_redis rediss://...\" needs an nginx built "
                      "with SSL");
        return NGX_ERROR;
    }

    return NGX_OK;

#endif
}


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

    return mcf->documents ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_igjobs_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_igjobs_module);

    if (mcf == NULL) {
        return;
    }

    if (mcf->rds) {
        ngx_http_igjobs_redis_stop(mcf->rds);
    }

    if (mcf->pg) {
        ngx_http_igjobs_pg_stop(mcf->pg);
    }
}
