/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Bulk transactions: BEGIN, statements, one binary COPY, COMMIT, on a
 * connection that has no pipeline and one owner at a time.
 *
 * A bulk object is its owner's until close().  Every step is answered exactly
 * once, from an event of its own or of the connection, never from inside the
 * call that started it; after the handler was called nothing here touches the
 * bulk, because the handler may have closed it.
 */

#include "ngx_http_igjobs_libpq.h"


typedef enum {
    NGX_HTTP_IGJOBS_PG_BULK_NONE = 0,   /* the owner's turn */
    NGX_HTTP_IGJOBS_PG_BULK_OPEN,       /* waits for a connection, BEGIN */
    NGX_HTTP_IGJOBS_PG_BULK_QUERY,
    NGX_HTTP_IGJOBS_PG_BULK_START,      /* COPY was sent */
    NGX_HTTP_IGJOBS_PG_BULK_DRAIN,      /* the socket is full */
    NGX_HTTP_IGJOBS_PG_BULK_END,        /* the end of the data waits to go */
    NGX_HTTP_IGJOBS_PG_BULK_ENDED,      /* it went, the answer is awaited */
    NGX_HTTP_IGJOBS_PG_BULK_COMMIT
} ngx_http_igjobs_pg_bulk_step_e;


struct ngx_http_igjobs_pg_bulk_s {
    ngx_queue_t                      queue;     /* while it waits */
    ngx_http_igjobs_pg_group_t      *group;
    ngx_http_igjobs_pg_conn_t       *conn;      /* NULL: none yet, or lost */
    ngx_http_igjobs_pg_bulk_step_e   step;

    ngx_http_igjobs_pg_handler_pt    handler;
    void                            *data;

    PGresult                        *result;    /* of the step, the first */
    ngx_event_t                      timer;     /* ordinary */
    ngx_event_t                      event;     /* posted: the step failed */
    ngx_http_igjobs_pg_outcome_e     outcome;   /* of such a failure */

    unsigned                         queued:1;
    unsigned                         broken:1;  /* only close() is left */
};


