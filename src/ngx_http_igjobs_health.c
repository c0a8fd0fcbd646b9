/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Health: /health and /healthz answer what clients of the original expect and
 * check nothing; /livez says that this nginx worker turns; /readyz asks
 * Postgres.  Redis away is a warning only: jobs are still taken.
 */

#include "ngx_http_igjobs.h"


static ngx_int_t ngx_http_igjobs_check(ngx_http_request_t *r,
    ngx_uint_t postgres);
static void ngx_http_igjobs_readyz_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_text(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);
static ngx_uint_t ngx_http_igjobs_verbose(ngx_http_request_t *r);


ngx_int_t
ngx_http_igjobs_health(ngx_http_request_t *r)
{
    char                         *buf;
    size_t                        size;
    ngx_str_t                     body;
    igj_json_t                    json;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    size = 128 + igj_json_string_max(mcf->service_name.len)
           + igj_json_string_max(mcf->service_version.len);

    buf = ngx_pnalloc(r->pool, size);
    if (buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    igj_json_init(&json, buf, size);
    igj_json_object_begin(&json);
    igj_json_member_text(&json, "status", "healthy");
    igj_json_key(&json, "service");
    igj_json_string(&json, (char *) mcf->service_name.data,
                    mcf->service_name.len);
    igj_json_key(&json, "version");
    igj_json_string(&json, (char *) mcf->service_version.data,
                    mcf->service_version.len);
    igj_json_member_boolean(&json, "async_enabled", 1);
    igj_json_object_end(&json);
    igj_json_raw(&json, "\n", 1);

    body.data = (u_char *) buf;
    body.len = json.len;

    return ngx_http_igjobs_reply_json(r, NGX_HTTP_OK, &body);
}


ngx_int_t
ngx_http_igjobs_healthz(ngx_http_request_t *r)
{
    ngx_str_t  body;

    ngx_str_set(&body, "ok");

    return ngx_http_igjobs_reply(r, NGX_HTTP_OK, "text/html", &body);
}


ngx_int_t
ngx_http_igjobs_livez(ngx_http_request_t *r)
{
    return ngx_http_igjobs_text(r, NGX_HTTP_OK,
                                ngx_http_igjobs_verbose(r)
                                ? "[+]event loop ok\nlivez check passed\n"
                                : "ok");
}


ngx_int_t
ngx_http_igjobs_readyz(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (mcf->pg == NULL) {
        return ngx_http_igjobs_check(r, 0);
    }

    rc = ngx_http_igjobs_wait(r);

    if (rc == NGX_DONE
        && ngx_http_igjobs_ask_pg(r, NGX_HTTP_IGJOBS_SQL_PING, NULL,
                                  ngx_http_igjobs_readyz_done)
           != NGX_OK)
    {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_check(r, 0));
    }

    return rc;
}


static void
ngx_http_igjobs_readyz_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_finish(r,
              ngx_http_igjobs_check(r,
                                reply->outcome == NGX_HTTP_IGJOBS_PG_OK));
}


static ngx_int_t
ngx_http_igjobs_check(ngx_http_request_t *r, ngx_uint_t postgres)
{
    u_char                       *text;
    ngx_uint_t                    status, redis;
    const char                   *state;
    ngx_http_igjobs_main_conf_t  *mcf;

    status = postgres ? NGX_HTTP_OK : NGX_HTTP_SERVICE_UNAVAILABLE;

    if (!ngx_http_igjobs_verbose(r)) {
        return ngx_http_igjobs_text(r, status,
                                    postgres ? "ok" : "not ready");
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    redis = ngx_http_igjobs_redis_ready(mcf->rds);
    state = redis ? "[+]redis ok" : "[!]redis away, jobs are taken without it";

    if (mcf->rds == NULL) {
        state = "[ ]redis not configured";
    }

    text = ngx_pnalloc(r->pool, 256);
    if (text == NULL) {
        return NGX_ERROR;
    }

    *ngx_snprintf(text, 255, "%s\n%s\nreadyz check %s\n",
                  postgres ? "[+]postgres ok" : "[-]postgres failed", state,
                  postgres ? "passed" : "failed")
        = '\0';

    return ngx_http_igjobs_text(r, status, (char *) text);
}


static ngx_int_t
ngx_http_igjobs_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_str_t  body;

    body.data = (u_char *) text;
    body.len = ngx_strlen(text);

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_http_igjobs_retry_after(r, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_reply(r, status, "text/plain", &body);
}


static ngx_uint_t
ngx_http_igjobs_verbose(ngx_http_request_t *r)
{
    ngx_str_t  value;

    if (ngx_http_arg(r, (u_char *) "verbose", 7, &value) == NGX_OK) {
        return 1;
    }

    return r->args.len == 7 && ngx_strncmp(r->args.data, "verbose", 7) == 0;
}
