/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/job-status/<job>: the status document of a job, as it stands in the
 * job's row, with its version as ETag and advice when to ask again; at once, or
 * when the job has ended or changed, if the client wants to wait.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_hold.h"
#include "ngx_http_igjobs_status.h"


/* a job's age in seconds divided by this is the advised poll interval */
#define NGX_HTTP_IGJOBS_POLL_SHARE  10


typedef struct {
    ngx_http_igjobs_document_waiter_t   waiter;
    igj_uuid_t                          job;
    ngx_int_t                           rc;      /* if it was known at once */
    unsigned                            async:1;
} ngx_http_igjobs_status_t;


static ngx_int_t ngx_http_igjobs_status_now(ngx_http_request_t *r,
    const igj_uuid_t *job);
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
static ngx_int_t ngx_http_igjobs_status_wait(ngx_http_request_t *r,
    const igj_uuid_t *job, const ngx_http_igjobs_wish_t *wish);
static ngx_uint_t ngx_http_igjobs_status_changed(ngx_http_igjobs_hold_t *hold,
    const ngx_str_t *doc);
static void ngx_http_igjobs_status_waited(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);
static ngx_uint_t ngx_http_igjobs_status_known(ngx_http_request_t *r,
    const ngx_str_t *doc);


ngx_int_t
ngx_http_igjobs_status(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_str_t               *id;
    igj_form_e               error;
    igj_uuid_t               job;
    const char              *bad;
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_wish_t   wish;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    id = &ctx->params[0];

    if (igj_uuid_parse((char *) id->data, id->len, &job) != IGJ_OK) {
        return ngx_http_igjobs_job_not_found(r, id);
    }

    error = ngx_http_igjobs_hold_wish(r, &wish, &bad);
    if (error != IGJ_FORM_OK) {
        return ngx_http_igjobs_bad_parameter(r, bad, error);
    }

    if (wish.seconds > 0) {
        rc = ngx_http_igjobs_status_wait(r, &job, &wish);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_http_igjobs_status_now(r, &job);
}


static ngx_int_t
ngx_http_igjobs_status_now(ngx_http_request_t *r, const igj_uuid_t *job)
{
    ngx_int_t                     rc;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_status_t     *status;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    status = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_status_t));
    if (status == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status->job = *job;
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


/* NGX_DECLINED: no room to wait */

static ngx_int_t
ngx_http_igjobs_status_wait(ngx_http_request_t *r, const igj_uuid_t *job,
    const ngx_http_igjobs_wish_t *wish)
{
    ngx_http_igjobs_hold_t  *hold;

    hold = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_hold_t));

    if (hold == NULL || ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    hold->wish = *wish;
    hold->job = *job;
    hold->time = (ngx_msec_t) wish->seconds * 1000;
    hold->handler = ngx_http_igjobs_status_waited;

    if (wish->for_change) {
        hold->enough = ngx_http_igjobs_status_changed;
    }

    if (ngx_http_igjobs_hold_start(r, hold) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_http_igjobs_wait(r);
}


/* since the document that the client has, or else since it asked */

static ngx_uint_t
ngx_http_igjobs_status_changed(ngx_http_igjobs_hold_t *hold,
    const ngx_str_t *doc)
{
    ngx_http_request_t  *r;

    if (hold->known > 0) {
        return ngx_http_igjobs_hold_changed(hold, doc);
    }

    r = hold->request;
    hold->known = hold->watch.version;

    return r->headers_in.if_none_match != NULL
           && !ngx_http_igjobs_status_known(r, doc);
}


static void
ngx_http_igjobs_status_waited(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_int_t               rc;
    ngx_uint_t              status;
    ngx_http_request_t     *r;
    ngx_http_igjobs_ctx_t  *ctx;

    r = hold->request;
    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND) {
        rc = ngx_http_igjobs_status_problem(r, &ctx->params[0], found);
        ngx_http_igjobs_hold_finish(hold, rc);
        return;
    }

    /* what the client has already is a 200 here, and so a 304 */

    status = (over == NGX_HTTP_IGJOBS_HOLD_ENDED
              || ngx_http_igjobs_status_known(r, doc))
             ? NGX_HTTP_OK : NGX_HTTP_ACCEPTED;

    if ((over != NGX_HTTP_IGJOBS_HOLD_RESTART
         && ngx_http_igjobs_hold_applied(hold, 0) != NGX_OK)
        || (status == NGX_HTTP_ACCEPTED
            && ngx_http_igjobs_status_location(r, &hold->job) != NGX_OK))
    {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else {
        rc = ngx_http_igjobs_status_answer(r, status, &hold->job, doc);
    }

    ngx_http_igjobs_hold_finish(hold, rc);
}


/* a tag has no quotes inside, so this is one of the list, weak or strong */

static ngx_uint_t
ngx_http_igjobs_status_known(ngx_http_request_t *r, const ngx_str_t *doc)
{
    u_char            tag[NGX_INT64_LEN + sizeof("\"\"")];
    ngx_table_elt_t  *tags;

    tags = r->headers_in.if_none_match;

    if (tags == NULL) {
        return 0;
    }

    if (tags->value.len == 1 && tags->value.data[0] == '*') {
        return 1;
    }

    *ngx_sprintf(tag, "\"%uL\"", ngx_http_igjobs_document_version(doc))
        = '\0';

    return ngx_strnstr(tags->value.data, (char *) tag, tags->value.len)
           != NULL;
}


ngx_int_t
ngx_http_igjobs_status_location(ngx_http_request_t *r, const igj_uuid_t *job)
{
    u_char     *p;
    ngx_str_t   value;

    value.len = sizeof(NGX_HTTP_IGJOBS_STATUS_PATH) - 1 + IGJ_UUID_TEXT_LEN;
    value.data = ngx_pnalloc(r->pool, value.len);

    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(value.data, NGX_HTTP_IGJOBS_STATUS_PATH,
                   sizeof(NGX_HTTP_IGJOBS_STATUS_PATH) - 1);
    igj_uuid_print(job, (char *) p);

    return ngx_http_igjobs_header(r, "Location", &value);
}
