/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Time and chance for the worker's threads.  Nothing here decides about a
 * lease: those compare database time only.
 */

#ifndef IGJ_CLOCK_H
#define IGJ_CLOCK_H

#include <stdint.h>
#include <time.h>


/* Milliseconds that never step back; the origin means nothing. */
int64_t igj_clock_ms(void);

/* Unix time in milliseconds. */
int64_t igj_clock_unix_ms(void);

/* The moment ms from now on CLOCK_MONOTONIC, for pthread_cond_clockwait(). */
struct timespec igj_clock_after(int64_t ms);

/* A random time in [ms / 2, ms]. */
int64_t igj_clock_jitter(int64_t ms);

/* The jittered wait before retry number n (from 0): base doubled n times, at
 * most max. */
int64_t igj_clock_backoff(int64_t base, int n, int64_t max);


#endif /* IGJ_CLOCK_H */
