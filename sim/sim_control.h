/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What the simulator answers for itself, under /_sim/. */

#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim_http.h"

/* The beginning of an answer, and a whole one with an error. */
void sim_control_ok(struct sim_answer *answer, const char *type);
void sim_control_error(struct sim_answer *answer, int code,
    const char *message);

/* Answers; 404 for every path that nobody serves. */
void sim_control(struct sim_request *r, struct sim_answer *answer);

#endif
