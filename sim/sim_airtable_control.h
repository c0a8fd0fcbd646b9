/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* /_sim/airtable/: what people do to bases; called by sim_control.c. */

#ifndef SIM_AIRTABLE_CONTROL_H
#define SIM_AIRTABLE_CONTROL_H

#include "sim_http.h"

void sim_air_control_ledger(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_records(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_tables(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_set(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_add(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_delete(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_rename(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_drop(struct sim_request *r, struct sim_answer *answer);
void sim_air_control_expire(struct sim_request *r, struct sim_answer *answer);

#endif
