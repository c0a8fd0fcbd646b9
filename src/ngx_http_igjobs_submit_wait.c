/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What a submission that was stored is answered, and when: 202 at once, or, for
 * a client that waits, the job's status when it has ended; the results
 * themselves are ngx_http_igjobs_sync.c's.  Whatever goes wrong from here on,
 * the job is stored: the answer is never worse than the 202.
 */

#include "ngx_http_igjobs_hold.h"
#include "ngx_http_igjobs_status.h"
#include "ngx_http_igjobs_submission.h"
#include "ngx_http_igjobs_sync.h"


/* of a job that was just submitted */
#define NGX_HTTP_IGJOBS_FIRST_VERSION  1


static void ngx_http_igjobs_submit_waited(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);


ngx_int_t
ngx_http_igjobs_submit_wish(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_wish_t   wish;

    rc = ngx_http_igjobs_hold_ask(r, &wish);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (wish.seconds == 0 && !wish.sync) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    ctx->hold = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_hold_t));
    if (ctx->hold == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->hold->wish = wish;

    return NGX_DECLINED;
}


void
ngx_http_igjobs_submit_answer(ngx_http_request_t *r, const igj_uuid_t *job,
    const ngx_str_t *accepted)
{
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_hold_t  *hold;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    hold = ctx->hold;

    if (hold == NULL) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_submit_accept(r, job,
                                                                accepted));
        return;
    }

    hold->request = r;
    hold->job = *job;
    hold->accepted = *accepted;
    hold->known = NGX_HTTP_IGJOBS_FIRST_VERSION;

    /* nothing of this is for the tags that a client may send */

    r->disable_not_modified = 1;

    if (hold->wish.sync) {
        ngx_http_igjobs_sync_prepare(r, hold);

    } else {
        hold->time = (ngx_msec_t) hold->wish.seconds * 1000;
        hold->handler = ngx_http_igjobs_submit_waited;
        hold->enough = hold->wish.for_change ? ngx_http_igjobs_hold_changed
                                             : NULL;
    }

    if (ngx_http_igjobs_hold_start(r, hold) != NGX_OK) {
        hold->handler(hold, NGX_HTTP_IGJOBS_HOLD_FULL,
                      NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE, NULL);
    }
}


static void
ngx_http_igjobs_submit_waited(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    (void) found;

    r = hold->request;

    if (over <= NGX_HTTP_IGJOBS_HOLD_TIMEOUT
        && ngx_http_igjobs_hold_applied(hold, 0) != NGX_OK)
    {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else if (over == NGX_HTTP_IGJOBS_HOLD_ENDED) {
        rc = ngx_http_igjobs_status_answer(r, NGX_HTTP_OK, &hold->job, doc);

    } else {
        rc = ngx_http_igjobs_submit_accept(r, &hold->job, &hold->accepted);
    }

    ngx_http_igjobs_hold_finish(hold, rc);
}


ngx_int_t
ngx_http_igjobs_submit_accept(ngx_http_request_t *r, const igj_uuid_t *job,
    const ngx_str_t *accepted)
{
    ngx_str_t  body;

    if (ngx_http_igjobs_status_location(r, job) != NGX_OK
        || ngx_http_igjobs_retry_after(r, IGJ_RETRY_AFTER_MIN_S) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body = *accepted;

    return ngx_http_igjobs_reply_json(r, NGX_HTTP_ACCEPTED, &body);
}
