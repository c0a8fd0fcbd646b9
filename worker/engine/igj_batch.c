/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The calls of a batch.  Each is one function of schema igjobs, fenced by
 * tenant, job, batch and attempt; all of them can be repeated, and igj_pg_call
 * does so after a lost connection (pages: igj_batch_page.c):
 *
 *   run_intent   answers the same token to the same attempt
 *   run_started  finds the id already there
 *   run_refused  finds the run planned already
 *   split_run    finds the run closed and answers its parts
 *   book_run     finds the id booked
 *   run_stray    finds the id recorded
 *   run_absent   keeps the first time
 *   answered     finds the breaker closed
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igj_batch_private.h"
#include "igj_claim.h"
#include "igj_clock.h"
#include "igj_log.h"
#include "igj_statements.h"


#define IGJ_BATCH_SHORT_MS  50     /* between looks at a lease too short */


static igj_batch_rc_t igj_batch_intended(igj_batch_t *b, const PGresult *res,
    const char *accounts, igj_batch_run_t **run);
static igj_batch_rc_t igj_batch_answer(igj_batch_t *b, igj_sql_t id,
    const igj_pg_args_t *args);
static igj_batch_rc_t igj_batch_planned(igj_batch_t *b, const PGresult *res,
    const char *const *parts, int nparts);


igj_batch_run_t *
igj_batch_add_run(igj_batch_t *b, const char *accounts)
{
    igj_arena_t      *arena;
    igj_batch_run_t  *run;

    arena = &b->claim->arena;
    run = igj_arena_zero(arena, sizeof(igj_batch_run_t));

    if (run == NULL) {
        return NULL;
    }

    if (accounts != NULL) {
        run->accounts = igj_arena_text(arena, accounts, strlen(accounts));

        if (run->accounts == NULL) {
            return NULL;
        }
    }

    if (b->last_run == NULL) {
        b->runs = run;
    } else {
        b->last_run->next = run;
    }

    b->last_run = run;

    return run;
}


igj_batch_rc_t
igj_batch_run_intent(igj_batch_t *b, const char *provider, const char *actor,
    const char *accounts, int64_t call_ms, igj_batch_run_t **run)
{
    int64_t         deadline;
    PGresult       *res;
    const char     *answer;
    igj_pg_args_t   args;
    igj_batch_rc_t  rc;

    igj_batch_args(b, &args);
    igj_pg_text(&args, provider);
    igj_pg_text(&args, actor);
    igj_pg_text(&args, accounts);
    igj_pg_number(&args, call_ms);

    deadline = igj_clock_ms() + b->lease_ms;

    for ( ;; ) {
        rc = igj_batch_call(b, IGJ_SQL_RUN_INTENT, &args, &res);

        if (rc != IGJ_BATCH_OK) {
            return rc;
        }

        answer = igj_pg_get_text(res, 0, 0);

        if (strcmp(answer, "short") != 0) {
            break;
        }

        PQclear(res);

        /* the renewer will lengthen the lease within a beat */

        if (*b->stop || igj_clock_ms() > deadline) {
            return IGJ_BATCH_STOP;
        }

        usleep(IGJ_BATCH_SHORT_MS * 1000);
    }

    rc = strcmp(answer, "ok") == 0 ? igj_batch_intended(b, res, accounts, run)
         : strcmp(answer, "stop") == 0 ? IGJ_BATCH_STOP : IGJ_BATCH_LOST;

    PQclear(res);

    return rc;
}


static igj_batch_rc_t
igj_batch_intended(igj_batch_t *b, const PGresult *res,
    const char *accounts, igj_batch_run_t **run)
{
    int               run_no;
    igj_batch_run_t  *r;

    run_no = (int) igj_pg_get_number(res, 0, 1);
    r = b->runs;

    while (r != NULL && r->run_no != run_no) {
        r = r->next;
    }

    if (r == NULL) {
        r = igj_batch_add_run(b, accounts);

        if (r == NULL) {
            return IGJ_BATCH_ERROR;
        }

        r->run_no = run_no;
    }

    r->state = IGJ_BATCH_RUN_INTENT;
    r->actor = NULL;
    r->intent_ms = igj_clock_ms();
    snprintf(r->token, sizeof(r->token), "%s", igj_pg_get_text(res, 0, 2));
    igj_allowance_read(&r->allowance, igj_pg_get(res, 0, 3));
    *run = r;

    return IGJ_BATCH_OK;
}


