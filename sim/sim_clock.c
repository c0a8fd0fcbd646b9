/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Time, the lock and the condition.  Any thread. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "sim_clock.h"

#define SIM_SLEEP_MAX  (1000LL * 3600 * 24)


static pthread_mutex_t     sim_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t      sim_cond;
static double              sim_speed = 1;
static int64_t             sim_zero;
static _Atomic int64_t     sim_advanced;
static _Atomic int         sim_stop_flag;


static int64_t
sim_monotonic(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void
sim_clock_init(double speed)
{
    pthread_condattr_t  attr;

    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&sim_cond, &attr);
    (void) pthread_condattr_destroy(&attr);

    sim_speed = speed;
    sim_zero = sim_monotonic();
}


int64_t
sim_clock_now(void)
{
    double  elapsed;

    elapsed = (double) (sim_monotonic() - sim_zero);

    return (int64_t) (elapsed * sim_speed) + sim_advanced;
}


int64_t
sim_clock_real(int64_t actor_ms)
{
    double  real;

    real = (double) actor_ms / sim_speed;

    return real > (double) SIM_SLEEP_MAX ? SIM_SLEEP_MAX : (int64_t) real;
}


int64_t
sim_clock_unix(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void
sim_clock_advance(int64_t ms)
{
    sim_advanced += ms;
    sim_changed();
}


void
sim_clock_date(int64_t unix_ms, char date[SIM_DATE_LENGTH])
{
    time_t     seconds;
    struct tm  tm;

    seconds = (time_t) (unix_ms / 1000);
    (void) gmtime_r(&seconds, &tm);

    (void) snprintf(date, SIM_DATE_LENGTH,
                    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                    (unsigned) (tm.tm_year + 1900) % 10000,
                    (unsigned) (tm.tm_mon + 1) % 100,
                    (unsigned) tm.tm_mday % 100, (unsigned) tm.tm_hour % 100,
                    (unsigned) tm.tm_min % 100, (unsigned) tm.tm_sec % 100,
                    (unsigned) (unix_ms % 1000) % 1000);
}


/* Reads n digits; -1 if they are not there. */

static int
sim_clock_digits(const char **p, int n)
{
    int  value;

    for (value = 0; n > 0; n--, (*p)++) {
        if (**p < '0' || **p > '9') {
            return -1;
        }

        value = value * 10 + (**p - '0');
    }

    return value;
}


/* Reads the separator, then n digits. */

static int
sim_clock_field(const char **p, char separator, int n)
{
    if (**p != separator) {
        return -1;
    }

    (*p)++;

    return sim_clock_digits(p, n);
}


int64_t
sim_clock_parse(const char *date)
{
    int        ms;
    struct tm  tm = { 0 };

    tm.tm_year = sim_clock_digits(&date, 4) - 1900;
    tm.tm_mon = sim_clock_field(&date, '-', 2) - 1;
    tm.tm_mday = sim_clock_field(&date, '-', 2);

    if (tm.tm_year < 0 || tm.tm_mon < 0 || tm.tm_mday < 0) {
        return -1;
    }

    ms = 0;

    if (*date != '\0') {
        tm.tm_hour = sim_clock_field(&date, 'T', 2);
        tm.tm_min = sim_clock_field(&date, ':', 2);
        tm.tm_sec = sim_clock_field(&date, ':', 2);
        ms = *date == '.' ? sim_clock_field(&date, '.', 3) : 0;
    }

    if (tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0 || ms < 0) {
        return -1;
    }

    return (int64_t) timegm(&tm) * 1000 + ms;
}


void
sim_lock(void)
{
    (void) pthread_mutex_lock(&sim_mutex);
}


void
sim_unlock(void)
{
    (void) pthread_mutex_unlock(&sim_mutex);
}


void
sim_changed(void)
{
    (void) pthread_cond_broadcast(&sim_cond);
}


int
sim_wait(int64_t real_ms)
{
    struct timespec  ts;

    if (sim_stop_flag || real_ms <= 0) {
        return 0;
    }

    if (real_ms > SIM_SLEEP_MAX) {
        real_ms = SIM_SLEEP_MAX;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    ts.tv_sec += (time_t) (real_ms / 1000);
    ts.tv_nsec += (long) (real_ms % 1000) * 1000000;

    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }

    if (pthread_cond_timedwait(&sim_cond, &sim_mutex, &ts) == ETIMEDOUT) {
        return 0;
    }

    return !sim_stop_flag;
}


void
sim_sleep(int64_t real_ms)
{
    int64_t  end;

    if (real_ms <= 0) {
        return;
    }

    end = sim_monotonic() + real_ms;

    sim_lock();

    while (sim_wait(end - sim_monotonic())) {
        /* woken for somebody else */
    }

    sim_unlock();
}


void
sim_stop(void)
{
    sim_lock();
    sim_stop_flag = 1;
    sim_changed();
    sim_unlock();
}


int
sim_stopped(void)
{
    return sim_stop_flag;
}
