/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Time and chance; any thread. */

#include <sys/random.h>

#include "igj_clock.h"


static int64_t
igj_clock_read(clockid_t clock)
{
    struct timespec  ts;

    clock_gettime(clock, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


int64_t
igj_clock_ms(void)
{
    return igj_clock_read(CLOCK_MONOTONIC);
}


int64_t
igj_clock_unix_ms(void)
{
    return igj_clock_read(CLOCK_REALTIME);
}


struct timespec
igj_clock_after(int64_t ms)
{
    int64_t          at;
    struct timespec  ts;

    at = igj_clock_ms() + ms;
    ts.tv_sec = (time_t) (at / 1000);
    ts.tv_nsec = (long) (at % 1000) * 1000000;

    return ts;
}


int64_t
igj_clock_jitter(int64_t ms)
{
    uint32_t  r;

    if (ms <= 1) {
        return ms;
    }

    if (getrandom(&r, sizeof(r), 0) != sizeof(r)) {
        return ms;
    }

    return ms / 2 + (int64_t) (r % (uint64_t) (ms - ms / 2 + 1));
}


int64_t
igj_clock_backoff(int64_t base, int n, int64_t max)
{
    while (n-- > 0 && base < max) {
        base *= 2;
    }

    return igj_clock_jitter(base < max ? base : max);
}
