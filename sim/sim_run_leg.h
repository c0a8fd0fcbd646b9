/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One leg of a run in time: when it ends, how, and what it has produced by
 * then.  Only sim_run.c calls these, under sim_lock().
 */

#ifndef SIM_RUN_LEG_H
#define SIM_RUN_LEG_H

#include "sim_run.h"

/* Plans the leg that begins now; its fate allows fated rows at most. */
void sim_run_leg_begin(struct sim_run *run, uint64_t fated);

/* Ends it now; 0 if it is over or ending already. */
int sim_run_leg_abort(struct sim_run *run, int gracefully);

#endif
