/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The housekeeper: its heartbeat in every process, and in the one that is
 * elected the sweep.  A round takes back leases that ran out, stops jobs whose
 * time is over, issues turns for every job that has something to do (which is
 * the whole recovery after Redis lost anything), lets parked turns try again,
 * logs what became of breakers, submits the jobs of schedules that are due,
 * removes old idempotency keys and deliveries of webhooks, notes what ended
 * jobs have bought, and now and then drops what campaigns have left behind and
 * makes result partitions.  Each step is one
 * repeatable statement; a step that fails is done by the next round, here or
 * elsewhere.
 */

#include <stdio.h>
#include <string.h>

#include "igj_backlog.h"
#include "igj_clock.h"
#include "igj_json.h"
#include "igj_keys.h"
#include "igj_log.h"
#include "igj_redis.h"
#include "igj_statements.h"
#include "igj_threads.h"


#define IGJ_HOUSEKEEPER_LEASES      3          /* sweeps that a lead lasts */
#define IGJ_HOUSEKEEPER_SWEEPS_MAX  200        /* jobs of a round */
#define IGJ_HOUSEKEEPER_PAGE        500        /* jobs of one statement */
#define IGJ_HOUSEKEEPER_CALM_BEATS  3          /* after an outage */
#define IGJ_HOUSEKEEPER_BEAT_MS     3000       /* heartbeat */
#define IGJ_HOUSEKEEPER_BEATS       3          /* that a worker may miss */
#define IGJ_HOUSEKEEPER_MONTHS      3          /* partitions ahead */
#define IGJ_HOUSEKEEPER_MONTHS_MS   (6 * 3600 * 1000)

#define IGJ_HOUSEKEEPER_OLD         1000       /* removed by one statement */
#define IGJ_HOUSEKEEPER_OLD_STEPS   20         /* of a round */

#define IGJ_HOUSEKEEPER_CAMPAIGNS_MS  (60 * 1000)

#define IGJ_HOUSEKEEPER_SCHEDULES   16         /* of a round */

#define IGJ_HOUSEKEEPER_NOTE        100        /* batches of one statement */
#define IGJ_HOUSEKEEPER_NOTE_STEPS  5          /* of a round */

#define IGJ_HOUSEKEEPER_ALL         10000      /* turns of one scope */

#define IGJ_FIRST_UUID  "00000000-0000-0000-0000-000000000000"


typedef struct {
    igj_engine_t  *engine;
    igj_redis_t   *redis;              /* for questions; NULL without Redis */
    bool           leads;
    uint64_t       generation;         /* of the connection to Postgres */
    int64_t        calm_until;         /* renewals come before sweeps */
    int64_t        heartbeat_at;
    int64_t        campaigns_at;
    int64_t        partitions_at;
    bool           refusing;           /* submissions: the queue is full */
} igj_housekeeper_t;


static void igj_housekeeper_heartbeat(igj_housekeeper_t *h);
static void igj_housekeeper_beat_redis(igj_housekeeper_t *h, int64_t ms);
static void igj_housekeeper_beat(igj_housekeeper_t *h, int64_t ms);
static bool igj_housekeeper_lead(igj_housekeeper_t *h);
static void igj_housekeeper_round(igj_housekeeper_t *h);
static bool igj_housekeeper_calm(igj_housekeeper_t *h);
static void igj_housekeeper_sweep(igj_housekeeper_t *h);
static void igj_housekeeper_sweep_job(igj_housekeeper_t *h,
    const char *tenant, const char *job);
static void igj_housekeeper_deadlines(igj_housekeeper_t *h);
static void igj_housekeeper_stop_overdue(igj_housekeeper_t *h,
    const char *tenant, const char *job);
static void igj_housekeeper_issue(igj_housekeeper_t *h);
static void igj_housekeeper_issue_job(igj_housekeeper_t *h,
    const PGresult *res, int row);
