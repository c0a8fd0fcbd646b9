/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The renewer: every beat one statement renews exactly the leases that lanes
 * hold now and says which of them are lost or belong to a job that stops.  It
 * has a connection of its own and does nothing else, so that no work can keep
 * it from beating.
 */

#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_pg_array.h"
#include "igj_statements.h"
#include "igj_threads.h"


typedef struct {
    igj_engine_t     *engine;
    igj_lease_t      *leases;         /* held at this beat */
    int               n;
    igj_pg_array_t    jobs;
    igj_pg_array_t    batches;
    igj_pg_array_t    attempts;
} igj_renewer_t;


static void igj_renewer_beat(igj_renewer_t *r);
static int igj_renewer_arrays(igj_renewer_t *r);
static void igj_renewer_verdict(igj_renewer_t *r, const PGresult *res,
    int row);
static int igj_renewer_why(const PGresult *res, int row);
static const igj_lease_t *igj_renewer_find(igj_renewer_t *r,
    const PGresult *res, int row);


void *
igj_renewer_main(void *data)
{
    int64_t        next;
    igj_renewer_t  r;

    memset(&r, 0, sizeof(igj_renewer_t));
    r.engine = data;
    r.leases = calloc((size_t) r.engine->settings->lanes,
                      sizeof(igj_lease_t));

    if (r.leases == NULL) {
        igj_log(IGJ_LOG_ERROR, "the renewer has no memory");
        return NULL;
    }

    do {
        next = igj_clock_ms() + r.engine->settings->beat;
        igj_renewer_beat(&r);
    } while (igj_engine_sleep(r.engine, next - igj_clock_ms()));

    igj_pg_array_free(&r.jobs);
    igj_pg_array_free(&r.batches);
    igj_pg_array_free(&r.attempts);
    free(r.leases);

    return NULL;
}


static void
igj_renewer_beat(igj_renewer_t *r)
{
    int             i;
    PGresult       *res;
    igj_pg_args_t   args;

    r->n = igj_leases_list(r->engine->leases, r->leases);

    if (r->n == 0 || igj_renewer_arrays(r) != IGJ_OK) {
        return;
    }

    igj_pg_args_init(&args);
    igj_pg_binary(&args, r->jobs.data, r->jobs.len);
    igj_pg_binary(&args, r->batches.data, r->batches.len);
    igj_pg_binary(&args, r->attempts.data, r->attempts.len);
    igj_pg_number(&args, r->engine->settings->lease);

    if (igj_pg_call(r->engine->pg_renewer, igj_statement(IGJ_SQL_RENEW),
                    &args, &res, NULL)
        != IGJ_PG_OK)
    {
        return;
    }

    for (i = 0; i < PQntuples(res); i++) {
        igj_renewer_verdict(r, res, i);
    }

    PQclear(res);
}


static int
igj_renewer_arrays(igj_renewer_t *r)
{
    int  i;

    igj_pg_array_begin(&r->jobs, IGJ_PG_UUID);
    igj_pg_array_begin(&r->batches, IGJ_PG_INT4);
    igj_pg_array_begin(&r->attempts, IGJ_PG_INT4);

    for (i = 0; i < r->n; i++) {
        igj_pg_array_uuid(&r->jobs, r->leases[i].job.bytes);
        igj_pg_array_int4(&r->batches, r->leases[i].batch_no);
        igj_pg_array_int4(&r->attempts, r->leases[i].attempt);
    }

    return (igj_pg_array_end(&r->jobs) == IGJ_OK
            && igj_pg_array_end(&r->batches) == IGJ_OK
            && igj_pg_array_end(&r->attempts) == IGJ_OK)
           ? IGJ_OK : IGJ_ERROR;
}


static void
igj_renewer_verdict(igj_renewer_t *r, const PGresult *res, int row)
{
    int                 why;
    const igj_lease_t  *lease;

    lease = igj_renewer_find(r, res, row);

    if (lease == NULL) {
        return;
    }

    /* a batch that its lane has just closed looks lost as well: the lane says
     * which it was */

    if (strcmp(igj_pg_get_text(res, row, IGJ_RENEWED_VERDICT), "lost") == 0) {
        igj_leases_stop(r->engine->leases, lease, IGJ_STOP_LOST);
        return;
    }

    why = igj_renewer_why(res, row);

    if (why != IGJ_STOP_NONE) {
        igj_leases_stop(r->engine->leases, lease, why);
    }
}


/* A paused job goes on with its runs one day, any other leaves them. */

static int
igj_renewer_why(const PGresult *res, int row)
{
    const char  *state;

    state = igj_pg_get_text(res, row, IGJ_RENEWED_STATE);

    if (strcmp(state, "running") == 0 || strcmp(state, "queued") == 0) {
        return IGJ_STOP_NONE;
    }

    return strcmp(igj_pg_get_text(res, row, IGJ_RENEWED_REASON), "pause") == 0
           ? IGJ_STOP_PAUSE : IGJ_STOP_JOB;
}


static const igj_lease_t *
igj_renewer_find(igj_renewer_t *r, const PGresult *res, int row)
{
    int          i, batch_no, attempt;
    igj_uuid_t   job;
    const char  *text;

    text = igj_pg_get_text(res, row, IGJ_RENEWED_JOB_ID);
    batch_no = (int) igj_pg_get_number(res, row, IGJ_RENEWED_BATCH_NO);
    attempt = (int) igj_pg_get_number(res, row, IGJ_RENEWED_ATTEMPT);

    if (igj_uuid_parse(text, strlen(text), &job) != IGJ_OK) {
        return NULL;
    }

    for (i = 0; i < r->n; i++) {
        if (r->leases[i].batch_no == batch_no
            && r->leases[i].attempt == attempt
            && memcmp(&r->leases[i].job, &job, sizeof(igj_uuid_t)) == 0)
        {
            return &r->leases[i];
        }
    }

    return NULL;
}
