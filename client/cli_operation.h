/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Calls that the server goes on with as an operation: watched to its end like
 * every job, and their answer.  An interrupt leaves the operation alone.
 */

#ifndef CLI_OPERATION_H
#define CLI_OPERATION_H

#include "cli_call.h"


/*
 * Makes the call and, unless it is not to be waited for, shows the progress of
 * its operation.  CLI_OK: *doc is the answer of the call, or the 202 where
 * nobody waits, freed by the caller; else what went wrong was said.
 */
cli_exit_e cli_operation_call(cli_t *cli, const cli_call_t *call, bool wait,
    cJSON **doc);

/* Prints the document, and says what of it did not go; CLI_JOB_FAILED: there
 * is something. */
cli_exit_e cli_operation_show(const cli_t *cli, const cJSON *doc);

/* Both, one after the other. */
cli_exit_e cli_operation_run(cli_t *cli, const cli_call_t *call, bool wait);


#endif /* CLI_OPERATION_H */
