/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* GET /_sim/ledger: what was asked, delivered and billed in sum. */

#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "sim_text.h"

/*
 * Appends one JSON object.  With accounts, also the accounts that stand in the
 * input of more than one run, which reads all inputs again; with runs, also
 * each run and its cost.
 */
void sim_ledger_write(struct sim_text *out, int accounts, int runs);

#endif
