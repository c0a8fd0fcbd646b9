/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The calls of a batch that is a unit of an operation (sql/031_operations.sql):
 * steps, and its end.  As the calls of igj_batch.c they are fenced and can be
 * repeated.
 */

#include <string.h>

#include "igj_batch_private.h"
#include "igj_claim.h"
#include "igj_log.h"


static void igj_batch_next_phase(igj_batch_t *b, int turns);


igj_batch_rc_t
igj_batch_step(igj_batch_t *b, const char *step, const cJSON *args,
    cJSON **answer)
{
    char            *text;
    PGresult        *res;
    igj_pg_args_t    call;
    igj_batch_rc_t   rc;

    *answer = NULL;
    text = igj_batch_json(args);

    igj_batch_args(b, &call);
    igj_pg_text(&call, step);
    igj_pg_text(&call, text ? text : "{}");

    rc = args != NULL && text == NULL ? IGJ_BATCH_ERROR
         : igj_batch_call(b, IGJ_SQL_UNIT_STEP, &call, &res);

    cJSON_free(text);

    if (rc != IGJ_BATCH_OK) {
        return rc;
    }

    if (strcmp(igj_pg_get_text(res, 0, 0), "ok") != 0) {
        rc = IGJ_BATCH_LOST;

    } else if (igj_pg_get(res, 0, 1) != NULL) {
        *answer = cJSON_Parse(igj_pg_get(res, 0, 1));
        rc = *answer ? IGJ_BATCH_OK : IGJ_BATCH_ERROR;
    }

    PQclear(res);

    return rc;
}


igj_batch_rc_t
igj_batch_end(igj_batch_t *b, const cJSON *result)
{
    char            *text;
    PGresult        *res;
    igj_pg_args_t    call;
    igj_batch_rc_t   rc;

    text = igj_batch_json(result);

    igj_batch_args(b, &call);
    igj_pg_text(&call, text ? text : "{}");

    rc = result != NULL && text == NULL ? IGJ_BATCH_ERROR
         : igj_batch_call(b, IGJ_SQL_END_UNIT, &call, &res);

    cJSON_free(text);

    if (rc != IGJ_BATCH_OK) {
        return rc;
    }

    if (strcmp(igj_pg_get_text(res, 0, IGJ_UNIT_ENDED_ANSWER), "done") != 0) {
        PQclear(res);
        return IGJ_BATCH_LOST;
    }

    b->final = igj_pg_get_boolean(res, 0, IGJ_UNIT_ENDED_FINAL);
    b->closed = true;

    igj_engine_publish(b->claim->engine, b->tenant, b->job,
                       igj_pg_get(res, 0, IGJ_UNIT_ENDED_VERSION),
                       igj_pg_get(res, 0, IGJ_UNIT_ENDED_DOC), b->final);
    igj_batch_next_phase(b,
                         (int) igj_pg_get_number(res, 0,
                                                 IGJ_UNIT_ENDED_TURNS));
    PQclear(res);

    return IGJ_BATCH_OK;
}


/* The units of a new phase need not wait for the sweeper. */

static void
igj_batch_next_phase(igj_batch_t *b, int turns)
{
    igj_turn_t     of_job;
    igj_engine_t  *engine;

    engine = b->claim->engine;

    if (turns <= 0 || engine->hints == NULL) {
        return;
    }

    memset(&of_job, 0, sizeof(igj_turn_t));
    snprintf(of_job.kind, sizeof(of_job.kind), "%s", b->kind);
    snprintf(of_job.class_name, sizeof(of_job.class_name), "%s",
             b->class_name);
    snprintf(of_job.tenant, sizeof(of_job.tenant), "%s", b->tenant);
    snprintf(of_job.job, sizeof(of_job.job), "%s", b->job);

    igj_hints_issue(engine->hints, &of_job, turns, b->parallelism, NULL);
}
