/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/jobs/<job>/events: the status document of a job as a stream of
 * server-sent events, the present one first, until the job has ended.
 *
 * A stream has one text in flight.  While its client does not take that, the
 * watch is paused, and goes on with the latest document.  Idle streams hold
 * no text and no timer of their own: one queue, ordered by the time of the
 * last writing, says whose heartbeat is due.
 */

#include "ngx_http_igjobs.h"

#include "ngx_http_igjobs_status.h"

#include "igj_form.h"


#define NGX_HTTP_IGJOBS_EVENTS_TYPE    "text/event-stream"

/* how long clients wait before they connect again, told them at first */
#define NGX_HTTP_IGJOBS_EVENTS_RETRY   "retry: 3000\n\n"

/* and when nginx reloads, so that not all come at once */
#define NGX_HTTP_IGJOBS_EVENTS_AWAY    "retry: %ui\n\n"
#define NGX_HTTP_IGJOBS_EVENTS_SOON    1000
#define NGX_HTTP_IGJOBS_EVENTS_SPREAD  4000

#define NGX_HTTP_IGJOBS_EVENTS_EVENT   "id: %uL\nevent: %s\ndata: %V\n\n"
#define NGX_HTTP_IGJOBS_EVENTS_NAME    (sizeof("progress") - 1)

/* beats of one loop turn, and the shortest time between such turns */
#define NGX_HTTP_IGJOBS_EVENTS_BEATS   128
#define NGX_HTTP_IGJOBS_EVENTS_GRAIN   100


struct ngx_http_igjobs_streams_s {
    ngx_queue_t                     queue;      /* written longest ago first */
    ngx_event_t                     beat;       /* cancelable */
    ngx_msec_t                      heartbeat;
};


typedef struct {
    ngx_http_igjobs_watch_t         watch;
    ngx_http_request_t             *request;
    ngx_http_igjobs_streams_t      *streams;
    ngx_queue_t                     queue;      /* of streams, if open */
    ngx_msec_t                      written_at;
    int64_t                         last_id;    /* the client has this */

    ngx_buf_t                       buf;
    u_char                         *text;       /* in flight; malloc */

    unsigned                        open:1;     /* the header was sent */
    unsigned                        busy:1;     /* the client does not take */
} ngx_http_igjobs_events_t;


static ngx_http_igjobs_events_t *ngx_http_igjobs_events_create(
    ngx_http_request_t *r, ngx_http_igjobs_streams_t *streams);
static void ngx_http_igjobs_events_leave(ngx_http_igjobs_ctx_t *ctx);
static void ngx_http_igjobs_events_cleanup(void *data);
static ngx_int_t ngx_http_igjobs_events_last_id(ngx_http_request_t *r,
    int64_t *last_id);
