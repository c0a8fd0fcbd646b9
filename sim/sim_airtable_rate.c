/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Requests within the last second, and penalties. */

#include "sim_airtable_rate.h"
#include "sim_clock.h"
#include "sim_conf.h"

#define SIM_AIR_SECOND  1000


struct sim_air_rate  sim_air_user_rate;


/* Counts the request among those of the last second; how many they are. */

static unsigned
sim_air_rate_count(struct sim_air_rate *rate, int64_t now)
{
    while (rate->n > 0
           && (rate->n == SIM_AIR_RATE_MAX
               || rate->at[rate->first] <= now - SIM_AIR_SECOND))
    {
        rate->first = (rate->first + 1) % SIM_AIR_RATE_MAX;
        rate->n--;
    }

    rate->at[(rate->first + rate->n) % SIM_AIR_RATE_MAX] = now;
    rate->n++;
    rate->highest = rate->n > rate->highest ? rate->n : rate->highest;
    rate->requests++;

    return rate->n;
}


int
sim_air_rate_take(struct sim_air_rate *rate, int64_t limit)
{
    int64_t   now;
    unsigned  n;

    now = sim_clock_now();
    n = sim_air_rate_count(rate, now);

    if (limit > 0 && now >= rate->until && n > limit) {
        rate->until = now + sim_conf.airtable_penalty_ms;
        rate->penalties++;
        rate->refused++;
        return 0;
    }

    rate->refused += now < rate->until;

    return now >= rate->until;
}
