/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The reaper: ends provider runs that nobody will collect and books what they
 * cost.  A thread of its own, since it talks to providers, which may take long
 * to answer; elected like the housekeeper.  Two reapers at a time would abort
 * a run twice and book it once.
 */

#include <string.h>

#include "igj_clock.h"
#include "igj_limits.h"
#include "igj_log.h"
#include "igj_statements.h"
#include "igj_threads.h"


#define IGJ_REAPER_RUNS    32          /* of one round */
#define IGJ_REAPER_LEASES  10          /* sweeps that a lead lasts */


typedef struct {
    igj_engine_t     *engine;
    void            **kind_data;       /* beside engine->kinds */
} igj_reaper_t;


static bool igj_reaper_leads(igj_reaper_t *r);
static void igj_reaper_round(igj_reaper_t *r);
static void igj_reaper_run(igj_reaper_t *r, const PGresult *res, int row);
static int igj_reaper_reap(igj_reaper_t *r, const char *kind,
    igj_orphan_t *orphan);
static bool igj_reaper_absent(igj_reaper_t *r, const PGresult *res, int row);
static bool igj_reaper_strays(igj_reaper_t *r, const PGresult *res, int row,
    const igj_orphan_t *orphan);
static void igj_reaper_book(igj_reaper_t *r, const PGresult *res, int row,
    const igj_orphan_t *orphan);
static void igj_reaper_args(const PGresult *res, int row,
    igj_pg_args_t *args);


void *
igj_reaper_main(void *data)
{
    char          error[IGJ_BATCH_ERROR_MAX];
    igj_reaper_t  r;

    r.engine = data;
    r.kind_data = igj_kinds_open(r.engine, &r.engine->upkeep_stop, error);

    if (r.kind_data == NULL) {
        igj_log(IGJ_LOG_ERROR, "the reaper cannot work",
                igj_s("error", error));
        return NULL;
    }

    do {
        if (igj_reaper_leads(&r)) {
            igj_reaper_round(&r);
        }
    } while (igj_engine_sleep(r.engine, r.engine->settings->sweep));

    igj_kinds_close(r.engine, r.kind_data);

    return NULL;
}