static void igj_housekeeper_unpark(igj_housekeeper_t *h);
static void igj_housekeeper_unpark_scope(igj_housekeeper_t *h,
    const char *scope);
static void igj_housekeeper_breakers(igj_housekeeper_t *h);
static void igj_housekeeper_schedules(igj_housekeeper_t *h);
static void igj_housekeeper_schedule(igj_housekeeper_t *h,
    const char *tenant, const char *schedule);
static void igj_housekeeper_drop_old(igj_housekeeper_t *h, igj_sql_t id);
static void igj_housekeeper_campaigns(igj_housekeeper_t *h);
static void igj_housekeeper_purchases(igj_housekeeper_t *h);
static void igj_housekeeper_partitions(igj_housekeeper_t *h);
static PGresult *igj_housekeeper_call(igj_housekeeper_t *h, igj_sql_t id,
    const igj_pg_args_t *args);


void *
igj_housekeeper_main(void *data)
{
    igj_housekeeper_t  h;

    memset(&h, 0, sizeof(igj_housekeeper_t));
    h.engine = data;

    if (h.engine->hints != NULL) {
        h.redis = igj_redis_create(&h.engine->redis_url, "upkeep");
    }

    do {
        igj_housekeeper_heartbeat(&h);

        if (igj_housekeeper_lead(&h)) {
            igj_housekeeper_round(&h);
        }
    } while (igj_engine_sleep(h.engine, h.engine->settings->sweep));

    igj_housekeeper_beat(&h, 0);
    igj_redis_destroy(h.redis);

    return NULL;
}


static void
igj_housekeeper_heartbeat(igj_housekeeper_t *h)
{
    int64_t  ms, now;

    now = igj_clock_ms();

    if (now < h->heartbeat_at) {
        return;
    }

    h->heartbeat_at = now + IGJ_HOUSEKEEPER_BEAT_MS;
    ms = IGJ_HOUSEKEEPER_BEATS
         * (IGJ_HOUSEKEEPER_BEAT_MS + h->engine->settings->sweep);

    igj_housekeeper_beat(h, ms);

    if (h->engine->hints != NULL) {
        igj_housekeeper_beat_redis(h, ms);
    }
}


/* What igjobs.api_explain knows of the workers; ms 0: this one ends. */

static void
igj_housekeeper_beat(igj_housekeeper_t *h, int64_t ms)
{
    igj_pg_args_t          args;
    const igj_settings_t  *s;

    s = h->engine->settings;
    igj_pg_args_init(&args);
    igj_pg_text(&args, s->worker_id);
    igj_pg_number(&args, s->lanes);
    igj_pg_number(&args, atomic_load(&h->engine->working));
    igj_pg_text(&args, h->engine->kind_list);
    igj_pg_text(&args, h->engine->providers);
    igj_pg_text(&args, h->engine->actors);
    igj_pg_number(&args, ms);

    PQclear(igj_housekeeper_call(h, IGJ_SQL_WORKER_BEAT, &args));
}


static void
igj_housekeeper_beat_redis(igj_housekeeper_t *h, int64_t ms)
{
    char                   json[256];
    igj_json_t             out;
    const igj_settings_t  *s;

    s = h->engine->settings;

    igj_json_init(&out, json, sizeof(json) - 1);
    igj_json_object_begin(&out);
    igj_json_member_text(&out, "worker", s->worker_id);
    igj_json_member_integer(&out, "lanes", s->lanes);
    igj_json_member_integer(&out, "working",
                            atomic_load(&h->engine->working));
    igj_json_member_boolean(&out, "leader", h->leads);
    igj_json_member_integer(&out, "at_ms", igj_clock_unix_ms());
    igj_json_object_end(&out);

    if (!igj_json_overflow(&out)) {
        json[out.len] = '\0';
        igj_hints_heartbeat(h->engine->hints, s->worker_id, json,
                            ms);
    }
}


