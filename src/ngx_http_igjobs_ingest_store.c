/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Storing an ingestion: small ones by one statement, large ones by COPY in a
 * transaction of their own, which ends with the start of an operation.
 *
 * Both can be repeated: the call has an id, and one that was carried out is
 * answered as it was.  So after a lost connection the whole is sent again.
 */

#include "ngx_http_igjobs_ingest.h"
#include "ngx_http_igjobs_change.h"


typedef enum {
    NGX_HTTP_IGJOBS_INGEST_BEGIN = 0,
    NGX_HTTP_IGJOBS_INGEST_OPEN,
    NGX_HTTP_IGJOBS_INGEST_COPY,
    NGX_HTTP_IGJOBS_INGEST_COPIED,
    NGX_HTTP_IGJOBS_INGEST_CLOSE,
    NGX_HTTP_IGJOBS_INGEST_COMMIT
} ngx_http_igjobs_ingest_step_e;


static void ngx_http_igjobs_ingest_params_of(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_param_t *params);
static void ngx_http_igjobs_ingest_small(ngx_http_igjobs_ingest_t *in);
static void ngx_http_igjobs_ingest_small_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_ingest_large(ngx_http_igjobs_ingest_t *in);
static void ngx_http_igjobs_ingest_step(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_ingest_advance(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_ingest_opened(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_ingest_committed(ngx_http_igjobs_ingest_t *in);
static void ngx_http_igjobs_ingest_again(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_ingest_copy(ngx_http_igjobs_ingest_t *in);
static void ngx_http_igjobs_ingest_more(ngx_event_t *ev);


void
ngx_http_igjobs_ingest_store(ngx_http_igjobs_ingest_t *in)
{
    if (in->queued) {
        ngx_http_igjobs_ingest_large(in);

    } else {
        ngx_http_igjobs_ingest_small(in);
    }
}


/* The request ends, whatever is under way. */

void
ngx_http_igjobs_ingest_close(ngx_http_igjobs_ingest_t *in)
{
    if (in->bulk) {
        ngx_http_igjobs_pg_bulk_close(in->bulk);
        in->bulk = NULL;
    }

    if (in->more.posted) {
        ngx_delete_posted_event(&in->more);
    }

    if (in->result) {
        ngx_http_igjobs_pg_result_free(in->result);
        in->result = NULL;
    }
}


static void
ngx_http_igjobs_ingest_fail(ngx_http_igjobs_ingest_t *in)
{
    ngx_http_igjobs_pg_reply_t  reply;

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_pg_reply_t));
    reply.outcome = NGX_HTTP_IGJOBS_PG_UNAVAILABLE;

    ngx_http_igjobs_ingest_failed(in, &reply);
}


/* caller, params, lines (null), key, fingerprint: those of igjobs.ingest */

static void
ngx_http_igjobs_ingest_params_of(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_param_t *params)
{
    ngx_memzero(params, 5 * sizeof(ngx_http_igjobs_pg_param_t));

    params[0].data = in->caller.data;
    params[0].len = in->caller.len;
    params[1].data = in->params.data;
    params[1].len = in->params.len;

    if (in->key) {
        params[3].data = in->key->name.text;
        params[3].len = in->key->name.len;
        params[4].data = in->key->fingerprint;
        params[4].len = sizeof(in->key->fingerprint);
        params[4].binary = 1;
    }
}


static void
ngx_http_igjobs_ingest_small(ngx_http_igjobs_ingest_t *in)
{
    u_char                      *lines;
    ngx_int_t                    rc;
    igj_spool_place_t            place;
    ngx_http_igjobs_pg_param_t   params[5];

    lines = ngx_alloc(in->ingest->lines.size + 1,
                      in->request->connection->log);
    if (lines == NULL) {
        ngx_http_igjobs_ingest_fail(in);
        return;
    }

    ngx_memzero(&place, sizeof(igj_spool_place_t));
    ngx_http_igjobs_ingest_params_of(in, params);

    params[2].data = lines;
    params[2].len = igj_spool_read(&in->ingest->lines, &place, (char *) lines,
                                   in->ingest->lines.size);

    rc = ngx_http_igjobs_ask_pg(in->request, NGX_HTTP_IGJOBS_SQL_INGEST,
                                params, ngx_http_igjobs_ingest_small_done);
    ngx_free(lines);

    if (rc != NGX_OK) {
        ngx_http_igjobs_ingest_fail(in);
    }
}


static void
ngx_http_igjobs_ingest_small_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ctx_t     *ctx;
    ngx_http_igjobs_ingest_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    in = ctx->data;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_ingest_stored(in, reply);

    } else {
        ngx_http_igjobs_ingest_failed(in, reply);
    }
}


static void
ngx_http_igjobs_ingest_large(ngx_http_igjobs_ingest_t *in)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(in->request, ngx_http_igjobs_module);

    if (in->slice == NULL) {
        in->slice = ngx_palloc(in->request->pool, NGX_HTTP_IGJOBS_COPY_SLICE);
        if (in->slice == NULL) {
            ngx_http_igjobs_ingest_fail(in);
            return;
        }

        in->more.handler = ngx_http_igjobs_ingest_more;
        in->more.data = in;
        in->more.log = in->request->connection->log;
    }

    ngx_memzero(&in->place, sizeof(igj_spool_place_t));
    in->unit = 0;
    in->left = 0;
    in->trailer = 0;
    in->step = NGX_HTTP_IGJOBS_INGEST_BEGIN;
    in->tries++;

    in->bulk = ngx_http_igjobs_pg_bulk_open(mcf->pg,
                                            ngx_http_igjobs_ingest_step, in);
    if (in->bulk == NULL) {
        ngx_http_igjobs_ingest_fail(in);
    }
}


