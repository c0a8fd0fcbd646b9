/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The directives' values: defaults, parsing, ranges, and what nginx -t says of
 * a mistake.  Runs while the configuration is read, never while serving.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_conf.h"

#include "igj_keys.h"


#define NGX_HTTP_IGJOBS_MAX_POOL  64


static ngx_int_t ngx_http_igjobs_redis_tls(ngx_conf_t *cf,
    ngx_http_igjobs_redis_conf_t *conf);


/* names of igjobs_postgres_pool, in the order of the groups */

static ngx_str_t  ngx_http_igjobs_groups[NGX_HTTP_IGJOBS_PG_GROUPS] = {
    ngx_string("status"),
    ngx_string("pages"),
    ngx_string("calls"),
    ngx_string("large_calls"),
    ngx_string("writes"),
    ngx_string("bulk")
};


void *
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
    mcf->watch.max = NGX_CONF_UNSET_UINT;
    mcf->watch.reread_time = NGX_CONF_UNSET_MSEC;
    mcf->watch.interval = NGX_CONF_UNSET_MSEC;
    mcf->events_heartbeat = NGX_CONF_UNSET_MSEC;
    mcf->max_submissions = NGX_CONF_UNSET_UINT;
    mcf->max_submission_bytes = NGX_CONF_UNSET_SIZE;

    return mcf;
}


char *
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
    ngx_conf_init_uint_value(mcf->watch.max, 65536);
    ngx_conf_init_msec_value(mcf->watch.reread_time, 5000);
    ngx_conf_init_msec_value(mcf->watch.interval, 250);
    ngx_conf_init_msec_value(mcf->events_heartbeat, 15000);
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


void *
ngx_http_igjobs_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_igjobs_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->enabled = NGX_CONF_UNSET;
    lcf->max_body_size = NGX_CONF_UNSET_SIZE;
    lcf->max_ingest_size = NGX_CONF_UNSET_SIZE;
    lcf->min_body_rate = NGX_CONF_UNSET_SIZE;
    lcf->cors_origins = NGX_CONF_UNSET_PTR;
    lcf->max_wait = NGX_CONF_UNSET;
    lcf->sync_answers = NGX_CONF_UNSET;
    lcf->operation_wait = NGX_CONF_UNSET_MSEC;
    lcf->sync_timeout = NGX_CONF_UNSET_MSEC;
    lcf->sync_max_rows = NGX_CONF_UNSET_UINT;

    return lcf;
}


char *
ngx_http_igjobs_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_igjobs_loc_conf_t *prev = parent;
    ngx_http_igjobs_loc_conf_t *conf = child;

    ngx_conf_merge_size_value(conf->max_body_size, prev->max_body_size,
                              IGJ_MAX_BODY_SIZE);
    ngx_conf_merge_size_value(conf->max_ingest_size, prev->max_ingest_size,
                              IGJ_MAX_INGEST_SIZE);
    ngx_conf_merge_size_value(conf->min_body_rate, prev->min_body_rate,
                              IGJ_MIN_BODY_RATE);
    ngx_conf_merge_ptr_value(conf->cors_origins, prev->cors_origins, NULL);
    ngx_conf_merge_sec_value(conf->max_wait, prev->max_wait, IGJ_MAX_WAIT_S);
    ngx_conf_merge_value(conf->sync_answers, prev->sync_answers, 0);
    ngx_conf_merge_msec_value(conf->operation_wait, prev->operation_wait,
                              IGJ_OPERATION_WAIT_MS);
    ngx_conf_merge_msec_value(conf->sync_timeout, prev->sync_timeout,
                              IGJ_SYNC_TIMEOUT_MS);
    ngx_conf_merge_uint_value(conf->sync_max_rows, prev->sync_max_rows,
                              IGJ_SYNC_MAX_ROWS);

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

ngx_int_t
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


char *
ngx_http_igjobs_conf_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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


char *
ngx_http_igjobs_conf_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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


char *
ngx_http_igjobs_conf_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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
                               "status=N pages=N calls=N large_calls=N "
                               "writes=N bulk=N",
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


char *
ngx_http_igjobs_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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


char *
ngx_http_igjobs_conf_cors_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
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


char *
ngx_http_igjobs_conf_time_above_zero(ngx_conf_t *cf, void *post, void *data)
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
