/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Runs: started, looked at, waited for, aborted, resurrected.
 *
 * A run is a few numbers and its input.  Its status and the length of its
 * dataset are functions of the actor clock, worked out when somebody looks, so
 * nothing has to tick.  A resurrection begins a new leg of the same run, which
 * appends its items behind those of the legs before.
 *
 * Runs are shared between threads and counted: sim_run_start() and
 * sim_run_find() give a reference, sim_run_release() takes it back.  Input and
 * ids never change; all else only under sim_lock(), which the functions here
 * take themselves unless they are told to be called under it.
 */

#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdatomic.h>

#include "sim_actor.h"
#include "sim_clock.h"
#include "sim_id.h"
#include "sim_plan.h"
#include "sim_ranges.h"

#define SIM_LEGS_MAX      8      /* a start and seven resurrections */
#define SIM_STATUS_MAX    24

enum sim_status {
    SIM_READY,
    SIM_RUNNING,
    SIM_TIMING_OUT,
    SIM_ABORTING,
    SIM_SUCCEEDED,               /* from here on terminal */
    SIM_FAILED,
    SIM_TIMED_OUT,
    SIM_ABORTED,
    SIM_STATUSES
};

/* What a fault decides about a run when it starts. */
struct sim_fate {
    int               decided;       /* 0: nothing was, the rest is default */
    enum sim_status   status;
    int64_t           accounts;      /* done before the end; -1 = all */
    int64_t           items;         /* or items; -1 = all */
    int64_t           stay_ms;       /* longer at work; SIM_NEVER = for ever */
    int64_t           hide_calls;    /* reads answered 404 */
    int64_t           hide_ms;       /* real time of 404, of lists, too */
    char              message[80];   /* statusMessage at the end */
    char              stay_status[SIM_STATUS_MAX];   /* shown for RUNNING */
};

#define SIM_NO_FATE  { 0, SIM_SUCCEEDED, -1, -1, 0, 0, 0, "", "" }

struct sim_start {
    const struct sim_actor  *actor;
    const char              *input;
    size_t                   input_n;
    const struct sim_plan   *plan;
    int64_t                  memory;         /* MB */
    int64_t                  timeout;        /* s, 0 = none */
    int64_t                  max_items;      /* 0 = none */
    double                   max_charge;     /* USD, 0 = none */
    struct sim_fate          fate;
    int64_t                  limit_runs;     /* at a time, 0 = none */
    int64_t                  limit_memory;   /* MB in sum, 0 = none */
};

struct sim_run {
    uint32_t                 number;
    _Atomic uint32_t         refs;
    const struct sim_actor  *actor;
    char                     id[SIM_ID_LENGTH + 1];
    char                     dataset[SIM_ID_LENGTH + 1];
    char                     store[SIM_ID_LENGTH + 1];
    char                     marker[SIM_MARKER_MAX];
    char                    *input;
    size_t                   input_n;
    uint32_t                 accounts;
    uint64_t                 hash;           /* of the set of accounts */
    uint64_t                 rows;           /* of a whole leg */
    int64_t                  memory;
    int64_t                  timeout;
    int64_t                  max_items;
    double                   max_charge;
    struct sim_fate         *fate;           /* NULL if none */
    int64_t                  hide_calls;
    int64_t                  hide_until;     /* Unix ms */

    int64_t                  started_unix;   /* ms */
    int64_t                  leg_unix;       /* ms, start of this leg */
    int64_t                  leg_start;      /* actor clock, as below */
    int64_t                  leg_work;       /* ms that a whole leg takes */
    int64_t                  leg_end;
    int64_t                  leg_gone;       /* end of winding down */
    uint64_t                 leg_items;      /* at its end */
    enum sim_status          leg_status;     /* at its end */
    uint32_t                 legs;
    uint64_t                 leg_rows[SIM_LEGS_MAX];  /* of legs that ended */

    struct sim_ranges        delivered;
    uint64_t                 delivered_total;
    uint64_t                 delivered_distinct;
};

/* A run at one moment. */
struct sim_view {
    enum sim_status   status;
    const char       *word;          /* the status as the API spells it */
    uint64_t          items;         /* in the dataset */
    uint64_t          billed;        /* items */
    int64_t           ended_unix;    /* ms; 0 while not terminal */
    int64_t           worked_ms;     /* of this leg, actor clock */
    int               settled;       /* cost is final */
    double            usd;           /* preliminary until settled */
    double            usd_final;     /* what it will be; known to the ledger */
    uint64_t          usage_items;   /* billed items as usage shows them */
    uint32_t          legs;
    uint64_t          leg_rows[SIM_LEGS_MAX];
    char              stay_status[SIM_STATUS_MAX];
    char              message[80];
};

struct sim_run_sums {
    uint64_t  by_status[SIM_STATUSES];
    uint64_t  produced, billed, delivered, delivered_distinct;
    uint64_t  max_runs, max_memory;      /* highest at a time */
    uint64_t  aborted, resurrected;
    double    usd;
};

/*
 * Starts a run and gives a reference to it.  NULL if a limit forbids it:
 * *limit is then "runs" or "memory".
 */
struct sim_run *sim_run_start(const struct sim_start *start,
    const char **limit);

/* By an id of that kind (run, dataset, store); NULL if there is none. */
struct sim_run *sim_run_find(const char *id, enum sim_id_kind kind);
void sim_run_release(struct sim_run *run);

/* 1 if a fault still hides the run; a read of it (reading) counts. */
int sim_run_hidden(struct sim_run *run, int reading);

struct sim_view sim_run_look(struct sim_run *run);

/* Looks when the run is terminal, but after real_ms at the latest. */
struct sim_view sim_run_wait(struct sim_run *run, int64_t real_ms);

/* No effect on a run that is over; returns whether there was one. */
int sim_run_abort(struct sim_run *run, int gracefully);

/*
 * Begins a new leg with these limits.  NULL, or why not: a static text (still
 * at work, too often).
 */
const char *sim_run_resurrect(struct sim_run *run, int64_t timeout,
    int64_t memory, int64_t max_items, double max_charge);

/* Notes that items from ... to - 1 of the dataset were put into an answer. */
void sim_run_delivered(struct sim_run *run, uint64_t from, uint64_t to);

/* The row of a whole leg that dataset item i shows. */
uint64_t sim_view_row(const struct sim_view *view, uint64_t i);

/* "READY", "TIMED-OUT", ... */
const char *sim_status_word(enum sim_status status);
int sim_status_terminal(enum sim_status status);

/*
 * Calls f for each run, oldest first, under the lock, until it returns 0.
 * f may use sim_run_look_locked() and nothing else of this file.
 */
void sim_runs_each(int (*f)(void *ctx, struct sim_run *run), void *ctx);
struct sim_view sim_run_look_locked(const struct sim_run *run);

struct sim_run_sums sim_runs_sums(void);

/* Forgets all runs; ids of forgotten runs stay unknown. */
void sim_runs_reset(void);

#endif
