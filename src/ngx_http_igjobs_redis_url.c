/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The address of Redis, taken apart at configuration time. */

#include "ngx_http_igjobs_redis.h"

#include "igj_redis_url.h"


static ngx_int_t ngx_http_igjobs_redis_copy(ngx_conf_t *cf, ngx_str_t *to,
    const char *text);


char *
ngx_http_igjobs_redis_parse(ngx_conf_t *cf, ngx_http_igjobs_redis_conf_t *conf,
    ngx_str_t *text)
{
    const char              *why;
    igj_redis_url_t          url;
    ngx_http_igjobs_host_t  *host;

    if (igj_redis_url_parse(&url, (char *) text->data, text->len, &why)
        != IGJ_OK)
    {
        return (char *) why;
    }

    conf->hosts = ngx_array_create(cf->pool, 1, sizeof(ngx_http_igjobs_host_t));
    if (conf->hosts == NULL) {
        return "no memory";
    }

    host = ngx_array_push(conf->hosts);
    if (host == NULL) {
        return "no memory";
    }

    ngx_memzero(host, sizeof(ngx_http_igjobs_host_t));

    host->port = (in_port_t) url.port;
    conf->tls = url.tls;
    conf->database = url.db;

    if (ngx_http_igjobs_redis_copy(cf, &host->name,
                                   url.is_unix ? url.path : url.host)
        != NGX_OK
        || ngx_http_igjobs_redis_copy(cf, &conf->user, url.user) != NGX_OK
        || ngx_http_igjobs_redis_copy(cf, &conf->password, url.password)
           != NGX_OK)
    {
        return "no memory";
    }

    return NULL;
}


static ngx_int_t
ngx_http_igjobs_redis_copy(ngx_conf_t *cf, ngx_str_t *to, const char *text)
{
    to->len = ngx_strlen(text);
    to->data = ngx_pnalloc(cf->pool, to->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, text, to->len + 1);

    return NGX_OK;
}
