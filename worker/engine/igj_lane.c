/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A lane: one thread that works on one batch at a time.  Its life is
 * igj_lane_main(), a batch's way is igj_lane_turn() and igj_lane_work().
 */

#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_statements.h"
#include "igj_threads.h"


#define IGJ_LANE_REFUSED_MS  1000     /* pause after a claim that failed */


static void igj_lane_turn(igj_lane_t *lane, const igj_turn_t *turn);
static void igj_lane_work(igj_lane_t *lane, const igj_turn_t *turn);
static void igj_lane_run(igj_lane_t *lane, igj_outcome_t *outcome);
static void igj_lane_reap(igj_lane_t *lane);
static void igj_lane_no_batch(igj_lane_t *lane, const igj_turn_t *turn,
    igj_claim_answer_t answer);
static void igj_lane_turn_back(igj_lane_t *lane, const igj_turn_t *turn,
    const igj_claim_end_t *end);
static void igj_lane_unpark(igj_lane_t *lane);


int
igj_lane_open(igj_lane_t *lane, char error[IGJ_BATCH_ERROR_MAX])
{
    igj_claim_init(&lane->claim, lane->engine);

    lane->kind_data = igj_kinds_open(lane->engine,
                                     igj_leases_flag(lane->engine->leases,
                                                     lane->number),
                                     error);

    return lane->kind_data ? IGJ_OK : IGJ_ERROR;
}


void
igj_lane_close(igj_lane_t *lane)
{
    igj_kinds_close(lane->engine, lane->kind_data);
}


void *
igj_lane_main(void *data)
{
    igj_lane_t  *lane;
    igj_turn_t   turn;

    lane = data;

    while (igj_taker_take(lane->engine->taker, &turn) == IGJ_OK) {
        igj_lane_turn(lane, &turn);
    }

    atomic_store(&lane->ended, true);

    return NULL;
}


/* turn → claim → (a batch's work) → turn back, or where it belongs */

static void
igj_lane_turn(igj_lane_t *lane, const igj_turn_t *turn)
{
    bool                 direct;
    igj_claim_answer_t   answer;

    direct = igj_turn_is_direct(turn);

    answer = igj_claim_take(&lane->claim, direct ? NULL : turn->tenant,
                            direct ? NULL : turn->job);
    if (direct) {
        igj_taker_report(lane->engine->taker, answer == IGJ_CLAIM_BATCH
                                              || answer == IGJ_CLAIM_LATER
                                              || answer == IGJ_CLAIM_STOPPED);
    }

    if (answer == IGJ_CLAIM_BATCH) {
        igj_lane_work(lane, turn);
    } else {
        igj_lane_no_batch(lane, turn, answer);
    }

    igj_claim_clear(&lane->claim);
}


/* lease held, the kind's work, settled, lease dropped, turn back; runs of a
 * job that ends are aborted at once and not only by the reaper */

static void
igj_lane_work(igj_lane_t *lane, const igj_turn_t *turn)
{
    bool              unwanted;
    igj_batch_t      *b;
    igj_engine_t     *e;
    igj_outcome_t     outcome;
    igj_claim_end_t   end;

    e = lane->engine;
    b = &lane->claim.batch;

    igj_leases_hold(e->leases, lane->number, b->job, b->batch_no, b->attempt);
    b->stop = igj_leases_flag(e->leases, lane->number);
    atomic_fetch_add(&e->working, 1);

    igj_engine_publish(e, b->tenant, b->job,
                       igj_pg_get(lane->claim.res, 0, IGJ_CLAIM_VERSION),
                       igj_pg_get(lane->claim.res, 0, IGJ_CLAIM_DOC), false);

    igj_lane_run(lane, &outcome);
    igj_claim_finish(&lane->claim, &outcome, &end);

    unwanted = (atomic_load(b->stop) == IGJ_STOP_JOB
                && outcome.class != IGJ_OUTCOME_LOST);

    atomic_fetch_sub(&e->working, 1);
    igj_leases_drop(e->leases, lane->number);

    igj_lane_turn_back(lane, turn, &end);
    igj_taker_nudge(e->taker);

    if (unwanted) {
        igj_lane_reap(lane);
    }
}


/* What fails here is done by the reaper, which finds the run open. */