static bool
igj_housekeeper_lead(igj_housekeeper_t *h)
{
    bool                   leads;
    PGresult              *res;
    igj_pg_args_t          args;
    const igj_settings_t  *s;

    s = h->engine->settings;
    igj_pg_args_init(&args);
    igj_pg_text(&args, "sweep");
    igj_pg_text(&args, s->worker_id);
    igj_pg_number(&args, IGJ_HOUSEKEEPER_LEASES * s->sweep);

    res = igj_housekeeper_call(h, IGJ_SQL_LEAD, &args);
    leads = (res != NULL && PQntuples(res) == 1
             && igj_pg_get_boolean(res, 0, 0));

    if (leads && !h->leads) {
        igj_log(IGJ_LOG_INFO, "leads the upkeep",
                igj_i("fence", igj_pg_get_number(res, 0, 1)));
    }

    h->leads = leads;
    PQclear(res);

    return leads;
}


static void
igj_housekeeper_round(igj_housekeeper_t *h)
{
    if (igj_housekeeper_calm(h)) {
        igj_housekeeper_sweep(h);
    }

    igj_housekeeper_deadlines(h);

    if (h->engine->hints != NULL) {
        igj_housekeeper_issue(h);
        igj_housekeeper_unpark(h);
    }

    igj_housekeeper_breakers(h);
    igj_housekeeper_schedules(h);
    igj_backlog_count(h->engine, &h->refusing);
    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_EXPIRED_KEYS);
    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_OLD_DELIVERIES);
    igj_housekeeper_drop_old(h, IGJ_SQL_ERASE_STEP);
    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_OLD_PURCHASES);
    igj_housekeeper_purchases(h);

    if (igj_clock_ms() >= h->campaigns_at) {
        igj_housekeeper_campaigns(h);
    }

    if (igj_clock_ms() >= h->partitions_at) {
        igj_housekeeper_partitions(h);
    }
}


/*
 * While Postgres was away no lease could be renewed: the workers that are
 * still alive get a few beats to do so before anything is taken from them.
 */

static bool
igj_housekeeper_calm(igj_housekeeper_t *h)
{
    uint64_t  generation;

    generation = igj_pg_generation(h->engine->pg_upkeep);

    if (generation != h->generation) {
        h->generation = generation;
        h->calm_until = igj_clock_ms() + IGJ_HOUSEKEEPER_CALM_BEATS
                                         * h->engine->settings->beat;
    }

    return igj_clock_ms() >= h->calm_until;
}


static void
igj_housekeeper_sweep(igj_housekeeper_t *h)
{
    int             i;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_HOUSEKEEPER_SWEEPS_MAX);
    res = igj_housekeeper_call(h, IGJ_SQL_EXPIRED_JOBS, &args);

    for (i = 0; res != NULL && i < PQntuples(res); i++) {
        igj_housekeeper_sweep_job(h, igj_pg_get_text(res, i, 0),
                                  igj_pg_get_text(res, i, 1));
    }

    PQclear(res);
}


static void
igj_housekeeper_sweep_job(igj_housekeeper_t *h, const char *tenant,
    const char *job)
{
    int64_t         dead, requeued;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, tenant);
    igj_pg_text(&args, job);
    res = igj_housekeeper_call(h, IGJ_SQL_SWEEP_JOB, &args);

    if (res == NULL || PQntuples(res) != 1) {
        PQclear(res);
        return;
    }

    igj_engine_publish(h->engine, tenant, job,
                       igj_pg_get(res, 0, IGJ_SWEPT_VERSION),
                       igj_pg_get(res, 0, IGJ_SWEPT_DOC),
                       igj_pg_get_boolean(res, 0, IGJ_SWEPT_FINAL));

    requeued = igj_pg_get_number(res, 0, IGJ_SWEPT_REQUEUED);
    dead = igj_pg_get_number(res, 0, IGJ_SWEPT_DEAD);

    if (requeued + dead > 0) {
        igj_log(IGJ_LOG_WARN, "leases ran out", igj_s("job", job),
                igj_i("queued_again", requeued), igj_i("dead", dead));
    }

    PQclear(res);
}


