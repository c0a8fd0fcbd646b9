/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of runs and what is done to them.  See sim_run.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_conf.h"
#include "sim_run.h"
#include "sim_run_leg.h"


struct sim_run_table {
    struct sim_run  **run;
    size_t            n;
    size_t            cap;
    uint32_t          first;         /* number of run[0] */

    struct sim_run  **active;        /* perhaps over since, see below */
    size_t            active_n;
    size_t            active_cap;

    uint64_t          max_runs;
    uint64_t          max_memory;
    uint64_t          aborted;
    uint64_t          resurrected;
};

static struct sim_run_table  sim_runs;


static void
sim_run_hold(struct sim_run *run)
{
    run->refs++;
}


void
sim_run_release(struct sim_run *run)
{
    if (run == NULL || --run->refs > 0) {
        return;
    }

    sim_ranges_free(&run->delivered);
    free(run->fate);
    free(run->input);
    free(run);
}


static void
sim_runs_push(struct sim_run ***list, size_t *n, size_t *cap,
    struct sim_run *run)
{
    if (*n == *cap) {
        *cap = *cap > 0 ? *cap * 2 : 64;
        *list = sim_realloc(*list, *cap * sizeof(struct sim_run *));
    }

    (*list)[(*n)++] = run;
}


/* Drops what is over from the active runs; sums up the rest. */

static void
sim_runs_sweep(uint64_t *runs, uint64_t *memory)
{
    size_t           i, kept;
    struct sim_run  *run;

    *memory = 0;

    for (i = 0, kept = 0; i < sim_runs.active_n; i++) {
        run = sim_runs.active[i];

        if (sim_status_terminal(sim_run_look_locked(run).status)) {
            continue;
        }

        *memory += (uint64_t) run->memory;
        sim_runs.active[kept++] = run;
    }

    sim_runs.active_n = kept;
    *runs = kept;
}


static void
sim_runs_activate(struct sim_run *run, uint64_t runs, uint64_t memory)
{
    sim_runs_push(&sim_runs.active, &sim_runs.active_n, &sim_runs.active_cap,
                  run);

    runs += 1;
    memory += (uint64_t) run->memory;

    if (runs > sim_runs.max_runs) {
        sim_runs.max_runs = runs;
    }

    if (memory > sim_runs.max_memory) {
        sim_runs.max_memory = memory;
    }
}


/* Everything but the number, the ids and the first leg. */

static struct sim_run *
sim_run_create(const struct sim_start *start)
{
    struct sim_run  *run;

    run = sim_alloc(sizeof(struct sim_run));

    run->refs = 1;
    run->actor = start->actor;
    run->input = sim_alloc(start->input_n + 1);
    run->input_n = start->input_n;
    memcpy(run->input, start->input, start->input_n);

    run->accounts = start->plan->accounts;
    run->hash = start->plan->hash;
    run->rows = start->plan->rows;
    memcpy(run->marker, start->plan->marker, sizeof(run->marker));

    run->memory = start->memory;
    run->timeout = start->timeout;
    run->max_items = start->max_items;
    run->max_charge = start->max_charge;
    run->started_unix = sim_clock_unix();

    if (start->fate.decided) {
        run->fate = sim_alloc(sizeof(struct sim_fate));
        *run->fate = start->fate;
        run->hide_calls = start->fate.hide_calls;
        run->hide_until = run->started_unix + start->fate.hide_ms;
    }

    return run;
}


struct sim_run *
sim_run_start(const struct sim_start *start, const char **limit)
{
    uint64_t         runs, memory, fated;
    struct sim_run  *run;

    fated = start->fate.accounts < 0 ? start->plan->rows
            : sim_plan_rows_of(start->plan, (uint64_t) start->fate.accounts);

    sim_lock();
    sim_runs_sweep(&runs, &memory);

    *limit = NULL;

    if (start->limit_runs > 0 && runs >= (uint64_t) start->limit_runs) {
        *limit = "runs";

    } else if (start->limit_memory > 0
               && memory + (uint64_t) start->memory
                  > (uint64_t) start->limit_memory)
    {
        *limit = "memory";
    }

    if (*limit != NULL) {
        sim_unlock();
        return NULL;
    }

    run = sim_run_create(start);
    run->number = sim_runs.first + (uint32_t) sim_runs.n;

    sim_id_write(run->id, SIM_ID_RUN, run->number);
    sim_id_write(run->dataset, SIM_ID_DATASET, run->number);
    sim_id_write(run->store, SIM_ID_STORE, run->number);

    sim_run_leg_begin(run, fated);
    sim_runs_push(&sim_runs.run, &sim_runs.n, &sim_runs.cap, run);
    sim_runs_activate(run, runs, memory);
    sim_run_hold(run);

    sim_unlock();

    return run;
}


struct sim_run *
sim_run_find(const char *id, enum sim_id_kind kind)
{
    int64_t          number;
    struct sim_run  *run;

    number = sim_id_number(id, kind);
    run = NULL;

    sim_lock();

    if (number >= (int64_t) sim_runs.first
        && (uint64_t) number - sim_runs.first < sim_runs.n)
    {
        run = sim_runs.run[(uint64_t) number - sim_runs.first];
        sim_run_hold(run);
    }

    sim_unlock();

    return run;
}


