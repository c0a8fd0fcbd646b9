/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Sets of rows: what of a dataset was delivered at least once. */

#include <stdlib.h>
#include <string.h>

#include "sim_ranges.h"
#include "sim_text.h"


/* Replaces the ranges first ... last - 1 by one. */

static void
sim_ranges_replace(struct sim_ranges *set, uint32_t first, uint32_t last,
    struct sim_range range)
{
    if (first == last && set->n == set->cap) {
        set->cap = set->cap > 0 ? set->cap * 2 : 2;
        set->range = sim_realloc(set->range,
                                 set->cap * sizeof(struct sim_range));
    }

    memmove(&set->range[first + 1], &set->range[last],
            (set->n - last) * sizeof(struct sim_range));

    set->range[first] = range;
    set->n = set->n - (last - first) + 1;
}


uint64_t
sim_ranges_add(struct sim_ranges *set, uint64_t from, uint64_t to)
{
    uint32_t          first, last;
    uint64_t          old;
    struct sim_range  range;

    if (from >= to) {
        return 0;
    }

    for (first = 0; first < set->n && set->range[first].to < from; first++) {
        /* wholly before, not even adjacent */
    }

    range.from = from;
    range.to = to;
    old = 0;

    for (last = first; last < set->n && set->range[last].from <= to; last++) {
        old += set->range[last].to - set->range[last].from;

        if (set->range[last].from < range.from) {
            range.from = set->range[last].from;
        }

        if (set->range[last].to > range.to) {
            range.to = set->range[last].to;
        }
    }

    sim_ranges_replace(set, first, last, range);

    return (range.to - range.from) - old;
}


void
sim_ranges_free(struct sim_ranges *set)
{
    free(set->range);
    memset(set, 0, sizeof(struct sim_ranges));
}
