/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Calls that start an operation, a job that a worker does
 * (sql/031_operations.sql): whether their client waits for its end, and what it
 * is answered then, which is what GET /api/operations/{id} says.  Whatever goes
 * wrong while it waits, the operation goes on: the answer is the call's own
 * 202.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"
#include "ngx_http_igjobs_hold.h"


#define NGX_HTTP_IGJOBS_OPERATION_JOB  2     /* column of a call's answer */


static ngx_msec_t ngx_http_igjobs_operation_time(ngx_http_request_t *r,
    ngx_http_igjobs_wish_t *wish);
static void ngx_http_igjobs_operation_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_operation_ask(ngx_http_igjobs_hold_t *hold);
static void ngx_http_igjobs_operation_told(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_operation_accepted(
    ngx_http_igjobs_hold_t *hold);


ngx_int_t
ngx_http_igjobs_operation_wish(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_msec_t               time;
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_wish_t   wish;

    rc = ngx_http_igjobs_hold_ask(r, &wish);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    time = ngx_http_igjobs_operation_time(r, &wish);

    if (time == 0) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    ctx->hold = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_hold_t));
    if (ctx->hold == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->hold->wish = wish;
    ctx->hold->time = time;

    return NGX_DECLINED;
}


/*
 * 0: the client is not to wait; a time of its own counts most.  Who reads the
 * answer of an operation polls, unless it names a time.
 */

static ngx_msec_t
ngx_http_igjobs_operation_time(ngx_http_request_t *r,
    ngx_http_igjobs_wish_t *wish)
{
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_loc_conf_t  *lcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    wish->for_change = 0;

    if (wish->seconds > 0) {
        return (ngx_msec_t) wish->seconds * 1000;
    }

    if (wish->respond_async) {
        return 0;
    }

    return (ctx->route->flags & NGX_HTTP_IGJOBS_WAITS)
           || (wish->sync && r->method == NGX_HTTP_POST)
           ? lcf->operation_wait : 0;
}


ngx_int_t
ngx_http_igjobs_operation_wait(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result)
{
    ngx_str_t                job, body;
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_hold_t  *hold;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    hold = ctx->hold;

    if (hold == NULL
        || ngx_http_igjobs_pg_columns(result) <= NGX_HTTP_IGJOBS_OPERATION_JOB
        || ngx_http_igjobs_pg_is_null(result, 0,
                                      NGX_HTTP_IGJOBS_OPERATION_JOB))
    {
        return NGX_DECLINED;
    }

    job = ngx_http_igjobs_pg_value(result, 0, NGX_HTTP_IGJOBS_OPERATION_JOB);
    body = ngx_http_igjobs_pg_value(result, 0, 1);

    hold->accepted.len = body.len + 1;
    hold->accepted.data = ngx_pnalloc(r->pool, hold->accepted.len);

    if (hold->accepted.data == NULL
        || igj_uuid_parse((char *) job.data, job.len, &hold->job) != IGJ_OK)
    {
        return NGX_DECLINED;
    }

    *ngx_cpymem(hold->accepted.data, body.data, body.len) = '\n';

    hold->request = r;
    hold->handler = ngx_http_igjobs_operation_over;
    r->disable_not_modified = 1;

    return ngx_http_igjobs_hold_start(r, hold) == NGX_OK ? NGX_OK
                                                         : NGX_DECLINED;
}


static void
ngx_http_igjobs_operation_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    (void) found;
    (void) doc;

    ngx_http_igjobs_hold_leave(hold);

    if (over != NGX_HTTP_IGJOBS_HOLD_ENDED
        || ngx_http_igjobs_operation_ask(hold) != NGX_OK)
    {
        ngx_http_igjobs_finish(hold->request,
                               ngx_http_igjobs_operation_accepted(hold));
    }
}


static ngx_int_t
ngx_http_igjobs_operation_ask(ngx_http_igjobs_hold_t *hold)
{
    char                        caller[NGX_HTTP_IGJOBS_CALLER_SIZE];
    char                        params[64 + IGJ_UUID_TEXT_LEN];
    char                        id[IGJ_UUID_TEXT_LEN];
    igj_json_t                  json;
    ngx_http_igjobs_pg_param_t  values[2];

    igj_uuid_print(&hold->job, id);

    igj_json_init(&json, params, sizeof(params));
    igj_json_object_begin(&json);
    igj_json_key(&json, "operation");
    igj_json_string(&json, id, sizeof(id));
    igj_json_object_end(&json);

    ngx_memzero(values, sizeof(values));
    values[0].data = caller;
    values[0].len = ngx_http_igjobs_call_caller(hold->request, caller);
    values[1].data = params;
    values[1].len = json.len;

    return ngx_http_igjobs_ask_pg(hold->request,
                                  NGX_HTTP_IGJOBS_SQL_API_OPERATION, values,
                                  ngx_http_igjobs_operation_told);
}


static void
ngx_http_igjobs_operation_told(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_hold_t  *hold;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_call_answer(r, reply);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    hold = ctx->hold;

    ngx_http_igjobs_finish(r, ngx_http_igjobs_operation_accepted(hold));
}


static ngx_int_t
ngx_http_igjobs_operation_accepted(ngx_http_igjobs_hold_t *hold)
{
    ngx_str_t  body;

    if (ngx_http_igjobs_header_text(hold->request, "Cache-Control",
                                    "private, no-cache")
           != NGX_OK
        || ngx_http_igjobs_retry_after(hold->request, IGJ_RETRY_AFTER_MIN_S)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body = hold->accepted;

    return ngx_http_igjobs_reply_json(hold->request, NGX_HTTP_ACCEPTED, &body);
}
