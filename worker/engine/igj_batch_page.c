/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The unit of commit: a page of a run's items, stored by one call of
 * store_page.  A repeat finds the cursor moved or the run closed.
 */

#include <stdlib.h>
#include <string.h>

#include "igj_batch_private.h"
#include "igj_claim.h"
#include "igj_log.h"


static void igj_batch_page_args(igj_batch_t *b, const igj_batch_run_t *run,
    const igj_batch_page_t *page, igj_pg_args_t *args);
static int igj_batch_new_rows(igj_claim_t *c, const igj_batch_page_t *page);
static int igj_batch_rows(igj_claim_t *c, const igj_batch_page_t *page,
    int known);
static void igj_batch_row(igj_pg_array_t *a, const igj_batch_row_t *row);
static void igj_batch_optional(igj_pg_array_t *a, const char *text);
static igj_batch_rc_t igj_batch_stored(igj_batch_t *b, igj_batch_run_t *run,
    const igj_batch_page_t *page, const PGresult *res);
static void igj_batch_tell_stop(const igj_batch_t *b, const PGresult *res);
static void igj_batch_tell_seen(igj_batch_t *b, const igj_batch_page_t *page,
    const char *answer, const PGresult *res);


igj_batch_rc_t
igj_batch_store_page(igj_batch_t *b, igj_batch_run_t *run,
    const igj_batch_page_t *page)
{
    int              known;
    char            *outcomes;
    PGresult        *res;
    igj_pg_args_t    args;
    igj_batch_rc_t   rc;

    outcomes = igj_batch_json(page->outcomes);
    known = igj_batch_new_rows(b->claim, page);

    if (igj_batch_rows(b->claim, page, known) != IGJ_OK
        || (page->outcomes != NULL && outcomes == NULL))
    {
        cJSON_free(outcomes);
        return IGJ_BATCH_ERROR;
    }

    igj_batch_page_args(b, run, page, &args);
    igj_pg_text(&args, outcomes);
    igj_pg_number(&args, page->accounts_failed);

    if (known < 0) {
        igj_pg_text(&args, NULL);
    } else {
        igj_pg_number(&args, known);
    }

    rc = igj_batch_call(b, IGJ_SQL_STORE_PAGE, &args, &res);

    if (rc == IGJ_BATCH_OK) {
        rc = igj_batch_stored(b, run, page, res);
        PQclear(res);
    }

    cJSON_free(outcomes);

    return rc;
}


/* The first parameters of store_page, with the rows. */

static void
igj_batch_page_args(igj_batch_t *b, const igj_batch_run_t *run,
    const igj_batch_page_t *page, igj_pg_args_t *args)
{
    int                    i;
    const igj_pg_array_t  *a;

    igj_batch_args(b, args);
    igj_pg_number(args, run->run_no);
    igj_pg_number(args, page->from);
    igj_pg_number(args, page->to);
    igj_pg_boolean(args, page->close);
    igj_pg_text(args, page->close ? page->run_state : NULL);
    igj_batch_cost(args, page->cost_usd);
    igj_pg_number(args, page->items);
    igj_pg_number(args, page->seen);
    igj_pg_number(args, page->female);
    igj_pg_number(args, page->male);
    igj_pg_number(args, page->unknown);

    for (i = 0; i < IGJ_CLAIM_ARRAYS; i++) {
        a = &b->claim->arrays[i];
        igj_pg_binary(args, a->data, a->len);
    }
}


/* How many rows seem new to the job (c->is_new says which); -1: not known. */

static int
igj_batch_new_rows(igj_claim_t *c, const igj_batch_page_t *page)
{
    free(c->is_new);
    c->is_new = NULL;

    if (c->engine->seen == NULL || page->nrows == 0) {
        return -1;
    }

    c->is_new = calloc((size_t) page->nrows, sizeof(bool));

    return c->is_new == NULL ? -1
           : igj_seen_rows(c->engine->seen, &c->batch, page->rows,
                           page->nrows, c->is_new);
}


/* The rows as the seven arrays of store_page: the new ones, then the others. */

