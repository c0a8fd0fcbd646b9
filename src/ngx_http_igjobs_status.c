/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/job-status/<job>: the status document of a job, as it stands in the
 * job's row, with its version as ETag and advice when to ask again.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_status.h"


/* a job's age in seconds divided by this is the advised poll interval */
#define NGX_HTTP_IGJOBS_POLL_SHARE  10


typedef struct {
    ngx_http_igjobs_document_waiter_t   waiter;
    igj_uuid_t                          job;
    ngx_int_t                           rc;      /* if it was known at once */
    unsigned                            async:1;
} ngx_http_igjobs_status_t;


static void ngx_http_igjobs_status_leave(ngx_http_igjobs_ctx_t *ctx);
static void ngx_http_igjobs_status_done(void *data,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_status_reply(ngx_http_request_t *r,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_status_headers(ngx_http_request_t *r,
    const igj_uuid_t *job, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_status_etag(ngx_http_request_t *r,
    const ngx_str_t *doc);
static ngx_uint_t ngx_http_igjobs_status_interval(const igj_uuid_t *job);


ngx_int_t
ngx_http_igjobs_status(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_str_t                    *id;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_status_t     *status;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    status = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_status_t));
    if (status == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    id = &ctx->params[0];

    if (igj_uuid_parse((char *) id->data, id->len, &status->job) != IGJ_OK) {
        return ngx_http_igjobs_job_not_found(r, id);
    }

    status->waiter.handler = ngx_http_igjobs_status_done;
    status->waiter.data = ctx;
    ctx->data = status;
    ctx->leave = ngx_http_igjobs_status_leave;

    if (ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_igjobs_document_get(mcf->documents, &ctx->tenant,
                                      &status->job, &status->waiter);

    if (rc == NGX_OK) {
        return status->rc;
    }

    if (rc == NGX_ERROR) {
        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_DATABASE_UNAVAILABLE);
    }

    status->async = 1;

    return ngx_http_igjobs_wait(r);
}


static void
ngx_http_igjobs_status_leave(ngx_http_igjobs_ctx_t *ctx)
{
    ngx_http_igjobs_status_t  *status;

    status = ctx->data;
    ngx_http_igjobs_document_leave(&status->waiter);
}


static void
ngx_http_igjobs_status_done(void *data, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_http_igjobs_ctx_t  *ctx = data;

    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_igjobs_status_t  *status;

    r = ctx->request;
    status = ctx->data;

    if (!status->async) {
        status->rc = ngx_http_igjobs_status_reply(r, found, doc);
        return;
    }

    c = ngx_http_igjobs_wake(r);
    ngx_http_igjobs_finish(r, ngx_http_igjobs_status_reply(r, found, doc));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_igjobs_status_reply(ngx_http_request_t *r,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc)
{
    ngx_http_igjobs_ctx_t     *ctx;
    ngx_http_igjobs_status_t  *status;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    status = ctx->data;

    if (found == NGX_HTTP_IGJOBS_DOCUMENT_FOUND) {
        return ngx_http_igjobs_status_answer(r, NGX_HTTP_OK, &status->job,
                                             doc);
    }

    return ngx_http_igjobs_status_problem(r, &ctx->params[0], found);
}


ngx_int_t
ngx_http_igjobs_status_problem(ngx_http_request_t *r, ngx_str_t *job,
    ngx_http_igjobs_document_e found)
{
    if (found == NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN) {
        return ngx_http_igjobs_job_not_found(r, job);
    }

    return ngx_http_igjobs_problem(r,
                            (found == NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE)
                            ? IGJ_PROBLEM_DATABASE_UNAVAILABLE
                            : IGJ_PROBLEM_INTERNAL);
}


ngx_int_t
ngx_http_igjobs_status_answer(ngx_http_request_t *r, ngx_uint_t status,
    const igj_uuid_t *job, const ngx_str_t *doc)
{
    if (ngx_http_igjobs_status_headers(r, job, doc) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_reply_line(r, status, doc);
}


static ngx_int_t
ngx_http_igjobs_status_headers(ngx_http_request_t *r, const igj_uuid_t *job,
    const ngx_str_t *doc)
{
    if (ngx_http_igjobs_status_etag(r, doc) != NGX_OK
        || ngx_http_igjobs_header_text(r, "Cache-Control", "private, no-cache")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_document_final(doc)) {
        return NGX_OK;
    }

    return ngx_http_igjobs_retry_after(r,
                                       ngx_http_igjobs_status_interval(job));
}


/* nginx's own filter makes a 304 of a 200 whose tag the client has already */

static ngx_int_t
ngx_http_igjobs_status_etag(ngx_http_request_t *r, const ngx_str_t *doc)
{
    ngx_str_t         value;
    ngx_table_elt_t  *etag;

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof("W/\"\""));
    etag = ngx_list_push(&r->headers_out.headers);

    if (value.data == NULL || etag == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "W/\"%uL\"",
                            ngx_http_igjobs_document_version(doc))
                - value.data;

    etag->hash = 1;
    ngx_str_set(&etag->key, "ETag");
    etag->value = value;
    r->headers_out.etag = etag;

    return NGX_OK;
}


/* the id of a job tells when it was made */

static ngx_uint_t
ngx_http_igjobs_status_interval(const igj_uuid_t *job)
{
    int64_t  seconds;

    seconds = (int64_t) ngx_time() - (int64_t) (igj_uuid_msec(job) / 1000);
    seconds /= NGX_HTTP_IGJOBS_POLL_SHARE;

    seconds = ngx_max(seconds, IGJ_RETRY_AFTER_MIN_S);

    return (ngx_uint_t) ngx_min(seconds, IGJ_RETRY_AFTER_MAX_S);
}
