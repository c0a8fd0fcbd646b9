/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Unbuffered reading of request bodies.
 *
 * nginx hands over what one buffer holds; the piece is looked at and the buffer
 * is free again.  Not asking nginx for more is the backpressure.  A turn of the
 * event loop takes IGJ_BODY_TURN_SIZE at most, the rest waits for the next, so
 * that a fast sender does not hold up the others.  A sender below the minimum
 * rate is timed out: nginx's own time-out restarts with every byte.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_body.h"


static void ngx_http_igjobs_body_begin(ngx_http_request_t *r);
static void ngx_http_igjobs_body_event(ngx_http_request_t *r);
static void ngx_http_igjobs_body_next(ngx_event_t *ev);
static void ngx_http_igjobs_body_pace(ngx_event_t *ev);
static void ngx_http_igjobs_body_pull(ngx_http_igjobs_body_t *body);
static igj_problem_e ngx_http_igjobs_body_take(ngx_http_igjobs_body_t *body,
    size_t *taken);
static igj_problem_e ngx_http_igjobs_body_problem(ngx_int_t rc);
static void ngx_http_igjobs_body_end(ngx_http_igjobs_body_t *body,
    igj_problem_e problem);
static void ngx_http_igjobs_body_cleanup(void *data);


igj_problem_e
ngx_http_igjobs_body_type(ngx_http_request_t *r)
{
    u_char           *end;
    ngx_str_t         type;
    ngx_table_elt_t  *coding;

    coding = ngx_http_igjobs_find_header(r, "content-encoding");

    if (coding
        && ngx_strcasecmp(coding->value.data, (u_char *) "identity") != 0)
    {
        return IGJ_PROBLEM_UNSUPPORTED_CODING;
    }

    if (r->headers_in.content_type == NULL) {
        return IGJ_PROBLEM_NONE;
    }

    type = r->headers_in.content_type->value;

    end = ngx_strlchr(type.data, type.data + type.len, ';');
    if (end) {
        type.len = end - type.data;
    }

    while (type.len && (type.data[type.len - 1] == ' '
                        || type.data[type.len - 1] == '\t'))
    {
        type.len--;
    }

    if (type.len == sizeof("application/json") - 1
        && ngx_strncasecmp(type.data, (u_char *) "application/json", type.len)
           == 0)
    {
        return IGJ_PROBLEM_NONE;
    }

    if (type.len > sizeof("+json") - 1
        && ngx_strlchr(type.data, type.data + type.len, '/')
        && ngx_strncasecmp(type.data + type.len - (sizeof("+json") - 1),
                           (u_char *) "+json", sizeof("+json") - 1)
           == 0)
    {
        return IGJ_PROBLEM_NONE;
    }

    return IGJ_PROBLEM_UNSUPPORTED_MEDIA_TYPE;
}


ngx_int_t
ngx_http_igjobs_body_read(ngx_http_request_t *r, ngx_http_igjobs_body_t *body)
{
    ngx_int_t               rc;
    ngx_http_cleanup_t     *cln;
    ngx_http_igjobs_ctx_t  *ctx;

    if (r->headers_in.content_length_n > (off_t) body->max) {

        /* nginx reads some of it away, so that the client sees the answer */

        r->keepalive = 0;

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_BODY_TOO_LARGE);
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_igjobs_body_cleanup;
    cln->data = body;

    body->request = r;

    body->pace.handler = ngx_http_igjobs_body_pace;
    body->pace.data = body;
    body->pace.log = r->connection->log;

    body->more.handler = ngx_http_igjobs_body_next;
    body->more.data = body;
    body->more.log = r->connection->log;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    ctx->body = body;

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_igjobs_body_begin);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {

        /* nothing was handed over, the reference was given back */

        if (r->connection->error) {
            return rc;
        }

        r->keepalive = 0;

        return ngx_http_igjobs_problem(r, ngx_http_igjobs_body_problem(rc));
    }

    return NGX_DONE;
}


static void
ngx_http_igjobs_body_begin(ngx_http_request_t *r)
{
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    body = ctx->body;

    if (r->reading_body) {
        r->read_event_handler = ngx_http_igjobs_body_event;
        ngx_add_timer(&body->pace, IGJ_BODY_PACE_MS);
    }

    ngx_http_igjobs_body_pull(body);
}


static void
ngx_http_igjobs_body_event(ngx_http_request_t *r)
{
    ngx_http_igjobs_ctx_t   *ctx;
    ngx_http_igjobs_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    body = ctx->body;

    if (!body->more.posted) {
        ngx_http_igjobs_body_pull(body);
    }
}