static int
igj_batch_rows(igj_claim_t *c, const igj_batch_page_t *page, int known)
{
    static const igj_pg_type_t  types[IGJ_CLAIM_ARRAYS] = {
        IGJ_PG_TEXT, IGJ_PG_TEXT, IGJ_PG_TEXT, IGJ_PG_TEXT, IGJ_PG_FLOAT4,
        IGJ_PG_TEXT, IGJ_PG_TEXT
    };

    int  i, k;

    for (k = 0; k < IGJ_CLAIM_ARRAYS; k++) {
        igj_pg_array_begin(&c->arrays[k], types[k]);
    }

    for (i = 0; known > 0 && i < page->nrows; i++) {
        if (c->is_new[i]) {
            igj_batch_row(c->arrays, &page->rows[i]);
        }
    }

    for (i = 0; i < page->nrows; i++) {
        if (known <= 0 || !c->is_new[i]) {
            igj_batch_row(c->arrays, &page->rows[i]);
        }
    }

    for (k = 0; k < IGJ_CLAIM_ARRAYS; k++) {
        if (igj_pg_array_end(&c->arrays[k]) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


static void
igj_batch_row(igj_pg_array_t *a, const igj_batch_row_t *row)
{
    igj_pg_array_text(&a[0], row->profile_id, strlen(row->profile_id));
    igj_pg_array_text(&a[1], row->username, strlen(row->username));
    igj_pg_array_text(&a[2], row->full_name, strlen(row->full_name));
    igj_pg_array_text(&a[3], row->gender, strlen(row->gender));
    igj_pg_array_float4(&a[4], row->confidence);
    igj_batch_optional(&a[5], row->evidence);
    igj_batch_optional(&a[6], row->source);
}


static void
igj_batch_optional(igj_pg_array_t *a, const char *text)
{
    if (text == NULL) {
        igj_pg_array_null(a);
    } else {
        igj_pg_array_text(a, text, strlen(text));
    }
}


static igj_batch_rc_t
igj_batch_stored(igj_batch_t *b, igj_batch_run_t *run,
    const igj_batch_page_t *page, const PGresult *res)
{
    bool         final;
    const char  *answer;

    answer = igj_pg_get_text(res, 0, IGJ_STORED_ANSWER);
    final = igj_pg_get_boolean(res, 0, IGJ_STORED_FINAL);

    igj_engine_publish(b->claim->engine, b->tenant, b->job,
                       igj_pg_get(res, 0, IGJ_STORED_VERSION),
                       igj_pg_get(res, 0, IGJ_STORED_DOC), final);

    if (strcmp(answer, "lost") == 0 || strcmp(answer, "final") == 0) {
        igj_log(IGJ_LOG_INFO, "page not stored", igj_s("job", b->job),
                igj_i("batch", b->batch_no), igj_i("attempt", b->attempt),
                igj_s("why", answer));
        return IGJ_BATCH_LOST;
    }

    igj_batch_tell_seen(b, page, answer, res);
    igj_batch_tell_stop(b, res);

    b->final = final;
    b->closed = igj_pg_get_boolean(res, 0, IGJ_STORED_BATCH_CLOSED);
    run->cursor = page->to;

    if (page->close) {
        run->state = IGJ_BATCH_RUN_CLOSED;
    }

    igj_log(IGJ_LOG_DEBUG, "page stored", igj_s("job", b->job),
            igj_i("batch", b->batch_no), igj_i("run", run->run_no),
            igj_i("to", page->to), igj_i("rows", page->nrows),
            igj_s("answer", answer));

    return IGJ_BATCH_OK;
}


/*
 * The page has stopped its job, by reaching what was asked for: no lane of
 * this process goes on, and none waits for the renewer to hear of it.
 */

static void
igj_batch_tell_stop(const igj_batch_t *b, const PGresult *res)
{
    if (strcmp(igj_pg_get_text(res, 0, IGJ_STORED_STATE), "stopping") == 0
        && strcmp(igj_pg_get_text(res, 0, IGJ_STORED_REASON), "pause") != 0)
    {
        igj_leases_stop_job(b->claim->engine->leases, b->job, IGJ_STOP_JOB);
    }
}


static void
igj_batch_tell_seen(igj_batch_t *b, const igj_batch_page_t *page,
    const char *answer, const PGresult *res)
{
    igj_seen_t  *seen;

    seen = b->claim->engine->seen;

    if (seen == NULL) {
        return;
    }

    if (strcmp(answer, "stored") == 0) {
        igj_seen_stored(seen, b, page->nrows,
                        (int) igj_pg_get_number(res, 0, IGJ_STORED_KEPT));
    }

    if (igj_pg_get_boolean(res, 0, IGJ_STORED_FINAL)) {
        igj_seen_forget(seen, b);
    }
}
