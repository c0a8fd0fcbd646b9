/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * See ngx_http_igjobs_hold.h.  The timer is an ordinary one, so that an nginx
 * worker that shuts down does not close waiting requests; the watch hub, which
 * knows of the shut-down, ends them within a second.
 */

#include "ngx_http_igjobs_hold.h"

#include "igj_prefer.h"


static void ngx_http_igjobs_hold_prefer(ngx_http_request_t *r,
    igj_prefer_t *prefer);
static igj_form_e ngx_http_igjobs_hold_query(ngx_http_request_t *r,
    int64_t *seconds, const char **bad);
static void ngx_http_igjobs_hold_news(void *data,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static void ngx_http_igjobs_hold_timeout(ngx_event_t *ev);
static void ngx_http_igjobs_hold_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);
static void ngx_http_igjobs_hold_gone(ngx_http_igjobs_ctx_t *ctx);


igj_form_e
ngx_http_igjobs_hold_wish(ngx_http_request_t *r, ngx_http_igjobs_wish_t *wish,
    const char **bad)
{
    int64_t                      seconds;
    igj_form_e                   error;
    igj_prefer_t                 prefer;
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    igj_prefer_init(&prefer);
    ngx_http_igjobs_hold_prefer(r, &prefer);

    seconds = ngx_max(prefer.wait, 0);

    if (r->args.len > 0) {
        error = ngx_http_igjobs_hold_query(r, &seconds, bad);
        if (error != IGJ_FORM_OK) {
            return error;
        }
    }

    wish->seconds = (time_t) ngx_min(seconds, (int64_t) lcf->max_wait);
    wish->for_change = prefer.for_change && wish->seconds > 0;
    wish->respond_async = prefer.respond_async;
    wish->sync_named = prefer.sync && !prefer.respond_async;
    wish->sync = wish->sync_named
                 || (lcf->sync_answers && !prefer.respond_async);

    return IGJ_FORM_OK;
}


ngx_int_t
ngx_http_igjobs_hold_ask(ngx_http_request_t *r, ngx_http_igjobs_wish_t *wish)
{
    igj_form_e   error;
    const char  *bad;

    error = ngx_http_igjobs_hold_wish(r, wish, &bad);

    if (error == IGJ_FORM_OK) {
        return NGX_DECLINED;
    }

    /* a body that nobody reads must not be taken for the next request */

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    return ngx_http_igjobs_bad_parameter(r, bad, error);
}


static void
ngx_http_igjobs_hold_prefer(ngx_http_request_t *r, igj_prefer_t *prefer)
{
    igj_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != sizeof("prefer") - 1
                || ngx_strncmp(h[i].lowcase_key, "prefer", h[i].key.len) != 0)
            {
                continue;
            }

            value.data = (char *) h[i].value.data;
            value.len = h[i].value.len;
            igj_prefer_read(prefer, value);
        }
    }
}


static igj_form_e
ngx_http_igjobs_hold_query(ngx_http_request_t *r, int64_t *seconds,
    const char **bad)
{
    igj_str_t                 query;
    igj_form_e                error;
    ngx_uint_t                i;
    static const char *const  names[] = { "wait", "waitForFinish" };

    query.data = (char *) r->args.data;
    query.len = r->args.len;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        *bad = names[i];
        error = igj_form_integer(query, names[i], 0, INT64_MAX, seconds);

        if (error != IGJ_FORM_ABSENT) {
            return error;
        }
    }

    return IGJ_FORM_OK;
}