static void ngx_http_igjobs_events_told(void *data,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_events_open(ngx_http_igjobs_events_t *events,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_events_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_igjobs_events_next(ngx_http_igjobs_events_t *events,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_events_send(ngx_http_igjobs_events_t *events,
    const ngx_str_t *doc, ngx_uint_t first);
static const char *ngx_http_igjobs_events_name(
    ngx_http_igjobs_events_t *events, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_events_output(
    ngx_http_igjobs_events_t *events, u_char *data, size_t len,
    ngx_uint_t last);
static ngx_int_t ngx_http_igjobs_events_flush(
    ngx_http_igjobs_events_t *events, ngx_chain_t *out);
static ngx_int_t ngx_http_igjobs_events_block(
    ngx_http_igjobs_events_t *events);
static void ngx_http_igjobs_events_writer(ngx_http_request_t *r);
static void ngx_http_igjobs_events_written(ngx_http_igjobs_events_t *events);
static void ngx_http_igjobs_streams_beat(ngx_event_t *ev);
static void ngx_http_igjobs_events_beat(ngx_http_igjobs_events_t *events);


ngx_http_igjobs_streams_t *
ngx_http_igjobs_streams_start(ngx_cycle_t *cycle, ngx_msec_t heartbeat)
{
    ngx_http_igjobs_streams_t  *streams;

    streams = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_streams_t));
    if (streams == NULL) {
        return NULL;
    }

    ngx_queue_init(&streams->queue);
    streams->heartbeat = heartbeat;

    streams->beat.handler = ngx_http_igjobs_streams_beat;
    streams->beat.data = streams;
    streams->beat.log = cycle->log;
    streams->beat.cancelable = 1;

    return streams;
}


ngx_int_t
ngx_http_igjobs_events(ngx_http_request_t *r)
{
    igj_uuid_t                    job;
    ngx_int_t                     rc;
    ngx_str_t                    *id;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_events_t     *events;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);
    id = &ctx->params[0];

    if (igj_uuid_parse((char *) id->data, id->len, &job) != IGJ_OK) {
        return ngx_http_igjobs_job_not_found(r, id);
    }

    events = ngx_http_igjobs_events_create(r, mcf->streams);

    if (events == NULL || ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_igjobs_events_last_id(r, &events->last_id);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_igjobs_watch(mcf->watches, &ctx->tenant, &job,
                              &events->watch)
        != NGX_OK)
    {
        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_OVERLOADED);
    }

    ctx->data = events;
    ctx->leave = ngx_http_igjobs_events_leave;

    return ngx_http_igjobs_wait(r);
}


static ngx_http_igjobs_events_t *
ngx_http_igjobs_events_create(ngx_http_request_t *r,
    ngx_http_igjobs_streams_t *streams)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_igjobs_events_t  *events;

    events = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_events_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (events == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_igjobs_events_cleanup;
    cln->data = events;

    events->request = r;
    events->streams = streams;
    events->watch.handler = ngx_http_igjobs_events_told;
    events->watch.data = events;
    events->watch.paced = 1;

    return events;
}


static void
ngx_http_igjobs_events_leave(ngx_http_igjobs_ctx_t *ctx)
{
    ngx_http_igjobs_events_t  *events;

    events = ctx->data;
    ngx_http_igjobs_watch_leave(&events->watch);

    if (events->open) {
        events->open = 0;
        ngx_queue_remove(&events->queue);
    }
}


/* with the pool: frames of HTTP/2 may hold the text longer than the request */

static void
ngx_http_igjobs_events_cleanup(void *data)
{
    ngx_http_igjobs_events_t  *events = data;

    if (events->text) {
        ngx_free(events->text);
        events->text = NULL;
    }
}


/*
 * NGX_DECLINED: go on; else what a reply function returned.  A browser's
 * header is newer than the query of the address that it connects to again.
 */

static ngx_int_t
ngx_http_igjobs_events_last_id(ngx_http_request_t *r, int64_t *last_id)
{
    off_t               id;
    igj_str_t           query;
    igj_form_e          error;
    ngx_table_elt_t    *h;
    igj_problem_doc_t   doc;

    h = ngx_http_igjobs_find_header(r, "last-event-id");

    if (h != NULL) {
        id = ngx_atoof(h->value.data, h->value.len);

        if (id != NGX_ERROR) {
            *last_id = id;
            return NGX_DECLINED;
        }
    }

    query.data = (char *) r->args.data;
    query.len = r->args.len;

    error = igj_form_integer(query, "last_event_id", 0, INT64_MAX, last_id);

    if (error == IGJ_FORM_OK || error == IGJ_FORM_ABSENT) {
        return NGX_DECLINED;
    }

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));
    doc.problem = IGJ_PROBLEM_INVALID_PARAMETER;
    doc.detail = "last_event_id is the id of the last event that was received.";

    return ngx_http_igjobs_problem_doc(r, &doc);
}


/* from here on NGX_AGAIN says that the stream goes on */

