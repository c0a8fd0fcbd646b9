/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Postgres: groups of connections, the queue of each group, ops.  Reads and
 * writes of one loop turn wait in the queue; a posted event at its end gives
 * them to the connections.
 */

#include "ngx_http_igjobs_libpq.h"

#include "igj_limits.h"

#include <pwd.h>


static void ngx_http_igjobs_pg_user(ngx_http_igjobs_pg_t *pg);
static void ngx_http_igjobs_pg_group_start(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_pg_group_e id, ngx_pool_t *pool);
static void ngx_http_igjobs_pg_dispatch(ngx_event_t *ev);
static ngx_http_igjobs_pg_conn_t *ngx_http_igjobs_pg_pick(
    ngx_http_igjobs_pg_group_t *group);
static ngx_uint_t ngx_http_igjobs_pg_has_room(
    ngx_http_igjobs_pg_conn_t *conn);
static ngx_uint_t ngx_http_igjobs_pg_better(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_conn_t *best);
static ngx_msec_int_t ngx_http_igjobs_pg_fresh(
    ngx_http_igjobs_pg_conn_t *conn);
static ngx_uint_t ngx_http_igjobs_pg_held(ngx_http_igjobs_pg_group_t *group);
static ngx_uint_t ngx_http_igjobs_pg_batch(ngx_http_igjobs_pg_group_t *group);
static void ngx_http_igjobs_pg_wake(ngx_http_igjobs_pg_group_t *group);
static ngx_http_igjobs_pg_op_t *ngx_http_igjobs_pg_op_create(
    ngx_http_igjobs_pg_group_t *group, ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params);
static void ngx_http_igjobs_pg_op_free(ngx_http_igjobs_pg_op_t *op);
static void ngx_http_igjobs_pg_op_timeout(ngx_event_t *ev);


/* how much of a group's queue goes out together, and how far ahead */

static const struct {
    ngx_uint_t  ops_per_sync;
    ngx_uint_t  max_syncs;
} ngx_http_igjobs_pg_shape[NGX_HTTP_IGJOBS_PG_GROUPS] = {
    [NGX_HTTP_IGJOBS_PG_STATUS] = { 128, 4 },
    [NGX_HTTP_IGJOBS_PG_PAGES] = { 1, 2 },
    [NGX_HTTP_IGJOBS_PG_CALLS] = { 1, 1 },
    [NGX_HTTP_IGJOBS_PG_LARGE_CALLS] = { 1, 1 },
    [NGX_HTTP_IGJOBS_PG_WRITES] = { IGJ_WRITES_PER_SYNC, 2 },
    [NGX_HTTP_IGJOBS_PG_BULK] = { 0, 0 }
};


ngx_http_igjobs_pg_t *
ngx_http_igjobs_pg_start(ngx_cycle_t *cycle, ngx_http_igjobs_pg_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve)
{
    ngx_uint_t             i;
    ngx_http_igjobs_pg_t  *pg;

    pg = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_pg_t));
    if (pg == NULL) {
        return NULL;
    }

    pg->conf = conf;
    pg->resolve = resolve;
    pg->log = cycle->log;

    ngx_http_igjobs_pg_user(pg);

    for (i = 0; i < NGX_HTTP_IGJOBS_PG_GROUPS; i++) {
        pg->groups[i].conns = ngx_pcalloc(cycle->pool, conf->pool[i]
                                          * sizeof(ngx_http_igjobs_pg_conn_t));
        if (pg->groups[i].conns == NULL) {
            return NULL;
        }
    }

    for (i = 0; i < NGX_HTTP_IGJOBS_PG_GROUPS; i++) {
        ngx_http_igjobs_pg_group_start(pg, i, cycle->pool);
    }

    return pg;
}


/* libpq would look it up at every connect */

static void
ngx_http_igjobs_pg_user(ngx_http_igjobs_pg_t *pg)
{
    ngx_uint_t                    i;
    struct passwd                *pw;
    ngx_http_igjobs_pg_option_t  *option;

    option = pg->conf->options->elts;

    for (i = 0; i < pg->conf->options->nelts; i++) {
        if (ngx_strcmp(option[i].keyword.data, "user") == 0) {
            return;
        }
    }

    pw = getpwuid(geteuid());

    if (pw != NULL) {
        (void) ngx_cpystrn((u_char *) pg->user, (u_char *) pw->pw_name,
                           sizeof(pg->user));
    }
}