/* A step of the transaction has ended. */

static void
ngx_http_igjobs_ingest_step(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ingest_t *in = data;

    ngx_connection_t  *c;

    c = ngx_http_igjobs_wake(in->request);

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_ingest_advance(in, reply);

    } else {
        ngx_http_igjobs_ingest_again(in, reply);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_igjobs_ingest_advance(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_pg_param_t  params[5];

    ngx_http_igjobs_ingest_params_of(in, params);

    switch ((ngx_http_igjobs_ingest_step_e) in->step) {

    case NGX_HTTP_IGJOBS_INGEST_BEGIN:
        in->step = NGX_HTTP_IGJOBS_INGEST_OPEN;
        params[2] = params[3];
        params[3] = params[4];
        ngx_http_igjobs_pg_bulk_query(in->bulk,
                                      NGX_HTTP_IGJOBS_SQL_BULK_INGEST_OPEN,
                                      params);
        break;

    case NGX_HTTP_IGJOBS_INGEST_OPEN:
        ngx_http_igjobs_ingest_opened(in, reply);
        break;

    case NGX_HTTP_IGJOBS_INGEST_COPY:
        ngx_http_igjobs_ingest_copy(in);
        break;

    case NGX_HTTP_IGJOBS_INGEST_COPIED:
        in->step = NGX_HTTP_IGJOBS_INGEST_CLOSE;
        ngx_http_igjobs_pg_bulk_query(in->bulk,
                                      NGX_HTTP_IGJOBS_SQL_BULK_INGEST_CLOSE,
                                      params);
        break;

    case NGX_HTTP_IGJOBS_INGEST_CLOSE:
        in->step = NGX_HTTP_IGJOBS_INGEST_COMMIT;
        in->result = reply->result;
        reply->result = NULL;
        ngx_http_igjobs_pg_bulk_commit(in->bulk);
        break;

    case NGX_HTTP_IGJOBS_INGEST_COMMIT:
        ngx_http_igjobs_ingest_committed(in);
        break;
    }
}


/* It goes on, or is answered with what is known or wrong. */

static void
ngx_http_igjobs_ingest_opened(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply)
{
    if (!ngx_http_igjobs_pg_is_null(reply->result, 0, 0)) {

        /* nothing was written, or by another call */

        ngx_http_igjobs_ingest_release(in);
        ngx_http_igjobs_ingest_stored(in, reply);
        return;
    }

    in->step = NGX_HTTP_IGJOBS_INGEST_COPY;
    ngx_http_igjobs_pg_bulk_copy(in->bulk,
                                 NGX_HTTP_IGJOBS_SQL_BULK_INGEST_COPY);
}


static void
ngx_http_igjobs_ingest_committed(ngx_http_igjobs_ingest_t *in)
{
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_pg_reply_t    reply;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(in->request, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(in->request, ngx_http_igjobs_module);

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_pg_reply_t));
    reply.outcome = NGX_HTTP_IGJOBS_PG_OK;
    reply.result = in->result;
    in->result = NULL;

    /* who waits for the end holds nothing of what was stored */

    ngx_http_igjobs_ingest_release(in);

    ngx_http_igjobs_changed(mcf, &ctx->tenant, reply.result);
    ngx_http_igjobs_ingest_stored(in, &reply);
    ngx_http_igjobs_pg_result_free(reply.result);
}


/*
 * The connection was lost, or Postgres refused.  Before the COMMIT a loss means
 * that nothing was stored; after it nobody knows, and only sending the whole
 * again tells.
 */

static void
ngx_http_igjobs_ingest_again(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply)
{
    if (in->step == NGX_HTTP_IGJOBS_INGEST_COMMIT
        && reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN)
    {
        in->doubt = 1;

    } else if (reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN) {
        reply->outcome = NGX_HTTP_IGJOBS_PG_UNAVAILABLE;
    }

    ngx_http_igjobs_ingest_close(in);

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_REFUSED
        || in->tries >= IGJ_MAX_STORE_TRIES)
    {
        ngx_http_igjobs_ingest_failed(in, reply);
        return;
    }

    ngx_http_igjobs_ingest_large(in);
}


/* Gives the connection a slice; the next one in the next loop turn. */

static void
ngx_http_igjobs_ingest_copy(ngx_http_igjobs_ingest_t *in)
{
    size_t  len;

    len = ngx_http_igjobs_ingest_slice(in);

    if (len == 0) {
        in->step = NGX_HTTP_IGJOBS_INGEST_COPIED;
        ngx_http_igjobs_pg_bulk_copy_end(in->bulk);
        return;
    }

    if (ngx_http_igjobs_pg_bulk_put(in->bulk, in->slice, len) == NGX_OK) {
        ngx_post_event(&in->more, &ngx_posted_next_events);
    }
}


static void
ngx_http_igjobs_ingest_more(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_igjobs_ingest_t  *in;

    in = ev->data;
    c = ngx_http_igjobs_wake(in->request);

    ngx_http_igjobs_ingest_copy(in);
    ngx_http_run_posted_requests(c);
}
