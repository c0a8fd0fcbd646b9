/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* A set of row numbers as sorted, disjoint, non-adjacent ranges. */

#ifndef SIM_RANGES_H
#define SIM_RANGES_H

#include <stdint.h>

struct sim_range {
    uint64_t  from;
    uint64_t  to;                /* one past the last */
};

struct sim_ranges {
    uint32_t           n;
    uint32_t           cap;
    struct sim_range  *range;
};

/* Adds from ... to - 1; returns how many of them were not yet in the set. */
uint64_t sim_ranges_add(struct sim_ranges *set, uint64_t from, uint64_t to);
void sim_ranges_free(struct sim_ranges *set);

#endif
