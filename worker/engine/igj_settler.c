/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The settler: reads what closed runs did cost as soon as the provider's
 * figures are final, and books it, which gives the rest of their reservations
 * back.  Works in every process at once: each gets runs that no other has.  A
 * run that is not settled here, for whatever reason, is offered again later.
 *
 * And one of all looks now and then whether runs that nobody follows, those of
 * paused jobs, have ended: they count under caps until then.
 */

#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_statements.h"
#include "igj_threads.h"


#define IGJ_SETTLER_RUNS     32        /* of one round */
#define IGJ_SETTLER_LOOK_MS  10000     /* between looks at idle runs */


typedef struct {
    igj_engine_t     *engine;
    void            **kind_data;       /* beside engine->kinds */
    int64_t           look_at;
} igj_settler_t;


static int igj_settler_round(igj_settler_t *s);
static void igj_settler_run(igj_settler_t *s, const PGresult *res, int row);
static int igj_settler_cost(igj_settler_t *s, const char *kind,
    const char *run_id, double *cost_usd, bool *lost);
static void igj_settler_book(igj_settler_t *s, const PGresult *res, int row,
    double cost_usd, bool lost);
static bool igj_settler_looks(igj_settler_t *s);
static void igj_settler_look(igj_settler_t *s);
static void igj_settler_over(igj_settler_t *s, const PGresult *res, int row);


void *
igj_settler_main(void *data)
{
    char           error[IGJ_BATCH_ERROR_MAX];
    igj_settler_t  s;

    s.engine = data;
    s.look_at = 0;
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

        if (igj_settler_looks(&s)) {
            igj_settler_look(&s);
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


/* Is it time, and is this the process that looks? */

static bool
igj_settler_looks(igj_settler_t *s)
{
    bool            leads;
    PGresult       *res;
    igj_pg_args_t   args;

    if (igj_clock_ms() < s->look_at) {
        return false;
    }

    s->look_at = igj_clock_ms() + IGJ_SETTLER_LOOK_MS;

    igj_pg_args_init(&args);
    igj_pg_text(&args, "look");
    igj_pg_text(&args, s->engine->settings->worker_id);
    igj_pg_number(&args, 3 * IGJ_SETTLER_LOOK_MS);

    if (igj_pg_call(s->engine->pg_upkeep, igj_statement(IGJ_SQL_LEAD), &args,
                    &res, NULL)
        != IGJ_PG_OK)
    {
        return false;
    }

    leads = (PQntuples(res) == 1 && igj_pg_get_boolean(res, 0, 0));
    PQclear(res);

    return leads;
}


static void
igj_settler_look(igj_settler_t *s)
{
    int             i;
    bool            lost;
    double          cost;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_SETTLER_RUNS);

    if (igj_pg_call(s->engine->pg_upkeep, igj_statement(IGJ_SQL_IDLE_RUNS),
                    &args, &res, NULL)
        != IGJ_PG_OK)
    {
        return;
    }

    for (i = 0; i < PQntuples(res) && !atomic_load(&s->engine->upkeep_stop);
         i++)
    {
        cost = IGJ_BATCH_NO_COST;
        lost = false;

        /* only a run that has ended has a cost */

        if (igj_settler_cost(s, igj_pg_get_text(res, i, IGJ_UNSETTLED_KIND),
                             igj_pg_get_text(res, i, IGJ_UNSETTLED_RUN_ID),
                             &cost, &lost)
            == IGJ_OK)
        {
            igj_settler_over(s, res, i);
        }
    }

    PQclear(res);
}


static void
igj_settler_over(igj_settler_t *s, const PGresult *res, int row)
{
    PGresult       *over;
    const char     *job;
    igj_pg_args_t   args;

    job = igj_pg_get_text(res, row, IGJ_UNSETTLED_JOB_ID);

    igj_pg_args_init(&args);
    igj_pg_text(&args, igj_pg_get_text(res, row, IGJ_UNSETTLED_TENANT));
    igj_pg_text(&args, job);
    igj_pg_text(&args, igj_pg_get_text(res, row, IGJ_UNSETTLED_BATCH_NO));

    if (igj_pg_call(s->engine->pg_upkeep, igj_statement(IGJ_SQL_RUN_IS_OVER),
                    &args, &over, NULL)
        == IGJ_PG_OK)
    {
        igj_log(IGJ_LOG_INFO, "a run that nobody follows has ended",
                igj_s("job", job),
                igj_s("run", igj_pg_get_text(res, row, IGJ_UNSETTLED_RUN_ID)));
        PQclear(over);
    }
}
