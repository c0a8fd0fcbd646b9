/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Endpoints that start, list, show and end runs; called by sim_apify.c. */

#ifndef SIM_APIFY_RUNS_H
#define SIM_APIFY_RUNS_H

#include "sim_http.h"

void sim_apify_start(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer);
void sim_apify_list(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer);
void sim_apify_run(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer);
void sim_apify_abort(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer);
void sim_apify_resurrect(struct sim_request *r,
    const struct sim_verdict *verdict, struct sim_answer *answer);

#endif
