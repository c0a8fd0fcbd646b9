/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Leave to ask Airtable, for all workers together (sql/037_airtable_pace.sql).
 * Not fenced by the batch: a turn that is not used is lost, no more.
 */

#include <string.h>

#include "igj_batch_private.h"


igj_batch_rc_t
igj_batch_airtable_turn(igj_batch_t *b, const char *base, int64_t max_ms,
    igj_batch_turn_t *turn)
{
    PGresult        *res;
    igj_pg_args_t    args;
    igj_batch_rc_t   rc;

    igj_pg_args_init(&args);
    igj_pg_text(&args, b->tenant);
    igj_pg_text(&args, base);
    igj_pg_number(&args, max_ms);

    rc = igj_batch_call(b, IGJ_SQL_AIRTABLE_TURN, &args, &res);

    if (rc != IGJ_BATCH_OK) {
        return rc;
    }

    turn->go = strcmp(igj_pg_get_text(res, 0, 0), "go") == 0;
    turn->used_up = strcmp(igj_pg_get_text(res, 0, 0), "used_up") == 0;
    turn->taken = strcmp(igj_pg_get_text(res, 0, 0), "taken") == 0;
    turn->wait_ms = igj_pg_get_number(res, 0, 1);
    turn->good_ms = igj_pg_get_number(res, 0, 2);

    PQclear(res);

    return IGJ_BATCH_OK;
}


void
igj_batch_airtable_freeze(igj_batch_t *b, const char *base, int64_t ms)
{
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, base);
    igj_pg_number(&args, ms);

    if (igj_batch_call(b, IGJ_SQL_AIRTABLE_FREEZE, &args, &res)
        == IGJ_BATCH_OK)
    {
        PQclear(res);
    }
}
