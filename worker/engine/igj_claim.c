/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * From a claim's answer to an igj_batch_t, and back to Postgres when the work
 * has ended.  Repeats: a claim whose answer was lost leaves a lease that runs
 * out; fail_batch and give_back answer what their first try did.
 */

#include <stdlib.h>
#include <string.h>

#include "igj_claim.h"
#include "igj_clock.h"
#include "igj_log.h"
#include "igj_statements.h"


static igj_claim_answer_t igj_claim_answer(igj_claim_t *c);
static void igj_claim_tell(const igj_claim_t *c);
static int igj_claim_read(igj_claim_t *c);
static int igj_claim_read_runs(igj_claim_t *c);
static int igj_claim_first_run(igj_claim_t *c);
static int igj_claim_add_run(igj_claim_t *c, const cJSON *item);
static void igj_claim_id(char out[IGJ_BATCH_ID_MAX], const cJSON *item,
    const char *name);
static cJSON *igj_claim_json(const igj_claim_t *c, int column);
static igj_pg_rc_t igj_claim_end(igj_claim_t *c, const igj_outcome_t *outcome,
    PGresult **res);


void
igj_claim_init(igj_claim_t *c, igj_engine_t *engine)
{
    memset(c, 0, sizeof(igj_claim_t));
    c->engine = engine;
}


igj_claim_answer_t
igj_claim_take(igj_claim_t *c, const char *tenant, const char *job)
{
    igj_sql_t              id;
    igj_pg_args_t          args;
    const igj_settings_t  *s;

    s = c->engine->settings;
    id = IGJ_SQL_CLAIM_ANY;
    c->asked_ms = igj_clock_ms();
    igj_pg_args_init(&args);

    if (job != NULL) {
        id = IGJ_SQL_CLAIM;
        igj_pg_text(&args, tenant);
        igj_pg_text(&args, job);
    }

    igj_pg_text(&args, c->engine->kind_list);
    igj_pg_text(&args, s->worker_id);
    igj_pg_number(&args, s->lease);
    igj_pg_text(&args, c->engine->providers);
    igj_pg_text(&args, c->engine->actors);
    igj_pg_text(&args, c->engine->memory);

    if (igj_pg_call(c->engine->pg, igj_statement(id), &args, &c->res, NULL)
        != IGJ_PG_OK)
    {
        return IGJ_CLAIM_FAILED;
    }

    return igj_claim_answer(c);
}


static igj_claim_answer_t
igj_claim_answer(igj_claim_t *c)
{
    const char  *answer;

    if (PQntuples(c->res) != 1) {
        return IGJ_CLAIM_NONE;
    }

    answer = igj_pg_get_text(c->res, 0, IGJ_CLAIM_ANSWER);
    c->wait_ms = igj_pg_get_number(c->res, 0, IGJ_CLAIM_WAIT_MS);
    c->scope = igj_pg_get_text(c->res, 0, IGJ_CLAIM_SCOPE);

    if (strcmp(answer, "later") == 0) {
        return IGJ_CLAIM_LATER;
    }

    if (strcmp(answer, "capped") == 0) {
        return IGJ_CLAIM_CAPPED;
    }

    if (strcmp(answer, "stopped") == 0) {
        igj_claim_tell(c);
        return IGJ_CLAIM_STOPPED;
    }

    if (strcmp(answer, "batch") != 0) {
        return IGJ_CLAIM_NONE;
    }

    if (igj_claim_read(c) != IGJ_OK) {
        igj_log(IGJ_LOG_ERROR, "a claimed batch cannot be read",
                igj_s("job", igj_pg_get_text(c->res, 0, IGJ_CLAIM_JOB_ID)));
        return IGJ_CLAIM_FAILED;
    }

    return IGJ_CLAIM_BATCH;
}


/* The job's budget is spent. */

static void
igj_claim_tell(const igj_claim_t *c)
{
    const char  *job;

    job = igj_pg_get_text(c->res, 0, IGJ_CLAIM_JOB_ID);

    igj_log(IGJ_LOG_INFO, "budget spent", igj_s("job", job));

    igj_engine_publish(c->engine,
                       igj_pg_get_text(c->res, 0, IGJ_CLAIM_TENANT), job,
                       igj_pg_get(c->res, 0, IGJ_CLAIM_VERSION),
                       igj_pg_get(c->res, 0, IGJ_CLAIM_DOC), false);
}