static void
ngx_http_igjobs_pg_group_start(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_pg_group_e id, ngx_pool_t *pool)
{
    ngx_uint_t                   i;
    ngx_http_igjobs_pg_group_t  *group;

    group = &pg->groups[id];

    group->pg = pg;
    group->id = id;
    group->nconns = pg->conf->pool[id];
    group->use = (id == NGX_HTTP_IGJOBS_PG_BULK)
                 ? &ngx_http_igjobs_pg_bulk : &ngx_http_igjobs_pg_pipeline;
    group->timeout = pg->conf->timeout;
    group->queue_timeout = pg->conf->queue_timeout;

    if (id == NGX_HTTP_IGJOBS_PG_BULK) {
        group->timeout = pg->conf->bulk_timeout;
    }

    if (id == NGX_HTTP_IGJOBS_PG_LARGE_CALLS) {
        /* who comes behind others waits for calls that last */
        group->timeout = pg->conf->bulk_timeout;
        group->queue_timeout = pg->conf->bulk_timeout;
    }

    group->ops_per_sync = ngx_http_igjobs_pg_shape[id].ops_per_sync;
    group->max_syncs = ngx_http_igjobs_pg_shape[id].max_syncs;

    if (!pg->conf->prepared) {
        /* poolers may drop the answers to transactions behind the first */
        group->max_syncs = ngx_min(group->max_syncs, 1);
    }

    ngx_queue_init(&group->waiting);

    group->event.handler = ngx_http_igjobs_pg_dispatch;
    group->event.data = group;
    group->event.log = pg->log;

    group->hold.handler = ngx_http_igjobs_pg_dispatch;
    group->hold.data = group;
    group->hold.log = pg->log;
    group->hold.cancelable = 1;

    for (i = 0; i < group->nconns; i++) {
        ngx_http_igjobs_pg_conn_init(&group->conns[i], group);
        ngx_http_igjobs_pg_connect(&group->conns[i]);
    }
}


/* at the end of a worker, nobody waits for answers any more */

void
ngx_http_igjobs_pg_stop(ngx_http_igjobs_pg_t *pg)
{
    ngx_uint_t                   i, k;
    ngx_http_igjobs_pg_group_t  *group;

    pg->stopping = 1;

    for (i = 0; i < NGX_HTTP_IGJOBS_PG_GROUPS; i++) {
        group = &pg->groups[i];

        for (k = 0; k < group->nconns; k++) {
            ngx_http_igjobs_pg_shut(&group->conns[k]);
        }

        if (group->event.posted) {
            ngx_delete_posted_event(&group->event);
        }

        if (group->hold.timer_set) {
            ngx_del_timer(&group->hold);
        }
    }
}


ngx_uint_t
ngx_http_igjobs_pg_ready(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_pg_group_e group)
{
    return pg->groups[group].nready;
}


void
ngx_http_igjobs_pg_post(ngx_http_igjobs_pg_group_t *group)
{
    if (group->nwaiting > 0 && !group->event.posted) {
        ngx_post_event(&group->event, &ngx_posted_events);
    }
}


static void
ngx_http_igjobs_pg_dispatch(ngx_event_t *ev)
{
    ngx_http_igjobs_pg_conn_t   *conn;
    ngx_http_igjobs_pg_group_t  *group;

    group = ev->data;

    if (group->nready == 0) {
        ngx_http_igjobs_pg_wake(group);
        return;
    }

    if (group->id == NGX_HTTP_IGJOBS_PG_BULK) {
        ngx_http_igjobs_pg_bulk_dispatch(group);
        return;
    }

    while (group->nwaiting > 0) {
        conn = ngx_http_igjobs_pg_pick(group);

        if (conn == NULL || ngx_http_igjobs_pg_held(group)) {
            return;
        }

        ngx_http_igjobs_pg_send(conn, ngx_http_igjobs_pg_batch(group));
    }
}


/* the best connection that has room, or NULL */

static ngx_http_igjobs_pg_conn_t *
ngx_http_igjobs_pg_pick(ngx_http_igjobs_pg_group_t *group)
{
    ngx_uint_t                  i;
    ngx_http_igjobs_pg_conn_t  *conn, *best;

    best = NULL;

    for (i = 0; i < group->nconns; i++) {
        conn = &group->conns[i];

        if (ngx_http_igjobs_pg_has_room(conn)
            && (best == NULL || ngx_http_igjobs_pg_better(conn, best)))
        {
            best = conn;
        }
    }

    return best;
}


/* for writes nowhere behind a call that lasts: it may hang */

static ngx_uint_t
ngx_http_igjobs_pg_has_room(ngx_http_igjobs_pg_conn_t *conn)
{
    if (conn->state != NGX_HTTP_IGJOBS_PG_READY
        || conn->retire
        || conn->nsyncs >= conn->group->max_syncs)
    {
        return 0;
    }

    return conn->group->id != NGX_HTTP_IGJOBS_PG_WRITES
           || conn->nsyncs == 0
           || ngx_http_igjobs_pg_fresh(conn) > 0;
}