static bool
igj_reaper_leads(igj_reaper_t *r)
{
    bool                   leads;
    PGresult              *res;
    igj_pg_args_t          args;
    const igj_settings_t  *s;

    s = r->engine->settings;
    igj_pg_args_init(&args);
    igj_pg_text(&args, "reap");
    igj_pg_text(&args, s->worker_id);
    igj_pg_number(&args, IGJ_REAPER_LEASES * s->sweep);

    if (igj_pg_call(r->engine->pg_upkeep, igj_statement(IGJ_SQL_LEAD), &args,
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
igj_reaper_round(igj_reaper_t *r)
{
    int             i;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_REAPER_RUNS);

    if (igj_pg_call(r->engine->pg_upkeep, igj_statement(IGJ_SQL_ORPHAN_RUNS),
                    &args, &res, NULL)
        != IGJ_PG_OK)
    {
        return;
    }

    for (i = 0; i < PQntuples(res); i++) {
        if (atomic_load(&r->engine->upkeep_stop)) {
            break;
        }
        igj_reaper_run(r, res, i);
    }

    PQclear(res);
}


static void
igj_reaper_run(igj_reaper_t *r, const PGresult *res, int row)
{
    const char    *kind;
    igj_orphan_t   orphan;

    memset(&orphan, 0, sizeof(igj_orphan_t));
    kind = igj_pg_get_text(res, row, IGJ_ORPHAN_KIND);
    orphan.token = igj_pg_get_text(res, row, IGJ_ORPHAN_TOKEN);
    orphan.provider = igj_pg_get_text(res, row, IGJ_ORPHAN_PROVIDER);
    orphan.actor = igj_pg_get_text(res, row, IGJ_ORPHAN_ACTOR);
    orphan.run_id = igj_pg_get_text(res, row, IGJ_ORPHAN_RUN_ID);
    orphan.intent_age_ms = igj_pg_get_number(res, row,
                                             IGJ_ORPHAN_INTENT_AGE_MS);
    orphan.cost_usd = IGJ_BATCH_NO_COST;

    if (igj_reaper_reap(r, kind, &orphan) == IGJ_OK
        && (strcmp(orphan.state, "absent") != 0
            || igj_reaper_absent(r, res, row))
        && igj_reaper_strays(r, res, row, &orphan))
    {
        igj_reaper_book(r, res, row, &orphan);
    }
}


/* An intent without a run: is it proven that there will be none? */

static bool
igj_reaper_absent(igj_reaper_t *r, const PGresult *res, int row)
{
    bool            proven;
    PGresult       *left;
    igj_pg_args_t   args;

    if (igj_pg_get_text(res, row, IGJ_ORPHAN_RUN_ID)[0] != '\0') {
        return true;
    }

    igj_reaper_args(res, row, &args);
    igj_pg_text(&args, igj_pg_get_text(res, row, IGJ_ORPHAN_TOKEN));
    igj_pg_number(&args, r->engine->settings->start_timeout
                         + IGJ_INTENT_GRACE_MS);

    if (igj_pg_call(r->engine->pg_upkeep, igj_statement(IGJ_SQL_RUN_ABSENT),
                    &args, &left, NULL)
        != IGJ_PG_OK)
    {
        return false;
    }

    proven = igj_pg_get(left, 0, 0) != NULL
             && igj_pg_get_number(left, 0, 0) == 0;
    PQclear(left);

    return proven;
}


/* Further runs of the intent are recorded before it is booked: they are the
 * next round's. */

static bool
igj_reaper_strays(igj_reaper_t *r, const PGresult *res, int row,
    const igj_orphan_t *orphan)
{
    int             i;
    PGresult       *stray;
    igj_pg_args_t   args;

    for (i = 0; i < orphan->nstrays; i++) {
        igj_reaper_args(res, row, &args);
        igj_pg_text(&args, orphan->strays[i]);

        if (igj_pg_call(r->engine->pg_upkeep,
                        igj_statement(IGJ_SQL_RUN_STRAY), &args, &stray, NULL)
            != IGJ_PG_OK)
        {
            return false;
        }

        PQclear(stray);
    }

    return true;
}


static int
igj_reaper_reap(igj_reaper_t *r, const char *kind, igj_orphan_t *orphan)
{
    int                      i;
    const igj_kind_t *const *kinds;

    kinds = r->engine->kinds;

    for (i = 0; kinds[i] != NULL; i++) {
        if (strcmp(kinds[i]->name, kind) == 0) {
            return kinds[i]->reap(r->kind_data[i], orphan);
        }
    }

    return IGJ_ERROR;
}


static void
igj_reaper_book(igj_reaper_t *r, const PGresult *res, int row,
    const igj_orphan_t *orphan)
{
    PGresult       *booked;
    igj_pg_args_t   args;

    igj_reaper_args(res, row, &args);
    igj_pg_text(&args, orphan->state);

    if (orphan->cost_usd < 0) {
        igj_pg_text(&args, NULL);
    } else {
        igj_pg_real(&args, orphan->cost_usd);
    }

    igj_pg_text(&args, orphan->found_id[0] ? orphan->found_id : NULL);
    igj_pg_text(&args, orphan->token);

    if (igj_pg_call(r->engine->pg_upkeep, igj_statement(IGJ_SQL_BOOK_RUN),
                    &args, &booked, NULL)
        != IGJ_PG_OK)
    {
        return;
    }

    igj_log(IGJ_LOG_INFO, "a run without a taker was ended",
            igj_s("job", igj_pg_get_text(res, row, IGJ_ORPHAN_JOB_ID)),
            igj_s("run", orphan->found_id), igj_s("state", orphan->state),
            igj_s("answer", PQntuples(booked) == 1
                            ? igj_pg_get_text(booked, 0, 0) : ""));

    PQclear(booked);
}


/* The run's place: the first parameters of every call about it. */

static void
igj_reaper_args(const PGresult *res, int row, igj_pg_args_t *args)
{
    igj_pg_args_init(args);
    igj_pg_text(args, igj_pg_get_text(res, row, IGJ_ORPHAN_TENANT));
    igj_pg_text(args, igj_pg_get_text(res, row, IGJ_ORPHAN_JOB_ID));
    igj_pg_text(args, igj_pg_get_text(res, row, IGJ_ORPHAN_BATCH_NO));
    igj_pg_text(args, igj_pg_get_text(res, row, IGJ_ORPHAN_RUN_NO));
}