igj_batch_rc_t
igj_batch_run_started(igj_batch_t *b, igj_batch_run_t *run,
    const char *run_id, const char *dataset_id)
{
    igj_pg_args_t   args;
    igj_batch_rc_t  rc;

    igj_batch_args(b, &args);
    igj_pg_number(&args, run->run_no);
    igj_pg_text(&args, run_id);
    igj_pg_text(&args, dataset_id[0] ? dataset_id : NULL);

    rc = igj_batch_answer(b, IGJ_SQL_RUN_STARTED, &args);

    if (rc == IGJ_BATCH_OK) {
        run->state = IGJ_BATCH_RUN_STARTED;
        snprintf(run->run_id, sizeof(run->run_id), "%s", run_id);
        snprintf(run->dataset_id, sizeof(run->dataset_id), "%s", dataset_id);
    }

    return rc;
}


igj_batch_rc_t
igj_batch_run_refused(igj_batch_t *b, igj_batch_run_t *run)
{
    igj_pg_args_t   args;
    igj_batch_rc_t  rc;

    igj_batch_args(b, &args);
    igj_pg_number(&args, run->run_no);

    rc = igj_batch_answer(b, IGJ_SQL_RUN_REFUSED, &args);

    if (rc == IGJ_BATCH_OK) {
        run->state = IGJ_BATCH_RUN_PLANNED;
        run->token[0] = '\0';
    }

    return rc;
}


igj_batch_rc_t
igj_batch_split_run(igj_batch_t *b, igj_batch_run_t *run, const char *state,
    double cost_usd, const char *const *parts, int nparts,
    const cJSON *outcomes, int accounts_failed)
{
    int              i;
    char            *json;
    PGresult        *res;
    igj_pg_args_t    args;
    igj_pg_array_t  *a;
    igj_batch_rc_t   rc;

    a = &b->claim->arrays[0];
    igj_pg_array_begin(a, IGJ_PG_TEXT);

    for (i = 0; i < nparts; i++) {
        igj_pg_array_text(a, parts[i], strlen(parts[i]));
    }

    json = igj_batch_json(outcomes);

    if (igj_pg_array_end(a) != IGJ_OK || (outcomes != NULL && json == NULL)) {
        cJSON_free(json);
        return IGJ_BATCH_ERROR;
    }

    igj_batch_args(b, &args);
    igj_pg_number(&args, run->run_no);
    igj_pg_text(&args, state);
    igj_batch_cost(&args, cost_usd);
    igj_pg_binary(&args, a->data, a->len);
    igj_pg_text(&args, json);
    igj_pg_number(&args, accounts_failed);

    rc = igj_batch_call(b, IGJ_SQL_SPLIT_RUN, &args, &res);

    if (rc == IGJ_BATCH_OK) {
        run->state = IGJ_BATCH_RUN_CLOSED;
        rc = igj_batch_planned(b, res, parts, nparts);
        PQclear(res);
    }

    cJSON_free(json);

    return rc;
}


/* The numbers come as {7,8}, in the order of the parts. */

static igj_batch_rc_t
igj_batch_planned(igj_batch_t *b, const PGresult *res,
    const char *const *parts, int nparts)
{
    int               i;
    char             *end;
    const char       *numbers;
    igj_batch_run_t  *run;

    if (strcmp(igj_pg_get_text(res, 0, 0), "lost") == 0) {
        return IGJ_BATCH_LOST;
    }

    numbers = igj_pg_get_text(res, 0, 1);

    for (i = 0; i < nparts && *numbers != '\0' && *numbers != '}'; i++) {
        run = igj_batch_add_run(b, parts[i]);

        if (run == NULL) {
            return IGJ_BATCH_ERROR;
        }

        run->run_no = (int) strtol(numbers + 1, &end, 10);
        run->state = IGJ_BATCH_RUN_PLANNED;
        numbers = end;
    }

    return IGJ_BATCH_OK;
}


igj_batch_rc_t
igj_batch_run_stray(igj_batch_t *b, const igj_batch_run_t *run,
    const char *run_id)
{
    igj_pg_args_t  args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, b->tenant);
    igj_pg_text(&args, b->job);
    igj_pg_number(&args, b->batch_no);
    igj_pg_number(&args, run->run_no);
    igj_pg_text(&args, run_id);

    return igj_batch_answer(b, IGJ_SQL_RUN_STRAY, &args);
}