ngx_int_t
ngx_http_igjobs_hold_start(ngx_http_request_t *r, ngx_http_igjobs_hold_t *hold)
{
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    hold->request = r;
    hold->watch.handler = ngx_http_igjobs_hold_news;
    hold->watch.data = hold;

    if (ngx_http_igjobs_watch(mcf->watches, &ctx->tenant, &hold->job,
                              &hold->watch)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->hold = hold;
    ctx->leave = ngx_http_igjobs_hold_gone;

    hold->timer.handler = ngx_http_igjobs_hold_timeout;
    hold->timer.data = hold;
    hold->timer.log = r->connection->log;

    ngx_add_timer(&hold->timer, hold->time);

    return NGX_OK;
}


static void
ngx_http_igjobs_hold_news(void *data, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_http_igjobs_hold_t *hold = data;

    if (found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND) {
        ngx_http_igjobs_hold_over(hold, hold->watch.ending
                                        ? NGX_HTTP_IGJOBS_HOLD_RESTART
                                        : NGX_HTTP_IGJOBS_HOLD_REFUSED,
                                  found, NULL);

    } else if (ngx_http_igjobs_document_final(doc)) {
        ngx_http_igjobs_hold_over(hold, NGX_HTTP_IGJOBS_HOLD_ENDED, found,
                                  doc);

    } else if (hold->watch.ending) {
        ngx_http_igjobs_hold_over(hold, NGX_HTTP_IGJOBS_HOLD_RESTART, found,
                                  doc);

    } else if (hold->enough && hold->enough(hold, doc)) {
        ngx_http_igjobs_hold_over(hold, NGX_HTTP_IGJOBS_HOLD_ENOUGH, found,
                                  doc);
    }
}


static void
ngx_http_igjobs_hold_timeout(ngx_event_t *ev)
{
    const ngx_str_t         *doc;
    ngx_http_igjobs_hold_t  *hold;

    hold = ev->data;
    doc = ngx_http_igjobs_watch_document(&hold->watch);

    ngx_http_igjobs_hold_over(hold, NGX_HTTP_IGJOBS_HOLD_TIMEOUT,
                              doc ? NGX_HTTP_IGJOBS_DOCUMENT_FOUND
                                  : NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE,
                              doc);
}


static void
ngx_http_igjobs_hold_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_connection_t  *c;

    c = ngx_http_igjobs_wake(hold->request);
    hold->handler(hold, over, found, doc);
    ngx_http_run_posted_requests(c);
}


ngx_uint_t
ngx_http_igjobs_hold_changed(ngx_http_igjobs_hold_t *hold,
    const ngx_str_t *doc)
{
    (void) doc;

    return hold->watch.version > hold->known;
}


void
ngx_http_igjobs_hold_leave(ngx_http_igjobs_hold_t *hold)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(hold->request, ngx_http_igjobs_module);
    ctx->leave = NULL;

    ngx_http_igjobs_hold_gone(ctx);
}


void
ngx_http_igjobs_hold_finish(ngx_http_igjobs_hold_t *hold, ngx_int_t rc)
{
    ngx_http_igjobs_hold_leave(hold);
    ngx_http_igjobs_finish(hold->request, rc);
}


/* the client has left, or all was said */

static void
ngx_http_igjobs_hold_gone(ngx_http_igjobs_ctx_t *ctx)
{
    ngx_http_igjobs_hold_t  *hold;

    hold = ctx->hold;

    if (hold->timer.timer_set) {
        ngx_del_timer(&hold->timer);
    }

    ngx_http_igjobs_watch_leave(&hold->watch);
}


ngx_int_t
ngx_http_igjobs_hold_applied(ngx_http_igjobs_hold_t *hold, ngx_uint_t sync)
{
    u_char     *p;
    ngx_str_t   value;

    value.data = ngx_pnalloc(hold->request->pool,
                             sizeof("igjobs-sync, wait=, for=change, ")
                             + NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = value.data;

    if (sync && hold->wish.sync_named) {
        p = ngx_sprintf(p, "igjobs-sync, ");
    }

    if (hold->wish.seconds > 0) {
        p = ngx_sprintf(p, "wait=%T, ", hold->wish.seconds);
    }

    if (hold->wish.for_change) {
        p = ngx_sprintf(p, "for=change, ");
    }

    if (p == value.data) {
        return NGX_OK;
    }

    value.len = p - value.data - 2;

    hold->applied = ngx_list_push(&hold->request->headers_out.headers);
    if (hold->applied == NULL) {
        return NGX_ERROR;
    }

    hold->applied->hash = 1;
    ngx_str_set(&hold->applied->key, "Preference-Applied");
    hold->applied->value = value;

    return NGX_OK;
}


void
ngx_http_igjobs_hold_not_applied(ngx_http_igjobs_hold_t *hold)
{
    if (hold->applied) {
        hold->applied->hash = 0;
    }
}
