/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A batch is the lookups of one statement.  If Postgres refuses it, each of its
 * lookups is sent once more, alone: who fails then, failed for itself.
 */

#include "ngx_http_igjobs_lookup.h"

#include "igj_limits.h"
#include "igj_pg_array.h"


typedef struct {
    ngx_http_igjobs_lookups_t  *lookups;
    ngx_uint_t                  n;
    ngx_http_igjobs_lookup_t   *lookup[IGJ_LOOKUPS_PER_STATEMENT];
} ngx_http_igjobs_lookup_batch_t;


struct ngx_http_igjobs_lookups_s {
    ngx_http_igjobs_pg_t       *pg;
    ngx_queue_t                 waiting;
    ngx_event_t                 event;      /* posted: send what waits */

    igj_pg_array_t              tenants;    /* parameters, used again */
    igj_pg_array_t              jobs;
};


static void ngx_http_igjobs_lookup_dispatch(ngx_event_t *ev);
static void ngx_http_igjobs_lookup_take(
    ngx_http_igjobs_lookup_batch_t *batch);
static ngx_http_igjobs_pg_op_t *ngx_http_igjobs_lookup_query(
    ngx_http_igjobs_lookup_batch_t *batch);
static void ngx_http_igjobs_lookup_answered(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_lookup_give(ngx_http_igjobs_lookup_batch_t *batch,
    const ngx_http_igjobs_pg_result_t *result);
static void ngx_http_igjobs_lookup_again(
    ngx_http_igjobs_lookup_batch_t *batch);
static void ngx_http_igjobs_lookup_fail(ngx_http_igjobs_lookup_batch_t *batch,
    ngx_http_igjobs_pg_outcome_e outcome);


ngx_http_igjobs_lookups_t *
ngx_http_igjobs_lookups_start(ngx_cycle_t *cycle, ngx_http_igjobs_pg_t *pg)
{
    ngx_http_igjobs_lookups_t  *lookups;

    lookups = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_lookups_t));
    if (lookups == NULL) {
        return NULL;
    }

    lookups->pg = pg;

    ngx_queue_init(&lookups->waiting);

    lookups->event.handler = ngx_http_igjobs_lookup_dispatch;
    lookups->event.data = lookups;
    lookups->event.log = cycle->log;

    return lookups;
}


void
ngx_http_igjobs_lookup(ngx_http_igjobs_lookups_t *lookups,
    ngx_http_igjobs_lookup_t *lookup)
{
    ngx_queue_insert_tail(&lookups->waiting, &lookup->queue);

    if (!lookups->event.posted) {
        ngx_post_event(&lookups->event, &ngx_posted_events);
    }
}


static void
ngx_http_igjobs_lookup_dispatch(ngx_event_t *ev)
{
    ngx_http_igjobs_lookups_t       *lookups;
    ngx_http_igjobs_lookup_batch_t   unsent, *batch;

    lookups = ev->data;

    while (!ngx_queue_empty(&lookups->waiting)) {

        batch = ngx_alloc(sizeof(ngx_http_igjobs_lookup_batch_t), ev->log);

        if (batch == NULL) {
            unsent.lookups = lookups;
            ngx_http_igjobs_lookup_take(&unsent);
            ngx_http_igjobs_lookup_fail(&unsent,
                                        NGX_HTTP_IGJOBS_PG_UNAVAILABLE);
            continue;
        }

        batch->lookups = lookups;
        ngx_http_igjobs_lookup_take(batch);

        if (ngx_http_igjobs_lookup_query(batch) == NULL) {
            ngx_http_igjobs_lookup_fail(batch, NGX_HTTP_IGJOBS_PG_UNAVAILABLE);
            ngx_free(batch);
        }
    }
}


/* the first of those that wait: one, or several of which none goes alone */

static void
ngx_http_igjobs_lookup_take(ngx_http_igjobs_lookup_batch_t *batch)
{
    ngx_queue_t               *q, *waiting;
    ngx_http_igjobs_lookup_t  *lookup;

    waiting = &batch->lookups->waiting;
    batch->n = 0;

    do {
        q = ngx_queue_head(waiting);
        lookup = ngx_queue_data(q, ngx_http_igjobs_lookup_t, queue);

        if (lookup->alone && batch->n > 0) {
            return;
        }

        ngx_queue_remove(q);
        batch->lookup[batch->n++] = lookup;

    } while (!lookup->alone
             && batch->n < IGJ_LOOKUPS_PER_STATEMENT
             && !ngx_queue_empty(waiting));
}


