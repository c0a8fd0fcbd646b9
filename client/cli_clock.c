/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <time.h>

#include "cli_clock.h"
#include "cli_term.h"


int64_t
cli_now_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + 1;
}


void
cli_wait_ms(int64_t ms)
{
    struct timespec  ts;

    cli_out_flush();
    ts.tv_sec = (time_t) (ms / 1000);
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
        /* what is left of it */
    }
}