static void
igj_housekeeper_deadlines(igj_housekeeper_t *h)
{
    int             i;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_HOUSEKEEPER_SWEEPS_MAX);
    res = igj_housekeeper_call(h, IGJ_SQL_OVERDUE_JOBS, &args);

    for (i = 0; res != NULL && i < PQntuples(res); i++) {
        igj_housekeeper_stop_overdue(h, igj_pg_get_text(res, i, 0),
                                     igj_pg_get_text(res, i, 1));
    }

    PQclear(res);
}


static void
igj_housekeeper_stop_overdue(igj_housekeeper_t *h, const char *tenant,
    const char *job)
{
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, tenant);
    igj_pg_text(&args, job);
    res = igj_housekeeper_call(h, IGJ_SQL_STOP_OVERDUE, &args);

    if (res != NULL && PQntuples(res) == 1) {
        igj_engine_publish(h->engine, tenant, job,
                           igj_pg_get(res, 0, IGJ_ANSWER_VERSION),
                           igj_pg_get(res, 0, IGJ_ANSWER_DOC),
                           igj_pg_get_boolean(res, 0, IGJ_ANSWER_FINAL));

        igj_log(IGJ_LOG_INFO, "a job's deadline has passed",
                igj_s("job", job),
                igj_s("state", igj_pg_get_text(res, 0, IGJ_ANSWER_STATE)));
    }

    PQclear(res);
}


/* All active jobs in pages, in the order of their keys. */

static void
igj_housekeeper_issue(igj_housekeeper_t *h)
{
    int             i, n;
    char            tenant[IGJ_TENANT_MAX + 1] = "";
    char            job[IGJ_UUID_TEXT_LEN + 1] = IGJ_FIRST_UUID;
    PGresult       *res;
    igj_pg_args_t   args;

    do {
        igj_pg_args_init(&args);
        igj_pg_text(&args, tenant);
        igj_pg_text(&args, job);
        igj_pg_number(&args, IGJ_HOUSEKEEPER_PAGE);

        res = igj_housekeeper_call(h, IGJ_SQL_RUNNABLE, &args);
        n = res ? PQntuples(res) : 0;

        for (i = 0; i < n; i++) {
            igj_housekeeper_issue_job(h, res, i);
        }

        if (n > 0) {
            snprintf(tenant, sizeof(tenant), "%s",
                     igj_pg_get_text(res, n - 1, IGJ_RUNNABLE_TENANT));
            snprintf(job, sizeof(job), "%s",
                     igj_pg_get_text(res, n - 1, IGJ_RUNNABLE_JOB_ID));
        }

        PQclear(res);

    } while (n == IGJ_HOUSEKEEPER_PAGE);
}


static void
igj_housekeeper_issue_job(igj_housekeeper_t *h, const PGresult *res, int row)
{
    int          turns;
    igj_turn_t   turn;

    snprintf(turn.kind, sizeof(turn.kind), "%s",
             igj_pg_get_text(res, row, IGJ_RUNNABLE_KIND));
    snprintf(turn.class_name, sizeof(turn.class_name), "%s",
             igj_pg_get_text(res, row, IGJ_RUNNABLE_CLASS));
    snprintf(turn.tenant, sizeof(turn.tenant), "%s",
             igj_pg_get_text(res, row, IGJ_RUNNABLE_TENANT));
    snprintf(turn.job, sizeof(turn.job), "%s",
             igj_pg_get_text(res, row, IGJ_RUNNABLE_JOB_ID));
    turn.slot = 0;

    turns = (int) igj_pg_get_number(res, row, IGJ_RUNNABLE_TURNS);

    if (turns > 0) {
        igj_hints_issue(h->engine->hints, &turn, turns,
                        (int) igj_pg_get_number(res, row,
                                                IGJ_RUNNABLE_PARALLELISM),
                        igj_pg_get_text(res, row, IGJ_RUNNABLE_WEIGHT));

    } else if (igj_pg_get(res, row, IGJ_RUNNABLE_WAIT_MS) != NULL) {
        igj_hints_later(h->engine->hints, &turn,
                        igj_pg_get_number(res, row, IGJ_RUNNABLE_WAIT_MS));
    }
}