int
sim_run_hidden(struct sim_run *run, int reading)
{
    int  hidden;

    sim_lock();

    hidden = sim_clock_unix() < run->hide_until;

    if (reading && run->hide_calls > 0) {
        run->hide_calls--;
        hidden = 1;
    }

    sim_unlock();

    return hidden;
}


struct sim_view
sim_run_look(struct sim_run *run)
{
    struct sim_view  view;

    sim_lock();
    view = sim_run_look_locked(run);
    sim_unlock();

    return view;
}


struct sim_view
sim_run_wait(struct sim_run *run, int64_t real_ms)
{
    int64_t          deadline, left, until;
    struct sim_view  view;

    deadline = sim_clock_unix() + real_ms;

    sim_lock();

    for ( ;; ) {
        view = sim_run_look_locked(run);
        left = deadline - sim_clock_unix();

        if (sim_status_terminal(view.status) || left <= 0 || sim_stopped()) {
            break;
        }

        until = run->leg_gone == SIM_NEVER ? left
                : sim_clock_real(run->leg_gone - sim_clock_now()) + 1;

        (void) sim_wait(until < left ? until : left);
    }

    sim_unlock();

    return view;
}


int
sim_run_abort(struct sim_run *run, int gracefully)
{
    int  effect;

    sim_lock();

    effect = sim_run_leg_abort(run, gracefully);

    if (effect) {
        sim_runs.aborted++;
        sim_changed();
    }

    sim_unlock();

    return effect;
}


static const char *
sim_run_resurrect_locked(struct sim_run *run, int64_t timeout, int64_t memory,
    int64_t max_items, double max_charge)
{
    uint64_t         runs, used;
    struct sim_view  view;

    view = sim_run_look_locked(run);

    if (!sim_status_terminal(view.status)) {
        return "Actor run is not finished, it cannot be resurrected";
    }

    if (run->legs + 1 == SIM_LEGS_MAX) {
        return "Actor run was resurrected too often";
    }

    sim_runs_sweep(&runs, &used);

    run->leg_rows[run->legs++] = run->leg_items;
    run->timeout = timeout;
    run->memory = memory;
    run->max_items = max_items;
    run->max_charge = max_charge;

    free(run->fate);
    run->fate = NULL;

    sim_run_leg_begin(run, run->rows);
    sim_runs_activate(run, runs, used);
    sim_runs.resurrected++;

    return NULL;
}


const char *
sim_run_resurrect(struct sim_run *run, int64_t timeout, int64_t memory,
    int64_t max_items, double max_charge)
{
    const char  *error;

    sim_lock();
    error = sim_run_resurrect_locked(run, timeout, memory, max_items,
                                     max_charge);
    sim_unlock();

    return error;
}


void
sim_run_delivered(struct sim_run *run, uint64_t from, uint64_t to)
{
    sim_lock();
    run->delivered_total += to - from;
    run->delivered_distinct += sim_ranges_add(&run->delivered, from, to);
    sim_unlock();
}


void
sim_runs_each(int (*f)(void *ctx, struct sim_run *run), void *ctx)
{
    size_t  i;

    sim_lock();

    for (i = 0; i < sim_runs.n; i++) {
        if (!f(ctx, sim_runs.run[i])) {
            break;
        }
    }

    sim_unlock();
}


struct sim_run_sums
sim_runs_sums(void)
{
    size_t                 i;
    struct sim_run        *run;
    struct sim_view        view;
    struct sim_run_sums    sums = { 0 };

    sim_lock();

    sums.max_runs = sim_runs.max_runs;
    sums.max_memory = sim_runs.max_memory;
    sums.aborted = sim_runs.aborted;
    sums.resurrected = sim_runs.resurrected;

    for (i = 0; i < sim_runs.n; i++) {
        run = sim_runs.run[i];
        view = sim_run_look_locked(run);

        sums.by_status[view.status]++;
        sums.produced += view.items;
        sums.billed += view.billed;
        sums.usd += view.usd_final;
        sums.delivered += run->delivered_total;
        sums.delivered_distinct += run->delivered_distinct;
    }

    sim_unlock();

    return sums;
}


void
sim_runs_reset(void)
{
    size_t                 i, n;
    struct sim_run       **old;

    sim_lock();

    old = sim_runs.run;
    n = sim_runs.n;

    sim_runs.first += (uint32_t) n;
    sim_runs.run = NULL;
    sim_runs.n = 0;
    sim_runs.cap = 0;
    sim_runs.max_runs = 0;
    sim_runs.max_memory = 0;
    sim_runs.aborted = 0;
    sim_runs.resurrected = 0;

    free(sim_runs.active);
    sim_runs.active = NULL;
    sim_runs.active_n = 0;
    sim_runs.active_cap = 0;

    sim_changed();
    sim_unlock();

    for (i = 0; i < n; i++) {
        sim_run_release(old[i]);
    }

    free(old);
}
