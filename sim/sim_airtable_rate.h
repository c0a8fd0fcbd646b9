/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Airtable's limit of requests: more than so many within a second of the
 * actor clock, and everything is refused for a while.  Under sim_lock().
 */

#ifndef SIM_AIRTABLE_RATE_H
#define SIM_AIRTABLE_RATE_H

#include <stdint.h>

#define SIM_AIR_RATE_MAX  1024       /* requests a second are told apart */

struct sim_air_rate {
    int64_t     at[SIM_AIR_RATE_MAX];    /* a ring, oldest at first */
    unsigned    first;
    unsigned    n;
    int64_t     until;                   /* everything is refused, actor ms */
    unsigned    highest;                 /* requests within a second */
    uint64_t    requests;
    uint64_t    refused;
    uint64_t    penalties;
};

/* Requests of all bases: there is one user. */
extern struct sim_air_rate  sim_air_user_rate;

/* Counts a request that comes now; 0 if it is refused.  limit 0: no limit. */
int sim_air_rate_take(struct sim_air_rate *rate, int64_t limit);

#endif
