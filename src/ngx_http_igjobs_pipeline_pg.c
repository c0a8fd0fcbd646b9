/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Ops in the pipeline of a connection.
 *
 * A batch is the ops between two Syncs: one implicit transaction.  So an op is
 * answered when the Sync of its batch has come back, not before.  If a batch
 * of several failed, its ops are sent again, each with a Sync of its own: who
 * fails then, failed for itself.  Ops of a statement for many are one
 * execution: the first one of them has its results, the others follow it.
 *
 * Results come in the order of sending; each statement's end with a NULL, a
 * Sync's do not.
 */

#include "ngx_http_igjobs_libpq.h"


static void ngx_http_igjobs_pg_pipeline_ready(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_pipeline_progress(
    ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_pipeline_lost(ngx_http_igjobs_pg_conn_t *conn,
    ngx_str_t *why);
static ngx_http_igjobs_pg_op_t *ngx_http_igjobs_pg_take(
    ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t last);
static ngx_int_t ngx_http_igjobs_pg_send_many(ngx_http_igjobs_pg_conn_t *conn,
    ngx_uint_t n);
static void ngx_http_igjobs_pg_share(ngx_queue_t *done);
static ngx_int_t ngx_http_igjobs_pg_result(ngx_http_igjobs_pg_conn_t *conn,
    PGresult *result);
static ngx_int_t ngx_http_igjobs_pg_result_end(
    ngx_http_igjobs_pg_conn_t *conn);
static ngx_http_igjobs_pg_op_t *ngx_http_igjobs_pg_expected(
    ngx_http_igjobs_pg_conn_t *conn);
static ngx_int_t ngx_http_igjobs_pg_result_good(
    ngx_http_igjobs_pg_conn_t *conn, ngx_http_igjobs_pg_op_t *op,
    PGresult *result);
static ngx_int_t ngx_http_igjobs_pg_result_failed(
    ngx_http_igjobs_pg_conn_t *conn, ngx_http_igjobs_pg_op_t *op,
    PGresult *result);
static void ngx_http_igjobs_pg_synced(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_settle(ngx_http_igjobs_pg_op_t *op,
    ngx_uint_t failed, ngx_uint_t several);


const ngx_http_igjobs_pg_use_t  ngx_http_igjobs_pg_pipeline = {
    ngx_http_igjobs_pg_pipeline_ready,
    ngx_http_igjobs_pg_pipeline_progress,
    ngx_http_igjobs_pg_pipeline_lost
};


static void
ngx_http_igjobs_pg_pipeline_ready(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_str_t  why;

    if (PQenterPipelineMode(conn->pq) == 0) {
        ngx_str_set(&why, "no pipeline mode");
        ngx_http_igjobs_pg_lost(conn, &why);
        return;
    }

    conn->failed = 0;
    conn->got = 0;

    ngx_http_igjobs_pg_post(conn->group);
}


/* sends n ops of the queue as one batch; n >= 1, the queue has them */

void
ngx_http_igjobs_pg_send(ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t n)
{
    ngx_int_t                 rc;
    ngx_str_t                 why;
    ngx_queue_t              *q;
    ngx_http_igjobs_pg_op_t  *op;

    ngx_http_igjobs_pg_busy(conn);
    conn->sent_at = ngx_current_msec;

    q = ngx_queue_head(&conn->group->waiting);
    op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

    if (op->sql->elements) {
        rc = ngx_http_igjobs_pg_send_many(conn, n);

    } else {
        do {
            op = ngx_http_igjobs_pg_take(conn, --n == 0);
            rc = ngx_http_igjobs_pg_execute(conn, op, &op->params);

        } while (rc == NGX_OK && n > 0);
    }

    conn->nsyncs++;

    if (rc != NGX_OK
        || PQpipelineSync(conn->pq) == 0
        || ngx_http_igjobs_pg_flush(conn) != NGX_OK)
    {
        why = ngx_http_igjobs_pg_error(conn);
        ngx_http_igjobs_pg_lost(conn, &why);
    }
}


/* the next op that waits becomes one that is sent */

static ngx_http_igjobs_pg_op_t *
ngx_http_igjobs_pg_take(ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t last)
{
    ngx_queue_t                 *q;
    ngx_http_igjobs_pg_op_t     *op;
    ngx_http_igjobs_pg_group_t  *group;

    group = conn->group;

    q = ngx_queue_head(&group->waiting);
    op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

    ngx_queue_remove(q);
    group->nwaiting--;
    ngx_queue_insert_tail(&conn->sent, q);
    conn->nsent++;

    op->conn = conn;
    op->state = NGX_HTTP_IGJOBS_PG_OP_SENT;
    op->last = last;
    op->follows = 0;
    op->row = 0;
    op->expect = 0;

    if (op->sends++ == 0) {
        ngx_add_timer(&op->timer, group->timeout);
    }

    if (op->size > NGX_HTTP_IGJOBS_PG_LARGE) {
        conn->retire = 1;
    }

    return op;
}


static ngx_int_t
ngx_http_igjobs_pg_send_many(ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t n)
{
    ngx_uint_t                i;
    ngx_http_igjobs_pg_op_t  *first, *op;

    first = ngx_http_igjobs_pg_take(conn, n == 1);

    for (i = 1; i < n; i++) {
        op = ngx_http_igjobs_pg_take(conn, i + 1 == n);
        op->follows = 1;
        op->row = i;
    }

    return ngx_http_igjobs_pg_execute_many(conn, first, n);
}


ngx_int_t
ngx_http_igjobs_pg_execute(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *op, ngx_http_igjobs_pg_values_t *params)
{
    int                           rc, binary;
    uint64_t                      bit;
    const ngx_http_igjobs_sql_t  *sql;

    sql = op->sql;
    bit = (uint64_t) 1 << op->statement;
    binary = (sql->flags & NGX_HTTP_IGJOBS_SQL_BINARY) != 0;

    op->expect = 1;
    op->prepare = 0;

    if (!conn->group->pg->conf->prepared) {
        rc = PQsendQueryParams(conn->pq, sql->text, sql->nparams, NULL,
                               params->values, params->lengths,
                               params->formats, binary);
        return rc ? NGX_OK : NGX_ERROR;
    }

    if (!(conn->prepared & bit)) {
        if (PQsendPrepare(conn->pq, sql->name, sql->text, 0, NULL) == 0) {
            return NGX_ERROR;
        }

        op->expect = 2;
        op->prepare = 1;
        conn->prepared |= bit;
    }

    rc = PQsendQueryPrepared(conn->pq, sql->name, sql->nparams, params->values,
                             params->lengths, params->formats, binary);

    return rc ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_igjobs_pg_pipeline_progress(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_int_t   rc;
    ngx_str_t   why;
    PGresult   *result;

    /* PQgetResult() would wait if it were asked too often */

    while (conn->nsyncs > 0 && !PQisBusy(conn->pq)) {

        result = PQgetResult(conn->pq);

        if (result == NULL) {
            rc = ngx_http_igjobs_pg_result_end(conn);

        } else {
            rc = ngx_http_igjobs_pg_result(conn, result);
        }

        if (rc == NGX_ERROR) {
            why = ngx_http_igjobs_pg_error(conn);
            ngx_http_igjobs_pg_lost(conn, &why);
            return;
        }

        if (rc == NGX_DONE) {
            return;
        }
    }
}


/* NULL: the Sync of the batch comes next */

static ngx_http_igjobs_pg_op_t *
ngx_http_igjobs_pg_expected(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_queue_t              *q;
    ngx_http_igjobs_pg_op_t  *op;

    if (!ngx_queue_empty(&conn->received)) {
        q = ngx_queue_last(&conn->received);
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

        if (op->last) {
            return NULL;
        }
    }

    if (ngx_queue_empty(&conn->sent)) {
        return NULL;
    }

    q = ngx_queue_head(&conn->sent);

    return ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);
}


/* takes the result; NGX_DONE: the connection may be gone */

static ngx_int_t
ngx_http_igjobs_pg_result(ngx_http_igjobs_pg_conn_t *conn, PGresult *result)
{
    ngx_http_igjobs_pg_op_t  *op;

    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        ngx_http_igjobs_pg_synced(conn);
        return (conn->state == NGX_HTTP_IGJOBS_PG_READY) ? NGX_OK : NGX_DONE;
    }

    op = ngx_http_igjobs_pg_expected(conn);

    if (conn->got) {
        PQclear(result);
        return NGX_ERROR;
    }

    conn->got = 1;

    switch (PQresultStatus(result)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        return ngx_http_igjobs_pg_result_good(conn, op, result);

    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_ABORTED:
        return ngx_http_igjobs_pg_result_failed(conn, op, result);

    default:

        /* a COPY would answer the same for ever */

        PQclear(result);
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_igjobs_pg_result_good(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *op, PGresult *result)
{
    if (op == NULL) {
        PQclear(result);
        return NGX_ERROR;
    }

    if (--op->expect > 0) {

        /* of the Prepare */

        op->prepare = 0;
        PQclear(result);
        return NGX_OK;
    }

    if (PQresultMemorySize(result) > NGX_HTTP_IGJOBS_PG_LARGE) {
        conn->retire = 1;
    }

    op->result = result;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_pg_result_failed(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *op, PGresult *result)
{
    conn->failed = 1;

    /* the server goes away, or libpq has lost it: nobody's error */

    if (PQstatus(conn->pq) == CONNECTION_BAD
        || ngx_http_igjobs_pg_is(result, "57P0"))
    {
        PQclear(result);
        return NGX_ERROR;
    }

    if (op == NULL) {

        /* the Sync itself failed, at the commit: all of the batch */

        PQclear(result);
        return NGX_OK;
    }

    op->expect--;

    if (op->prepare) {
        conn->prepared &= ~((uint64_t) 1 << op->statement);
    }

    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED
        || op->result != NULL)
    {
        PQclear(result);
        return NGX_OK;
    }

    op->result = result;

    return NGX_OK;
}


/* a NULL: what was asked last has no more results */

static ngx_int_t
ngx_http_igjobs_pg_result_end(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_http_igjobs_pg_op_t  *op;

    if (!conn->got) {
        return NGX_ERROR;
    }

    conn->got = 0;

    op = ngx_http_igjobs_pg_expected(conn);

    if (op == NULL || op->expect > 0) {
        return NGX_OK;
    }

    do {
        ngx_queue_remove(&op->queue);
        ngx_queue_insert_tail(&conn->received, &op->queue);
        op = ngx_http_igjobs_pg_expected(conn);

    } while (op != NULL && op->follows);

    return NGX_OK;
}


/* a batch has come to its end: it is committed, or failed as a whole */

static void
ngx_http_igjobs_pg_synced(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_uint_t                failed, n;
    ngx_queue_t               done, *q;
    ngx_http_igjobs_pg_op_t  *op;

    failed = conn->failed;
    conn->failed = 0;
    conn->nsyncs--;

    ngx_queue_init(&done);
    ngx_queue_add(&done, &conn->received);
    ngx_queue_init(&conn->received);

    n = 0;

    for (q = ngx_queue_head(&done);
         q != ngx_queue_sentinel(&done);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);
        op->state = NGX_HTTP_IGJOBS_PG_OP_DONE;
        n++;
    }

    conn->nsent -= n;

    if (!failed) {
        ngx_http_igjobs_pg_share(&done);
    }

    /*
     * From the last to the first: those to be sent again keep their order, and
     * a result lives as long as somebody looks at it.
     */

    while (!ngx_queue_empty(&done)) {
        q = ngx_queue_last(&done);
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);
        ngx_queue_remove(q);
        ngx_http_igjobs_pg_settle(op, failed, n > 1);
    }

    ngx_http_igjobs_pg_post(conn->group);

    if (conn->nsent == 0) {
        ngx_http_igjobs_pg_idle(conn);
    }
}


/* ops that were executed with the one before look at its result */

static void
ngx_http_igjobs_pg_share(ngx_queue_t *done)
{
    PGresult                 *result;
    ngx_queue_t              *q;
    ngx_http_igjobs_pg_op_t  *op;

    result = NULL;

    for (q = ngx_queue_head(done);
         q != ngx_queue_sentinel(done);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

        if (op->follows) {
            op->result = result;
        }

        result = op->result;
    }
}


static void
ngx_http_igjobs_pg_settle(ngx_http_igjobs_pg_op_t *op, ngx_uint_t failed,
    ngx_uint_t several)
{
    ngx_str_t   why;
    ngx_uint_t  again;

    if (!failed) {
        ngx_http_igjobs_pg_answer(op, NGX_HTTP_IGJOBS_PG_OK, NULL);
        return;
    }

    again = several || op->result == NULL;

    if (ngx_http_igjobs_pg_is(op->result, "26000")
        || ngx_http_igjobs_pg_is(op->result, "0A000"))
    {
        /* the session has lost its statements, or their tables changed */

        op->conn->retire = 1;
        again = 1;
    }

    if (ngx_http_igjobs_pg_is(op->result, "40")) {

        /* a deadlock or the like */

        again = 1;
    }

    if (again && op->sends < NGX_HTTP_IGJOBS_PG_MAX_SENDS) {
        op->alone = 1;
        ngx_http_igjobs_pg_requeue(op);
        return;
    }

    ngx_str_set(&why, "the commit failed");
    ngx_http_igjobs_pg_answer(op, op->doubt ? NGX_HTTP_IGJOBS_PG_UNKNOWN
                                            : NGX_HTTP_IGJOBS_PG_REFUSED,
                              &why);
}


static void
ngx_http_igjobs_pg_pipeline_lost(ngx_http_igjobs_pg_conn_t *conn,
    ngx_str_t *why)
{
    ngx_queue_t              *q;
    ngx_http_igjobs_pg_op_t  *op;

    if (!ngx_queue_empty(&conn->sent)) {
        ngx_queue_add(&conn->received, &conn->sent);
        ngx_queue_init(&conn->sent);
    }

    conn->nsent = 0;
    conn->nsyncs = 0;

    while (!ngx_queue_empty(&conn->received)) {
        q = ngx_queue_last(&conn->received);
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);
        ngx_queue_remove(q);
        op->doubt = 1;

        if (op->sends < NGX_HTTP_IGJOBS_PG_MAX_SENDS) {
            ngx_http_igjobs_pg_requeue(op);

        } else {
            ngx_http_igjobs_pg_answer(op, NGX_HTTP_IGJOBS_PG_UNKNOWN, why);
        }
    }
}