static void
ngx_http_igjobs_events_told(void *data, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    ngx_http_igjobs_events_t *events = data;

    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = ngx_http_igjobs_wake(events->request);

    rc = events->open ? ngx_http_igjobs_events_next(events, found, doc)
                      : ngx_http_igjobs_events_open(events, found, doc);

    if (rc != NGX_AGAIN || events->watch.topic == NULL) {
        ngx_http_igjobs_finish(events->request, rc);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_igjobs_events_open(ngx_http_igjobs_events_t *events,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc)
{
    ngx_int_t               rc;
    ngx_http_request_t     *r;
    ngx_http_igjobs_ctx_t  *ctx;

    r = events->request;

    if (found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
        return ngx_http_igjobs_status_problem(r, &ctx->params[0], found);
    }

    if (ngx_http_igjobs_document_final(doc)
        && (int64_t) events->watch.version <= events->last_id)
    {
        return NGX_HTTP_NO_CONTENT;
    }

    rc = ngx_http_igjobs_events_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    events->open = 1;
    ngx_queue_insert_tail(&events->streams->queue, &events->queue);

    return ngx_http_igjobs_events_send(events, doc, 1);
}


static ngx_int_t
ngx_http_igjobs_events_header(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* an event does not wait until the one before is acknowledged */

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(r->connection) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_header_text(r, "Cache-Control",
                                    "no-cache, no-transform")
        != NGX_OK
        || ngx_http_igjobs_header_text(r, "X-Accel-Buffering", "no") != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, NGX_HTTP_IGJOBS_EVENTS_TYPE);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

#if (NGX_HTTP_GZIP)

    /* would hold events back */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    return ngx_http_send_header(r);
}


/* busy: nginx reloads or quits, and what is in flight is the last */

static ngx_int_t
ngx_http_igjobs_events_next(ngx_http_igjobs_events_t *events,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc)
{
    if (found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND || events->busy) {
        return ngx_http_send_special(events->request, NGX_HTTP_LAST);
    }

    return ngx_http_igjobs_events_send(events, doc, 0);
}


/* what the client does not have */

static ngx_int_t
ngx_http_igjobs_events_send(ngx_http_igjobs_events_t *events,
    const ngx_str_t *doc, ngx_uint_t first)
{
    u_char                   *p;
    size_t                    size;
    ngx_http_igjobs_watch_t  *watch;

    watch = &events->watch;

    size = sizeof(NGX_HTTP_IGJOBS_EVENTS_RETRY)
           + sizeof(NGX_HTTP_IGJOBS_EVENTS_EVENT) + NGX_INT64_LEN
           + NGX_HTTP_IGJOBS_EVENTS_NAME + doc->len
           + sizeof(NGX_HTTP_IGJOBS_EVENTS_AWAY) + NGX_INT_T_LEN;

    p = ngx_alloc(size, events->request->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    events->text = p;

    if (first) {
        p = ngx_cpymem(p, NGX_HTTP_IGJOBS_EVENTS_RETRY,
                       sizeof(NGX_HTTP_IGJOBS_EVENTS_RETRY) - 1);
    }

    if ((int64_t) watch->version > events->last_id) {
        events->last_id = watch->version;
        p = ngx_sprintf(p, NGX_HTTP_IGJOBS_EVENTS_EVENT, watch->version,
                        ngx_http_igjobs_events_name(events, doc), doc);
    }

    if (watch->ending) {
        p = ngx_sprintf(p, NGX_HTTP_IGJOBS_EVENTS_AWAY,
                        NGX_HTTP_IGJOBS_EVENTS_SOON
                        + (ngx_uint_t) ngx_random()
                          % NGX_HTTP_IGJOBS_EVENTS_SPREAD);
    }

    return ngx_http_igjobs_events_output(events, events->text,
                                         p - events->text,
                                         watch->topic == NULL);
}


static const char *
ngx_http_igjobs_events_name(ngx_http_igjobs_events_t *events,
    const ngx_str_t *doc)
{
    if (ngx_http_igjobs_document_final(doc)) {
        return "done";
    }

    return events->watch.changed ? "state" : "progress";
}


/* data is events->text, or lives for ever */

static ngx_int_t
ngx_http_igjobs_events_output(ngx_http_igjobs_events_t *events, u_char *data,
    size_t len, ngx_uint_t last)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = &events->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->pos = data;
    b->last = data + len;
    b->memory = 1;
    b->flush = 1;
    b->last_buf = last;
    b->last_in_chain = last;
    b->tag = (ngx_buf_tag_t) &ngx_http_igjobs_module;

    out.buf = b;
    out.next = NULL;

    ngx_http_igjobs_events_written(events);

    if (last) {
        return ngx_http_output_filter(events->request, &out);
    }

    return ngx_http_igjobs_events_flush(events, &out);
}


static ngx_int_t
ngx_http_igjobs_events_flush(ngx_http_igjobs_events_t *events,
    ngx_chain_t *out)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = events->request;
    wev = r->connection->write;

    if (ngx_http_output_filter(r, out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_buf_size(&events->buf) > 0 || r->connection->buffered) {
        return ngx_http_igjobs_events_block(events);
    }

    if (events->text) {
        ngx_free(events->text);
        events->text = NULL;
    }

    if (events->busy) {
        events->busy = 0;
        r->write_event_handler = ngx_http_request_empty_handler;

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        ngx_http_igjobs_watch_resume(&events->watch);
    }

    return NGX_AGAIN;
}


/* the client has to take more before anything else is written */

static ngx_int_t
ngx_http_igjobs_events_block(ngx_http_igjobs_events_t *events)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = events->request;
    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r->main, ngx_http_core_module);

    if (!events->busy) {
        events->busy = 1;
        r->write_event_handler = ngx_http_igjobs_events_writer;
        ngx_http_igjobs_watch_pause(&events->watch);
    }

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return (ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK)
           ? NGX_AGAIN : NGX_ERROR;
}


