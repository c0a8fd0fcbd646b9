/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Apify's objects as JSON.  Pure but for the clock. */

#ifndef SIM_APIFY_JSON_H
#define SIM_APIFY_JSON_H

#include "sim_run.h"

/*
 * The Run object, without an envelope.  Costs only if the reader showed a
 * token.  The view's word may be replaced (a run just started is READY).
 */
void sim_apify_run_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view, int costs);

/* The short form of lists. */
void sim_apify_run_short_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view, int costs);

void sim_apify_dataset_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view);

/* actor is owner~name. */
void sim_apify_actor_json(struct sim_text *out, const struct sim_actor *actor);

void sim_apify_user_json(struct sim_text *out);

/* The run's log, plain text. */
void sim_apify_log(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view);

#endif
