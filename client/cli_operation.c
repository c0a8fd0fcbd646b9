/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs operation, and what all commands share that start one.
 */

#include <stdio.h>
#include <string.h>

#include "cli_json.h"
#include "cli_operation.h"
#include "cli_progress.h"
#include "cli_show.h"
#include "cli_term.h"
#include "cli_watch.h"


static cli_exit_e cli_operation_end(cli_t *cli, const char id[37],
    cJSON **doc);
static cli_exit_e cli_operation_ask(cli_t *cli, const char id[37],
    cli_patience_t *patience, cJSON **doc, cli_answer_t *answer);


cli_exit_e
cli_operation(cli_t *cli)
{
    char             id[37];
    cJSON           *doc;
    cli_exit_e       rc;
    cli_answer_t     answer;
    cli_patience_t   patience;

    if (cli_uuid(cli->options.args[0], "operation", id) != IGJ_OK) {
        return CLI_USAGE;
    }

    memset(&patience, 0, sizeof(patience));
    rc = cli_operation_ask(cli, id, &patience, &doc, &answer);

    if (rc == CLI_OK && answer.status == 202 && !cli->options.no_wait) {
        rc = cli_operation_end(cli, id, &doc);
    }

    if (rc == CLI_OK) {
        rc = cli_operation_show(cli, doc);
    }

    cJSON_Delete(doc);

    return rc;
}


cli_exit_e
cli_operation_run(cli_t *cli, const cli_call_t *call, bool wait)
{
    cJSON       *doc;
    cli_exit_e   rc;

    rc = cli_operation_call(cli, call, wait, &doc);

    if (rc == CLI_OK) {
        rc = cli_operation_show(cli, doc);
    }

    cJSON_Delete(doc);

    return rc;
}


cli_exit_e
cli_operation_call(cli_t *cli, const cli_call_t *call, bool wait, cJSON **doc)
{
    char           id[37], line[CLI_COMMAND_MAX];
    cli_exit_e     rc;
    const char    *text;
    cli_answer_t   answer;

    rc = cli_call(cli, call, doc, &answer);

    if (rc != CLI_OK || answer.status != 202) {
        return rc;
    }

    text = cli_json_text(*doc, "operation_id");

    if (cli_uuid(text == NULL ? "" : text, "operation", id) != IGJ_OK) {
        return CLI_FAILED;
    }

    if (wait || cli_job_ended(*doc)) {
        return cli_operation_end(cli, id, doc);
    }

    cli_say("the operation goes on; its answer: %s",
            cli_command_line(cli, "operation", id, line));

    return CLI_OK;
}


/* *doc is the 202, which is replaced by the answer. */

static cli_exit_e
cli_operation_end(cli_t *cli, const char id[37], cJSON **doc)
{
    char             line[CLI_COMMAND_MAX];
    cli_exit_e       rc;
    cli_answer_t     answer;
    cli_patience_t   patience;

    memset(&patience, 0, sizeof(patience));
    patience.watching = true;

    do {
        rc = cli_job_ended(*doc) ? CLI_OK : cli_watch_operation(cli, id);

        if (rc != CLI_OK) {
            cli_say("the operation goes on; its answer: %s",
                    cli_command_line(cli, "operation", id, line));
            return rc;
        }

        cJSON_Delete(*doc);
        rc = cli_operation_ask(cli, id, &patience, doc, &answer);

        if (answer.status == 202) {        /* it was begun again since */
            cli_poll_pause(answer.retry_after);
        }
    } while (rc == CLI_OK && answer.status == 202);

    return rc;
}


static cli_exit_e
cli_operation_ask(cli_t *cli, const char id[37], cli_patience_t *patience,
    cJSON **doc, cli_answer_t *answer)
{
    char        path[CLI_PATH_MAX], line[CLI_COMMAND_MAX];
    cli_exit_e  rc;

    (void) snprintf(path, sizeof(path), "/api/operations/%s", id);
    rc = cli_get_patiently(cli, path, patience, doc, answer);

    if (rc == CLI_JOB_FAILED) {
        cli_note("  %s goes on with what was not done.",
                 cli_command_line(cli, "redrive", id, line));
    }

    return rc;
}


/* The lists are those of create-base and verify-base. */

cli_exit_e
cli_operation_show(const cli_t *cli, const cJSON *doc)
{
    const cJSON  *valid;

    cli_show_members(cli, doc);
    cli_show_inner(cli, doc, "missing_tables");
    cli_show_inner(cli, doc, "extra_tables");
    cli_show_inner(cli, doc, "missing_fields");
    cli_out_flush();

    valid = cJSON_GetObjectItemCaseSensitive(doc, "valid");

    return cJSON_IsFalse(valid) ? CLI_JOB_FAILED : cli_say_errors(doc);
}
