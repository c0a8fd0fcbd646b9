/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* A run as a function of the actor clock. */

#include <string.h>

#include "sim_conf.h"
#include "sim_run_leg.h"


static const char  *sim_status_words[] = {
    "READY", "RUNNING", "TIMING-OUT", "ABORTING",
    "SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"
};


const char *
sim_status_word(enum sim_status status)
{
    return sim_status_words[status];
}


int
sim_status_terminal(enum sim_status status)
{
    return status >= SIM_SUCCEEDED;
}


static int64_t
sim_leg_work_start(const struct sim_run *run)
{
    return run->leg_start + sim_conf.ready_ms;
}


/* Items of this leg at a moment of the actor clock. */

static uint64_t
sim_leg_items(const struct sim_run *run, int64_t now)
{
    double   share;
    int64_t  worked;

    worked = now - sim_leg_work_start(run);

    if (now >= run->leg_end || worked >= run->leg_work) {
        return worked < 0 ? 0 : run->leg_items;
    }

    if (worked < 0) {
        return 0;
    }

    share = (double) worked / (double) run->leg_work;
    worked = (int64_t) (share * (double) run->rows);

    return (uint64_t) worked < run->leg_items ? (uint64_t) worked
                                              : run->leg_items;
}


static uint64_t
sim_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}


/* How many rows the leg will have in the end, time-outs left aside. */

static uint64_t
sim_leg_wanted(const struct sim_run *run, uint64_t fated)
{
    double    affordable;
    uint64_t  rows;

    rows = sim_min(run->rows, fated);

    if (run->fate != NULL && run->fate->items >= 0) {
        rows = sim_min(rows, (uint64_t) run->fate->items);
    }

    if (sim_conf.stop_at_max_items && run->max_items > 0) {
        rows = sim_min(rows, (uint64_t) run->max_items);
    }

    if (run->max_charge > 0 && sim_conf.price_item > 0) {
        affordable = (run->max_charge - sim_conf.price_start)
                     / sim_conf.price_item + 1e-6;
        affordable = affordable > 0 ? affordable : 0;

        if (affordable < (double) rows) {
            rows = (uint64_t) affordable;
        }
    }

    return rows;
}


static int64_t
sim_leg_duration(const struct sim_run *run)
{
    double  ms;

    ms = 0;

    if (sim_conf.items_per_second > 0) {
        ms = (double) run->rows * 1000 / sim_conf.items_per_second;
    }

    return ms > (double) sim_conf.run_ms ? (int64_t) ms : sim_conf.run_ms;
}


/* The leg ends at its time-out, if that comes first. */

static void
sim_leg_time_out(struct sim_run *run)
{
    int64_t  end;

    end = sim_leg_work_start(run) + run->timeout * 1000;

    if (run->timeout == 0 || run->leg_end <= end) {
        return;
    }

    run->leg_items = sim_leg_items(run, end);
    run->leg_end = end;
    run->leg_gone = end + sim_conf.wind_down_ms;
    run->leg_status = SIM_TIMED_OUT;
}


void
sim_run_leg_begin(struct sim_run *run, uint64_t fated)
{
    double  share;

    run->leg_unix = sim_clock_unix();
    run->leg_start = sim_clock_now();
    run->leg_work = sim_leg_duration(run);
    run->leg_items = sim_leg_wanted(run, fated);
    run->leg_status = run->fate != NULL ? run->fate->status : SIM_SUCCEEDED;

    share = run->leg_items < run->rows
            ? (double) run->leg_items / (double) run->rows : 1;

    run->leg_end = sim_leg_work_start(run)
                   + (int64_t) ((double) run->leg_work * share);

    if (run->fate != NULL && run->fate->stay_ms > 0) {
        run->leg_end = run->fate->stay_ms == SIM_NEVER
                       ? SIM_NEVER : run->leg_end + run->fate->stay_ms;
    }

    run->leg_gone = run->leg_end;

    sim_leg_time_out(run);
}


int
sim_run_leg_abort(struct sim_run *run, int gracefully)
{
    int64_t  now;

    now = sim_clock_now();

    if (now >= run->leg_end) {
        return 0;
    }

    run->leg_items = sim_leg_items(run, now);
    run->leg_end = now;
    run->leg_gone = now + (gracefully ? sim_conf.wind_down_ms : 0);
    run->leg_status = SIM_ABORTED;

    return 1;
}


static enum sim_status
sim_leg_status(const struct sim_run *run, int64_t now)
{
    if (now < sim_leg_work_start(run) && now < run->leg_end) {
        return SIM_READY;
    }

    if (now < run->leg_end) {
        return SIM_RUNNING;
    }

    if (now < run->leg_gone) {
        return run->leg_status == SIM_ABORTED ? SIM_ABORTING : SIM_TIMING_OUT;
    }

    return run->leg_status;
}


/* Items in the dataset and items billed, over all legs. */

static void
sim_view_items(struct sim_view *view, const struct sim_run *run, int64_t now)
{
    uint32_t  i;
    uint64_t  items;

    for (i = 0; i <= run->legs; i++) {
        items = i < run->legs ? run->leg_rows[i] : sim_leg_items(run, now);

        view->items += items;
        view->billed += run->max_items > 0
                        ? sim_min(items, (uint64_t) run->max_items) : items;
    }
}


/*
 * A run shows no cost while it works, nine tenths of its items right after
 * its end, and the truth when that has settled.  Memory is billed for the time
 * of the last leg.
 */

static void
sim_view_money(struct sim_view *view, const struct sim_run *run, int64_t now)
{
    double  starts;

    starts = sim_conf.price_start * (double) (run->legs + 1);

    starts += sim_conf.price_gb_hour * (double) run->memory / 1024
              * (double) view->worked_ms / 3600000;
    view->usd_final = starts + sim_conf.price_item * (double) view->billed;

    if (run->max_charge > 0 && view->usd_final > run->max_charge) {
        view->usd_final = run->max_charge;
    }

    if (!sim_status_terminal(view->status)) {
        return;
    }

    view->settled = now - run->leg_gone >= sim_conf.usage_final_ms;
    view->usage_items = view->settled ? view->billed : view->billed * 9 / 10;
    view->usd = view->settled ? view->usd_final
                : starts + sim_conf.price_item * (double) view->usage_items;
}


struct sim_view
sim_run_look_locked(const struct sim_run *run)
{
    int64_t          now, end;
    struct sim_view  view = { 0 };

    now = sim_clock_now();
    end = now < run->leg_gone ? now : run->leg_gone;

    view.status = sim_leg_status(run, now);
    view.word = sim_status_words[view.status];
    view.worked_ms = end - run->leg_start;
    view.legs = run->legs;
    memcpy(view.leg_rows, run->leg_rows, sizeof(view.leg_rows));

    if (run->fate != NULL) {
        memcpy(view.stay_status, run->fate->stay_status, SIM_STATUS_MAX);
        memcpy(view.message, run->fate->message, sizeof(view.message));
    }

    if (sim_status_terminal(view.status)) {
        view.ended_unix = run->leg_unix + sim_clock_real(view.worked_ms);
    }

    sim_view_items(&view, run, now);
    sim_view_money(&view, run, now);

    return view;
}


uint64_t
sim_view_row(const struct sim_view *view, uint64_t i)
{
    uint32_t  leg;

    for (leg = 0; leg < view->legs && i >= view->leg_rows[leg]; leg++) {
        i -= view->leg_rows[leg];
    }

    return i;
}