static void
ngx_http_igjobs_body_next(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_igjobs_body_t  *body;

    body = ev->data;
    r = body->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_igjobs_body_pull(body);
    ngx_http_run_posted_requests(c);
}


/* Looks at the rate of the last interval, so that a stall is not forgiven. */

static void
ngx_http_igjobs_body_pace(ngx_event_t *ev)
{
    size_t                   enough;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_igjobs_body_t  *body;

    body = ev->data;
    r = body->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    enough = body->min_rate * (IGJ_BODY_PACE_MS / 1000);

    if (body->received - body->checked >= enough) {
        body->checked = body->received;
        ngx_add_timer(&body->pace, IGJ_BODY_PACE_MS);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client sent %uz bytes of the body in %d ms, "
                  "below the minimum rate",
                  body->received - body->checked, IGJ_BODY_PACE_MS);

    ngx_http_igjobs_body_end(body, IGJ_PROBLEM_BODY_TIMEOUT);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_igjobs_body_pull(ngx_http_igjobs_body_t *body)
{
    size_t               taken;
    ngx_int_t            rc;
    igj_problem_e        problem;
    ngx_http_request_t  *r;

    r = body->request;
    taken = 0;

    for ( ;; ) {
        problem = ngx_http_igjobs_body_take(body, &taken);

        if (problem != IGJ_PROBLEM_NONE || !r->reading_body) {
            ngx_http_igjobs_body_end(body, problem);
            return;
        }

        if (taken >= IGJ_BODY_TURN_SIZE) {
            ngx_post_event(&body->more, &ngx_posted_next_events);
            return;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_igjobs_body_end(body, ngx_http_igjobs_body_problem(rc));
            return;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }
}


/* Hands on what nginx has read and gives its buffers back. */

static igj_problem_e
ngx_http_igjobs_body_take(ngx_http_igjobs_body_t *body, size_t *taken)
{
    size_t               len;
    ngx_buf_t           *b;
    ngx_chain_t         *cl, *next;
    igj_problem_e        problem;
    ngx_http_request_t  *r;

    r = body->request;

    if (r->request_body == NULL) {
        return IGJ_PROBLEM_NONE;
    }

    cl = r->request_body->bufs;
    r->request_body->bufs = NULL;
    problem = IGJ_PROBLEM_NONE;

    for ( /* void */ ; cl; cl = next) {
        next = cl->next;
        b = cl->buf;

        /* a chunked body ends with a buffer that holds nothing */

        if (problem == IGJ_PROBLEM_NONE && ngx_buf_in_memory(b)) {
            len = b->last - b->pos;
            *taken += len;
            body->received += len;

            problem = body->received > body->max
                      ? IGJ_PROBLEM_BODY_TOO_LARGE
                      : body->piece(body->data, b->pos, len);
        }

        b->pos = b->last;
        ngx_free_chain(r->pool, cl);
    }

    return problem;
}


static igj_problem_e
ngx_http_igjobs_body_problem(ngx_int_t rc)
{
    switch (rc) {

    case NGX_HTTP_REQUEST_TIME_OUT:
        return IGJ_PROBLEM_BODY_TIMEOUT;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return IGJ_PROBLEM_BODY_TOO_LARGE;

    case NGX_HTTP_BAD_REQUEST:
        return IGJ_PROBLEM_BAD_TRANSFER;

    default:
        return IGJ_PROBLEM_INTERNAL;
    }
}


static void
ngx_http_igjobs_body_end(ngx_http_igjobs_body_t *body, igj_problem_e problem)
{
    ngx_http_request_t  *r;

    r = body->request;

    if (body->ended) {
        return;
    }

    body->ended = 1;

    if (body->pace.timer_set) {
        ngx_del_timer(&body->pace);
    }

    if (body->more.posted) {
        ngx_delete_posted_event(&body->more);
    }

    if (r->connection->error) {
        ngx_http_igjobs_finish(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    if (r->reading_body) {

        /*
         * The rest of the body is of no interest; nginx reads it away after
         * the answer, so that the client gets to see it.
         */

        r->read_event_handler = ngx_http_block_reading;
    }

    body->end(body->data, problem);
}


static void
ngx_http_igjobs_body_cleanup(void *data)
{
    ngx_http_igjobs_body_t  *body = data;

    body->ended = 1;

    if (body->pace.timer_set) {
        ngx_del_timer(&body->pace);
    }

    if (body->more.posted) {
        ngx_delete_posted_event(&body->more);
    }
}
