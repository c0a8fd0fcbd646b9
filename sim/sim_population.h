/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* GET /_sim/population: the true followers of an account. */

#ifndef SIM_POPULATION_H
#define SIM_POPULATION_H

#include "sim_stream.h"

/*
 * JSON Lines of id, username, full_name and gender of count followers from
 * offset on, in the actors' order; nothing for accounts without any.
 */
struct sim_stream *sim_population(const char *account, uint64_t offset,
    uint64_t count);

#endif
