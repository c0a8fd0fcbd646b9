/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs results: the profiles of a job, page after page; the order of rows
 * never changes, so nothing is read twice or passed over.
 */

#include <stdio.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_list.h"
#include "cli_term.h"


static cli_exit_e cli_results_pages(cli_t *cli, const char *id,
    int64_t most);


static const cli_column_t  cli_results_columns[] = {
    { "id",         "ID",          false },
    { "username",   "USERNAME",    false },
    { "full_name",  "FULL NAME",   false },
    { "created_at", "FOUND (UTC)", true },
    { NULL,         NULL,          false }
};


cli_exit_e
cli_results(cli_t *cli)
{
    char     id[37];
    int64_t  most;

    if (cli_list_check(&cli->options) != IGJ_OK
        || cli_job_id(cli->options.args[0], id) != IGJ_OK)
    {
        return CLI_USAGE;
    }

    most = cli->options.limit < 0 ? CLI_LIMIT_DEFAULT : cli->options.limit;

    return cli_results_pages(cli, id, cli->options.all ? INT64_MAX : most);
}


static cli_exit_e
cli_results_pages(cli_t *cli, const char *id, int64_t most)
{
    char         path[CLI_PATH_MAX];
    cJSON       *doc;
    int64_t      page, rows, size, total;
    cli_exit_e   rc;
    cli_rows_t   out;

    cli_rows_init(&out, &cli->options, cli_results_columns);
    size = most < CLI_PAGE_ROWS ? most : CLI_PAGE_ROWS;
    page = 1;

    do {
        (void) snprintf(path, sizeof(path),
                        "/api/job-results/%s?page=%lld&limit=%lld%s", id,
                        (long long) page++, (long long) size,
                        cli->options.partial ? "&partial=true" : "");
        rc = cli_get(cli, path, &doc);

        if (rc != CLI_OK) {
            return rc;
        }

        total = cli_json_integer(doc, "total");
        rows = cli_rows_page(&out, cJSON_GetObjectItemCaseSensitive(doc,
                             "profiles"), most - out.count);
        cJSON_Delete(doc);
    } while (rows == size && rows > 0 && out.count < most
             && out.count < total);

    if (out.count < total && !cli->options.all && cli->options.limit < 0) {
        cli_say("%lld of %lld results; --all gives all of them",
                (long long) out.count, (long long) total);
    }

    return CLI_OK;
}
