/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs jobs: the newest jobs, page after page.
 */

#include "cli_list.h"
#include "cli_term.h"
#include "cli_url.h"


static const cli_column_t  cli_jobs_columns[] = {
    { "job_id",           "JOB",           false },
    { "state",            "STATE",         false },
    { "progress",         "%",             false },
    { "accounts.total",   "ACCOUNTS",      false },
    { "profiles_scraped", "KEPT",          false },
    { "created_at",       "CREATED (UTC)", true },
    { "operation.name",   "OPERATION",     false },
    { NULL,               NULL,            false }
};


cli_exit_e
cli_jobs(cli_t *cli)
{
    char        path[CLI_PATH_MAX] = "/api/jobs";
    cli_list_t  list = { .path = path, .member = "jobs",
                         .columns = cli_jobs_columns, .what = "jobs",
                         .order = "newest", .more = "--limit" };

    if (cli->options.status != NULL
        && cli_path_parameter("status", cli->options.status, path) != IGJ_OK)
    {
        cli_say("--status is too long");
        return CLI_USAGE;
    }

    return cli_list(cli, &list);
}
