/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A request's way: route -> admit -> operation; and what every operation that
 * waits has in common: the reference to the request, noticing a client that
 * leaves, waking up, ending.
 *
 * The request may end at any time before a backend has answered.  Its cleanup
 * detaches what is in flight; what is in flight lives in memory of its own.
 */

#include "ngx_http_igjobs.h"

#include "igj_keys.h"


static ngx_int_t ngx_http_igjobs_admit(ngx_http_request_t *r,
    ngx_http_igjobs_ctx_t *ctx);
static ngx_int_t ngx_http_igjobs_tenant(ngx_http_request_t *r,
    ngx_http_igjobs_ctx_t *ctx);
static ngx_int_t ngx_http_igjobs_no_route(ngx_http_request_t *r, ngx_int_t rc,
    ngx_uint_t allowed);
static void ngx_http_igjobs_cleanup(void *data);
static void ngx_http_igjobs_pg_answered(void *data,
    ngx_http_igjobs_pg_reply_t *reply);


ngx_int_t
ngx_http_igjobs_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_uint_t                      allowed;
    ngx_http_igjobs_ctx_t          *ctx;
    const ngx_http_igjobs_route_t  *route;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_igjobs_module);

    rc = ngx_http_igjobs_route(r, &route, ctx->params, &allowed);

    /* a body that nobody reads must not be taken for the next request */

    if (rc != NGX_OK || !(route->flags & NGX_HTTP_IGJOBS_BODY)) {
        ctx->unread = 1;

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }
    }

    if (ngx_http_igjobs_cors(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_igjobs_no_route(r, rc, allowed);
    }

    ctx->route = route;

    rc = ngx_http_igjobs_admit(r, ctx);

    return (rc == NGX_DECLINED) ? route->operation(r) : rc;
}


static ngx_int_t
ngx_http_igjobs_no_route(ngx_http_request_t *r, ngx_int_t rc,
    ngx_uint_t allowed)
{
    if (rc == NGX_DECLINED) {
        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_NOT_FOUND);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_igjobs_options(r, allowed);
    }

    if (ngx_http_igjobs_allow(r, allowed) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_igjobs_problem(r, IGJ_PROBLEM_METHOD_NOT_ALLOWED);
}


/* NGX_DECLINED: go on; else the request was answered */

static ngx_int_t
ngx_http_igjobs_admit(ngx_http_request_t *r, ngx_http_igjobs_ctx_t *ctx)
{
    ngx_int_t                     rc;
    igj_problem_e                 problem;
    ngx_http_igjobs_main_conf_t  *mcf;

    if (ctx->route->flags & NGX_HTTP_IGJOBS_OPEN) {
        return NGX_DECLINED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (mcf->pg == NULL) {
        problem = IGJ_PROBLEM_SHUTTING_DOWN;

    } else {
        rc = ngx_http_igjobs_tenant(r, ctx);

        if (rc == NGX_OK) {
            return NGX_DECLINED;
        }

        problem = (rc == NGX_DECLINED) ? IGJ_PROBLEM_BAD_TENANT
                                       : IGJ_PROBLEM_INTERNAL;
    }

    if (!ctx->unread && ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    return ngx_http_igjobs_problem(r, problem);
}


static ngx_int_t
ngx_http_igjobs_tenant(ngx_http_request_t *r, ngx_http_igjobs_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    tenant;
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    if (lcf->tenant == NULL) {
        ngx_str_set(&ctx->tenant, NGX_HTTP_IGJOBS_DEFAULT_TENANT);
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, lcf->tenant, &tenant) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!igj_tenant_valid((char *) tenant.data, tenant.len)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "igjobs: \"%V\" is not a valid tenant, "
                      "from igjobs_tenant", &tenant);
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, tenant.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->tenant.data = p;
    ctx->tenant.len = tenant.len;
    *ngx_cpymem(p, tenant.data, tenant.len) = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_igjobs_wait(ngx_http_request_t *r)
{
    if (ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;
    ngx_http_igjobs_watch_client(r);

    return NGX_DONE;
}


ngx_int_t
ngx_http_igjobs_prepare(ngx_http_request_t *r)
{
    ngx_http_cleanup_t     *cln;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (ctx->request != NULL) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_igjobs_cleanup;
    cln->data = ctx;
    ctx->request = r;

    return NGX_OK;
}


void
ngx_http_igjobs_watch_client(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    /* a body that is still being thrown away has the read handler */

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;

        /* who has left already did so in an event that does not come again */

        rev = r->connection->read;

        if (rev->ready) {
            ngx_post_event(rev, &ngx_posted_events);
        }
    }

    r->write_event_handler = ngx_http_request_empty_handler;
}


static void
ngx_http_igjobs_cleanup(void *data)
{
    ngx_http_igjobs_ctx_t  *ctx = data;

    if (ctx->pg_op) {
        ngx_http_igjobs_pg_detach(ctx->pg_op);
        ctx->pg_op = NULL;
    }

    if (ctx->leave) {
        ctx->leave(ctx);
    }
}


ngx_int_t
ngx_http_igjobs_ask_pg(ngx_http_request_t *r, ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params, ngx_http_igjobs_pg_done_pt done)
{
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->pg_done = done;
    ctx->pg_op = ngx_http_igjobs_pg_query(mcf->pg, statement, params,
                                          ngx_http_igjobs_pg_answered, ctx);

    return ctx->pg_op ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_igjobs_pg_answered(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ctx_t  *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    ctx->pg_op = NULL;

    c = ngx_http_igjobs_wake(r);
    ctx->pg_done(r, reply);
    ngx_http_run_posted_requests(c);
}


ngx_connection_t *
ngx_http_igjobs_wake(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;
    ngx_http_set_log_request(c->log, r);

    return c;
}


void
ngx_http_igjobs_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_finalize_request(r, rc);
}