/*
 * Reads take the least busy connection.  Writes go behind a call that is under
 * way: its backend goes on with them at once, on the processor that it has,
 * where a second backend would share one with the first or with this process.
 */

static ngx_uint_t
ngx_http_igjobs_pg_better(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_conn_t *best)
{
    if (conn->group->id != NGX_HTTP_IGJOBS_PG_WRITES) {
        return conn->nsent < best->nsent;
    }

    return conn->nsyncs > best->nsyncs;
}


/* milliseconds until what was sent last is a call that lasts */

static ngx_msec_int_t
ngx_http_igjobs_pg_fresh(ngx_http_igjobs_pg_conn_t *conn)
{
    return (ngx_msec_int_t) (conn->sent_at + IGJ_WRITES_HOLD_MS
                             - ngx_current_msec);
}


/*
 * Writes that are few wait for the call that is under way, which takes more of
 * them along the next time, unless it lasts.
 */

static ngx_uint_t
ngx_http_igjobs_pg_held(ngx_http_igjobs_pg_group_t *group)
{
    ngx_uint_t      i;
    ngx_msec_int_t  left;

    if (group->id != NGX_HTTP_IGJOBS_PG_WRITES
        || group->nwaiting >= IGJ_WRITES_COMPANY)
    {
        return 0;
    }

    for (i = 0; i < group->nconns; i++) {

        if (group->conns[i].nsyncs == 0) {
            continue;
        }

        left = ngx_http_igjobs_pg_fresh(&group->conns[i]);

        if (left > 0) {
            if (!group->hold.timer_set) {
                ngx_add_timer(&group->hold, left);
            }

            return 1;
        }
    }

    return 0;
}


/*
 * How many ops of the queue go together: a fair share for each connection, or
 * as many of one statement as can be where each costs less in company.
 */

static ngx_uint_t
ngx_http_igjobs_pg_batch(ngx_http_igjobs_pg_group_t *group)
{
    ngx_uint_t                n, most;
    ngx_queue_t              *q;
    ngx_http_igjobs_pg_op_t  *op, *first;

    q = ngx_queue_head(&group->waiting);
    first = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

    most = group->ops_per_sync;

    if (first->sql->elements == NULL) {
        n = (group->nwaiting + group->nready - 1) / ngx_max(group->nready, 1);
        most = ngx_min(most, n);
    }

    n = 0;

    for (q = ngx_queue_head(&group->waiting);
         q != ngx_queue_sentinel(&group->waiting) && n < most;
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

        if (op->alone) {
            return ngx_max(n, 1);
        }

        if (op->sql != first->sql
            && (op->sql->elements || first->sql->elements))
        {
            break;
        }

        n++;
    }

    return n;
}


/* somebody waits and nothing is connected: for an exiting worker */

static void
ngx_http_igjobs_pg_wake(ngx_http_igjobs_pg_group_t *group)
{
    ngx_uint_t                  i;
    ngx_http_igjobs_pg_conn_t  *conn;

    for (i = 0; i < group->nconns; i++) {
        conn = &group->conns[i];

        if (conn->state != NGX_HTTP_IGJOBS_PG_DOWN || conn->timer.timer_set) {
            return;
        }
    }

    ngx_http_igjobs_pg_connect(&group->conns[0]);
}


ngx_http_igjobs_pg_op_t *
ngx_http_igjobs_pg_query(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params,
    ngx_http_igjobs_pg_handler_pt handler, void *data)
{
    ngx_http_igjobs_pg_op_t     *op;
    ngx_http_igjobs_pg_group_t  *group;

    group = &pg->groups[ngx_http_igjobs_sql(statement)->group];

    if (ngx_http_igjobs_pg_hopeless(group)) {
        return NULL;
    }

    op = ngx_http_igjobs_pg_op_create(group, statement, params);
    if (op == NULL) {
        return NULL;
    }

    op->handler = handler;
    op->data = data;

    ngx_queue_insert_tail(&group->waiting, &op->queue);
    group->nwaiting++;

    /* for others, a turn may take longer than a connection */
    ngx_add_timer(&op->timer, group->nready ? group->queue_timeout
                                            : pg->conf->queue_timeout);
    ngx_http_igjobs_pg_post(group);

    return op;
}


/* the queue is full, or the group was down for so long that waiting is vain */

ngx_uint_t
ngx_http_igjobs_pg_hopeless(ngx_http_igjobs_pg_group_t *group)
{
    ngx_http_igjobs_pg_conf_t  *conf;

    conf = group->pg->conf;

    if (group->nwaiting >= conf->queue) {
        return 1;
    }

    return group->nready == 0
           && group->failing
           && ngx_current_msec - group->failed_since > conf->queue_timeout;
}