static void ngx_http_igjobs_pg_bulk_ready(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_bulk_progress(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_bulk_lost(ngx_http_igjobs_pg_conn_t *conn,
    ngx_str_t *why);
static ngx_int_t ngx_http_igjobs_pg_bulk_begin(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_pg_bulk_step_e step);
static void ngx_http_igjobs_pg_bulk_sent(ngx_http_igjobs_pg_bulk_t *bulk,
    int rc);
static ngx_int_t ngx_http_igjobs_pg_bulk_results(
    ngx_http_igjobs_pg_bulk_t *bulk);
static void ngx_http_igjobs_pg_bulk_finish_copy(
    ngx_http_igjobs_pg_bulk_t *bulk);
static void ngx_http_igjobs_pg_bulk_answer(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_pg_outcome_e outcome, ngx_str_t *why);
static void ngx_http_igjobs_pg_bulk_fail(ngx_http_igjobs_pg_bulk_t *bulk);
static void ngx_http_igjobs_pg_bulk_failed(ngx_event_t *ev);
static void ngx_http_igjobs_pg_bulk_timeout(ngx_event_t *ev);


const ngx_http_igjobs_pg_use_t  ngx_http_igjobs_pg_bulk = {
    ngx_http_igjobs_pg_bulk_ready,
    ngx_http_igjobs_pg_bulk_progress,
    ngx_http_igjobs_pg_bulk_lost
};


ngx_http_igjobs_pg_bulk_t *
ngx_http_igjobs_pg_bulk_open(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_pg_handler_pt handler, void *data)
{
    ngx_http_igjobs_pg_bulk_t   *bulk;
    ngx_http_igjobs_pg_group_t  *group;

    group = &pg->groups[NGX_HTTP_IGJOBS_PG_BULK];

    if (ngx_http_igjobs_pg_hopeless(group)) {
        return NULL;
    }

    bulk = ngx_calloc(sizeof(ngx_http_igjobs_pg_bulk_t), pg->log);
    if (bulk == NULL) {
        return NULL;
    }

    bulk->group = group;
    bulk->handler = handler;
    bulk->data = data;
    bulk->step = NGX_HTTP_IGJOBS_PG_BULK_OPEN;

    bulk->timer.handler = ngx_http_igjobs_pg_bulk_timeout;
    bulk->timer.data = bulk;
    bulk->timer.log = pg->log;

    bulk->event.handler = ngx_http_igjobs_pg_bulk_failed;
    bulk->event.data = bulk;
    bulk->event.log = pg->log;

    ngx_queue_insert_tail(&group->waiting, &bulk->queue);
    group->nwaiting++;
    bulk->queued = 1;

    /* another transaction may be before us: its whole time is waited for */

    ngx_add_timer(&bulk->timer, pg->conf->bulk_timeout);
    ngx_http_igjobs_pg_post(group);

    return bulk;
}


void
ngx_http_igjobs_pg_bulk_dispatch(ngx_http_igjobs_pg_group_t *group)
{
    ngx_uint_t                  i;
    ngx_queue_t                *q;
    ngx_http_igjobs_pg_conn_t  *conn;
    ngx_http_igjobs_pg_bulk_t  *bulk;

    for (i = 0; i < group->nconns && group->nwaiting > 0; i++) {
        conn = &group->conns[i];

        if (conn->state != NGX_HTTP_IGJOBS_PG_READY
            || conn->bulk != NULL
            || conn->retire)
        {
            continue;
        }

        q = ngx_queue_head(&group->waiting);
        bulk = ngx_queue_data(q, ngx_http_igjobs_pg_bulk_t, queue);

        ngx_queue_remove(q);
        group->nwaiting--;
        bulk->queued = 0;

        bulk->conn = conn;
        conn->bulk = bulk;
        ngx_http_igjobs_pg_busy(conn);

        if (ngx_http_igjobs_pg_bulk_begin(bulk, NGX_HTTP_IGJOBS_PG_BULK_OPEN)
            == NGX_OK)
        {
            ngx_http_igjobs_pg_bulk_sent(bulk,
                                         PQsendQuery(conn->pq, "begin"));
        }
    }
}


void
ngx_http_igjobs_pg_bulk_query(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_sql_e statement, const ngx_http_igjobs_pg_param_t *params)
{
    int                           rc;
    int                           lengths[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    int                           formats[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    u_char                       *copy, *p;
    size_t                        size;
    ngx_uint_t                    i;
    const char                   *values[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    const ngx_http_igjobs_sql_t  *sql;

    if (ngx_http_igjobs_pg_bulk_begin(bulk, NGX_HTTP_IGJOBS_PG_BULK_QUERY)
        != NGX_OK)
    {
        return;
    }

    sql = ngx_http_igjobs_sql(statement);
    size = 1;

    for (i = 0; i < sql->nparams; i++) {
        size += params[i].len + 1;
    }

    copy = ngx_alloc(size, bulk->group->pg->log);
    if (copy == NULL) {
        ngx_http_igjobs_pg_bulk_fail(bulk);
        return;
    }

    p = copy;

    for (i = 0; i < sql->nparams; i++) {
        values[i] = params[i].data ? (char *) p : NULL;
        lengths[i] = (int) params[i].len;
        formats[i] = params[i].binary;

        if (params[i].data) {
            p = ngx_cpymem(p, params[i].data, params[i].len);
        }

        *p++ = '\0';
    }

    rc = PQsendQueryParams(bulk->conn->pq, sql->text, sql->nparams, NULL,
                           values, lengths, formats, 0);
    ngx_free(copy);
    ngx_http_igjobs_pg_bulk_sent(bulk, rc);
}


void
ngx_http_igjobs_pg_bulk_copy(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_sql_e statement)
{
    if (ngx_http_igjobs_pg_bulk_begin(bulk, NGX_HTTP_IGJOBS_PG_BULK_START)
        == NGX_OK)
    {
        ngx_http_igjobs_pg_bulk_sent(bulk,
                                PQsendQuery(bulk->conn->pq,
                                       ngx_http_igjobs_sql(statement)->text));
    }
}


ngx_int_t
ngx_http_igjobs_pg_bulk_put(ngx_http_igjobs_pg_bulk_t *bulk, const void *data,
    size_t len)
{
    if (bulk->broken
        || PQputCopyData(bulk->conn->pq, data, (int) len) != 1
        || ngx_http_igjobs_pg_flush(bulk->conn) != NGX_OK)
    {
        ngx_http_igjobs_pg_bulk_fail(bulk);
        return NGX_ERROR;
    }

    ngx_add_timer(&bulk->timer, bulk->group->pg->conf->bulk_timeout);

    if (!bulk->conn->c->write->active) {
        return NGX_OK;
    }

    bulk->step = NGX_HTTP_IGJOBS_PG_BULK_DRAIN;

    return NGX_AGAIN;
}


void
ngx_http_igjobs_pg_bulk_copy_end(ngx_http_igjobs_pg_bulk_t *bulk)
{
    if (ngx_http_igjobs_pg_bulk_begin(bulk, NGX_HTTP_IGJOBS_PG_BULK_END)
        == NGX_OK)
    {
        ngx_http_igjobs_pg_bulk_finish_copy(bulk);
    }
}


void
ngx_http_igjobs_pg_bulk_commit(ngx_http_igjobs_pg_bulk_t *bulk)
{
    if (ngx_http_igjobs_pg_bulk_begin(bulk, NGX_HTTP_IGJOBS_PG_BULK_COMMIT)
        == NGX_OK)
    {
        ngx_http_igjobs_pg_bulk_sent(bulk,
                                     PQsendQuery(bulk->conn->pq, "commit"));
    }
}


void
ngx_http_igjobs_pg_bulk_close(ngx_http_igjobs_pg_bulk_t *bulk)
{
    ngx_http_igjobs_pg_conn_t  *conn;

    conn = bulk->conn;

    if (bulk->queued) {
        ngx_queue_remove(&bulk->queue);
        bulk->group->nwaiting--;
    }

    if (conn) {
        conn->bulk = NULL;

        if (bulk->step == NGX_HTTP_IGJOBS_PG_BULK_NONE
            && PQtransactionStatus(conn->pq) == PQTRANS_IDLE)
        {
            ngx_http_igjobs_pg_idle(conn);

        } else {
            ngx_http_igjobs_pg_replace(conn);
        }

        ngx_http_igjobs_pg_post(bulk->group);
    }

    if (bulk->timer.timer_set) {
        ngx_del_timer(&bulk->timer);
    }

    if (bulk->event.posted) {
        ngx_delete_posted_event(&bulk->event);
    }

    PQclear(bulk->result);
    ngx_free(bulk);
}


/* starts a step; NGX_ERROR: it will be answered as failed */

static ngx_int_t
ngx_http_igjobs_pg_bulk_begin(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_pg_bulk_step_e step)
{
    PQclear(bulk->result);
    bulk->result = NULL;

    if (bulk->broken || bulk->conn == NULL) {
        ngx_http_igjobs_pg_bulk_fail(bulk);
        return NGX_ERROR;
    }

    bulk->step = step;
    ngx_add_timer(&bulk->timer, bulk->group->pg->conf->bulk_timeout);

    return NGX_OK;
}


static void
ngx_http_igjobs_pg_bulk_sent(ngx_http_igjobs_pg_bulk_t *bulk, int rc)
{
    if (rc != 1 || ngx_http_igjobs_pg_flush(bulk->conn) != NGX_OK) {
        ngx_http_igjobs_pg_bulk_fail(bulk);
    }
}


static void
ngx_http_igjobs_pg_bulk_ready(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_http_igjobs_pg_post(conn->group);
}


static void
ngx_http_igjobs_pg_bulk_progress(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_int_t                   rc;
    ngx_str_t                   why;
    ngx_http_igjobs_pg_bulk_t  *bulk;

    bulk = conn->bulk;

    if (bulk == NULL || bulk->event.posted) {
        return;
    }

    switch (bulk->step) {

    case NGX_HTTP_IGJOBS_PG_BULK_NONE:
        return;

    case NGX_HTTP_IGJOBS_PG_BULK_DRAIN:

        if (!conn->c->write->active) {
            ngx_http_igjobs_pg_bulk_answer(bulk, NGX_HTTP_IGJOBS_PG_OK, NULL);
        }

        return;

    case NGX_HTTP_IGJOBS_PG_BULK_END:
        ngx_http_igjobs_pg_bulk_finish_copy(bulk);
        return;

    default:

        rc = ngx_http_igjobs_pg_bulk_results(bulk);

        if (rc == NGX_ERROR) {
            why = ngx_http_igjobs_pg_error(conn);
            ngx_http_igjobs_pg_lost(conn, &why);

        } else if (rc == NGX_OK) {
            ngx_http_igjobs_pg_bulk_answer(bulk,
                          bulk->broken ? NGX_HTTP_IGJOBS_PG_REFUSED
                                       : NGX_HTTP_IGJOBS_PG_OK,
                          NULL);
        }
    }
}


/*
 * NGX_OK: the step has its answer; NGX_AGAIN: not yet; NGX_ERROR: the server
 * goes away, which says nothing about what it has done
 */

static ngx_int_t
ngx_http_igjobs_pg_bulk_results(ngx_http_igjobs_pg_bulk_t *bulk)
{
    PGresult        *result;
    ExecStatusType   status;

    while (!PQisBusy(bulk->conn->pq)) {

        result = PQgetResult(bulk->conn->pq);

        if (result == NULL) {
            return NGX_OK;
        }

        status = PQresultStatus(result);

        if (status == PGRES_COPY_IN) {
            PQclear(result);
            return NGX_OK;
        }

        if (PQstatus(bulk->conn->pq) == CONNECTION_BAD
            || ngx_http_igjobs_pg_is(result, "57P0"))
        {
            PQclear(result);
            return NGX_ERROR;
        }

        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            bulk->broken = 1;
        }

        if (bulk->result == NULL) {
            bulk->result = result;

        } else {
            PQclear(result);
        }
    }

    return NGX_AGAIN;
}


static void
ngx_http_igjobs_pg_bulk_finish_copy(ngx_http_igjobs_pg_bulk_t *bulk)
{
    int  rc;

    rc = PQputCopyEnd(bulk->conn->pq, NULL);

    if (rc == 0) {

        /* no room yet: again when the socket has been flushed */

        return;
    }

    bulk->step = NGX_HTTP_IGJOBS_PG_BULK_ENDED;
    ngx_http_igjobs_pg_bulk_sent(bulk, rc);
}


static void
ngx_http_igjobs_pg_bulk_answer(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_pg_outcome_e outcome, ngx_str_t *why)
{
    PGresult                    *result;
    ngx_http_igjobs_pg_reply_t   reply;

    /*
     * The timer of a step that went well goes on: a worker that shuts down
     * must not leave between two turns of a COPY.
     */

    if (outcome != NGX_HTTP_IGJOBS_PG_OK && bulk->timer.timer_set) {
        ngx_del_timer(&bulk->timer);
    }

    bulk->step = NGX_HTTP_IGJOBS_PG_BULK_NONE;

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_pg_reply_t));
    reply.outcome = outcome;

    if (why) {
        reply.message = *why;
    }

    /* the handler may close the bulk and still look at the reply */

    result = bulk->result;
    bulk->result = NULL;

    if (outcome == NGX_HTTP_IGJOBS_PG_OK) {
        reply.result = (ngx_http_igjobs_pg_result_t *) result;
        bulk->handler(bulk->data, &reply);
        PQclear((PGresult *) reply.result);
        return;
    }

    bulk->broken = 1;

    if (result) {
        ngx_http_igjobs_pg_describe(&reply, result);
    }

    bulk->handler(bulk->data, &reply);
    PQclear(result);
}


/* the step cannot go on: its handler is called from an event */

static void
ngx_http_igjobs_pg_bulk_fail(ngx_http_igjobs_pg_bulk_t *bulk)
{
    bulk->outcome = (bulk->step == NGX_HTTP_IGJOBS_PG_BULK_COMMIT)
                    ? NGX_HTTP_IGJOBS_PG_UNKNOWN
                    : NGX_HTTP_IGJOBS_PG_UNAVAILABLE;
    bulk->broken = 1;

    if (!bulk->event.posted) {
        ngx_post_event(&bulk->event, &ngx_posted_events);
    }
}


static void
ngx_http_igjobs_pg_bulk_failed(ngx_event_t *ev)
{
    ngx_str_t                   why;
    ngx_http_igjobs_pg_bulk_t  *bulk;

    bulk = ev->data;

    ngx_str_set(&why, "the transaction cannot go on");
    ngx_http_igjobs_pg_bulk_answer(bulk, bulk->outcome, &why);
}


static void
ngx_http_igjobs_pg_bulk_lost(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why)
{
    ngx_http_igjobs_pg_bulk_t     *bulk;
    ngx_http_igjobs_pg_outcome_e   outcome;

    bulk = conn->bulk;

    if (bulk == NULL) {
        return;
    }

    conn->bulk = NULL;
    bulk->conn = NULL;
    bulk->broken = 1;

    if (bulk->step == NGX_HTTP_IGJOBS_PG_BULK_NONE || bulk->event.posted) {

        /* the next step will say so; or is said already */

        return;
    }

    outcome = (bulk->step == NGX_HTTP_IGJOBS_PG_BULK_COMMIT)
              ? NGX_HTTP_IGJOBS_PG_UNKNOWN : NGX_HTTP_IGJOBS_PG_UNAVAILABLE;

    ngx_http_igjobs_pg_bulk_answer(bulk, outcome, why);
}


static void
ngx_http_igjobs_pg_bulk_timeout(ngx_event_t *ev)
{
    ngx_str_t                   why;
    ngx_http_igjobs_pg_bulk_t  *bulk;

    bulk = ev->data;

    ngx_str_set(&why, "no answer in time");

    if (bulk->conn) {
        ngx_http_igjobs_pg_lost(bulk->conn, &why);
        return;
    }

    if (bulk->queued) {
        ngx_queue_remove(&bulk->queue);
        bulk->group->nwaiting--;
        bulk->queued = 0;
    }

    ngx_http_igjobs_pg_bulk_answer(bulk, NGX_HTTP_IGJOBS_PG_UNAVAILABLE, &why);
}
