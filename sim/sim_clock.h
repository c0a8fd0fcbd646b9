/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The simulator's time, its one lock and its one condition.
 *
 * Actors live on the actor clock: milliseconds since start, multiplied by
 * --speed, plus what POST /_sim/advance added.  Clients wait, and faults last,
 * in real milliseconds.  Dates in answers are real dates.
 *
 * Every request has its own thread.  All shared state (runs, rules, journal)
 * is read and changed under sim_lock(); nothing slow happens there.
 */

#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

#include "sim_text.h"

#define SIM_NEVER         INT64_MAX
#define SIM_DATE_LENGTH   25     /* 2026-01-31T23:59:59.123Z and a NUL */

/* Sets time 0.  speed > 0.  Called once, before any thread. */
void sim_clock_init(double speed);

/* Actor clock, ms. */
int64_t sim_clock_now(void);

/* Real milliseconds that actor_ms of the actor clock take. */
int64_t sim_clock_real(int64_t actor_ms);

/* Unix time, ms. */
int64_t sim_clock_unix(void);

/* Moves the actor clock ahead and wakes everybody who waits. */
void sim_clock_advance(int64_t ms);

/* Writes a date as the API spells it. */
void sim_clock_date(int64_t unix_ms, char date[SIM_DATE_LENGTH]);

/* Reads such a date; time of day and fraction may be missing; -1 if wrong. */
int64_t sim_clock_parse(const char *date);

void sim_lock(void);
void sim_unlock(void);

/* Wakes all waiting threads; the lock may or may not be held. */
void sim_changed(void);

/*
 * Gives the lock up until sim_changed() or for real_ms; returns 0 when the
 * time is over or the program stops, else 1.  The lock is held.
 */
int sim_wait(int64_t real_ms);

/* Sleeps for real_ms without the lock; returns early only at the stop. */
void sim_sleep(int64_t real_ms);

/* Ends all waits and sleeps for good. */
void sim_stop(void);
int sim_stopped(void);

#endif
