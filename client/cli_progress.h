/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A job's status for people: a bar that is drawn over itself on a terminal,
 * lines elsewhere, and the summary.
 */

#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <cjson/cJSON.h>

#include "cli.h"


typedef struct {
    int   step;                    /* tenths of the progress, last shown */
    char  state[32];
} cli_progress_t;


void cli_progress_init(cli_progress_t *progress);

/* Shows a status document on standard error. */
void cli_progress_show(cli_progress_t *progress, const cJSON *doc);

/* The document in lines on standard output. */
void cli_progress_summary(const cJSON *doc);

/* Whether the document is a job's last one, and the exit status of it. */
bool cli_job_ended(const cJSON *doc);
cli_exit_e cli_job_exit(const cJSON *doc);


#endif /* CLI_PROGRESS_H */
