/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What the simulator answers for itself, under /_sim/. */

#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim_http.h"

/* Answers; 404 for every path that nobody serves. */
void sim_control(struct sim_request *r, struct sim_answer *answer);

#endif
