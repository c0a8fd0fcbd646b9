/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs jobs: the newest jobs, page after page.
 */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_rows.h"
#include "cli_term.h"
#include "cli_url.h"


#define CLI_JOBS_TOKEN_MAX  512


static int cli_jobs_path(const cli_options_t *options, const char *token,
    int64_t size, char path[CLI_PATH_MAX]);


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
    char         path[CLI_PATH_MAX], token[CLI_JOBS_TOKEN_MAX];
    cJSON       *doc;
    int64_t      most;
    cli_exit_e   rc;
    const char  *next;
    cli_rows_t   out;

    most = cli->options.limit < 0 ? CLI_LIMIT_DEFAULT : cli->options.limit;
    cli_rows_init(&out, &cli->options, cli_jobs_columns);
    token[0] = '\0';

    do {
        if (cli_jobs_path(&cli->options, token, most - out.count, path)
            != IGJ_OK)
        {
            cli_say("--status is too long");
            return CLI_USAGE;
        }

        rc = cli_get(cli, path, &doc);

        if (rc != CLI_OK) {
            return rc;
        }

        (void) cli_rows_page(&out, cJSON_GetObjectItemCaseSensitive(doc,
                             "jobs"), most - out.count);
        next = cli_json_text(doc, "next_page_token");
        (void) snprintf(token, sizeof(token), "%s", next == NULL ? "" : next);
        cJSON_Delete(doc);
    } while (token[0] != '\0' && out.count < most);

    if (token[0] != '\0' && cli->options.limit < 0) {
        cli_say("the newest %lld; --limit gives more", (long long) out.count);
    }

    return CLI_OK;
}


static int
cli_jobs_path(const cli_options_t *options, const char *token, int64_t size,
    char path[CLI_PATH_MAX])
{
    size = size > CLI_PAGE_ROWS ? CLI_PAGE_ROWS : size < 1 ? 1 : size;
    (void) snprintf(path, CLI_PATH_MAX, "/api/jobs?page_size=%lld",
                    (long long) size);

    if (options->status != NULL
        && cli_path_parameter("status", options->status, path) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    return token[0] == '\0' ? IGJ_OK
                            : cli_path_parameter("page_token", token, path);
}