igj_batch_rc_t
igj_batch_run_absent(igj_batch_t *b, const igj_batch_run_t *run,
    int64_t grace_ms, int64_t *left_ms)
{
    PGresult        *res;
    igj_pg_args_t    args;
    igj_batch_rc_t   rc;

    igj_pg_args_init(&args);
    igj_pg_text(&args, b->tenant);
    igj_pg_text(&args, b->job);
    igj_pg_number(&args, b->batch_no);
    igj_pg_number(&args, run->run_no);
    igj_pg_text(&args, run->token);
    igj_pg_number(&args, grace_ms);

    rc = igj_batch_call(b, IGJ_SQL_RUN_ABSENT, &args, &res);

    if (rc != IGJ_BATCH_OK) {
        return rc;
    }

    rc = igj_pg_get(res, 0, 0) ? IGJ_BATCH_OK : IGJ_BATCH_LOST;
    *left_ms = igj_pg_get_number(res, 0, 0);
    PQclear(res);

    return rc;
}


void
igj_batch_book_run(igj_batch_t *b, const igj_batch_run_t *run,
    const char *state, double cost_usd, const char *run_id)
{
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, b->tenant);
    igj_pg_text(&args, b->job);
    igj_pg_number(&args, b->batch_no);
    igj_pg_number(&args, run->run_no);
    igj_pg_text(&args, state);
    igj_batch_cost(&args, cost_usd);
    igj_pg_text(&args, run_id);
    igj_pg_text(&args, NULL);

    if (igj_batch_call(b, IGJ_SQL_BOOK_RUN, &args, &res) == IGJ_BATCH_OK) {
        igj_log(IGJ_LOG_INFO, "booked a run that nobody collects",
                igj_s("job", b->job), igj_i("batch", b->batch_no),
                igj_s("run", run_id), igj_s("state", state),
                igj_s("answer", igj_pg_get_text(res, 0, 0)));
        PQclear(res);
    }
}


void
igj_batch_answered(igj_batch_t *b, const char *provider, const char *actor)
{
    PGresult       *res;
    igj_pg_args_t   args;

    b->probe = false;

    igj_pg_args_init(&args);
    igj_pg_text(&args, provider);
    igj_pg_text(&args, actor);
    igj_pg_text(&args, b->kind);

    if (igj_batch_call(b, IGJ_SQL_BREAKER_ANSWERED, &args, &res)
        == IGJ_BATCH_OK)
    {
        PQclear(res);
    }
}


void
igj_batch_args(const igj_batch_t *b, igj_pg_args_t *args)
{
    igj_pg_args_init(args);
    igj_pg_text(args, b->tenant);
    igj_pg_text(args, b->job);
    igj_pg_number(args, b->batch_no);
    igj_pg_number(args, b->attempt);
}


igj_batch_rc_t
igj_batch_call(igj_batch_t *b, igj_sql_t id, const igj_pg_args_t *args,
    PGresult **res)
{
    switch (igj_pg_call(b->claim->engine->pg, igj_statement(id), args, res,
                        NULL))
    {
    case IGJ_PG_OK:
        if (PQntuples(*res) == 1) {
            return IGJ_BATCH_OK;
        }
        PQclear(*res);
        return IGJ_BATCH_ERROR;

    case IGJ_PG_AWAY:
        return IGJ_BATCH_STOP;

    default:
        return IGJ_BATCH_ERROR;
    }
}


/* A call that answers one word. */

static igj_batch_rc_t
igj_batch_answer(igj_batch_t *b, igj_sql_t id, const igj_pg_args_t *args)
{
    PGresult        *res;
    const char      *answer;
    igj_batch_rc_t   rc;

    rc = igj_batch_call(b, id, args, &res);

    if (rc != IGJ_BATCH_OK) {
        return rc;
    }

    answer = igj_pg_get_text(res, 0, 0);
    rc = strcmp(answer, "ok") == 0 ? IGJ_BATCH_OK
         : strcmp(answer, "adopted") == 0 ? IGJ_BATCH_ADOPTED
         : IGJ_BATCH_LOST;

    PQclear(res);

    return rc;
}


void
igj_batch_cost(igj_pg_args_t *args, double cost_usd)
{
    if (cost_usd < 0) {
        igj_pg_text(args, NULL);
    } else {
        igj_pg_real(args, cost_usd);
    }
}


char *
igj_batch_json(const cJSON *json)
{
    return json ? cJSON_PrintUnformatted(json) : NULL;
}
