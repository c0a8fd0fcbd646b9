/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the server answers to a submission that is a dry run.
 */

#ifndef CLI_ESTIMATE_H
#define CLI_ESTIMATE_H

#include "cli_ask.h"


/*
 * Writes the answer; place and data are of cli_problem_elements().  CLI_USAGE:
 * the submission would be refused.
 */
cli_exit_e cli_estimate(cli_t *cli, const cli_answer_t *answer,
    cli_place_pt place, void *data);


#endif /* CLI_ESTIMATE_H */
