/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Time as it passes.
 */

#ifndef CLI_CLOCK_H
#define CLI_CLOCK_H

#include "cli.h"


/* Milliseconds of a clock that never steps back; never 0. */
int64_t cli_now_ms(void);

/* What was written to standard output is seen meanwhile. */
void cli_wait_ms(int64_t ms);


#endif /* CLI_CLOCK_H */
