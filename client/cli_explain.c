/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs explain: what holds a job.
 */

#include <stdio.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_term.h"


static void cli_explain_show(const cJSON *doc);
static void cli_explain_member(const cJSON *doc, const char *title,
    const char *path);


cli_exit_e
cli_explain(cli_t *cli)
{
    char         id[37], path[CLI_PATH_MAX];
    cJSON       *doc;
    cli_exit_e   rc;

    if (cli_job_id(cli->options.args[0], id) != IGJ_OK) {
        return CLI_USAGE;
    }

    (void) snprintf(path, sizeof(path), "/api/jobs/%s/explain", id);
    rc = cli_get(cli, path, &doc);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_explain_show(doc);
    }

    cJSON_Delete(doc);

    return CLI_OK;
}


static void
cli_explain_show(const cJSON *doc)
{
    cli_explain_member(doc, "held by", "cause");
    cli_explain_member(doc, "why", "explanation");
    cli_explain_member(doc, "since", "since");
    cli_explain_member(doc, "until", "until");
    cli_explain_member(doc, "ends about", "eta.p50.at");
    cli_explain_member(doc, "9 of 10 by", "eta.p90.at");
}


/* A line, where there is something to be said. */

static void
cli_explain_member(const cJSON *doc, const char *title, const char *path)
{
    const char  *text;

    text = cJSON_GetStringValue(cli_json_find(doc, path));

    if (text != NULL) {
        cli_out_format("%-11s", title);
        cli_out_text(CLI_PLAIN, text);
        cli_out("\n", 1);
    }
}
