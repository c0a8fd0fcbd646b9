/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Counting the work that waits.  A count that fails is made by the next sweep,
 * or by a submission.
 */

#include "igj_backlog.h"
#include "igj_log.h"
#include "igj_statements.h"


enum {
    IGJ_BACKLOG_FULL = 0,          /* columns */
    IGJ_BACKLOG_TENANTS,
    IGJ_BACKLOG_JOBS,
    IGJ_BACKLOG_BATCHES
};


void
igj_backlog_count(igj_engine_t *engine, bool *refusing)
{
    bool            full;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, engine->settings->sweep / 2);

    if (igj_pg_call(engine->pg_upkeep, igj_statement(IGJ_SQL_COUNT_BACKLOG),
                    &args, &res, NULL) != IGJ_PG_OK)
    {
        return;
    }

    full = igj_pg_get_boolean(res, 0, IGJ_BACKLOG_FULL)
           || igj_pg_get_number(res, 0, IGJ_BACKLOG_TENANTS) > 0;

    if (full != *refusing) {
        igj_log(full ? IGJ_LOG_WARN : IGJ_LOG_INFO,
                full ? "submissions are refused, too much work waits"
                     : "submissions are accepted again",
                igj_i("tenants", igj_pg_get_number(res, 0,
                                                   IGJ_BACKLOG_TENANTS)),
                igj_i("jobs", igj_pg_get_number(res, 0, IGJ_BACKLOG_JOBS)),
                igj_i("batches", igj_pg_get_number(res, 0,
                                                   IGJ_BACKLOG_BATCHES)));
    }

    *refusing = full;
    PQclear(res);
}