static ngx_http_igjobs_pg_op_t *
ngx_http_igjobs_pg_op_create(ngx_http_igjobs_pg_group_t *group,
    ngx_http_igjobs_sql_e statement, const ngx_http_igjobs_pg_param_t *params)
{
    u_char                       *p;
    size_t                        size;
    ngx_uint_t                    i, n;
    ngx_http_igjobs_pg_op_t      *op;
    const ngx_http_igjobs_sql_t  *sql;

    sql = ngx_http_igjobs_sql(statement);
    n = sql->nparams;
    size = 0;

    for (i = 0; i < n; i++) {
        size += params[i].len + 1;
    }

    op = ngx_alloc(sizeof(ngx_http_igjobs_pg_op_t) + size, group->pg->log);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(ngx_http_igjobs_pg_op_t));

    op->group = group;
    op->sql = sql;
    op->statement = statement;
    op->size = size;

    op->timer.handler = ngx_http_igjobs_pg_op_timeout;
    op->timer.data = op;
    op->timer.log = group->pg->log;

    p = (u_char *) (op + 1);

    for (i = 0; i < n; i++) {
        op->params.formats[i] = params[i].binary;

        if (params[i].data == NULL) {
            continue;
        }

        op->params.values[i] = (char *) p;
        op->params.lengths[i] = (int) params[i].len;
        p = ngx_cpymem(p, params[i].data, params[i].len);
        *p++ = '\0';
    }

    return op;
}


static void
ngx_http_igjobs_pg_op_free(ngx_http_igjobs_pg_op_t *op)
{
    if (op->timer.timer_set) {
        ngx_del_timer(&op->timer);
    }

    if (!op->follows) {
        PQclear(op->result);
    }

    ngx_free(op);
}


void
ngx_http_igjobs_pg_detach(ngx_http_igjobs_pg_op_t *op)
{
    op->handler = NULL;

    if (op->state == NGX_HTTP_IGJOBS_PG_OP_WAITING
        && !(op->sql->flags & NGX_HTTP_IGJOBS_SQL_WRITE))
    {
        ngx_queue_remove(&op->queue);
        op->group->nwaiting--;
        ngx_http_igjobs_pg_op_free(op);
    }
}


/* back to the front of the queue */

void
ngx_http_igjobs_pg_requeue(ngx_http_igjobs_pg_op_t *op)
{
    PQclear(op->result);

    op->result = NULL;
    op->conn = NULL;
    op->state = NGX_HTTP_IGJOBS_PG_OP_WAITING;

    ngx_queue_insert_head(&op->group->waiting, &op->queue);
    op->group->nwaiting++;
}


static void
ngx_http_igjobs_pg_op_timeout(ngx_event_t *ev)
{
    ngx_str_t                      why;
    ngx_http_igjobs_pg_op_t       *op;
    ngx_http_igjobs_pg_outcome_e   outcome;

    op = ev->data;

    if (op->state == NGX_HTTP_IGJOBS_PG_OP_SENT) {

        /* answers come in order: those behind it go elsewhere */

        op->sends = NGX_HTTP_IGJOBS_PG_MAX_SENDS;
        ngx_str_set(&why, "no answer in time");
        ngx_http_igjobs_pg_lost(op->conn, &why);
        return;
    }

    ngx_queue_remove(&op->queue);
    op->group->nwaiting--;

    outcome = op->sends ? NGX_HTTP_IGJOBS_PG_UNKNOWN
                        : NGX_HTTP_IGJOBS_PG_UNAVAILABLE;

    ngx_str_set(&why, "no connection in time");
    ngx_http_igjobs_pg_answer(op, outcome, &why);
}


/* calls the handler and frees the op, which is in no queue */

void
ngx_http_igjobs_pg_answer(ngx_http_igjobs_pg_op_t *op,
    ngx_http_igjobs_pg_outcome_e outcome, ngx_str_t *why)
{
    ngx_http_igjobs_pg_reply_t  reply;

    op->state = NGX_HTTP_IGJOBS_PG_OP_DONE;

    if (op->handler == NULL) {
        ngx_http_igjobs_pg_op_free(op);
        return;
    }

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_pg_reply_t));
    reply.outcome = outcome;

    if (why) {
        reply.message = *why;
    }

    if (outcome == NGX_HTTP_IGJOBS_PG_OK) {
        reply.result = (ngx_http_igjobs_pg_result_t *) op->result;
        reply.row = op->row;

    } else if (op->result) {
        ngx_http_igjobs_pg_describe(&reply, op->result);
    }

    op->handler(op->data, &reply);

    if (outcome == NGX_HTTP_IGJOBS_PG_OK && reply.result == NULL) {
        op->result = NULL;
    }

    ngx_http_igjobs_pg_op_free(op);
}
