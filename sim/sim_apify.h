/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Apify API, version 2: routes and endpoints. */

#ifndef SIM_APIFY_H
#define SIM_APIFY_H

#include "sim_http.h"

extern const struct sim_provider  sim_apify;

/* {"error":{"type":...,"message":...}}; NULL is the code's usual type. */
void sim_apify_error(struct sim_answer *answer, int code, const char *type,
    const char *message);

#endif