static int
igj_claim_read(igj_claim_t *c)
{
    const cJSON  *job;
    igj_batch_t  *b;

    b = &c->batch;
    c->job = igj_claim_json(c, IGJ_CLAIM_JOB);
    c->payload = igj_claim_json(c, IGJ_CLAIM_PAYLOAD);
    c->outcomes = igj_claim_json(c, IGJ_CLAIM_OUTCOMES);

    job = c->job;
    b->claim = c;
    b->payload = c->payload;
    b->outcomes = c->outcomes;
    b->tenant = igj_pg_get_text(c->res, 0, IGJ_CLAIM_TENANT);
    b->job = igj_pg_get_text(c->res, 0, IGJ_CLAIM_JOB_ID);
    b->batch_no = (int) igj_pg_get_number(c->res, 0, IGJ_CLAIM_BATCH_NO);
    b->attempt = (int) igj_pg_get_number(c->res, 0, IGJ_CLAIM_ATTEMPT);
    b->kind = igj_pg_get_text(c->res, 0, IGJ_CLAIM_KIND);
    b->class_name = igj_pg_get_text(c->res, 0, IGJ_CLAIM_CLASS);
    b->phase = igj_pg_get_text(c->res, 0, IGJ_CLAIM_PHASE);
    b->accounts = igj_pg_get_text(c->res, 0, IGJ_CLAIM_ACCOUNTS);
    b->failures = (int) igj_pg_get_number(c->res, 0, IGJ_CLAIM_FAILURES);
    b->losses = (int) igj_pg_get_number(c->res, 0, IGJ_CLAIM_LOSSES);
    b->lease_ms = c->engine->settings->lease;
    b->probe = igj_pg_get_boolean(c->res, 0, IGJ_CLAIM_PROBE);

    b->platform = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(job, "platform"));
    b->target_gender = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(job, "target_gender"));
    b->keep_unknown = !cJSON_IsFalse(
        cJSON_GetObjectItemCaseSensitive(job, "keep_unknown"));
    b->max_count = (int) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(job, "max_count_per_account"));
    b->parallelism = (int) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(job, "parallelism"));

    b->total_batches = (int) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(job, "total_batches"));
    b->job_accounts = (int) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(job, "account_count"));

    if (b->platform == NULL || b->target_gender == NULL || b->max_count < 1) {
        return IGJ_ERROR;
    }

    return igj_pg_get(c->res, 0, IGJ_CLAIM_TOKEN) ? igj_claim_first_run(c)
                                                  : igj_claim_read_runs(c);
}


/* A new batch comes with the intent of its first run. */

static int
igj_claim_first_run(igj_claim_t *c)
{
    igj_batch_run_t  *run;

    run = igj_batch_add_run(&c->batch, NULL);

    if (run == NULL) {
        return IGJ_ERROR;
    }

    run->state = IGJ_BATCH_RUN_INTENT;
    run->fresh = true;
    run->intent_ms = c->asked_ms;
    snprintf(run->token, sizeof(run->token), "%s",
             igj_pg_get_text(c->res, 0, IGJ_CLAIM_TOKEN));
    igj_allowance_read(&run->allowance,
                       igj_pg_get(c->res, 0, IGJ_CLAIM_ALLOWANCE));

    return IGJ_OK;
}


static int
igj_claim_read_runs(igj_claim_t *c)
{
    int           rc;
    cJSON        *runs;
    const cJSON  *item;

    rc = IGJ_OK;
    runs = igj_claim_json(c, IGJ_CLAIM_RUNS);

    cJSON_ArrayForEach(item, runs) {
        if (igj_claim_add_run(c, item) != IGJ_OK) {
            rc = IGJ_ERROR;
            break;
        }
    }

    cJSON_Delete(runs);

    return rc;
}


static int
igj_claim_add_run(igj_claim_t *c, const cJSON *item)
{
    double            age, account_max;
    const char       *state, *accounts, *actor;
    igj_batch_run_t  *run;

    accounts = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(item, "accounts"));
    run = igj_batch_add_run(&c->batch, accounts);
    state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item,
                                                                  "state"));
    actor = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item,
                                                                  "actor"));
    if (run == NULL || state == NULL) {
        return IGJ_ERROR;
    }

    run->run_no = (int) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(item, "run_no"));
    run->cursor = (int64_t) cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(item, "cursor"));
    age = cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(item, "intent_age_ms"));
    run->intent_ms = igj_clock_ms() - (age > 0 ? (int64_t) age : 0);

    igj_allowance_take(&run->allowance, item);

    if (actor != NULL) {
        run->actor = igj_arena_text(&c->arena, actor, strlen(actor));

        if (run->actor == NULL) {
            return IGJ_ERROR;
        }
    }

    igj_claim_id(run->token, item, "token");
    igj_claim_id(run->run_id, item, "run_id");
    igj_claim_id(run->dataset_id, item, "dataset_id");
    run->reused = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item,
                                                                  "origin"));
    account_max = cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(item, "account_max"));
    run->account_max = account_max > 0 ? (int64_t) account_max : 0;

    run->state = strcmp(state, "planned") == 0 ? IGJ_BATCH_RUN_PLANNED
                 : strcmp(state, "intent") == 0 ? IGJ_BATCH_RUN_INTENT
                 : strcmp(state, "started") == 0 ? IGJ_BATCH_RUN_STARTED
                 : strcmp(state, "reading") == 0 ? IGJ_BATCH_RUN_READING
                 : IGJ_BATCH_RUN_CLOSED;

    return IGJ_OK;
}