/* The commit that frees a slot lets one turn try; here those that it missed,
 * and those whose cap was raised or removed. */

static void
igj_housekeeper_unpark(igj_housekeeper_t *h)
{
    size_t             i;
    igj_key_t          parked;
    redisReply        *reply;
    igj_redis_args_t   args;

    if (h->redis == NULL || igj_redis_ready(h->redis) != IGJ_OK
        || igj_key_parked_index(&parked) == 0)
    {
        return;
    }

    igj_redis_script_begin(&args, IGJ_SCRIPT_SCOPES);
    igj_redis_text(&args, parked.text);
    reply = igj_redis_script(h->redis, IGJ_SCRIPT_SCOPES, &args);

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY) {
        for (i = 0; i < reply->elements; i++) {
            igj_housekeeper_unpark_scope(h, reply->element[i]->str);
        }
    }

    freeReplyObject(reply);
}


/* A scope that has no cap (any more) lets all of them try. */

static void
igj_housekeeper_unpark_scope(igj_housekeeper_t *h, const char *scope)
{
    int64_t         count;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, scope);
    res = igj_housekeeper_call(h, IGJ_SQL_FREE_SLOTS, &args);

    if (res != NULL && PQntuples(res) == 1) {
        count = igj_pg_get(res, 0, 0) ? igj_pg_get_number(res, 0, 0)
                                      : IGJ_HOUSEKEEPER_ALL;
        if (count > 0) {
            igj_hints_unpark(h->engine->hints, scope, count);
        }
    }

    PQclear(res);
}


/* Who reads logs hears of it once, wherever it was noticed. */

static void
igj_housekeeper_breakers(igj_housekeeper_t *h)
{
    int              i;
    bool             open;
    PGresult        *res;
    igj_pg_args_t    args;

    igj_pg_args_init(&args);
    res = igj_housekeeper_call(h, IGJ_SQL_TELL_BREAKERS, &args);

    for (i = 0; res != NULL && i < PQntuples(res); i++) {
        open = strcmp(igj_pg_get_text(res, i, IGJ_BREAKER_STATE), "open") == 0;

        igj_log(open ? IGJ_LOG_WARN : IGJ_LOG_INFO,
                open ? "breaker is open" : "breaker is closed",
                igj_s("scope", igj_pg_get_text(res, i, IGJ_BREAKER_SCOPE)),
                igj_i("wait_ms", igj_pg_get_number(res, i,
                                                   IGJ_BREAKER_WAIT_MS)),
                igj_s("reason", igj_pg_get_text(res, i, IGJ_BREAKER_REASON)));
    }

    PQclear(res);
}


/* A transaction each; what is too much for this round is due in the next. */

static void
igj_housekeeper_schedules(igj_housekeeper_t *h)
{
    int             i;
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_HOUSEKEEPER_SCHEDULES);
    res = igj_housekeeper_call(h, IGJ_SQL_DUE_SCHEDULES, &args);

    for (i = 0; res != NULL && i < PQntuples(res); i++) {
        igj_housekeeper_schedule(h, igj_pg_get_text(res, i, 0),
                                 igj_pg_get_text(res, i, 1));
    }

    PQclear(res);
}


