/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * See ngx_http_igjobs_stream.h.  The stream turns in run(): fill a buffer, send
 * it, and go on until something has to be waited for: the client (no buffer is
 * free, or the ring has to drain before more rows are asked for) or Postgres.
 * Rows come while earlier ones are sent, one range ahead.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_stream.h"


#define NGX_HTTP_IGJOBS_RING         2
#define NGX_HTTP_IGJOBS_RING_BUFFER  65536

/* of rows in Postgres' answer, until a value contains it */
#define NGX_HTTP_IGJOBS_SEPARATOR    "\x1f"


typedef enum {
    NGX_HTTP_IGJOBS_STREAM_HEAD = 0,
    NGX_HTTP_IGJOBS_STREAM_ROWS,
    NGX_HTTP_IGJOBS_STREAM_TAIL,
    NGX_HTTP_IGJOBS_STREAM_END
} ngx_http_igjobs_stream_part_e;


static void ngx_http_igjobs_stream_need(ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_stream_ask_ahead(ngx_http_igjobs_stream_t *stream);
static ngx_int_t ngx_http_igjobs_stream_ask(ngx_http_igjobs_stream_t *stream);
static ngx_http_igjobs_sql_e ngx_http_igjobs_stream_columns(
    ngx_http_igjobs_stream_t *stream, ngx_http_igjobs_pg_param_t *params);
static void ngx_http_igjobs_stream_rows(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_stream_declined(ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_stream_broken(ngx_http_igjobs_stream_t *stream,
    igj_problem_e problem);
static ngx_int_t ngx_http_igjobs_stream_header(
    ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_stream_run(ngx_http_igjobs_stream_t *stream);
static ngx_int_t ngx_http_igjobs_stream_fill(ngx_http_igjobs_stream_t *stream,
    ngx_buf_t *b);
static void ngx_http_igjobs_stream_turn(ngx_http_igjobs_stream_t *stream);
static ngx_int_t ngx_http_igjobs_stream_part(ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_stream_passed(ngx_http_igjobs_stream_t *stream);
static ngx_chain_t *ngx_http_igjobs_stream_buffer(
    ngx_http_igjobs_stream_t *stream);
static ngx_int_t ngx_http_igjobs_stream_grow(ngx_http_igjobs_stream_t *stream,
    ngx_buf_t *b);
static ngx_int_t ngx_http_igjobs_stream_send(ngx_http_igjobs_stream_t *stream,
    ngx_chain_t *cl);
static void ngx_http_igjobs_stream_wait(ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_stream_writer(ngx_http_request_t *r);
static void ngx_http_igjobs_stream_cleanup(void *data);


void
ngx_http_igjobs_stream(ngx_http_request_t *r, ngx_http_igjobs_stream_t *stream)
{
    ngx_http_cleanup_t     *cln;
    ngx_http_igjobs_ctx_t  *ctx;

    stream->request = r;
    ngx_str_set(&stream->separator, NGX_HTTP_IGJOBS_SEPARATOR);
    igj_json_init(&stream->json, NULL, 0);

    if (stream->type == NULL) {
        stream->type = NGX_HTTP_IGJOBS_JSON;
    }

    if (r->method == NGX_HTTP_HEAD) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_stream_header(stream));
        return;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        ngx_http_igjobs_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    cln->handler = ngx_http_igjobs_stream_cleanup;
    cln->data = stream;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    ctx->data = stream;

    if (stream->first < stream->end) {
        ngx_http_igjobs_stream_need(stream);
        return;
    }

    ngx_http_igjobs_stream_run(stream);
}


/* There are no rows: go on when there are. */

static void
ngx_http_igjobs_stream_need(ngx_http_igjobs_stream_t *stream)
{
    if (stream->busy) {
        ngx_http_igjobs_stream_wait(stream);
        return;
    }

    if (!stream->asking && ngx_http_igjobs_stream_ask(stream) != NGX_OK) {
        ngx_http_igjobs_stream_broken(stream,
                                      IGJ_PROBLEM_DATABASE_UNAVAILABLE);
    }
}


/* If there is no room for the question now, need() asks again. */

static void
ngx_http_igjobs_stream_ask_ahead(ngx_http_igjobs_stream_t *stream)
{
    if (stream->busy || stream->asking || stream->ahead.result
        || stream->rows.result == NULL || stream->first >= stream->end
        || stream->rows.bytes > IGJ_RANGE_AHEAD_BYTES)
    {
        return;
    }

    (void) ngx_http_igjobs_stream_ask(stream);
}


static ngx_int_t
ngx_http_igjobs_stream_ask(ngx_http_igjobs_stream_t *stream)
{
    u_char                       first[NGX_INT64_LEN], count[NGX_INT64_LEN];
    int64_t                      n;
    ngx_http_request_t          *r;
    ngx_http_igjobs_sql_e        statement;
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_pg_param_t   params[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];

    r = stream->request;
    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    n = ngx_min(stream->end - stream->first, IGJ_RANGE_ROWS);

    ngx_memzero(params, sizeof(params));

    params[0].data = ctx->tenant.data;
    params[0].len = ctx->tenant.len;
    params[1].data = stream->job.data;
    params[1].len = stream->job.len;
    params[2].data = first;
    params[2].len = ngx_sprintf(first, "%L", stream->first) - first;
    params[3].data = count;
    params[3].len = ngx_sprintf(count, "%L", n) - count;
    params[4].data = stream->separator.data;
    params[4].len = stream->separator.len;

    statement = ngx_http_igjobs_stream_columns(stream, &params[5]);

    if (ngx_http_igjobs_ask_pg(r, statement, params,
                               ngx_http_igjobs_stream_rows)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    stream->asked = n;
    stream->first += n;
    stream->asking = 1;

    return NGX_OK;
}


/* The statement, and those of its parameters that are not those of all. */

static ngx_http_igjobs_sql_e
ngx_http_igjobs_stream_columns(ngx_http_igjobs_stream_t *stream,
    ngx_http_igjobs_pg_param_t *params)
{
    if (stream->filter) {
        ngx_memcpy(params, stream->filter,
                   NGX_HTTP_IGJOBS_STREAM_FILTER * sizeof(*params));
        return NGX_HTTP_IGJOBS_SQL_FILTERED_ROWS;
    }

    if (stream->whole) {
        params->data = stream->evidence ? "t" : "f";
        params->len = 1;
        return NGX_HTTP_IGJOBS_SQL_WHOLE_ROWS;
    }

    return NGX_HTTP_IGJOBS_SQL_RESULT_ROWS;
}


static void
ngx_http_igjobs_stream_rows(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t                     rc;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_stream_t     *stream;
    ngx_http_igjobs_pg_result_t  *result;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    stream = ctx->data;
    stream->asking = 0;

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_stream_broken(stream,
                                  ngx_http_igjobs_pg_problem_of(r, reply));
        return;
    }

    result = reply->result;
    reply->result = NULL;

    rc = ngx_http_igjobs_rows_take(&stream->ahead, result, &stream->separator,
                                   stream->first - stream->asked);

    if (rc != NGX_OK) {
        ngx_http_igjobs_stream_declined(stream);
        return;
    }

    /* while others are sent, these wait for their turn */

    if (stream->rows.result == NULL) {
        ngx_http_igjobs_stream_run(stream);
    }
}


/* once more, with a separator that nobody could foresee */

static void
ngx_http_igjobs_stream_declined(ngx_http_igjobs_stream_t *stream)
{
    ngx_str_t  *separator;

    separator = &stream->separator;

    if (separator->data == stream->rare) {
        ngx_http_igjobs_stream_broken(stream, IGJ_PROBLEM_INTERNAL);
        return;
    }

    separator->data = stream->rare;
    separator->len = ngx_sprintf(stream->rare, "%08xD%08xD",
                                 (uint32_t) ngx_random(),
                                 (uint32_t) ngx_random())
                     - stream->rare;

    stream->first -= stream->asked;

    if (ngx_http_igjobs_stream_ask(stream) != NGX_OK) {
        ngx_http_igjobs_stream_broken(stream,
                                      IGJ_PROBLEM_DATABASE_UNAVAILABLE);
    }
}


/* after the header all that is left is to cut the answer off */

static void
ngx_http_igjobs_stream_broken(ngx_http_igjobs_stream_t *stream,
    igj_problem_e problem)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = stream->request;

    if (stream->header_sent) {
        rc = NGX_ERROR;

    } else if (stream->instead) {
        rc = stream->instead(stream);

    } else {
        rc = ngx_http_igjobs_problem(r, problem);
    }

    ngx_http_igjobs_finish(r, rc);
}


static ngx_int_t
ngx_http_igjobs_stream_header(ngx_http_igjobs_stream_t *stream)
{
    if (stream->headers && stream->headers(stream) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_send_header(stream->request, NGX_HTTP_OK,
                                       stream->type, -1);
}


static void
ngx_http_igjobs_stream_run(ngx_http_igjobs_stream_t *stream)
{
    ngx_int_t            rc, sent;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = stream->request;

    if (!stream->header_sent) {
        stream->header_sent = 1;
        rc = ngx_http_igjobs_stream_header(stream);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            ngx_http_igjobs_finish(r, rc);
            return;
        }
    }

    for ( ;; ) {
        cl = ngx_http_igjobs_stream_buffer(stream);

        if (cl == NULL && stream->busy) {
            ngx_http_igjobs_stream_wait(stream);
            return;
        }

        if (cl == NULL) {
            ngx_http_igjobs_finish(r, NGX_ERROR);
            return;
        }

        rc = ngx_http_igjobs_stream_fill(stream, cl->buf);

        if (rc != NGX_ERROR && cl->buf->pos == cl->buf->last) {

            /* a range without rows: nginx does not take empty buffers */

            cl->next = stream->free;
            stream->free = cl;
            cl = NULL;
        }

        sent = rc == NGX_ERROR ? NGX_ERROR
               : rc == NGX_DONE && cl == NULL
                 ? ngx_http_send_special(r, NGX_HTTP_LAST)
                 : ngx_http_igjobs_stream_send(stream, cl);

        if (sent == NGX_ERROR || rc == NGX_DONE) {
            ngx_http_igjobs_finish(r, sent);
            return;
        }

        if (rc == NGX_AGAIN) {
            ngx_http_igjobs_stream_need(stream);
            return;
        }

        ngx_http_igjobs_stream_ask_ahead(stream);
    }
}


/*
 * NGX_OK: the buffer is full; NGX_AGAIN: rows are needed; NGX_DONE: all is
 * rendered.
 */

static ngx_int_t
ngx_http_igjobs_stream_fill(ngx_http_igjobs_stream_t *stream, ngx_buf_t *b)
{
    ngx_int_t   rc;
    igj_json_t  saved;

    stream->json.buf = (char *) b->start;
    stream->json.size = b->end - b->start;
    stream->json.len = 0;

    for ( ;; ) {
        saved = stream->json;
        rc = ngx_http_igjobs_stream_part(stream);

        if (rc != NGX_OK) {
            break;
        }

        if (!igj_json_overflow(&stream->json)) {
            ngx_http_igjobs_stream_passed(stream);
            continue;
        }

        if (saved.len > 0) {
            stream->json = saved;
            break;
        }

        /* one row that is longer than a buffer */

        if (ngx_http_igjobs_stream_grow(stream, b) != NGX_OK) {
            return NGX_ERROR;
        }

        stream->json.comma = saved.comma;
    }

    b->pos = b->start;
    b->last = b->start + stream->json.len;
    b->last_buf = rc == NGX_DONE;

    return rc;
}


/* Goes to the next range, or behind the last one. */

static void
ngx_http_igjobs_stream_turn(ngx_http_igjobs_stream_t *stream)
{
    if (stream->limit && stream->sent == stream->limit) {
        stream->part = NGX_HTTP_IGJOBS_STREAM_TAIL;
        return;
    }

    if (stream->rows.result == NULL) {
        stream->rows = stream->ahead;
        stream->ahead.result = NULL;
    }

    if (stream->rows.result == NULL && !stream->asking
        && stream->first >= stream->end)
    {
        stream->next = stream->end;
        stream->part = NGX_HTTP_IGJOBS_STREAM_TAIL;
    }
}


/* Renders one piece; what comes next is only noted once it has fitted. */

static ngx_int_t
ngx_http_igjobs_stream_part(ngx_http_igjobs_stream_t *stream)
{
    if (stream->part == NGX_HTTP_IGJOBS_STREAM_ROWS) {
        ngx_http_igjobs_stream_turn(stream);
    }

    switch ((ngx_http_igjobs_stream_part_e) stream->part) {

    case NGX_HTTP_IGJOBS_STREAM_HEAD:
        stream->head(stream, &stream->json);
        return NGX_OK;

    case NGX_HTTP_IGJOBS_STREAM_ROWS:

        if (stream->rows.result == NULL) {
            return NGX_AGAIN;
        }

        stream->row(stream, &stream->json);
        return NGX_OK;

    case NGX_HTTP_IGJOBS_STREAM_TAIL:
        stream->tail(stream, &stream->json);
        return NGX_OK;

    default:
        return NGX_DONE;
    }
}


static void
ngx_http_igjobs_stream_passed(ngx_http_igjobs_stream_t *stream)
{
    if (stream->part != NGX_HTTP_IGJOBS_STREAM_ROWS) {
        stream->part++;
        return;
    }

    stream->sent++;
    stream->next = stream->rows.ordinal + 1;

    ngx_http_igjobs_rows_next(&stream->rows);
}


static ngx_chain_t *
ngx_http_igjobs_stream_buffer(ngx_http_igjobs_stream_t *stream)
{
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = stream->request;

    if (stream->free) {
        cl = stream->free;
        stream->free = cl->next;
        cl->next = NULL;
        return cl;
    }

    if (stream->buffers == NGX_HTTP_IGJOBS_RING) {
        return NULL;
    }

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->next = NULL;
    cl->buf = ngx_create_temp_buf(r->pool, NGX_HTTP_IGJOBS_RING_BUFFER);
    if (cl->buf == NULL) {
        return NULL;
    }

    cl->buf->tag = (ngx_buf_tag_t) &ngx_http_igjobs_module;
    cl->buf->flush = 1;     /* a buffer that is held back never gets free */
    stream->buffers++;

    return cl;
}


static ngx_int_t
ngx_http_igjobs_stream_grow(ngx_http_igjobs_stream_t *stream, ngx_buf_t *b)
{
    size_t   size;
    u_char  *p;

    size = stream->json.len;

    p = ngx_palloc(stream->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_pfree(stream->request->pool, b->start);

    b->start = p;
    b->end = p + size;

    stream->json.buf = (char *) p;
    stream->json.size = size;
    stream->json.len = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_stream_send(ngx_http_igjobs_stream_t *stream, ngx_chain_t *cl)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = stream->request;

    rc = ngx_http_output_filter(r, cl);

    ngx_chain_update_chains(r->pool, &stream->free, &stream->busy, &cl,
                            (ngx_buf_tag_t) &ngx_http_igjobs_module);

    return rc;
}


/* The client has to take more before anything else happens. */

static void
ngx_http_igjobs_stream_wait(ngx_http_igjobs_stream_t *stream)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r->main, ngx_http_core_module);

    r->write_event_handler = ngx_http_igjobs_stream_writer;

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_igjobs_finish(r, NGX_ERROR);
    }
}


static void
ngx_http_igjobs_stream_writer(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_http_igjobs_ctx_t     *ctx;
    ngx_http_igjobs_stream_t  *stream;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    stream = ctx->data;
    wev = r->connection->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_igjobs_finish(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (ngx_http_igjobs_stream_send(stream, NULL) == NGX_ERROR) {
        ngx_http_igjobs_finish(r, NGX_ERROR);
        return;
    }

    if (stream->busy
        && (stream->free == NULL
            || (stream->rows.result == NULL && stream->ahead.result == NULL)))
    {
        ngx_http_igjobs_stream_wait(stream);
        return;
    }

    /* with limit_rate the timer is that of the next turn to send */

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    ngx_http_igjobs_stream_run(stream);
}


static void
ngx_http_igjobs_stream_cleanup(void *data)
{
    ngx_http_igjobs_stream_t  *stream = data;

    ngx_http_igjobs_rows_free(&stream->rows);
    ngx_http_igjobs_rows_free(&stream->ahead);
}