static void
ngx_http_igjobs_events_writer(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_event_t            *wev;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    wev = r->connection->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_igjobs_finish(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    rc = ngx_http_igjobs_events_flush(ctx->data, NULL);

    if (rc != NGX_AGAIN) {
        ngx_http_igjobs_finish(r, rc);
    }
}


static void
ngx_http_igjobs_events_written(ngx_http_igjobs_events_t *events)
{
    ngx_http_igjobs_streams_t  *streams;

    streams = events->streams;
    events->written_at = ngx_current_msec;

    ngx_queue_remove(&events->queue);
    ngx_queue_insert_tail(&streams->queue, &events->queue);

    if (!streams->beat.timer_set) {
        ngx_add_timer(&streams->beat, streams->heartbeat);
    }
}


static void
ngx_http_igjobs_streams_beat(ngx_event_t *ev)
{
    ngx_uint_t                  n;
    ngx_msec_t                  wait;
    ngx_queue_t                *q;
    ngx_msec_int_t              left;
    ngx_http_igjobs_events_t   *events;
    ngx_http_igjobs_streams_t  *streams;

    streams = ev->data;
    wait = 1;

    for (n = 0; n < NGX_HTTP_IGJOBS_EVENTS_BEATS; n++) {

        if (ngx_queue_empty(&streams->queue)) {
            return;
        }

        q = ngx_queue_head(&streams->queue);
        events = ngx_queue_data(q, ngx_http_igjobs_events_t, queue);

        left = (ngx_msec_int_t) (events->written_at + streams->heartbeat
                                 - ngx_current_msec);

        if (left > 0) {
            wait = ngx_max(left, NGX_HTTP_IGJOBS_EVENTS_GRAIN);
            break;
        }

        ngx_http_igjobs_events_beat(events);
    }

    ngx_add_timer(ev, wait);
}


static void
ngx_http_igjobs_events_beat(ngx_http_igjobs_events_t *events)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;
    static u_char        beat[] = ":\n\n";

    if (events->busy) {
        ngx_http_igjobs_events_written(events);
        return;
    }

    r = events->request;
    c = ngx_http_igjobs_wake(r);

    rc = ngx_http_igjobs_events_output(events, beat, sizeof(beat) - 1, 0);

    if (rc != NGX_AGAIN) {
        ngx_http_igjobs_finish(r, rc);
    }

    ngx_http_run_posted_requests(c);
}
