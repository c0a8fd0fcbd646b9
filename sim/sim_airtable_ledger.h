/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What the ledger says of Airtable. */

#ifndef SIM_AIRTABLE_LEDGER_H
#define SIM_AIRTABLE_LEDGER_H

#include "sim_text.h"

/* Appends an object: sums, and each base with its tables.  Takes the lock. */
void sim_air_ledger_write(struct sim_text *out);

#endif