static void
igj_claim_id(char out[IGJ_BATCH_ID_MAX], const cJSON *item, const char *name)
{
    const char  *text;

    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name));

    if (text != NULL && strlen(text) < IGJ_BATCH_ID_MAX) {
        strcpy(out, text);
    }
}


static cJSON *
igj_claim_json(const igj_claim_t *c, int column)
{
    const char  *text;

    text = igj_pg_get(c->res, 0, column);

    return text ? cJSON_Parse(text) : NULL;
}


void
igj_claim_finish(igj_claim_t *c, const igj_outcome_t *outcome,
    igj_claim_end_t *end)
{
    PGresult     *res;
    const char   *answer;
    igj_batch_t  *b;

    b = &c->batch;
    end->runnable = !b->final;
    end->wait_ms = 0;

    if (outcome->class == IGJ_OUTCOME_DONE) {
        return;
    }

    if (outcome->class == IGJ_OUTCOME_LOST
        || igj_claim_end(c, outcome, &res) != IGJ_PG_OK)
    {
        /* somebody else has it, or the lease runs out: the sweep knows */
        end->runnable = false;
        igj_log(IGJ_LOG_WARN, "batch lost", igj_s("job", b->job),
                igj_i("batch", b->batch_no), igj_i("attempt", b->attempt));
        return;
    }

    answer = igj_pg_get_text(res, 0, IGJ_ANSWER_ANSWER);
    end->wait_ms = igj_pg_get_number(res, 0, IGJ_ANSWER_WAIT_MS);
    end->runnable = !igj_pg_get_boolean(res, 0, IGJ_ANSWER_FINAL)
                    && strcmp(answer, "lost") != 0;

    igj_engine_publish(c->engine, b->tenant, b->job,
                       igj_pg_get(res, 0, IGJ_ANSWER_VERSION),
                       igj_pg_get(res, 0, IGJ_ANSWER_DOC),
                       igj_pg_get_boolean(res, 0, IGJ_ANSWER_FINAL));

    igj_log(outcome->class == IGJ_OUTCOME_GIVE_BACK ? IGJ_LOG_INFO
                                                    : IGJ_LOG_WARN,
            "batch did not end", igj_s("job", b->job),
            igj_i("batch", b->batch_no), igj_i("attempt", b->attempt),
            igj_s("now", answer), igj_i("wait_ms", end->wait_ms),
            igj_s("error", outcome->error));

    PQclear(res);
}


static igj_pg_rc_t
igj_claim_end(igj_claim_t *c, const igj_outcome_t *outcome, PGresult **res)
{
    static const char *const  classes[] = {
        [IGJ_OUTCOME_RETRY] = "retry",
        [IGJ_OUTCOME_AWAY] = "away",
        [IGJ_OUTCOME_UNSURE] = "unsure",
        [IGJ_OUTCOME_REFUSED] = "refused",
        [IGJ_OUTCOME_PARK] = "park",
        [IGJ_OUTCOME_FULL] = "full",
        [IGJ_OUTCOME_DEAD] = "dead",
    };

    igj_pg_args_t       args;
    const igj_batch_t  *b;

    b = &c->batch;
    igj_pg_args_init(&args);
    igj_pg_text(&args, b->tenant);
    igj_pg_text(&args, b->job);
    igj_pg_number(&args, b->batch_no);
    igj_pg_number(&args, b->attempt);

    if (outcome->class == IGJ_OUTCOME_GIVE_BACK) {
        return igj_pg_call(c->engine->pg, igj_statement(IGJ_SQL_GIVE_BACK),
                           &args, res, NULL);
    }

    igj_pg_text(&args, classes[outcome->class]);
    igj_pg_text(&args, outcome->error);

    if (outcome->delay_ms >= 0) {
        igj_pg_number(&args, outcome->delay_ms);
    } else {
        igj_pg_text(&args, NULL);
    }

    igj_pg_text(&args, outcome->error_class ? outcome->error_class
                                            : "internal");

    return igj_pg_call(c->engine->pg, igj_statement(IGJ_SQL_FAIL_BATCH),
                       &args, res, NULL);
}


void
igj_claim_clear(igj_claim_t *c)
{
    int  i;

    for (i = 0; i < IGJ_CLAIM_ARRAYS; i++) {
        igj_pg_array_free(&c->arrays[i]);
    }

    free(c->is_new);
    igj_arena_free(&c->arena);
    cJSON_Delete(c->job);
    cJSON_Delete(c->payload);
    cJSON_Delete(c->outcomes);
    PQclear(c->res);

    igj_claim_init(c, c->engine);
}
