/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs pool: how many profiles a base has, and how many nobody has used.
 */

#include "cli_call.h"
#include "cli_json.h"
#include "cli_show.h"
#include "cli_term.h"


cli_exit_e
cli_pool(cli_t *cli)
{
    static const char *const  names[] = {
        "base_id", "total", "used", "unused",
        "today.date", "today.added", "today.used", NULL
    };

    char         path[CLI_PATH_MAX] = "/api/global-usernames/stats";
    cJSON       *doc;
    cli_exit_e   rc;

    if (cli_path_base(&cli->options, path) != IGJ_OK) {
        return CLI_USAGE;
    }

    rc = cli_get(cli, path, &doc);

    if (rc != CLI_OK) {
        return rc;
    }

    cli_show_named(cli, doc, names);
    cli_out_flush();

    if (cli_json_integer(doc, "unused") == 0) {
        cli_say("no profile is unused; \"igjobs ingest\" brings further ones");
    }

    cJSON_Delete(doc);

    return CLI_OK;
}