static ngx_http_igjobs_pg_op_t *
ngx_http_igjobs_lookup_query(ngx_http_igjobs_lookup_batch_t *batch)
{
    ngx_uint_t                   i;
    igj_pg_array_t              *tenants, *jobs;
    ngx_http_igjobs_lookup_t    *lookup;
    ngx_http_igjobs_pg_param_t   params[2];

    tenants = &batch->lookups->tenants;
    jobs = &batch->lookups->jobs;

    igj_pg_array_begin(tenants, IGJ_PG_TEXT);
    igj_pg_array_begin(jobs, IGJ_PG_UUID);

    for (i = 0; i < batch->n; i++) {
        lookup = batch->lookup[i];
        igj_pg_array_text(tenants, (char *) lookup->tenant->data,
                          lookup->tenant->len);
        igj_pg_array_uuid(jobs, lookup->job->bytes);
    }

    if (igj_pg_array_end(tenants) != IGJ_OK
        || igj_pg_array_end(jobs) != IGJ_OK)
    {
        return NULL;
    }

    ngx_memzero(params, sizeof(params));

    params[0].data = tenants->data;
    params[0].len = tenants->len;
    params[0].binary = 1;
    params[1].data = jobs->data;
    params[1].len = jobs->len;
    params[1].binary = 1;

    return ngx_http_igjobs_pg_query(batch->lookups->pg,
                                    NGX_HTTP_IGJOBS_SQL_DOCUMENTS, params,
                                    ngx_http_igjobs_lookup_answered, batch);
}


static void
ngx_http_igjobs_lookup_answered(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_lookup_batch_t  *batch = data;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_lookup_give(batch, reply->result);

    } else if (reply->outcome == NGX_HTTP_IGJOBS_PG_REFUSED && batch->n > 1) {
        ngx_http_igjobs_lookup_again(batch);

    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "igjobs: status of a job not read: %s %V",
                      reply->sqlstate, &reply->message);
        ngx_http_igjobs_lookup_fail(batch, reply->outcome);
    }

    ngx_free(batch);
}


/* a row for each lookup: its number in the batch, from 1, and the document */

static void
ngx_http_igjobs_lookup_give(ngx_http_igjobs_lookup_batch_t *batch,
    const ngx_http_igjobs_pg_result_t *result)
{
    ngx_int_t                  k;
    ngx_str_t                  number, doc;
    ngx_uint_t                 i, n;
    ngx_http_igjobs_lookup_t  *lookup;

    n = ngx_http_igjobs_pg_rows(result);

    for (i = 0; i < n; i++) {
        number = ngx_http_igjobs_pg_value(result, i, 0);
        k = ngx_atoi(number.data, number.len) - 1;

        if (k < 0 || (ngx_uint_t) k >= batch->n || batch->lookup[k] == NULL) {
            continue;
        }

        lookup = batch->lookup[k];
        batch->lookup[k] = NULL;

        if (ngx_http_igjobs_pg_is_null(result, i, 1)) {
            lookup->handler(lookup, NGX_HTTP_IGJOBS_PG_OK, NULL);
            continue;
        }

        doc = ngx_http_igjobs_pg_value(result, i, 1);
        lookup->handler(lookup, NGX_HTTP_IGJOBS_PG_OK, &doc);
    }

    ngx_http_igjobs_lookup_fail(batch, NGX_HTTP_IGJOBS_PG_REFUSED);
}


static void
ngx_http_igjobs_lookup_again(ngx_http_igjobs_lookup_batch_t *batch)
{
    ngx_uint_t  i;

    for (i = 0; i < batch->n; i++) {
        batch->lookup[i]->alone = 1;
        ngx_http_igjobs_lookup(batch->lookups, batch->lookup[i]);
    }
}


/* those of the batch that have had no answer */

static void
ngx_http_igjobs_lookup_fail(ngx_http_igjobs_lookup_batch_t *batch,
    ngx_http_igjobs_pg_outcome_e outcome)
{
    ngx_uint_t                 i;
    ngx_http_igjobs_lookup_t  *lookup;

    for (i = 0; i < batch->n; i++) {
        lookup = batch->lookup[i];

        if (lookup != NULL) {
            lookup->handler(lookup, outcome, NULL);
        }
    }
}
