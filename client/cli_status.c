/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs status: one look at a job.
 */

#include <stdio.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_progress.h"


cli_exit_e
cli_status(cli_t *cli)
{
    char         id[37], path[CLI_PATH_MAX];
    cJSON       *doc;
    cli_exit_e   rc;

    if (cli_job_id(cli->options.args[0], id) != IGJ_OK) {
        return CLI_USAGE;
    }

    (void) snprintf(path, sizeof(path), "/api/job-status/%s", id);
    rc = cli_get(cli, path, &doc);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_progress_summary(doc);
    }

    rc = cli_job_exit(doc);
    cJSON_Delete(doc);

    return rc;
}