static void
igj_lane_reap(igj_lane_t *lane)
{
    int               i;
    igj_batch_t      *b;
    igj_engine_t     *e;
    igj_orphan_t      orphan;
    igj_batch_run_t  *run;

    e = lane->engine;
    b = &lane->claim.batch;

    for (i = 0; e->kinds[i] != NULL; i++) {
        if (strcmp(e->kinds[i]->name, b->kind) == 0) {
            break;
        }
    }

    for (run = b->runs; e->kinds[i] != NULL && run != NULL; run = run->next) {

        if (run->state != IGJ_BATCH_RUN_STARTED) {
            continue;
        }

        memset(&orphan, 0, sizeof(igj_orphan_t));
        orphan.token = run->token;
        orphan.run_id = run->run_id;
        orphan.cost_usd = IGJ_BATCH_NO_COST;

        if (e->kinds[i]->reap(lane->kind_data[i], &orphan) == IGJ_OK) {
            igj_batch_book_run(b, run, orphan.state, orphan.cost_usd,
                               orphan.found_id);
        }
    }
}


static void
igj_lane_run(igj_lane_t *lane, igj_outcome_t *outcome)
{
    int               i;
    int64_t           started;
    igj_batch_t      *b;
    igj_engine_t     *e;

    e = lane->engine;
    b = &lane->claim.batch;
    started = igj_clock_ms();

    igj_log(IGJ_LOG_DEBUG, "batch begins", igj_s("job", b->job),
            igj_i("batch", b->batch_no), igj_i("attempt", b->attempt),
            igj_i("lane", lane->number));

    memset(outcome, 0, sizeof(igj_outcome_t));
    outcome->class = IGJ_OUTCOME_GIVE_BACK;
    outcome->delay_ms = -1;

    for (i = 0; e->kinds[i] != NULL; i++) {
        if (strcmp(e->kinds[i]->name, b->kind) == 0) {
            e->kinds[i]->run(lane->kind_data[i], b, outcome);
        }
    }

    igj_log(IGJ_LOG_DEBUG, "batch ends", igj_s("job", b->job),
            igj_i("batch", b->batch_no), igj_i("attempt", b->attempt),
            igj_i("outcome", outcome->class),
            igj_i("ms", igj_clock_ms() - started));
}


static void
igj_lane_no_batch(igj_lane_t *lane, const igj_turn_t *turn,
    igj_claim_answer_t answer)
{
    igj_hints_t  *hints;

    hints = lane->engine->hints;

    if (!igj_turn_is_direct(turn)) {
        if (answer == IGJ_CLAIM_LATER) {
            igj_hints_later(hints, turn, lane->claim.wait_ms);

        } else if (answer == IGJ_CLAIM_CAPPED) {
            igj_hints_park(hints, turn, lane->claim.scope);

        } else if (answer == IGJ_CLAIM_FAILED) {
            igj_hints_return(hints, turn, false);
        }
    }

    if (answer == IGJ_CLAIM_FAILED) {
        (void) igj_engine_sleep(lane->engine, IGJ_LANE_REFUSED_MS);
    }
}


/*
 * While the job has anything left the turn goes back, also after a batch that
 * must wait: another one of the job may be due.  Work that came without a turn
 * issues one.
 */

static void
igj_lane_turn_back(igj_lane_t *lane, const igj_turn_t *turn,
    const igj_claim_end_t *end)
{
    igj_turn_t    of_job;
    igj_batch_t  *b;

    if (lane->engine->hints == NULL) {
        return;
    }

    b = &lane->claim.batch;
    igj_lane_unpark(lane);

    if (!end->runnable) {
        return;
    }

    if (!igj_turn_is_direct(turn)) {
        igj_hints_return(lane->engine->hints, turn, true);
        return;
    }

    snprintf(of_job.kind, sizeof(of_job.kind), "%s", b->kind);
    snprintf(of_job.class_name, sizeof(of_job.class_name), "%s",
             b->class_name);
    snprintf(of_job.tenant, sizeof(of_job.tenant), "%s", b->tenant);
    snprintf(of_job.job, sizeof(of_job.job), "%s", b->job);
    of_job.slot = 0;

    igj_hints_issue(lane->engine->hints, &of_job, 1, b->parallelism, NULL);
}


/* The batch's slots are free now: a parked turn of each scope may try. */

static void
igj_lane_unpark(igj_lane_t *lane)
{
    char         scope[IGJ_SCOPE_MAX + 1];
    size_t       len;
    const char  *at;

    for (at = lane->claim.scope; *at != '\0'; at += len) {
        at += (*at == ',');
        len = strcspn(at, ",");
        snprintf(scope, sizeof(scope), "%.*s", (int) len, at);
        igj_hints_unpark(lane->engine->hints, scope, 1);
    }
}
