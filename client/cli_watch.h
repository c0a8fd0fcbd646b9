/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Watching a job to its end, however often the connection or the server is
 * lost.  An interrupt ends the watching and leaves the job alone.
 */

#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli.h"


cli_exit_e cli_watch_job(cli_t *cli, const char id[37]);

/* Shows the progress alone, also with --json; CLI_OK: the operation has ended,
 * well or not. */
cli_exit_e cli_watch_operation(cli_t *cli, const char id[37]);


#endif /* CLI_WATCH_H */
