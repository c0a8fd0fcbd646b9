/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The settler: reads what closed runs did cost as soon as the provider's
 * figures are final, and books it, which gives the rest of their reservations
 * back.  Works in every process at once: each gets runs that no other has.  A
 * run that is not settled here, for whatever reason, is offered again later.
 */

#include <string.h>

#include "igj_log.h"
#include "igj_statements.h"
#include "igj_threads.h"


#define IGJ_SETTLER_RUNS  32           /* of one round */


typedef struct {
    igj_engine_t     *engine;
    void            **kind_data;       /* beside engine->kinds */
} igj_settler_t;


static int igj_settler_round(igj_settler_t *s);
static void igj_settler_run(igj_settler_t *s, const PGresult *res, int row);
static int igj_settler_cost(igj_settler_t *s, const char *kind,
    const char *run_id, double *cost_usd, bool *lost);
static void igj_settler_book(igj_settler_t *s, const PGresult *res, int row,
    double cost_usd, bool lost);


void *
igj_settler_main(void *data)
{
    char           error[IGJ_BATCH_ERROR_MAX];
    igj_settler_t  s;

    s.engine = data;
    s.kind_data = igj_kinds_open(s.engine, &s.engine->upkeep_stop, error);

    if (s.kind_data == NULL) {
        igj_log(IGJ_LOG_ERROR, "the settler cannot work",
                igj_s("error", error));
        return NULL;
    }

    do {
        while (igj_settler_round(&s) == IGJ_SETTLER_RUNS
               && !atomic_load(&s.engine->upkeep_stop))
        {
            /* there are more */
        }
    } while (igj_engine_sleep(s.engine, s.engine->settings->sweep));

    igj_kinds_close(s.engine, s.kind_data);

    return NULL;
}


/* How many runs there were. */

static int
igj_settler_round(igj_settler_t *s)
{
    int             i, n;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_SETTLER_RUNS);

    if (igj_pg_call(s->engine->pg_upkeep,
                    igj_statement(IGJ_SQL_UNSETTLED_RUNS), &args, &res, NULL)
        != IGJ_PG_OK)
    {
        return 0;
    }

    n = PQntuples(res);

    for (i = 0; i < n && !atomic_load(&s->engine->upkeep_stop); i++) {
        igj_settler_run(s, res, i);
    }

    PQclear(res);

    return n;
}


static void
igj_settler_run(igj_settler_t *s, const PGresult *res, int row)
{
    bool         lost;
    double       cost;
    const char  *run_id;

    run_id = igj_pg_get_text(res, row, IGJ_UNSETTLED_RUN_ID);
    cost = IGJ_BATCH_NO_COST;
    lost = false;

    if (igj_settler_cost(s, igj_pg_get_text(res, row, IGJ_UNSETTLED_KIND),
                         run_id, &cost, &lost)
        != IGJ_OK)
    {
        igj_log(IGJ_LOG_WARN, "the cost of a run is not known yet",
                igj_s("job", igj_pg_get_text(res, row,
                                             IGJ_UNSETTLED_JOB_ID)),
                igj_s("run", run_id));
    }

    igj_settler_book(s, res, row, cost, lost);
}


static int
igj_settler_cost(igj_settler_t *s, const char *kind, const char *run_id,
    double *cost_usd, bool *lost)
{
    int                      i;
    const igj_kind_t *const *kinds;

    kinds = s->engine->kinds;

    for (i = 0; kinds[i] != NULL; i++) {
        if (strcmp(kinds[i]->name, kind) == 0) {
            return kinds[i]->cost(s->kind_data[i], run_id, cost_usd, lost);
        }
    }

    return IGJ_ERROR;
}


/* Also without a cost: Postgres knows when it is too late for one. */

static void
igj_settler_book(igj_settler_t *s, const PGresult *res, int row,
    double cost_usd, bool lost)
{
    PGresult       *booked;
    const char     *tenant, *job;
    igj_pg_args_t   args;

    tenant = igj_pg_get_text(res, row, IGJ_UNSETTLED_TENANT);
    job = igj_pg_get_text(res, row, IGJ_UNSETTLED_JOB_ID);

    igj_pg_args_init(&args);
    igj_pg_text(&args, tenant);
    igj_pg_text(&args, job);
    igj_pg_text(&args, igj_pg_get_text(res, row, IGJ_UNSETTLED_BATCH_NO));
    igj_pg_text(&args, igj_pg_get_text(res, row, IGJ_UNSETTLED_RUN_NO));

    if (cost_usd < 0) {
        igj_pg_text(&args, NULL);
    } else {
        igj_pg_real(&args, cost_usd);
    }

    igj_pg_boolean(&args, lost);

    if (igj_pg_call(s->engine->pg_upkeep, igj_statement(IGJ_SQL_SETTLE_RUN),
                    &args, &booked, NULL)
        != IGJ_PG_OK)
    {
        return;
    }

    if (PQntuples(booked) == 1) {
        igj_engine_publish(s->engine, tenant, job,
                           igj_pg_get(booked, 0, IGJ_ANSWER_VERSION),
                           igj_pg_get(booked, 0, IGJ_ANSWER_DOC), false);
    }

    PQclear(booked);
}