static void
igj_housekeeper_schedule(igj_housekeeper_t *h, const char *tenant,
    const char *schedule)
{
    PGresult       *res;
    igj_pg_args_t   args;

    igj_pg_args_init(&args);
    igj_pg_text(&args, tenant);
    igj_pg_text(&args, schedule);
    res = igj_housekeeper_call(h, IGJ_SQL_RUN_SCHEDULE, &args);

    if (res != NULL && PQntuples(res) == 1) {
        igj_log(igj_pg_get(res, 0, IGJ_TICKED_ERROR) ? IGJ_LOG_ERROR
                                                     : IGJ_LOG_INFO,
                "a schedule was due", igj_s("schedule", schedule),
                igj_s("outcome", igj_pg_get_text(res, 0, IGJ_TICKED_OUTCOME)),
                igj_s("job", igj_pg_get_text(res, 0, IGJ_TICKED_JOB_ID)),
                igj_s("error", igj_pg_get_text(res, 0, IGJ_TICKED_ERROR)));
    }

    PQclear(res);
}


/* Until nothing old is left, or it is enough for a round. */

static void
igj_housekeeper_drop_old(igj_housekeeper_t *h, igj_sql_t id)
{
    int             step;
    int64_t         removed;
    PGresult       *res;
    igj_pg_args_t   args;

    for (step = 0; step < IGJ_HOUSEKEEPER_OLD_STEPS; step++) {
        igj_pg_args_init(&args);
        igj_pg_number(&args, IGJ_HOUSEKEEPER_OLD);
        res = igj_housekeeper_call(h, id, &args);

        removed = (res != NULL && PQntuples(res) == 1)
                  ? igj_pg_get_number(res, 0, 0) : 0;
        PQclear(res);

        if (removed < IGJ_HOUSEKEEPER_OLD) {
            return;
        }
    }
}


/* Old campaigns that still have assignments are looked at each time: a round
 * in a minute is enough. */

static void
igj_housekeeper_campaigns(igj_housekeeper_t *h)
{
    h->campaigns_at = igj_clock_ms() + IGJ_HOUSEKEEPER_CAMPAIGNS_MS;

    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_OLD_PROFILES);
    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_OLD_ASSIGNMENTS);
    igj_housekeeper_drop_old(h, IGJ_SQL_DROP_OLD_CAMPAIGNS);
}


/* What jobs that have ended have bought, a part of it in each round. */

static void
igj_housekeeper_purchases(igj_housekeeper_t *h)
{
    int             step;
    int64_t         noted;
    PGresult       *res;
    igj_pg_args_t   args;

    for (step = 0; step < IGJ_HOUSEKEEPER_NOTE_STEPS; step++) {
        igj_pg_args_init(&args);
        igj_pg_number(&args, IGJ_HOUSEKEEPER_NOTE);
        res = igj_housekeeper_call(h, IGJ_SQL_NOTE_PURCHASES, &args);

        noted = (res != NULL && PQntuples(res) == 1)
                ? igj_pg_get_number(res, 0, 0) : 0;
        PQclear(res);

        if (noted < IGJ_HOUSEKEEPER_NOTE) {
            return;
        }
    }
}


static void
igj_housekeeper_partitions(igj_housekeeper_t *h)
{
    PGresult       *res;
    igj_pg_args_t   args;

    h->partitions_at = igj_clock_ms() + IGJ_HOUSEKEEPER_MONTHS_MS;

    igj_pg_args_init(&args);
    igj_pg_number(&args, IGJ_HOUSEKEEPER_MONTHS);
    res = igj_housekeeper_call(h, IGJ_SQL_ENSURE_PARTITIONS, &args);

    if (res != NULL && PQntuples(res) == 1
        && igj_pg_get_number(res, 0, 0) > 0)
    {
        igj_log(IGJ_LOG_INFO, "result partitions made",
                igj_i("count", igj_pg_get_number(res, 0, 0)));
    }

    PQclear(res);
}


/* NULL: not now; the next round does it. */

static PGresult *
igj_housekeeper_call(igj_housekeeper_t *h, igj_sql_t id,
    const igj_pg_args_t *args)
{
    PGresult  *res;

    if (igj_pg_call(h->engine->pg_upkeep, igj_statement(id), args, &res, NULL)
        != IGJ_PG_OK)
    {
        return NULL;
    }

    return res;
}
